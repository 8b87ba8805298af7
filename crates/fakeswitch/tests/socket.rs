//! What the event socket understands, and who listens.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use common::{Controller, HOTLINE, Line, SHOPPER, execute, switch};
use fakeswitch::{Config, Invite, Sight, Switch};

mod common;

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

/// As tried on FreeSWITCH: the first command is obeyed, its reply is lost, and without `connect` the
/// channel takes nothing of its queue.
#[tokio::test(start_paused = true)]
async fn a_first_command_other_than_connect_is_obeyed_without_a_reply() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let mut phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let mut line = controller.accept().await;
    line.send("myevents\n\n").await;
    line.execute("answer", "", "a").await;
    assert_eq!(line.frame().await.header("Reply-Text"), "+OK", "that of sendmsg");
    tokio::time::sleep(Duration::from_mins(1)).await;
    line.send("connect\n\n").await;
    assert_eq!(line.frame().await.event().get("Socket-Mode"), Some("async"));
    line.completed("a").await;
    let answered = phone.next().await.unwrap();
    assert_eq!(answered.sight, Sight::Answered);
    assert!(answered.after >= Duration::from_mins(1));
    phone.hang_up();
    // What a command itself writes comes.
    let _phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let mut line = controller.accept().await;
    assert!(line.api("version").await.starts_with("FreeSWITCH Version"));
    // An end as well, without a word more than goodbye.
    let _phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let mut line = controller.accept().await;
    line.send("exit\n\n").await;
    assert_eq!(line.frame().await.header("Content-Disposition"), "disconnect");
    assert!(line.next().await.is_none());
}

/// The replies as a FreeSWITCH gave them.
#[tokio::test(start_paused = true)]
async fn the_small_commands_answer_as_on_freeswitch() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let mut line = controller.accept().await;
    line.send("connect\n\n").await;
    line.frame().await;
    for (command, reply) in [
        ("getvar socket_resume", "true"),
        ("getvar nosuch", "-ERR command not found"),
        ("log 9x", "-ERR invalid log level"),
        ("log info", "+OK log level info [6]"),
        ("nolog", "+OK no longer logging"),
        ("nolog", "-ERR not loging"),
        ("divert_events", "-ERR missing value."),
        ("divert_events on", "+OK events diverted"),
        ("divert_events off", "+OK events not diverted"),
        ("noevents", "-ERR not listening for events"),
        ("filter", "-ERR command not found"),
        ("filter a", "-ERR invalid syntax"),
        ("filter Unique-ID x", "+OK filter added. [Unique-ID]=[x]"),
        ("filter delete Unique-ID", "+OK filter deleted. [Unique-ID][]"),
        ("myevents", "+OK Events Enabled"),
        ("myevents", "-ERR aready enabled."),
        ("noevents", "+OK no longer listening for events"),
        ("event", "-ERR no keywords supplied"),
        ("event json DTMF", "+OK event listener enabled json"),
        ("nixevent DTMF", "+OK events nixed"),
        ("linger 5", "+OK will linger 5 seconds"),
        ("linger", "+OK will linger"),
        ("nolinger", "+OK will not linger"),
        ("frobnicate", "-ERR command not found"),
        ("exit", "+OK bye"),
    ] {
        line.send(&format!("{command}\n\n")).await;
        assert_eq!(line.frame().await.header("Reply-Text"), reply, "{command}");
    }
    drop(phone);
}

#[tokio::test(start_paused = true)]
async fn who_listens_to_their_own_channel_hears_of_the_jobs_they_ordered() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let phones = [(); 2].map(|()| switch.call(Invite::new(SHOPPER, HOTLINE)));
    let (mut line, mut other) = (controller.accept().await, controller.accept().await);
    for line in [&mut line, &mut other] {
        line.take_over().await;
        line.send("event plain BACKGROUND_JOB\n\n").await;
        line.reply().await;
    }
    line.send("bgapi version\nJob-UUID: 1\n\n").await;
    assert_eq!(line.reply().await.header("Job-UUID"), "1");
    let done = line.event("BACKGROUND_JOB").await;
    assert_eq!((done.get("Job-UUID"), done.get("Job-Command")), (Some("1"), Some("version")));
    assert!(done.get("Job-Owner-UUID").is_some());
    other.send("noevents\n\n").await;
    while other.frame().await.kind() != "command/reply" {}
    drop(phones);
}

/// A controller that does not read is not listened to either, and misses nothing when it reads again.
#[tokio::test(start_paused = true)]
async fn a_controller_that_does_not_read_is_not_obeyed_meanwhile() {
    const EVENTS: usize = 400;
    let controller = Controller::start().await;
    let switch = Switch::start(Config {
        controllers: vec![controller.address()],
        event_socket: Some("127.0.0.1:0".parse().unwrap()),
        ..Config::default()
    })
    .await
    .unwrap();
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let uuid = phone.leg();
    let mut deaf = controller.accept().await;
    deaf.send("connect\n\nevent plain MESSAGE\n\n").await;
    deaf.reply().await;
    deaf.reply().await;
    let mut other = Line::dial(switch.event_socket().unwrap()).await;
    other.send("auth ClueCon\n\n").await;
    other.reply().await;
    let message = format!("sendevent MESSAGE\nContent-Length: 60000\n\n{}", "x".repeat(60_000));
    for _ in 0..EVENTS {
        other.send(&message).await;
        other.reply().await;
    }
    deaf.send(&format!("api uuid_setvar {uuid} obeyed yes\n\n")).await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    let obeyed = format!("uuid_getvar {uuid} obeyed");
    assert_eq!(other.api(&obeyed).await, "_undef_");
    for _ in 0..EVENTS {
        deaf.event("MESSAGE").await;
    }
    assert_eq!(deaf.reply().await.text(), "+OK\n");
    assert_eq!(other.api(&obeyed).await, "yes");
}
