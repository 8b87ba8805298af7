//! Calls that go wrong, by themselves or on demand.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use common::{Controller, HOTLINE, LEG, SHOPPER, execute, rest, switch};
use fakeswitch::{Fate, Faults, Invite, RecordingFault, Sight, WireFault};
use tempfile::tempdir;
use tokio::time::{Instant, timeout};

mod common;

#[tokio::test(start_paused = true)]
async fn uuid_kill_ends_a_call_whatever_runs() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let uuid = phone.leg().to_string();
    let mut line = controller.accept().await;
    line.take_over().await;
    line.execute("playback", "silence_stream://60000", "p").await;
    line.event("CHANNEL_EXECUTE").await;
    line.send(&format!("api uuid_kill {uuid} USER_BUSY\n\n")).await;
    assert_eq!(line.event("CHANNEL_HANGUP").await.get("Hangup-Cause"), Some("USER_BUSY"));
    assert_eq!(line.completed("p").await.get("Answer-State"), Some("hangup"));
    assert_eq!(line.api(&format!("uuid_kill {LEG}")).await, "-ERR No such channel!\n");
    assert!(rest(phone).await.iter().any(|sight| matches!(sight, Sight::Ended { code: 486, .. })));
}

#[tokio::test(start_paused = true)]
async fn faults_come_where_they_are_ordered() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    // A completion that never comes: the next one does.
    let fate = WireFault::Completion { nth: 0, fate: Fate::Never };
    switch.set_faults(Faults { wire: vec![fate], ..Faults::default() });
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let mut line = controller.accept().await;
    line.take_over().await;
    line.send(&format!("{}{}", execute("answer", "", "a"), execute("unset", "x", "u"))).await;
    let done = line.event("CHANNEL_EXECUTE_COMPLETE").await;
    assert_eq!(done.get("Application-UUID"), Some("u"));
    drop(phone);
    // The connection breaks in the middle of the first reply; the channel goes on to the dialplan.
    let cut = WireFault::Cut { frame: 0, byte: 100 };
    switch.set_faults(Faults { wire: vec![cut], ..Faults::default() });
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let mut line = controller.accept().await;
    line.send("connect\n\n").await;
    assert!(line.next().await.is_none());
    assert!(matches!(rest(phone).await.last(), Some(Sight::Ended { code: 503, .. })));
    // Nobody answers `connect`.
    switch.set_faults(Faults { silent: true, ..Faults::default() });
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let mut line = controller.accept().await;
    line.send("connect\n\n").await;
    let waited = timeout(Duration::from_mins(1), line.next()).await;
    assert!(waited.is_err());
    drop(phone);
    assert!(line.next().await.is_none());
    // The recording does not start.
    let recording = Some(RecordingFault::CannotStart);
    switch.set_faults(Faults { recording, ..Faults::default() });
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let uuid = phone.leg().to_string();
    let mut line = controller.accept().await;
    line.take_over().await;
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.wav").display().to_string();
    let reply = line.api(&format!("uuid_record {uuid} start {path}")).await;
    assert_eq!(reply, "-ERR Cannot record session!\n");
}

/// It is the exchange's to say what is a number of its own.
#[tokio::test(start_paused = true)]
async fn whatever_is_dialled_reaches_a_controller() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    for number in ["12", "abc", "*123", "1234567890123456"] {
        let phone = switch.call(Invite::new(SHOPPER, number));
        let mut line = controller.accept().await;
        line.send("connect\n\n").await;
        let told = line.frame().await;
        assert_eq!(told.header("variable_sip_req_user"), number);
        drop(phone);
    }
}

/// For longer than clocks reach: the controller is listened to as one that lingers for a minute.
#[tokio::test(start_paused = true)]
async fn a_controller_may_linger_for_any_time() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let mut lines = Vec::new();
    for seconds in [60, u64::MAX / 1000 + 1, u64::MAX] {
        let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
        let mut line = controller.accept().await;
        line.send(&format!("connect\n\nlinger {seconds}\n\n")).await;
        line.frame().await;
        line.reply().await;
        drop(phone);
        while line.frame().await.header("Content-Disposition") != "linger" {}
        assert_eq!(line.api(&format!("uuid_exists {LEG}")).await, "false");
        lines.push(line);
    }
    assert_eq!((switch.legs(), switch.connections()), (0, 3));
    let began = Instant::now();
    timeout(Duration::from_mins(1), switch.stop()).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(switch.connections(), 0);
}
