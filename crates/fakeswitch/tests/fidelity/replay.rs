//! A capture played again: its controller's commands and its phones' doings against the switch.

use std::time::Duration;

use fakeswitch::{Callee, Config, Invite, Phone, Script, Switch};

use crate::{
    capture::Sent,
    common::{Controller, Event, Frame, Line},
};

/// Where the captures' recordings went.
pub(crate) const RECORDINGS: &str = "/var/lib/freeswitch/recordings";

/// Who answers in a capture, as the scripts of the capturing run had it.
fn callee(name: &str) -> Script {
    let rings = Script::new().rings_for(Duration::from_secs(1));
    let talk = Duration::from_secs(4);
    match name {
        "hotline_a_busy" | "dealer_callback_busy" => rings.rejects(486),
        "hotline_a_notfound" => rings.rejects(404),
        "hotline_a_reject" => rings.rejects(603),
        "hotline_a_noanswer" | "dealer_callback_missed" | "hotline_a_hangup_while_ringing" => {
            Script::new().rings()
        }
        _ => rings.answers().talks(talk).hangs_up(),
    }
}

/// The variables that the capture's dialplan set: between these two of the first reply.
fn dialplan(data: &Event) -> Vec<(String, String)> {
    let mut variables = data.0.iter().filter_map(|(name, value)| {
        name.strip_prefix("variable_").map(|name| (name.to_owned(), value.clone()))
    });
    variables.find(|(name, _)| name == "call_uuid").unwrap();
    variables.take_while(|(name, _)| name != "current_application_data").collect()
}

fn invite(data: &Event) -> Invite {
    let variable = |name| data.variable(name).unwrap();
    let invite = Invite::new(variable("sip_from_user"), variable("sip_req_user"))
        .asserted(data.variable("sip_P-Asserted-Identity"));
    data.0
        .iter()
        .filter(|(name, _)| name.starts_with("variable_sip_h_"))
        .fold(invite, |invite, (name, value)| {
            invite.variable(name.trim_start_matches("variable_"), value)
        })
}

/// What the switch sends when it is told the same. UUIDs and folders are the capture's.
pub(crate) async fn outbound(name: &str, sent: &[Sent]) -> Vec<Frame> {
    let Some(Sent::Switch(first)) = sent.get(1) else { panic!("{name} begins otherwise") };
    let data = first.event();
    let uuid = data.get("Unique-ID").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = Switch::start(Config {
        controllers: vec![controller.address()],
        variables: dialplan(&data),
        ..Config::default()
    })
    .await
    .unwrap();
    for number in ["+420234567890", "+420601123456"] {
        switch.set_phone(number, Callee::Script(callee(name)));
    }
    let phone = switch.call(invite(&data));
    phone.voice(Some(400));
    let own = phone.leg().to_string();
    let path = folder.path().display().to_string();
    let mut line = controller.accept().await;
    let mut frames = Vec::new();
    let mut awaited = Vec::new();
    for step in sent {
        match step {
            Sent::Controller(command) => {
                // A command that the controller sent after a frame follows the same one here.
                reach(&mut line, &mut frames, &awaited).await;
                line.send(&command.replace(uuid, &own).replace(RECORDINGS, &path)).await;
            }
            Sent::Switch(frame) => {
                act(name, &phone, frame, &mut line, &mut frames, &awaited).await;
                awaited.push(frame.clone());
            }
        }
    }
    let ends = matches!(sent.last(), Some(Sent::Switch(frame)) if frame.header("Content-Disposition") == "disconnect");
    if ends {
        while let Some(frame) = line.next().await {
            frames.push(frame);
        }
    } else {
        reach(&mut line, &mut frames, &awaited).await;
    }
    let port = controller.address().port().to_string();
    let back = |text: &str| {
        text.replace(&own, uuid)
            .replace(&path, RECORDINGS)
            .replace(&format!("%3A{port}"), "%3A8084")
    };
    for frame in &mut frames {
        frame.body = back(&frame.text()).into_bytes();
        for (_, value) in &mut frame.headers {
            *value = back(value);
        }
    }
    drop(phone);
    frames
}

/// What a phone did just before the switch sent this.
async fn act(
    name: &str,
    phone: &Phone,
    frame: &Frame,
    line: &mut Line,
    frames: &mut Vec<Frame>,
    awaited: &[Frame],
) {
    let event = frame.event();
    let hangs_up = event.name() == "CHANNEL_HANGUP"
        && matches!(name, "hotline_a_hangup_in_prompt" | "hotline_a_hangup_while_ringing");
    if event.name() == "DTMF" {
        reach(line, frames, awaited).await;
        phone.press(event.get("DTMF-Digit").unwrap().chars().next().unwrap());
    } else if hangs_up {
        reach(line, frames, awaited).await;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        phone.hang_up();
    }
}

/// Reads until the frame that came last in the capture has come here as often as there.
async fn reach(line: &mut Line, frames: &mut Vec<Frame>, awaited: &[Frame]) {
    let Some(last) = awaited.last() else { return };
    let wanted = key(last);
    let times = awaited.iter().filter(|frame| key(frame) == wanted).count();
    // FreeSWITCH shows it when its threads happen to run so; nothing waits for it.
    if wanted == "CHANNEL_PARK" {
        return;
    }
    while frames.iter().filter(|frame| key(frame) == wanted).count() < times {
        frames.push(line.frame().await);
    }
}

/// Frames of one kind.
pub(crate) fn key(frame: &Frame) -> String {
    if frame.kind().starts_with("text/event") {
        let event = frame.event();
        let format = if frame.kind() == "text/event-plain" { "" } else { frame.kind() };
        let application = event.get("Application").unwrap_or_default();
        return format!("{format} {} {application}", event.name()).trim().to_owned();
    }
    format!("{} {}", frame.kind(), frame.header("Content-Disposition")).trim().to_owned()
}

/// The capture of FreeSWITCH's own event socket, played again.
pub(crate) async fn inbound(sent: &[Sent]) -> Vec<Frame> {
    let config = Config { event_socket: Some("127.0.0.1:0".parse().unwrap()), ..Config::default() };
    let switch = Switch::start(config).await.unwrap();
    let mut line = Line::dial(switch.event_socket().unwrap()).await;
    let mut frames = Vec::new();
    for step in sent {
        match step {
            Sent::Controller(command) => line.send(command).await,
            Sent::Switch(_) => frames.push(line.frame().await),
        }
    }
    assert!(line.next().await.is_none(), "it closes after exit");
    frames
}
