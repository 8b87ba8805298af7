//! `ustredna recordings`.

mod archive;
mod chain;
mod hold;
mod purge;
mod verify;

use std::process::ExitCode;

use ::recordings::{Gap, Hold, Level, Media, Side, silent_side};
use clap::{Args, Subcommand};
use exchange::model::{CallId, LegId};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use store::RecordingRow;

use super::{
    calls::length,
    desk::Desk,
    filter::Listing,
    table::Column::{Text, Time, Whole},
};

pub(super) const EXAMPLES: &str = "\
Paths are below recordings.dir. --since and --until are of the call's arrival.

Examples:
  ustredna recordings --since 2026-11-22
  ustredna recordings --json | jq -r 'select(.verdict != \"ok\") | .path'
  ustredna recordings verify
  ustredna recordings --deleted --since 30d
  ustredna recordings hold 0f8b2a4e-6c3d-4b8e-9f10-2a3b4c5d6e7f --because \"complaint 17\"
  ustredna recordings purge --dry-run";

const LIST: &str = "\
Paths are below recordings.dir. --since and --until are of the call's arrival.

Examples:
  ustredna recordings list --since 2026-11-22
  ustredna recordings list --deleted --since 30d
  ustredna recordings list --json | jq -r 'select(.verdict != \"ok\") | .path'";

#[derive(Debug, Args)]
pub(super) struct Recordings {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Default, PartialEq, Args)]
struct List {
    #[command(flatten)]
    listing: Listing,
    /// Only those whose file was deleted, with when and why
    #[arg(long)]
    deleted: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the recordings, the newest first
    #[command(after_help = LIST)]
    List(List),
    /// Check every recording in the database on disk, and every file on disk against the database
    #[command(after_help = verify::HELP)]
    Verify(verify::Verify),
    /// Tell the chain of all that was found out about recordings, for those who keep a copy
    #[command(after_help = chain::HELP)]
    Chain(chain::Chain),
    /// Delete the recordings that are older than recordings.retention lets them be
    #[command(after_help = purge::HELP)]
    Purge(purge::Purge),
    /// Keep a recording, or all of a call, from being deleted and archived
    #[command(after_help = hold::HELP)]
    Hold(hold::Hold),
    /// Let a held recording, or all of a call, be deleted and archived again
    #[command(after_help = hold::HELP)]
    Release(hold::Release),
    /// Make the recordings older than recordings.archive says FLAC files; no sample is lost
    #[command(after_help = archive::HELP)]
    Archive(archive::Archive),
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
    levels: Option<Box<RawValue>>,
    problem: Option<String>,
    gaps: Vec<Gap>,
    holds: Vec<Hold>,
    verified_at: Option<Timestamp>,
    archived_at: Option<Timestamp>,
    held: Option<Since>,
    deleted: Option<Since>,
}

/// When something was done, and why.
#[derive(Serialize)]
struct Since {
    at: Timestamp,
    because: Option<String>,
}

impl From<RecordingRow> for RecordingJson {
    fn from(recording: RecordingRow) -> Self {
        let since = |at: Option<Timestamp>, because| at.map(|at| Since { at, because });
        Self {
            call: recording.call,
            leg: recording.leg,
            path: recording.path.into_revealed(),
            seconds: recording.seconds,
            bytes: recording.bytes,
            channels: recording.channels,
            sha256: recording.sha256,
            verdict: recording.verdict,
            levels: recording.levels.and_then(|levels| RawValue::from_string(levels).ok()),
            problem: recording.problem,
            gaps: gaps(recording.gaps.as_deref()),
            holds: holds(recording.media.as_deref(), recording.seconds),
            verified_at: recording.verified_at,
            archived_at: recording.archived_at,
            held: since(recording.held_at, recording.held_because),
            deleted: since(recording.deleted_at, recording.deleted_because),
        }
    }
}

impl Recordings {
    /// Whether options of the list stand before another word, where they would mean nothing.
    pub(super) fn misplaced(&self) -> bool {
        self.action.is_some() && self.list != List::default()
    }

    pub(super) async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<ExitCode> {
        match self.action.unwrap_or(Action::List(self.list)) {
            Action::List(list) => list.run(desk).await.map(|()| ExitCode::SUCCESS),
            // By far the largest of all commands.
            Action::Verify(verify) => Box::pin(verify.run(desk)).await,
            Action::Chain(chain) => chain.run(desk).await.map(|()| ExitCode::SUCCESS),
            Action::Purge(purge) => purge.run(desk).await,
            Action::Hold(hold) => hold.run(desk).await.map(|()| ExitCode::SUCCESS),
            Action::Release(release) => release.run(desk).await.map(|()| ExitCode::SUCCESS),
            Action::Archive(archive) => archive.run(desk).await,
        }
    }
}

impl List {
    async fn run(&self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let (store, filter) = self.listing.open(desk).await?;
        let recordings = if self.deleted {
            store.deleted_recordings(&filter).await?
        } else {
            store.recordings(&filter).await?
        };
        if self.listing.json {
            return desk.json(recordings.into_iter().map(RecordingJson::from));
        }
        let count = recordings.len();
        if self.deleted {
            let rows: Vec<_> = recordings
                .into_iter()
                .map(|row| {
                    let because = row.deleted_because.unwrap_or_default();
                    [desk.local_opt(row.deleted_at), because, row.path.into_revealed()]
                })
                .collect();
            desk.table(
                [Time("DELETED"), Text("BECAUSE"), Whole("PATH")],
                rows,
                "No such recordings.",
            )?;
        } else {
            let rows: Vec<_> = recordings.into_iter().map(told).collect();
            let columns =
                [Whole("VERDICT"), Whole("LENGTH"), Whole("BYTES"), Whole("KEPT"), Whole("PATH")];
            desk.table(columns, rows, "No such recordings.")?;
        }
        Ok(self.listing.tell_cut(desk, count)?)
    }
}

fn told(recording: RecordingRow) -> [String; 5] {
    let kept = if recording.deleted_at.is_some() {
        "deleted"
    } else if recording.held_at.is_some() {
        "held"
    } else {
        ""
    };
    let levels = recording.levels.as_deref();
    let levels: Vec<Level> =
        levels.and_then(|levels| serde_json::from_str(levels).ok()).unwrap_or_default();
    // Whose: in every list, since it is the first thing one wants to know.
    let verdict = match recording.verdict.as_str() {
        "one_sided" => silent_side(&levels).map(|side| format!("one sided, {side} silent")),
        "broken" => cut_side(&gaps(recording.gaps.as_deref())),
        _ => None,
    };
    let verdict = verdict.unwrap_or_else(|| recording.verdict.replace('_', " "));
    [
        verdict,
        recording.seconds.map(length).unwrap_or_default(),
        recording.bytes.map(|bytes| bytes.to_string()).unwrap_or_default(),
        kept.to_owned(),
        recording.path.into_revealed(),
    ]
}

fn gaps(json: Option<&str>) -> Vec<Gap> {
    json.and_then(|gaps| serde_json::from_str(gaps).ok()).unwrap_or_default()
}

fn holds(media: Option<&str>, seconds: Option<f64>) -> Vec<Hold> {
    let media: Option<Media> = media.and_then(|media| serde_json::from_str(media).ok());
    media.map(|media| media.holds(seconds.unwrap_or_default())).unwrap_or_default()
}

/// Whose sound is missing.
fn cut_side(gaps: &[Gap]) -> Option<String> {
    let of = |side| gaps.iter().any(|gap| gap.side == side);
    match (of(Side::Shopper), of(Side::Dealer)) {
        (true, true) => Some("broken, both cut".to_owned()),
        (true, false) => Some("broken, shopper cut".to_owned()),
        (false, true) => Some("broken, dealer cut".to_owned()),
        (false, false) => None,
    }
}

/// Bytes as people say them.
pub(super) fn size(bytes: u64) -> String {
    let units = [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)];
    match units.into_iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", bytes / unit, bytes % unit / (unit / 10)),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_told_as_people_say_them() {
        let told = [0, 999, 1000, 48_100, 479_628, 1_999_999_999, u64::MAX].map(size);
        assert_eq!(
            told,
            ["0 B", "999 B", "1.0 kB", "48.1 kB", "479.6 kB", "1.9 GB", "18446744.0 TB"]
        );
    }
}
