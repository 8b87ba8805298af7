//! All that lies in the recordings folder, whoever has put it there.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use crate::folder::{DEPTH, FolderError, is_date_part};
use crate::name::RecordingName;

/// A probe says no more than this.
const PROBE_BYTES: u64 = 5;

/// A file below the recordings folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where, below the recordings folder.
    pub path: PathBuf,
    /// The recording that it is by its name and place, or whose sidecar or half-written file it is; `None`:
    /// it is none of these.
    pub of: Option<RecordingName>,
}

/// Tells every file below the recordings folder `dir`, and everything else that is not a folder, by
/// their paths. Left out are the probes of this program and what lies in one of the folders `except`.
///
/// Links to folders are followed where a year, month or day is expected, as [`scan`](crate::scan()) does;
/// any other is told. A folder that cannot be listed gives an error.
#[must_use]
pub fn walk(dir: &Path, except: &[PathBuf]) -> Vec<Result<Found, FolderError>> {
    let mut walk = Walk { root: dir, except, pending: Vec::new(), found: Vec::new() };
    walk.pending.push((dir.to_owned(), Some(0)));
    while let Some((path, depth)) = walk.pending.pop() {
        if let Err(error) = walk.open(&path, depth) {
            // A disk has such a folder of its own, closed to all others.
            let closed = error.kind() == io::ErrorKind::PermissionDenied;
            if closed && path == dir.join("lost+found") {
                continue;
            }
            let missing = path == dir && error.kind() == io::ErrorKind::NotFound;
            walk.found.push(Err(if missing {
                FolderError::Missing(path)
            } else {
                FolderError::Unreadable { dir: path, error }
            }));
        }
    }
    walk.found.sort_by(|one, other| {
        let path = |found: &Result<Found, _>| found.as_ref().ok().map(|found| found.path.clone());
        path(one).cmp(&path(other))
    });
    walk.found
}

struct Walk<'a> {
    root: &'a Path,
    except: &'a [PathBuf],
    /// Folders still to be visited, with their depth if all above them are years, months and days.
    pending: Vec<(PathBuf, Option<usize>)>,
    found: Vec<Result<Found, FolderError>>,
}

impl Walk<'_> {
    fn open(&mut self, dir: &Path, depth: Option<usize>) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let path = entry.path();
            if self.except.contains(&path) {
                continue;
            }
            let kind = match entry.file_type() {
                // It went in this moment.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                kind => kind?,
            };
            let is_date =
                |depth: &usize| *depth < DEPTH && is_date_part(&entry.file_name(), *depth);
            let below = depth.filter(is_date).map(|depth| depth + 1);
            if kind.is_dir() || (kind.is_symlink() && below.is_some() && path.is_dir()) {
                self.pending.push((path, below));
            } else if !is_probe(&entry) {
                let of = depth.filter(|depth| *depth == DEPTH).and_then(|_| recording_of(&path));
                let path = path.strip_prefix(self.root).map_or(path.clone(), Path::to_owned);
                self.found.push(Ok(Found { path, of }));
            }
        }
        Ok(())
    }
}

fn is_probe(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    name.to_str().is_some_and(|name| name.starts_with(".ustredna-probe-"))
        && entry.metadata().is_ok_and(|found| found.is_file() && found.len() <= PROBE_BYTES)
}

/// By its own name, by that of a sidecar, or by one under which either is written.
fn recording_of(path: &Path) -> Option<RecordingName> {
    let name = path.file_name()?.to_str()?;
    let half = name.strip_prefix('.').and_then(|name| {
        name.strip_suffix(".json.part").or_else(|| name.strip_suffix(".flac.part"))
    });
    let stem = half.or_else(|| name.strip_suffix(".json"));
    match stem {
        Some(stem) => RecordingName::parse(&path.with_file_name(format!("{stem}.wav"))),
        None => RecordingName::parse(path),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const ONE: &str = "2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e";

    fn put(dir: &Path, relative: &str) {
        let path = dir.join(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }

    #[test]
    fn every_file_is_told_and_no_probe() {
        let dir = tempfile::tempdir().unwrap();
        let day = Path::new(ONE).parent().unwrap().to_str().unwrap();
        let stem = ONE.rsplit('/').next().unwrap();
        let ours = [
            format!("{ONE}.wav"),
            format!("{ONE}.flac"),
            format!("{ONE}.json"),
            format!("{day}/.{stem}.json.part"),
            format!("{day}/.{stem}.flac.part"),
        ];
        let strange = [
            "stray.wav".to_owned(),
            ".hidden".to_owned(),
            "2026/11/stray.wav".to_owned(),
            format!("2026/11/28/{stem}.wav"),
            format!("2031/{stem}.wav"),
            format!("{day}/x.wav"),
            format!("{ONE}.WAV"),
            format!("{ONE}.mp3"),
            format!("{ONE}.txt.json"),
            format!("{day}/.{stem}.wav.part"),
            format!("{day}/8000/{stem}.wav"),
            format!("{day}/d.wav/inside"),
            "other/deep/down/x".to_owned(),
        ];
        for path in ours.iter().chain(&strange) {
            put(dir.path(), path);
        }
        put(dir.path(), ".ustredna-probe-17");
        put(dir.path(), &format!("{day}/.ustredna-probe-0123"));
        put(dir.path(), "cdr/of-freeswitch.json");
        fs::create_dir_all(dir.path().join("2026/12/01")).unwrap();
        // A link to a folder is no day, and leads nowhere in circles.
        symlink("..", dir.path().join("2026/loop")).unwrap();
        fs::write(dir.path().join(".ustredna-probe-18"), "no probe of ours").unwrap();
        let except = [dir.path().join("cdr")];
        let (known, unknown): (Vec<_>, Vec<_>) = walk(dir.path(), &except)
            .into_iter()
            .map(Result::unwrap)
            .partition(|found| found.of.is_some());
        let paths = |found: Vec<Found>| {
            let path = |found: Found| found.path.to_str().unwrap().to_owned();
            found.into_iter().map(path).collect::<Vec<_>>()
        };
        let sorted = |mut paths: Vec<String>| {
            paths.sort_by(|one, other| Path::new(one).cmp(Path::new(other)));
            paths
        };
        assert_eq!(paths(known), sorted(ours.to_vec()));
        let links = ["2026/loop", ".ustredna-probe-18"].map(str::to_owned);
        assert_eq!(paths(unknown), sorted([strange.to_vec(), links.to_vec()].concat()));
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let found = walk(&dir.path().join("none"), &[]);
        assert!(matches!(found.as_slice(), [Err(FolderError::Missing(_))]), "{found:?}");
    }
}
