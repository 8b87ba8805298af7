//! The exchange's database, in somebody else's hands.

use std::path::Path;

use sqlx::{Connection as _, SqliteConnection};
use tokio::runtime::{Builder, Runtime};

/// A write lock: whoever else writes waits, and gives up after five seconds.
pub(crate) struct Held {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl Held {
    /// Takes the lock on the database of an exchange that runs in `dir`.
    pub(crate) fn take(dir: &Path) -> Self {
        Self::take_file(&dir.join("ustredna.db"))
    }

    /// Takes the lock on this database.
    pub(crate) fn take_file(file: &Path) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let url = format!("sqlite://{}", file.display());
        let mut connection = runtime.block_on(SqliteConnection::connect(&url)).unwrap();
        let lock = sqlx::query("BEGIN IMMEDIATE").execute(&mut connection);
        runtime.block_on(lock).unwrap();
        Self { runtime, connection }
    }

    /// How many calls have no end.
    pub(crate) fn open_calls(&mut self) -> i64 {
        let count = sqlx::query_scalar("SELECT COUNT(*) FROM calls WHERE ended_at IS NULL");
        self.runtime.block_on(count.fetch_one(&mut self.connection)).unwrap()
    }

    /// Lets others write.
    pub(crate) fn release(self) {
        self.runtime.block_on(self.connection.close()).unwrap();
    }
}
