//! The one place where time comes in; `clippy.toml` forbids it elsewhere.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio::time::Instant;

/// Where an exchange takes the time of day from, for rows, recordings and messages.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Steered>);

/// A time of day that goes with tokio's clock, which tests pause and advance.
#[derive(Debug, Clone)]
struct Steered {
    began: Timestamp,
    since: Instant,
    skipped_ms: Arc<AtomicI64>,
}

impl Clock {
    /// The system's.
    pub const SYSTEM: Self = Self(None);

    /// Shows `began` now and goes on as tokio's clock does, paused or not.
    #[must_use]
    pub fn steered(began: Timestamp) -> Self {
        Self(Some(Steered { began, since: Instant::now(), skipped_ms: Arc::default() }))
    }

    /// Puts a steered clock, and all its clones, forward; the timers of those who wait stay as
    /// they are. The system's clock is left alone.
    pub fn skip(&self, span: SignedDuration) {
        if let Some(steered) = &self.0 {
            let ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
            steered.skipped_ms.fetch_add(ms, Ordering::Relaxed);
        }
    }

    /// The time of day.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let Some(Steered { began, since, skipped_ms }) = &self.0 else { return system() };
        let skipped = SignedDuration::from_millis(skipped_ms.load(Ordering::Relaxed));
        let now = began.saturating_add(since.elapsed()).and_then(|at| at.saturating_add(skipped));
        now.unwrap_or(Timestamp::MAX)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the place")]
fn system() -> Timestamp {
    Timestamp::now()
}

/// The steady clock, for deadlines: tokio's, so that it stands still where tests pause that.
pub(crate) fn instant() -> std::time::Instant {
    Instant::now().into_std()
}

/// The last midnight where the exchange is, when the day's limits begin anew.
pub(crate) fn start_of_day(now: Timestamp, zone: &TimeZone) -> Timestamp {
    now.to_zoned(zone.clone()).start_of_day().map_or(now, |midnight| midnight.timestamp())
}
