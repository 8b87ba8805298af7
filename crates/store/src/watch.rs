//! A SQLite file that is taken away or changed for another one while it is open.
//!
//! SQLite goes on writing to the file that it has opened, whatever its name stands for now. So
//! before each statement and after each commit the names are held against what was opened:
//!
//! - **Another file** (a backup put there by `mv`): what the WAL still held goes to the old file,
//!   and everybody goes on with the new one, brought up to date. An empty one is refused: calls go
//!   on only with shoppers.
//! - **Gone**: all of it is still there for those who have it open. Two seconds later, should nothing
//!   have been put there by then, it is written back. Not if its disk was unmounted: then it is let
//!   go of, so that the disk can be repaired, and opened again once it is back.
//! - **The WAL or its index gone**: others would not see what is in ours, so it goes to the file, and
//!   both are made anew.
//!
//! One that is overwritten in place (`cp` onto it) cannot be told from one that SQLite wrote to: it must
//! only be done while no exchange runs.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{AnyConnection, Connection as _, Row as _};

use crate::{
    StoreError,
    connections::{Connections, Keeper},
};

/// How long a file that is gone may take to be put back by somebody else.
const GRACE: Duration = Duration::from_secs(2);

/// Device and inode.
type Id = (u64, u64);

/// The names of a database's files, and what they stood for when it was opened.
pub(crate) struct Watch {
    database: PathBuf,
    opened: Mutex<Opened>,
}

/// What the names stood for.
#[derive(Debug, Clone, Copy, Default)]
struct Opened {
    /// The database, its WAL, and the WAL's index.
    files: [Option<Id>; 3],
    /// The device of their folder.
    disk: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Same,
    /// The WAL or its index has gone.
    Torn,
    /// The name is another file's.
    Another,
    Gone,
}

impl Watch {
    pub(crate) fn new(database: PathBuf) -> Self {
        Self { database, opened: Mutex::default() }
    }

    pub(crate) fn is_same(&self) -> bool {
        self.look() == Found::Same
    }

    /// Takes the files as they are: just opened.
    pub(crate) fn learn(&self) {
        let files = self.files().map(|file| id(&file).unwrap_or_default());
        self.set(Opened { files, disk: self.disk() });
    }

    /// Nothing is open: whatever turns up is another file.
    fn forget(&self) {
        self.set(Opened { files: [None; 3], ..self.opened() });
    }

    fn set(&self, opened: Opened) {
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = opened;
    }

    /// The device of the folder, or of what is left of the way to it.
    fn disk(&self) -> Option<u64> {
        let mut folders = self.database.ancestors().skip(1);
        folders.find_map(|folder| Some(fs::metadata(folder).ok()?.dev()))
    }

    fn is_unmounted(&self) -> bool {
        self.disk() != self.opened().disk
    }

    fn opened(&self) -> Opened {
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database, its WAL, and the WAL's index.
    fn files(&self) -> [PathBuf; 3] {
        [self.database.clone(), beside(&self.database, "-wal"), beside(&self.database, "-shm")]
    }

    fn look(&self) -> Found {
        let [opened, rest @ ..] = self.opened().files;
        let [database, others @ ..] = self.files();
        match id(&database) {
            Ok(None) => return Found::Gone,
            Ok(found) if found != opened => return Found::Another,
            // Where the folder cannot be looked at nothing is known to have changed.
            Ok(_) | Err(_) => {}
        }
        let is_same = |(file, opened): (&PathBuf, &Option<Id>)| {
            opened.is_none() || !id(file).is_ok_and(|found| found != *opened)
        };
        if others.iter().zip(&rest).all(is_same) { Found::Same } else { Found::Torn }
    }

    /// Takes the WAL and its index away that belong to a database which is not there any more: SQLite
    /// would take them for the new one's.
    fn remove_orphans(&self) -> Result<(), StoreError> {
        let [_, opened @ ..] = self.opened().files;
        let [_, files @ ..] = self.files();
        for (file, opened) in files.iter().zip(opened) {
            if opened.is_some() && id(file).is_ok_and(|found| found == opened) {
                fs::remove_file(file).map_err(|error| StoreError::Files(error.to_string()))?;
            }
        }
        Ok(())
    }
}

/// `None`: there is no such file.
fn id(file: &Path) -> io::Result<Option<Id>> {
    match fs::metadata(file) {
        Ok(found) => Ok(Some((found.dev(), found.ino()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The file of this name with something added.
pub(crate) fn beside(file: &Path, added: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(added);
    name.into()
}

/// Makes an empty file that is nobody else's to read, whatever the umask; SQLite gives the WAL and its
/// index the same rights.
///
/// # Errors
/// Also when there is a file of this name.
pub(crate) fn create(file: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map(drop)
}

/// Opens what is there now in place of what was opened. It goes on should the caller break it off.
pub(crate) async fn mend(connections: &Arc<Connections>) -> Result<(), StoreError> {
    let connections = Arc::clone(connections);
    let mending = tokio::spawn(async move {
        let Some(watch) = &connections.watch else { return Ok(()) };
        let mut keeper = connections.keeper.lock().await;
        let done = connections.mend(watch, &mut keeper).await;
        if let Err(error) = &done {
            tracing::error!(%error, "the database cannot be opened again");
        }
        done
    });
    mending.await.unwrap_or(Err(StoreError::NoAnswer))
}

impl Connections {
    async fn mend(&self, watch: &Watch, keeper: &mut Keeper) -> Result<(), StoreError> {
        if watch.look() == Found::Gone && !std::mem::replace(&mut keeper.has_waited, true) {
            tracing::error!(
                file = %watch.database.display(),
                "the database file is gone: it is written back if nobody else does"
            );
            tokio::time::sleep(GRACE).await;
        }
        let found = watch.look();
        let file = watch.database.display();
        match found {
            // Others have done it meanwhile.
            Found::Same if keeper.connection.is_some() => {
                keeper.has_waited = false;
                return Ok(());
            }
            Found::Same => {}
            Found::Gone if watch.is_unmounted() || keeper.connection.is_none() => {
                self.empty().await;
                if let Some(old) = keeper.connection.take() {
                    drop(old.close().await);
                }
                watch.forget();
                return Err(StoreError::Gone(watch.database.clone()));
            }
            Found::Gone => {
                self.empty().await;
                write_back(watch, keeper).await?;
                tracing::error!(%file, "the database file was gone and has been written back");
            }
            Found::Another => {
                self.empty().await;
                if let Some(mut old) = keeper.connection.take() {
                    if let Err(error) = checkpoint(&mut old).await {
                        tracing::warn!(%error, "the replaced database file lacks the latest changes");
                    }
                    drop(old.close().await);
                }
                watch.remove_orphans()?;
                tracing::warn!(%file, "the database file is another one now; it is opened");
            }
            Found::Torn => {
                self.empty().await;
                if let Some(mut old) = keeper.connection.take() {
                    if let Err(error) = checkpoint(&mut old).await {
                        // Nobody else has what is in it.
                        keeper.connection = Some(old);
                        return Err(error);
                    }
                    drop(old.close().await);
                }
                tracing::error!(%file, "the WAL of the database was taken away; it is made anew");
            }
        }
        keeper.connection = Some(self.opening.again().await?);
        watch.learn();
        self.change(self.opening.pools());
        keeper.has_waited = false;
        Ok(())
    }
}

/// Brings all that is in the WAL to the database's file, and empties it.
pub(crate) async fn checkpoint(connection: &mut AnyConnection) -> Result<(), StoreError> {
    let done = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(connection).await?;
    // 1: somebody reads or writes.
    match done.try_get::<i64, _>(0) {
        Ok(0) => Ok(()),
        Ok(_) | Err(_) => Err(StoreError::Locked),
    }
}

/// Writes all that the deleted file holds to a new one of its name.
async fn write_back(watch: &Watch, keeper: &mut Keeper) -> Result<(), StoreError> {
    let Some(old) = &mut keeper.connection else {
        return Err(StoreError::Gone(watch.database.clone()));
    };
    let fresh = beside(&watch.database, ".written-back");
    // Of an attempt that failed.
    drop(fs::remove_file(&fresh));
    copy(old, &fresh).await?;
    if let Some(old) = keeper.connection.take() {
        drop(old.close().await);
    }
    watch.remove_orphans()?;
    if !watch.database.exists() {
        fs::rename(&fresh, &watch.database)
            .map_err(|error| StoreError::Files(error.to_string()))?;
    }
    drop(fs::remove_file(&fresh));
    Ok(())
}

/// Writes a whole copy of the database, as it is at this moment, to a new file, and that to the disk.
/// Under its name it is whole or not there: who is killed meanwhile leaves `FILE.part-PID`.
pub(crate) async fn copy(from: &mut AnyConnection, to: &Path) -> Result<(), StoreError> {
    let told = |error: io::Error| StoreError::Files(format!("{}: {error}", to.display()));
    let Some(name) = to.to_str() else { return Err(StoreError::CannotOpen) };
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

/// Gives a file its name, unless there is one of that name.
fn into_place(part: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    match renameat_with(CWD, part, CWD, to, RenameFlags::NOREPLACE) {
        // A file system that cannot promise it.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => fs::rename(part, to),
        done => Ok(done?),
    }
}
