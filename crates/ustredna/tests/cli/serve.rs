//! `serve`, told to stop.

use std::{net::TcpListener, process::Stdio, thread, time::Duration};

use rustix::process::{Pid, Signal, kill_process};

use crate::world::{World, free};

#[test]
fn a_start_that_waits_can_be_stopped() {
    let world = World::imported();
    // Takes connections, and says nothing.
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = world.command(&["serve"]);
    let url = format!("postgres://nobody@{}/nothing", server.local_addr().unwrap());
    command.env("USTREDNA_DATABASE__URL", url).stderr(Stdio::null());
    let mut process = command.spawn().unwrap();
    let (connection, _) = server.accept().unwrap();
    kill_process(Pid::from_child(&process), Signal::TERM).unwrap();
    let ended = (0..200).find_map(|_| {
        thread::sleep(Duration::from_millis(100));
        process.try_wait().unwrap()
    });
    drop(connection);
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(ended.expect("it stops within some seconds").success());
}

/// Nothing that a start finds out late leaves a database or folders behind.
#[test]
fn a_start_that_cannot_be_makes_no_database() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let [free, web] = free();
    let (free, web) = (free.as_str(), web.as_str());
    for (variables, told) in [
        (vec![("USTREDNA_SWITCH__LISTEN", at.as_str())], "set switch.listen"),
        (
            vec![("USTREDNA_SWITCH__LISTEN", free), ("USTREDNA_WEB__LISTEN", at.as_str())],
            "set web.listen",
        ),
        (
            vec![
                ("USTREDNA_SWITCH__LISTEN", free),
                ("USTREDNA_WEB__LISTEN", web),
                ("USTREDNA_SMS__TEXTS__MISSED", "{nobody}"),
            ],
            "nobody",
        ),
        (
            vec![
                ("USTREDNA_SWITCH__LISTEN", free),
                ("USTREDNA_WEB__LISTEN", web),
                ("USTREDNA_RECORDINGS__DIR", "file/recordings"),
            ],
            "recordings.dir: file/recordings cannot be made",
        ),
    ] {
        let world = World::new();
        world.write("file", "");
        let output = world.command(&["serve"]).envs(variables).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(told), "{error}");
        let made: Vec<_> = std::fs::read_dir(world.path("."))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .filter(|name| name != "file")
            .collect();
        assert!(made.is_empty(), "{made:?} was left behind: {error}");
    }
}
