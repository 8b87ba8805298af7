//! Adding links: each in the transaction that writes the same into the row of the recording.

use exchange::{model::LegId, recording::RecordingPath};
use jiff::Timestamp;

use super::{BEGINNING, ChainLink, link::last_of};
use crate::{
    StoreError,
    connections::Link,
    row::{Fields, ms},
};

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

/// Gives a recording the link that it has not had so far. Whether it had to. One that has a link was not
/// proven before the chain, whatever its row says now.
pub(crate) async fn adopt(tx: &mut Link, leg: LegId, now: Timestamp) -> Result<bool, StoreError> {
    let taken = sqlx::query(
        "UPDATE recordings SET unchained = 0 WHERE leg_id = $1 AND unchained = 1 \
         AND NOT EXISTS (SELECT 1 FROM recording_links l WHERE l.leg_id = recordings.leg_id)",
    )
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
pub(super) fn day_of(path: &str) -> String {
    let day = path.get(..10).filter(|day| {
        day.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'/',
            _ => byte.is_ascii_digit(),
        })
    });
    day.map_or_else(|| "other".to_owned(), |day| day.replace('/', "-"))
}
