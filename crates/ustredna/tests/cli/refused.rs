//! What keeps an exchange from starting: `check` finds it before, each single thing.

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
    sync::Mutex,
    thread,
    time::Duration,
};

use crate::{
    readyz::now,
    switch::{PASSWORD, Switch, ready},
    world::{World, free},
};

/// A start that is not refused is at work by then.
const STARTS: Duration = Duration::from_mins(1);

struct Case {
    setting: (&'static str, &'static str),
    plant: fn(&Path),
    /// What both say; `None`: both are content.
    refused: Option<&'static str>,
}

fn case(key: &'static str, value: &'static str, refused: impl Into<Option<&'static str>>) -> Case {
    Case { setting: (key, value), plant: |_| (), refused: refused.into() }
}

impl Case {
    fn after(self, plant: fn(&Path)) -> Self {
        Self { plant, ..self }
    }
}

const KEEP: &str = "USTREDNA_CDR__KEEP";
const CDR: &str = "USTREDNA_CDR__DIR";
const RECORDINGS: &str = "USTREDNA_RECORDINGS__DIR";
const SPOOL: &str = "USTREDNA_SMS__SPOOL__DIR";
const DATABASE: &str = "USTREDNA_DATABASE__URL";

fn file(world: &Path) {
    fs::write(world.join("there"), "").unwrap();
}

fn nowhere(world: &Path) {
    symlink("nowhere/at/all", world.join("there")).unwrap();
}

fn circle(world: &Path) {
    symlink("there", world.join("there")).unwrap();
}

fn itself(world: &Path) {
    symlink(".", world.join("there")).unwrap();
}

fn cases() -> Vec<Case> {
    let mut cases = vec![
        // Two that are one.
        case(KEEP, "there", "cdr.keep leads to the same folder as cdr.dir")
            .after(|world| symlink("cdr", world.join("there")).unwrap()),
        case(SPOOL, "there", "sms.spool.dir leads to the same folder as recordings.dir")
            .after(|world| symlink(world.join("recordings"), world.join("there")).unwrap()),
        case(CDR, "there/sms", "cdr.dir leads to the same folder as sms.spool.dir").after(itself),
        // Neither is there yet.
        case(RECORDINGS, "there/sms", "sms.spool.dir leads to the same folder as recordings.dir")
            .after(|world| {
                itself(world);
                fs::remove_dir(world.join("sms")).unwrap();
            }),
        case(KEEP, "cdr/unmatched", "cdr.keep is the folder unmatched of cdr.dir"),
        // They only look so.
        case(KEEP, "there/kept", None).after(itself),
        case(KEEP, "cdr/kept", None),
        case("USTREDNA_SMS__TEXTS__MISSED", "{nobody}", "nobody"),
        case("USTREDNA_SWITCH__LISTEN", "192.0.2.7:8084", "192.0.2.7"),
        case("USTREDNA_WEB__LISTEN", "192.0.2.7:8080", "192.0.2.7"),
        case(DATABASE, "sqlite://there", "there")
            .after(|world| fs::create_dir(world.join("there")).unwrap()),
        case(DATABASE, "sqlite://there", "database").after(nowhere),
        case(DATABASE, "sqlite://there", "database").after(circle),
        case(DATABASE, "sqlite://there/x.db", "database").after(file),
        case(DATABASE, "sqlite://there", "database")
            .after(|world| symlink("other.db", world.join("there")).unwrap()),
    ];
    for key in [KEEP, CDR, RECORDINGS, SPOOL] {
        for plant in [file, nowhere, circle] {
            cases.push(case(key, "there", "there").after(plant));
        }
        cases.push(case(key, "there/below", "there").after(file));
        cases.push(case(key, "/proc/there", "/proc/there"));
        cases.push(case(key, "there", None).after(|world| {
            fs::create_dir(world.join("other")).unwrap();
            symlink("other", world.join("there")).unwrap();
        }));
    }
    cases
}

/// `serve` and `check` alike; with few open files perhaps.
fn command(
    world: &World,
    arguments: &[&str],
    files: Option<u32>,
    variables: &[(&str, &str)],
) -> Command {
    let mut command = world.command(arguments);
    if let Some(files) = files {
        let limited = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
        command = Command::new("/bin/sh");
        command.args(["-c", &limited, env!("CARGO_BIN_EXE_ustredna")]).args(arguments);
        command.current_dir(world.path("")).env_clear().stdin(Stdio::null());
    }
    command.envs(variables.iter().copied());
    command
}

#[track_caller]
fn alike(case: &Case, files: Option<u32>) {
    let world = ready();
    (case.plant)(&world.path(""));
    let [listen, web] = free();
    let mut switch = Switch::default();
    switch.0.push(("global_getvar controllers", listen.clone()));
    let inbound = switch.start();
    let variables = [
        ("USTREDNA_SWITCH__LISTEN", &*listen),
        ("USTREDNA_WEB__LISTEN", &*web),
        ("USTREDNA_SWITCH__INBOUND", &*inbound),
        ("USTREDNA_SWITCH__PASSWORD", PASSWORD),
        case.setting,
    ];
    let what = case.setting;
    let checked = command(&world, &["check"], files, &variables).output().unwrap();
    let found = String::from_utf8(checked.stdout).unwrap();
    let mut serve = command(&world, &["serve"], files, &variables);
    let mut serve = serve.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let Some(says) = case.refused else {
        assert_eq!(checked.status.code(), Some(0), "{what:?}: {found}");
        let end = now() + STARTS;
        while TcpStream::connect(&*web).is_err() {
            assert!(serve.try_wait().unwrap().is_none() && now() < end, "{what:?} is refused");
            thread::sleep(Duration::from_millis(50));
        }
        serve.kill().unwrap();
        serve.wait().unwrap();
        return;
    };
    let refused = serve.wait_with_output().unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    let once = |text: &str| text.matches("os error").count() <= 1;
    assert_eq!(refused.status.code(), Some(1), "{what:?}: {told}");
    assert!(told.contains(says) && once(&told), "{what:?}: {told}");
    let lines: Vec<_> = found.lines().filter(|line| line.starts_with("FAIL")).collect();
    assert_eq!(
        checked.status.code(),
        Some(1),
        "{what:?} is refused: {told}, and not by check: {found}"
    );
    assert!(lines.iter().any(|line| line.contains(says)), "{what:?}: no {says:?} in {lines:?}");
    assert!(lines.iter().all(|line| once(line)), "{what:?}: {lines:?}");
}

#[test]
fn what_serve_refuses_check_fails() {
    let waiting = Mutex::new(cases());
    let next = || waiting.lock().unwrap().pop();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(case) = next() {
                    alike(&case, None);
                }
            });
        }
    });
}

#[test]
fn so_it_is_with_too_few_open_files() {
    alike(&case("USTREDNA_LOG__LEVEL", "info", "open files are allowed"), Some(80));
}
