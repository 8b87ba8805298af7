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
const DEPTH: usize = 3;

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
    #[error("the recordings folder {} is not writable ({source}): give this program's user and FreeSWITCH's the right to write there, and look whether the disk is full", .dir.display())]
    NotWritable {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder named after a sample rate would swallow the recordings of its day.
    #[error("remove the folder {}: FreeSWITCH records into it instead of beside it", .0.display())]
    RateFolder(PathBuf),
    /// A folder cannot be listed.
    #[error("the folder {} cannot be read: {source}", .dir.display())]
    Unreadable {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
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
        Err(source) => return Err(FolderError::NotWritable { dir: dir.to_owned(), source }),
    }
    let probe = dir.join(format!(".ustredna-probe-{}", process::id()));
    let written = write_probe(&probe);
    let removed = fs::remove_file(&probe);
    written.and(removed).map_err(|source| FolderError::NotWritable { dir: dir.to_owned(), source })
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
/// [`FolderError::NotWritable`], or [`FolderError::RateFolder`] if one lies in wait.
pub fn prepare_day(dir: &Path, date: Date) -> Result<PathBuf, FolderError> {
    let day = dir.join(day_folder(date));
    fs::create_dir_all(&day)
        .map_err(|source| FolderError::NotWritable { dir: day.clone(), source })?;
    match RATE_FOLDERS.iter().map(|rate| day.join(rate)).find(|folder| folder.is_dir()) {
        Some(folder) => Err(FolderError::RateFolder(folder)),
        None => Ok(day),
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
            } else if let Err(source) = self.open(&path, depth) {
                if depth == 0 && source.kind() == io::ErrorKind::NotFound {
                    return Some(Err(FolderError::Missing(self.root.clone())));
                }
                return Some(Err(FolderError::Unreadable { dir: path, source }));
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
fn is_date_part(name: &OsStr, depth: usize) -> bool {
    let length = if depth == 0 { 4 } else { 2 };
    name.to_str().is_some_and(|name| {
        name.len() == length
            && name.bytes().all(|b| b.is_ascii_digit())
            && !RATE_FOLDERS.contains(&name)
    })
}

#[cfg(test)]
mod tests;
