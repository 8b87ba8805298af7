//! Controllers that are lost, switches that end, faults on demand.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::{path::Path, time::Duration};

use common::{Controller, Line, execute, switch};
use fakeswitch::{
    Callee, Config, Fate, Faults, Invite, Phone, RecordingFault, Script, Sight, Switch, WireFault,
};
use hound::{SampleFormat, WavSpec, WavWriter};
use tempfile::tempdir;

mod common;

const SHOPPER: &str = "+420601123456";
const HOTLINE: &str = "234234399";
const DEALER: &str = "+420234567890";
const LEG: &str = "5a0c6f0e-9c0d-4e0f-8a0b-0123456789ab";
const BRIDGE: &str = "{origination_uuid=5a0c6f0e-9c0d-4e0f-8a0b-0123456789ab,\
    ignore_early_media=true,originate_timeout=30}sofia/gateway/carrier/+420234567890";

/// A second of a prompt.
fn apology(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("apology.wav");
    let spec = WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut writer = WavWriter::create(&path, spec).unwrap();
    for _ in 0..8000 {
        writer.write_sample(0_i16).unwrap();
    }
    writer.finalize().unwrap();
    path
}

async fn apologising(controller: &Controller, folder: &Path) -> Switch {
    Switch::start(Config {
        controllers: vec![controller.address()],
        apology: Some(apology(folder)),
        cdr_dir: Some(folder.to_owned()),
        ..Config::default()
    })
    .await
    .unwrap()
}

async fn rest(mut phone: Phone) -> Vec<Sight> {
    let mut sights = Vec::new();
    while let Some(seen) = phone.next().await {
        sights.push(seen.sight);
    }
    sights
}

fn hears_the_apology(sights: &[Sight]) -> bool {
    sights.iter().any(|sight| matches!(sight, Sight::Hears(path) if path.ends_with("apology.wav")))
}

#[tokio::test(start_paused = true)]
async fn without_a_controller_the_caller_hears_the_apology_unanswered() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = apologising(&controller, folder.path()).await;
    drop(controller);
    let sights = rest(switch.call(Invite::new(SHOPPER, HOTLINE))).await;
    assert_eq!(sights[0], Sight::EarlyMedia);
    assert!(hears_the_apology(&sights));
    let cause = "NORMAL_TEMPORARY_FAILURE".to_owned();
    assert_eq!(sights.last(), Some(&Sight::Ended { code: 503, cause }));
}

#[tokio::test(start_paused = true)]
async fn the_next_controller_takes_the_call_when_the_first_is_away() {
    let (away, there) = (Controller::start().await, Controller::start().await);
    let controllers = vec![away.address(), there.address()];
    drop(away);
    let switch = Switch::start(Config { controllers, ..Config::default() }).await.unwrap();
    let _phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    assert_eq!(there.accept().await.take_over().await.variable("sip_from_user"), Some(SHOPPER));
}

/// Lost in a gather: with `socket_resume` the apology comes at once, without it when the gather has
/// ended.
#[tokio::test(start_paused = true)]
async fn a_controller_lost_in_a_gather_is_apologised_for() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = apologising(&controller, folder.path()).await;
    for (resumes, at_least, at_most) in [(true, 0, 100), (false, 4900, 5200)] {
        let mut phone = switch.call(Invite::new(SHOPPER, HOTLINE));
        let mut line = controller.accept().await;
        line.take_over().await;
        if !resumes {
            line.clear_resume(&phone.leg().to_string()).await;
        }
        line.execute("answer", "", "a").await;
        let gather = "1 9 1 4000 # silence_stream://1000 /no/such.wav g [0-9]+ 1500";
        line.execute("play_and_get_digits", gather, "g").await;
        while line.event("CHANNEL_EXECUTE").await.get("Application-UUID") != Some("g") {}
        let lost = tokio::time::Instant::now();
        drop(line);
        while !matches!(phone.next().await.unwrap().sight, Sight::Hears(_)) {}
        let after = lost.elapsed().as_millis();
        assert!((at_least..=at_most).contains(&after), "{after} ms");
        let cause = "NORMAL_TEMPORARY_FAILURE".to_owned();
        assert_eq!(rest(phone).await.last(), Some(&Sight::Ended { code: 200, cause }));
    }
}

/// Lost in a bridge: with `socket_resume` cleared the talk goes on and both CDRs are written.
#[tokio::test(start_paused = true)]
async fn a_talk_outlives_its_controller_unless_it_is_to_resume() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = apologising(&controller, folder.path()).await;
    switch.set_phone(DEALER, Callee::answers(Duration::from_secs(20)));
    for (resumes, least, most) in [(false, 19.5, 20.5), (true, 1.9, 2.2)] {
        let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
        let uuid = phone.leg().to_string();
        let shopper = tokio::spawn(Script::new().talks(Duration::from_mins(1)).run(phone));
        let mut line = controller.accept().await;
        line.take_over().await;
        if !resumes {
            line.clear_resume(&uuid).await;
        }
        let file = folder.path().join(format!("{resumes}.wav"));
        line.execute("answer", "", "a").await;
        line.completed("a").await;
        line.api(&format!("uuid_record {uuid} start {}", file.display())).await;
        line.execute("bridge", BRIDGE, "b").await;
        line.event("CHANNEL_BRIDGE").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        drop(line);
        let transcript = shopper.await.unwrap();
        assert_eq!(transcript.ended(), Some((200, "NORMAL_CLEARING")));
        let talk = f64::from(hound::WavReader::open(&file).unwrap().duration()) / 8000.0;
        assert!((least..most).contains(&talk), "{talk} s");
        for file in [format!("a_{uuid}.cdr.json"), format!("{LEG}.cdr.json")] {
            assert!(folder.path().join(file).exists());
        }
    }
}

/// Two applications without event-lock: the second runs inside the first.
#[tokio::test(start_paused = true)]
async fn event_lock_keeps_applications_one_behind_the_other() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    for (lock, order) in [(true, ["one", "two"]), (false, ["two", "one"])] {
        let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
        let mut line = controller.accept().await;
        line.take_over().await;
        line.execute("answer", "", "a").await;
        line.completed("a").await;
        for (uuid, millis) in [("one", 1000), ("two", 100)] {
            let command = execute("playback", &format!("silence_stream://{millis}"), uuid);
            let command = if lock { command } else { command.replace("event-lock: true\n", "") };
            line.send(&command).await;
            while line.event("CHANNEL_EXECUTE").await.get("Application-UUID") != Some(uuid) {
                assert!(lock);
            }
            if lock {
                line.completed(uuid).await;
            }
        }
        if !lock {
            for uuid in order {
                let done = line.event("CHANNEL_EXECUTE_COMPLETE").await;
                assert_eq!(done.get("Application-UUID"), Some(uuid));
            }
        }
        phone.hang_up();
        line.event("CHANNEL_HANGUP_COMPLETE").await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_257th_command_in_the_queue_drops_the_connection() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let mut line = controller.accept().await;
    line.take_over().await;
    line.clear_resume(&phone.leg().to_string()).await;
    line.execute("playback", "silence_stream://60000", "p").await;
    line.event("CHANNEL_EXECUTE").await;
    line.send(&execute("unset", "x", "u").repeat(256)).await;
    for _ in 0..256 {
        assert_eq!(line.reply().await.header("Reply-Text"), "+OK");
    }
    line.execute("unset", "x", "u").await;
    assert_eq!(line.frame().await.header("Content-Disposition"), "disconnect");
    assert!(line.next().await.is_none());
}

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
async fn stop_ends_calls_with_their_records_and_leaves_nothing() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = switch(&controller, Some(folder.path())).await;
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let uuid = phone.leg().to_string();
    let mut line = controller.accept().await;
    line.take_over().await;
    let reading = tokio::spawn(async move { while line.next().await.is_some() {} });
    switch.stop().await;
    reading.await.unwrap();
    assert_eq!((switch.legs(), switch.connections()), (0, 0));
    let text = std::fs::read_to_string(folder.path().join(format!("a_{uuid}.cdr.json"))).unwrap();
    assert!(text.contains("MANAGER_REQUEST"));
}

#[tokio::test(start_paused = true)]
async fn kill_breaks_everything_off() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = switch(&controller, Some(folder.path())).await;
    switch.set_phone(DEALER, Callee::answers(Duration::from_mins(1)));
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    phone.voice(Some(400));
    let uuid = phone.leg().to_string();
    let mut line = controller.accept().await;
    line.take_over().await;
    line.execute("answer", "", "a").await;
    line.completed("a").await;
    let file = folder.path().join("talk.wav");
    line.api(&format!("uuid_record {uuid} start {}", file.display())).await;
    line.execute("bridge", BRIDGE, "b").await;
    line.event("CHANNEL_BRIDGE").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    switch.kill();
    while line.next().await.is_some() {}
    assert_eq!((switch.legs(), switch.connections()), (0, 0));
    assert!(!folder.path().join(format!("a_{uuid}.cdr.json")).exists());
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.len() > 5 * 30_000, "the samples are there: {}", bytes.len());
    assert_eq!(bytes[40..44], [0; 4], "and the header knows nothing of them");
    drop(phone);
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
    let waited = tokio::time::timeout(Duration::from_mins(1), line.next()).await;
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

#[tokio::test(start_paused = true)]
async fn a_full_disk_ends_the_call_when_it_is_told_to() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    switch.set_phone(DEALER, Callee::answers(Duration::from_secs(30)));
    let recording = Some(RecordingFault::DiskFull { after_bytes: 44 + 3 * 32_000 });
    switch.set_faults(Faults { recording, ..Faults::default() });
    for (strict, cause) in [("true", "DESTINATION_OUT_OF_ORDER"), ("", "NORMAL_CLEARING")] {
        let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
        let uuid = phone.leg().to_string();
        let shopper = tokio::spawn(Script::new().talks(Duration::from_mins(1)).run(phone));
        let mut line = controller.accept().await;
        line.take_over().await;
        line.api(&format!("uuid_setvar_multi {uuid} RECORD_HANGUP_ON_ERROR={strict}")).await;
        line.execute("answer", "", "a").await;
        line.completed("a").await;
        let path = folder.path().join(format!("x{strict}.wav"));
        line.api(&format!("uuid_record {uuid} start {}", path.display())).await;
        line.execute("bridge", BRIDGE, "b").await;
        assert_eq!(line.event("CHANNEL_HANGUP").await.get("Hangup-Cause"), Some(cause));
        line.event("CHANNEL_HANGUP_COMPLETE").await;
        shopper.await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 44 + 3 * 32_000);
    }
}

#[tokio::test(start_paused = true)]
async fn the_own_event_socket_wants_its_password_and_knows_the_channels() {
    let controller = Controller::start().await;
    let switch = Switch::start(Config {
        controllers: vec![controller.address()],
        event_socket: Some("127.0.0.1:0".parse().unwrap()),
        ..Config::default()
    })
    .await
    .unwrap();
    let address = switch.event_socket().unwrap();
    let mut stranger = Line::dial(address).await;
    stranger.send("auth wrong\n\n").await;
    assert_eq!(stranger.reply().await.header("Reply-Text"), "-ERR invalid");
    let mut line = Line::dial(address).await;
    line.send("auth ClueCon\n\n").await;
    assert_eq!(line.reply().await.header("Reply-Text"), "+OK accepted");
    line.send("event plain CHANNEL_CREATE CHANNEL_DESTROY\n\nfilter Call-Direction inbound\n\n")
        .await;
    line.reply().await;
    assert_eq!(
        line.reply().await.header("Reply-Text"),
        "+OK filter added. [Call-Direction]=[inbound]"
    );
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let uuid = phone.leg().to_string();
    let created = line.event("CHANNEL_CREATE").await;
    assert_eq!(created.get("Unique-ID"), Some(uuid.as_str()));
    assert_eq!(line.api(&format!("uuid_exists {uuid}")).await, "true");
    let channels = line.api("show channels as json").await;
    let channels: serde_json::Value = serde_json::from_str(&channels).unwrap();
    assert_eq!(channels["rows"][0]["uuid"], uuid.as_str());
    assert_eq!(line.api(&format!("uuid_getvar {uuid} continue_on_fail")).await, "true");
    assert_eq!(line.api(&format!("uuid_getvar {uuid} no_such")).await, "_undef_");
    assert!(line.api(&format!("uuid_dump {uuid}")).await.contains("Answer-State: ringing\n"));
    assert_eq!(line.api("frobnicate").await, "-ERR frobnicate Command not found!\n");
    drop(phone);
    line.event("CHANNEL_DESTROY").await;
    let reply = line.api("show channels as json").await;
    assert_eq!(reply, "{\"row_count\": 0}\n");
}

#[tokio::test(start_paused = true)]
async fn a_number_of_no_plan_never_reaches_a_controller() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    for number in ["12", "abc", "*123", "1234567890123456"] {
        let sights = rest(switch.call(Invite::new(SHOPPER, number))).await;
        let cause = "UNALLOCATED_NUMBER".to_owned();
        assert_eq!(sights, [Sight::Ended { code: 404, cause }]);
    }
    assert_eq!(switch.connections(), 0);
}

/// A thousand calls at once, and nothing of them stays.
#[tokio::test(start_paused = true)]
async fn a_thousand_calls_at_once_go_through() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    switch.set_phone(DEALER, Callee::answers(Duration::from_secs(5)));
    let mut calls = Vec::new();
    for _ in 0..1000 {
        let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
        let mut line = controller.accept().await;
        calls.push(tokio::spawn(async move {
            let script = Script::new().talks(Duration::from_mins(1)).run(phone);
            let shopper = tokio::spawn(script);
            line.send("connect\n\nmyevents\n\n").await;
            line.execute("answer", "", "a").await;
            line.execute(
                "bridge",
                "{ignore_early_media=true}sofia/gateway/carrier/+420234567890",
                "b",
            )
            .await;
            line.completed("b").await;
            shopper.await.unwrap().ended().map(|(code, _)| code)
        }));
    }
    for call in calls {
        assert_eq!(call.await.unwrap(), Some(200));
    }
    switch.stop().await;
    assert_eq!((switch.legs(), switch.connections(), switch.rung().len()), (0, 0, 1000));
}
