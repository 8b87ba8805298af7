//! A terminal of so many columns, and what a command shows on it.

use std::{
    fs::File,
    io::Read as _,
    process::{Command, Stdio},
};

use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

use crate::{
    lists::with_calls,
    world::{World, free},
};

/// Runs a command to its end on a terminal of its own; what is on the screen then.
pub(crate) fn shown(mut command: Command, columns: u16) -> String {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal, size).unwrap();
    let terminal = File::from(terminal);
    let stdio = || Stdio::from(terminal.try_clone().unwrap());
    command.stdin(stdio()).stdout(stdio()).stderr(stdio());
    let mut child = command.spawn().unwrap();
    // Only the child holds it now: its end is the end of what can be read.
    drop((command, terminal));
    let mut shown = Vec::new();
    let mut part = [0; 4096];
    let mut master = File::from(master);
    // Linux tells the end by EIO.
    while let Ok(count @ 1..) = master.read(&mut part) {
        shown.extend_from_slice(&part[..count]);
    }
    child.wait().unwrap();
    String::from_utf8(shown).unwrap().replace("\r\n", "\n")
}

/// `check` with these variables: on a terminal, and into a pipe.
fn check(variables: &[(&str, &str)]) -> [String; 2] {
    let world = World::new();
    let command = || {
        let mut command = world.command(&["check"]);
        // Ports that nobody has: what is found there is no matter here.
        let [switch, web] = free();
        command.env("USTREDNA_SWITCH__LISTEN", switch).env("USTREDNA_WEB__LISTEN", web);
        command.envs(variables.iter().copied());
        command
    };
    let piped = command().output().unwrap();
    [shown(command(), 80), String::from_utf8(piped.stdout).unwrap()]
}

#[test]
fn check_breaks_its_lines_where_the_terminal_ends() {
    let [terminal, pipe] = check(&[("NO_COLOR", "1"), ("TERM", "xterm")]);
    let long = |line: &&str| line.chars().count() > 80 && line.trim().contains(' ');
    assert!(pipe.lines().any(|line| long(&line)), "{pipe}");
    let too_long: Vec<_> = terminal.lines().filter(long).collect();
    assert!(too_long.is_empty(), "{too_long:?}");
    assert!(terminal.contains(&format!("\n{:19}", "")), "{terminal}");
}

/// Else nobody would know why what the file says does not hold.
#[test]
fn check_names_the_variables_that_override_the_file() {
    let [_, pipe] = check(&[("USTREDNA_SMS__LEASE", "70s")]);
    let told = "the environment overrides: USTREDNA_SMS__LEASE, USTREDNA_SWITCH__LISTEN, \
                USTREDNA_WEB__LISTEN";
    assert!(pipe.contains(told), "{pipe}");
}

#[test]
fn check_has_colours_where_they_are_seen() {
    let [terminal, pipe] = check(&[("TERM", "xterm")]);
    for coloured in ["\x1b[32mOK   \x1b[0m settings", "\x1b[31m\x1b[1mFAIL \x1b[0m"] {
        assert!(terminal.contains(coloured), "no {coloured:?} in {terminal:?}");
    }
    assert!(pipe.contains("OK    settings") && pipe.contains("FAIL  "), "{pipe}");
    assert!(!pipe.contains('\x1b'), "{pipe:?}");
}

#[test]
fn colours_go_by_the_variables_that_programs_agree_on() {
    // One line is enough.
    let coloured = |variables: &[(&'static str, &'static str)]| {
        check(&[variables, &[("USTREDNA_NO__SETTING", "1")]].concat())
            .map(|text| text.contains('\x1b'))
    };
    assert_eq!(coloured(&[("TERM", "xterm"), ("NO_COLOR", "1")]), [false, false]);
    assert_eq!(coloured(&[("TERM", "xterm"), ("NO_COLOR", "")]), [true, false]);
    assert_eq!(coloured(&[("TERM", "dumb")]), [false, false]);
    assert_eq!(coloured(&[]), [false, false], "nobody says which terminal it is");
    assert_eq!(coloured(&[("TERM", "xterm"), ("CLICOLOR", "0")]), [false, false]);
    assert_eq!(coloured(&[("CLICOLOR_FORCE", "1")]), [true, true]);
    assert_eq!(coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), [false, false]);
}

#[test]
fn lists_can_be_read_on_terminals_of_any_width() {
    let world = with_calls();
    let lists = [
        &["calls"][..],
        &["tickets"],
        &["sms"],
        &["recordings"],
        &["shoppers"],
        &["numbers"],
        &["pairings"],
        &["sms", "preview"],
    ];
    for list in lists {
        let piped = world.run(list).ok();
        let rows = piped.lines().count();
        for columns in [40, 80, 250] {
            let seen = shown(world.command(list), columns);
            assert!(!seen.contains('\x1b') && !seen.contains('…'), "{seen}");
            if columns >= 80 {
                let widest = seen.lines().map(|line| line.chars().count()).max();
                assert!(widest <= Some(columns.into()), "{list:?} on {columns}:\n{seen}");
            }
            // Nothing is lost or broken. Of times only seconds and years may be missing.
            for part in piped.lines().skip(1).flat_map(str::split_whitespace) {
                let part = match part.len() {
                    10 if part.starts_with("20") => &part[5..],
                    8 if part.contains(':') => &part[..5],
                    _ => part,
                };
                assert!(seen.contains(part), "{list:?} on {columns} lacks {part}:\n{seen}");
            }
            if columns == 250 {
                assert_eq!(seen.lines().count(), rows, "{list:?} on {columns}:\n{seen}");
            }
        }
    }
    let mut calls = world.command(&["calls"]);
    calls.env("COLUMNS", "80");
    assert!(shown(calls, 200).lines().all(|line| line.len() <= 80), "COLUMNS counts");
    let mut calls = world.command(&["calls"]);
    calls.env("COLUMNS", "20");
    let piped = String::from_utf8(calls.output().unwrap().stdout).unwrap();
    assert_eq!(piped, world.run(&["calls"]).ok(), "a pipe has no width");
}
