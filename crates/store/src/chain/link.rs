//! A link: what it says, and how it is hashed.

use std::fmt::Write as _;

use exchange::{model::LegId, recording::RecordingPath};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use sqlx::any::AnyRow;

use crate::{StoreError, connections::Link, row::Fields};

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
        Self::hash_of(&self.text())
    }

    /// The hash of a link whose [`text`](Self::text) this is.
    #[must_use]
    pub fn hash_of(text: &str) -> String {
        let mut hash = String::with_capacity(64);
        for byte in Sha256::digest(text) {
            // Writing to a string cannot fail.
            let _ = write!(hash, "{byte:02x}");
        }
        hash
    }
}

pub(super) const LINK: &str = "day AS id, day, sequence, previous, step, at, call_id, leg_id, path, sha256, bytes, \
    verdict, sidecar, hash";

pub(super) fn end_of_day(row: &AnyRow) -> Result<ChainDay, StoreError> {
    let row = Fields::new("recording_days", row);
    let (day, hash) = (row.text("day")?, row.text("hash")?);
    Ok(ChainDay { day, sequence: row.int("sequence")?, hash })
}

pub(super) fn link(row: &AnyRow) -> Result<ChainLink, StoreError> {
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
