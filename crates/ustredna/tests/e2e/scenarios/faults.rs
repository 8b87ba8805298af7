//! The controller is killed or not there; disks and peers that misbehave.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::json;

use super::{A_MOMENT, assert_row, shopper_calls_out};
use crate::{
    Scenario,
    audio::Stereo,
    phone::{Callees, Caller, DEALER_HZ, SHOPPER_HZ, Steps},
    process::{Running, now, wait_for},
    world::{DEALER, FIRST, OUTBOUND, SHOPPER, Setup, World},
};

pub(crate) fn all() -> Vec<Scenario> {
    let nobody = Setup { controller: false, ..Setup::default() };
    vec![
        Scenario::new("a_killed_exchange_does_not_end_the_talk", killed),
        Scenario::with("no_exchange_there_the_caller_hears_an_apology", nobody, no_exchange),
        Scenario::new("without_a_recording_nobody_is_connected", not_recordable),
        Scenario::new("a_malformed_peer_is_dropped_alone", malformed),
        Scenario::new("a_taken_port_is_told", taken_port),
    ]
}

fn no_exchange(world: &mut World) {
    let mut shopper = world.call("shopper", &Caller::new(SHOPPER, OUTBOUND).fails(503));
    let trace = shopper.finishes();
    assert!(trace.answered_at(200).is_none(), "nobody pays for an apology");
    assert_eq!(shopper.heard(World::phrases()), ["apology"]);
}

fn killed(world: &mut World) {
    let dealer = Steps::new().sings(DEALER_HZ, 6000).hangs_up();
    let dealer = world.callees(&Callees::new().answers(DEALER, dealer));
    let steps =
        Steps::new().waits(A_MOMENT).keys("234567890#").sings_until_hangup(SHOPPER_HZ, 15_000);
    let mut shopper = world.call("shopper", &shopper_calls_out(steps));
    wait_for(Duration::from_secs(10), "they talk", || {
        (dealer.ear().seconds_of(SHOPPER_HZ, shopper.started()) > 1.0).then_some(())
    });
    world.exchange.process().kill();
    let killed = now();
    shopper.finishes();
    for (ear, hz, side) in
        [(shopper.ear(), DEALER_HZ, "shopper"), (dealer.ear(), SHOPPER_HZ, "dealer")]
    {
        let heard = ear.seconds_of(hz, killed);
        assert!(heard > 3.0, "the {side} heard the other for {heard:.1} s after the kill");
    }
    let talk = dealer.stops().talk_seconds();
    let [wav] = &world.wav_files()[..] else { panic!("{:?}", world.wav_files()) };
    let stereo = Stereo::read(wav);
    assert!((stereo.seconds() - talk).abs() < 0.5, "{} s of {talk} s", stereo.seconds());
    stereo.assert_sides(SHOPPER_HZ, DEALER_HZ);

    // The next start completes the call from FreeSWITCH's records.
    world.exchange.start();
    world.exchange.await_ready();
    let calls = world.rows("calls", 1, |call| call["outcome"] == "answered");
    assert_row(&calls[0], &[("dealer", json!(DEALER)), ("fictitious_number", json!(FIRST))]);
    let told = calls[0]["talk_seconds"].as_f64().unwrap();
    assert!((told - talk).abs() < 0.5, "told {told} s of {talk} s");
    world.rows("recordings", 1, |row| row["verdict"] == "ok");
}

fn not_recordable(world: &mut World) {
    // A file where the folder of recordings should be.
    let recordings = world.dir().join("recordings");
    if recordings.exists() {
        fs::remove_dir_all(&recordings).unwrap();
    }
    fs::write(&recordings, "").unwrap();
    let nobody = world.callees(&Callees::new().rings(DEALER).rings(SHOPPER));
    let steps = Steps::new().waits(A_MOMENT).keys("234567890#").listens_until_hangup(9000);
    let mut shopper = world.call("shopper", &shopper_calls_out(steps));
    shopper.finishes();
    assert_eq!(shopper.heard(World::phrases()), ["enter-destination", "calls-not-possible"]);
    assert!(nobody.stops().invites().is_empty(), "rung without a recording");
    assert_row(&world.only_call(), &[("answered_at", json!(null)), ("recording", json!(null))]);
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
