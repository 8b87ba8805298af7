//! Which database it is: one that was put in its place, or made anew under the same name, must not be
//! taken for it. A running exchange would go on without its shoppers.
//!
//! A database is known by when its first table was made, and by how many nanoseconds that took: both
//! are in the list of migrations, and every copy and dump of it has them.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use sqlx::AnyConnection;

use crate::{
    StoreError,
    engine::{Engine, schema},
};

/// What is known of the database that is open.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    known: Mutex<Option<String>>,
    /// It has, or had, shoppers: another one would not do.
    has_shoppers: AtomicBool,
    /// Another one has been found in its place.
    is_replaced: AtomicBool,
}

impl Identity {
    /// Whether another database is there now, and nothing may be read from it or written to it.
    pub(crate) fn is_replaced(&self) -> bool {
        self.is_replaced.load(Relaxed)
    }

    /// What the database is known by.
    pub(crate) fn known(&self) -> Option<String> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks which database it is. The first one is taken for the right one, and so is any other while
    /// there were no shoppers that could be lost.
    ///
    /// # Errors
    /// [`StoreError::Replaced`], and whatever keeps it from being looked at.
    pub(crate) async fn check(
        &self,
        engine: Engine,
        connection: &mut AnyConnection,
    ) -> Result<(), StoreError> {
        let is_right = self.is_right(engine, &mut *connection).await?;
        self.is_replaced.store(!is_right, Relaxed);
        if !is_right {
            return Err(StoreError::Replaced);
        }
        self.look_for_shoppers(connection).await
    }

    /// Notes whether the database has anything that could be lost.
    pub(crate) async fn look_for_shoppers(
        &self,
        connection: &mut AnyConnection,
    ) -> Result<(), StoreError> {
        if !self.has_shoppers.load(Relaxed) {
            let some = sqlx::query("SELECT id FROM shoppers LIMIT 1");
            let some = some.fetch_optional(connection).await?.is_some();
            self.has_shoppers.store(some, Relaxed);
        }
        Ok(())
    }

    /// The same without a change: of a file that is not opened yet.
    pub(crate) async fn is_right(
        &self,
        engine: Engine,
        connection: &mut AnyConnection,
    ) -> Result<bool, StoreError> {
        let found = of(engine, connection).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if self.has_shoppers.load(Relaxed) && known.is_some() {
            return Ok(*known == Some(found));
        }
        *known = Some(found);
        Ok(true)
    }
}

async fn of(engine: Engine, connection: &mut AnyConnection) -> Result<String, StoreError> {
    if schema(engine, &mut *connection).await?.is_none() {
        return Err(StoreError::Emptied);
    }
    let sql = match engine {
        Engine::Sqlite => {
            "SELECT installed_on || ' ' || CAST(execution_time AS TEXT) AS identity \
             FROM _sqlx_migrations ORDER BY version LIMIT 1"
        }
        // Whatever the time zone of the connection.
        Engine::Postgres => {
            "SELECT CAST(EXTRACT(EPOCH FROM installed_on) AS TEXT) || ' ' || \
             CAST(execution_time AS TEXT) AS identity \
             FROM _sqlx_migrations ORDER BY version LIMIT 1"
        }
    };
    let found = sqlx::query_scalar(sql).fetch_optional(connection).await?;
    found.ok_or(StoreError::Emptied)
}
