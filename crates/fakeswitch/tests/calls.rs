//! Calls over real TCP under a paused clock.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use common::{Controller, DEALER, HOTLINE, LEG, SHOPPER, dial, execute, rest, switch};
use fakeswitch::{Callee, Invite, Script, Sight};
use tempfile::tempdir;

mod common;

const SECOND: Duration = Duration::from_secs(1);

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
    assert_eq!(frames % 160, 0, "whole frames of 20 ms");
    assert!(frames.abs_diff(talk * 8 / 1000) < 160, "{frames} samples, {talk} us");
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
            // `execute_on_post_originate`.
            "CHANNEL_EXECUTE unset",
            "CHANNEL_EXECUTE_COMPLETE unset",
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

/// As tried on FreeSWITCH: early media that are ignored are no ringing; a caller who is to hear one needs
/// `ring_ready`.
#[tokio::test(start_paused = true)]
async fn an_unanswered_caller_is_told_of_a_180_only() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    for (early, sights) in [
        (false, vec![Sight::Ringing, Sight::Answered, Sight::Talking]),
        (true, vec![Sight::Answered, Sight::Talking]),
    ] {
        let callee = if early { Script::new().early_media() } else { Script::new() };
        let callee = if early { callee.waits(SECOND) } else { callee.rings_for(SECOND) };
        switch.set_phone(DEALER, callee.answers().talks(SECOND).hangs_up().into());
        let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
        let mut line = controller.accept().await;
        line.take_over().await;
        line.execute("bridge", &dial(LEG, ""), "b").await;
        line.event("CHANNEL_HANGUP_COMPLETE").await;
        assert_eq!(rest(phone).await[..sights.len()], sights);
    }
}

/// The callee's ringing and early media are the caller's progress, answered or not.
#[tokio::test(start_paused = true)]
async fn the_callees_progress_is_the_callers() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = switch(&controller, Some(folder.path())).await;
    let callee = Script::new().waits(SECOND).rings_for(SECOND).early_media().waits(SECOND);
    switch.set_phone(DEALER, callee.answers().talks(SECOND).hangs_up().into());
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let uuid = phone.leg();
    let mut line = controller.accept().await;
    line.take_over().await;
    line.execute("answer", "", "a").await;
    line.completed("a").await;
    line.execute("bridge", &dial(LEG, ""), "b").await;
    let bridged = line.event("CHANNEL_BRIDGE").await;
    for name in ["Channel-Progress-Time", "Channel-Progress-Media-Time"] {
        let own = bridged.get(&format!("Caller-{name}")).unwrap();
        assert_ne!(own, "0");
        assert_eq!(Some(own), bridged.get(&format!("Other-Leg-{name}")), "{name}");
    }
    line.event("CHANNEL_HANGUP_COMPLETE").await;
    let text = std::fs::read_to_string(folder.path().join(format!("a_{uuid}.cdr.json"))).unwrap();
    let cdr: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_ne!(cdr["variables"]["progress_uepoch"], "0");
    drop(phone);
}

/// A machine does not wait for anybody to listen.
#[tokio::test(start_paused = true)]
async fn a_voicemail_speaks_from_its_answer_on() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    switch.set_phone(DEALER, Callee::voicemail(SECOND, 5 * SECOND));
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    phone.voice(Some(400));
    let mut line = controller.accept().await;
    line.take_over().await;
    line.execute("answer", "", "a").await;
    line.execute("bridge", &dial(LEG, ""), "b").await;
    line.event("CHANNEL_BRIDGE").await;
    let bridged = tokio::time::Instant::now();
    line.event("CHANNEL_HANGUP_COMPLETE").await;
    // It began when it answered, a frame before the bridge.
    assert!(bridged.elapsed() < 5 * SECOND, "{:?}", bridged.elapsed());
    drop(phone);
}
