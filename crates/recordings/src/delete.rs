//! Removing a recording for good, with all that stands beside it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::name::{Format, RecordingName};

/// What was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// Whether the recording itself was there, in whatever form.
    pub found: bool,
    /// How much room it took with its sidecar.
    pub bytes: u64,
}

/// Why a recording was not removed, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// Where the folder of its day is missing the disk may be, and nobody can say what is gone.
    #[error(
        "the folder of its day is not there: see whether the disk of recordings.dir is mounted"
    )]
    NoFolder,
    /// A file cannot be removed.
    #[error(
        "it cannot be removed ({0}): give this user the right to write in the folder of its day"
    )]
    Io(io::Error),
}

/// Removes the recording called `name` below the recordings folder `dir` in every form, then its
/// sidecar; when it returns, they are gone from the disk, whatever happens to the power. What is gone
/// already is no error.
///
/// # Errors
/// See [`DeleteError`].
pub fn delete(dir: &Path, name: &RecordingName) -> Result<Deleted, DeleteError> {
    let sidecar = dir.join(name.sidecar());
    let Some(day) = sidecar.parent() else { return Err(DeleteError::NoFolder) };
    let day = File::open(day).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            DeleteError::NoFolder
        } else {
            DeleteError::Io(error)
        }
    })?;
    let mut deleted = Deleted { found: false, bytes: 0 };
    for form in forms(dir, name) {
        if let Some(bytes) = remove(&form).map_err(DeleteError::Io)? {
            deleted = Deleted { found: true, bytes: deleted.bytes + bytes };
        }
    }
    // What a killed archiving has left.
    deleted.bytes += remove(&unfinished(dir, name)).map_err(DeleteError::Io)?.unwrap_or(0);
    deleted.bytes += remove(&sidecar).map_err(DeleteError::Io)?.unwrap_or(0);
    day.sync_all().map_err(DeleteError::Io)?;
    Ok(deleted)
}

/// Whether the recording called `name` lies below the recordings folder `dir`, in whatever form.
#[must_use]
pub fn remains(dir: &Path, name: &RecordingName) -> bool {
    forms(dir, name).iter().any(|path| path.exists())
}

fn forms(dir: &Path, name: &RecordingName) -> [PathBuf; 2] {
    [Format::Wav, Format::Flac].map(|format| name.in_format(format).in_dir(dir))
}

/// Where [`archive`](crate::archive()) writes before it is sure.
pub(crate) fn unfinished(dir: &Path, name: &RecordingName) -> PathBuf {
    hidden(&name.in_format(Format::Wav).in_dir(dir))
}

/// The same, for a WAV.
pub(crate) fn hidden(wav: &Path) -> PathBuf {
    let mut hidden = OsString::from(".");
    hidden.push(wav.file_stem().unwrap_or_default());
    hidden.push(".flac.part");
    wav.with_file_name(hidden)
}

/// How large the file was; `None` if there was none.
fn remove(path: &Path) -> io::Result<Option<u64>> {
    let bytes = match fs::symlink_metadata(path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match fs::remove_file(path) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEM: &str = "2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e";
    const OTHER: &str = "2026/11/22/20261122-103145_out_420777000111_420234567890_4f2a9c1e.wav";

    fn put(dir: &Path, extensions: &[&str]) -> RecordingName {
        for extension in extensions {
            let path = dir.join(format!("{STEM}.{extension}"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "0123456789").unwrap();
        }
        fs::write(dir.join(OTHER), "x").unwrap();
        RecordingName::parse(Path::new(&format!("{STEM}.wav"))).unwrap()
    }

    #[test]
    fn every_form_goes_with_its_sidecar_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let cases: [(&[&str], bool); 4] = [
            (&["wav", "json"], true),
            (&["flac", "json"], true),
            (&["wav", "flac", "json"], true),
            // Killed when the recording was gone.
            (&["json"], false),
        ];
        for (extensions, found) in cases {
            let name = put(dir.path(), extensions);
            // A killed archiving's.
            fs::write(unfinished(dir.path(), &name), "").unwrap();
            assert_eq!(remains(dir.path(), &name), found);
            let bytes = 10 * extensions.len() as u64;
            assert_eq!(delete(dir.path(), &name).unwrap(), Deleted { found, bytes });
            assert!(!remains(dir.path(), &name));
            let left: Vec<_> = fs::read_dir(dir.path().join("2026/11/22")).unwrap().collect();
            assert_eq!(left.len(), 1, "{extensions:?}");
            let nothing = Deleted { found: false, bytes: 0 };
            assert_eq!(delete(dir.path(), &name).unwrap(), nothing);
        }
    }

    #[test]
    fn a_disk_that_is_not_mounted_is_not_an_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        let name = put(dir.path(), &["wav"]);
        let elsewhere = tempfile::tempdir().unwrap();
        let error = delete(elsewhere.path(), &name).unwrap_err();
        assert!(matches!(error, DeleteError::NoFolder) && error.to_string().contains("mounted"));
    }
}
