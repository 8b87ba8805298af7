//! The exchange starts, stops, and outlives its switch.

use std::{fs, time::Duration};

use serde_json::json;

use super::{A_MOMENT, assert_row, shopper_calls_out};
use crate::{
    Scenario,
    audio::Stereo,
    phone::{Callees, Caller, DEALER_HZ, Phone, SHOPPER_HZ, Steps},
    process::wait_for,
    world::{DEALER, OUTBOUND, SHOPPER, Setup, World},
};

pub(crate) fn all() -> Vec<Scenario> {
    let nobody = || Setup { controller: false, ..Setup::default() };
    vec![
        Scenario::new("stopping_lets_talks_end", stopping),
        Scenario::new("killed_while_keys_are_awaited_an_apology_follows", killed_in_prompt),
        Scenario::new("a_killed_switch_leaves_a_proven_recording", killed_switch),
        Scenario::with("a_start_that_cannot_work_says_why", nobody(), bad_starts),
    ]
}

/// They have heard each other for a second.
fn await_talk(dealer: &Phone, shopper: &Phone) {
    wait_for(Duration::from_secs(10), "they talk", || {
        (dealer.ear().seconds_of(SHOPPER_HZ, shopper.started()) > 1.0).then_some(())
    });
}

fn stopping(world: &mut World) {
    let dealer = Steps::new().sings(DEALER_HZ, 4000).hangs_up();
    let dealer = world.callees(&Callees::new().answers(DEALER, dealer));
    let steps = Steps::new().waits(A_MOMENT).keys("234567890#");
    let steps = steps.sings_until_hangup(SHOPPER_HZ, 15_000);
    let mut shopper = world.call("shopper", &shopper_calls_out(steps));
    await_talk(&dealer, &shopper);
    world.exchange.process().signal("TERM");
    // FreeSWITCH finds nobody to take a new call.
    let mut late = world.call("late", &Caller::new(SHOPPER, OUTBOUND).fails(503));
    shopper.finishes();
    let talk = dealer.stops().talk_seconds();
    assert!(talk > 3.5, "the talk was cut off after {talk} s");
    let status = world.exchange.process().wait(Duration::from_secs(15));
    assert!(status.success(), "{status}");
    late.finishes();
    // Nothing is left for the next start.
    let calls = world.exchange.list("calls");
    assert_row(&calls[0], &[("outcome", json!("answered")), ("dealer", json!(DEALER))]);
    assert_row(&world.exchange.list("recordings")[0], &[("verdict", json!("ok"))]);
    let [wav] = &world.wav_files()[..] else { panic!("{:?}", world.wav_files()) };
    Stereo::read(wav).assert_sides(SHOPPER_HZ, DEALER_HZ);
}

/// FreeSWITCH is killed in a talk: no record of the call will ever come, but the exchange knows
/// that it was dialled and answered, and the samples are in the file.
fn killed_switch(world: &mut World) {
    let sings = Steps::new().sings(DEALER_HZ, 9000).hangs_up();
    let dealer = world.callees(&Callees::new().answers(DEALER, sings));
    let steps = Steps::new().waits(A_MOMENT).keys("234567890#").sings(SHOPPER_HZ, 9000).hangs_up();
    let shopper = world.call("shopper", &shopper_calls_out(steps));
    await_talk(&dealer, &shopper);
    world.switch.kill();
    wait_for(Duration::from_secs(30), "the call is closed and its recording proven", || {
        let recordings = world.exchange.list("recordings");
        recordings.first().is_some_and(|row| row["verdict"] == "repaired").then_some(())
    });
    let calls = world.exchange.list("calls");
    assert_row(
        &calls[0],
        &[
            ("outcome", json!("answered")),
            ("dealer", json!(DEALER)),
            ("hangup_cause", json!("LOST")),
        ],
    );
    let [wav] = &world.wav_files()[..] else { panic!("{:?}", world.wav_files()) };
    let stereo = Stereo::read(wav);
    assert!(stereo.seconds() > 0.8, "{} s", stereo.seconds());
    stereo.assert_sides(SHOPPER_HZ, DEALER_HZ);
}

fn killed_in_prompt(world: &mut World) {
    let steps = Steps::new().listens_until_hangup(25_000);
    let mut shopper = world.call("shopper", &shopper_calls_out(steps));
    wait_for(Duration::from_secs(5), "the shopper is asked", || {
        (shopper.ear().speech().len() > 8000).then_some(())
    });
    world.exchange.process().kill();
    shopper.finishes();
    assert_eq!(shopper.heard(World::phrases()), ["enter-destination", "apology"]);
}

fn bad_starts(world: &mut World) {
    let dir = world.dir();
    fs::write(dir.join("a-file"), "").unwrap();
    // What is wrong, and what must be named.
    for (name, value, told) in [
        ("USTREDNA_DATABASE__URL", "sqlite:///nowhere/at/all/ustredna.db", "database.url"),
        ("USTREDNA_RECORDINGS__DIR", "a-file", "recordings.dir"),
        ("USTREDNA_SMS__SPOOL__DIR", "a-file", "sms.spool.dir"),
        ("USTREDNA_SWITCH__RING_TIMEOUT", "soon", "RING_TIMEOUT"),
        ("USTREDNA_SWITCH__LISTEN", "192.0.2.1:9", "switch.listen"),
    ] {
        let mut command = world.exchange.command();
        command.args(["serve", "--config", "ustredna.toml"]).env(name, value);
        let output = dir.join("bad.out");
        let mut process = crate::process::Running::start(name, &mut command, &output);
        let status = process.wait(Duration::from_secs(10));
        assert_eq!(status.code(), Some(1), "{name}={value}: {}", process.tail());
        assert!(process.tail().contains(told), "{name}={value}: {}", process.tail());
    }
    // A key that does not exist: its name and its line.
    let toml = fs::read_to_string(dir.join("ustredna.toml")).unwrap();
    let line = toml.lines().count() + 2;
    fs::write(dir.join("bad.toml"), format!("{toml}[cdr]\nfolder = \"x\"\n")).unwrap();
    let output = world.exchange.command().args(["check", "--config", "bad.toml"]).output().unwrap();
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!output.status.success());
    assert!(told.contains("folder") && told.contains(&line.to_string()), "{told}");
}
