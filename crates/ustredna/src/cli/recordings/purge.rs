//! `ustredna recordings purge`: what is too old goes.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use exchange::model::CallId;
use serde::Serialize;

use super::size;
use crate::{
    cli::{
        desk::Desk,
        table::Column::{Text, Whole},
    },
    retention::{self, Due, Fate},
};

pub(super) const HELP: &str = "\
How long recordings are kept is set in recordings.retention, for all and by project; `serve` deletes
every night what is older. Recording and sidecar are removed; the row stays and tells when and why.
What is held, not yet verified, of a call in progress or unknown to the database is left alone. Exit
code 1 if something could not be deleted.

Examples:
  ustredna recordings purge --dry-run
  ustredna recordings purge --json | jq -r .path
  ustredna recordings --deleted";

#[derive(Debug, Args)]
pub(super) struct Purge {
    /// Tell what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
    /// One JSON object a line for each recording
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Told {
    call: CallId,
    path: String,
    bytes: u64,
    because: String,
    /// Whether it is deleted now.
    deleted: bool,
    /// Why it is not.
    problem: Option<String>,
}

impl Told {
    fn new(due: Due, deleted: Option<u64>, problem: Option<String>) -> Self {
        Self {
            call: due.recording.call,
            path: due.recording.path.into_revealed(),
            bytes: deleted.or(due.recording.bytes).unwrap_or_default(),
            because: due.because,
            deleted: deleted.is_some(),
            problem,
        }
    }
}

impl Purge {
    pub(super) async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<ExitCode> {
        let settings = &desk.settings.recordings;
        if !settings.retention.is_set() {
            if !self.json {
                desk.line("Recordings are kept for ever: set recordings.retention.")?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let dir = std::path::absolute(&settings.dir)
            .context("recordings.dir: the current folder cannot be told")?;
        let store = desk.store().await?;
        let mut told = Vec::new();
        for due in retention::due(&store, &settings.retention, desk.now).await? {
            if self.dry_run {
                told.push(Told::new(due, None, None));
                continue;
            }
            match retention::delete(&store, &dir, &due, desk.now).await {
                Ok(Fate::Deleted(deleted)) => told.push(Told::new(due, Some(deleted.bytes), None)),
                Ok(Fate::Kept) => {}
                Err(error) => told.push(Told::new(due, None, Some(format!("{error:#}")))),
            }
        }
        let failed = told.iter().filter(|told| told.problem.is_some()).count();
        if self.json {
            desk.json(told)?;
        } else {
            self.tell(desk, &told, failed)?;
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn tell(&self, desk: &mut Desk<'_>, told: &[Told], failed: usize) -> anyhow::Result<()> {
        let gone: Vec<_> = told.iter().filter(|told| told.problem.is_none()).collect();
        if !told.is_empty() {
            let rows = told.iter().map(|told| {
                let why = told.problem.as_ref().unwrap_or(&told.because);
                [size(told.bytes), why.clone(), told.path.clone()]
            });
            desk.table([Whole("SIZE"), Text("BECAUSE"), Whole("PATH")], rows, "")?;
        }
        let (count, bytes) = (gone.len(), size(gone.iter().map(|told| told.bytes).sum()));
        let failed = match failed {
            0 => String::new(),
            failed => format!(", {failed} could not be"),
        };
        let verb = if self.dry_run { "would be deleted" } else { "deleted" };
        desk.line(&format!("Recordings: {count} {verb} ({bytes}){failed}."))?;
        Ok(())
    }
}
