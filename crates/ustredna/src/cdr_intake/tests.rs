pub(crate) mod taking;

use std::path::Path;

use exchange::{
    call::{Dial, Direction},
    model::{LegId, Outcome, Pairing, PairingId, PairingNumber},
    number::PhoneNumber,
    recording::RecordingPath,
};

use super::*;

fn cdr(name: &str) -> Cdr {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/cdr").join(name);
    read(&path).unwrap()
}

pub(crate) fn leg(id: &str) -> Leg {
    let phone = |text| PhoneNumber::from_e164(text).unwrap();
    Leg {
        id: LegId(id.parse().unwrap()),
        dial: Dial {
            to: phone("+420234567890"),
            shown: phone("+420777000111"),
            pairing: Pairing {
                id: PairingId(Uuid::nil()),
                number: PairingNumber::new(1).unwrap(),
                fictitious_number: phone("+420777000111"),
                project: None,
            },
            dealer: Some(phone("+420234567890")),
            direction: Direction::Out,
            ticket: None,
        },
        recording: RecordingPath::default(),
        started_at: Timestamp::UNIX_EPOCH,
        answered_at: None,
        ended_at: None,
        failure: None,
        cause: None,
    }
}

/// The leg as the CDR of a real FreeSWITCH completes it.
fn completed(name: &str, id: &str) -> Leg {
    let cdr = cdr(name).variables;
    let mut leg = leg(id);
    complete_leg(&mut leg, &cdr, Skew::default(), cdr.time("end_uepoch").unwrap());
    leg
}

#[test]
fn a_talk_that_went_on_alone_has_its_times() {
    let leg =
        completed("controller_lost_in_bridge.a.cdr.json", "c6e54b59-bf24-4bdd-a2e3-a278e26f03dc");
    assert_eq!(leg.outcome(), Outcome::Answered);
    let talk = leg.ended_at.unwrap().duration_since(leg.answered_at.unwrap());
    assert_eq!(talk.as_millis(), 4020);
}

#[test]
fn a_bridge_of_another_leg_is_not_this_ones() {
    let leg =
        completed("controller_lost_in_bridge.a.cdr.json", "00000000-0000-0000-0000-000000000001");
    assert_eq!(leg.outcome(), Outcome::Abandoned);
}

/// FreeSWITCH calls it a success when the called side picks up. The exchange that saw it died.
#[test]
fn who_picked_up_and_was_never_connected_has_not_answered() {
    for (end, outcome) in [("send_bye", Outcome::Unreachable), ("recv_bye", Outcome::Abandoned)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a_1.cdr.json");
        let record = serde_json::json!({ "variables": {
            "uuid": "ee067b11-8021-4b48-a0f9-8cb0b822be37",
            "originate_disposition": "SUCCESS",
            "bridge_uepoch": "1795344561809144",
            "sip_hangup_disposition": end,
            "last_bridge_hangup_cause": "NORMAL_CLEARING",
        }});
        std::fs::write(&path, record.to_string()).unwrap();
        let mut leg = leg("c6e54b59-bf24-4bdd-a2e3-a278e26f03dc");
        leg.answered_at = Some(Timestamp::UNIX_EPOCH);
        let cdr = read(&path).unwrap().variables;
        complete_leg(&mut leg, &cdr, Skew::default(), Timestamp::UNIX_EPOCH);
        assert_eq!((leg.outcome(), leg.answered_at), (outcome, None));
    }
}

#[test]
fn missed_and_given_up_calls_are_told_apart() {
    let missed =
        completed("dealer_callback_missed.a.cdr.json", "13f6dd7c-224e-4e3d-8e01-98a943001926");
    assert_eq!(missed.outcome(), Outcome::NoAnswer);
    let given_up = completed(
        "hotline_a_hangup_while_ringing.a.cdr.json",
        "b0f702e7-e6c3-4253-ade2-3f23a9df3016",
    );
    assert_eq!(given_up.outcome(), Outcome::Abandoned);
}

#[test]
fn a_name_in_another_encoding_or_a_list_among_the_variables_spoils_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut record =
        br#"{"variables": {"uuid": "ee067b11-8021-4b48-a0f9-8cb0b822be37", "l": ["1"], "n": "Nov"#
            .to_vec();
    record.extend_from_slice(b"\xe1k\"}}");
    std::fs::write(folder.path().join("a_1.cdr.json"), record).unwrap();
    let files = list(folder.path()).unwrap();
    assert!(files.len() == 1 && read(&files[0]).is_ok());
}

#[test]
fn a_record_of_another_form_is_told_without_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a_1.cdr.json");
    std::fs::write(&path, r#"{"variables": "+420234567890"}"#).unwrap();
    let error = read(&path).err().unwrap().to_string();
    assert!(error.contains("line 1") && !error.contains("234567890"), "{error}");
}

#[test]
fn a_folder_that_is_not_there_yet_is_empty() {
    assert!(list(Path::new("no/such/folder")).unwrap().is_empty());
}
