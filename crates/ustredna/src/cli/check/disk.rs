//! Is there room for recordings, and for how long?

use recordings::DiskUse;
use store::Store;

use super::Finding;
use crate::{
    cli::recordings::size,
    clock::Clock,
    counted::counted,
    disk::{FEW_DAYS, is_low, measure},
    settings::Settings,
};

const CHECK: &str = "disk";

/// What is wrong with the database is told by a line of its own.
pub(super) async fn check(settings: &Settings, store: Option<&Store>) -> Finding {
    if !settings.recordings.dir.exists() {
        return Finding::skipped(CHECK, "there is no recordings folder yet");
    }
    let dir = &settings.recordings.dir;
    let disk = match measure(settings, dir, store, Clock::SYSTEM.now()).await {
        Ok(disk) => disk,
        Err(error) => return Finding::failed(CHECK, format!("{error:#}")),
    };
    let detail = told(&disk);
    let min_free = settings.recordings.min_free.0;
    if !is_low(&disk, min_free) {
        return Finding::ok(CHECK, detail);
    }
    let fix = if disk.free_bytes < min_free {
        format!("make room: less than recordings.min_free ({}) is left", size(min_free))
    } else {
        format!(
            "make room for more than {FEW_DAYS} days: a larger disk, or recordings.retention or \
             recordings.archive"
        )
    };
    Finding::fail(CHECK, detail, fix)
}

fn told(disk: &DiskUse) -> String {
    let (free, used) = (size(disk.free_bytes), size(disk.used_bytes));
    let forecast = match (disk.bytes_per_day, disk.days_left) {
        (Some(bytes), Some(days)) => {
            format!("a day with calls takes {}: full in {}", size(bytes), counted(days, "day"))
        }
        (Some(bytes), None) => {
            format!(
                "a day with calls takes {}, and as much is deleted: it does not fill up",
                size(bytes)
            )
        }
        (None, _) => "when it will be full is not known yet".to_owned(),
    };
    format!("{free} free; recordings take {used}, {forecast}")
}
