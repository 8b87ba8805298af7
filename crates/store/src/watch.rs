//! A SQLite file that is taken away or changed for another one while it is open.
//!
//! SQLite goes on writing to the file that it has opened, whatever its name stands for now. So
//! before each statement and after each commit the names are held against what was opened:
//!
//! - **Another file** (a backup put there by `mv`): first it is looked at. Is it a whole database and
//!   this exchange's, what the WAL still held goes to the old file (to a copy of it, should it have no
//!   name any more), and everybody goes on with the new one, brought up to date. Anything else (a folder, an empty file, half a copy, another database)
//!   is refused, and the old one stays open: once that is taken away, it is written back.
//! - **Gone**: all of it is still there for those who have it open. Two seconds later, should nothing
//!   have been put there by then, it is written back. Not if its disk was unmounted: then it is let
//!   go of, so that the disk can be repaired, and opened again once it is back.
//! - **The WAL or its index gone**: others would not see what is in ours, so it goes to the file, and
//!   both are made anew.
//! - **The WAL cut off** (`: > ustredna.db-wal` by who needs room): what was behind the cut is lost. What
//!   is left by it is a whole database; a copy of that takes the place, and the rest is set aside.
//! - **Written over** (`cp` onto it): what is in the file and what is in the WAL are of two databases.
//!   Both are set aside under another name. If the file by itself is a whole database of this
//!   exchange, a copy of it takes its place, else whatever is moved there next. It is known by the
//!   file's header; a copy with the same header cannot be told from what SQLite wrote.

mod header;
mod index;
mod mend;

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use sqlx::{AnyConnection, Row as _};

pub(crate) use self::mend::mend;
use self::{header::Header, index::Index};
use crate::{StoreError, backup::copy};

/// Is added to the name of a database that was written over.
const ASIDE: &str = ".written-over";

/// Device and inode.
type Id = (u64, u64);

/// The names of a database's files, and what they stood for when it was opened.
pub(crate) struct Watch {
    database: PathBuf,
    opened: Mutex<Opened>,
    /// The file and its header as it was seen last.
    header: Mutex<Option<Seen>>,
    /// Whether the header is watched: the exchange's business, and nobody else's in its process.
    watches_header: bool,
    /// What the file is called now that was set aside.
    aside: Mutex<Option<PathBuf>>,
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
    /// The file has another header than SQLite can have written.
    WrittenOver,
    /// The WAL is shorter than what was written to it.
    Cut,
    Gone,
}

impl Watch {
    pub(crate) fn new(database: PathBuf, watches_header: bool) -> Self {
        Self {
            database,
            opened: Mutex::default(),
            header: Mutex::default(),
            watches_header,
            aside: Mutex::default(),
        }
    }

    pub(crate) fn is_same(&self) -> bool {
        self.look() == Found::Same
    }

    /// Takes the files as they are: just opened.
    pub(crate) fn learn(&self) {
        let files = self.files().map(|file| id(&file).unwrap_or_default());
        self.set(Opened { files, disk: self.disk() });
        if self.watches_header {
            self.learn_header(files.first().copied().flatten());
        }
        self.put_aside(None);
    }

    fn put_aside(&self, aside: Option<PathBuf>) {
        *self.aside.lock().unwrap_or_else(PoisonError::into_inner) = aside;
    }

    /// Why there is no file.
    fn gone(&self) -> StoreError {
        let database = self.database.clone();
        match self.aside.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            Some(aside) => {
                let all = set_aside(&database);
                let aside = if all.is_empty() { vec![aside] } else { all };
                StoreError::WrittenOver { database, aside }
            }
            None => StoreError::Gone(database),
        }
    }

    /// Whether somebody else wrote to the file that is open. Its header is SQLite's own: it only ever
    /// counts up, and while the file is open it stays one with a WAL; a file that shrinks has a header
    /// first that says so. One that cannot be read tells nothing.
    fn is_written_over(&self) -> bool {
        let mut seen = self.header.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Seen { file, header: Some(before), .. }) = &mut *seen else { return false };
        let Ok(found) = Header::read(file) else { return false };
        let Some(found) = found.filter(|found| found.has_wal) else { return true };
        let is_cut_off = found.bytes < before.bytes && found.bytes < found.says;
        if is_cut_off || found.changes < before.changes {
            return true;
        }
        *before = found;
        false
    }

    fn learn_header(&self, id: Option<Id>) {
        let mut seen = self.header.lock().unwrap_or_else(PoisonError::into_inner);
        let [_, _, index_id] = self.opened().files;
        let (file, index) = match seen.take() {
            Some(Seen { file, id: before, index, .. }) if Some(before) == id => (Ok(file), index),
            _ => (fs::File::open(&self.database), None),
        };
        let index = index.filter(|(_, before)| Some(*before) == index_id);
        let [_, _, name] = self.files();
        *seen = file.ok().zip(id).map(|(file, id)| {
            let header = Header::read(&file).ok().flatten().filter(|header| header.has_wal);
            Seen { file, id, header, index: index.or_else(|| Index::open(&name).zip(index_id)) }
        });
    }

    /// Whether the file that is open has no name any more: what is in it is gone once it is closed.
    fn is_nameless(&self) -> bool {
        let seen = self.header.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(seen) = &*seen else { return false };
        seen.file.metadata().is_ok_and(|found| found.nlink() == 0)
    }

    fn is_cut(&self, wal: &Path) -> bool {
        let seen = self.header.lock().unwrap_or_else(PoisonError::into_inner);
        let index = seen.as_ref().and_then(|seen| seen.index.as_ref());
        index.is_some_and(|(index, _)| index.tells_of_more_than(wal))
    }

    /// Nothing is open any more: nor is the file whose header was watched, or its disk could not be
    /// unmounted and repaired.
    fn let_go(&self) {
        *self.header.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Nothing is open: whatever turns up is another file.
    fn forget(&self) {
        self.let_go();
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
            Ok(Some(_)) if self.is_written_over() => return Found::WrittenOver,
            // Where the folder cannot be looked at nothing is known to have changed.
            Ok(_) | Err(_) => {}
        }
        let is_same = |(file, opened): (&PathBuf, &Option<Id>)| {
            opened.is_none() || !id(file).is_ok_and(|found| found != *opened)
        };
        if !others.iter().zip(&rest).all(is_same) {
            return Found::Torn;
        }
        let [wal, _] = &others;
        if self.is_cut(wal) { Found::Cut } else { Found::Same }
    }

    /// Whether the file was put there with a WAL of its own.
    fn has_foreign_wal(&self) -> bool {
        let ([_, opened, _], [_, wal, _]) = (self.opened().files, self.files());
        id(&wal).is_ok_and(|found| found.is_some() && found != opened)
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

/// A file whose header is watched. It stays open as long as SQLite has it open: closing a file gives up
/// all locks that this process has on it, SQLite's own too.
struct Seen {
    file: fs::File,
    id: Id,
    /// `None`: it has no WAL, and is not watched.
    header: Option<Header>,
    index: Option<(Index, Id)>,
}

/// What a database is to be called that is set aside.
fn free_name(database: &Path, end: &str) -> PathBuf {
    let mut aside = beside(database, end);
    for number in 2.. {
        if aside.symlink_metadata().is_err() {
            break;
        }
        aside = beside(database, &format!("{end}-{number}"));
    }
    aside
}

/// All that was set aside of a database, by name.
pub(crate) fn set_aside(database: &Path) -> Vec<PathBuf> {
    let first = beside(database, ASIDE);
    let is_aside = |path: &PathBuf| {
        let name = path.as_os_str().as_encoded_bytes();
        let rest = name.strip_prefix(first.as_os_str().as_encoded_bytes());
        // Not its WAL.
        rest.is_some_and(|rest| match rest.split_first() {
            None => true,
            Some((b'-', number)) => number.iter().all(u8::is_ascii_digit),
            Some(_) => false,
        })
    };
    let beside_it = database.parent().and_then(|folder| folder.read_dir().ok());
    let paths = beside_it.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut all: Vec<_> = paths.filter(is_aside).collect();
    all.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
    all
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

impl Watch {
    /// At the end: what is open and has no name any more is kept under another one. Nobody else has it.
    pub(crate) async fn rescue(&self, keeper: &mut AnyConnection) {
        let found = self.look();
        if !matches!(found, Found::Gone | Found::Another) || self.is_unmounted() {
            return;
        }
        let saved = if found == Found::Gone {
            self.database.clone()
        } else {
            beside(&self.database, ".kept")
        };
        let file = saved.display();
        match copy(keeper, &saved).await {
            Ok(()) => tracing::error!(%file, "what was in the database that is gone is kept here"),
            Err(error) => tracing::error!(%error, %file, "the database that is gone is not kept"),
        }
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
