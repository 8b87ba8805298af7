//! The index of a WAL, by which it is known whether somebody cut the WAL off.

use std::{fs, os::unix::fs::FileExt as _, path::Path};

/// The header of a frame in the WAL, and that of the WAL, <https://www.sqlite.org/fileformat2.html#walformat>.
const FRAME: u64 = 24;
const BEGIN: u64 = 32;
/// One copy of the index's header, <https://www.sqlite.org/walformat.html#walidxfmt>.
const HEADER: usize = 48;

/// The `-shm` file. SQLite's locks are on it: it must stay open as long as SQLite has it open.
pub(super) struct Index(fs::File);

impl Index {
    pub(super) fn open(file: &Path) -> Option<Self> {
        fs::File::open(file).ok().map(Self)
    }

    /// Whether the WAL is shorter than what is in it. SQLite writes to the WAL before it writes to the
    /// index, and empties the index before it empties the WAL.
    pub(super) fn tells_of_more_than(&self, wal: &Path) -> bool {
        let is_short = |end: &u64| fs::metadata(wal).is_ok_and(|found| found.len() < *end);
        // It may have been emptied between the two looks.
        self.end().filter(is_short).is_some_and(|end| self.end() == Some(end) && is_short(&end))
    }

    /// How long the WAL must be. `None`: that is just being written, or nothing is in it.
    fn end(&self) -> Option<u64> {
        let mut twice = [0; 2 * HEADER];
        self.0.read_exact_at(&mut twice, 0).ok()?;
        let (first, second) = twice.split_at(HEADER);
        let is_ready = first.get(12) == Some(&1) && first == second;
        let number = |from: usize| {
            let four = first.get(from..from + 4)?;
            Some(u32::from_ne_bytes(four.try_into().ok()?))
        };
        let page = first.get(14..16)?;
        // 1 stands for 65536, which does not fit.
        let page = match u16::from_ne_bytes(page.try_into().ok()?) {
            1 => 65536,
            page => u64::from(page),
        };
        let frames = u64::from(number(16)?);
        (is_ready && frames > 0).then_some(BEGIN + frames * (FRAME + page))
    }
}
