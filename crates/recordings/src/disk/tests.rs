use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::ToSpan as _;
use jiff::civil::{Date, date};

use super::{Deletions, DiskUse, free_bytes, usage};
use crate::folder::FolderError;

fn days(bytes: &[u64]) -> BTreeMap<Date, u64> {
    (1..).zip(bytes).map(|(day, bytes)| (date(2026, 11, day), *bytes)).collect()
}

fn told(free: u64, usage: &[u64], today: Date) -> (Option<u64>, Option<u64>) {
    let disk = DiskUse::new(free, &days(usage), today, Deletions::default());
    assert_eq!((disk.free_bytes, disk.used_bytes), (free, usage.iter().sum()));
    (disk.bytes_per_day, disk.days_left)
}

#[test]
fn the_forecast_is_the_mean_of_the_latest_days_with_calls() {
    let later = date(2026, 12, 24);
    assert_eq!(told(1000, &[], later), (None, None));
    assert_eq!(told(1000, &[10, 20], later), (None, None), "two days tell nothing");
    assert_eq!(told(1000, &[10, 20, 30], later), (Some(20), Some(50)));
    // Sixteen days: the first two are too long ago.
    let mut long = vec![1_000_000, 1_000_000];
    long.extend([7; 14]);
    assert_eq!(told(700, &long, later), (Some(7), Some(100)));
    assert_eq!(told(6, &long, later), (Some(7), Some(0)));
}

#[test]
fn today_is_not_over_and_does_not_count() {
    assert_eq!(told(1000, &[10, 20, 30, 1], date(2026, 11, 4)), (Some(20), Some(50)));
    assert_eq!(told(1000, &[10, 20, 1], date(2026, 11, 3)), (None, None));
}

#[test]
fn a_fresh_look_at_what_is_free_moves_the_forecast() {
    let disk = DiskUse::new(1000, &days(&[10, 20, 30]), date(2026, 12, 1), Deletions::default())
        .with_free(400);
    assert_eq!((disk.free_bytes, disk.days_left), (400, Some(20)));
    let empty = DiskUse::new(1000, &days(&[0, 0, 0]), date(2026, 12, 1), Deletions::default());
    assert_eq!(empty.days_left, None, "what takes no room never fills a disk");
}

/// Thirty days of recordings on weekdays only, or on all days; of them `forever` per cent are never
/// deleted, the others after thirty days.
fn kept_for_thirty_days(free: u64, weekdays: bool, forever: u64) -> DiskUse {
    let today = date(2026, 11, 30);
    let (mut usage, mut deletions) = (BTreeMap::new(), Deletions::default());
    for age in 1..=30_u32 {
        let day = today - i64::from(age).days();
        if weekdays && day.weekday().to_monday_zero_offset() > 4 {
            continue;
        }
        usage.insert(day, 500);
        deletions.count(age, Some(30), 500 - 5 * forever);
        deletions.count(age, None, 5 * forever);
    }
    DiskUse::new(free, &usage, today, deletions)
}

#[test]
fn what_is_deleted_by_itself_makes_room_for_what_comes() {
    let steady = kept_for_thirty_days(1000, false, 0);
    assert_eq!((steady.bytes_per_day, steady.days_left), (Some(500), None), "it never fills up");
    // As much as a few weekends are off.
    assert_eq!(kept_for_thirty_days(2000, true, 0).days_left, None);
    // A tenth stays: 50 a day more, from today on.
    assert_eq!(kept_for_thirty_days(5000, false, 10).days_left, Some(100));
    assert_eq!(kept_for_thirty_days(5000, false, 100).days_left, Some(10));
    assert_eq!(steady.with_free(499).days_left, None, "the night comes first");
}

#[test]
fn what_goes_too_late_does_not_help() {
    let mut deletions = Deletions::default();
    (1..=3).for_each(|age| deletions.count(age, Some(90), 100));
    let used = days(&[100, 100, 100]);
    let disk = |free| DiskUse::new(free, &used, date(2026, 11, 4), deletions.clone());
    assert_eq!(disk(1000).days_left, Some(10));
    assert_eq!(disk(8700).days_left, None, "87 days until the first goes");
    assert_eq!(disk(8699).days_left, Some(86));
}

#[test]
fn each_day_counts_its_recordings_and_sidecars() {
    let dir = tempfile::tempdir().unwrap();
    let put = |relative: &str, bytes: usize| {
        let path = dir.path().join(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, vec![0; bytes]).unwrap();
    };
    let morning = "2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e";
    put(&format!("{morning}.wav"), 100);
    put(&format!("{morning}.json"), 5);
    put("2026/11/22/20261122-120000_back_420777000111_anonymous_11111111.flac", 30);
    put("2026/11/23/20261123-120000_back_420777000111_anonymous_22222222.wav", 7);
    put("2026/11/23/somebody's notes", 1000);
    let found = usage(dir.path()).unwrap();
    assert_eq!(found, [(date(2026, 11, 22), 135), (date(2026, 11, 23), 7)].into());
    let missing = usage(&dir.path().join("none")).unwrap_err();
    assert!(matches!(missing, FolderError::Missing(_)), "{missing}");
}

#[test]
fn free_is_what_may_be_written() {
    let dir = tempfile::tempdir().unwrap();
    assert!(free_bytes(dir.path()).unwrap() > 0);
    assert!(free_bytes(Path::new("/no/such/folder")).is_err());
}
