//! Recordings that nobody is likely to look for soon become FLAC files: no sample is lost.

use std::{
    collections::HashSet,
    fs::{self, File},
    io,
    path::Path,
};

use anyhow::Context as _;
use exchange::recording::RecordingPath;
use jiff::Timestamp;
use recordings::{ArchiveError, Format, Inspection, RecordingName, Sidecar, Verdict};
use store::{Filter, RecordingRow, Store};
use tokio::task::spawn_blocking;

use crate::{
    retention::{days_before, name_of},
    settings::Archive,
    sidecars::{self, Beside},
};

/// What became of those that were due.
#[derive(Debug, Default)]
pub(crate) struct Archived {
    pub(crate) count: usize,
    /// Bytes of them all.
    pub(crate) before: u64,
    pub(crate) after: u64,
    pub(crate) problems: Vec<(RecordingRow, anyhow::Error)>,
}

/// Archives what is due, one after the other, for as long as `go_on` says so.
pub(crate) async fn run(
    store: &Store,
    dir: &Path,
    archive: &Archive,
    now: Timestamp,
    go_on: impl Fn() -> bool,
) -> anyhow::Result<Archived> {
    let mut done = Archived::default();
    for row in doubled(store, dir).await? {
        match finish(dir, &row).await {
            Ok(()) => done.count += 1,
            Err(error) => done.problems.push((row, error)),
        }
    }
    for row in due(store, archive, now).await? {
        if !go_on() {
            break;
        }
        match put_away(store, dir, &row, now).await {
            Ok(Some(bytes)) => {
                done.count += 1;
                done.before += row.bytes.unwrap_or_default();
                done.after += bytes;
            }
            Ok(None) => {}
            Err(error) => done.problems.push((row, error)),
        }
    }
    Ok(done)
}

/// The recordings that are old enough, the oldest first.
pub(crate) async fn due(
    store: &Store,
    archive: &Archive,
    now: Timestamp,
) -> anyhow::Result<Vec<RecordingRow>> {
    if archive.after_days == 0 {
        return Ok(Vec::new());
    }
    let settled = store.settled_recordings(days_before(now, archive.after_days)).await?;
    let due = settled.into_iter().map(|settled| settled.recording).filter(|row| {
        let wav = name_of(row).is_ok_and(|name| name.format() == Format::Wav);
        // What is another file than the one that was proven must not become one that looks proven.
        let lost = [Verdict::Missing, Verdict::Changed].map(Verdict::as_str);
        wav && !lost.contains(&row.verdict.as_str())
    });
    Ok(due.collect())
}

/// Makes one a FLAC: the file, then the row, then the sidecar, and only then the WAV goes. Killed in
/// between, the row names a file that can be played, and [`finish`] or the next try does the rest.
/// Tells its bytes, or `None` if somebody held, deleted or archived it meanwhile.
async fn put_away(
    store: &Store,
    dir: &Path,
    row: &RecordingRow,
    now: Timestamp,
) -> anyhow::Result<Option<u64>> {
    let flac = name_of(row)?.in_format(Format::Flac);
    let (wav, sha256) = (row.path.in_dir(dir), row.sha256.clone());
    let at = wav.clone();
    let made = spawn_blocking(move || recordings::archive(&at, sha256.as_deref())).await?;
    let found = match made {
        Ok((_, found)) => found,
        Err(ArchiveError::Busy) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let beside = (dir.to_owned(), row.clone(), flac.clone(), found.clone());
    let sidecar = spawn_blocking(move || {
        let (dir, row, flac, found) = beside;
        renewed(&dir, &row, &flac, &found)
    })
    .await??;
    let archived = RecordingRow {
        path: RecordingPath::new(flac.relative()),
        bytes: Some(found.bytes),
        sha256: Some(found.sha256.clone()),
        sidecar: match &sidecar {
            Some(sidecar) => Some(sidecar.checksum()?),
            // It is not what was written: whoever verifies is still to be told.
            None => row.sidecar.clone(),
        },
        ..row.clone()
    };
    if !store.archive_recording(row, &archived, now).await? {
        // Whoever archived it too made the same file. Whose row cannot be read keeps both.
        let now = store.recording(row.leg).await?;
        if now.is_some_and(|now| now.path != archived.path) {
            let flac = flac.in_dir(dir);
            spawn_blocking(move || remove(&flac)).await??;
        }
        return Ok(None);
    }
    let (dir, bytes) = (dir.to_owned(), found.bytes);
    spawn_blocking(move || replace(&dir, &flac, sidecar)).await??;
    Ok(Some(bytes))
}

/// What the sidecar is to tell of the FLAC, unless it is not the one that was written.
fn renewed(
    dir: &Path,
    row: &RecordingRow,
    flac: &RecordingName,
    found: &Inspection,
) -> anyhow::Result<Option<Sidecar>> {
    match sidecars::look(dir, row) {
        Beside::Ours | Beside::Found(_) => of_flac(dir, flac, found).map(Some),
        Beside::Never | Beside::Wrong(_) => Ok(None),
    }
}

fn of_flac(dir: &Path, flac: &RecordingName, found: &Inspection) -> anyhow::Result<Sidecar> {
    let mut sidecar = Sidecar::read(&dir.join(flac.sidecar()))?;
    let file = flac.relative();
    file.rsplit('/').next().unwrap_or_default().clone_into(&mut sidecar.recording.file);
    sidecar.recording.bytes = found.bytes;
    sidecar.recording.sha256 = Some(found.sha256.clone());
    Ok(sidecar)
}

/// The WAV goes where the FLAC has taken its place, once the sidecar tells so too.
fn replace(dir: &Path, flac: &RecordingName, sidecar: Option<Sidecar>) -> anyhow::Result<()> {
    if let Some(sidecar) = sidecar {
        sidecar.write(&dir.join(flac.sidecar()))?;
    }
    remove(&flac.in_format(Format::Wav).in_dir(dir)).context("the WAV stays beside the FLAC")
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    path.parent().map_or(Ok(()), |day| File::open(day)?.sync_all())
}

/// The archived recordings whose WAV a killed program left beside the FLAC.
async fn doubled(store: &Store, dir: &Path) -> anyhow::Result<Vec<RecordingRow>> {
    let root = dir.to_owned();
    let twice: HashSet<_> = spawn_blocking(move || {
        recordings::scan(&root)
            .filter_map(Result::ok)
            .filter(|(name, path)| {
                name.format() == Format::Flac && path.with_extension("wav").exists()
            })
            .map(|(name, _)| name.relative())
            .collect()
    })
    .await?;
    if twice.is_empty() {
        return Ok(Vec::new());
    }
    let rows = store.recordings(&Filter::default()).await?;
    let kept = |row: &RecordingRow| row.deleted_at.is_none() && twice.contains(row.path.reveal());
    Ok(rows.into_iter().filter(kept).collect())
}

/// Removes the WAV, if the FLAC is still what it was.
async fn finish(dir: &Path, row: &RecordingRow) -> anyhow::Result<()> {
    let (dir, flac, sha256) = (dir.to_owned(), name_of(row)?, row.sha256.clone());
    let written = row.sidecar.clone();
    spawn_blocking(move || {
        let found = recordings::inspect(&flac.in_dir(&dir));
        let found = found.context("the WAV beside it is kept")?;
        anyhow::ensure!(
            sha256.as_ref() == Some(&found.sha256),
            "it has changed since it was archived; the WAV beside it is kept"
        );
        // Written already, or as it was for the WAV; anything else is left for those who verify.
        let sidecar = of_flac(&dir, &flac, &found).ok();
        let sidecar = sidecar.filter(|sidecar| sidecar.checksum().ok() == written);
        replace(&dir, &flac, sidecar)
    })
    .await?
}
