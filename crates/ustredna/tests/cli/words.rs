//! Whatever somebody types, the answer is a value or a sentence of ours: what may be written, or what to do.

use crate::world::{SHEET, World};

/// Words of the libraries that read numbers, times and files.
const FOREIGN: [&str; 12] = [
    "unexpected argument",
    "invalid digit",
    "parse",
    "overflow",
    "out of range",
    "required range",
    "entity",
    "os error",
    "is not in 1..",
    "no such column",
    "panicked",
    "RUST",
];

#[track_caller]
fn speaks_plainly(error: &str, what: &[&str]) {
    for foreign in FOREIGN {
        assert!(!error.contains(foreign), "{what:?}: {error}");
    }
    let harmful = |c: char| c.is_control() && c != '\n' || ('\u{2028}'..='\u{202e}').contains(&c);
    assert!(!error.contains(harmful), "{what:?}: {error:?}");
}

#[test]
fn any_text_for_a_time_is_a_time_or_the_one_sentence() {
    let world = World::imported();
    for text in [
        "9999-12-31",
        "-2h",
        "-1",
        "",
        " ",
        "2h ago",
        "1e9y",
        "-9999-01-01",
        "2026-02-30",
        "NaN",
        "∞",
        "99999999999999999999h",
        "2026-11-22T10:30:00+99:00",
        "2026-11-22T10:30:00[Mars/Base]",
        "--json",
        "\u{1b}[2J",
        "\u{202e}1h",
        "24:00",
        "1",
        "31.12.9999 23:59",
    ] {
        for arguments in [
            ["calls", "--since", text].as_slice(),
            &["pairings", "set", "601123456", "1", "--to", text],
        ] {
            let done = world.run(arguments);
            speaks_plainly(&done.err, arguments);
            assert!(
                done.code == Some(1) && done.err.contains("is no time: write 2026-11-22"),
                "{done:?}"
            );
        }
    }
}

#[test]
fn any_number_is_one_or_is_told_what_to_write() {
    let world = World::imported();
    for text in ["-1", "0", "x", "", "1.5", "99999999999999999999", "\u{663}", "0x1"] {
        for (arguments, told) in [
            (["calls", "--limit", text].as_slice(), "write a whole number from 1 on"),
            (&["pairings", "end", "601123456", text], "write an ID, a number from 1 to 999"),
            (&["pairings", "add", "601123456", "777000111", "--id", text], "write an ID, a number"),
        ] {
            let done = world.run(arguments);
            speaks_plainly(&done.err, arguments);
            assert!(done.code == Some(2) && done.err.contains(told), "{done:?}");
        }
    }
    // Others' names may begin as options do.
    let error = world.run(&["calls", "--project", "-x"]).failed();
    assert!(error.contains("no pairing has this project"), "{error}");
    let error = world.run(&["calls", "--shopper", "-5"]).failed();
    assert!(error.contains("`-5`: no such number"), "{error}");
}

#[test]
fn a_message_to_send_again_is_named_or_all_that_failed() {
    let world = World::imported();
    let done = world.run(&["sms", "retry"]);
    assert!(done.code == Some(2) && done.err.contains("<IDS|--failed>"), "{}", done.err);
    assert_eq!(world.run(&["sms", "retry", "--failed", "3f2a9c1e"]).code, Some(2));
    assert_eq!(world.run(&["sms", "retry", "3f2a9c1e", "--since", "1h"]).code, Some(2));
}

/// What was typed is told again, and it may be others' text.
#[test]
fn no_error_steers_the_terminal() {
    let world = World::imported();
    world.write("\u{1b}[2J.csv", SHEET);
    world.write("bad.csv", SHEET.replace("601 123 456", "601\u{1b}[2J"));
    for arguments in [
        ["calls", "--project", "\u{1b}[2J\u{202e}"].as_slice(),
        &["calls", "--limit", "\u{1b}[2J"],
        &["\u{1b}[2J"],
        &["shoppers", "set", "\u{1b}[2J", "--active"],
        &["import", "\u{1b}[2J"],
        &["import", "bad.csv"],
        &["calls", "--config", "\u{1b}[2J"],
        &["sms", "retry", "\u{1b}[2J"],
        &["recordings", "hold", "\u{1b}[2J", "--because", "x"],
    ] {
        let done = world.run(arguments);
        assert_ne!(done.code, Some(0), "{arguments:?}");
        speaks_plainly(&done.err, arguments);
    }
}

#[test]
fn an_error_of_the_database_names_its_file() {
    let world = World::new();
    world.write("text.db", "this is not a database, whatever its name says".repeat(100));
    std::fs::create_dir(world.path("folder.db")).unwrap();
    for (url, told) in [
        ("sqlite://text.db", "text.db: the file is not a database of the exchange"),
        ("sqlite://folder.db", "is no file: take it away, or change database.url"),
        ("sqlite:///", "it names a folder: write the file"),
        ("sqlite://a?b", "a `?` in the path is %3F"),
        ("sqlite://100%", "write a `%` in the path as %25"),
        ("sqlite:", "write a file"),
        ("ustredna.db", "it must begin with sqlite:// or postgres://"),
        ("postgres://u:a/b@localhost/x", "`@` as %40, `/` as %2F"),
        ("postgres://u:12/b@localhost/x", "`@` as %40, `/` as %2F"),
        ("postgres://u:a#b@localhost/x", "`#` as %23"),
        ("postgres://u:a?b@localhost/x", "`?` as %3F"),
    ] {
        let mut command = world.command(&["calls"]);
        let output = command.env("USTREDNA_DATABASE__URL", url).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && error.contains(told), "{url}: {error}");
        speaks_plainly(&error, &[url]);
    }
}

#[test]
fn an_error_of_a_backup_is_of_the_copy() {
    let world = World::imported();
    world.write("there.db", "");
    for (to, told) in [
        ("there.db", "there.db: there is such a file already: name a new one"),
        ("nowhere/copy.db", "nowhere/copy.db: its folder does not exist: create it"),
        ("there.db/copy.db", "its folder does not exist"),
    ] {
        let error = world.run(&["backup", to]).failed();
        assert!(error.contains("there is no backup: the copy cannot be written: "), "{error}");
        assert!(error.contains(told), "{error}");
        speaks_plainly(&error, &[to]);
    }
}
