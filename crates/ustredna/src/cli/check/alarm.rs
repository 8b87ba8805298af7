//! Would anybody be told of an alarm? None is raised.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::Finding;
use crate::settings::Settings;

pub(super) fn check(settings: &Settings) -> Finding {
    const CHECK: &str = "alarm";
    let alarm = &settings.alarm;
    if let Some(program) = alarm.command.first() {
        let executable = fs::metadata(Path::new(program))
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
        if !executable {
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
