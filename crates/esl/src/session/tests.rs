use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::captures::{self, Step};
use crate::command::{App, Arg};
use crate::frame::FrameLimits;

const CHANNEL: &str = "ee067b11-8021-4b48-a0f9-8cb0b822be37";

fn message(text: &str) -> Message {
    let frame = captures::frames(text.as_bytes()).remove(0);
    Message::parse(frame, &FrameLimits::default()).unwrap()
}

fn reply(text: &str) -> Message {
    message(&format!("Content-Type: command/reply\nReply-Text: {text}\n\n"))
}

fn api(text: &str) -> Message {
    message(&format!("Content-Type: api/response\nContent-Length: {}\n\n{text}", text.len()))
}

fn event(name: &str, unique_id: &str, uuid: Option<Uuid>) -> Message {
    let uuid = uuid.map(|uuid| format!("Application-UUID: {uuid}\n")).unwrap_or_default();
    let body = format!("Event-Name: {name}\nUnique-ID: {unique_id}\n{uuid}\n");
    let length = body.len();
    message(&format!("Content-Length: {length}\nContent-Type: text/event-plain\n\n{body}"))
}

fn own(name: &str) -> Message {
    event(name, CHANNEL, None)
}

fn complete(uuid: Uuid) -> Message {
    event("CHANNEL_EXECUTE_COMPLETE", CHANNEL, Some(uuid))
}

fn linger() -> Message {
    message(
        "Content-Type: text/disconnect-notice\nContent-Disposition: linger\nLinger-Time: 10\n\n",
    )
}

fn goodbye() -> Message {
    message("Content-Type: text/disconnect-notice\nContent-Length: 0\n\n")
}

fn playback(number: u128) -> Execute {
    Execute::new(App::Playback, Arg::new("a.wav").unwrap(), Uuid::from_u128(number))
}

fn connected() -> Session {
    let mut session = Session::new();
    session.send(&Command::Connect);
    let data = format!(
        "Event-Name: CHANNEL_DATA\nUnique-ID: {CHANNEL}\nContent-Type: command/reply\n\
         Reply-Text: %2BOK%0A\n\n"
    );
    session.handle_message(message(&data)).unwrap();
    assert!(matches!(session.poll_event(), Some(SessionEvent::Connected(_))));
    assert_eq!(session.channel().unwrap().to_string(), CHANNEL);
    assert_eq!(session.poll_transmit().unwrap(), "connect\n\n");
    session
}

/// What happened, in a line each.
fn told(session: &mut Session) -> Vec<String> {
    let number = |uuid: Uuid| uuid.as_u128();
    std::iter::from_fn(|| session.poll_event())
        .map(|told| match told {
            SessionEvent::Connected(_) => "connected".to_owned(),
            SessionEvent::Replied { id, reply } => match reply {
                Answer::Reply(reply) => format!("{}: reply {} {}", id.0, reply.ok, reply.text),
                Answer::Api(response) => format!("{}: api {}", id.0, response.text()),
                Answer::Lost(why) => format!("{}: lost {why:?}", id.0),
            },
            SessionEvent::Completed { uuid, completion } => match completion {
                Completion::Done(_) => format!("{}: done", number(uuid)),
                Completion::Abandoned(why) => format!("{}: abandoned {why:?}", number(uuid)),
            },
            SessionEvent::Event(event) => event.name().to_owned(),
            SessionEvent::AuthRequested => "auth requested".to_owned(),
            SessionEvent::Lingering { seconds } => format!("lingering {seconds:?}"),
            SessionEvent::Disconnected(how) => format!("disconnected {how:?}"),
        })
        .collect()
}

fn handle(session: &mut Session, messages: impl IntoIterator<Item = Message>) -> Vec<String> {
    for message in messages {
        session.handle_message(message).unwrap();
    }
    told(session)
}

#[test]
fn replies_go_to_their_commands_in_order() {
    let mut session = connected();
    session.send(&Command::Linger(10));
    session.send(&Command::api("status").unwrap());
    session.execute(playback(7));
    session.send(&Command::MyEvents);
    assert!(session.has_transmit());
    let transmitted = session.poll_transmit().unwrap();
    assert!(transmitted.starts_with(b"linger 10\n\napi status\n\nsendmsg\n"), "one write");
    assert!(transmitted.ends_with(b"myevents\n\n"));
    assert_eq!(session.poll_transmit(), None);
    assert!(!session.has_transmit());
    let told = handle(
        &mut session,
        [
            reply("+OK will linger"),
            api("UP"),
            reply("+OK"),
            reply("-ERR no"),
            complete(Uuid::from_u128(7)),
        ],
    );
    assert_eq!(told, ["2: reply true will linger", "3: api UP", "4: reply false no", "7: done"]);
}

#[test]
fn a_message_that_answers_nothing_is_a_violation() {
    let mut session = connected();
    assert_eq!(session.handle_message(reply("+OK")), Err(SessionError::UnexpectedReply));
    session.send(&Command::MyEvents);
    assert_eq!(session.handle_message(api("x")), Err(SessionError::UnexpectedApiResponse));
    let data = "Event-Name: CHANNEL_DATA\nContent-Type: command/reply\nReply-Text: %2BOK\n\n";
    let connect = session.handle_message(message(data));
    assert_eq!(connect, Err(SessionError::UnexpectedConnect));
    session.handle_eof();
    assert_eq!(told(&mut session), ["2: lost Eof", "disconnected Eof"]);
}

#[test]
fn a_refused_api_or_connect_is_replied_to() {
    let mut session = connected();
    session.send(&Command::api("x").unwrap());
    assert_eq!(
        handle(&mut session, [reply("-ERR permission denied")]),
        ["2: reply false permission denied"]
    );
    let mut session = Session::new();
    session.send(&Command::Connect);
    assert_eq!(handle(&mut session, [reply("-ERR no")]), ["1: reply false no"]);
}

#[test]
fn a_refused_execute_is_abandoned() {
    let mut session = connected();
    session.execute(playback(1));
    session.execute(playback(2));
    let told = handle(
        &mut session,
        [reply("+OK"), reply("-ERR memory error"), complete(Uuid::from_u128(2))],
    );
    assert_eq!(told, ["2: abandoned Refused", "CHANNEL_EXECUTE_COMPLETE"]);
}

#[test]
fn a_repeated_completion_is_an_event() {
    let mut session = connected();
    let uuid = session.execute(playback(1));
    let told =
        handle(&mut session, [reply("+OK"), complete(uuid), complete(uuid), complete(Uuid::nil())]);
    assert_eq!(told, ["1: done", "CHANNEL_EXECUTE_COMPLETE", "CHANNEL_EXECUTE_COMPLETE"]);
}

#[test]
fn the_running_execute_completes_after_the_hangup_and_the_queued_never() {
    let mut session = connected();
    let bridge = session.execute(playback(1));
    session.execute(playback(2));
    session.execute(playback(3));
    let accepted = [reply("+OK"), reply("+OK"), reply("+OK")];
    assert!(handle(&mut session, accepted).is_empty());
    let told = handle(&mut session, [own("CHANNEL_HANGUP")]);
    assert_eq!(told, ["CHANNEL_HANGUP", "2: abandoned Hangup", "3: abandoned Hangup"]);
    assert!(session.is_hung_up());
    assert_eq!(handle(&mut session, [complete(bridge)]), ["1: done"]);
    assert_eq!(handle(&mut session, [own("CHANNEL_HANGUP_COMPLETE")]), ["CHANNEL_HANGUP_COMPLETE"]);
}

#[test]
fn hangup_complete_abandons_the_last() {
    let mut session = connected();
    session.execute(playback(1));
    let messages = [reply("+OK"), own("CHANNEL_HANGUP"), own("CHANNEL_HANGUP_COMPLETE")];
    let told = handle(&mut session, messages);
    assert_eq!(told, ["CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "1: abandoned Hangup"]);
}

#[test]
fn the_linger_notice_may_overtake_the_last_events() {
    let mut session = connected();
    let running = session.execute(playback(1));
    session.execute(playback(2));
    assert_eq!(handle(&mut session, [linger()]), ["lingering Some(10)", "2: abandoned Hangup"]);
    assert!(session.is_hung_up());
    assert_eq!(handle(&mut session, [complete(running)]), ["1: done"]);
}

#[test]
fn without_event_lock_the_next_may_run_nested() {
    let mut session = connected();
    session.execute(Execute { event_lock: false, ..playback(1) });
    session.execute(playback(2));
    session.execute(playback(3));
    let told = handle(&mut session, [own("CHANNEL_HANGUP"), complete(Uuid::from_u128(2))]);
    assert_eq!(told, ["CHANNEL_HANGUP", "3: abandoned Hangup", "2: done"]);
}

#[test]
fn after_the_hangup_nothing_is_executed_and_commands_go_on() {
    let mut session = connected();
    handle(&mut session, [own("CHANNEL_HANGUP")]);
    session.execute(playback(1));
    assert_eq!(told(&mut session), ["1: abandoned Hangup"]);
    assert_eq!(session.poll_transmit(), None);
    session.send(&Command::Exit);
    assert_eq!(session.poll_transmit().unwrap(), "exit\n\n");
    assert_eq!(
        handle(&mut session, [reply("+OK bye"), goodbye()]),
        ["2: reply true bye", "disconnected Notice"]
    );
    session.handle_eof();
    session.send(&Command::Exit);
    assert_eq!(told(&mut session), ["3: lost Hangup"], "the end is told once");
    assert_eq!(session.poll_transmit(), None);
}

#[test]
fn another_channels_hangup_is_not_ours() {
    let mut session = connected();
    session.execute(playback(1));
    session.execute(playback(2));
    let other = event("CHANNEL_HANGUP_COMPLETE", "00000000-0000-0000-0000-000000000000", None);
    assert_eq!(handle(&mut session, [other]), ["CHANNEL_HANGUP_COMPLETE"]);
    assert!(!session.is_hung_up());
    let mut inbound = Session::new();
    assert_eq!(handle(&mut inbound, [own("CHANNEL_HANGUP")]), ["CHANNEL_HANGUP"]);
    assert!(!inbound.is_hung_up());
}

#[test]
fn deadlines() {
    // The only instant of these tests; the session has none of its own.
    #[expect(clippy::disallowed_methods, reason = "an instant cannot be made otherwise")]
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let mut session = connected();
    session.send_by(&Command::MyEvents, at(5));
    session.execute_by(playback(1), at(3));
    session.execute(playback(2));
    assert_eq!(session.poll_timeout(), Some(at(3)));
    session.handle_timeout(at(2));
    assert!(told(&mut session).is_empty());
    session.handle_timeout(at(3));
    assert_eq!(told(&mut session), ["1: abandoned Deadline"]);
    assert_eq!(session.poll_timeout(), Some(at(5)));
    session.handle_timeout(at(9));
    assert_eq!(told(&mut session), ["2: lost Deadline"]);
    assert_eq!(session.poll_timeout(), None);
    // The late reply still takes its place, so the next go to the right commands.
    session.send(&Command::MyEvents);
    let late = [reply("+OK late"), reply("-ERR late"), reply("+OK"), reply("+OK mine")];
    assert_eq!(handle(&mut session, late), ["3: reply true mine"]);
}

#[test]
fn the_queue_of_sendmsg_never_overflows() {
    let mut session = connected();
    for number in 0..257 {
        session.execute(playback(number));
    }
    assert_eq!(told(&mut session), ["256: abandoned Refused"]);
}

#[test]
fn an_inbound_client() {
    let mut session = Session::new();
    assert_eq!(
        handle(&mut session, [message("Content-Type: auth/request\n\n")]),
        ["auth requested"]
    );
    session.send(&Command::auth("ClueCon").unwrap());
    session.send(&Command::api("status").unwrap());
    assert_eq!(
        handle(&mut session, [reply("+OK accepted"), api("UP")]),
        ["1: reply true accepted", "2: api UP"]
    );
    let rude = message("Content-Type: text/rude-rejection\nContent-Length: 0\n\n");
    assert_eq!(handle(&mut Session::new(), [rude]), ["disconnected Rejected"]);
}

/// The controller's side of every capture, driven through the session.
#[test]
fn captures_as_transcripts() {
    for capture in captures::all() {
        let mut session = Session::new();
        let mut codec = crate::codec::EslCodec::default();
        let mut buffer = BytesMut::new();
        let mut executed = HashMap::new();
        let mut waiting = Vec::new();
        let (mut completed, mut abandoned, mut replied) = (0, Vec::new(), 0);
        let mut steps = capture.steps.iter();
        loop {
            match steps.next() {
                Some(Step::Controller(data)) => {
                    for frame in captures::frames(data) {
                        // The session on port 8021 also tries what this crate never sends; any
                        // other command stands in for the place in the order of replies.
                        let command = Command::parse(&frame.head).unwrap_or(Command::MyEvents);
                        if let Command::SendMsg(execute) = &command
                            && !session.is_hung_up()
                        {
                            executed.insert(execute.event_uuid, execute.app);
                            session.execute(execute.clone());
                        } else {
                            waiting.push(session.send(&command));
                        }
                    }
                }
                Some(Step::Switch(data)) => {
                    buffer.extend_from_slice(data);
                    while let Some(message) =
                        tokio_util::codec::Decoder::decode(&mut codec, &mut buffer).unwrap()
                    {
                        session.handle_message(message).unwrap();
                    }
                }
                None => session.handle_eof(),
            }
            while let Some(told) = session.poll_event() {
                match told {
                    SessionEvent::Completed { uuid, completion } => {
                        let app = executed.remove(&uuid).expect("completed once");
                        match completion {
                            Completion::Done(event) => {
                                assert_eq!(event.application_uuid(), Some(uuid));
                                assert_eq!(event.application().unwrap(), app.as_str());
                                completed += 1;
                            }
                            Completion::Abandoned(why) => abandoned.push((app, why)),
                        }
                    }
                    SessionEvent::Replied { id, reply } => {
                        assert_eq!(waiting.remove(0), id, "in order");
                        assert!(!matches!(reply, Answer::Lost(_)), "{}", capture.name);
                        replied += 1;
                    }
                    SessionEvent::Connected(_) => _ = waiting.remove(0),
                    SessionEvent::Event(_)
                    | SessionEvent::AuthRequested
                    | SessionEvent::Lingering { .. }
                    | SessionEvent::Disconnected(_) => {}
                }
            }
            if session.is_ended() && steps.len() == 0 {
                break;
            }
        }
        assert!(executed.is_empty() && waiting.is_empty(), "{}: everyone was told", capture.name);
        let (done, lost, answered): (usize, &[_], usize) = match capture.name.as_str() {
            "controller_lost_in_bridge" | "controller_lost_in_bridge_resume_on" => {
                (2, &[(App::Bridge, Why::Eof)], 4)
            }
            "controller_lost_in_prompt" | "controller_lost_in_prompt_resume_on" => {
                (1, &[(App::PlayAndGetDigits, Why::Eof)], 4)
            }
            "dealer_callback_answered"
            | "hotline_a_hangup_in_prompt"
            | "hotline_a_hangup_while_ringing" => (2, &[], 4),
            "dealer_callback_busy" | "dealer_callback_missed" => (5, &[], 4),
            // Its last prompt was sent after the hang-up: a command with a reply and no more.
            "hotline_a_answered" => (5, &[], 5),
            "inbound_session" => (0, &[], 12),
            _ => (7, &[], 4),
        };
        assert_eq!(
            (completed, abandoned.as_slice(), replied),
            (done, lost, answered),
            "{}",
            capture.name
        );
    }
}

#[derive(Debug, Clone)]
enum Move {
    Send,
    Api,
    Execute(bool, Option<u64>),
    Reply(bool),
    ApiResponse,
    Complete(usize),
    Message(u8),
    Timeout(u64),
    Eof,
}

proptest! {
    /// Whatever the peer does, in whatever order.
    #[test]
    fn everyone_is_told_exactly_once(steps in proptest::collection::vec(prop_oneof![
        3 => Just(Move::Send),
        3 => Just(Move::Api),
        6 => (any::<bool>(), proptest::option::of(0_u64..9)).prop_map(|(lock, by)| Move::Execute(lock, by)),
        8 => any::<bool>().prop_map(Move::Reply),
        4 => Just(Move::ApiResponse),
        6 => (0_usize..20).prop_map(Move::Complete),
        2 => (0_u8..5).prop_map(Move::Message),
        2 => (0_u64..9).prop_map(Move::Timeout),
        1 => Just(Move::Eof),
    ], 0..60)) {
        #[expect(clippy::disallowed_methods, reason = "an instant cannot be made otherwise")]
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut session = connected();
        let (mut ids, mut uuids) = (Vec::new(), Vec::new());
        let mut answers: HashMap<String, u32> = HashMap::new();
        let mut ends = 0;
        for step in steps.into_iter().chain([Move::Eof]) {
            // A violation changes nothing but the driver's mind.
            let _ = match step {
                Move::Send => { ids.push(session.send(&Command::MyEvents)); Ok(()) }
                Move::Api => {
                    ids.push(session.send_by(&Command::api("status").unwrap(), at(4)));
                    Ok(())
                }
                Move::Execute(event_lock, by) => {
                    let execute = Execute { event_lock, ..playback(uuids.len() as u128) };
                    uuids.push(match by {
                        Some(by) => session.execute_by(execute, at(by)),
                        None => session.execute(execute),
                    });
                    Ok(())
                }
                Move::Reply(ok) => session.handle_message(reply(if ok { "+OK" } else { "-ERR" })),
                Move::ApiResponse => session.handle_message(api("x")),
                Move::Complete(at) => session.handle_message(complete(Uuid::from_u128(at as u128))),
                Move::Message(which) => session.handle_message(match which {
                    0 => own("CHANNEL_HANGUP"),
                    1 => own("CHANNEL_HANGUP_COMPLETE"),
                    2 => linger(),
                    3 => goodbye(),
                    _ => own("DTMF"),
                }),
                Move::Timeout(seconds) => {
                    session.handle_timeout(at(seconds));
                    prop_assert!(session.poll_timeout().is_none_or(|next| next > at(seconds)));
                    Ok(())
                }
                Move::Eof => { session.handle_eof(); Ok(()) }
            };
            while let Some(told) = session.poll_event() {
                match told {
                    SessionEvent::Replied { id, .. } => *answers.entry(format!("{id:?}")).or_default() += 1,
                    SessionEvent::Completed { uuid, .. } => *answers.entry(uuid.to_string()).or_default() += 1,
                    SessionEvent::Disconnected(_) => ends += 1,
                    SessionEvent::Connected(_)
                    | SessionEvent::Event(_)
                    | SessionEvent::AuthRequested
                    | SessionEvent::Lingering { .. } => {}
                }
            }
        }
        prop_assert_eq!(ends, 1);
        prop_assert_eq!(answers.len(), ids.len() + uuids.len());
        prop_assert!(answers.values().all(|&times| times == 1), "{:?}", answers);
        prop_assert_eq!(session.poll_timeout(), None);
    }
}
