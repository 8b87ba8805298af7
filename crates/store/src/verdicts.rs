//! What was found out about a recording, in its row and in the chain.

use jiff::Timestamp;

use crate::{
    RecordingRow, Store, StoreError,
    chain::{self, Step},
    connections::Link,
    recordings::{COLUMNS, recording},
    row::{clean, clean_opt, ms_opt},
};

/// What became of a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// The row tells it.
    Written,
    /// The recording was archived or deleted meanwhile: it was another file that was looked at.
    Moved,
    /// It contradicts what was proven: the checksum is another one, or the recording is known to be
    /// changed. The row is as it was.
    Contradicted,
    /// The row is not as the program left it, in these words; it was left so.
    Tampered(String),
}

const PENDING: &str = "pending";
const CHANGED: &str = "changed";
const MISSING: &str = "missing";

impl Store {
    /// Writes what somebody found who looked at a recording. The first proof puts it into the
    /// chain, and each other verdict after that adds a link.
    ///
    /// A checksum is written once and stays: a look that found another one is to say `changed`,
    /// without a checksum, and that verdict stays, too. `missing` and `changed` keep all that was
    /// known of the file. Whether it is held, deleted or archived stays as it is.
    ///
    /// # Errors
    /// [`StoreError`], also when the leg is unknown or the verdict none of the words.
    pub async fn record_verdict(&self, found: &RecordingRow) -> Result<Recorded, StoreError> {
        let mut tx = self.begin().await?;
        let known = lock(&mut tx, found).await?;
        let at = found.verified_at.unwrap_or(Timestamp::UNIX_EPOCH);
        chain::adopt(&mut tx, found.leg, at).await?;
        let last = chain::last_of(&mut tx, found.leg).await?;
        let recorded = if known.path != found.path || known.deleted_at.is_some() {
            Recorded::Moved
        } else if let Some(problem) = chain::difference(&known, last.as_ref()) {
            Recorded::Tampered(problem)
        } else if contradicts(&known, last.is_some(), found) {
            Recorded::Contradicted
        } else {
            Recorded::Written
        };
        if recorded != Recorded::Written {
            tx.rollback().await?;
            return Ok(recorded);
        }
        write(&mut tx, &known, found).await?;
        if found.verdict != PENDING {
            let step = if last.is_some() { Step::Judged } else { Step::Proven };
            chain::append(&mut tx, found.leg, step, at).await?;
        }
        tx.commit().await?;
        Ok(recorded)
    }
}

/// The row, or a new one, which nobody else changes until the end.
async fn lock(tx: &mut Link, found: &RecordingRow) -> Result<RecordingRow, StoreError> {
    sqlx::query(
        "INSERT INTO recordings (leg_id, call_id, path, verdict) VALUES ($1, $2, $3, 'pending') \
         ON CONFLICT (leg_id) DO UPDATE SET leg_id = excluded.leg_id",
    )
    .bind(found.leg.to_string())
    .bind(found.call.to_string())
    .bind(clean(found.path.reveal()))
    .execute(&mut *tx)
    .await?;
    let row = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM recordings r WHERE r.leg_id = $1"
    )))
    .bind(found.leg.to_string())
    .fetch_one(tx)
    .await?;
    recording(&row)
}

/// Whether this would undo a proof.
fn contradicts(known: &RecordingRow, is_proven: bool, found: &RecordingRow) -> bool {
    let other = match (&known.sha256, &found.sha256) {
        (Some(proven), Some(found)) => proven != found,
        // There was nothing when it was first looked at.
        (None, Some(_)) => is_proven,
        (_, None) => false,
    };
    match found.verdict.as_str() {
        CHANGED => false,
        PENDING => is_proven,
        _ => other || known.verdict == CHANGED,
    }
}

async fn write(
    tx: &mut Link,
    known: &RecordingRow,
    found: &RecordingRow,
) -> Result<(), StoreError> {
    // What is not there any more, or is another file, has nothing to tell of this one.
    let lost = found.verdict == CHANGED || (found.verdict == MISSING && found.sha256.is_none());
    let told = if lost { known } else { found };
    let duration_ms = told
        .seconds
        .and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok())
        .and_then(|length| i64::try_from((length.as_micros() + 500) / 1000).ok());
    sqlx::query(
        "UPDATE recordings SET duration_ms = $2, bytes = $3, channels = $4, \
         sha256 = COALESCE(sha256, $5), levels = $6, verdict = $7, problem = $8, verified_at = $9, \
         sidecar = $10, gaps = $11, media = COALESCE(media, $12) WHERE leg_id = $1",
    )
    .bind(found.leg.to_string())
    .bind(duration_ms)
    .bind(told.bytes.and_then(|bytes| i64::try_from(bytes).ok()))
    .bind(told.channels.map(i64::from))
    .bind(clean_opt(told.sha256.as_deref()))
    .bind(clean_opt(told.levels.as_deref()))
    .bind(found.verdict.as_str())
    .bind(clean_opt(found.problem.as_deref()))
    .bind(ms_opt(found.verified_at))
    .bind(found.sidecar.clone())
    .bind(clean_opt(told.gaps.as_deref()))
    .bind(clean_opt(found.media.as_deref()))
    .execute(tx)
    .await?;
    Ok(())
}
