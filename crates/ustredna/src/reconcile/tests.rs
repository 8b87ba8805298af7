use exchange::{model::Service, recording::RecordingPath};
use store::Filter;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::cdr_intake::tests::taking::{NUMBER, Place};

#[test]
fn a_call_is_over_when_freeswitch_says_so_or_nothing_has_moved() {
    let quiet = SignedDuration::from_secs;
    assert!(!is_over(Known::Yes, quiet(1_000_000), true));
    for known in [Known::No, Known::SwitchGone] {
        assert!(!is_over(known, quiet(3), false) && is_over(known, quiet(11), false));
        // A phone that may still ring has its last sign in the future.
        assert!(!is_over(known, quiet(-20), false));
    }
    let unasked = |seconds, recorded| is_over(Known::CannotAsk, quiet(seconds), recorded);
    assert!(!unasked(60, true) && unasked(121, true));
    assert!(!unasked(3600, false) && unasked(5 * 3600, false));
}

#[test]
fn a_recording_tells_when_a_lost_talk_began_or_ended() {
    let at = |seconds: i64| Timestamp::from_second(1_795_344_550 + seconds).unwrap();
    let lost = |answered_at, sign| {
        let leg = cdr_intake::tests::leg("00000000-0000-0000-0000-000000000001");
        let mut leg = Leg { answered_at, ..leg };
        complete_leg(&mut leg, 20.0, at(sign));
        (leg.answered_at, leg.ended_at)
    };
    assert_eq!(lost(None, 40), (Some(at(20)), Some(at(40))));
    assert_eq!(lost(Some(at(15)), 40), (Some(at(15)), Some(at(40))));
    // The clock was set back by an hour in the talk.
    assert_eq!(lost(Some(at(15)), 40 - 3600), (Some(at(15)), Some(at(35))));
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_does_not_keep_a_call_open() {
    let noon: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    let eleven: Timestamp = "2026-11-22T11:00:00Z".parse().unwrap();
    let call = CallId(uuid::Uuid::from_u128(1));
    let mut signs = Signs::default();
    let rang = Sign { at: noon, lasts: SignedDuration::from_secs(20), of_recording: false };
    assert!(signs.quiet(call, &rang, eleven) < SignedDuration::ZERO);
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(signs.quiet(call, &rang, eleven).as_secs(), 11, "it has rung for 20 s");
    // Another sign, another beginning.
    let grew = Sign { at: noon, lasts: SignedDuration::ZERO, of_recording: true };
    assert!(signs.quiet(call, &grew, eleven).as_secs() <= 0);
    // FreeSWITCH knew it a moment ago.
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(signs.quiet(call, &grew, eleven).as_secs(), 60);
    signs.lives(call);
    assert_eq!(signs.quiet(call, &grew, eleven).as_secs(), 0);
    // After a restart there are only the times.
    assert_eq!(Signs::default().quiet(call, &rang, noon).as_secs(), -20);
}

/// A call that has been quiet for an hour; nobody listens at FreeSWITCH's own port.
async fn quiet() -> Place {
    let place = Place::new("switch.inbound = \"127.0.0.1:9\"").await;
    place.rings(1, "north").await;
    place.clock.skip(SignedDuration::from_hours(1));
    place
}

async fn look(place: &Place) {
    close_lost(&place.app, &mut Signs::default()).await.unwrap();
}

/// The log and the alarm say which recording it is, and nobody's number.
#[tokio::test]
async fn a_recording_that_cannot_be_looked_at_is_told_without_numbers() {
    const PATH: &str = "2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav";
    let place = Place::new("").await;
    let call = CallId(uuid::Uuid::from_u128(1));
    let mut history = History::new(call, Service::OutboundHotline, place.clock.now());
    let leg = cdr_intake::tests::leg("00000000-0000-0000-0000-000000000001");
    history.legs.push(Leg { recording: RecordingPath::new(PATH), ..leg });
    std::fs::create_dir_all(&place.app.recordings).unwrap();
    // The year's folder is a file.
    std::fs::write(place.app.recordings.join("2026"), "").unwrap();
    let problem = last_sign(&place.app, &history).await.unwrap_err();
    assert!(problem.contains("/20261122-103145_out_…_3f2a9c1e.wav: "), "{problem}");
    assert!(!problem.contains("234567890") && !problem.contains("777000111"), "{problem}");
    let told = format!("{history:?}");
    assert!(!told.contains("234567890"), "{told}");
}

#[tokio::test]
async fn a_call_that_a_task_looks_after_is_not_lost() {
    let place = quiet().await;
    let attended = place.app.live.enter(CallId(uuid::Uuid::from_u128(1)));
    look(&place).await;
    assert_eq!(place.missed_calls().await, None);
    drop(attended);
    look(&place).await;
    assert_eq!(place.missed_calls().await, Some(1));
}

#[tokio::test]
async fn a_dealer_whose_call_is_lost_before_anybody_is_rung_was_missed() {
    let place = Place::new("switch.inbound = \"127.0.0.1:9\"").await;
    let phone = |text| exchange::number::PhoneNumber::from_e164(text).ok();
    let (call, now) = (CallId(uuid::Uuid::from_u128(1)), place.clock.now());
    let mut arrived = History::new(call, Service::FictitiousNumber, now);
    arrived.called_number = phone(NUMBER);
    arrived.caller = phone("+420234567890");
    place.app.store.arrive(&arrived).await.unwrap();
    place.clock.skip(SignedDuration::from_hours(1));
    look(&place).await;
    assert_eq!(place.missed_calls().await, Some(1));
}

#[tokio::test]
async fn a_call_whose_record_has_come_is_not_lost() {
    let place = quiet().await;
    place.missed(1, 60);
    look(&place).await;
    let call = place.app.store.calls(&Filter::default()).await.unwrap().remove(0);
    assert_eq!(call.hangup_cause.as_deref(), Some("ORIGINATOR_CANCEL"));
}

/// A FreeSWITCH whose list of channels lags behind, with a talk going on.
async fn switch() -> std::net::SocketAddr {
    let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = door.local_addr().unwrap();
    tokio::spawn(async move {
        let (read, mut write) = door.accept().await.unwrap().0.into_split();
        let mut lines = tokio::io::BufReader::new(read).lines();
        write.write_all(b"Content-Type: auth/request\n\n").await.unwrap();
        while let Some(line) = lines.next_line().await.unwrap() {
            let Some(question) = line.strip_prefix("api ") else {
                if !line.is_empty() {
                    let taken = b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n";
                    write.write_all(taken).await.unwrap();
                }
                continue;
            };
            let answer = match question.split(' ').next() {
                Some("uuid_exists") => "true".to_owned(),
                Some("uuid_dump") => format!(
                    "{{\"Caller-Channel-Bridged-Time\":\"1795352400000000\",\
                     \"variable_bridge_uuid\":\"{}\"}}",
                    uuid::Uuid::from_u128(1_000_001)
                ),
                _ => "{\"row_count\":0}".to_owned(),
            };
            let length = answer.len();
            let head = format!("Content-Type: api/response\nContent-Length: {length}\n\n");
            write.write_all((head + &answer).as_bytes()).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn a_talk_that_freeswitch_knows_goes_on_and_its_answer_is_kept() {
    let inbound = switch().await;
    let settings = format!("switch.inbound = \"{inbound}\"\nswitch.password = \"secret\"");
    let place = Place::new(&settings).await;
    place.rings(1, "north").await;
    place.clock.skip(SignedDuration::from_hours(1));
    look(&place).await;
    let open = place.app.store.open_calls().await.unwrap();
    assert!(open[0].history.legs[0].answered_at.is_some());
}
