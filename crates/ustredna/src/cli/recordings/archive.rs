//! `ustredna recordings archive`: old recordings as FLAC.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::size;
use crate::{
    archive,
    cli::{
        desk::Desk,
        table::Column::{Text, Whole},
    },
};

pub(super) const HELP: &str = "\
After how many days is set in recordings.archive; `serve` does it every night. Each file is decoded
again and held against the WAV sample by sample before the WAV goes. What is held, not yet verified,
changed since or of a call in progress is left alone. Exit code 1 if something could not be archived.

Examples:
  ustredna recordings archive --dry-run
  ustredna recordings archive";

#[derive(Debug, Args)]
pub(super) struct Archive {
    /// Tell what would be archived, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Archive {
    pub(super) async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<ExitCode> {
        let settings = &desk.settings.recordings;
        if settings.archive.after_days == 0 {
            desk.line("Recordings stay WAV files: set recordings.archive.")?;
            return Ok(ExitCode::SUCCESS);
        }
        let dir = std::path::absolute(&settings.dir)
            .context("recordings.dir: the current folder cannot be told")?;
        let store = desk.store().await?;
        if self.dry_run {
            let due = archive::due(&store, &settings.archive, desk.now).await?;
            let bytes = size(due.iter().filter_map(|row| row.bytes).sum());
            if !due.is_empty() {
                desk.table(
                    [Whole("PATH")],
                    due.iter().map(|row| [row.path.reveal().to_owned()]),
                    "",
                )?;
            }
            desk.line(&format!("Recordings: {} would be archived ({bytes}).", due.len()))?;
            return Ok(ExitCode::SUCCESS);
        }
        let done = archive::run(&store, &dir, &settings.archive, desk.now, || true).await?;
        let archive::Archived { count, before, after, problems } = done;
        let failed = problems.len();
        let told = if failed == 0 {
            String::new()
        } else {
            let rows = problems
                .into_iter()
                .map(|(row, error)| [format!("{error:#}"), row.path.into_revealed()]);
            desk.table([Text("PROBLEM"), Whole("PATH")], rows, "")?;
            format!(", {failed} could not be")
        };
        let (before, after) = (size(before), size(after));
        desk.line(&format!("Recordings: {count} archived ({before} became {after}){told}."))?;
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
