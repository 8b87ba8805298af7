//! Where the system gives the program too little: it says what, and what to do.

use std::{fs::File, process::Command};

use crate::world::{Done, World, done};

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
