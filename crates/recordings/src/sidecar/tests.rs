use std::fs;

use jiff::Zoned;
use serde_json::Value;

use super::{LocalTime, Recording, Sidecar, SidecarError};
use crate::inspect::inspect;
use crate::name::{Direction, RecordingName};
use crate::samples::{RATE, two_tones};
use crate::verdict::Verdict;

fn local(text: &str) -> Zoned {
    text.parse().unwrap()
}

fn example(recording: Recording) -> Sidecar {
    let started = local("2026-11-22T10:31:45.678+01:00[Europe/Prague]");
    Sidecar {
        call: "3f2a9c1e-77aa-4bbb-8ccc-abcdef012345".into(),
        service: "outbound_hotline".into(),
        direction: Direction::Out,
        fictitious_number: "+420777000111".into(),
        dealer: Some("+420234567890".into()),
        project: None,
        shopper_id: Some("s1".into()),
        shopper_phone: None,
        started_at: LocalTime::from(&started),
        answered_at: Some(LocalTime::from(&started)),
        ended_at: None,
        talk_seconds: Some(1.2),
        outcome: "answered".into(),
        hangup_cause: Some("NORMAL_CLEARING".into()),
        ticket: None,
        recording,
    }
}

fn name() -> RecordingName {
    RecordingName::new(
        &local("2026-11-22T10:31:45+01:00[Europe/Prague]"),
        Direction::Out,
        "+420777000111",
        Some("+420234567890"),
        "3f2a9c1e",
    )
}

#[test]
fn it_tells_everything_but_the_shoppers_number() {
    let dir = tempfile::tempdir().unwrap();
    let wav = dir.path().join("a.wav");
    two_tones(&wav, RATE);
    let recording = Recording::new(&name(), Verdict::Ok, Some(&inspect(&wav).unwrap()));
    let sidecar = example(recording);
    let path = dir.path().join("a.json");
    sidecar.write(&path).unwrap();

    let json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(json["started_at"], "2026-11-22T10:31:45.678+01:00");
    assert_eq!(json["direction"], "out");
    let recording = &json["recording"];
    assert_eq!(recording["file"], "20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav");
    assert_eq!(recording["verdict"], "ok");
    assert_eq!(recording["seconds"], 1.0);
    assert_eq!(recording["shopper_channel"], "left");
    assert_eq!(recording["dealer_channel"], "right");
    assert_eq!(recording["levels"][1]["peak_dbfs"], -6.0);
    assert_eq!(recording["sha256"].as_str().unwrap().len(), 64);
    for absent in ["shopper_phone", "project", "ended_at", "ticket"] {
        assert!(json.get(absent).is_none(), "{absent}");
    }
    assert_eq!(Sidecar::read(&path).unwrap(), sidecar);
}

#[test]
fn a_missing_recording_has_no_hash() {
    let recording = Recording::new(&name(), Verdict::Missing, None);
    let json = serde_json::to_value(recording).unwrap();
    assert_eq!(json["verdict"], "missing");
    assert_eq!(json["bytes"], 0);
    assert!(json.get("sha256").is_none());
}

#[test]
fn the_new_one_takes_the_place_of_the_old_and_leaves_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.json");
    let mut sidecar = example(Recording::new(&name(), Verdict::Pending, None));
    sidecar.write(&path).unwrap();
    // What a crash leaves behind must not be in the way.
    fs::write(dir.path().join(".a.json.part"), "{half").unwrap();
    sidecar.outcome = "abandoned".into();
    sidecar.write(&path).unwrap();

    assert_eq!(Sidecar::read(&path).unwrap().outcome, "abandoned");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_write_that_fails_keeps_what_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.json");
    let sidecar = example(Recording::new(&name(), Verdict::Pending, None));
    assert!(matches!(sidecar.write(&dir.path().join("none/a.json")), Err(SidecarError::Write(_))));
    // A folder stands where the text would go first.
    sidecar.write(&path).unwrap();
    fs::create_dir(dir.path().join(".a.json.part")).unwrap();
    let other = Sidecar { outcome: "busy".into(), ..sidecar.clone() };
    assert!(matches!(other.write(&path), Err(SidecarError::Write(_))));
    assert_eq!(Sidecar::read(&path).unwrap(), sidecar);
}

#[test]
fn times_keep_their_instant_and_their_offset() {
    for text in ["2026-11-22T10:31:45.678+01:00", "2026-07-01T00:00:00+02:00"] {
        let time: LocalTime = serde_json::from_value(Value::from(text)).unwrap();
        assert_eq!(time.to_string(), text);
        assert_eq!(time.timestamp(), text.parse().unwrap());
    }
    for wrong in ["", "yesterday", "2026-11-22T10:31:45"] {
        assert!(serde_json::from_value::<LocalTime>(Value::from(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn debug_tells_no_number() {
    let mut sidecar = example(Recording::new(&name(), Verdict::Ok, None));
    sidecar.shopper_phone = Some("+420601123456".into());
    let debug = format!("{sidecar:?}");
    for number in ["777000111", "234567890", "601123456"] {
        assert!(!debug.contains(number), "{debug}");
    }
    assert!(debug.contains("3f2a9c1e"), "{debug}");
}

#[test]
fn what_is_wrong_with_a_file_is_told_without_what_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.json");
    fs::write(&path, "\n\"+420234567890\"").unwrap();
    let error = Sidecar::read(&path).unwrap_err().to_string();
    assert_eq!(error, "not a sidecar: see line 2, column 15");
}
