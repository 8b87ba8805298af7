//! What the program cannot work with, from the system or an operator: it says what, and what to do.

use std::{ffi::OsStr, fs::File, os::unix::ffi::OsStrExt as _, process::Command, time::Duration};

use crate::{
    readyz::now,
    world::{Done, SHEET, World, done},
};

/// What a command leaves behind under this limit of the shell.
fn limited(world: &World, limit: &str, arguments: &[&str]) -> Done {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("ulimit {limit}; exec \"$0\" \"$@\"")]);
    command.arg(env!("CARGO_BIN_EXE_ustredna")).args(arguments);
    command.current_dir(world.path("")).env_clear();
    done(command)
}

#[test]
fn too_few_open_files_are_called_so() {
    let world = World::imported();
    for files in 5..40 {
        for command in ["calls", "recordings"] {
            let done = limited(&world, &format!("-n {files}"), &[command]);
            assert!(!done.err.contains("panicked"), "{files}: {}", done.err);
            let told = done.err.contains("(`ulimit -n`, LimitNOFILE of a systemd unit)");
            assert!(told || done.code == Some(0), "{files} {command}: {done:?}");
        }
    }
    limited(&world, "-n 64", &["calls"]).ok();
}

#[test]
fn output_that_cannot_be_written_is_called_so() {
    let world = World::imported();
    for arguments in [&["shoppers"][..], &["check"], &["--help"], &["calls", "--help"], &["-V"]] {
        let mut command = world.command(arguments);
        command.stdout(File::options().write(true).open("/dev/full").unwrap());
        let told = done(command).failed();
        assert!(
            told.contains("standard output cannot be written: no room"),
            "{arguments:?} {told}"
        );
    }
}

#[test]
fn a_pipe_or_a_huge_file_is_not_waited_for() {
    let world = World::imported();
    let pipe = world.path("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    world.write("large.toml", "#".repeat(2_000_000));
    let began = now();
    for (arguments, says) in [
        (&["calls", "--config", "pipe"][..], "cannot read settings pipe: it is a pipe, and nobody"),
        (&["import", "pipe"], "cannot read pipe: it is a pipe, and nobody"),
        (&["calls", "--config", "large.toml"], "larger than 1 MB"),
    ] {
        let told = world.run(arguments).failed();
        assert!(told.contains(says), "{told}");
    }
    assert!(now().saturating_sub(began) < Duration::from_secs(10));
    // Whoever writes is waited for.
    let content = SHEET.to_owned();
    let writer = std::thread::spawn(move || {
        let mut file = File::options().write(true).open(&pipe).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        std::io::Write::write_all(&mut file, content.as_bytes()).unwrap();
    });
    std::thread::sleep(Duration::from_millis(100));
    world.run(&["import", "pipe", "--dry-run"]).ok();
    writer.join().unwrap();
}

#[test]
fn what_is_mistyped_is_told_in_our_own_words() {
    let world = World::imported();
    for (arguments, says) in [
        (
            &["recordings", "chain", "--day", "2026-02-30"][..],
            "--day: `2026-02-30` is no day: write",
        ),
        (&["recordings", "chain", "--day", "x"], "--day: `x` is no day: write 2026-11-22"),
        (&["calls", "--since", "0"], "`0` is no time: write 2026-11-22"),
    ] {
        let told = world.run(arguments).failed();
        assert!(told.contains(says), "{told}");
    }
    let mut backup = world.command(&["backup"]);
    backup.arg(OsStr::from_bytes(b"b\xff.db"));
    assert!(done(backup).failed().contains("its name is not UTF-8"));
}

#[test]
fn an_empty_list_of_pairings_tells_of_those_that_are_over() {
    let world = World::imported();
    for (shopper, id) in [("601123456", "1"), ("601123456", "2"), ("602654321", "7")] {
        world.run(&["pairings", "end", shopper, id]).ok();
    }
    assert!(world.run(&["pairings"]).ok().contains("No pairings now: `ustredna pairings --ended`"));
    assert!(world.run(&["pairings", "--ended"]).ok().contains("777000111"));
}
