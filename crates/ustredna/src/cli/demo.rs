//! `ustredna demo`.

use std::{io, path::PathBuf};

use clap::Args;
use exchange::model::Language;

use crate::demo;

pub(super) const HELP: &str = "\
Needs nothing: no FreeSWITCH, no settings, no database. Plays the manual's story with simulated
phones in about a minute, checks every step of it, lists what was stored and leaves the recordings
for listening. Exit code 1 if anything comes out otherwise than told. Times are shorter than in
life: a phone rings for 4 seconds, and the SMS about a missed call comes after 3.

With --interactive you are the shopper, and a second row of keys is the dealer; your phone rings
for 20 seconds. It needs a terminal; Esc or Ctrl-C leaves.

Examples:
  ustredna demo
  ustredna demo --interactive
  ustredna demo --language en --dir demo-in-english";

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Play it yourself: the keyboard is the phones
    #[arg(long)]
    interactive: bool,
    /// Where everything is left [default: a new folder for temporary files]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// The shopper's language, cs or en
    #[arg(long, default_value_t = Language::Czech, value_name = "LANGUAGE")]
    language: Language,
}

impl Demo {
    pub(super) async fn run(self, out: &mut dyn io::Write) -> anyhow::Result<()> {
        let Self { interactive, dir, language } = self;
        demo::run(demo::Options { interactive, dir, language }, out).await
    }
}
