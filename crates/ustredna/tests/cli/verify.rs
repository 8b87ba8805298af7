use std::fs;

use exchange::model::Service;
use serde_json::{Value, json};

use crate::world::{PastCall, World, record};

const GOOD: &str = "2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav";
const MUTE: &str = "2026/11/22/20261122-113145_out_420777000111_420234567890_4f2a9c1e.wav";

fn answered(world: &World, at: &str, recording: &str) -> String {
    let at = at.parse().unwrap();
    let service = Service::OutboundHotline;
    world.call("+420601123456", 1, &PastCall { service, at, talk_seconds: Some(3), recording })
}

fn world() -> World {
    let world = World::imported();
    answered(&world, "2026-11-22T09:31:45Z", GOOD);
    record(&world.path("recordings").join(GOOD), 3, [1.0, 1.0]);
    world
}

fn verify(world: &World) -> (Option<i32>, Vec<Value>) {
    let done = world.run(&["recordings", "verify", "--json"]);
    (done.code, done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn verdicts(world: &World) -> Vec<Value> {
    world.json(&["recordings"]).into_iter().map(|found| found["verdict"].clone()).collect()
}

#[test]
fn a_good_recording_is_proved() {
    let world = world();
    let out = world.run(&["recordings", "verify"]).ok();
    assert_eq!(out, "Recordings: 1 checked, 1 in order, 0 falling short.\n");
    let recording = &world.json(&["recordings"])[0];
    assert_eq!(recording["verdict"], "ok");
    assert_eq!((&recording["seconds"], &recording["channels"]), (&json!(3.0), &json!(2)));
    assert_eq!(recording["sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn what_falls_short_is_named() {
    let world = world();
    answered(&world, "2026-11-22T10:31:45Z", MUTE);
    record(&world.path("recordings").join(MUTE), 3, [1.0, 0.0]);
    let stray = "2026/11/22/20261122-123145_back_420777000111_anonymous_5f2a9c1e.wav";
    record(&world.path("recordings").join(stray), 1, [1.0, 1.0]);
    let (code, found) = verify(&world);
    assert_eq!(code, Some(1));
    let told: Vec<_> = found.iter().map(|found| json!([found["path"], found["verdict"]])).collect();
    assert_eq!(told, [json!([MUTE, "one_sided"]), json!([stray, "unknown"])]);
    assert_eq!(verdicts(&world), ["one_sided", "ok"]);
    // Whose side is told, to people and to scripts.
    let listed = world.run(&["recordings"]).out;
    assert!(listed.contains("one sided, dealer silent"), "{listed}");
    let listed = world.run(&["recordings", "--json"]).out;
    assert!(listed.contains("nothing is heard of the dealer"), "{listed}");

    fs::remove_file(world.path("recordings").join(MUTE)).unwrap();
    fs::remove_file(world.path("recordings").join(stray)).unwrap();
    let done = world.run(&["recordings", "verify"]);
    assert_eq!(done.code, Some(1));
    assert!(done.out.contains("missing") && done.out.contains(MUTE), "{}", done.out);
    assert_eq!(verdicts(&world), ["missing", "ok"]);
}

#[test]
fn why_a_recording_broke_is_not_forgotten() {
    let world = world();
    let path = world.path("recordings").join(GOOD);
    record(&path, 1, [1.0, 1.0]);
    assert_eq!(verify(&world).0, Some(1));
    let why = "the recording has not grown since 10:31:46, 1 s into the talk";
    world.note_problem(GOOD, why);
    let (_, found) = verify(&world);
    assert_eq!((&found[0]["verdict"], &found[0]["problem"]), (&json!("short"), &json!(why)));
    assert_eq!(world.json(&["recordings"])[0]["problem"], why);
}

#[test]
fn a_repaired_recording_stays_one() {
    let world = world();
    let path = world.path("recordings").join(GOOD);
    let mut bytes = fs::read(&path).unwrap();
    // As FreeSWITCH leaves it when it is killed.
    bytes[4..8].copy_from_slice(&36_u32.to_le_bytes());
    bytes[40..44].copy_from_slice(&0_u32.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    for _ in 0..2 {
        assert_eq!(verify(&world), (Some(0), vec![]));
        assert_eq!(verdicts(&world), ["repaired"]);
    }
}

#[test]
fn the_sidecar_tells_the_same_as_the_database() {
    let world = World::imported();
    let call = answered(&world, "2026-11-22T09:31:45Z", GOOD);
    record(&world.path("recordings").join(GOOD), 3, [1.0, 1.0]);
    let sidecar = world.path("recordings").join(GOOD).with_extension("json");
    let before = json!({
        "call": call, "service": "outbound_hotline", "direction": "out",
        "fictitious_number": "+420777000111", "started_at": "2026-11-22T10:31:45+01:00",
        "outcome": "answered", "project": "Banks",
        "recording": {
            "file": "x.wav", "verdict": "pending", "seconds": 0.0, "bytes": 0, "channels": 0,
            "sample_rate": 0, "shopper_channel": "left", "dealer_channel": "right", "levels": [],
        },
    });
    fs::write(&sidecar, before.to_string()).unwrap();
    assert_eq!(verify(&world).0, Some(0));
    let after: Value = serde_json::from_slice(&fs::read(&sidecar).unwrap()).unwrap();
    assert_eq!(after["project"], "Banks");
    assert_eq!(after["recording"]["verdict"], "ok");
    assert_eq!(after["recording"]["sha256"], world.json(&["recordings"])[0]["sha256"]);
}

#[test]
fn before_the_first_recording_all_is_in_order() {
    let out = World::imported().run(&["recordings", "verify"]).ok();
    assert_eq!(out, "Recordings: 0 checked, 0 in order, 0 falling short.\n");
}

/// From 1 s to 2.5 s nothing came from the shopper, who called in: FreeSWITCH filled that.
fn cut(world: &World) {
    let path = world.path("recordings").join(GOOD);
    let mut bytes = fs::read(&path).unwrap();
    for frame in 8000..20_000 {
        bytes[44 + 4 * frame..][..2].copy_from_slice(&(-1_i16).to_le_bytes());
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_side_that_is_cut_is_told_with_its_seconds() {
    let world = world();
    cut(&world);
    let (code, found) = verify(&world);
    let told = "nothing came from the shopper from 0:01.0 to 0:02.5";
    assert_eq!(
        (code, &found[0]["verdict"], &found[0]["problem"]),
        (Some(1), &json!("broken"), &json!(told))
    );
    let gaps = json!([{ "side": "shopper", "from": 1.0, "to": 2.5, "missing": 1.5 }]);
    let recording = &world.json(&["recordings"])[0];
    assert_eq!((&recording["gaps"], &recording["holds"]), (&gaps, &json!([])));
    let beside = world.path("recordings").join(GOOD).with_extension("json");
    let sidecar: Value = serde_json::from_slice(&fs::read(beside).unwrap()).unwrap();
    assert_eq!(sidecar["recording"]["gaps"], gaps);
    let listed = world.run(&["recordings"]).out;
    assert!(listed.contains("broken, shopper cut"), "{listed}");
    // The second look finds the same.
    assert_eq!(verify(&world).1[0]["problem"], told);
    assert_eq!(world.json(&["recordings"])[0]["gaps"], gaps);
}

#[test]
fn what_an_earlier_version_found_in_order_stays_so() {
    let world = world();
    cut(&world);
    let path = world.path("recordings").join(GOOD);
    world.judge(GOOD, |row| {
        row.verdict = "ok".to_owned();
        row.sha256 = Some(recordings::checksum(&path).unwrap());
    });
    let out = world.run(&["recordings", "verify"]).ok();
    assert_eq!(out, "Recordings: 1 checked, 1 in order, 0 falling short.\n");
    assert_eq!(world.json(&["recordings"])[0]["gaps"], json!([]));
}

#[test]
fn a_hold_that_a_phone_told_is_in_order_and_told() {
    let world = world();
    cut(&world);
    let path = world.path("recordings").join(GOOD);
    world.judge(GOOD, |row| {
        row.verdict = "ok".to_owned();
        row.sha256 = Some(recordings::checksum(&path).unwrap());
        let counted =
            r#"{"missing":1.5,"comfort_noise":0,"keys":0.0,"held":[{"from":1.0,"to":2.5}]}"#;
        row.media = Some(format!(r#"{{"caller":"shopper","shopper":{counted}}}"#));
    });
    world.run(&["recordings", "verify"]).ok();
    let recording = &world.json(&["recordings"])[0];
    assert_eq!((&recording["verdict"], &recording["gaps"]), (&json!("ok"), &json!([])));
    assert_eq!(recording["holds"], json!([{ "side": "shopper", "from": 1.0, "to": 2.5 }]));
}
