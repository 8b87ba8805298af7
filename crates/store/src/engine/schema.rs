//! The tables, by the migrations that made them.

use sqlx::{AnyConnection, Connection as _, Executor as _, migrate::Migrator};

use super::Engine;
use crate::StoreError;

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!();

pub(super) async fn migrate(
    engine: Engine,
    connection: &mut AnyConnection,
) -> Result<(), StoreError> {
    // `run_direct` and not `run`, whose future cannot be sent to another thread.
    match engine {
        // Two programs may start at once on a new file: the second waits for the first here, and
        // then finds nothing left to do. (PostgreSQL's migrations take an advisory lock.)
        Engine::Sqlite => {
            let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
            MIGRATIONS.run_direct(None, &mut *tx, false).await?;
            tx.commit().await?;
        }
        Engine::Postgres => {
            let encoding: String =
                sqlx::query_scalar("SHOW server_encoding").fetch_one(&mut *connection).await?;
            // SQL_ASCII takes every byte as it is.
            if !matches!(encoding.as_str(), "UTF8" | "SQL_ASCII") {
                return Err(StoreError::Encoding(encoding));
            }
            // Another exchange may be at them, for as long as they take.
            connection.execute("SET lock_timeout = 0").await?;
            MIGRATIONS.run_direct(None, connection, false).await?;
        }
    }
    Ok(())
}

/// Whether its tables were begun by this program, by its first migration: others have tables of such
/// names, too.
pub(super) async fn is_ours(connection: &mut AnyConnection) -> Result<bool, StoreError> {
    let sum = "SELECT checksum FROM _sqlx_migrations ORDER BY version LIMIT 1";
    let first = MIGRATIONS.iter().next().map(|first| first.checksum.to_vec());
    match sqlx::query_scalar::<_, Vec<u8>>(sum).fetch_optional(connection).await.map_err(Into::into)
    {
        Ok(found) => Ok(found == first),
        // It has no such column, or holds something else in it.
        Err(StoreError::Database(_) | StoreError::Damaged { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The number of the last migration, `None` for an empty database.
pub(crate) async fn schema(
    engine: Engine,
    connection: &mut AnyConnection,
) -> Result<Option<i64>, StoreError> {
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
