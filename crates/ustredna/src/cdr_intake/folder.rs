//! The folder of call detail records: what lies in it, and where it goes.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::Context as _;
use tracing::info;

use super::Cdr;
use crate::folders;

/// Where files go that nothing can be made of.
pub(crate) const ASIDE: &str = "unmatched";

/// The records in the folder, oldest first.
pub(super) fn list(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        // FreeSWITCH makes it with the first call.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cdr.dir {}", dir.display()));
        }
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("cdr.dir {}", dir.display()))?;
        let path = entry.path();
        if path.to_str().is_some_and(|name| name.ends_with(".cdr.json")) {
            let written = entry.metadata().and_then(|found| found.modified());
            found.push((written.unwrap_or(SystemTime::UNIX_EPOCH), path));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// No record is larger: the largest seen have some 50 kB.
const LARGEST: u64 = 4 << 20;

/// Why a file gives no record.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    /// It may be read another time.
    #[error("it cannot be read: {0}")]
    Closed(io::Error),
    /// It is still being written, or never was to its end.
    // What serde says of it may quote a number.
    #[error("it is no whole record: see line {}, column {}", .0.line(), .0.column())]
    Torn(serde_json::Error),
    /// Reading it could take for ever.
    #[error("it is no file, or larger than any record")]
    Strange,
    /// It is a record of something else.
    #[error("it names no call")]
    Nameless,
}

/// FreeSWITCH passes on a display name's bytes as they came, UTF-8 or not.
pub(super) fn read(path: &Path) -> Result<Cdr, Unread> {
    let found = fs::symlink_metadata(path).map_err(Unread::Closed)?;
    if !found.is_file() || found.len() > LARGEST {
        return Err(Unread::Strange);
    }
    let bytes = fs::read(path).map_err(Unread::Closed)?;
    let cdr: Cdr = serde_json::from_str(&String::from_utf8_lossy(&bytes)).map_err(Unread::Torn)?;
    if cdr.variables.call().is_some() { Ok(cdr) } else { Err(Unread::Nameless) }
}

/// Everything in the file is stored: it is moved to `keep`, or removed where that is empty.
pub(super) fn dispose(keep: &Path, path: &Path) -> io::Result<()> {
    if keep.as_os_str().is_empty() { fs::remove_file(path) } else { shift(path, keep) }
}

/// Nothing can be made of the file.
pub(super) fn set_aside(dir: &Path, path: &Path) -> io::Result<()> {
    let aside = dir.join(ASIDE);
    shift(path, &aside)?;
    info!(file = %aside.join(path.file_name().unwrap_or_default()).display(), "put aside");
    Ok(())
}

/// Moves a file into a folder, on another file system too.
fn shift(path: &Path, folder: &Path) -> io::Result<()> {
    let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?;
    fs::create_dir_all(folder)?;
    // A move to itself is none, and the record would be taken in again and again.
    if path.parent().is_some_and(|dir| folders::are_one(dir, folder)) {
        return Err(io::Error::other("that is cdr.dir itself"));
    }
    let to = folder.join(name);
    match fs::rename(path, &to) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            fs::copy(path, &to)?;
            fs::File::open(&to)?.sync_all()?;
            fs::remove_file(path)
        }
        moved => moved,
    }
}
