//! The chain: one link for each thing that was found out about a recording or done with it, each
//! with the hash of the link before. Links are added, never changed.
//!
//! Each day of recordings has a chain of its own, so that two who add to it wait for nobody else; the
//! first link of a day follows the last one that an earlier day had at that time.

mod append;
mod check;
mod history;
mod link;

use exchange::model::LegId;
use jiff::Timestamp;

use self::link::{LINK, end_of_day, link};
use crate::{
    RecordingRow, Store, StoreError,
    connections::Link,
    recordings::{COLUMNS, recording},
    row::{Fields, fetch},
};

pub(crate) use append::{Step, adopt, append, append_deletion};
pub use check::{ChainFault, FaultyRecording};
pub(crate) use check::{check_chain, difference};
pub use link::ChainLink;
pub(crate) use link::{ChainDay, last_of};

/// What the first link of all follows.
pub(crate) const BEGINNING: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// A WAV, as its last link tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenWav {
    /// Its checksum.
    pub sha256: Option<String>,
    /// Its size.
    pub bytes: Option<u64>,
    /// The checksum of the `.json` beside it.
    pub sidecar: Option<String>,
}

impl Store {
    /// All links, of one day or of all, in their order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn chain(&self, day: Option<&str>) -> Result<Vec<ChainLink>, StoreError> {
        let mut tx = self.snapshot().await?;
        let links = self.links(&mut tx, day).await?;
        tx.rollback().await?;
        Ok(links)
    }

    /// The same of all days, and what is wrong with the chain and with the rows of recordings in view
    /// of it. Whoever may write the database may also make all of it anew: only a copy of the links,
    /// kept where they cannot write, finds that.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn checked_chain(&self) -> Result<(Vec<ChainLink>, Vec<ChainFault>), StoreError> {
        let mut tx = self.snapshot().await?;
        let links = self.links(&mut tx, None).await?;
        let query = sqlx::query("SELECT day AS id, day, sequence, hash FROM recording_days");
        let days = fetch(query, &mut tx, (&self.damage, "recording_days")).await?;
        let query = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM recordings r")));
        let rows = fetch(query, &mut tx, (&self.damage, "recordings")).await?;
        tx.rollback().await?;
        // What is damaged was changed, and is told as gone.
        let days = self.damage.readable(&days, end_of_day)?;
        let rows = self.damage.readable(&rows, recording)?;
        let faults = check_chain(&days, &links, &rows);
        Ok((links, faults))
    }

    async fn links(&self, tx: &mut Link, day: Option<&str>) -> Result<Vec<ChainLink>, StoreError> {
        let query = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {LINK} FROM recording_links WHERE ($1 IS NULL OR day = $1) \
             ORDER BY day, sequence"
        )))
        .bind(day.map(str::to_owned));
        let rows = fetch(query, tx, (&self.damage, "recording_links")).await?;
        self.damage.readable(&rows, link)
    }

    /// The recordings that were proven before there was a chain, and have no link yet, in the order
    /// of their days.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unchained_recordings(&self) -> Result<Vec<RecordingRow>, StoreError> {
        let query = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM recordings r WHERE r.unchained = 1 AND NOT EXISTS \
             (SELECT 1 FROM recording_links l WHERE l.leg_id = r.leg_id) ORDER BY r.path"
        )));
        let rows = self.fetch(query, "recordings").await?;
        self.damage.readable(&rows, recording)
    }

    /// Gives such a recording its link, which says when it was late; `sidecar` is the checksum of the
    /// `.json` that is beside it now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn adopt_recording(
        &self,
        leg: LegId,
        sidecar: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "UPDATE recordings SET sidecar = $2 WHERE leg_id = $1 AND unchained = 1 AND NOT EXISTS \
             (SELECT 1 FROM recording_links l WHERE l.leg_id = recordings.leg_id)",
        )
        .bind(leg.to_string())
        .bind(sidecar.map(str::to_owned))
        .execute(&mut *tx)
        .await?;
        adopt(&mut tx, leg, now).await?;
        tx.commit().await
    }

    /// The checksum that a recording had when it was proven, or archived. `None`: nobody has looked
    /// at it yet. The inner `None`: there was no file.
    ///
    /// A row that was made to look unproven is known by its link.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn proven_checksum(&self, leg: LegId) -> Result<Option<Option<String>>, StoreError> {
        let linked = sqlx::query(
            "SELECT leg_id AS id, sha256 FROM recording_links WHERE leg_id = $1 \
             ORDER BY day DESC, sequence DESC LIMIT 1",
        )
        .bind(leg.to_string())
        .fetch_optional(&self.read)
        .await?;
        if let Some(link) = &linked {
            return Ok(Some(Fields::new("recording_links", link).text_opt("sha256")?));
        }
        let row = self.recording(leg).await?.filter(|row| row.verdict != "pending");
        Ok(row.map(|row| row.sha256))
    }

    /// The size that a recording had when it was proven, or archived, if that is known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn proven_bytes(&self, leg: LegId) -> Result<Option<u64>, StoreError> {
        let link = sqlx::query(
            "SELECT leg_id AS id, bytes FROM recording_links WHERE leg_id = $1 \
             ORDER BY day DESC, sequence DESC LIMIT 1",
        )
        .bind(leg.to_string())
        .fetch_optional(&self.read)
        .await?;
        let Some(link) = &link else { return Ok(None) };
        let bytes = Fields::new("recording_links", link).int_opt("bytes")?;
        Ok(bytes.and_then(|bytes| u64::try_from(bytes).ok()))
    }

    /// What somebody has done to the row of a recording since its last link, in words.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tampering(&self, leg: LegId) -> Result<Option<String>, StoreError> {
        let mut tx = self.snapshot().await?;
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS}, r.unchained FROM recordings r WHERE r.leg_id = $1"
        )))
        .bind(leg.to_string())
        .fetch_optional(&mut *tx)
        .await?;
        let last = last_of(&mut tx, leg).await?;
        tx.rollback().await?;
        let Some(row) = row else { return Ok(None) };
        if last.is_none() && Fields::new("recordings", &row).flag("unchained")? {
            return Ok(None);
        }
        Ok(difference(&recording(&row)?, last.as_ref()))
    }

    /// What was proven of the WAV of a recording that is a FLAC now; `None`: it has always been what it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn wav_before_archive(&self, leg: LegId) -> Result<Option<ProvenWav>, StoreError> {
        let link = sqlx::query(
            "SELECT leg_id AS id, sha256, bytes, sidecar FROM recording_links WHERE leg_id = $1 \
             AND path LIKE '%.wav' AND EXISTS (SELECT 1 FROM recording_links a \
             WHERE a.leg_id = recording_links.leg_id AND a.step = 'archived') \
             ORDER BY day DESC, sequence DESC LIMIT 1",
        )
        .bind(leg.to_string())
        .fetch_optional(&self.read)
        .await?;
        let Some(link) = &link else { return Ok(None) };
        let link = Fields::new("recording_links", link);
        Ok(Some(ProvenWav {
            sha256: link.text_opt("sha256")?,
            bytes: link.int_opt("bytes")?.and_then(|bytes| u64::try_from(bytes).ok()),
            sidecar: link.text_opt("sidecar")?,
        }))
    }

    /// What a recording was worth when somebody looked at it last and it was there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn verdict_when_there(&self, leg: LegId) -> Result<Option<String>, StoreError> {
        let link = sqlx::query(
            "SELECT leg_id AS id, verdict FROM recording_links WHERE leg_id = $1 \
             AND verdict NOT IN ('missing', 'changed') ORDER BY day DESC, sequence DESC LIMIT 1",
        )
        .bind(leg.to_string())
        .fetch_optional(&self.read)
        .await?;
        link.map(|link| Fields::new("recording_links", &link).text("verdict")).transpose()
    }
}
