//! Makes room on the disk of the recordings as the settings say, and tells how full it is: at the
//! start and every night.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use exchange::model::CallId;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use recordings::{Deletions, DiskUse, FolderError};
use store::Store;
use tokio::{task::spawn_blocking, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    alarm::Alarm,
    app::App,
    archive, clock,
    health::Worker,
    retention::{self, Fate},
    settings::Settings,
};

/// Between two looks at the clock, which may be set.
const LOOK: Duration = Duration::from_mins(1);
/// By how much the clock may be set forward without keeping recordings from being deleted.
const BELIEVED: SignedDuration = SignedDuration::from_hours(24);
/// When fewer calls come than at any other hour.
const NIGHT: SignedDuration = SignedDuration::from_hours(3);
/// With fewer days left than this somebody should make room.
pub(crate) const FEW_DAYS: u64 = 14;

/// Runs until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let (mut kept_house, mut counted) = (None, false);
    let jumps = Jumps::new(app.clock.now(), clock::instant());
    loop {
        let now = app.clock.now();
        let forward = jumps.seen(now, clock::instant());
        let night = last_night(now, &app.settings.exchange.timezone.0);
        if kept_house != Some(night) {
            make_room(&app, forward, &stop).await;
            (kept_house, counted) = (Some(night), false);
        }
        if !counted {
            counted = count(&app).await;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(LOOK) => {}
        }
    }
}

/// How far the time of day has been set forward since the start.
struct Jumps {
    wall: Timestamp,
    steady: Instant,
}

impl Jumps {
    fn new(wall: Timestamp, steady: Instant) -> Self {
        Self { wall, steady }
    }

    /// By the steady clock; what was set back again does not count.
    fn seen(&self, wall: Timestamp, steady: Instant) -> SignedDuration {
        let passed = SignedDuration::try_from(steady.saturating_duration_since(self.steady));
        wall.duration_since(self.wall).saturating_sub(passed.unwrap_or(SignedDuration::MAX))
    }
}

/// The day of the last night; a clock set back makes it another one, which does no harm.
fn last_night(now: Timestamp, zone: &TimeZone) -> Date {
    now.saturating_sub(NIGHT).unwrap_or(now).to_zoned(zone.clone()).date()
}

/// Counts everything, and tells. `false`: it could not, and is tried again.
async fn count(app: &App) -> bool {
    let measured = measure(&app.settings, &app.recordings, Some(&app.store), app.clock.now()).await;
    let disk = match measured.map_err(|error| format!("{error:#}")) {
        Ok(disk) => disk,
        Err(error) => {
            warn!(error, "the recordings folder cannot be measured");
            app.health.note(Worker::Disk, Err(error));
            return false;
        }
    };
    app.health.well(Worker::Disk);
    app.disk.send_replace(Some(disk.clone()));
    let DiskUse { free_bytes, used_bytes, bytes_per_day, days_left, .. } = disk;
    if is_low(&disk, app.settings.recordings.min_free.0) {
        warn!(
            free_bytes,
            used_bytes,
            bytes_per_day,
            days_left,
            "the disk of the recordings is filling up: make room, or set recordings.retention or \
             recordings.archive"
        );
        app.alarm.raise(Alarm::Disk { free_bytes, days_left });
    } else {
        info!(free_bytes, used_bytes, bytes_per_day, days_left, "the disk of the recordings");
    }
    true
}

/// Counts everything below the recordings folder, looks at what is free beside it, and at what
/// will be deleted by itself; without a store nothing will be.
pub(crate) async fn measure(
    settings: &Settings,
    dir: &Path,
    store: Option<&Store>,
    now: Timestamp,
) -> anyhow::Result<DiskUse> {
    let today = now.to_zoned(settings.exchange.timezone.0.clone()).date();
    let deletions = match store {
        Some(store) => retention::deletions(store, &settings.recordings.retention, now).await?,
        None => Deletions::default(),
    };
    let dir = dir.to_owned();
    spawn_blocking(move || {
        let usage = recordings::usage(&dir)?;
        let free =
            recordings::free_bytes(&dir).map_err(|error| FolderError::Unreadable { dir, error })?;
        Ok(DiskUse::new(free, &usage, today, deletions))
    })
    .await?
}

/// Whether somebody should make room.
pub(crate) fn is_low(disk: &DiskUse, min_free: u64) -> bool {
    disk.free_bytes < min_free || disk.days_left.is_some_and(|days| days < FEW_DAYS)
}

/// Deletes and archives what is due, one after the other: calls come first. By a clock that was set
/// `forward` by days, everything would be too old.
async fn make_room(app: &App, forward: SignedDuration, stop: &CancellationToken) {
    let settings = &app.settings.recordings;
    let hours = forward.as_hours();
    if settings.retention.is_set() && forward > BELIEVED {
        error!(
            hours,
            "the clock was set forward: nothing is deleted until it is set back, or the exchange \
             started again"
        );
    } else if settings.retention.is_set()
        && let Err(error) = purge(app, stop).await
    {
        error!(error = %format!("{error:#}"), "old recordings are not deleted");
    }
    if settings.archive.after_days > 0
        && let Err(error) = put_away(app, stop).await
    {
        error!(error = %format!("{error:#}"), "old recordings are not archived");
    }
}

async fn purge(app: &App, stop: &CancellationToken) -> anyhow::Result<()> {
    let now = app.clock.now();
    let due = retention::due(&app.store, &app.settings.recordings.retention, now).await?;
    for due in due {
        if stop.is_cancelled() {
            break;
        }
        let (call, because) = (due.recording.call, &due.because);
        match retention::delete(&app.store, &app.recordings, &due, now).await {
            Ok(Fate::Deleted(deleted)) => {
                info!(call.id = %call, because, bytes = deleted.bytes, "a recording was deleted");
            }
            Ok(Fate::Kept) => {}
            Err(error) => fails(call, &error, "a recording was not deleted"),
        }
    }
    Ok(())
}

async fn put_away(app: &App, stop: &CancellationToken) -> anyhow::Result<()> {
    let (settings, now) = (&app.settings.recordings.archive, app.clock.now());
    let go_on = || !stop.is_cancelled();
    let done = archive::run(&app.store, &app.recordings, settings, now, go_on).await?;
    for (row, error) in &done.problems {
        fails(row.call, error, "a recording was not archived");
    }
    let archive::Archived { count, before, after, .. } = done;
    if count > 0 {
        info!(count, bytes_before = before, bytes_after = after, "recordings archived");
    }
    Ok(())
}

fn fails(call: CallId, error: &anyhow::Error, told: &'static str) {
    warn!(call.id = %call, error = %format!("{error:#}"), "{told}");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::proof::tests::House;

    #[test]
    fn a_clock_set_forward_is_noticed_until_it_is_set_back() {
        let (wall, steady) = (Timestamp::UNIX_EPOCH, clock::instant());
        let jumps = Jumps::new(wall, steady);
        let after = |wall_hours, hours| {
            let at = wall + SignedDuration::from_hours(wall_hours);
            jumps.seen(at, steady + Duration::from_hours(hours)).as_hours()
        };
        assert_eq!([after(30, 30), after(30 + 900, 30), after(31, 31)], [0, 900, 0]);
        assert_eq!(after(10, 40), -30);
    }

    #[test]
    fn house_is_kept_at_night() {
        let zone = TimeZone::get("Europe/Prague").unwrap();
        let night = |at: &str| last_night(at.parse().unwrap(), &zone).to_string();
        assert_eq!(night("2026-11-22T01:59:59Z"), "2026-11-21");
        assert_eq!(night("2026-11-22T02:00:00Z"), "2026-11-22");
        assert_eq!(night("2026-11-22T22:59:59Z"), "2026-11-22", "not before the next night");
    }

    #[test]
    fn few_days_or_little_room_are_told() {
        let today = jiff::civil::date(2026, 11, 22);
        let disk = |free_bytes, days_left| {
            let none = BTreeMap::new();
            let mut disk = DiskUse::new(free_bytes, &none, today, Deletions::default());
            disk.days_left = days_left;
            disk
        };
        assert!(!is_low(&disk(500, None), 500) && is_low(&disk(499, None), 500));
        assert!(!is_low(&disk(500, Some(14)), 500) && is_low(&disk(500, Some(13)), 500));
    }

    #[tokio::test]
    async fn too_little_room_raises_an_alarm() {
        for (min_free, alarms) in [("0 B", 0.0), ("900TB", 1.0)] {
            let house = House::with(&format!("recordings.min_free = \"{min_free}\"")).await;
            assert!(count(&house.app).await);
            let told = house.metric("ustredna_alarms_total{kind=\"disk\"}");
            assert!((told - alarms).abs() < 0.5, "{min_free}: {told}");
        }
    }
}
