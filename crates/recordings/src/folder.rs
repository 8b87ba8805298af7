//! The recordings folder: ready to be written, and walked from the first day to the last.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;

use jiff::civil::Date;

use crate::name::{RecordingName, day_folder};

/// Sample rates in Hz that FreeSWITCH looks for as a folder beside the file it is to open; where there is
/// one, the file ends up in it.
const RATE_FOLDERS: [&str; 9] =
    ["8000", "11025", "12000", "16000", "22050", "24000", "32000", "44100", "48000"];
/// Year, month, day.
pub(crate) const DEPTH: usize = 3;

/// Why the recordings folder is not fit for use.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is no such folder.
    #[error("the recordings folder {} does not exist: create it, writable for this program and for FreeSWITCH", .0.display())]
    Missing(PathBuf),
    /// The path leads to something else.
    #[error("{} is not a folder: set `recordings.dir` to one", .0.display())]
    NotAFolder(PathBuf),
    /// A file in the folder cannot be created, written and removed.
    #[error("the recordings folder {} is not writable ({error}): give this program's user and FreeSWITCH's the right to write there, and look whether the disk is full", .dir.display())]
    NotWritable {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Where the folder of a day, a month or a year belongs there is something else.
    #[error("{} is in the way of the folder for recordings: it is no folder, so move it away", .0.display())]
    InTheWay(PathBuf),
    /// A folder named after a sample rate would swallow the recordings of its day.
    #[error("remove the folder {}: FreeSWITCH records into it instead of beside it", .0.display())]
    RateFolder(PathBuf),
    /// A folder cannot be listed.
    #[error("the folder {} cannot be read: {error}", .dir.display())]
    Unreadable {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// Tries whether recordings can be written to `dir`, with a file that is removed again.
///
/// # Errors
/// See [`FolderError`]; each says what to do.
pub fn check_writable(dir: &Path) -> Result<(), FolderError> {
    match fs::metadata(dir) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(FolderError::NotAFolder(dir.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(FolderError::Missing(dir.to_owned()));
        }
        Err(error) => return Err(FolderError::NotWritable { dir: dir.to_owned(), error }),
    }
    let probe = dir.join(format!(".ustredna-probe-{}", process::id()));
    let written = write_probe(&probe);
    let removed = fs::remove_file(&probe);
    written.and(removed).map_err(|error| FolderError::NotWritable { dir: dir.to_owned(), error })
}

fn write_probe(probe: &Path) -> io::Result<()> {
    let mut file = File::create(probe)?;
    file.write_all(b"probe")?;
    // A full disk may speak up only here.
    file.sync_all()
}

/// Creates the folder of `date` below the recordings folder `dir` and returns its path.
///
/// FreeSWITCH creates missing folders itself, but as its own user, where sidecars may then not be
/// written.
///
/// # Errors
/// See [`find_day`].
pub fn prepare_day(dir: &Path, date: Date) -> Result<PathBuf, FolderError> {
    let day = dir.join(day_folder(date));
    if !find_day(dir, date)?.is_whole {
        fs::create_dir_all(&day)
            .map_err(|error| FolderError::NotWritable { dir: day.clone(), error })?;
    }
    Ok(day)
}

/// How much of the folder of a day there is; see [`find_day`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundDay {
    /// The folders of it that are there, below the recordings folder: nothing, `2026`, `2026/11` or
    /// `2026/11/22`.
    pub below: PathBuf,
    /// Whether that is all of it.
    pub is_whole: bool,
}

/// Looks how much of the folder of `date` there is below the recordings folder `dir`; makes nothing.
///
/// # Errors
/// [`FolderError::InTheWay`] or [`FolderError::NotWritable`] if the rest cannot be made, or
/// [`FolderError::RateFolder`] if one lies in wait.
pub fn find_day(dir: &Path, date: Date) -> Result<FoundDay, FolderError> {
    let mut below = PathBuf::new();
    for part in Path::new(&day_folder(date)) {
        let next = below.join(part);
        let at = dir.join(&next);
        match fs::metadata(&at) {
            Ok(found) if found.is_dir() => below = next,
            Ok(_) => return Err(FolderError::InTheWay(at)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match fs::symlink_metadata(&at) {
                    // A link to nowhere is there all the same.
                    Ok(found) if !found.is_dir() => return Err(FolderError::InTheWay(at)),
                    // Another call has made it in this moment.
                    Ok(_) => below = next,
                    Err(_) => return Ok(FoundDay { below, is_whole: false }),
                }
            }
            Err(error) => return Err(FolderError::NotWritable { dir: at, error }),
        }
    }
    let day = dir.join(&below);
    match RATE_FOLDERS.iter().map(|rate| day.join(rate)).find(|folder| folder.is_dir()) {
        Some(folder) => Err(FolderError::RateFolder(folder)),
        None => Ok(FoundDay { below, is_whole: true }),
    }
}

/// Walks all recordings below the recordings folder `dir`, oldest day first, by name within a day.
///
/// Only files that [`RecordingName::parse`] knows, in folders `YYYY/MM/DD`; sidecars, others' files and
/// folders named after a sample rate are passed over. One day's names are in memory at a time.
#[must_use]
pub fn scan(dir: &Path) -> Scan {
    Scan { pending: vec![(dir.to_owned(), 0)], root: dir.to_owned() }
}

/// See [`scan`]. A folder that cannot be listed gives one error, and the walk goes on behind it.
#[derive(Debug)]
pub struct Scan {
    /// What is still to be visited, the next one last, with its depth below the root.
    pending: Vec<(PathBuf, usize)>,
    root: PathBuf,
}

impl Iterator for Scan {
    type Item = Result<(RecordingName, PathBuf), FolderError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((path, depth)) = self.pending.pop() {
            if depth > DEPTH {
                if let Some(name) = RecordingName::parse(&path) {
                    return Some(Ok((name, path)));
                }
            } else if let Err(error) = self.open(&path, depth) {
                if depth == 0 && error.kind() == io::ErrorKind::NotFound {
                    return Some(Err(FolderError::Missing(self.root.clone())));
                }
                return Some(Err(FolderError::Unreadable { dir: path, error }));
            }
        }
        None
    }
}

impl Scan {
    fn open(&mut self, dir: &Path, depth: usize) -> io::Result<()> {
        let mut inside = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let wanted = if depth < DEPTH {
                is_date_part(&entry.file_name(), depth) && entry.path().is_dir()
            } else {
                entry.path().is_file()
            };
            if wanted {
                inside.push(entry.path());
            }
        }
        inside.sort_unstable_by(|a, b| b.cmp(a));
        self.pending.extend(inside.into_iter().map(|path| (path, depth + 1)));
        Ok(())
    }
}

/// Year: four digits; month and day: two.
pub(crate) fn is_date_part(name: &OsStr, depth: usize) -> bool {
    let length = if depth == 0 { 4 } else { 2 };
    name.to_str().is_some_and(|name| {
        name.len() == length
            && name.bytes().all(|b| b.is_ascii_digit())
            && !RATE_FOLDERS.contains(&name)
    })
}

#[cfg(test)]
mod tests;
