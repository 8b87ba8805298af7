//! Peers and second exchanges that misbehave.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use super::{A_MOMENT, shopper_calls_out};
use crate::{
    Scenario,
    phone::Steps,
    process::{Running, wait_for},
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("a_malformed_peer_is_dropped_alone", malformed),
        Scenario::new("a_taken_port_is_told", taken_port),
    ]
}

fn malformed(world: &mut World) {
    let mut peer = TcpStream::connect(("127.0.0.1", world.exchange.controller)).unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    peer.write_all(b"Content-Length: nonsense\nContent-Type: command/reply\n\n").unwrap();
    let mut answer = Vec::new();
    // Closed or reset: either way it ends, and soon.
    drop(peer.read_to_end(&mut answer));
    let mut greedy = TcpStream::connect(("127.0.0.1", world.exchange.controller)).unwrap();
    greedy.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    drop(greedy.write_all(&vec![b'x'; 4 << 20]));
    drop(greedy.read_to_end(&mut answer));
    let dropped = |world: &World| {
        world.exchange.log().lines().filter(|line| line.contains("connection dropped")).count()
    };
    wait_for(Duration::from_secs(5), "both are dropped", || (dropped(world) >= 2).then_some(()));
    assert_eq!(dropped(world), 2, "one line for each");
    // And the next call is served.
    let steps = Steps::new().waits(A_MOMENT).hangs_up();
    world.call("shopper", &shopper_calls_out(steps)).finishes();
}

fn taken_port(world: &mut World) {
    let mut command = world.exchange.command();
    command.args(["serve", "--config", "ustredna.toml"]);
    let output = world.dir().join("second.out");
    let mut second = Running::start("second ustredna", &mut command, &output);
    let status = second.wait(Duration::from_secs(10));
    assert!(!status.success());
    let told = second.tail();
    let port = world.exchange.controller.to_string();
    let web = world.exchange.web.to_string();
    assert!(told.contains(&port) || told.contains(&web), "which port is taken? {told}");
}
