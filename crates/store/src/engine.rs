//! Opening the database: which engine, which file, how its connections are set up, and bringing
//! its tables up to date.

mod schema;
mod url;

use std::{io::ErrorKind, path::Path, sync::Arc, time::Duration};

use sqlx::{
    AnyConnection, AssertSqlSafe, Connection as _, Executor as _,
    any::{AnyConnectOptions, AnyPoolOptions},
};

use self::{
    schema::{is_ours, migrate},
    url::{SCHEMES, SqliteUrl, options, percent_encoded},
};
use crate::{
    Store, StoreError,
    connections::{Connections, Pools},
    identity::Identity,
    watch::{self, Watch},
};

pub(crate) use self::schema::{MIGRATIONS, schema};
pub use self::url::{check_url, file_of};

/// How long to wait for a server, or for a free connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same for those who only look.
const BRIEF: Duration = Duration::from_millis(1500);

/// Which engine holds the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// WAL lets readers and the writer go on side by side. `synchronous = FULL` flushes at every
/// commit: an intent, a ticket or "this SMS is sent" must outlive a power failure, and a call
/// makes only a handful of commits.
const WRITER: &str =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";
/// Of those who leave the file as it is.
const GUEST: &str = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";
const READER: &str = "PRAGMA query_only = ON;";
/// How many milliseconds a lock is waited for: it covers an import by another program.
const LOCK: u32 = 5000;
/// The same for those who only look.
const SHORT_LOCK: u32 = 700;

/// What whoever opens a database may do to its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tables {
    /// Nothing: an exchange of another version may use them, or refuse an empty file.
    Keep,
    /// Nothing, whatever version they are of: they are only copied.
    Copy,
    /// Make them where there are none.
    Begin,
    /// The same, and bring older ones up to date.
    Serve,
    /// Bring older ones up to date. Without tables there would be no shoppers either, so a running
    /// exchange makes no database of an empty one.
    ServeOn,
}

impl Tables {
    fn begins(self) -> bool {
        matches!(self, Self::Begin | Self::Serve)
    }

    /// For the time after the opening.
    fn later(self) -> Self {
        match self {
            Self::Serve | Self::ServeOn => Self::ServeOn,
            Self::Begin | Self::Keep => Self::Keep,
            Self::Copy => Self::Copy,
        }
    }

    fn updates(self) -> bool {
        matches!(self, Self::Serve | Self::ServeOn)
    }
}

/// What connections are opened with.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    engine: Engine,
    options: AnyConnectOptions,
    tables: Tables,
    /// Only for a look: nobody waits long.
    is_brief: bool,
}

impl Opening {
    pub(crate) fn engine(&self) -> Engine {
        self.engine
    }

    /// For the connections after the first one.
    fn later(self) -> Self {
        Self { tables: self.tables.later(), ..self }
    }

    /// It may change the tables of an older version.
    pub(crate) fn serves(&self) -> bool {
        self.tables.updates()
    }

    /// One connection, to a database whose tables are up to date.
    pub(crate) async fn first(&self) -> Result<AnyConnection, StoreError> {
        let mut first = self.connect().await?;
        let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
        match schema(self.engine, &mut first).await? {
            Some(_) if self.tables == Tables::Copy => {}
            Some(found) if found > known => return Err(StoreError::NewerSchema { found, known }),
            Some(found) if found == known => {}
            Some(found) if !self.tables.updates() => {
                return Err(StoreError::OlderSchema { found, known });
            }
            None if !self.tables.begins() => return Err(StoreError::Emptied),
            Some(_) | None => migrate(self.engine, &mut first).await?,
        }
        Ok(first)
    }

    /// The same for a copy of the SQLite file, whose tables are left as they are.
    pub(crate) fn at(&self, file: &Path) -> Result<Self, StoreError> {
        let url = format!("sqlite:{}?mode=rw", percent_encoded(file));
        Ok(Self { options: options(&url)?, tables: Tables::Keep, ..self.clone() })
    }

    /// Looks at a file that is to be used from now on, without changing it: whether it is a whole
    /// database, of an exchange, and the right one. Without `wal` the one beside it is of another file,
    /// and not looked at.
    pub(crate) async fn examine(
        &self,
        file: &Path,
        wal: bool,
        identity: &Identity,
    ) -> Result<(), StoreError> {
        let found = file.metadata().map_err(|_| StoreError::CannotOpen)?;
        if !found.is_file() {
            return Err(StoreError::NoFile(file.to_owned()));
        }
        if found.len() == 0 {
            return Err(StoreError::Emptied);
        }
        let immutable = if wal { "" } else { "&immutable=1" };
        let url = format!("sqlite:{}?mode=ro{immutable}", percent_encoded(file));
        let looking = Self { options: options(&url)?, tables: Tables::Keep, ..self.clone() };
        let mut connection = looking.connect().await?;
        if schema(self.engine, &mut connection).await?.is_none() {
            return Err(StoreError::Emptied);
        }
        if !identity.is_right(self.engine, &mut connection).await? {
            return Err(StoreError::Replaced);
        }
        let whole: String =
            sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut connection).await?;
        // Nobody waits for it.
        drop(connection.close().await);
        if whole == "ok" { Ok(()) } else { Err(StoreError::NotADatabase) }
    }

    /// A pool would try a server that refuses again and again; a single connection tells why.
    pub(crate) async fn connect(&self) -> Result<AnyConnection, StoreError> {
        let patience = self.patience();
        let connected = tokio::time::timeout(patience, AnyConnection::connect_with(&self.options));
        let mut connection = connected.await.map_err(|_| match self.engine {
            // A file on a disk that does not answer either.
            Engine::Sqlite => StoreError::NoAnswer,
            Engine::Postgres => StoreError::Unreachable("no answer".to_owned()),
        })??;
        match self.engine {
            Engine::Sqlite => self.set_up(&mut connection).await?,
            Engine::Postgres => {
                connection.execute(AssertSqlSafe(self.lock())).await?;
            }
        }
        Ok(connection)
    }

    /// Changing to WAL needs the file for itself and does not heed `busy_timeout`; two programs that
    /// start at once on a new file get in each other's way for a moment. Those who only look do not.
    async fn set_up(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        if self.is_brief {
            return self.claim(connection).await;
        }
        let tries = async {
            loop {
                match self.claim(connection).await {
                    Err(StoreError::Locked) => tokio::time::sleep(Duration::from_millis(50)).await,
                    done => return done,
                }
            }
        };
        tokio::time::timeout(self.patience(), tries).await.unwrap_or(Err(StoreError::Locked))
    }

    /// Sets up a connection to a database that is the exchange's, or has no tables yet. Another
    /// program's is left as it is, and so is that of an exchange for those who only begin one: WAL
    /// would change its file already.
    async fn claim(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        connection.execute(AssertSqlSafe(self.lock())).await?;
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
        )
        .fetch_all(&mut *connection)
        .await?;
        let ours = ["_sqlx_migrations", "shoppers"];
        if !tables.is_empty() && !ours.iter().all(|ours| tables.iter().any(|table| table == ours)) {
            return Err(StoreError::NotADatabase);
        }
        if !tables.is_empty() && !is_ours(connection).await? {
            return Err(StoreError::NotADatabase);
        }
        let is_guest = self.tables == Tables::Begin && !tables.is_empty();
        let pragmas = if is_guest { GUEST.to_owned() } else { self.pragmas(true) };
        connection.execute(AssertSqlSafe(pragmas)).await?;
        Ok(())
    }

    fn patience(&self) -> Duration {
        if self.is_brief { BRIEF } else { PATIENCE }
    }

    /// The statement by which a connection does not wait long for what others have locked.
    fn lock(&self) -> String {
        let time = if self.is_brief { SHORT_LOCK } else { LOCK };
        match self.engine {
            Engine::Sqlite => format!("PRAGMA busy_timeout = {time};"),
            Engine::Postgres => format!("SET lock_timeout = {time}"),
        }
    }

    /// How a connection to SQLite is set up.
    fn pragmas(&self, writes: bool) -> String {
        let lock = self.lock();
        let rest = match (writes, self.tables) {
            (false, _) => READER,
            (true, Tables::Keep | Tables::Copy) => GUEST,
            (true, Tables::Begin | Tables::Serve | Tables::ServeOn) => WRITER,
        };
        format!("{lock} {rest}")
    }

    /// Nothing is opened yet.
    pub(crate) fn pools(&self, identity: &Arc<Identity>) -> Pools {
        let pool = AnyPoolOptions::new().acquire_timeout(self.patience());
        match self.engine {
            Engine::Sqlite => {
                let pool = pool.idle_timeout(None).max_lifetime(None);
                let file = |pool: AnyPoolOptions, writes| {
                    let pragmas = self.pragmas(writes);
                    pool.after_connect(move |connection, _| {
                        let pragmas = AssertSqlSafe(pragmas.clone());
                        Box::pin(async move { connection.execute(pragmas).await.map(drop) })
                    })
                    .connect_lazy_with(self.options.clone())
                };
                let read = file(pool.clone().max_connections(4), false);
                Pools { read, write: file(pool.max_connections(1), true) }
            }
            Engine::Postgres => {
                let (identity, lock) = (Arc::clone(identity), self.lock());
                // A database that was dropped and made anew: all connections are new ones then.
                let pool = pool.after_connect(move |connection, _| {
                    let (identity, lock) = (Arc::clone(&identity), lock.clone());
                    Box::pin(async move {
                        connection.execute(AssertSqlSafe(lock)).await?;
                        // What else is wrong the first statement tells.
                        drop(identity.check(Engine::Postgres, connection).await);
                        Ok(())
                    })
                });
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
        Self::open_with(url, Tables::Serve, false).await
    }

    /// The same, but tables of an earlier version are left as they are: an exchange of that version
    /// may be using them.
    ///
    /// # Errors
    /// As [`Self::open`], and [`StoreError::OlderSchema`].
    pub async fn open_or_begin(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, Tables::Begin, false).await
    }

    /// The same, but a missing SQLite file or a database without tables is an error: a list of nothing
    /// would only hide that the wrong one was named. A file that this user may only read can be read.
    ///
    /// # Errors
    /// As [`Self::open_or_begin`], and [`StoreError::NoDatabase`], [`StoreError::Emptied`].
    pub async fn open_existing(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, Tables::Keep, false).await
    }

    /// The same to make a backup: its tables may be of an earlier version, or of a later one.
    ///
    /// # Errors
    /// As [`Self::open_existing`], but for those of the version.
    pub async fn open_for_backup(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, Tables::Copy, false).await
    }

    /// The same for a quick look: a database that is locked is called so within a second.
    ///
    /// # Errors
    /// As [`Self::open_existing`].
    pub async fn open_briefly(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, Tables::Keep, true).await
    }

    async fn open_with(url: &str, tables: Tables, is_brief: bool) -> Result<Self, StoreError> {
        check_url(url)?;
        sqlx::any::install_default_drivers();
        match url.split_once(':') {
            Some(("sqlite", _)) => {
                let url = SqliteUrl::read(url, tables.begins())?;
                Self::open_file(&url, tables, is_brief).await
            }
            Some(("postgres" | "postgresql", _)) => {
                let engine = Engine::Postgres;
                let opening = Opening { engine, options: options(url)?, tables, is_brief };
                let mut first = opening.first().await?;
                let identity = Arc::default();
                Identity::check(&identity, engine, &mut first).await?;
                first.close().await?;
                Ok(Self::new(Connections::new(opening.later(), identity, None, None)))
            }
            _ => Err(StoreError::Url(SCHEMES)),
        }
    }

    async fn open_file(
        url: &SqliteUrl,
        tables: Tables,
        is_brief: bool,
    ) -> Result<Self, StoreError> {
        if url.creates
            && let Err(error) = watch::create(&url.path)
            && error.kind() != ErrorKind::AlreadyExists
        {
            return Err(StoreError::CannotOpen);
        }
        let opening = |mode| -> Result<Opening, StoreError> {
            let url = format!("sqlite:{}?{mode}", percent_encoded(&url.path));
            Ok(Opening { engine: Engine::Sqlite, options: options(&url)?, tables, is_brief })
        };
        let mode = if url.is_read_only { "mode=ro" } else { "mode=rw" };
        let mut opening_as = opening(mode)?;
        let mut may_write = !url.is_read_only;
        let mut keeper = match opening_as.first().await {
            // A user who may not write to the folder cannot make the WAL's index. Without a WAL all
            // is in the file, and nobody writes to it just now.
            Err(StoreError::CannotOpen | StoreError::ReadOnly) if !tables.begins() => {
                if !url.may_be_read() {
                    return Err(StoreError::CannotOpen);
                }
                if url.has_wal() {
                    return Err(StoreError::NotClosed);
                }
                may_write = false;
                opening_as = opening("mode=ro&immutable=1")?;
                opening_as.first().await?
            }
            opened => opened?,
        };
        let identity = Arc::default();
        Identity::check(&identity, Engine::Sqlite, &mut keeper).await?;
        let watch = may_write.then(|| Watch::new(url.path.clone(), tables.updates()));
        let connections = Connections::new(opening_as.later(), identity, watch, Some(keeper));
        if let Some(watch) = &connections.watch {
            watch.learn();
        }
        Ok(Self::new(connections))
    }
}
