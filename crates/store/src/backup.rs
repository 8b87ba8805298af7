//! A copy of the database while it is in use.

use std::path::Path;

use crate::{Store, StoreError, engine::Engine, watch};

impl Store {
    /// Writes all that is in the database at this moment to a new SQLite file, which is this user's alone
    /// to read. Those who use the database meanwhile do not notice.
    ///
    /// # Errors
    /// [`StoreError::Files`] when there is such a file already, or it cannot be written; no file is
    /// left then. [`StoreError::OwnBackup`] for PostgreSQL.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        if self.engine() == Engine::Postgres {
            return Err(StoreError::OwnBackup);
        }
        // One by itself: it may take longer than a statement may, and hold up nobody.
        let mut connection = self.connections.opening.connect().await?;
        watch::copy(&mut connection, to).await?;
        Ok(sqlx::Connection::close(connection).await?)
    }
}
