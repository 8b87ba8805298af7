//! What becomes of the files of recordings: held, deleted, archived.

use exchange::{model::LegId, recording::RecordingPath};
use jiff::Timestamp;

use crate::{
    Filter, RecordingRow, Store, StoreError,
    chain::{self, Step},
    connections::Tx,
    recordings::{COLUMNS, recording},
    row::{Fields, clean, ms},
};

/// A recording of a call that is over, looked at, there and not held: it may be archived or deleted.
#[derive(Debug, Clone, PartialEq)]
pub struct SettledRecording {
    /// The recording.
    pub recording: RecordingRow,
    /// The project of the call.
    pub project: Option<String>,
    /// When the call was over.
    pub ended_at: Timestamp,
}

/// What a deletion or an archiving may touch: the rest is under way, held or gone.
const MAY_GO: &str = "deleted_at IS NULL AND held_at IS NULL AND verdict <> 'pending'";

/// A recording marked as deleted, to be written once its file is gone. Dropped, nothing has changed.
#[must_use = "what is not committed has not happened"]
#[derive(Debug)]
pub struct Deletion {
    tx: Tx,
    leg: LegId,
    at: Timestamp,
}

impl Deletion {
    /// Writes it down, in the row and in the chain.
    ///
    /// # Errors
    /// [`StoreError`]; the row then says that the file is still there.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        // Only now: removing files may take long, and others add to the same day.
        chain::append_deletion(&mut self.tx, self.leg, self.at).await?;
        self.tx.commit().await
    }
}

impl Store {
    /// The recordings of calls that ended before `before` and may be archived or deleted, the oldest
    /// first. Damaged ones are left alone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settled_recordings(
        &self,
        before: Timestamp,
    ) -> Result<Vec<SettledRecording>, StoreError> {
        let query = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS}, c.project, c.ended_at FROM recordings r \
             JOIN calls c ON c.id = r.call_id \
             WHERE c.ended_at < $1 AND {MAY_GO} ORDER BY c.ended_at, r.leg_id",
        )))
        .bind(ms(before));
        let rows = self.fetch(query, "recordings").await?;
        self.damage.readable(&rows, |row| {
            let fields = Fields::new("recordings", row).joined("calls", "call_id");
            Ok(SettledRecording {
                recording: recording(row)?,
                project: fields.text_opt("project")?,
                ended_at: fields.time("ended_at")?,
            })
        })
    }

    /// The recording of a leg; `None` also if it is damaged.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recording(&self, leg: LegId) -> Result<Option<RecordingRow>, StoreError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM recordings r WHERE r.leg_id = $1"
        )))
        .bind(leg.to_string())
        .fetch_optional(&self.read)
        .await
        .map_err(StoreError::from);
        let row = self.damage.noted(row)?.flatten();
        let found = self.damage.noted(row.as_ref().map(recording).transpose())?;
        Ok(found.flatten())
    }

    /// The recordings whose file was deleted, newest call first; the filter's times are of the call's
    /// arrival.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn deleted_recordings(
        &self,
        filter: &Filter,
    ) -> Result<Vec<RecordingRow>, StoreError> {
        self.listed(filter, "AND r.deleted_at IS NOT NULL").await
    }

    /// Forbids that the recording is deleted, or says another reason why. `false` if it was deleted
    /// already, or there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hold_recording(
        &self,
        leg: LegId,
        because: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let held = sqlx::query(
            "UPDATE recordings SET held_at = COALESCE(held_at, $2), held_because = $3 \
             WHERE leg_id = $1 AND deleted_at IS NULL",
        )
        .bind(leg.to_string())
        .bind(ms(now))
        .bind(clean(because))
        .execute(&self.write)
        .await?;
        Ok(held.rows_affected() > 0)
    }

    /// Lets the recording be deleted again. `false` if it was not held.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_recording(&self, leg: LegId) -> Result<bool, StoreError> {
        let released = sqlx::query(
            "UPDATE recordings SET held_at = NULL, held_because = NULL \
             WHERE leg_id = $1 AND held_at IS NOT NULL",
        )
        .bind(leg.to_string())
        .execute(&self.write)
        .await?;
        Ok(released.rows_affected() > 0)
    }

    /// Begins to delete the recording at `path`: the file is to be removed before the
    /// [`Deletion::commit`]. `None` if it may not be deleted, or has moved meanwhile.
    ///
    /// Whoever would hold it waits until then; whoever has held it comes first. A crash in between
    /// leaves a row without a file, which the next deletion finishes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_deletion(
        &self,
        leg: LegId,
        path: &RecordingPath,
        because: &str,
        now: Timestamp,
    ) -> Result<Option<Deletion>, StoreError> {
        let mut tx = self.begin().await?;
        chain::adopt(&mut tx, leg, now).await?;
        let marked = sqlx::query(sqlx::AssertSqlSafe(format!(
            "UPDATE recordings SET deleted_at = $3, deleted_because = $4 \
             WHERE leg_id = $1 AND path = $2 AND {MAY_GO}"
        )))
        .bind(leg.to_string())
        .bind(path.reveal().to_owned())
        .bind(ms(now))
        .bind(clean(because))
        .execute(&mut *tx)
        .await?;
        if marked.rows_affected() == 0 {
            tx.rollback().await?;
            return Ok(None);
        }
        Ok(Some(Deletion { tx, leg, at: now }))
    }

    /// Makes the file at `archived.path`, of its size and checksum and with its sidecar, the recording
    /// of its leg in place of `wav`. `false` if that may not go, has moved meanwhile, or its row is not
    /// as the program left it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn archive_recording(
        &self,
        wav: &RecordingRow,
        archived: &RecordingRow,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        chain::adopt(&mut tx, wav.leg, now).await?;
        let last = chain::last_of(&mut tx, wav.leg).await?;
        if chain::difference(wav, last.as_ref()).is_some() {
            tx.rollback().await?;
            return Ok(false);
        }
        let moved = sqlx::query(sqlx::AssertSqlSafe(format!(
            "UPDATE recordings SET path = $3, bytes = $4, sha256 = $5, archived_at = $6, \
             sidecar = $7 WHERE leg_id = $1 AND path = $2 AND sha256 = $8 AND {MAY_GO}"
        )))
        .bind(wav.leg.to_string())
        .bind(wav.path.reveal())
        .bind(archived.path.reveal())
        .bind(archived.bytes.and_then(|bytes| i64::try_from(bytes).ok()))
        .bind(archived.sha256.clone())
        .bind(ms(now))
        .bind(archived.sidecar.clone())
        .bind(wav.sha256.clone())
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() == 0 {
            tx.rollback().await?;
            return Ok(false);
        }
        chain::append(&mut tx, wav.leg, Step::Archived, now).await?;
        // The list of calls tells it too.
        sqlx::query("UPDATE legs SET recording = $2 WHERE id = $1")
            .bind(archived.leg.to_string())
            .bind(archived.path.reveal())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(true)
    }
}
