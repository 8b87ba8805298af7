//! The exchange is started as it cannot work.

use std::{fs, time::Duration};

use crate::{Scenario, language::Setup, world::World};

pub(crate) fn all() -> Vec<Scenario> {
    let nobody = Setup { exchange: false, ..Setup::default() };
    vec![Scenario::with("a_start_that_cannot_work_says_why", nobody, bad_starts)]
}

fn bad_starts(world: &mut World) {
    let dir = world.dir();
    fs::write(dir.join("a-file"), "").unwrap();
    // What is wrong, and what must be named.
    for (name, value, told) in [
        ("USTREDNA_DATABASE__URL", "sqlite:///nowhere/at/all/ustredna.db", "database.url"),
        ("USTREDNA_RECORDINGS__DIR", "a-file", "recordings.dir"),
        ("USTREDNA_SMS__SPOOL__DIR", "a-file", "sms.spool.dir"),
        ("USTREDNA_SWITCH__RING_TIMEOUT", "soon", "RING_TIMEOUT"),
        ("USTREDNA_SWITCH__LISTEN", "192.0.2.1:9", "switch.listen"),
    ] {
        let mut command = world.exchange.command();
        command.args(["serve", "--config", "ustredna.toml"]).env(name, value);
        let output = dir.join("bad.out");
        let mut process = crate::process::Running::start(name, &mut command, &output);
        let status = process.wait(Duration::from_secs(10));
        assert_eq!(status.code(), Some(1), "{name}={value}: {}", process.tail());
        assert!(process.tail().contains(told), "{name}={value}: {}", process.tail());
    }
    // A key that does not exist: its name and its line.
    let toml = fs::read_to_string(dir.join("ustredna.toml")).unwrap();
    let line = toml.lines().count() + 2;
    fs::write(dir.join("bad.toml"), format!("{toml}[cdr]\nfolder = \"x\"\n")).unwrap();
    let output = world.exchange.command().args(["check", "--config", "bad.toml"]).output().unwrap();
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!output.status.success());
    assert!(told.contains("folder") && told.contains(&line.to_string()), "{told}");
}
