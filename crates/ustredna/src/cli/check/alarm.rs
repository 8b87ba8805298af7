//! Would anybody be told of an alarm? None is raised.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::Read as _,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::Finding;
use crate::settings::Settings;

pub(super) fn check(settings: &Settings) -> Finding {
    const CHECK: &str = "alarm";
    let alarm = &settings.alarm;
    if let Some(program) = alarm.command.first() {
        if let Some(interpreter) = interpreter(Path::new(program))
            && !is_executable(&interpreter)
        {
            return Finding::fail(
                CHECK,
                format!(
                    "{program} begins with #!{}, which is no program that can be run",
                    interpreter.display()
                ),
                "correct its first line, or install that program",
            );
        }
        if !is_executable(Path::new(program)) {
            return Finding::fail(
                CHECK,
                format!("{program} is no program that can be run"),
                "set alarm.command to one, and make it executable",
            );
        }
    }
    match (alarm.command.is_empty(), &alarm.webhook) {
        (true, None) => Finding::skipped(
            CHECK,
            "nobody is told: set alarm.command or alarm.webhook, or watch the log or /metrics",
        ),
        (false, None) => Finding::ok(CHECK, "alarms go to a command"),
        (true, Some(_)) => Finding::ok(CHECK, "alarms go to a webhook"),
        (false, Some(_)) => Finding::ok(CHECK, "alarms go to a command and to a webhook"),
    }
}

fn is_executable(program: &Path) -> bool {
    fs::metadata(program)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// What a script names in its first line.
fn interpreter(script: &Path) -> Option<PathBuf> {
    let mut begin = Vec::new();
    // As much as Linux reads of it (execve(2)).
    File::open(script).ok()?.take(255).read_to_end(&mut begin).ok()?;
    let line = begin.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    // A carriage return is part of the name.
    let mut words = line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    let program = words.next().unwrap_or_default();
    Some(PathBuf::from(OsStr::from_bytes(program)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Status;

    #[test]
    fn a_script_needs_its_interpreter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alarm");
        let mut settings = Settings::default();
        settings.alarm.command = vec![path.display().to_string()];
        for (text, mode, expected) in [
            ("#!/bin/sh\nexit 0\n", 0o755, Status::Ok),
            ("#! /usr/bin/env python3\n", 0o755, Status::Ok),
            ("#!/bin/sh\r\nexit 0\r\n", 0o755, Status::Fail),
            ("#!/usr/bin/nothing\n", 0o755, Status::Fail),
            ("#!\n", 0o755, Status::Fail),
            ("#!/bin/sh\n", 0o644, Status::Fail),
        ] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(check(&settings).status, expected, "{text:?}");
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(check(&settings).status, Status::Fail);
    }
}
