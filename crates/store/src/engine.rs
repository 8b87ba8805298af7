//! Opening the database: which engine, which file, how its connections are set up, and bringing
//! its tables up to date.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    AnyConnection, AnyPool, Connection as _, Executor as _,
    any::{AnyConnectOptions, AnyPoolOptions},
    migrate::Migrator,
    postgres::PgConnectOptions,
};

use crate::{
    Store, StoreError,
    connections::{Connections, Pools},
    watch::{self, Watch},
};

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!();

/// How long to wait for a server, or for a free connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which engine holds the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// WAL lets readers and the writer go on side by side. `synchronous = FULL` flushes at every
/// commit: an intent, a ticket or "this SMS is sent" must outlive a power failure, and a call
/// makes only a handful of commits. Five seconds of waiting covers an import by another program.
const WRITER: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; \
    PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";
const READER: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;";

/// What connections are opened with.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    engine: Engine,
    options: AnyConnectOptions,
}

impl Opening {
    pub(crate) fn engine(&self) -> Engine {
        self.engine
    }

    /// One connection, to a database whose tables are up to date.
    async fn first(&self) -> Result<AnyConnection, StoreError> {
        let mut first = self.connect().await?;
        migrate(self.engine, &mut first).await?;
        Ok(first)
    }

    /// The same once more, of a running exchange: without tables there would be no shoppers either,
    /// so an empty file is not made a database.
    pub(crate) async fn again(&self) -> Result<AnyConnection, StoreError> {
        let mut first = self.connect().await?;
        if schema(self.engine, &mut first).await?.is_none() {
            return Err(StoreError::Emptied);
        }
        migrate(self.engine, &mut first).await?;
        Ok(first)
    }

    /// Makes tables only for who may: a list, or a look at what is wrong, must not make a database
    /// of an empty one that an exchange refuses.
    async fn begin(&self, create: bool) -> Result<AnyConnection, StoreError> {
        if create { self.first().await } else { self.again().await }
    }

    /// A pool would try a server that refuses again and again; a single connection tells why.
    pub(crate) async fn connect(&self) -> Result<AnyConnection, StoreError> {
        let connected = tokio::time::timeout(PATIENCE, AnyConnection::connect_with(&self.options));
        let mut connection = connected.await.map_err(|_| match self.engine {
            // A file on a disk that does not answer either.
            Engine::Sqlite => StoreError::NoAnswer,
            Engine::Postgres => StoreError::Unreachable("no answer".to_owned()),
        })??;
        if self.engine == Engine::Sqlite {
            set_up(&mut connection).await?;
        }
        Ok(connection)
    }

    /// Nothing is opened yet.
    pub(crate) fn pools(&self) -> Pools {
        let pool = AnyPoolOptions::new().acquire_timeout(PATIENCE);
        match self.engine {
            Engine::Sqlite => {
                let pool = pool.idle_timeout(None).max_lifetime(None);
                let read = sqlite_pool(pool.clone().max_connections(4), READER, &self.options);
                Pools { read, write: sqlite_pool(pool.max_connections(1), WRITER, &self.options) }
            }
            Engine::Postgres => {
                let both = pool.max_connections(10).connect_lazy_with(self.options.clone());
                Pools { read: both.clone(), write: both }
            }
        }
    }
}

impl Store {
    /// Opens the database that `url` names, creates a missing SQLite file (for this user's eyes
    /// alone), and brings the tables up to date.
    ///
    /// `sqlite://FILE` (relative to the working directory, `sqlite:///abs/FILE` absolute) or
    /// `postgres://USER:PASSWORD@HOST/DATABASE`.
    ///
    /// # Errors
    /// What is wrong and what to do; never with the URL's password.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, true).await
    }

    /// The same, but a missing SQLite file or a database without tables is an error: a list of nothing
    /// would only hide that the wrong one was named. A file that this user may only read can be read.
    ///
    /// # Errors
    /// As [`Self::open`], and [`StoreError::NoDatabase`], [`StoreError::Emptied`].
    pub async fn open_existing(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, false).await
    }

    async fn open_with(url: &str, create: bool) -> Result<Self, StoreError> {
        check_url(url)?;
        sqlx::any::install_default_drivers();
        match url.split_once(':') {
            Some(("sqlite", _)) => Self::open_file(&SqliteUrl::read(url, create)?, create).await,
            Some(("postgres" | "postgresql", _)) => {
                let opening = Opening { engine: Engine::Postgres, options: options(url)? };
                opening.begin(create).await?.close().await?;
                Ok(Self::new(Connections::new(opening.clone(), opening.pools(), None, None)))
            }
            _ => Err(StoreError::Url(SCHEMES)),
        }
    }

    async fn open_file(url: &SqliteUrl, create: bool) -> Result<Self, StoreError> {
        if url.creates
            && let Err(error) = watch::create(&url.path)
            && error.kind() != ErrorKind::AlreadyExists
        {
            return Err(StoreError::CannotOpen);
        }
        let opening = |mode| -> Result<Opening, StoreError> {
            let url = format!("sqlite:{}?{mode}", percent_encoded(&url.path));
            Ok(Opening { engine: Engine::Sqlite, options: options(&url)? })
        };
        let mode = if url.is_read_only { "mode=ro" } else { "mode=rw" };
        let mut opening_as = opening(mode)?;
        let mut may_write = !url.is_read_only;
        let keeper = match opening_as.begin(create).await {
            // A user who may not write to the folder cannot make the WAL's index. Without a WAL all
            // is in the file, and nobody writes to it just now.
            Err(StoreError::CannotOpen | StoreError::ReadOnly) if !create => {
                if !url.may_be_read() {
                    return Err(StoreError::CannotOpen);
                }
                if url.has_wal() {
                    return Err(StoreError::NotClosed);
                }
                may_write = false;
                opening_as = opening("mode=ro&immutable=1")?;
                opening_as.again().await?
            }
            opened => opened?,
        };
        let watch = may_write.then(|| Watch::new(url.path.clone()));
        let connections =
            Connections::new(opening_as.clone(), opening_as.pools(), watch, Some(keeper));
        if let Some(watch) = &connections.watch {
            watch.learn();
        }
        Ok(Self::new(connections))
    }
}

const SCHEMES: &str = "it must begin with sqlite:// or postgres://: write for example \
    sqlite://ustredna.db or postgres://USER:PASSWORD@HOST/DATABASE";

const CONTROL: &str = "it has a line break or another control character: write it on one line";

const PARTS: &str = "a part of it cannot be understood: write postgres://USER:PASSWORD@HOST:PORT/DATABASE, \
    and in the user and the password `@` as %40, `/` as %2F, `:` as %3A, `#` as %23, `?` as %3F, `%` as %25";

/// Looks whether `url` can name a database at all, without opening it.
///
/// # Errors
/// [`StoreError::Url`] with what to write; never with the URL's password.
pub fn check_url(url: &str) -> Result<(), StoreError> {
    if url.contains(char::is_control) {
        return Err(StoreError::Url(CONTROL));
    }
    match url.split_once(':') {
        Some(("sqlite", _)) => SqliteUrl::parse(url).map(drop),
        Some(("postgres" | "postgresql", rest)) => {
            // What stands before an `@` in the password would be the host.
            let rest = rest.strip_prefix("//").unwrap_or(rest);
            let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            if rest.get(host..).is_some_and(|behind| behind.contains('@')) {
                return Err(StoreError::Url(PARTS));
            }
            options(url)?;
            url.parse::<PgConnectOptions>().map(drop).map_err(|_| StoreError::Url(PARTS))
        }
        _ => Err(StoreError::Url(SCHEMES)),
    }
}

fn options(url: &str) -> Result<AnyConnectOptions, StoreError> {
    url.parse().map_err(|_| StoreError::Url(PARTS))
}

/// Changing to WAL needs the file for itself and does not heed `busy_timeout`; two programs that
/// start at once on a new file get in each other's way for a moment.
async fn set_up(connection: &mut AnyConnection) -> Result<(), StoreError> {
    let tries = async {
        loop {
            match claim(connection).await {
                Err(StoreError::Locked) => tokio::time::sleep(Duration::from_millis(50)).await,
                done => return done,
            }
        }
    };
    tokio::time::timeout(PATIENCE, tries).await.unwrap_or(Err(StoreError::Locked))
}

/// Sets up a connection to a database that is the exchange's, or has no tables yet. Another program's
/// is left as it is: WAL would change its file already.
async fn claim(connection: &mut AnyConnection) -> Result<(), StoreError> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    .fetch_all(&mut *connection)
    .await?;
    let ours = ["_sqlx_migrations", "shoppers"];
    if !tables.is_empty() && !ours.iter().all(|ours| tables.iter().any(|table| table == ours)) {
        return Err(StoreError::NotADatabase);
    }
    connection.execute(WRITER).await?;
    Ok(())
}

fn sqlite_pool(
    pool: AnyPoolOptions,
    pragmas: &'static str,
    options: &AnyConnectOptions,
) -> AnyPool {
    pool.after_connect(move |connection, _| {
        Box::pin(async move { connection.execute(pragmas).await.map(drop) })
    })
    .connect_lazy_with(options.clone())
}

/// Only writes when something is to be done, so that a list can be read from a read-only file.
async fn migrate(engine: Engine, connection: &mut AnyConnection) -> Result<(), StoreError> {
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    if let Some(found) = schema(engine, connection).await? {
        if found > known {
            return Err(StoreError::NewerSchema { found, known });
        }
        if found == known {
            return Ok(());
        }
    }
    // `run_direct` and not `run`, whose future cannot be sent to another thread.
    match engine {
        // Two programs may start at once on a new file: the second waits for the first here, and
        // then finds nothing left to do. (PostgreSQL's migrations take an advisory lock.)
        Engine::Sqlite => {
            let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
            MIGRATIONS.run_direct(None, &mut *tx, false).await?;
            tx.commit().await?;
        }
        Engine::Postgres => MIGRATIONS.run_direct(None, connection, false).await?,
    }
    Ok(())
}

/// The number of the last migration, `None` for an empty database.
async fn schema(engine: Engine, connection: &mut AnyConnection) -> Result<Option<i64>, StoreError> {
    let exists = match engine {
        Engine::Sqlite => "SELECT name AS found FROM sqlite_master WHERE name = '_sqlx_migrations'",
        Engine::Postgres => {
            "SELECT CAST(to_regclass('_sqlx_migrations') AS TEXT) AS found \
             WHERE to_regclass('_sqlx_migrations') IS NOT NULL"
        }
    };
    if sqlx::query(exists).fetch_optional(&mut *connection).await?.is_none() {
        return Ok(None);
    }
    Ok(sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations")
        .fetch_one(connection)
        .await?)
}

/// A file named by a URL.
struct SqliteUrl {
    path: PathBuf,
    creates: bool,
    is_read_only: bool,
}

impl SqliteUrl {
    /// The path as it is written, and what follows the `?`.
    fn parse(url: &str) -> Result<(PathBuf, &str), StoreError> {
        let rest = url.strip_prefix("sqlite:").unwrap_or(url);
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if path.is_empty() || path.contains(":memory:") || query.contains("mode=memory") {
            return Err(StoreError::Url(
                "write a file, as in sqlite://ustredna.db: a database in memory forgets everything",
            ));
        }
        let path = percent_decoded(path)
            .ok_or(StoreError::Url("it has a broken %-escape: write a `%` in the path as %25"))?;
        if !matches!(query, "" | "mode=rwc" | "mode=rw" | "mode=ro") {
            return Err(StoreError::Url(
                "behind the `?` write only mode=ro, mode=rw or mode=rwc (a `?` in the path is %3F)",
            ));
        }
        if path.to_string_lossy().contains(char::is_control) {
            return Err(StoreError::Url(CONTROL));
        }
        if path.file_name().is_none() || path.to_string_lossy().trim().is_empty() {
            return Err(StoreError::Url(
                "it names a folder: write the file, for example sqlite://ustredna.db",
            ));
        }
        Ok((path, query))
    }

    /// The file as an absolute path, which goes to the driver in a form that URL parsing leaves
    /// alone (it takes the first folder of `sqlite://data/../x.db` for a host).
    fn read(url: &str, create: bool) -> Result<Self, StoreError> {
        let (path, query) = Self::parse(url)?;
        let path = std::path::absolute(path).map_err(|_| StoreError::CannotOpen)?;
        let creates = create && matches!(query, "" | "mode=rwc");
        // An empty file is none either, unless another program is about to fill it.
        let empty = path.metadata().is_ok_and(|found| found.is_file() && found.len() == 0)
            && !watch::beside(&path, "-wal").exists();
        if !path.exists() || (empty && !creates) {
            if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
                return Err(StoreError::NoFolder(folder.to_owned()));
            }
            if !creates {
                return Err(StoreError::NoDatabase(path));
            }
        }
        Ok(Self { path, creates, is_read_only: query == "mode=ro" })
    }

    fn may_be_read(&self) -> bool {
        rustix::fs::access(&self.path, rustix::fs::Access::READ_OK).is_ok()
    }

    /// Whether the last one who had it open has left changes outside it, or is still there.
    fn has_wal(&self) -> bool {
        let wal = watch::beside(&self.path, "-wal");
        wal.metadata().is_ok_and(|found| found.len() > 0)
    }
}

fn percent_decoded(text: &str) -> Option<PathBuf> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

fn percent_encoded(path: &Path) -> String {
    use std::fmt::Write as _;

    let mut text = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            text.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
