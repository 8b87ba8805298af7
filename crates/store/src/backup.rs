//! A copy of the database while it is in use.

use std::path::Path;

use crate::{Store, StoreError, engine::Engine, watch};

impl Store {
    /// Writes all that is in the database at this moment to a new SQLite file, which is this user's alone
    /// to read. Those who use the database meanwhile do not notice.
    ///
    /// # Errors
    /// [`StoreError::Copy`] when there is such a file already, or it cannot be written; no file is
    /// left then. [`StoreError::OwnBackup`] for PostgreSQL.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        if self.engine() == Engine::Postgres {
            return Err(StoreError::OwnBackup);
        }
        // One by itself: it may take longer than a statement may, and hold up nobody.
        let mut connection = self.connections.opening.connect().await?;
        watch::copy(&mut connection, to).await.map_err(|error| of_copy(error, to))?;
        Ok(sqlx::Connection::close(connection).await?)
    }
}

/// SQLite does not tell of which of the two files it speaks: that one could be read was seen before.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are not of a file")]
fn of_copy(error: StoreError, to: &Path) -> StoreError {
    let told = |why: &str| StoreError::Copy(format!("{}: {why}", to.display()));
    match error {
        StoreError::Files(text) => StoreError::Copy(text),
        StoreError::Full => told("no room is left on its disk: make room, or name another place"),
        StoreError::ReadOnly | StoreError::CannotOpen => told("this user may not write there"),
        StoreError::Disk(why) => told(&format!(
            "its disk cannot be written ({why}): see whether it is full, gone or broken"
        )),
        other => other,
    }
}
