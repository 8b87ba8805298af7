//! Time in a call.

use std::time::Instant;

use jiff::Timestamp;

use crate::clock::{self, Skew};

/// The time of day in a call: read when it came in, and counted by the steady clock from then on.
/// Whatever becomes of the clocks, a call ends after it began and a talk is as long as it was.
#[derive(Debug)]
pub(super) struct CallTime {
    started_at: Timestamp,
    began: Instant,
    /// FreeSWITCH's against this.
    pub(super) skew: Skew,
}

impl CallTime {
    /// With the time by FreeSWITCH's clock at this moment.
    pub(super) fn new(started_at: Timestamp, began: Instant, switch: Option<Timestamp>) -> Self {
        let mut time = Self { started_at, began, skew: Skew::default() };
        time.skew = switch.map_or_else(Skew::default, |at| Skew::between(at, time.now()));
        time
    }

    pub(super) fn now(&self) -> Timestamp {
        let since = clock::instant().saturating_duration_since(self.began);
        self.started_at.saturating_add(since).unwrap_or(self.started_at)
    }

    /// When FreeSWITCH saw something, by its own clock, that has just been told.
    pub(super) fn of(&mut self, switch: Option<Timestamp>) -> Timestamp {
        let now = self.now();
        switch.map_or(now, |at| self.skew.ours_now(at, now))
    }
}
