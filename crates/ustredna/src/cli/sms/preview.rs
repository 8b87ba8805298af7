//! `ustredna sms preview`.

use std::io::{self, Write as _};

use clap::Args;
use exchange::model::Language;
use serde::Serialize;
use sms::Alphabet;

use super::super::{
    desk::Desk,
    table::Column::{Text, Whole},
};
use crate::{
    sms_gateway,
    texts::{Sample, Texts},
};

pub(super) const EXAMPLES: &str = "\
Nothing is sent. AT MOST is what the longest numbers and names would take; a message is paid by its
segments.

Examples:
  ustredna sms preview
  ustredna sms preview --config /etc/ustredna.toml
  ustredna sms preview --json | jq 'select(.longest_segments > 1) | .kind'";

#[derive(Debug, Args)]
pub(super) struct Preview {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct SampleJson {
    language: Language,
    kind: &'static str,
    text: String,
    alphabet: Alphabet,
    units: usize,
    segments: usize,
    longest_segments: usize,
}

impl From<Sample> for SampleJson {
    fn from(sample: Sample) -> Self {
        Self {
            language: sample.language,
            kind: sample.kind.as_str(),
            text: sample.text,
            alphabet: sample.counted.alphabet,
            units: sample.counted.units,
            segments: sample.counted.segments,
            longest_segments: sample.longest,
        }
    }
}

impl Preview {
    pub(super) fn run(&self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let samples = Texts::new(desk.settings)?.samples(desk.now);
        // The texts are right all the same, but none would go out.
        if let Some(fault) = sms_gateway::fault(&desk.settings.sms) {
            let _ = writeln!(io::stderr(), "warning: the SMS gateway will not start: {fault:#}");
        }
        if self.json {
            return desk.json(samples.into_iter().map(SampleJson::from));
        }
        let rows = samples.into_iter().map(|sample| {
            [
                sample.language.to_string(),
                sample.kind.as_str().to_owned(),
                sample.counted.alphabet.as_str().to_owned(),
                sample.counted.units.to_string(),
                sample.counted.segments.to_string(),
                sample.longest.to_string(),
                sample.text,
            ]
        });
        let columns = [
            Whole("LANGUAGE"),
            Whole("KIND"),
            Whole("ALPHABET"),
            Whole("LENGTH"),
            Whole("SEGMENTS"),
            Whole("AT MOST"),
            Text("TEXT"),
        ];
        Ok(desk.table(columns, rows, "There are no texts.")?)
    }
}
