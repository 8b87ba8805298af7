//! `ustredna recordings verify`: the database and the disk held against each other.

mod chain;
mod facts;
mod settle;

use std::{
    collections::{HashMap, HashSet},
    fs::Metadata,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use exchange::model::LegId;
use futures::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use recordings::{FolderError, Format, Found, RecordingName};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use store::{CallRow, DamagedRow, Filter, RecordingRow, Store};
use tokio::task::spawn_blocking;

use self::settle::Proofs;
use crate::{
    cli::{
        desk::Desk,
        table::Column::{Text, Whole},
    },
    counted::counted,
    settings::Settings,
    sidecars,
};

pub(super) const HELP: &str = "\
Every file is decoded to its end. At the first look a damaged header is repaired and the checksum
taken; from then on the file is only ever read, and one with another checksum is `changed` for good.
Verdicts in the database and in the .json beside the recording are brought up to date. Recordings of
calls that go on are left alone, and so are those that were deleted. Exit code 1 if any recording
falls short: it is missing, silent, one-sided, broken (a side is missing for a
while, or it is longer than the talk) or too short, it has changed since it was verified, the .json
beside it is not the one that was written, it is there again although it was deleted, or anything
lies in the folder that the database does not know.

--chain also holds the database against the chain of its links (`ustredna recordings chain --help`),
--against the chain against an export that was kept elsewhere.

Examples:
  ustredna recordings verify
  ustredna recordings verify --chain
  ustredna recordings verify --chain --against /mnt/notary/chain.txt
  ustredna recordings verify --json | jq -r .path";

/// A test call takes less.
const TEST_CALL: SignedDuration = SignedDuration::from_mins(10);

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// One JSON object a line for each recording that falls short
    #[arg(long)]
    json: bool,
    /// Also tell what was changed in the database since it was written
    #[arg(long)]
    chain: bool,
    /// Also tell which links of an earlier export the chain does not have any more
    #[arg(long, value_name = "FILE", requires = "chain")]
    against: Option<PathBuf>,
}

/// A recording that falls short.
#[derive(Serialize)]
struct Shortcoming {
    call: Option<String>,
    path: String,
    /// A verdict, or `unreadable`, `unknown` (not in the database), `came_back` (was deleted),
    /// `sidecar` (not the one that was written) or `chain` (the database was changed).
    verdict: &'static str,
    problem: Option<String>,
}

impl Verify {
    pub(super) async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<ExitCode> {
        let dir = std::path::absolute(&desk.settings.recordings.dir)
            .context("recordings.dir: the current folder cannot be told")?;
        let store = desk.store().await?;
        sidecars::adopt(&store, &dir, desk.now, || true).await?;
        let (house, unreadable) =
            House::read(&store, &dir, except(desk.settings), desk.now).await?;
        let in_progress = house.in_progress;

        let proofs = Proofs { store: &store, settings: desk.settings, dir: &dir, now: desk.now };
        let (checked, in_order, mut short) = check(&proofs, house.jobs).await?;
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
        let mut links = None;
        if self.chain {
            let (count, found) = chain::check(&store, &dir, self.against.as_deref()).await?;
            links = Some(count);
            // They are among those.
            short.retain(|short| short.verdict != chain::TAMPERED);
            short.extend(found);
        }

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
            if let Some(chain::Links { count, adopted, days, exported }) = links {
                let adopted = match adopted {
                    0 => String::new(),
                    adopted => format!(", {adopted} of recordings proven before there was one"),
                };
                let (links, days) = (counted(count, "link"), counted(days, "day"));
                desk.line(&format!("Chain: {links} of {days}{adopted}."))?;
                if let Some(exported) = exported {
                    let links = counted(exported, "link");
                    desk.line(&format!("Export: {links} held against it."))?;
                }
            }
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
    async fn read(
        store: &Store,
        dir: &Path,
        except: Vec<PathBuf>,
        now: Timestamp,
    ) -> anyhow::Result<(Self, Vec<Shortcoming>)> {
        let root = dir.to_owned();
        let files = spawn_blocking(move || recordings::walk(&root, &except)).await?;
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
                Ok(Found { path, of }) => {
                    let row = of.as_ref().and_then(|name| known.get(&name.in_format(Format::Wav)));
                    unknown.extend(match (row, of) {
                        (Some(row), _) => came_back(row, &path),
                        (None, Some(name)) if open.contains(name.call_prefix()) => None,
                        (None, _) if is_test_call(dir, &path, now) => None,
                        (None, _) => Some(Shortcoming {
                            call: None,
                            path: path.display().to_string(),
                            verdict: "unknown",
                            problem: Some("the database does not know this file".to_owned()),
                        }),
                    });
                }
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
        let (mut jobs, mut in_progress) = (Vec::new(), 0);
        for row in rows.into_iter().filter(|row| row.deleted_at.is_none()) {
            match talks.get(&row.leg) {
                Some(talk) => jobs.push(Job { talk: *talk, row }),
                // Whatever its call looks like now, it was over when the recording was proven.
                None if store.proven_checksum(row.leg).await?.is_some() => {
                    jobs.push(Job { talk: None, row });
                }
                None => in_progress += 1,
            }
        }
        Ok((Self { jobs, in_progress, unknown }, unreadable))
    }
}

fn wav_name(path: &Path) -> Option<RecordingName> {
    Some(RecordingName::parse(path)?.in_format(Format::Wav))
}

/// What lies in the recordings folder because the settings say so.
fn except(settings: &Settings) -> Vec<PathBuf> {
    let Settings { cdr, sms, .. } = settings;
    let mut except: Vec<_> = [&cdr.dir, &cdr.keep, &sms.spool.dir]
        .into_iter()
        .filter_map(|folder| std::path::absolute(folder).ok())
        .collect();
    if let Some(database) = store::file_of(settings.database.url.expose_secret()) {
        let database = std::path::absolute(&database).unwrap_or(database);
        for end in ["", "-wal", "-shm", "-journal"] {
            let mut file = database.clone().into_os_string();
            file.push(end);
            except.push(file.into());
        }
    }
    except
}

/// The recording of a test call that goes on (`check --call`); it removes it.
fn is_test_call(dir: &Path, path: &Path, now: Timestamp) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_young = |found: Metadata| {
        let written = found.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
        written.is_some_and(|at| now.duration_since(at) < TEST_CALL)
    };
    name.starts_with("test-")
        && path.extension().is_some_and(|extension| extension == "wav")
        && dir.join(path).symlink_metadata().is_ok_and(is_young)
}

/// A file that should not be there any more.
fn came_back(row: &RecordingRow, path: &Path) -> Option<Shortcoming> {
    row.deleted_at?;
    let because = row.deleted_because.as_deref().unwrap_or("nobody wrote why");
    Some(Shortcoming {
        call: Some(row.call.to_string()),
        path: path.display().to_string(),
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
    proofs: &Proofs<'_>,
    jobs: Vec<Job>,
) -> anyhow::Result<(usize, usize, Vec<Shortcoming>)> {
    let bar = ProgressBar::new(jobs.len() as u64);
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} recordings, {eta} left")?);
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let looks = futures::stream::iter(jobs).map(|Job { row, talk }| async move {
        let look = proofs.look(&row, talk).await;
        (row, talk, look)
    });
    let mut looks = looks.buffered(at_once);
    let (mut checked, mut in_order, mut short) = (0, 0, Vec::new());
    while let Some((row, talk, look)) = looks.next().await {
        let found = proofs.settle(row, talk, look?).await?;
        checked += 1;
        in_order += usize::from(found.is_empty());
        short.extend(found);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((checked, in_order, short))
}
