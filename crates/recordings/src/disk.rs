//! How much room the recordings take, and how long the rest will last.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use jiff::civil::Date;
use rustix::fs::statvfs;

use crate::folder::{FolderError, scan};

/// So many days with recordings, the latest, make the mean.
const DAYS: usize = 14;
/// From fewer nothing can be told.
const FEWEST_DAYS: usize = 3;

/// Nobody looks further ahead: a hundred years.
const HORIZON_DAYS: u32 = 36_500;
/// So old at most are the recordings that tell how long the coming ones are kept.
const RECENT_DAYS: u32 = 30;

/// What is deleted by itself in the days to come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deletions {
    /// Bytes of the recordings there are, by the days until they go.
    due: BTreeMap<u32, u64>,
    /// Bytes of the latest ones, by the days that they are kept; `None`: for ever.
    kept: BTreeMap<Option<u32>, u64>,
}

impl Deletions {
    /// Counts a recording of `bytes` that is `age` days old and is kept `days`; `None`: for ever.
    pub fn count(&mut self, age: u32, days: Option<u32>, bytes: u64) {
        if let Some(days) = days {
            *self.due.entry(days.saturating_sub(age)).or_insert(0) += bytes;
        }
        if age < RECENT_DAYS {
            *self.kept.entry(days).or_insert(0) += bytes;
        }
    }

    fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// Bytes that go on that day, counted from today, when every day brings `per_day` bytes of which
    /// as much is kept for so long as of the latest ones.
    fn on(&self, day: u32, per_day: u64) -> u64 {
        let all: u64 = self.kept.values().fold(0, |sum, bytes| sum.saturating_add(*bytes));
        let brought = self.kept.iter().filter(|(days, _)| days.is_some_and(|days| days <= day));
        let share = |bytes: u64| {
            let share = u128::from(per_day) * u128::from(bytes) / u128::from(all.max(1));
            u64::try_from(share).unwrap_or(u64::MAX)
        };
        let there = self.due.get(&day).copied().unwrap_or(0);
        brought.fold(there, |sum, (_, bytes)| sum.saturating_add(share(*bytes)))
    }
}

/// How full the disk of the recordings is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskUse {
    /// Bytes that may still be written.
    pub free_bytes: u64,
    /// Bytes of all recordings with their sidecars.
    pub used_bytes: u64,
    /// Bytes that a day with calls takes, the mean of the latest fourteen; today, which is not over,
    /// does not count. `None` until there are three.
    pub bytes_per_day: Option<u64>,
    /// In how many days the disk will be full; `None` if nobody knows or it never will. Where nothing
    /// is deleted by itself these are days with calls.
    pub days_left: Option<u64>,
    deletions: Deletions,
    /// With days without calls between them.
    per_calendar_day: u64,
}

impl DiskUse {
    /// What `free_bytes` and the usage of each day come to.
    #[must_use]
    pub fn new(
        free_bytes: u64,
        usage: &BTreeMap<Date, u64>,
        today: Date,
        deletions: Deletions,
    ) -> Self {
        let over: Vec<(Date, u64)> =
            usage.range(..today).rev().take(DAYS).map(|(day, bytes)| (*day, *bytes)).collect();
        let sum = over.iter().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
        let days = u64::try_from(over.len()).unwrap_or(u64::MAX).max(1);
        // From the first to the last of them.
        let calendar = over.last().zip(over.first()).map_or(1, |((first, _), (last, _))| {
            u64::try_from((*last - *first).get_days()).unwrap_or(0).saturating_add(1)
        });
        let used_bytes = usage.values().fold(0_u64, |sum, bytes| sum.saturating_add(*bytes));
        Self {
            free_bytes,
            used_bytes,
            bytes_per_day: (over.len() >= FEWEST_DAYS).then_some(sum / days),
            days_left: None,
            deletions,
            per_calendar_day: sum / calendar,
        }
        .with_free(free_bytes)
    }

    /// The same with a fresh look at how much is free.
    #[must_use]
    pub fn with_free(self, free_bytes: u64) -> Self {
        let days_left = match self.bytes_per_day {
            Some(_) if !self.deletions.is_empty() => self.days_until_full(free_bytes),
            Some(bytes) => free_bytes.checked_div(bytes),
            None => None,
        };
        Self { free_bytes, days_left, ..self }
    }

    fn days_until_full(&self, free_bytes: u64) -> Option<u64> {
        let mut room = free_bytes;
        for day in 0..HORIZON_DAYS {
            // Every night first, then the calls.
            let going = self.deletions.on(day, self.per_calendar_day);
            match room.saturating_add(going).checked_sub(self.per_calendar_day) {
                Some(left) => room = left,
                None => return Some(u64::from(day)),
            }
        }
        None
    }
}

/// Bytes that a program without special rights may still write on the disk of `dir`.
///
/// # Errors
/// What the system said: the folder is missing, or its disk does not answer.
pub fn free_bytes(dir: &Path) -> io::Result<u64> {
    let disk = statvfs(dir)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Bytes of the recordings of each day with their sidecars; what cannot be read is passed over.
///
/// # Errors
/// [`FolderError::Missing`], or [`FolderError::Unreadable`] if `dir` itself cannot be listed.
pub fn usage(dir: &Path) -> Result<BTreeMap<Date, u64>, FolderError> {
    let mut days = BTreeMap::new();
    for file in scan(dir) {
        let (name, path) = match file {
            Ok(found) => found,
            Err(FolderError::Unreadable { dir: inside, .. }) if inside != dir => continue,
            Err(error) => return Err(error),
        };
        let bytes = size(&path) + size(&path.with_extension("json"));
        *days.entry(name.date()).or_insert(0) += bytes;
    }
    Ok(days)
}

/// It may just have been deleted.
fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}

#[cfg(test)]
mod tests;
