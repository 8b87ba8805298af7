//! The one place where time comes in; `clippy.toml` forbids it elsewhere.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio::time::Instant;

/// Messages take their time, and clocks of two machines differ a little.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(5);

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

/// How far FreeSWITCH's time of day is from ours. It reads the system's at its start, and again after a
/// stall of seconds or when told to (`fsctl sync_clock`); else it counts by the steady clock
/// (`switch_time_sync` in switch_time.c): when the system's clock is set, its events and records go on
/// in the old time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Skew(SignedDuration);

impl Skew {
    /// The same moment by both clocks, or nearly: some seconds do not count.
    pub(crate) fn between(switch: Timestamp, ours: Timestamp) -> Self {
        let ahead = switch.duration_since(ours);
        Self(if ahead.abs() > TOLERANCE { ahead } else { SignedDuration::ZERO })
    }

    /// As it was measured before.
    pub(crate) fn of(ahead: SignedDuration) -> Self {
        Self(ahead)
    }

    /// By how much FreeSWITCH's is ahead.
    pub(crate) fn ahead(self) -> SignedDuration {
        self.0
    }

    /// What our clock showed when FreeSWITCH's showed `switch`; `here` is our clock's time now. Where
    /// the two do not fit together any more, FreeSWITCH's clock was set, and is measured anew.
    pub(crate) fn ours_now(&mut self, switch: Timestamp, here: Timestamp) -> Timestamp {
        if self.ours(switch).duration_since(here).abs() > TOLERANCE {
            *self = Self::between(switch, here);
        }
        self.ours(switch)
    }

    /// What our clock showed when FreeSWITCH's showed `switch`.
    pub(crate) fn ours(self, switch: Timestamp) -> Timestamp {
        switch.saturating_sub(self.0).unwrap_or(switch)
    }
}

/// The last midnight where the exchange is, when the day's limits begin anew.
pub(crate) fn start_of_day(now: Timestamp, zone: &TimeZone) -> Timestamp {
    now.to_zoned(zone.clone()).start_of_day().map_or(now, |midnight| midnight.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_that_kept_the_old_time_is_translated_and_a_slow_message_is_not() {
        let noon: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let later = |seconds| noon + SignedDuration::from_secs(seconds);
        let hour_ahead = Skew::between(later(3600), noon);
        assert_eq!(hour_ahead.ours(later(3620)), later(20));
        let hour_behind = Skew::between(noon, later(3600));
        assert_eq!(hour_behind.ours(later(20)), later(3620));
        assert_eq!(Skew::between(noon, later(3)), Skew::default());
        assert_eq!(Skew::default().ours(later(7)), later(7));
    }

    #[test]
    fn a_switch_whose_clock_is_set_in_a_call_is_measured_anew() {
        let noon: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let later = |seconds| noon + SignedDuration::from_secs(seconds);
        let mut skew = Skew::between(later(3600), noon);
        assert_eq!(skew.ours_now(later(3610), later(11)), later(10), "the message took a second");
        assert_eq!(skew.ours_now(later(20), later(20)), later(20), "now it has our time");
        assert_eq!(skew, Skew::default());
    }
}
