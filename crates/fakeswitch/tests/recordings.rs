//! What is recorded, and what is left when it cannot be.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::{path::Path, time::Duration};

use common::{Controller, DEALER, HOTLINE, LEG, Line, SHOPPER, dial, switch};
use fakeswitch::{Callee, Faults, Invite, Phone, RecordingFault, Switch};
use tempfile::tempdir;

mod common;

const SECOND: Duration = Duration::from_secs(1);

/// An answered caller in a talk with the dealer, who hangs up after so long; recorded to this path.
async fn recorded_talk(
    switch: &Switch,
    controller: &Controller,
    variables: &str,
    path: &str,
    talk: Duration,
) -> (Phone, Line) {
    switch.set_phone(DEALER, Callee::answers(talk));
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    phone.voice(Some(400));
    let uuid = phone.leg();
    let mut line = controller.accept().await;
    line.take_over().await;
    line.api(&format!("uuid_setvar_multi {uuid} {variables}")).await;
    line.execute("answer", "", "a").await;
    line.completed("a").await;
    assert_eq!(line.api(&format!("uuid_record {uuid} start {path}")).await, "+OK Success\n");
    line.execute("bridge", &dial(LEG, ""), "b").await;
    line.event("CHANNEL_BRIDGE").await;
    (phone, line)
}

fn frames(path: &Path) -> u32 {
    hound::WavReader::open(path).unwrap().duration()
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

/// As tried on FreeSWITCH: without RECORD_HANGUP_ON_ERROR the recording goes on in vain until the end,
/// which alone tells of it.
#[tokio::test(start_paused = true)]
async fn a_full_disk_ends_the_call_when_it_is_told_to() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let recording = Some(RecordingFault::DiskFull { after_bytes: 44 + 3 * 32_000 });
    switch.set_faults(Faults { recording, ..Faults::default() });
    for (strict, cause, ends) in [
        ("true", "DESTINATION_OUT_OF_ORDER", 3_000_000..3_050_000),
        ("", "NORMAL_CLEARING", 29_900_000..30_200_000),
    ] {
        let file = folder.path().join(format!("x{strict}.wav"));
        let path = file.display().to_string();
        let variables = format!("RECORD_HANGUP_ON_ERROR={strict}");
        let (phone, mut line) =
            recorded_talk(&switch, &controller, &variables, &path, 30 * SECOND).await;
        let talks = tokio::time::Instant::now();
        assert_eq!(line.event("CHANNEL_HANGUP").await.get("Hangup-Cause"), Some(cause));
        let after = talks.elapsed().as_micros();
        assert!(ends.contains(&after), "{after}");
        let stopped = line.event("RECORD_STOP").await;
        assert_eq!(stopped.get("Record-Completion-Cause"), Some("uri-failure"));
        assert_eq!(stopped.variable("record_ms"), Some("3000"));
        line.event("CHANNEL_HANGUP_COMPLETE").await;
        assert_eq!(std::fs::metadata(&file).unwrap().len(), 44 + 3 * 32_000);
        drop(phone);
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_recording_is_deleted_only_when_it_must_be_longer() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    for (least, cause, discarded) in [
        ("", "success-silence", None),
        ("0", "success-silence", None),
        ("3", "input-too-short", Some("true")),
    ] {
        let file = folder.path().join(format!("short{least}.wav"));
        let path = file.display().to_string();
        let variables = format!("RECORD_MIN_SEC={least}");
        let (phone, mut line) =
            recorded_talk(&switch, &controller, &variables, &path, SECOND).await;
        let stopped = line.event("RECORD_STOP").await;
        assert_eq!(stopped.get("Record-Completion-Cause"), Some(cause));
        assert_eq!(stopped.variable("RECORD_DISCARDED"), discarded);
        assert_eq!(stopped.variable("record_ms"), Some("1000"));
        assert_eq!(file.exists(), discarded.is_none());
        line.event("CHANNEL_HANGUP_COMPLETE").await;
        drop(phone);
    }
}

#[tokio::test(start_paused = true)]
async fn a_recording_that_is_stopped_holds_whole_frames_and_has_reached_its_limit() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let file = folder.path().join("talk.wav");
    let path = file.display().to_string();
    let (phone, mut line) = recorded_talk(&switch, &controller, "a=b", &path, 30 * SECOND).await;
    tokio::time::sleep(Duration::from_millis(1011)).await;
    // Who falls silent within a frame does so with the next.
    phone.voice(None);
    tokio::time::sleep(Duration::from_millis(8)).await;
    line.send(&format!("api uuid_record {} stop {path}\n\n", phone.leg())).await;
    let stopped = line.event("RECORD_STOP").await;
    assert_eq!(stopped.get("Record-Completion-Cause"), Some("success-maxtime"));
    assert_eq!(stopped.get("Answer-State"), Some("answered"));
    assert_eq!(frames(&file), 8000);
}

/// The path is then known by the whole of it.
#[tokio::test(start_paused = true)]
async fn a_relative_path_is_one_below_the_sounds() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let variables = format!("sound_prefix={}", folder.path().display());
    let (phone, mut line) =
        recorded_talk(&switch, &controller, &variables, "rel/talk.wav", 30 * SECOND).await;
    let uuid = phone.leg();
    tokio::time::sleep(SECOND).await;
    let refused = line.api(&format!("uuid_record {uuid} stop rel/talk.wav")).await;
    assert_eq!(refused, "-ERR Cannot stop record session!\n");
    line.send(&format!("api uuid_record {uuid} stop all\n\n")).await;
    let file = folder.path().join("rel/talk.wav");
    let stopped = line.event("RECORD_STOP").await;
    assert_eq!(stopped.get("Record-File-Path"), file.to_str());
    assert_eq!(frames(&file), 8000);
}
