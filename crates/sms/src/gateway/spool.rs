//! Messages as files in a folder, for a modem's daemon, a script or a test to pick up.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::Deserialize;
use tempfile::NamedTempFile;

use super::{Accepted, CheckError, Gateway, Message, SendError};

mod form;

/// Owner writes, group reads: whoever picks messages up need not run as this program's user, but they
/// hold people's numbers. The umask may take more away.
const MODE: u32 = 0o640;

/// Begins the name of a file that is not finished, so that one left by a killed program is known for ours.
const UNFINISHED: &str = ".ustredna-";

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
    #[error("the spool folder {} is not writable ({error}): give this program's user the right to write there, and look whether the disk is full", .dir.display())]
    NotWritable {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// What is in the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpoolForm {
    /// `<id>.json`, one object:
    ///
    /// ```json
    /// {"id":"…","to":"+420…","text":"…","segments":1,"alphabet":"gsm7","created_at":"2026-11-22T10:31:45+01:00"}
    /// ```
    #[default]
    Json,
    /// `<id>`, as the SMS Server Tools 3 want it in their folder `outgoing`: header lines, an empty line,
    /// the text. A text in GSM-7 is written in ISO-8859-1 with `Alphabet: ISO` (which smsd turns into
    /// GSM-7), any other, and one with a letter that is only in GSM-7, in UTF-16 with `Alphabet: UCS2`.
    Smstools,
}

/// Writes each message to a file of its own, named by the id.
///
/// A file with its name is whole from the moment it appears. Before that it is called `.ustredna-….part`,
/// for smsd `.ustredna-….part.LOCK`: smsd minds no dot and takes every file but locks. What a killed
/// program left unfinished is removed by the next [`probe`](Self::probe). As long as the file lies there, the same id is not written again; once it was picked up,
/// this gateway knows nothing of it any more. There are no delivery reports.
#[derive(Clone, Debug)]
pub struct SpoolGateway {
    dir: PathBuf,
    form: SpoolForm,
    /// Brings the names in a folder to the disk.
    sync: fn(&Path) -> io::Result<()>,
}

impl SpoolGateway {
    /// A gateway that writes to `dir`, which must be there by the first message.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, form: SpoolForm) -> Self {
        Self { dir: dir.into(), form, sync: |dir| File::open(dir)?.sync_all() }
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Tries whether messages can be written, with a file that is removed again, and removes what killed
    /// programs left unfinished. Blocks.
    ///
    /// # Errors
    /// See [`SpoolError`].
    pub fn probe(&self) -> Result<(), SpoolError> {
        let dir = self.dir.clone();
        match fs::metadata(&dir) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(SpoolError::NotAFolder(dir)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(SpoolError::Missing(dir));
            }
            Err(error) => return Err(SpoolError::NotWritable { dir, error }),
        }
        self.clear()
            .and_then(|()| self.written(b"probe"))
            .and_then(NamedTempFile::close)
            .map_err(|error| SpoolError::NotWritable { dir, error })
    }

    /// Writes the message to the disk; blocks until it is there. When `Ok` comes back, the file survives
    /// a power cut.
    ///
    /// # Errors
    /// Temporary if the folder cannot be written (missing, closed, full); permanent if the id, the
    /// recipient or the text cannot be sent by anyone, or the id belongs to another message; unknown if
    /// the file is there and may be picked up, but might not survive a power cut.
    pub fn write(&self, message: &Message) -> Result<Accepted, SendError> {
        message.check()?;
        let path = self.dir.join(self.form.file_name(message));
        // Looked at first, so that a repeated attempt costs no write.
        if self.already_there(&path, message)? {
            return self.settled(true);
        }
        let content = self.form.content(message).map_err(temporary)?;
        let again = match self.written(&content).map_err(temporary)?.persist_noclobber(&path) {
            Ok(_) => false,
            // Another attempt was quicker; if its file is gone already, it was picked up.
            Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => {
                self.already_there(&path, message)?;
                true
            }
            Err(lost) => return Err(temporary(lost.error)),
        };
        self.settled(again)
    }

    /// A file of this content on the disk, without a name that anyone looks for.
    fn written(&self, content: &[u8]) -> io::Result<NamedTempFile> {
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .suffix(self.form.unfinished())
            .permissions(Permissions::from_mode(MODE))
            .tempfile_in(&self.dir)?;
        // The lock goes with the process: a file without one was left behind. Some file systems have none.
        file.as_file().try_lock().ok();
        file.write_all(content)?;
        file.as_file().sync_all()?;
        Ok(file)
    }

    /// Removes unfinished files that no program has in hand. One that another program began this very
    /// moment may be among them: its attempt fails for now.
    fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let (name, path) = entry.map(|entry| (entry.file_name(), entry.path()))?;
            let ours = name.to_str().is_some_and(|name| {
                name.starts_with(UNFINISHED) && name.ends_with(self.form.unfinished())
            });
            if !ours {
                continue;
            }
            let left = OpenOptions::new().write(true).open(&path);
            if left.is_ok_and(|file| file.try_lock().is_ok()) {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    Ok(()) | Err(_) => {}
                }
            }
        }
        Ok(())
    }

    /// The name is on the disk only once the folder is; an earlier attempt may have died before that.
    fn settled(&self, again: bool) -> Result<Accepted, SendError> {
        (self.sync)(&self.dir).map_err(|error| {
            SendError::Unknown(format!(
                "the file is there, but the folder is not on the disk: {error}"
            ))
        })?;
        Ok(Accepted { again, ..Accepted::default() })
    }

    fn already_there(&self, path: &Path, message: &Message) -> Result<bool, SendError> {
        match fs::read(path) {
            Ok(bytes) if self.form.holds(&bytes, message) => Ok(true),
            Ok(_) => Err(SendError::Permanent(
                "another message with this id lies in the spool folder".into(),
            )),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(temporary(error)),
        }
    }
}

impl Gateway for SpoolGateway {
    fn check(&self) -> BoxFuture<'_, Result<(), CheckError>> {
        let gateway = self.clone();
        async move {
            match tokio::task::spawn_blocking(move || gateway.probe()).await {
                Ok(found) => Ok(found?),
                Err(stopped) => Err(CheckError::Unreachable {
                    place: self.dir.display().to_string(),
                    why: stopped.to_string(),
                }),
            }
        }
        .boxed()
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Accepted, SendError>> {
        let (gateway, message) = (self.clone(), message.clone());
        async move {
            tokio::task::spawn_blocking(move || gateway.write(&message))
                .await
                // The runtime ends, or the thread died: the file may be there or not.
                .unwrap_or_else(|stopped| Err(SendError::Unknown(stopped.to_string())))
        }
        .boxed()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` wants it")]
fn temporary(error: impl ToString) -> SendError {
    SendError::Temporary(error.to_string())
}

#[cfg(test)]
mod tests;
