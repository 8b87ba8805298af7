//! The list of recordings.

use exchange::{
    model::{CallId, LegId},
    recording::RecordingPath,
};
use jiff::Timestamp;

use crate::{Filter, Store, StoreError, row::Fields};

/// The recording of an answered leg. What is `None` is not known yet, or there is no file.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordingRow {
    /// The call.
    pub call: CallId,
    /// The leg.
    pub leg: LegId,
    /// Where it lies.
    pub path: RecordingPath,
    /// Its length, kept to the millisecond.
    pub seconds: Option<f64>,
    /// The size of the file.
    pub bytes: Option<u64>,
    /// Channels: 2 when in order.
    pub channels: Option<u16>,
    /// The checksum of the file, in hexadecimal digits.
    pub sha256: Option<String>,
    /// `ok`, `silent`, `one_sided`, `short`, `broken`, `repaired`, `changed`, `missing` or `pending`.
    pub verdict: String,
    /// How loud each channel is, as JSON: one `{"rms_dbfs", "peak_dbfs"}` a channel.
    pub levels: Option<String>,
    /// Why it falls short, in words.
    pub problem: Option<String>,
    /// From when to when a side is missing, as JSON: one `{"side", "from", "to", "missing"}` a gap.
    pub gaps: Option<String>,
    /// What was counted of the talk's packets, as JSON; kept for the looks to come.
    pub media: Option<String>,
    /// When somebody looked last.
    pub verified_at: Option<Timestamp>,
    /// When it became a FLAC.
    pub archived_at: Option<Timestamp>,
    /// Since when it must not be deleted.
    pub held_at: Option<Timestamp>,
    /// Why it must not be deleted.
    pub held_because: Option<String>,
    /// The checksum of the `.json` beside it, as it was written.
    pub sidecar: Option<String>,
    /// When its file was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Why its file was deleted.
    pub deleted_because: Option<String>,
}

pub(crate) const COLUMNS: &str = "r.leg_id AS id, r.call_id, r.path, r.duration_ms, r.bytes, r.channels, \
    r.sha256, r.verdict, r.levels, r.problem, r.gaps, r.media, r.verified_at, r.archived_at, r.held_at, \
    r.held_because, r.sidecar, r.deleted_at, r.deleted_because";

pub(crate) fn recording(row: &sqlx::any::AnyRow) -> Result<RecordingRow, StoreError> {
    let row = Fields::new("recordings", row);
    let known = |column| Ok::<_, StoreError>(row.int_opt(column)?.is_some());
    Ok(RecordingRow {
        call: CallId(row.id("call_id")?),
        leg: LegId(row.id("id")?),
        path: row.recording("path")?,
        seconds: if known("duration_ms")? {
            Some(row.span("duration_ms")?.as_secs_f64())
        } else {
            None
        },
        bytes: if known("bytes")? { Some(row.number("bytes")?) } else { None },
        channels: if known("channels")? { Some(row.number("channels")?) } else { None },
        sha256: row.text_opt("sha256")?,
        verdict: row.text("verdict")?,
        levels: row.text_opt("levels")?,
        problem: row.text_opt("problem")?,
        gaps: row.text_opt("gaps")?,
        media: row.text_opt("media")?,
        verified_at: row.time_opt("verified_at")?,
        archived_at: row.time_opt("archived_at")?,
        held_at: row.time_opt("held_at")?,
        held_because: row.text_opt("held_because")?,
        sidecar: row.text_opt("sidecar")?,
        deleted_at: row.time_opt("deleted_at")?,
        deleted_because: row.text_opt("deleted_because")?,
    })
}

impl Store {
    /// The recordings, newest call first, without the damaged ones; the filter's times are of the
    /// call's arrival.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recordings(&self, filter: &Filter) -> Result<Vec<RecordingRow>, StoreError> {
        self.listed(filter, "").await
    }

    pub(crate) async fn listed(
        &self,
        filter: &Filter,
        which: &'static str,
    ) -> Result<Vec<RecordingRow>, StoreError> {
        let query = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM recordings r JOIN calls c ON c.id = r.call_id \
             LEFT JOIN shoppers s ON s.id = c.shopper_id \
             WHERE ($1 IS NULL OR s.phone = $1) AND ($2 IS NULL OR c.project = $2) \
             AND c.started_at >= $3 AND c.started_at < $4 {which} \
             ORDER BY c.started_at DESC, r.leg_id DESC LIMIT $5",
        )));
        let rows = self.fetch(filter.bind(query), "recordings").await?;
        self.damage.readable(&rows, recording)
    }
}
