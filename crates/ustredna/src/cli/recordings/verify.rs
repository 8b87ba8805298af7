//! `ustredna recordings verify`: the database and the disk held against each other.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use exchange::{
    model::{CallId, LegId},
    recording::hidden,
};
use futures::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use recordings::{
    FolderError, Format, InspectError, Proof, Recording, RecordingName, Sidecar, Verdict,
};
use serde::Serialize;
use store::{CallRow, DamagedRow, Filter, RecordingRow, Store};
use tokio::task::spawn_blocking;

use crate::cli::{
    desk::Desk,
    table::Column::{Text, Whole},
};

pub(super) const HELP: &str = "\
Every file is decoded to its end. Damaged headers are repaired, verdicts in the database and in
the .json beside the recording are brought up to date, recordings of calls that go on are left
alone, and so are those that were deleted. Exit code 1 if any recording falls short: it is missing,
silent, one-sided or too short, it has changed since it was verified, it is there again although it
was deleted, or the database does not know it.

Examples:
  ustredna recordings verify
  ustredna recordings verify --json | jq -r .path";

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// One JSON object a line for each recording that falls short
    #[arg(long)]
    json: bool,
}

/// A recording that falls short.
#[derive(Serialize)]
struct Shortcoming {
    call: Option<CallId>,
    path: String,
    /// A verdict, or `changed`, `unreadable`, `unknown` (not in the database) or `came_back` (was
    /// deleted).
    verdict: &'static str,
    problem: Option<String>,
}

impl Verify {
    pub(super) async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<ExitCode> {
        let dir = std::path::absolute(&desk.settings.recordings.dir)
            .context("recordings.dir: the current folder cannot be told")?;
        let store = desk.store().await?;
        let (house, unreadable) = House::read(&store, &dir).await?;
        let in_progress = house.in_progress;

        let (checked, mut short) = check(&store, house.jobs, &dir, desk.now).await?;
        let in_order = checked - short.len();
        short.extend(house.unknown);
        short.extend(unreadable);
        // The recordings and talks that cannot be told are as good as missing.
        short.extend(store.damage().into_iter().map(|DamagedRow { table, id, column }| {
            Shortcoming {
                call: None,
                path: String::new(),
                verdict: "unreadable",
                problem: Some(format!("damaged row: table {table}, id {id}, column {column}")),
            }
        }));

        if self.json {
            desk.json(&short)?;
        } else {
            let rows = short.iter().map(|found| {
                let problem = found.problem.clone().unwrap_or_default();
                [found.verdict.replace('_', " "), problem, found.path.clone()]
            });
            if !short.is_empty() {
                desk.table([Whole("VERDICT"), Text("PROBLEM"), Whole("PATH")], rows, "")?;
            }
            let left_alone = match in_progress {
                0 => String::new(),
                count => format!(", {count} of calls in progress left alone"),
            };
            let fall_short = short.len();
            desk.line(&format!(
                "Recordings: {checked} checked, {in_order} in order, {fall_short} falling short{left_alone}."
            ))?;
        }
        Ok(if short.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

struct Job {
    row: RecordingRow,
    talk: Option<Duration>,
}

/// What is there on either side.
struct House {
    jobs: Vec<Job>,
    in_progress: usize,
    unknown: Vec<Shortcoming>,
}

impl House {
    /// The disk is read first, then the calls, then the recordings: so a call that ends meanwhile
    /// is one in progress and no file of its is taken for unknown.
    async fn read(store: &Store, dir: &Path) -> anyhow::Result<(Self, Vec<Shortcoming>)> {
        let root = dir.to_owned();
        let files: Vec<_> = spawn_blocking(move || recordings::scan(&root).collect()).await?;
        let calls = store.calls(&Filter::default()).await?;
        let rows = store.recordings(&Filter::default()).await?;

        // While a recording is archived it is there twice.
        let known: HashMap<RecordingName, &RecordingRow> = rows
            .iter()
            .filter_map(|row| Some((wav_name(Path::new(row.path.reveal()))?, row)))
            .collect();
        let open: HashSet<String> = calls
            .iter()
            .filter(|call| call.ended_at.is_none())
            .map(|call| call.id.to_string().chars().take(8).collect())
            .collect();
        let (mut unknown, mut unreadable) = (Vec::new(), Vec::new());
        for file in files {
            match file {
                Ok((name, _)) => unknown.extend(match known.get(&name.in_format(Format::Wav)) {
                    Some(row) => came_back(row, &name),
                    None if open.contains(name.call_prefix()) => None,
                    None => Some(Shortcoming {
                        call: None,
                        path: name.relative(),
                        verdict: "unknown",
                        problem: Some("the database does not know this file".to_owned()),
                    }),
                }),
                // Nothing was recorded yet; what should be there is missed below.
                Err(FolderError::Missing(_)) => {}
                Err(error) => unreadable.push(Shortcoming {
                    call: None,
                    path: dir.display().to_string(),
                    verdict: "unreadable",
                    problem: Some(error.to_string()),
                }),
            }
        }
        let talks = talks(&calls);
        let rows: Vec<_> = rows.into_iter().filter(|row| row.deleted_at.is_none()).collect();
        let all = rows.len();
        let jobs: Vec<_> = rows
            .into_iter()
            .filter_map(|row| Some(Job { talk: *talks.get(&row.leg)?, row }))
            .collect();
        Ok((Self { in_progress: all - jobs.len(), jobs, unknown }, unreadable))
    }
}

fn wav_name(path: &Path) -> Option<RecordingName> {
    Some(RecordingName::parse(path)?.in_format(Format::Wav))
}

/// A file that should not be there any more.
fn came_back(row: &RecordingRow, name: &RecordingName) -> Option<Shortcoming> {
    row.deleted_at?;
    let because = row.deleted_because.as_deref().unwrap_or("nobody wrote why");
    Some(Shortcoming {
        call: Some(row.call),
        path: name.relative(),
        verdict: "came_back",
        problem: Some(format!("it was deleted ({because}) and is there again: remove it")),
    })
}

/// The length of each talk that is over.
fn talks(calls: &[CallRow]) -> HashMap<LegId, Option<Duration>> {
    calls
        .iter()
        .filter(|call| call.ended_at.is_some())
        .flat_map(|call| &call.attempts)
        .map(|leg| (leg.id, Duration::try_from_secs_f64(leg.talk_seconds).ok()))
        .collect()
}

async fn check(
    store: &Store,
    jobs: Vec<Job>,
    dir: &Path,
    now: Timestamp,
) -> anyhow::Result<(usize, Vec<Shortcoming>)> {
    let bar = ProgressBar::new(jobs.len() as u64);
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} recordings, {eta} left")?);
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let looks = futures::stream::iter(jobs).map(|job| {
        let path = job.row.path.in_dir(dir);
        async move {
            let talk = job.talk;
            let found = spawn_blocking(move || recordings::verify(&path, talk)).await;
            (job, found)
        }
    });
    let mut looks = looks.buffered(at_once);
    let (mut checked, mut short) = (0, Vec::new());
    while let Some((job, found)) = looks.next().await {
        checked += 1;
        short.extend(settle(store, job, found?, dir, now).await?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((checked, short))
}

/// Stores what was found, and tells it if it falls short. What was archived or deleted since the
/// rows were read is not missing.
async fn settle(
    store: &Store,
    Job { mut row, talk }: Job,
    mut found: Result<Proof, InspectError>,
    dir: &Path,
    now: Timestamp,
) -> anyhow::Result<Option<Shortcoming>> {
    if found.as_ref().is_ok_and(|proof| proof.verdict == Verdict::Missing)
        && let Some(fresh) = store.recording(row.leg).await?
    {
        if fresh.deleted_at.is_some() {
            return Ok(None);
        }
        if fresh.path != row.path {
            let path = fresh.path.in_dir(dir);
            found = spawn_blocking(move || recordings::verify(&path, talk)).await?;
            row = fresh;
        }
    }
    let short = |row: RecordingRow, verdict, problem| {
        Ok(Some(Shortcoming {
            call: Some(row.call),
            path: row.path.into_revealed(),
            verdict,
            problem,
        }))
    };
    let proof = match found {
        Ok(proof) => proof,
        Err(error) => return short(row, "unreadable", Some(error.to_string())),
    };
    let seen = proof.inspection.as_ref();
    let other_file = seen.is_some_and(|seen| {
        !seen.repaired && row.sha256.as_ref().is_some_and(|sha256| *sha256 != seen.sha256)
    });
    if other_file {
        // The checksum of what was verified is kept: it is the evidence. What fell short must not come
        // out right by another file, either.
        let problem = "its checksum is not the one it had when it was verified";
        return short(row, "changed", Some(problem.to_owned()));
    }
    // A header that was put right once is in order ever after.
    let repaired_once = row.verdict == Verdict::Repaired.as_str();
    let verdict = if proof.verdict == Verdict::Ok && repaired_once {
        Verdict::Repaired
    } else {
        proof.verdict
    };
    // Why it falls short may be known since the talk alone.
    let problem =
        proof.problem.clone().or_else(|| row.problem.clone().filter(|_| !verdict.is_good()));
    let seen_now = RecordingRow {
        seconds: seen.map(|seen| seen.seconds),
        bytes: seen.map(|seen| seen.bytes),
        channels: seen.map(|seen| seen.channels),
        sha256: seen.map(|seen| seen.sha256.clone()),
        verdict: verdict.as_str().to_owned(),
        levels: seen.and_then(|seen| serde_json::to_string(&seen.levels).ok()),
        problem: problem.clone(),
        verified_at: Some(now),
        ..row.clone()
    };
    store.record_verdict(&seen_now).await?;
    if seen_now.verdict != row.verdict || seen_now.sha256 != row.sha256 {
        let beside = row.path.in_dir(dir);
        let (name, seen) = (RecordingName::parse(&beside), seen.cloned());
        if let Some(name) = name {
            let recording = Recording::new(&name, verdict, seen.as_ref());
            spawn_blocking(move || renew_sidecar(&beside, recording)).await??;
        }
    }
    if verdict.is_good() { Ok(None) } else { short(row, verdict.as_str(), problem) }
}

/// Tells the same in the `.json` beside the recording, if there is one.
fn renew_sidecar(recording: &Path, found: Recording) -> anyhow::Result<()> {
    let path = recording.with_extension("json");
    if !path.exists() {
        return Ok(());
    }
    let told = || hidden(&path);
    let sidecar = Sidecar::read(&path).with_context(told)?;
    Sidecar { recording: found, ..sidecar }.write(&path).with_context(told)
}
