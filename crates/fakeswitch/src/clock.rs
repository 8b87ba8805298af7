//! The switch's time of day: tokio's clock, set to a start.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;

/// A clock that runs with tokio's, paused or not.
#[derive(Debug)]
pub(crate) struct Clock {
    began: Instant,
    epoch: Duration,
    /// Microseconds by which it was put forward.
    skipped: AtomicU64,
}

impl Clock {
    pub(crate) fn starting(at: SystemTime) -> Self {
        // A start before 1970 is taken for 1970: the headers know no negative times.
        let epoch = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Instant::now(), epoch, skipped: AtomicU64::new(0) }
    }

    /// Microseconds since 1970, the unit of every time that FreeSWITCH tells.
    pub(crate) fn micros(&self) -> u64 {
        self.at(Instant::now())
    }

    pub(crate) fn at(&self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.began);
        let micros = u64::try_from((self.epoch + since).as_micros()).unwrap_or(u64::MAX);
        micros.saturating_add(self.skipped.load(Ordering::Relaxed))
    }

    /// Puts the time of day forward; timers stay as they are.
    pub(crate) fn skip(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.skipped.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.began.elapsed()
    }
}

/// `2026-11-22 10:38:31`, in UTC.
pub(crate) fn local(micros: u64) -> String {
    let (year, month, day, seconds) = civil(micros);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// `Sun, 22 Nov 2026 10:38:31 GMT`.
pub(crate) fn gmt(micros: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day, seconds) = civil(micros);
    let weekday = DAYS.get(index(micros / 86_400_000_000 % 7)).copied().unwrap_or_default();
    let name = MONTHS.get(index(month.saturating_sub(1))).copied().unwrap_or_default();
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{weekday}, {day:02} {name} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

fn index(value: u64) -> usize {
    usize::try_from(value).unwrap_or_default()
}

/// Year, month, day and second of the day; Hinnant's `civil_from_days`.
fn civil(micros: u64) -> (u64, u64, u64, u64) {
    let seconds = micros / 1_000_000;
    let days = seconds / 86_400 + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day, seconds % 86_400)
}

#[cfg(test)]
mod tests {
    use super::{gmt, local};

    #[test]
    fn tells_the_captures_time_of_day() {
        assert_eq!(local(1_795_343_911_389_086), "2026-11-22 10:38:31");
        assert_eq!(gmt(1_795_343_911_389_086), "Sun, 22 Nov 2026 10:38:31 GMT");
        assert_eq!(local(951_782_400_000_000), "2000-02-29 00:00:00");
    }
}
