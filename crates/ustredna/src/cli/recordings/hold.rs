//! `ustredna recordings hold` and `release`: what must not be deleted, whatever its age.

use std::path::Path;

use clap::Args;
use recordings::{Format, RecordingName};
use store::{Filter, RecordingRow, Store};

use crate::{cli::desk::Desk, text};

pub(super) const HELP: &str = "\
A recording is named by its path (as `ustredna recordings` prints it, or on disk), a call by its id.
`ustredna recordings` shows what is held.

Examples:
  ustredna recordings hold 0f8b2a4e-6c3d-4b8e-9f10-2a3b4c5d6e7f --because \"complaint 17\"
  ustredna recordings release 0f8b2a4e-6c3d-4b8e-9f10-2a3b4c5d6e7f";

#[derive(Debug, Args)]
pub(super) struct Hold {
    /// The path of a recording, or the id of a call
    #[arg(value_name = "PATH|CALL")]
    which: String,
    /// Why it must be kept
    #[arg(long, value_name = "WHY", value_parser = reason, allow_hyphen_values = true)]
    because: String,
}

#[derive(Debug, Args)]
pub(super) struct Release {
    /// The path of a recording, or the id of a call
    #[arg(value_name = "PATH|CALL")]
    which: String,
}

fn reason(written: &str) -> Result<String, String> {
    text::read(written).map_err(|why| format!("{why}: say why, for those who ask later"))
}

impl Hold {
    pub(super) async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let store = desk.store().await?;
        let mut held = 0;
        for row in named(&store, &self.which).await? {
            held += usize::from(store.hold_recording(row.leg, &self.because, desk.now).await?);
        }
        anyhow::ensure!(held > 0, "`{}` was deleted already", self.which);
        Ok(desk.line(&format!("Recordings held: {held}."))?)
    }
}

impl Release {
    pub(super) async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let store = desk.store().await?;
        let mut released = 0;
        for row in named(&store, &self.which).await? {
            released += usize::from(store.release_recording(row.leg).await?);
        }
        anyhow::ensure!(released > 0, "`{}` is not held", self.which);
        Ok(desk.line(&format!("Recordings released: {released}."))?)
    }
}

/// The recordings that are meant; at least one.
async fn named(store: &Store, which: &str) -> anyhow::Result<Vec<RecordingRow>> {
    // Whoever wrote the name down may have done so before it was archived.
    let stem = |path: &str| {
        RecordingName::parse(Path::new(path)).map(|name| name.in_format(Format::Wav).relative())
    };
    let path = stem(which);
    let rows = store.recordings(&Filter::default()).await?;
    let named: Vec<_> = rows
        .into_iter()
        .filter(|row| {
            row.path.reveal() == which
                || row.call.to_string().eq_ignore_ascii_case(which)
                || (path.is_some() && stem(row.path.reveal()) == path)
        })
        .collect();
    anyhow::ensure!(
        !named.is_empty(),
        "no recording `{which}`: name the path that `ustredna recordings` prints, or the whole id \
         of a call"
    );
    Ok(named)
}
