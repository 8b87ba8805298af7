//! The list of recordings and what their verification found.

use exchange::model::{CallId, LegId};

use crate::{Filter, Store, StoreError, row::Fields};

/// The recording of an answered leg. What is `None` is not known yet, or there is no file.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordingRow {
    /// The call.
    pub call: CallId,
    /// The leg.
    pub leg: LegId,
    /// The path below the recordings folder.
    pub path: String,
    /// Its length, kept to the millisecond.
    pub seconds: Option<f64>,
    /// The size of the file.
    pub bytes: Option<u64>,
    /// Channels: 2 when in order.
    pub channels: Option<u16>,
    /// The checksum of the file, in hexadecimal digits.
    pub sha256: Option<String>,
    /// `ok`, `silent`, `one_sided`, `short`, `repaired`, `missing` or `pending`.
    pub verdict: String,
}

const COLUMNS: &str = "r.leg_id AS id, r.call_id, r.path, r.duration_ms, r.bytes, r.channels, \
    r.sha256, r.verdict";

fn recording(row: &sqlx::any::AnyRow) -> Result<RecordingRow, StoreError> {
    let row = Fields::new("recordings", row);
    let known = |column| Ok::<_, StoreError>(row.int_opt(column)?.is_some());
    Ok(RecordingRow {
        call: CallId(row.id("call_id")?),
        leg: LegId(row.id("id")?),
        path: row.text("path")?,
        seconds: if known("duration_ms")? {
            Some(f64::from(row.number::<u32>("duration_ms")?) / 1000.0)
        } else {
            None
        },
        bytes: if known("bytes")? { Some(row.number("bytes")?) } else { None },
        channels: if known("channels")? { Some(row.number("channels")?) } else { None },
        sha256: row.text_opt("sha256")?,
        verdict: row.text("verdict")?,
    })
}

impl Store {
    /// Writes what the verification of a recording found, over whatever was found before.
    ///
    /// # Errors
    /// [`StoreError`], also when the leg is unknown or the verdict none of the words.
    pub async fn record_verdict(&self, found: &RecordingRow) -> Result<(), StoreError> {
        let duration_ms = found
            .seconds
            .and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok())
            .and_then(|length| i64::try_from((length.as_micros() + 500) / 1000).ok());
        sqlx::query(
            "INSERT INTO recordings (leg_id, call_id, path, duration_ms, bytes, channels, \
             sha256, verdict) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (leg_id) DO UPDATE SET path = excluded.path, \
             duration_ms = excluded.duration_ms, bytes = excluded.bytes, \
             channels = excluded.channels, sha256 = excluded.sha256, verdict = excluded.verdict",
        )
        .bind(found.leg.to_string())
        .bind(found.call.to_string())
        .bind(found.path.as_str())
        .bind(duration_ms)
        .bind(found.bytes.and_then(|bytes| i64::try_from(bytes).ok()))
        .bind(found.channels.map(i64::from))
        .bind(found.sha256.clone())
        .bind(found.verdict.as_str())
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// The recordings, newest call first; the filter's times are of the call's arrival.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recordings(&self, filter: &Filter) -> Result<Vec<RecordingRow>, StoreError> {
        let query = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM recordings r JOIN calls c ON c.id = r.call_id \
             LEFT JOIN shoppers s ON s.id = c.shopper_id \
             WHERE ($1 IS NULL OR s.phone = $1) AND ($2 IS NULL OR c.project = $2) \
             AND c.started_at >= $3 AND c.started_at < $4 \
             ORDER BY c.started_at DESC, r.leg_id DESC LIMIT $5",
        )));
        let rows = filter.bind(query).fetch_all(&self.read).await?;
        rows.iter().map(recording).collect()
    }
}
