//! The talk itself: recorded as told, and keys get through.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{A_MOMENT, assert_row, keys_and_talks, shopper_calls_out, talks_and_hangs_up};
use crate::{
    Scenario,
    audio::Stereo,
    phone::{Callees, DEALER_HZ, SHOPPER_HZ, Steps},
    sip_trace::Trace,
    world::{DEALER, SHOPPER, World},
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("the_talk_is_recorded", recorded),
        Scenario::new("keys_in_the_talk_reach_the_dealer", keys_get_through),
    ]
}

fn recorded(world: &mut World) {
    let dealer = world.callees(&Callees::new().answers(DEALER, talks_and_hangs_up()));
    let mut shopper = world.call("shopper", &shopper_calls_out(keys_and_talks("234567890#")));
    shopper.finishes();
    let talk = dealer.stops();
    assert_recorded(world, &world.only_call(), "out_420777000111_420234567890", &talk);
    // Nothing sang before it was connected.
    assert!(shopper.ear().seconds_of(DEALER_HZ, shopper.started()) > 2.0, "the shopper hears");
}

/// Checks name, length, sides, sidecar and list of the call's recording. `callee` is the side
/// that was rung: its 200 and BYE are the talk.
#[track_caller]
pub(super) fn assert_recorded(world: &World, call: &Value, middle: &str, callee: &Trace) {
    let [wav] = &world.wav_files()[..] else { panic!("one recording: {:?}", world.wav_files()) };
    let id: String = call["id"].as_str().unwrap().chars().take(8).collect();
    assert_name(wav, middle, &id);
    let listed = call["recording"].as_str().unwrap();
    assert!(wav.ends_with(listed.rsplit('/').next().unwrap()), "{listed}");

    let stereo = Stereo::read(wav);
    let talk = callee.talk_seconds();
    assert!((stereo.seconds() - talk).abs() < 0.5, "{} s of {talk} s", stereo.seconds());
    let told = call["talk_seconds"].as_f64().unwrap();
    assert!((told - talk).abs() < 0.5, "told {told} s of {talk} s");
    stereo.assert_sides(SHOPPER_HZ, DEALER_HZ);

    let rows = world.rows("recordings", 1, |row| row["verdict"] != "pending");
    assert_row(&rows[0], &[("call", call["id"].clone()), ("verdict", json!("ok"))]);
    assert_row(
        &rows[0],
        &[("channels", json!(2)), ("bytes", json!(fs::metadata(wav).unwrap().len()))],
    );

    let sidecar = fs::read_to_string(wav.with_extension("json")).unwrap();
    assert!(!sidecar.contains(SHOPPER.trim_start_matches("+420")), "the real number: {sidecar}");
    let sidecar: Value = serde_json::from_str(&sidecar).unwrap();
    for key in ["service", "fictitious_number", "dealer", "outcome"] {
        assert_eq!(sidecar[key], call[key], "`{key}` of {sidecar:#}");
    }
    assert_eq!(sidecar["call"], call["id"]);
    assert!((sidecar["talk_seconds"].as_f64().unwrap() - told).abs() < 0.01, "{sidecar:#}");

    let verified = world.exchange.run(&["recordings", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

/// `2026/11/22/20261122-103145_<middle>_<id>.wav`
#[track_caller]
fn assert_name(wav: &Path, middle: &str, id: &str) {
    let parts: Vec<String> =
        wav.iter().rev().take(4).map(|part| part.to_string_lossy().into_owned()).collect();
    let [name, day, month, year] = &parts[..] else { panic!("{}", wav.display()) };
    let (stamp, rest) = name.split_once('_').unwrap();
    let (date, time) = stamp.split_once('-').unwrap();
    assert_eq!(date, format!("{year}{month}{day}"), "{}", wav.display());
    assert!(time.len() == 6 && time.bytes().all(|byte| byte.is_ascii_digit()), "{name}");
    assert_eq!(rest, format!("{middle}_{id}.wav"));
}

fn keys_get_through(world: &mut World) {
    let listens = Steps::new().listens_until_hangup(15_000);
    let dealer = world.callees(&Callees::new().answers(DEALER, listens));
    let steps = Steps::new().waits(A_MOMENT).keys("234567890#").waits(2000);
    let steps = steps.sings(SHOPPER_HZ, 300).keys("15*0#").waits(1200).hangs_up();
    let mut shopper = world.call("shopper", &shopper_calls_out(steps));
    shopper.finishes();
    assert_eq!(dealer.ear().keys(), "15*0#", "a call centre's menu");
    dealer.stops();
    assert_row(&world.only_call(), &[("outcome", json!("answered"))]);
}
