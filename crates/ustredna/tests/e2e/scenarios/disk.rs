//! The disk of the recordings is full, read-only or gone. Each scenario has a small disk of its
//! own (tmpfs), which needs the right to mount.

use std::{fs, thread, time::Duration};

use serde_json::json;

use super::{assert_row, told_of_break};
use crate::{
    Scenario,
    disk::Disk,
    language::{DEALER, DEALER_HZ, FIRST, OUTBOUND, SHOPPER, SHOPPER_HZ, Setup},
    phone::{Callees, Caller, Phone, Reaction, Steps},
    process::wait_for,
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    let setup = |settings: &[(&'static str, &'static str)]| Setup {
        settings: settings.to_vec(),
        ..Setup::default()
    };
    let any_space = ("recordings.min_free", "0 B");
    let small = |setup: &Setup| World::with_disk(setup, |at| Disk::in_memory(at, "400k"));
    let fragile = |setup: &Setup| World::with_disk(setup, Disk::in_file);
    vec![
        Scenario::new("with_little_disk_nobody_is_rung", little_space).in_world(small),
        Scenario::with("a_read_only_disk_is_no_call", setup(&[any_space]), read_only)
            .in_world(small),
        Scenario::with("a_disk_that_fills_up_is_told", setup(&[any_space]), fills_up)
            .in_world(small),
        Scenario::with(
            "a_disk_that_fills_up_ends_the_call_if_told_to",
            setup(&[any_space, ("recordings.when_broken", "end")]),
            fills_up_and_ends,
        )
        .in_world(small),
        Scenario::with("a_disk_that_goes_away_is_told", setup(&[any_space]), goes_away)
            .in_world(small),
        Scenario::new("a_disk_that_is_not_mounted_at_the_start_closes_no_call", not_mounted),
        Scenario::with("a_disk_that_turns_read_only_is_told", setup(&[any_space]), turns_read_only)
            .in_world(fragile)
            .unless(Disk::no_file()),
        Scenario::with(
            "a_disk_that_turns_read_only_ends_the_call_if_told_to",
            setup(&[any_space, ("recordings.when_broken", "end")]),
            turns_read_only_and_ends,
        )
        .in_world(fragile)
        .unless(Disk::no_file()),
    ]
}

/// How much longer than the disk is large the talk goes on: 400 kB are 12.5 s.
const LONG_TALK: u32 = 32_000;

/// The shopper calls a dealer; both talk until the dealer hangs up, or the exchange does.
fn talk(world: &World, ms: u32) -> (Phone, Phone) {
    let then = Steps::new().sings_until_hangup(DEALER_HZ, 60_000);
    let then = if ms == 0 { then } else { Steps::new().sings(DEALER_HZ, ms).hangs_up() };
    let dealer =
        world.callees(&Callees::new().with(DEALER, Reaction::Answers { rings_ms: 300, then }));
    let steps = Steps::new().hears("enter-destination").keys("234567890#");
    let steps = steps.sings_until_hangup(SHOPPER_HZ, 60_000);
    (world.call("shopper", &Caller::new(SHOPPER, OUTBOUND).open(steps)), dealer)
}

/// A shopper is told that there are no calls, and the dealer is not rung.
fn assert_refused(world: &World) {
    let (mut shopper, mut dealer) = talk(world, 2000);
    shopper.finishes();
    assert_eq!(shopper.heard(World::phrases()), ["enter-destination", "calls-not-possible"]);
    assert!(dealer.stops().invites().is_empty(), "the dealer was rung");
}

/// Neither a shopper's call nor a dealer's rings anybody, and each is told or noted.
fn assert_no_call(world: &World) {
    assert_refused(world);
    let mut phone = world.callees(&Callees::new().rings(SHOPPER));
    let steps = Steps::new().listens_until_hangup(20_000);
    let mut caller = world.call("dealer", &Caller::new(DEALER, FIRST).open(steps));
    caller.finishes();
    assert!(phone.stops().invites().is_empty(), "the shopper's phone rang in vain");
    let calls = world.rows("calls", 2, |call| !call["ended_at"].is_null());
    let service = |word: &str| calls.iter().find(|call| call["service"] == word).unwrap();
    let out = service("outbound_hotline");
    assert_row(out, &[("outcome", json!("refused")), ("recording", json!(null))]);
    assert_row(service("fictitious_number"), &[("outcome", json!("unreachable"))]);
    world.rows("tickets", 1, |ticket| ticket["dealer"] == DEALER);
    world.rows("sms", 1, |_| true);
    assert!(world.exchange.list("recordings").is_empty(), "nothing was to be recorded");
}

fn little_space(world: &mut World) {
    assert_no_call(world);
}

fn read_only(world: &mut World) {
    world.disk().remount("ro");
    assert_no_call(world);
    // And when it can be written again, calls are possible.
    world.disk().remount("rw");
    let (mut shopper, mut dealer) = talk(world, 2000);
    shopper.finishes();
    dealer.stops();
    world.rows("recordings", 1, |recording| recording["verdict"] == "ok");
}

fn fills_up(world: &mut World) {
    let (mut shopper, mut dealer) = talk(world, LONG_TALK);
    let told =
        wait_for(Duration::from_secs(40), "it is told while they talk", || told_of_break(world));
    assert!(shopper.is_busy(), "they are not disturbed");
    assert!(!told.contains(DEALER.trim_start_matches('+')), "{told}");
    shopper.finishes();
    dealer.stops();
    let recordings = world.rows("recordings", 1, |recording| recording["verdict"] != "pending");
    assert_row(&recordings[0], &[("verdict", json!("short"))]);
    let problem = recordings[0]["problem"].as_str().unwrap_or_default();
    assert!(!problem.is_empty(), "{:#}", recordings[0]);
    let calls = world.rows("calls", 1, |call| call["outcome"] == "answered");
    let talked = calls[0]["talk_seconds"].as_f64().unwrap();
    assert!(talked > f64::from(LONG_TALK) / 1000.0 - 2.0, "{talked}");
}

fn fills_up_and_ends(world: &mut World) {
    let (mut shopper, mut dealer) = talk(world, 0);
    shopper.finishes();
    dealer.stops();
    world.rows("recordings", 1, |recording| recording["verdict"] == "short");
    world.rows("calls", 1, |call| call["outcome"] == "answered");
}

fn goes_away(world: &mut World) {
    let (mut shopper, mut dealer) = talk(world, LONG_TALK);
    await_talk(&shopper);
    // FreeSWITCH goes on writing to a file that nobody can find any more.
    world.disk().goes_away();
    wait_for(Duration::from_secs(25), "it is told while they talk", || told_of_break(world));
    assert!(shopper.is_busy(), "they are not disturbed");
    shopper.finishes();
    dealer.stops();
    world.rows("recordings", 1, |recording| recording["verdict"] == "missing");
}

/// The kernel finds the disk broken in the talk, and writes nothing more to it.
fn turns_read_only(world: &mut World) {
    let (mut shopper, mut dealer) = talk(world, LONG_TALK);
    await_talk(&shopper);
    world.disk().breaks();
    wait_for(Duration::from_secs(25), "it is told while they talk", || told_of_break(world));
    assert!(shopper.is_busy(), "they are not disturbed");
    shopper.finishes();
    dealer.stops();
    let recordings = world.rows("recordings", 1, |recording| recording["verdict"] != "pending");
    assert_row(&recordings[0], &[("verdict", json!("short"))]);
    let problem = recordings[0]["problem"].as_str().unwrap_or_default();
    for told in ["has not grown since", "the header cannot be rewritten"] {
        assert!(problem.contains(told), "{problem}");
    }
    let calls = world.rows("calls", 1, |call| call["outcome"] == "answered");
    let talked = calls[0]["talk_seconds"].as_f64().unwrap();
    assert!(talked > f64::from(LONG_TALK) / 1000.0 - 2.0, "{talked}");
    assert_refused(world);
}

fn turns_read_only_and_ends(world: &mut World) {
    let (mut shopper, mut dealer) = talk(world, 0);
    await_talk(&shopper);
    world.disk().breaks();
    shopper.finishes();
    dealer.stops();
    world.rows("recordings", 1, |recording| recording["verdict"] == "short");
    world.rows("calls", 1, |call| call["outcome"] == "answered");
}

/// The power fails in a talk, and the recordings' disk does not come back with the machine.
fn not_mounted(world: &mut World) {
    let (mut shopper, mut dealer) = talk(world, LONG_TALK);
    await_talk(&shopper);
    world.exchange.process().kill();
    world.switch.kill();
    shopper.breaks();
    dealer.breaks();
    let (folder, disk) = (world.dir().join("recordings"), world.dir().join("disk"));
    fs::rename(&folder, &disk).unwrap();
    world.exchange.start();
    world.restart_switch();
    world.exchange.await_ready();
    wait_for(Duration::from_secs(30), "it is told", || {
        world.exchange.log().contains("an open call cannot be closed").then_some(())
    });
    // Longer than a call is waited for whose recording has stopped growing.
    thread::sleep(Duration::from_secs(15));
    let call = world.exchange.list("calls").remove(0);
    assert_row(&call, &[("ended_at", json!(null))]);
    for entry in fs::read_dir(&disk).unwrap() {
        let path = entry.unwrap().path();
        fs::rename(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
    let calls = world.rows("calls", 1, |call| !call["ended_at"].is_null());
    assert_row(&calls[0], &[("outcome", json!("answered")), ("hangup_cause", json!("LOST"))]);
    world.rows("recordings", 1, |recording| recording["verdict"] == "repaired");
}

fn await_talk(shopper: &Phone) {
    wait_for(Duration::from_secs(20), "they talk", || {
        (shopper.ear().seconds_of(DEALER_HZ, shopper.started()) > 1.0).then_some(())
    });
}
