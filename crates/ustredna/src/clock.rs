//! The one place where time comes in; `clippy.toml` forbids it elsewhere.

use jiff::{Timestamp, tz::TimeZone};

/// The time of day, for rows, recordings and messages.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// The steady clock, for deadlines.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(crate) fn instant() -> std::time::Instant {
    std::time::Instant::now()
}

/// The last midnight where the exchange is, when the day's limits begin anew.
pub(crate) fn start_of_day(now: Timestamp, zone: &TimeZone) -> Timestamp {
    now.to_zoned(zone.clone()).start_of_day().map_or(now, |midnight| midnight.timestamp())
}
