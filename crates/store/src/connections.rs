//! The connections, and the one place where transactions begin and end.
//!
//! A connection is used again only after every statement on it has ended well and every
//! transaction was committed or rolled back. One that failed, was broken off in the middle or took
//! too long is closed, and the next who needs one gets a fresh one: what a full disk, a lock, a server
//! that went away or a dropped future has left in it harms nobody else. sqlx's own transactions
//! are not used: after SQLite has rolled back by itself, as on a full disk, they never begin again.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use futures::{
    FutureExt as _, StreamExt as _, TryStreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use sqlx::{
    Any, AnyConnection, AnyPool, Connection as _, Describe, Either, Error, Execute, Executor,
    SqlStr,
    any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo},
    pool::PoolConnection,
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{
    StoreError,
    engine::{Engine, Opening},
    identity::Identity,
    row::is_of_the_row,
    watch::{Watch, checkpoint},
};

/// How long one statement may take, a commit to a slow disk included.
const STATEMENT: Duration = Duration::from_secs(15);
/// How long statements under way may take to end when all connections are changed for new ones.
const LAST_STATEMENTS: Duration = Duration::from_secs(5);

/// All connections of a store.
pub(crate) struct Connections {
    pub(crate) opening: Opening,
    pub(crate) identity: Arc<Identity>,
    pools: RwLock<Pools>,
    /// SQLite's files, where it matters that they stay the same.
    pub(crate) watch: Option<Watch>,
    /// Is open as long as the store is: the last connection to close takes the WAL file away, and
    /// whoever opens the database in that moment finds it locked. It also holds a file that was deleted.
    pub(crate) keeper: Mutex<Keeper>,
}

/// See [`Connections::keeper`].
#[derive(Default)]
pub(crate) struct Keeper {
    pub(crate) connection: Option<AnyConnection>,
    /// A file that is gone has been waited for.
    pub(crate) has_waited: bool,
    /// What was told last of why it cannot be opened, and when.
    pub(crate) told: Option<(StoreError, Instant)>,
}

#[derive(Clone)]
pub(crate) struct Pools {
    pub(crate) read: AnyPool,
    pub(crate) write: AnyPool,
}

impl Connections {
    pub(crate) fn new(
        opening: Opening,
        identity: Arc<Identity>,
        watch: Option<Watch>,
        keeper: Option<AnyConnection>,
    ) -> Self {
        let keeper = Mutex::new(Keeper { connection: keeper, ..Keeper::default() });
        let pools = RwLock::new(opening.pools(&identity));
        Self { opening, identity, pools, watch, keeper }
    }

    fn pools(&self) -> Pools {
        self.pools.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn change(&self, pools: Pools) {
        *self.pools.write().unwrap_or_else(PoisonError::into_inner) = pools;
    }

    /// Closes all but the keeper, after the statements under way.
    pub(crate) async fn empty(&self) {
        let Pools { read, write } = self.pools();
        let closed = async {
            read.close().await;
            write.close().await;
        };
        if timeout(LAST_STATEMENTS, closed).await.is_err() {
            tracing::warn!("statements are under way on connections that are given up");
        }
    }

    /// Closes all for good.
    pub(crate) async fn close(&self) {
        self.empty().await;
        if let Some(mut keeper) = self.keeper.lock().await.connection.take() {
            if let Some(watch) = self.watch.as_ref().filter(|_| self.opening.serves()) {
                watch.rescue(&mut keeper).await;
            }
            // Whatever they say: what is not in the file is in its WAL, and nobody need wait for it.
            drop(keeper.execute("PRAGMA busy_timeout = 500").await);
            drop(checkpoint(&mut keeper).await);
            drop(keeper.close().await);
        }
    }

    pub(crate) fn is_busy(&self) -> bool {
        let busy = |pool: &AnyPool| usize::try_from(pool.size()).unwrap_or(0) > pool.num_idle();
        let Pools { read, write } = self.pools();
        busy(&read) || busy(&write) || self.keeper.try_lock().is_err()
    }

    /// Whether a commit has reached the database that the next statement will find.
    fn is_same(&self) -> bool {
        self.watch.as_ref().is_none_or(Watch::is_same)
    }
}

/// Connections for reading, or those for writing. A statement given to it runs by itself.
#[derive(Clone)]
pub(crate) struct Pool {
    connections: Arc<Connections>,
    writes: bool,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("writes", &self.writes).finish_non_exhaustive()
    }
}

impl Pool {
    pub(crate) fn readers(connections: Arc<Connections>) -> Self {
        Self { connections, writes: false }
    }

    pub(crate) fn writers(connections: Arc<Connections>) -> Self {
        Self { connections, writes: true }
    }

    /// Begins a transaction with this statement.
    pub(crate) async fn begin(&self, statement: &'static str) -> Result<Tx, StoreError> {
        let mut tx = Tx { link: self.take().await?, pool: self.clone(), is_over: false };
        tx.link.execute(statement).await?;
        Ok(tx)
    }

    /// A connection to the database as it is now.
    pub(crate) async fn take(&self) -> Result<Link, StoreError> {
        let link = self.take_any().await?;
        if self.connections.identity.is_replaced() {
            return Err(StoreError::Replaced);
        }
        Ok(link)
    }

    /// The same, to find out which one it is.
    pub(crate) async fn take_any(&self) -> Result<Link, StoreError> {
        // Once more if it has been changed for another one just now.
        for _ in 0..3 {
            if !self.connections.is_same() {
                crate::watch::mend(&self.connections).await?;
            }
            let Pools { read, write } = self.connections.pools();
            match if self.writes { write } else { read }.acquire().await {
                Err(Error::PoolClosed) => {}
                taken => return Ok(Link { connection: taken?, is_sound: true }),
            }
        }
        Err(StoreError::NoAnswer)
    }
}

/// A connection in use. Unless all has gone well on it, it is closed when dropped.
#[derive(Debug)]
pub(crate) struct Link {
    connection: PoolConnection<Any>,
    /// Every statement has ended well.
    is_sound: bool,
}

impl Drop for Link {
    fn drop(&mut self) {
        if !self.is_sound {
            self.connection.close_on_drop();
        }
    }
}

/// A transaction. Dropped, nothing of it has happened.
#[derive(Debug)]
pub(crate) struct Tx {
    link: Link,
    pool: Pool,
    is_over: bool,
}

impl Tx {
    /// # Errors
    /// [`StoreError`]. Where the server is gone in that moment it may have been committed all
    /// the same.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        self.link.execute("COMMIT").await?;
        self.is_over = true;
        // It went to a file that nobody will read again.
        if self.pool.connections.is_same() { Ok(()) } else { Err(StoreError::Moved) }
    }

    pub(crate) async fn rollback(mut self) -> Result<(), StoreError> {
        self.link.execute("ROLLBACK").await?;
        self.is_over = true;
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        // To close a connection rolls back whatever is open on it, however broken it is.
        self.link.is_sound &= self.is_over;
    }
}

impl Deref for Tx {
    type Target = Link;

    fn deref(&self) -> &Link {
        &self.link
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Link {
        &mut self.link
    }
}

type Step = Either<AnyQueryResult, AnyRow>;

impl<'c> Executor<'c> for &'c mut Link {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let Link { connection, is_sound } = self;
        *is_sound = false;
        let steps = (&mut **connection).fetch_many(query);
        let limited = stream::unfold(Some((steps, is_sound)), |going_on| async {
            let (mut steps, is_sound) = going_on?;
            match timeout(STATEMENT, steps.next()).await {
                Ok(Some(Ok(step))) => Some((Ok(step), Some((steps, is_sound)))),
                // SQLite holds what is no text: the next row may be better.
                Ok(Some(Err(error))) if is_of_the_row(&error) => {
                    Some((Err(error), Some((steps, is_sound))))
                }
                Ok(Some(Err(error))) => Some((Err(error), None)),
                Ok(None) => {
                    *is_sound = true;
                    None
                }
                Err(_) => Some((Err(Error::PoolTimedOut), None)),
            }
        });
        limited.boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        self.limited(move |connection| connection.fetch_optional(query))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, Error>>
    where
        'c: 'e,
    {
        self.limited(move |connection| connection.prepare_with(sql, parameters))
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Any>, Error>>
    where
        'c: 'e,
    {
        self.limited(move |connection| connection.describe(sql))
    }
}

impl Link {
    /// Looks which database it is.
    pub(crate) async fn recognise(&mut self, connections: &Connections) -> Result<(), StoreError> {
        self.is_sound = false;
        let engine = connections.opening.engine();
        let looked = connections.identity.check(engine, &mut self.connection);
        timeout(STATEMENT, looked).await.unwrap_or(Err(StoreError::NoAnswer))?;
        self.is_sound = true;
        Ok(())
    }

    /// What comes of a statement, in time.
    fn limited<'e, T: Send + 'e>(
        &'e mut self,
        run: impl FnOnce(&'e mut AnyConnection) -> BoxFuture<'e, Result<T, Error>> + Send + 'e,
    ) -> BoxFuture<'e, Result<T, Error>> {
        let Self { connection, is_sound } = self;
        async move {
            *is_sound = false;
            let done = timeout(STATEMENT, run(connection)).await;
            let done = done.unwrap_or(Err(Error::PoolTimedOut));
            *is_sound = done.as_ref().err().is_none_or(is_of_the_row);
            done
        }
        .boxed()
    }
}

impl<'p> Executor<'p> for &'p Pool {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let all = async move {
            let mut link = self.take().await.map_err(wrapped)?;
            let steps: Vec<Step> = link.fetch_many(query).try_collect().await?;
            Ok::<_, Error>(stream::iter(steps.into_iter().map(Ok)))
        };
        stream::once(all).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        async move { self.take().await.map_err(wrapped)?.fetch_optional(query).await }.boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, Error>>
    where
        'p: 'e,
    {
        async move { self.take().await.map_err(wrapped)?.prepare_with(sql, parameters).await }
            .boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Any>, Error>>
    where
        'p: 'e,
    {
        async move { self.take().await.map_err(wrapped)?.describe(sql).await }.boxed()
    }
}

/// Through the driver's type and back: `StoreError` knows it again.
fn wrapped(error: StoreError) -> Error {
    Error::AnyDriverError(Box::new(error))
}

/// How a transaction that writes begins.
pub(crate) fn begin_writing(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "BEGIN IMMEDIATE",
        Engine::Postgres => "BEGIN",
    }
}

/// How one begins whose statements all see the same state.
pub(crate) fn begin_reading(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "BEGIN",
        Engine::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    }
}
