//! The chain: one link for each thing that was found out about a recording or done with it, each
//! with the hash of the link before. Links are added, never changed.
//!
//! Each day of recordings has a chain of its own, so that two who add to it wait for nobody else; the
//! first link of a day follows the last one that an earlier day had at that time.

mod check;

use std::fmt::Write as _;

use exchange::{model::LegId, recording::RecordingPath};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use sqlx::any::AnyRow;

use crate::{
    RecordingRow, Store, StoreError,
    connections::Link,
    recordings::{COLUMNS, recording},
    row::{Fields, fetch, ms},
};

pub use check::{ChainFault, FaultyRecording};
pub(crate) use check::{check_chain, difference};

/// What the first link of all follows.
pub(crate) const BEGINNING: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// What happened to a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Somebody looked at it for the first time.
    Proven,
    /// It had been proven before there was a chain.
    Adopted,
    /// Somebody looked again and found something else.
    Judged,
    /// Its WAV became a FLAC.
    Archived,
    /// Its files were deleted.
    Deleted,
}

impl Step {
    fn as_str(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Adopted => "adopted",
            Self::Judged => "judged",
            Self::Archived => "archived",
            Self::Deleted => "deleted",
        }
    }
}

/// A link, as it stands in the database: whatever somebody has made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainLink {
    /// The day of the recording, as in its path: `2026-11-22`.
    pub day: String,
    /// 1, 2, 3 … within the day.
    pub sequence: i64,
    /// The hash of the link before; 64 zeros if there was none.
    pub previous: String,
    /// `proven`, `adopted`, `judged`, `archived` or `deleted`.
    pub step: String,
    /// When it was added, in milliseconds since the epoch UTC.
    pub at_ms: i64,
    /// The call.
    pub call: String,
    /// Its leg.
    pub leg: String,
    /// The path below the recordings folder.
    pub path: RecordingPath,
    /// The checksum of the file; `None`: there was none.
    pub sha256: Option<String>,
    /// The size of the file.
    pub bytes: Option<i64>,
    /// The verdict.
    pub verdict: String,
    /// The checksum of the `.json` beside it; `None`: there was none.
    pub sidecar: Option<String>,
    /// The hash of [`text`](Self::text), as it is stored.
    pub hash: String,
}

/// How far the chain of a day goes.
#[derive(Debug, Clone)]
pub(crate) struct ChainDay {
    pub(crate) day: String,
    /// How many links it has.
    pub(crate) sequence: i64,
    /// The hash of the last one.
    pub(crate) hash: String,
}

impl ChainLink {
    /// What is hashed: twelve fields with a tab between them and a newline at the end, in UTF-8.
    ///
    /// ```text
    /// previous day sequence step at call leg path sha256 bytes verdict sidecar
    /// ```
    ///
    /// The time is RFC 3339 in UTC with milliseconds; what there is not is `-`.
    #[must_use]
    pub fn text(&self) -> String {
        let at = Timestamp::from_millisecond(self.at_ms)
            .map_or_else(|_| self.at_ms.to_string(), |at| format!("{at:.3}"));
        let bytes = self.bytes.map(|bytes| bytes.to_string());
        let sequence = self.sequence.to_string();
        let fields = [
            self.previous.as_str(),
            &self.day,
            &sequence,
            &self.step,
            &at,
            &self.call,
            &self.leg,
            self.path.reveal(),
            self.sha256.as_deref().unwrap_or("-"),
            bytes.as_deref().unwrap_or("-"),
            &self.verdict,
            self.sidecar.as_deref().unwrap_or("-"),
        ];
        // No name of ours holds such characters; one that does shall not make two lines of one.
        let plain = |field: &str| field.replace(char::is_control, "?");
        fields.map(plain).join("\t") + "\n"
    }

    /// The link in an export: its hash, a tab and the text, with its newline.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{}\t{}", self.hash, self.text())
    }

    /// The hash that belongs to [`text`](Self::text): its SHA-256 in lower-case hexadecimal.
    #[must_use]
    pub fn true_hash(&self) -> String {
        let mut hash = String::with_capacity(64);
        for byte in Sha256::digest(self.text()) {
            // Writing to a string cannot fail.
            let _ = write!(hash, "{byte:02x}");
        }
        hash
    }
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
            "SELECT {COLUMNS} FROM recordings r WHERE r.unchained = 1 ORDER BY r.path"
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
        sqlx::query("UPDATE recordings SET sidecar = $2 WHERE leg_id = $1 AND unchained = 1")
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

const LINK: &str = "day AS id, day, sequence, previous, step, at, call_id, leg_id, path, sha256, bytes, \
    verdict, sidecar, hash";

fn end_of_day(row: &AnyRow) -> Result<ChainDay, StoreError> {
    let row = Fields::new("recording_days", row);
    let (day, hash) = (row.text("day")?, row.text("hash")?);
    Ok(ChainDay { day, sequence: row.int("sequence")?, hash })
}

fn link(row: &AnyRow) -> Result<ChainLink, StoreError> {
    let row = Fields::new("recording_links", row);
    Ok(ChainLink {
        day: row.text("day")?,
        sequence: row.int("sequence")?,
        previous: row.text("previous")?,
        step: row.text("step")?,
        at_ms: row.int("at")?,
        call: row.text("call_id")?,
        leg: row.text("leg_id")?,
        path: RecordingPath::new(row.text("path")?),
        sha256: row.text_opt("sha256")?,
        bytes: row.int_opt("bytes")?,
        verdict: row.text("verdict")?,
        sidecar: row.text_opt("sidecar")?,
        hash: row.text("hash")?,
    })
}

/// The last link of a recording.
pub(crate) async fn last_of(tx: &mut Link, leg: LegId) -> Result<Option<ChainLink>, StoreError> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT {LINK} FROM recording_links WHERE leg_id = $1 ORDER BY day DESC, sequence DESC LIMIT 1"
    )))
    .bind(leg.to_string())
    .fetch_optional(tx)
    .await?;
    row.as_ref().map(link).transpose()
}

/// Gives a recording the link that it has not had so far. Whether it had to.
pub(crate) async fn adopt(tx: &mut Link, leg: LegId, now: Timestamp) -> Result<bool, StoreError> {
    let taken =
        sqlx::query("UPDATE recordings SET unchained = 0 WHERE leg_id = $1 AND unchained = 1")
            .bind(leg.to_string())
            .execute(&mut *tx)
            .await?;
    if taken.rows_affected() == 0 {
        return Ok(false);
    }
    append(tx, leg, Step::Adopted, now).await?;
    Ok(true)
}

/// Adds a link that says that the files are deleted. What somebody may have made of the row does not
/// come into the chain.
pub(crate) async fn append_deletion(
    tx: &mut Link,
    leg: LegId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Some(last) = last_of(tx, leg).await? else { return Ok(()) };
    let step = Step::Deleted.as_str().to_owned();
    add(tx, ChainLink { step, at_ms: ms(at), ..last }).await
}

/// Adds a link that tells the row of the recording as it now is; not if somebody looked again and the
/// last one tells the same.
///
/// The caller has locked the row of the recording and knows that nobody else has changed it. From
/// here on the transaction has the row of the day, too: all take them in this order.
pub(crate) async fn append(
    tx: &mut Link,
    leg: LegId,
    step: Step,
    at: Timestamp,
) -> Result<(), StoreError> {
    let row = sqlx::query(
        "SELECT leg_id AS id, call_id, path, sha256, bytes, verdict, sidecar FROM recordings \
         WHERE leg_id = $1",
    )
    .bind(leg.to_string())
    .fetch_one(&mut *tx)
    .await?;
    let row = Fields::new("recordings", &row);
    let path = RecordingPath::new(row.text("path")?);
    let link = ChainLink {
        day: day_of(path.reveal()),
        sequence: 0,
        previous: String::new(),
        step: step.as_str().to_owned(),
        at_ms: ms(at),
        call: row.text("call_id")?,
        leg: row.text("id")?,
        path,
        sha256: row.text_opt("sha256")?,
        bytes: row.int_opt("bytes")?,
        verdict: row.text("verdict")?,
        sidecar: row.text_opt("sidecar")?,
        hash: String::new(),
    };
    let tells_the_same = |last: ChainLink| {
        (&last.path, &last.sha256, &last.verdict, &last.sidecar)
            == (&link.path, &link.sha256, &link.verdict, &link.sidecar)
    };
    if step == Step::Judged && last_of(tx, leg).await?.is_some_and(tells_the_same) {
        return Ok(());
    }
    add(tx, link).await
}

/// Adds a link, whatever its place was so far.
async fn add(tx: &mut Link, mut link: ChainLink) -> Result<(), StoreError> {
    let before = sqlx::query(
        "SELECT day AS id, hash FROM recording_days WHERE day < $1 ORDER BY day DESC LIMIT 1",
    )
    .bind(link.day.clone())
    .fetch_optional(&mut *tx)
    .await?;
    let before = match &before {
        Some(row) => Fields::new("recording_days", row).text("hash")?,
        None => BEGINNING.to_owned(),
    };
    // Whoever adds to the same day waits here until the end of this transaction.
    let end = sqlx::query(
        "INSERT INTO recording_days (day, sequence, hash) VALUES ($1, 1, $2) \
         ON CONFLICT (day) DO UPDATE SET sequence = recording_days.sequence + 1 \
         RETURNING day AS id, sequence, hash",
    )
    .bind(link.day.clone())
    .bind(before)
    .fetch_one(&mut *tx)
    .await?;
    let end = Fields::new("recording_days", &end);
    (link.sequence, link.previous) = (end.int("sequence")?, end.text("hash")?);
    link.hash = link.true_hash();
    insert(tx, link).await
}

async fn insert(tx: &mut Link, link: ChainLink) -> Result<(), StoreError> {
    sqlx::query("UPDATE recording_days SET hash = $2 WHERE day = $1")
        .bind(link.day.clone())
        .bind(link.hash.clone())
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO recording_links (day, sequence, previous, step, at, call_id, leg_id, path, \
         sha256, bytes, verdict, sidecar, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(link.day)
    .bind(link.sequence)
    .bind(link.previous)
    .bind(link.step)
    .bind(link.at_ms)
    .bind(link.call)
    .bind(link.leg)
    .bind(link.path.into_revealed())
    .bind(link.sha256)
    .bind(link.bytes)
    .bind(link.verdict)
    .bind(link.sidecar)
    .bind(link.hash)
    .execute(tx)
    .await?;
    Ok(())
}

/// The day that a path begins with.
fn day_of(path: &str) -> String {
    let day = path.get(..10).filter(|day| {
        day.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'/',
            _ => byte.is_ascii_digit(),
        })
    });
    day.map_or_else(|| "other".to_owned(), |day| day.replace('/', "-"))
}
