//! A small file, written and removed again, where a recording is to go.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use anyhow::Context as _;
use jiff::civil::Date;
use uuid::Uuid;

/// Makes the folder of a day below the recordings folder, and tries it.
///
/// # Errors
/// Why nothing can be recorded there, and what to do.
pub(super) fn prepare(dir: &Path, day: Date, min_free: u64) -> anyhow::Result<()> {
    let folder = recordings::prepare_day(dir, day)?;
    try_file(&folder)?;
    room(&folder, min_free)
}

/// Tries the same and leaves nothing behind: where the day's folder is still to be made, another one is
/// made there and removed again.
///
/// # Errors
/// As [`prepare`] has them.
pub(crate) fn try_day(dir: &Path, day: Date, min_free: u64) -> anyhow::Result<()> {
    let found = recordings::find_day(dir, day)?;
    let there = dir.join(&found.below);
    if found.is_whole {
        try_file(&there)?;
    } else {
        let made = there.join(name());
        fs::create_dir(&made).with_context(|| closed(&there))?;
        let tried = try_file(&made);
        let removed = fs::remove_dir(&made).with_context(|| closed(&there));
        tried.and(removed)?;
    }
    room(&there, min_free)
}

fn try_file(folder: &Path) -> anyhow::Result<()> {
    let probe = folder.join(name());
    let written = write(&probe);
    // A full disk takes a name, but not what it stands for.
    let removed = match fs::remove_file(&probe) {
        Err(error) if written.is_err() && error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    };
    written.and(removed).with_context(|| closed(folder))
}

fn closed(folder: &Path) -> String {
    format!("{} cannot be written: check its rights and its disk", folder.display())
}

fn room(folder: &Path, min_free: u64) -> anyhow::Result<()> {
    let free = recordings::free_bytes(folder).with_context(|| folder.display().to_string())?;
    anyhow::ensure!(
        free >= min_free,
        "only {free} bytes are free on the disk of the recordings, less than recordings.min_free \
         ({min_free}): make room"
    );
    Ok(())
}

/// Random, so that calls at once do not disturb each other, and no file system remembers that
/// there was no such file.
pub(super) fn name() -> String {
    format!(".ustredna-probe-{}", Uuid::new_v4().simple())
}

pub(super) fn write(probe: &Path) -> io::Result<()> {
    File::create_new(probe)?.write_all(b"probe")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const DAY: Date = jiff::civil::date(2026, 11, 22);

    fn inside(dir: &Path) -> usize {
        fs::read_dir(dir).unwrap().count()
    }

    #[test]
    fn a_folder_with_room_is_usable_and_stays_clean() {
        let dir = tempfile::tempdir().unwrap();
        try_day(dir.path(), DAY, 0).unwrap();
        assert_eq!(inside(dir.path()), 0, "who only looks makes nothing");
        prepare(dir.path(), DAY, 0).unwrap();
        try_day(dir.path(), DAY, 0).unwrap();
        assert_eq!((inside(&dir.path().join("2026/11/22")), inside(dir.path())), (0, 1));
    }

    #[test]
    fn too_little_room_is_told_with_the_setting() {
        let dir = tempfile::tempdir().unwrap();
        for tried in [prepare(dir.path(), DAY, u64::MAX), try_day(dir.path(), DAY, u64::MAX)] {
            let error = tried.unwrap_err().to_string();
            assert!(error.contains("recordings.min_free"), "{error}");
        }
    }

    /// Whatever keeps a call from its folder, whoever only looks sees it too, in the same words.
    #[test]
    fn a_look_finds_what_a_call_would() {
        for day in ["2026", "2026/11", "2026/11/22"] {
            // A file; links to nowhere, in a circle, and to where nothing can be made, whoever tries.
            for what in ["", "/nowhere", "/itself", "/proc"] {
                let dir = tempfile::tempdir().unwrap();
                let at = dir.path().join(day);
                fs::create_dir_all(at.parent().unwrap()).unwrap();
                match what {
                    "" => fs::write(&at, "").unwrap(),
                    "/itself" => symlink(&at, &at).unwrap(),
                    to => symlink(to, &at).unwrap(),
                }
                let seen = try_day(dir.path(), DAY, 0).map_err(|error| format!("{error:#}"));
                let called = prepare(dir.path(), DAY, 0).map_err(|error| format!("{error:#}"));
                let (Err(seen), Err(called)) = (seen, called) else {
                    panic!("{what:?} at {day} is not seen")
                };
                assert!(seen.contains("2026") && called.contains("2026"), "{seen} {called}");
                assert_eq!(seen.matches("os error").count().max(1), 1, "{seen}");
                // Another day is not concerned by what is of this one alone.
                let other = try_day(dir.path(), jiff::civil::date(2027, 1, 1), 0);
                assert!(other.is_ok(), "{other:?}");
            }
        }
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("2026/11/22/8000")).unwrap();
        assert!(try_day(dir.path(), DAY, 0).unwrap_err().to_string().contains("8000"));
    }

    #[test]
    fn calls_at_once_do_not_take_each_other_s_probe() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50).for_each(|_| prepare(dir.path(), DAY, 0).unwrap()));
                scope.spawn(|| (0..50).for_each(|_| try_day(dir.path(), DAY, 0).unwrap()));
            }
        });
    }
}
