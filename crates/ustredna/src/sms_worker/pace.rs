//! How many tries may be under way: fewer, and none for a while, when the gateway says "slower".

use std::time::{Duration, Instant};

/// The first pause when the gateway names none; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_OWN_PAUSE: Duration = Duration::from_mins(1);
/// A gateway that asks for more is asked again sooner.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// Halves the tries at once with each pause, and adds one with each message taken.
#[derive(Debug)]
pub(super) struct Pace {
    most: usize,
    at_once: usize,
    /// Pauses since the last message was taken.
    in_a_row: u32,
    until: Option<Instant>,
}

impl Pace {
    pub(super) fn new(most: usize) -> Self {
        Self { most, at_once: most, in_a_row: 0, until: None }
    }

    /// How many more may be begun.
    pub(super) fn room(&self, under_way: usize, now: Instant) -> usize {
        if self.pauses(now) {
            return 0;
        }
        self.at_once.saturating_sub(under_way)
    }

    /// Whether nothing is begun just now.
    pub(super) fn pauses(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    pub(super) fn accepted(&mut self) {
        self.at_once = (self.at_once + 1).min(self.most);
        self.in_a_row = 0;
    }

    /// The gateway wants fewer; tells for how long nothing is begun.
    pub(super) fn throttled(&mut self, after: Option<Duration>, now: Instant) -> Duration {
        // Of those that were under way together the first has slowed us down already.
        let rests = self.until.filter(|until| now < *until).map(|until| until - now);
        if rests.is_none() {
            self.at_once = (self.at_once / 2).max(1);
            self.in_a_row = self.in_a_row.saturating_add(1);
        }
        let own = FIRST_PAUSE.saturating_mul(1 << (self.in_a_row.saturating_sub(1)).min(6));
        let asked = after.unwrap_or(own.min(LONGEST_OWN_PAUSE));
        // `Retry-After: 0` is no leave to ask without a breath.
        let asked = asked.clamp(FIRST_PAUSE, LONGEST_PAUSE);
        let pause = asked.max(rests.unwrap_or_default());
        self.until = Some(now + pause);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slower_when_asked_and_faster_again_message_by_message() {
        let now = crate::clock::instant();
        let mut pace = Pace::new(32);
        assert_eq!(pace.room(2, now), 30);
        assert_eq!(pace.throttled(None, now), Duration::from_secs(1));
        // The same moment's others.
        for _ in 0..20 {
            assert_eq!(pace.throttled(None, now), Duration::from_secs(1));
        }
        assert_eq!(pace.room(0, now), 0);
        let later = now + Duration::from_secs(1);
        assert_eq!(pace.room(0, later), 16);
        assert_eq!(pace.throttled(None, later), Duration::from_secs(2));
        let later = later + Duration::from_secs(2);
        assert_eq!(pace.throttled(Some(Duration::from_secs(30)), later), Duration::from_secs(30));
        let later = later + Duration::from_secs(30);
        assert_eq!(pace.room(0, later), 4);
        pace.accepted();
        assert_eq!(pace.room(0, later), 5);
        assert_eq!(pace.throttled(None, later), Duration::from_secs(1), "it had taken one");
        for _ in 0..100 {
            pace.accepted();
        }
        assert_eq!(pace.room(0, later + Duration::from_secs(1)), 32);
    }

    #[test]
    fn pauses_have_a_floor_and_a_cap() {
        let mut now = crate::clock::instant();
        let mut pace = Pace::new(1);
        let day = Duration::from_hours(24);
        assert_eq!(pace.throttled(Some(Duration::ZERO), now), FIRST_PAUSE);
        assert_eq!(pace.room(0, now), 0);
        now += day;
        assert_eq!(pace.throttled(Some(day), now), Duration::from_mins(10));
        for _ in 0..50 {
            now += day;
            assert!(pace.throttled(None, now) <= Duration::from_mins(1));
        }
        assert_eq!(pace.room(0, now + day), 1);
    }
}
