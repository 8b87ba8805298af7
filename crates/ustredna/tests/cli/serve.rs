//! `serve`, told to stop.

use std::{
    io::Read as _,
    net::TcpListener,
    process::{Child, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::world::{World, free};

/// How it ends by itself within 20 s, if it does.
fn ended(process: &mut Child) -> Option<ExitStatus> {
    (0..200).find_map(|_| {
        thread::sleep(Duration::from_millis(100));
        process.try_wait().unwrap()
    })
}

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
    let ended = ended(&mut process);
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
        let mut command = world.command(&["serve"]);
        let mut process = command.envs(variables).stderr(Stdio::piped()).spawn().unwrap();
        let ended = ended(&mut process);
        process.kill().unwrap();
        let mut error = String::new();
        process.stderr.take().unwrap().read_to_string(&mut error).unwrap();
        process.wait().unwrap();
        assert_eq!(ended.expect("it ends by itself").code(), Some(1), "{error}");
        assert!(error.contains(told), "{error}");
        let made: Vec<_> = std::fs::read_dir(world.path("."))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .filter(|name| name != "file")
            .collect();
        assert!(made.is_empty(), "{made:?} was left behind: {error}");
    }
}
