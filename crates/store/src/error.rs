//! What can go wrong with the state, each with what to do about it.

use std::{io, os::unix::net::UnixStream, path::PathBuf};

use sqlx::{migrate::MigrateError, postgres::PgDatabaseError, sqlite::SqliteError};

use crate::{damage, redact::redacted, row::is_of_the_row};

/// Why the state could not be read or written.
///
/// No variant keeps the driver's own error: PostgreSQL's tells the values of the row it concerns,
/// which are telephone numbers, and a configuration error the URL with its password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// `database.url` is not one that can be used.
    #[error("database.url: {0}")]
    Url(&'static str),
    /// The folder of the SQLite file does not exist.
    #[error("the folder {} for the database does not exist: create it or change database.url", .0.display())]
    NoFolder(PathBuf),
    /// There is no SQLite file yet.
    #[error("there is no database {}: run `ustredna serve` or `ustredna import` first", .0.display())]
    NoDatabase(PathBuf),
    /// The file is something else, or damaged.
    #[error(
        "the file is not a database of the exchange, or is damaged: check database.url or restore a backup"
    )]
    NotADatabase,
    /// The file cannot be opened.
    #[error(
        "the database file cannot be opened: check that it is a file that this user may read and write"
    )]
    CannotOpen,
    /// The system lets this program open no more files.
    #[error("too many open files: allow more (`ulimit -n`, LimitNOFILE of a systemd unit)")]
    TooManyFiles,
    /// The system gives this program no more memory.
    #[error(
        "out of memory: end other programs, or allow this one more (`ulimit -v`, MemoryMax of a systemd unit)"
    )]
    NoMemory,
    /// The file is not there any more, and nobody has it open.
    #[error("the database {} is gone: mount its disk, or put a backup in its place", .0.display())]
    Gone(PathBuf),
    /// It was changed for one without tables while it was open, or never had any.
    #[error(
        "the database has no tables: put a backup in its place, or let `ustredna serve` begin an empty one"
    )]
    Emptied,
    /// Another database than the one that was opened is in its place.
    #[error(
        "another database is in the place of the one that was opened: put that one or a backup of it back, or start the exchange again to go on with this one"
    )]
    Replaced,
    /// A folder, a device or the like has its name.
    #[error("{} is no file: take it away, or change database.url", .0.display())]
    NoFile(PathBuf),
    /// Somebody wrote over the file while it was open, and it was set aside.
    #[error(
        "the database {} was written over while it was in use, and is set aside as {}: move a backup to its place (`mv`), or move what was set aside elsewhere to begin an empty one",
        database.display(), names(aside)
    )]
    WrittenOver {
        /// Its name.
        database: PathBuf,
        /// What it is called now; several if that has happened before.
        aside: Vec<PathBuf>,
    },
    /// The file was changed for another one while something was written.
    #[error("the database file was changed for another one: try again")]
    Moved,
    /// Whoever may only read cannot read what an exchange that was killed has left.
    #[error(
        "the exchange that wrote the database was killed: run this once as its user, or start it"
    )]
    NotClosed,
    /// A file beside the database, or a copy of it, cannot be made or removed.
    #[error("the database's file cannot be written: {0}")]
    Files(String),
    /// A copy of the database cannot be made; nothing is wrong with the database.
    #[error("the copy cannot be written: {0}")]
    Copy(String),
    /// PostgreSQL's programs do it better.
    #[error(
        "a PostgreSQL database is copied by its own programs: pg_dump --format=custom --file=FILE, with the host, user and database of database.url"
    )]
    OwnBackup,
    /// A row refers to one that is not there, or has what another has.
    #[error("the change contradicts what is in the database: {0}")]
    Contradiction(String),
    /// Another program holds the write lock.
    #[error(
        "the database is locked: another program has been writing to it for too long; wait for it or end it"
    )]
    Locked,
    /// No connection became free in time.
    #[error(
        "the database has not answered for some seconds: see whether it runs, is overloaded or is locked by another program"
    )]
    NoAnswer,
    /// Nothing can be written.
    #[error("the database is read-only: give this user write access to the file and its folder")]
    ReadOnly,
    /// PostgreSQL lets nothing be written.
    #[error(
        "PostgreSQL takes no changes (read-only): connect to the primary server, and see default_transaction_read_only"
    )]
    ReadOnlyServer,
    /// The disk fails, or has no room for SQLite's own files.
    #[error(
        "the database's disk cannot be read or written ({0}): see whether it is full, gone or broken"
    )]
    Disk(String),
    /// The disk is full.
    #[error("the database's disk is full: make room on it")]
    Full,
    /// A later version of the program has changed the tables.
    #[error("the database has schema {found}, this program knows {known}: run the newer program")]
    NewerSchema {
        /// The number of the last migration in the database.
        found: i64,
        /// The number of the last migration of this program.
        known: i64,
    },
    /// An earlier version of the program made the tables, and an exchange of it may use them now.
    #[error(
        "the database has schema {found}, this program needs {known}: stop the exchange that uses it, make a backup, and start `ustredna serve` of this version, which brings it up to date"
    )]
    OlderSchema {
        /// The number of the last migration in the database.
        found: i64,
        /// The number of the last migration of this program.
        known: i64,
    },
    /// The tables could not be created or changed.
    #[error(
        "the database could not be brought up to date ({0}): see whether another program has changed its \
         tables, or restore a backup"
    )]
    Migration(String),
    /// A PostgreSQL database that cannot hold every name and text.
    #[error(
        "the PostgreSQL database has the encoding {0}, which cannot hold every name and text: make one with \
         CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding(String),
    /// PostgreSQL does not answer.
    #[error(
        "PostgreSQL cannot be reached ({0}): check that it runs and that database.url is right"
    )]
    Unreachable(String),
    /// PostgreSQL refuses the user, the password or the database.
    #[error(
        "PostgreSQL refuses the connection ({0}): check the user, password and database of database.url \
         (in a password `@` is written %40, `/` %2F, `%` %25)"
    )]
    Denied(String),
    /// A row holds what no program of ours writes.
    #[error(
        "damaged row: table {table}, id {id}, column {column}: correct it by hand or restore a backup"
    )]
    Damaged {
        /// The table.
        table: &'static str,
        /// The row's key.
        id: String,
        /// The column.
        column: &'static str,
    },
    /// What was to be changed does not exist.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The change contradicts what is there.
    #[error("{0}")]
    Conflict(&'static str),
    /// Anything else, in the engine's words.
    #[error(
        "the database failed ({0}): see whether another program has changed its tables, or restore a backup"
    )]
    Database(String),
}

impl StoreError {
    /// Whether the same may well succeed later: the trouble is the database's, not that of what was
    /// to be read or written.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::NoFolder(_)
            | Self::NoDatabase(_)
            | Self::NotADatabase
            | Self::CannotOpen
            | Self::TooManyFiles
            | Self::NoMemory
            | Self::Emptied
            | Self::Gone(_)
            | Self::Moved
            | Self::Replaced
            | Self::NoFile(_)
            | Self::WrittenOver { .. }
            | Self::NotClosed
            | Self::Files(_)
            | Self::Locked
            | Self::NoAnswer
            | Self::ReadOnly
            | Self::ReadOnlyServer
            | Self::Full
            | Self::Disk(_)
            | Self::Unreachable(_)
            | Self::Denied(_)
            | Self::Database(_) => true,
            Self::Url(_)
            | Self::NewerSchema { .. }
            | Self::OlderSchema { .. }
            | Self::Migration(_)
            | Self::Encoding(_)
            | Self::Contradiction(_)
            | Self::Damaged { .. }
            | Self::Copy(_)
            | Self::OwnBackup
            | Self::NotFound(_)
            | Self::Conflict(_) => false,
        }
    }
}

fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" and ")
}

impl From<sqlx::Error> for StoreError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "what an operator can do nothing about")]
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => {
                if let Some(sqlite) = database.try_downcast_ref::<SqliteError>() {
                    return of_sqlite(sqlite);
                }
                if let Some(postgres) = database.try_downcast_ref::<PgDatabaseError>() {
                    return of_postgres(postgres);
                }
                Self::Database(redacted(database.message()))
            }
            sqlx::Error::AnyDriverError(inner) if inner.is::<Self>() => {
                inner.downcast_ref().cloned().unwrap_or(Self::NoAnswer)
            }
            // Text that is not UTF-8, which SQLite may hold.
            row if is_of_the_row(row) => Self::Damaged {
                table: damage::UNKNOWN,
                id: damage::UNKNOWN.to_owned(),
                column: damage::UNKNOWN,
            },
            sqlx::Error::Io(io) if is_of_files(io) => Self::TooManyFiles,
            sqlx::Error::Io(io) => Self::Unreachable(redacted(&io.to_string())),
            sqlx::Error::PoolTimedOut => Self::NoAnswer,
            sqlx::Error::Configuration(_) => Self::Url("a part of it cannot be understood"),
            _ => Self::Database(redacted(&error.to_string())),
        }
    }
}

impl From<MigrateError> for StoreError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "what an operator can do nothing about")]
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) => error.into(),
            MigrateError::ExecuteMigration(error, version) => match error.into() {
                Self::Database(text) => Self::Migration(format!("step {version}: {text}")),
                known => known,
            },
            other => Self::Migration(redacted(&other.to_string())),
        }
    }
}

/// By the primary result code, <https://www.sqlite.org/rescode.html>.
fn of_sqlite(error: &SqliteError) -> StoreError {
    use sqlx::error::DatabaseError as _;

    let code = error.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or(0);
    match code & 0xff {
        5 | 6 => StoreError::Locked,
        7 => StoreError::NoMemory,
        8 => StoreError::ReadOnly,
        10 => StoreError::Disk(redacted(error.message())),
        11 | 26 => StoreError::NotADatabase,
        13 => StoreError::Full,
        14 if !more_files_can_be_opened() => StoreError::TooManyFiles,
        14 => StoreError::CannotOpen,
        19 => StoreError::Contradiction(redacted(error.message())),
        _ => StoreError::Database(redacted(error.message())),
    }
}

/// Whether as many files can be opened now as SQLite needs, which does not tell why it cannot: the
/// database, its WAL, that one's index, and a folder.
fn more_files_can_be_opened() -> bool {
    let two = || UnixStream::pair();
    let opened = two().and_then(|first| Ok((first, two()?)));
    !opened.is_err_and(|error| is_of_files(&error))
}

/// Whether this program, or all of them together, have too many open files.
fn is_of_files(error: &io::Error) -> bool {
    use rustix::io::Errno;

    let code = error.raw_os_error();
    code == Some(Errno::MFILE.raw_os_error()) || code == Some(Errno::NFILE.raw_os_error())
}

/// By the SQLSTATE, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn of_postgres(error: &PgDatabaseError) -> StoreError {
    let text = redacted(error.message());
    match error.code() {
        "25006" => StoreError::ReadOnlyServer,
        "53100" => StoreError::Full,
        "55P03" | "40P01" | "57014" => StoreError::Locked,
        "3D000" | "42501" => StoreError::Denied(text),
        code if code.starts_with("28") => StoreError::Denied(text),
        code if code.starts_with("08") || code.starts_with("57P") || code == "53300" => {
            StoreError::Unreachable(text)
        }
        code if code.starts_with("23") => StoreError::Contradiction(text),
        _ => StoreError::Database(text),
    }
}
