//! Calls over real TCP under a paused clock.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use common::{Controller, execute, switch};
use fakeswitch::{Callee, Invite, Script, Sight};
use tempfile::tempdir;

mod common;

const SHOPPER: &str = "+420601123456";
const HOTLINE: &str = "234234399";
const DEALER: &str = "+420234567890";

fn dial(leg: &str, more: &str) -> String {
    format!(
        "{{origination_uuid={leg},origination_caller_id_number=+420777000111,\
         origination_caller_id_name=+420777000111,ignore_early_media=true,\
         originate_timeout=30{more}}}sofia/gateway/carrier/{DEALER}"
    )
}

const LEG: &str = "5a0c6f0e-9c0d-4e0f-8a0b-0123456789ab";

#[tokio::test(start_paused = true)]
async fn a_talk_is_recorded_and_told_of_in_both_cdrs() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = switch(&controller, Some(folder.path())).await;
    switch.set_phone(
        DEALER,
        Script::new()
            .rings_for(Duration::from_secs(1))
            .answers()
            .talks(Duration::from_secs(3))
            .hangs_up()
            .into(),
    );
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let uuid = phone.leg().to_string();
    let shopper = tokio::spawn(Script::new().keys("12#").talks(Duration::from_secs(9)).run(phone));
    let mut line = controller.accept().await;
    let data = line.take_over().await;
    assert_eq!(data.get("Channel-Caller-ID-Number"), Some(SHOPPER));
    assert_eq!(data.variable("sip_req_user"), Some(HOTLINE));
    assert_eq!(data.get("Socket-Mode"), Some("async"));
    line.execute("answer", "", "a1").await;
    line.completed("a1").await;
    assert_eq!(line.api(&format!("uuid_setvar {uuid} sensitive_dtmf")).await, "+OK\n");
    let file = folder.path().join("talk/one.wav");
    let path = file.display();
    assert_eq!(line.api(&format!("uuid_record {uuid} start {path}")).await, "+OK Success\n");
    line.execute("bridge", &dial(LEG, ",ustredna_call_id=C1"), "b1").await;
    let bridged = line.event("CHANNEL_BRIDGE").await;
    assert_eq!(bridged.get("Bridge-B-Unique-ID"), Some(LEG));
    assert_eq!(bridged.get("Other-Leg-Unique-ID"), Some(LEG));
    let parted = line.event("CHANNEL_UNBRIDGE").await;
    let talk = parted.time() - bridged.time();
    assert!((2_900_000..3_300_000).contains(&talk), "{talk}");
    assert_eq!(line.event("CHANNEL_HANGUP").await.get("Hangup-Cause"), Some("NORMAL_CLEARING"));
    let done = line.completed("b1").await;
    assert_eq!(done.variable("originate_disposition"), Some("SUCCESS"));
    assert_eq!(done.variable("bridge_uuid"), Some(LEG));
    let stopped = line.event("RECORD_STOP").await;
    assert_eq!(stopped.get("Record-Completion-Cause"), Some("success-silence"));
    line.event("CHANNEL_HANGUP_COMPLETE").await;
    let (a, b) = (format!("a_{uuid}.cdr.json"), format!("{LEG}.cdr.json"));
    let shopper = shopper.await.unwrap();
    assert_eq!(shopper.ended(), Some((200, "NORMAL_CLEARING")));
    for file in [a, b] {
        let text = std::fs::read_to_string(folder.path().join(&file)).unwrap();
        let cdr: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(cdr["variables"]["hangup_cause"], "NORMAL_CLEARING", "{file}");
        let billed = cdr["variables"]["billsec"].as_str().unwrap().parse::<u64>().unwrap();
        assert!(billed > 2, "{file}");
    }
    let wav = hound::WavReader::open(&file).unwrap();
    assert_eq!(wav.spec().channels, 2);
    let frames = u64::from(wav.duration());
    assert!(frames.abs_diff(talk * 8 / 1000) < 8, "{frames} frames, {talk} us");
    let rung = switch.rung();
    assert_eq!((rung.len(), rung[0].shown.number.as_str()), (1, "+420777000111"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_goes_on_with_the_callers_call() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    for (callee, cause, status) in [
        (Callee::busy(), "USER_BUSY", "BUSY"),
        (Callee::rejects(603), "CALL_REJECTED", "DONTCALL"),
        (Callee::unallocated(), "UNALLOCATED_NUMBER", "UNALLOCATED_NUMBER"),
        (Callee::rings(), "NO_ANSWER", "NOANSWER"),
        (Callee::rejects(487), "ORIGINATOR_CANCEL", "CANCEL"),
    ] {
        switch.set_phone(DEALER, callee);
        let mut phone = switch.call(Invite::new(SHOPPER, HOTLINE));
        let mut line = controller.accept().await;
        line.take_over().await;
        line.execute("answer", "", "a1").await;
        line.execute("bridge", &dial(LEG, ""), "b1").await;
        let done = line.completed("b1").await;
        assert_eq!(done.variable("originate_disposition"), Some(cause));
        assert_eq!(done.variable("DIALSTATUS"), Some(status));
        assert_eq!(done.get("Answer-State"), Some("answered"));
        phone.hang_up();
        line.event("CHANNEL_HANGUP_COMPLETE").await;
        while phone.next().await.is_some() {}
    }
    assert_eq!(switch.legs(), 0);
}

/// What `play_and_get_digits` leaves, as tried on FreeSWITCH: the variable, `read_result` and
/// `read_terminator_used`.
#[tokio::test(start_paused = true)]
async fn digits_end_as_on_freeswitch() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let uuid = phone.leg().to_string();
    let mut line = controller.accept().await;
    line.take_over().await;
    line.execute("answer", "", "a").await;
    line.completed("a").await;
    for (at, (keys, digits, result, terminator)) in [
        ("123#", Some("123"), "success", Some("#")),
        ("12*", Some("12"), "success", Some("*")),
        ("45", Some("45"), "timeout", None),
        ("#", None, "failure", Some("#")),
        ("*", None, "failure", Some("*")),
        ("", None, "failure", None),
        ("12345", Some("123"), "success", None),
        // The surplus of the entry before.
        ("", Some("45"), "timeout", None),
    ]
    .into_iter()
    .enumerate()
    {
        let max = if keys == "12345" { 3 } else { 20 };
        let gather =
            format!("1 {max} 1 3000 #* silence_stream://500 silence_stream://10 g ^[0-9]+$ 1500");
        let id = format!("g{at}");
        let clear = format!("api uuid_setvar {uuid} read_terminator_used\n\n");
        line.send(&format!("{clear}{}", execute("play_and_get_digits", &gather, &id))).await;
        line.event("CHANNEL_EXECUTE").await;
        for key in keys.chars() {
            phone.press(key);
        }
        let done = line.completed(&id).await;
        assert_eq!(done.variable("g"), digits, "{keys}");
        assert_eq!(done.variable("read_result"), Some(result), "{keys}");
        assert_eq!(done.variable("read_terminator_used"), terminator, "{keys}");
    }
    line.execute(
        "play_and_get_digits",
        "1 9 1 3000 # /no/such.wav silence_stream://10 g [0-9]+ 1500",
        "m",
    )
    .await;
    let done = line.completed("m").await;
    assert_eq!((done.variable("g"), done.variable("read_result")), (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_hangup_in_mid_entry_leaves_the_digits_and_says_success() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let mut line = controller.accept().await;
    line.take_over().await;
    line.execute(
        "play_and_get_digits",
        "1 9 1 3000 # silence_stream://10 silence_stream://10 g [0-9]+ 1500",
        "g",
    )
    .await;
    line.event("CHANNEL_EXECUTE").await;
    phone.press('1');
    phone.press('2');
    phone.hang_up();
    line.event("CHANNEL_HANGUP").await;
    let done = line.completed("g").await;
    assert_eq!(done.get("Answer-State"), Some("hangup"));
    assert_eq!((done.variable("g"), done.variable("read_result")), (Some("12"), Some("success")));
    for name in [
        "CHANNEL_UNPARK",
        "CHANNEL_EXECUTE_COMPLETE",
        "CHANNEL_STATE",
        "CHANNEL_STATE",
        "CHANNEL_HANGUP_COMPLETE",
    ] {
        assert_eq!(line.frame().await.event().name(), name);
    }
    let notice = line.frame().await;
    assert_eq!(
        (notice.kind(), notice.header("Content-Disposition")),
        ("text/disconnect-notice", "linger")
    );
    let notice = line.frame().await;
    assert_eq!(notice.header("Content-Disposition"), "disconnect");
    assert_eq!(notice.body.len(), 67);
    assert!(line.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_application_ends_the_call() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let mut phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let mut line = controller.accept().await;
    line.take_over().await;
    line.execute("frobnicate", "", "x").await;
    assert_eq!(
        line.event("CHANNEL_HANGUP").await.get("Hangup-Cause"),
        Some("DESTINATION_OUT_OF_ORDER")
    );
    let mut last = None;
    while let Some(seen) = phone.next().await {
        last = Some(seen.sight);
    }
    let cause = "DESTINATION_OUT_OF_ORDER".to_owned();
    assert_eq!(last, Some(Sight::Ended { code: 502, cause }));
}

/// A dealer who calls back is not answered before the shopper is; the recording starts then.
#[tokio::test(start_paused = true)]
async fn an_unanswered_caller_rings_and_is_recorded_from_the_answer_on() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("back.wav");
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    switch.set_phone(DEALER, Callee::answers(Duration::from_secs(3)));
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let uuid = phone.leg().to_string();
    let dealer = tokio::spawn(Script::new().talks(Duration::from_secs(9)).run(phone));
    let mut line = controller.accept().await;
    line.take_over().await;
    let record =
        format!("api uuid_setvar {uuid} execute_on_answer record_session {}\n\n", file.display());
    let swap = format!(
        "api uuid_setvar_multi {uuid} RECORD_STEREO_SWAP=true;RECORD_HANGUP_ON_ERROR=true;sensitive_dtmf=\n\n"
    );
    line.send(&format!(
        "{swap}{record}{}{}",
        execute("ring_ready", "", "r"),
        execute("bridge", &dial(LEG, ""), "b")
    ))
    .await;
    let mut names = Vec::new();
    loop {
        let frame = line.frame().await;
        if frame.kind() == "text/event-plain" {
            let event = frame.event();
            let application = event.get("Application").unwrap_or_default();
            names.push(format!("{} {application}", event.name()).trim().to_owned());
            if event.name() == "CHANNEL_BRIDGE" {
                break;
            }
        }
    }
    let from = names.iter().position(|name| name == "CHANNEL_ANSWER").unwrap();
    assert_eq!(
        names[from..],
        [
            "CHANNEL_ANSWER",
            "CHANNEL_EXECUTE record_session",
            "RECORD_START",
            "CHANNEL_EXECUTE_COMPLETE record_session",
            "CHANNEL_BRIDGE"
        ]
    );
    line.event("CHANNEL_HANGUP_COMPLETE").await;
    let dealer = dealer.await.unwrap();
    let sights: Vec<_> = dealer.seen.iter().map(|seen| seen.sight.clone()).collect();
    assert_eq!(sights[..3], [Sight::Ringing, Sight::Answered, Sight::Talking]);
    let mut wav = hound::WavReader::open(&file).unwrap();
    assert!((2.9..3.3).contains(&(f64::from(wav.duration()) / 8000.0)));
    assert!(wav.samples::<i16>().any(|sample| sample.unwrap() != 0));
}

#[tokio::test(start_paused = true)]
async fn a_recording_that_cannot_start_ends_the_call_before_anybody_talks() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    switch.set_phone(DEALER, Callee::answers(Duration::from_secs(3)));
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let uuid = phone.leg().to_string();
    let mut line = controller.accept().await;
    line.take_over().await;
    let path = folder.path().join("file/talk.wav").display().to_string();
    assert_eq!(line.api(&format!("uuid_setvar_multi {uuid} RECORD_HANGUP_ON_ERROR=true;execute_on_answer=record_session {path}")).await, "+OK\n");
    line.execute("bridge", &dial(LEG, ""), "b").await;
    assert_eq!(
        line.event("CHANNEL_HANGUP").await.get("Hangup-Cause"),
        Some("DESTINATION_OUT_OF_ORDER")
    );
    let done = line.completed("b").await;
    assert_eq!(done.variable("originate_disposition"), Some("ORIGINATOR_CANCEL"));
    assert_eq!(done.variable("record_completion_cause"), Some("uri-failure"));
    drop(phone);
}

#[tokio::test(start_paused = true)]
async fn a_recording_outlives_a_failed_bridge_until_it_is_stopped() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("one.wav");
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    switch.set_phone(DEALER, Callee::busy());
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let uuid = phone.leg().to_string();
    let mut line = controller.accept().await;
    line.take_over().await;
    line.execute("answer", "", "a").await;
    line.completed("a").await;
    let start = format!("uuid_record {uuid} start {}", file.display());
    assert_eq!(line.api(&start).await, "+OK Success\n");
    assert_eq!(line.api(&start).await, "+OK Success\n");
    line.execute("bridge", &dial(LEG, ""), "b").await;
    line.completed("b").await;
    assert!(file.exists());
    line.send(&format!("api uuid_record {uuid} stop {}\n\n", file.display())).await;
    assert_eq!(line.event("RECORD_STOP").await.get("Record-Completion-Cause"), Some("empty-file"));
    assert_eq!(line.reply().await.text(), "+OK Success\n");
    assert!(!file.exists());
    assert_eq!(
        line.api(&format!("uuid_record {uuid} stop all")).await,
        "-ERR Cannot stop record session!\n"
    );
    assert_eq!(
        line.api(&format!("uuid_record {LEG} start x.wav")).await,
        "-ERR Cannot locate session!\n"
    );
    assert_eq!(
        line.api(&format!("uuid_record {uuid} start /dev/null/x.wav")).await,
        "-ERR Cannot record session!\n"
    );
    drop(phone);
}

#[tokio::test(start_paused = true)]
async fn keys_pass_in_a_bridge_unless_they_are_sensitive() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let mut phones = switch.attend(DEALER);
    let mut phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let uuid = phone.leg().to_string();
    let mut line = controller.accept().await;
    line.take_over().await;
    line.execute("answer", "", "a").await;
    line.execute("bridge", &dial(LEG, ""), "b").await;
    let mut dealer = phones.recv().await.unwrap();
    assert_eq!(dealer.shown().unwrap().number, "+420777000111");
    dealer.answer();
    line.event("CHANNEL_BRIDGE").await;
    phone.press('1');
    line.send(&format!("api uuid_setvar {uuid} sensitive_dtmf\n\n")).await;
    line.reply().await;
    phone.press('2');
    assert_eq!(line.event("DTMF").await.get("DTMF-Digit"), Some("2"));
    dealer.press('#');
    let mut heard = Vec::new();
    while heard.last() != Some(&Sight::Key('2')) {
        heard.push(dealer.next().await.unwrap().sight);
    }
    assert!(!heard.contains(&Sight::Key('1')));
    while phone.next().await.unwrap().sight != Sight::Key('#') {}
    dealer.hang_up();
    line.event("CHANNEL_HANGUP_COMPLETE").await;
}
