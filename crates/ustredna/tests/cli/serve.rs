//! `serve`, told to stop.

use std::{
    net::TcpListener,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::world::World;

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
    let pid = process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let ended = (0..50).find_map(|_| {
        thread::sleep(Duration::from_millis(100));
        process.try_wait().unwrap()
    });
    drop(connection);
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(ended.expect("it stops within five seconds").success());
}
