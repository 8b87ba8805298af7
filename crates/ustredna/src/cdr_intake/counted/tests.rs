use recordings::Held;
use serde_json::{Value, json};

use super::{super::Cdr, HOLDS_AT_MOST};

/// A leg connected at the 1000th second and hung up at the 1060th.
fn cdr(sdp: &str, app_log: &Value) -> Cdr {
    let variables = json!({
        "bridge_uepoch": "1000000000", "end_uepoch": "1060000000", "switch_r_sdp": sdp,
        "rtp_audio_in_skip_packet_count": "50", "rtp_audio_in_cng_packet_count": "3",
        "rtp_audio_in_dtmf_packet_count": "10", "rtp_use_codec_ptime": "40",
    });
    serde_json::from_value(json!({ "variables": variables, "app_log": app_log })).unwrap()
}

/// So the dialplan notes it.
fn noted(was_held: &[(bool, u32)]) -> Value {
    let noted = was_held.iter().map(|(was_held, second)| {
        let stamp = format!("{second}500000");
        json!({ "app_name": "set", "app_data": format!("was_held={was_held}"), "app_stamp": stamp })
    });
    let other = json!({ "app_name": "answer", "app_stamp": "1000500000" });
    json!({ "applications": noted.chain([other]).collect::<Vec<_>>() })
}

fn held(sdp: &str, was_held: &[(bool, u32)]) -> Vec<(f64, f64)> {
    let held = cdr(sdp, &noted(was_held)).counted().unwrap().held;
    held.iter().map(|Held { from, to }| (*from, *to)).collect()
}

const TALKS: &str =
    "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n";
const HOLDS: &str = "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 8\r\na=sendonly\r\n";

#[test]
fn packets_last_as_long_as_they_do() {
    let counted = cdr(TALKS, &Value::Null).counted().unwrap();
    assert_eq!((counted.missing, counted.comfort_noise, counted.keys), (2.0, 3, 0.4));
    assert_eq!(counted.held, []);
}

#[test]
fn a_hold_lasts_from_one_re_invite_to_the_next() {
    assert_eq!(held(TALKS, &[(false, 1010), (true, 1020)]), [(10.5, 20.5)]);
    assert_eq!(
        held(HOLDS, &[(false, 1010), (true, 1020), (false, 1030)]),
        [(10.5, 20.5), (30.5, 60.0)]
    );
    let refreshed = [(false, 1010), (true, 1020), (true, 1030)];
    assert_eq!(held(TALKS, &refreshed), [(10.5, 30.5)], "the session was refreshed meanwhile");
    assert_eq!(held(HOLDS, &[]), [(0.0, 60.0)], "it began so");
    assert_eq!(held(TALKS, &[(true, 990), (false, 1020)]), [], "it was over before the talk");
}

#[test]
fn every_way_to_say_that_nothing_comes_is_a_hold() {
    for line in ["a=sendonly", "a=recvonly", "a=inactive", "c=IN IP4 0.0.0.0", "c=IN IP6 ::"] {
        assert_eq!(held(&format!("v=0\r\n{line}\r\nt=0 0\r\n"), &[]), [(0.0, 60.0)], "{line}");
    }
    for line in ["a=sendrecv", "c=IN IP6 ::1", "s=a=sendonly", ""] {
        assert_eq!(held(&format!("v=0\r\n{line}\r\nt=0 0\r\n"), &[]), [], "{line}");
    }
}

#[test]
fn a_record_of_another_form_tells_of_no_hold() {
    for app_log in [
        json!([]),
        json!("x"),
        json!({ "applications": 7 }),
        json!({ "applications": [7, {}, { "app_data": "was_held=true" }] }),
        json!({ "applications": [{ "app_data": "was_held=true", "app_stamp": "soon" }] }),
        json!({ "applications": [{ "app_data": "was_held=true", "app_stamp": i64::MAX.to_string() }] }),
    ] {
        assert_eq!(cdr(TALKS, &app_log).counted().unwrap().held, [], "{app_log}");
    }
    let many: Vec<_> = (0..5000).map(|at| (at % 2 == 1, 1001 + at)).collect();
    assert_eq!(held(TALKS, &many).len(), HOLDS_AT_MOST);
}
