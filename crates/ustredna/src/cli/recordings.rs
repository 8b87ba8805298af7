//! `ustredna recordings`.

mod verify;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use exchange::model::{CallId, LegId};
use serde::Serialize;
use store::RecordingRow;

use super::{calls::length, desk::Desk, filter::Listing};

pub(super) const EXAMPLES: &str = "\
Paths are below recordings.dir. --since and --until are of the call's arrival.

Examples:
  ustredna recordings --since 2026-11-22
  ustredna recordings --json | jq -r 'select(.verdict != \"ok\") | .path'
  ustredna recordings verify";

#[derive(Debug, Args)]
pub(super) struct Recordings {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: Listing,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the recordings, the newest first
    List(Listing),
    /// Check every recording in the database on disk, and every file on disk against the database
    #[command(after_help = verify::HELP)]
    Verify(verify::Verify),
}

#[derive(Serialize)]
struct RecordingJson {
    call: CallId,
    leg: LegId,
    path: String,
    seconds: Option<f64>,
    bytes: Option<u64>,
    channels: Option<u16>,
    sha256: Option<String>,
    verdict: String,
}

impl From<RecordingRow> for RecordingJson {
    fn from(recording: RecordingRow) -> Self {
        Self {
            call: recording.call,
            leg: recording.leg,
            path: recording.path,
            seconds: recording.seconds,
            bytes: recording.bytes,
            channels: recording.channels,
            sha256: recording.sha256,
            verdict: recording.verdict,
        }
    }
}

impl Recordings {
    /// Whether options of the list stand before another word, where they would mean nothing.
    pub(super) fn misplaced(&self) -> bool {
        self.action.is_some() && self.list != Listing::default()
    }

    pub(super) async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<ExitCode> {
        match self.action.unwrap_or(Action::List(self.list)) {
            Action::List(listing) => list(&listing, desk).await.map(|()| ExitCode::SUCCESS),
            Action::Verify(verify) => verify.run(desk).await,
        }
    }
}

async fn list(listing: &Listing, desk: &mut Desk<'_>) -> anyhow::Result<()> {
    let filter = listing.filter(desk)?;
    let recordings = desk.store().await?.recordings(&filter).await?;
    if listing.json {
        return desk.json(recordings.into_iter().map(RecordingJson::from));
    }
    let count = recordings.len();
    let rows: Vec<_> = recordings
        .into_iter()
        .map(|recording| {
            [
                recording.verdict.replace('_', " "),
                recording.seconds.map(length).unwrap_or_default(),
                recording.bytes.map(|bytes| bytes.to_string()).unwrap_or_default(),
                recording.path,
            ]
        })
        .collect();
    desk.table(["VERDICT", "LENGTH", "BYTES", "PATH"], rows, "No such recordings.")?;
    Ok(listing.tell_cut(desk, count)?)
}
