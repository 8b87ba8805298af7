//! Messages as files in a folder, for a modem's daemon, a script or a test to pick up.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::{Message, Outcome, SendError};
use crate::text::{Alphabet, segments};

/// Owner writes, group reads: whoever picks messages up need not run as this program's user, but they
/// hold people's numbers. The umask may take more away.
const MODE: u32 = 0o640;

/// Why the spool folder is not fit for use; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// There is no such folder.
    #[error("the spool folder {} does not exist: create it, writable for this program", .0.display())]
    Missing(PathBuf),
    /// The path leads to something else.
    #[error("{} is not a folder: set `sms.spool.dir` to one", .0.display())]
    NotAFolder(PathBuf),
    /// A file in the folder cannot be created, written and removed.
    #[error("the spool folder {} is not writable ({source}): give this program's user the right to write there, and look whether the disk is full", .dir.display())]
    NotWritable {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Writes each message to `<dir>/<id>.json`:
///
/// ```json
/// {"id":"…","to":"+420…","text":"…","segments":1,"alphabet":"gsm7","created_at":"2026-11-22T10:31:45+01:00"}
/// ```
///
/// A file with that name is whole from the moment it appears; names that begin with a dot are not
/// finished. As long as the file lies there, the same id is not written again; once it was picked up,
/// this gateway knows nothing of it any more.
#[derive(Clone, Debug)]
pub struct SpoolGateway {
    dir: PathBuf,
}

#[derive(Deserialize, Serialize)]
struct Spooled {
    id: String,
    to: String,
    text: String,
    segments: usize,
    alphabet: Alphabet,
    created_at: String,
}

impl SpoolGateway {
    /// A gateway that writes to `dir`, which must be there by the first message.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Tries whether messages can be written, with a file that is removed again.
    ///
    /// # Errors
    /// See [`SpoolError`].
    pub fn check(&self) -> Result<(), SpoolError> {
        let dir = self.dir.clone();
        match fs::metadata(&dir) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(SpoolError::NotAFolder(dir)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(SpoolError::Missing(dir));
            }
            Err(source) => return Err(SpoolError::NotWritable { dir, source }),
        }
        self.written(b"probe")
            .and_then(NamedTempFile::close)
            .map_err(|source| SpoolError::NotWritable { dir, source })
    }

    /// Writes the message to the disk; blocks until it is there.
    ///
    /// `created_at` is RFC 3339. When `Ok` comes back, the file survives a power cut.
    ///
    /// # Errors
    /// Temporary if the folder cannot be written (missing, closed, full); permanent if the id, the
    /// recipient or the text cannot be sent by anyone, or the id belongs to another message.
    pub fn send(&self, message: &Message, created_at: &str) -> Result<Outcome, SendError> {
        message.check()?;
        let counted = segments(&message.text);
        let spooled = Spooled {
            id: message.id.clone(),
            to: message.to.clone(),
            text: message.text.clone(),
            segments: counted.segments,
            alphabet: counted.alphabet,
            created_at: created_at.to_owned(),
        };
        let mut json = serde_json::to_vec(&spooled).map_err(temporary)?;
        json.push(b'\n');

        let path = self.dir.join(format!("{}.json", message.id));
        // Looked at first, so that a repeated attempt costs no write.
        if let Some(outcome) = already_there(&path, message)? {
            return self.settled(outcome);
        }
        let outcome = match self.written(&json).map_err(temporary)?.persist_noclobber(&path) {
            Ok(_) => Outcome::Accepted,
            // Another attempt was quicker.
            Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => {
                already_there(&path, message)?.unwrap_or(Outcome::AlreadyAccepted)
            }
            Err(lost) => return Err(temporary(lost.error)),
        };
        self.settled(outcome)
    }

    /// A file of this content on the disk, without a name that anyone looks for.
    fn written(&self, content: &[u8]) -> io::Result<NamedTempFile> {
        let mut file = tempfile::Builder::new()
            .prefix(".")
            .suffix(".part")
            .permissions(Permissions::from_mode(MODE))
            .tempfile_in(&self.dir)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        Ok(file)
    }

    /// The name is on the disk only once the folder is; an earlier attempt may have died before that.
    fn settled(&self, outcome: Outcome) -> Result<Outcome, SendError> {
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(temporary)?;
        Ok(outcome)
    }
}

fn already_there(path: &Path, message: &Message) -> Result<Option<Outcome>, SendError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(temporary(error)),
    };
    let same = serde_json::from_slice::<Spooled>(&bytes)
        .is_ok_and(|there| there.to == message.to && there.text == message.text);
    if same {
        Ok(Some(Outcome::AlreadyAccepted))
    } else {
        Err(SendError::Permanent("another message with this id lies in the spool folder".into()))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` wants it")]
fn temporary(error: impl ToString) -> SendError {
    SendError::Temporary(error.to_string())
}

#[cfg(test)]
mod tests;
