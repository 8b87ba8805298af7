//! A time of day for the exchange alone, which can be set while it runs; by libfaketime.
//!
//! FreeSWITCH needs none: it reads the time of day at its start and goes on counting by the steady
//! clock, whatever becomes of the system's (switch_time.c).

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A clock that goes as the system's does, but for what it was set by.
pub(crate) struct Clock(PathBuf);

impl Clock {
    /// Why there is none on this machine, if so.
    pub(crate) fn missing() -> Option<String> {
        library().is_none().then(|| "libfaketime is not installed (Debian: faketime)".to_owned())
    }

    /// In this folder, right.
    pub(crate) fn new(dir: &Path) -> Self {
        let clock = Self(dir.join("clock"));
        clock.set(0);
        clock
    }

    /// From now on it is so many seconds ahead, or behind.
    pub(crate) fn set(&self, seconds: i32) {
        // In one move: it is read all the time.
        let new = self.0.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n")).unwrap();
        fs::rename(new, &self.0).unwrap();
    }

    /// Gives it to a program. The kernel's times of files stay as they are.
    pub(crate) fn give_to(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", library().expect("the scenario is skipped without it"))
            .env("FAKETIME_TIMESTAMP_FILE", &self.0)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1");
    }
}

/// Where Debian has it.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    let mut libraries = folders.map(|dir| dir.path().join("faketime/libfaketimeMT.so.1"));
    libraries.find(|library| library.is_file())
}
