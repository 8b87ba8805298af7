//! A copy of the database while it is in use.

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use sqlx::AnyConnection;

use crate::{
    Store, StoreError,
    engine::Engine,
    watch::{beside, create},
};

impl Store {
    /// Writes all that is in the database at this moment to a new SQLite file, which is this user's alone
    /// to read. Those who use the database meanwhile do not notice.
    ///
    /// # Errors
    /// [`StoreError::Copy`] when there is such a file already, or it cannot be written; no file is
    /// left then. [`StoreError::OwnBackup`] for PostgreSQL.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        if self.engine() == Engine::Postgres {
            return Err(StoreError::OwnBackup);
        }
        // One by itself: it may take longer than a statement may, and hold up nobody.
        let mut connection = self.connections.opening.connect().await?;
        copy(&mut connection, to).await.map_err(|error| of_copy(error, to))?;
        Ok(sqlx::Connection::close(connection).await?)
    }
}

/// SQLite does not tell of which of the two files it speaks: that one could be read was seen before.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are not of a file")]
fn of_copy(error: StoreError, to: &Path) -> StoreError {
    let told = |why: &str| StoreError::Copy(format!("{}: {why}", to.display()));
    match error {
        StoreError::Files(text) => StoreError::Copy(text),
        StoreError::Full => told("no room is left on its disk: make room, or name another place"),
        StoreError::ReadOnly | StoreError::CannotOpen => told("this user may not write there"),
        StoreError::Disk(why) => told(&format!(
            "its disk cannot be written ({why}): see whether it is full, gone or broken"
        )),
        other => other,
    }
}

/// Writes a whole copy of the database, as it is at this moment, to a new file, and that to the disk.
/// Under its name it is whole or not there: who is killed meanwhile leaves `FILE.part-PID`.
pub(crate) async fn copy(from: &mut AnyConnection, to: &Path) -> Result<(), StoreError> {
    let told = |error: io::Error| StoreError::Files(format!("{}: {}", to.display(), why(&error)));
    let Some(name) = to.to_str() else {
        let why = "its name is not UTF-8: name another file";
        return Err(StoreError::Files(format!("{}: {why}", to.display())));
    };
    if to.symlink_metadata().is_ok() {
        return Err(told(ErrorKind::AlreadyExists.into()));
    }
    let part = beside(to, &format!(".part-{}", std::process::id()));
    create(&part).map_err(told)?;
    let name = format!("{name}.part-{}", std::process::id());
    let copied = sqlx::query("VACUUM INTO $1").bind(name).execute(from).await;
    let synced = copied.map_err(StoreError::from).and_then(|_| {
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let sync = |path: &Path| fs::File::open(path).and_then(|file| file.sync_all());
        sync(&part).and_then(|()| into_place(&part, to)).and_then(|()| sync(folder)).map_err(told)
    });
    if synced.is_err() {
        drop(fs::remove_file(&part));
    }
    synced
}

/// Why a file cannot be made, and what to do.
fn why(error: &io::Error) -> String {
    let known = [
        (ErrorKind::AlreadyExists, "there is such a file already: name a new one"),
        (ErrorKind::NotFound, "its folder does not exist: create it"),
        (ErrorKind::NotADirectory, "its folder does not exist: create it"),
        (ErrorKind::PermissionDenied, "this user may not write there"),
        (ErrorKind::ReadOnlyFilesystem, "its disk can only be read: name another place"),
        (ErrorKind::StorageFull, "no room is left on its disk: make room, or name another place"),
    ];
    let found = known.iter().find(|(kind, _)| *kind == error.kind());
    found.map_or_else(|| error.to_string(), |(_, why)| (*why).to_owned())
}

/// Gives a file its name, unless there is one of that name.
fn into_place(part: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    match renameat_with(CWD, part, CWD, to, RenameFlags::NOREPLACE) {
        // A file system that cannot promise it.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => fs::rename(part, to),
        done => Ok(done?),
    }
}
