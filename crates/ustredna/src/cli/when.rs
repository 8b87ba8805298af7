//! Times as people write them.

use anyhow::{Context as _, bail};
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

use super::desk::Desk;

/// Which end of a day a date without a time means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    /// The midnight it begins with.
    Start,
    /// The midnight it ends with: the whole day is meant.
    End,
}

/// An RFC 3339 time, a local date, or a local date and time.
///
/// # Errors
/// One sentence with examples, also for what is no time any more, such as the end of 9999-12-31.
pub(super) fn moment(text: &str, zone: &TimeZone, edge: Edge) -> anyhow::Result<Timestamp> {
    read(text, zone, edge).map_err(|_| {
        anyhow::anyhow!(
            "`{text}` is no time: write 2026-11-22, \"2026-11-22 10:30\" or 2026-11-22T10:30:00+01:00"
        )
    })
}

fn read(text: &str, zone: &TimeZone, edge: Edge) -> anyhow::Result<Timestamp> {
    // `[Europe/Prague]` would be passed over, wherever it is.
    anyhow::ensure!(!text.contains('['), "a zone");
    if let Some(date) = date(text) {
        let date = match edge {
            Edge::Start => date,
            Edge::End => date.tomorrow().context("there is no day after")?,
        };
        return Ok(date.to_zoned(zone.clone())?.timestamp());
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Some(local) = czech(text) {
        return Ok(local.to_zoned(zone.clone())?.timestamp());
    }
    match text.parse::<DateTime>() {
        // `2026-11-22Europe/Prague` would be taken as a date too.
        Ok(local) if text.contains(':') => Ok(local.to_zoned(zone.clone())?.timestamp()),
        Ok(_) | Err(_) => bail!("not in any of these forms"),
    }
}

/// A day.
///
/// # Errors
/// One sentence with an example.
pub(super) fn day(text: &str) -> anyhow::Result<Date> {
    date(text).with_context(|| format!("`{text}` is no day: write 2026-11-22"))
}

/// The same as [`moment`], or how long ago: `2h`, `7d`.
pub(super) fn moment_or_ago(
    text: &str,
    zone: &TimeZone,
    edge: Edge,
    now: Timestamp,
) -> anyhow::Result<Timestamp> {
    match humantime::parse_duration(text) {
        // A `0` alone has no unit.
        Ok(ago) if text.contains(char::is_alphabetic) => {
            let ago = SignedDuration::try_from(ago).unwrap_or(SignedDuration::MAX);
            Ok(now.saturating_sub(ago).unwrap_or(Timestamp::MIN))
        }
        Ok(_) | Err(_) => moment(text, zone, edge)
            .map_err(|error| anyhow::anyhow!("{error}, or how long ago: 2h, 7d")),
    }
}

/// A moment that has been, as `--since` wants it: after a later one there is nothing yet.
pub(super) fn since(text: &str, desk: &Desk<'_>) -> anyhow::Result<Timestamp> {
    let at = moment_or_ago(text, desk.zone(), Edge::Start, desk.now).context("--since")?;
    anyhow::ensure!(
        at <= desk.now,
        "--since `{text}` is in the future: nothing has been since then (it is {})",
        desk.local(desk.now)
    );
    Ok(at)
}

/// `2026-11-22`, or as Czech spreadsheets write it `22.11.2026`.
fn date(text: &str) -> Option<Date> {
    match text.len() {
        10 if !text.contains('.') => text.parse().ok(),
        _ if text.matches('.').count() == 2 && !text.contains(':') => {
            let text = text.replace(' ', "");
            // `%Y` would take 26 for a year of the first century.
            let year = text.rsplit('.').next()?;
            (year.len() == 4).then(|| Date::strptime("%d.%m.%Y", &text).ok())?
        }
        _ => None,
    }
}

/// `22.11.2026 10:30`, with seconds or without.
fn czech(text: &str) -> Option<DateTime> {
    let (day, time) = text.trim().rsplit_once(' ')?;
    let time = ["%H:%M", "%H:%M:%S"].iter().find_map(|form| Time::strptime(form, time).ok())?;
    (day.contains('.')).then(|| date(day))?.map(|day| day.to_datetime(time))
}

/// A start or an end as [`moment`] reads it: only the date where that says it all.
pub(super) fn written(at: Timestamp, zone: &TimeZone, edge: Edge) -> String {
    let local = at.to_zoned(zone.clone());
    if local.start_of_day().is_ok_and(|midnight| midnight == local) {
        let date = match edge {
            Edge::Start => Ok(local.date()),
            Edge::End => local.date().yesterday(),
        };
        if let Ok(date) = date {
            return date.to_string();
        }
    }
    local.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prague() -> TimeZone {
        TimeZone::get("Europe/Prague").unwrap()
    }

    fn read(text: &str, edge: Edge) -> String {
        moment(text, &prague(), edge).unwrap().to_string()
    }

    #[test]
    fn a_date_is_a_whole_local_day() {
        assert_eq!(read("2026-11-22", Edge::Start), "2026-11-21T23:00:00Z");
        assert_eq!(read("2026-11-22", Edge::End), "2026-11-22T23:00:00Z");
        assert_eq!(read("22.11.2026", Edge::Start), "2026-11-21T23:00:00Z");
        assert_eq!(read("1. 7. 2026", Edge::Start), "2026-06-30T22:00:00Z");
        // The day the clocks go forward has 23 hours.
        assert_eq!(read("2026-03-29", Edge::End), "2026-03-29T22:00:00Z");
    }

    #[test]
    fn a_time_is_local_unless_it_says_where() {
        assert_eq!(read("2026-11-22 10:30", Edge::End), "2026-11-22T09:30:00Z");
        assert_eq!(read("22. 11. 2026 10:30", Edge::End), "2026-11-22T09:30:00Z");
        assert_eq!(read("1.7.2026 9:05:07", Edge::End), "2026-07-01T07:05:07Z");
        assert_eq!(read("2026-11-22T10:30:00+02:00", Edge::End), "2026-11-22T08:30:00Z");
        assert_eq!(read("2026-11-22T10:30:00Z", Edge::Start), "2026-11-22T10:30:00Z");
    }

    #[test]
    fn ago_counts_back_from_now() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let read = |text| moment_or_ago(text, &prague(), Edge::Start, now);
        assert_eq!(read("2h").unwrap().to_string(), "2026-11-22T08:00:00Z");
        assert_eq!(read("7d").unwrap().to_string(), "2026-11-15T10:00:00Z");
        for none in ["0", " 0 ", "00"] {
            assert!(read(none).unwrap_err().to_string().contains("is no time"), "{none}");
        }
        assert_eq!(read("0s").unwrap(), now);
        assert_eq!(read("999999999y").unwrap(), Timestamp::MIN);
    }

    #[test]
    fn anything_else_is_refused_with_examples() {
        for text in [
            "",
            "today",
            "2026-13-01",
            "31.2.2026",
            "22.11.26",
            "22/11/2026",
            "11/22/2026",
            "22.11.2026 25:00",
            "2026-11-22T",
            "12",
            "10:30",
            "…",
            "9999-12-31",
            "9999-12-31 23:00",
            "31.12.9999 23:00",
        ] {
            for edge in [Edge::Start, Edge::End] {
                let error = moment(text, &prague(), edge).unwrap_err().to_string();
                assert!(error.starts_with(&format!("`{text}` is no time")), "{text}: {error}");
            }
        }
    }

    #[test]
    fn a_day_is_a_date_alone() {
        for text in ["2026-11-22", "22.11.2026", "22. 11. 2026"] {
            assert_eq!(day(text).unwrap().to_string(), "2026-11-22");
        }
        for text in ["x", "2026-02-30", "", "2026-11-22T10:30", "20261122", "-1"] {
            let error = day(text).unwrap_err().to_string();
            assert_eq!(error, format!("`{text}` is no day: write 2026-11-22"));
        }
    }

    #[test]
    fn is_written_as_it_was_read() {
        for edge in [Edge::Start, Edge::End] {
            for text in ["2026-11-22", "2026-03-29", "2026-11-22 10:30:00"] {
                let at = moment(text, &prague(), edge).unwrap();
                assert_eq!(written(at, &prague(), edge), text);
            }
        }
    }
}
