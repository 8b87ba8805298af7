use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::frame::Framer;

fn message(text: &str) -> Result<Message, ParseError> {
    let mut buffer = BytesMut::from(text);
    let limits = FrameLimits::default();
    let frame = Framer::new(limits).next_frame(&mut buffer).unwrap().unwrap();
    assert!(buffer.is_empty());
    Message::parse(frame, &limits)
}

#[test]
fn replies() {
    for (text, ok, rest) in [
        ("+OK will linger 10 seconds", true, "will linger 10 seconds"),
        ("+OK", true, ""),
        ("-ERR command not found", false, "command not found"),
        ("_undef_", true, "_undef_"),
    ] {
        let frame = format!("Content-Type: command/reply\nReply-Text: {text}\n\n");
        let Ok(Message::Reply(reply)) = message(&frame) else { panic!("{text}") };
        assert_eq!((reply.ok, reply.text.as_str()), (ok, rest));
    }
    let Ok(Message::Reply(job)) = message(
        "Content-Type: command/reply\nReply-Text: +OK Job-UUID: 7f4db78a\nJob-UUID: 7f4db78a\n\n",
    ) else {
        panic!("a job's reply")
    };
    assert_eq!(job.header("Job-UUID").unwrap(), "7f4db78a");
    assert_eq!(format!("{job:?}"), "Reply(ok: true, refusal: \"\")");
}

#[test]
fn connect() {
    let Ok(Message::Connect(event)) = message(
        "Event-Name: CHANNEL_DATA\nUnique-ID: ee067b11-8021-4b48-a0f9-8cb0b822be37\n\
         variable_sip_from_user: %2B420601123456\nContent-Type: command/reply\n\
         Reply-Text: %2BOK%0A\nSocket-Mode: async\nControl: full\n\n",
    ) else {
        panic!("a connect reply")
    };
    assert_eq!(event.variable("sip_from_user").unwrap(), "+420601123456");
    assert_eq!(event.header("Reply-Text").unwrap(), "+OK\n");
    assert_eq!(event.header("Socket-Mode").unwrap(), "async");
}

#[test]
fn api_responses() {
    for (body, ok, text) in [
        ("+OK\n", true, ""),
        ("-ERR No such channel!\n", false, "No such channel!"),
        ("-USAGE: <uuid> <var>\n", false, "<uuid> <var>"),
        ("false", true, "false"),
    ] {
        let length = body.len();
        let frame = format!("Content-Type: api/response\nContent-Length: {length}\n\n{body}");
        let Ok(Message::Api(response)) = message(&frame) else { panic!("{body}") };
        assert_eq!((response.ok(), response.text().as_str()), (ok, text));
        assert_eq!(response.body(), body);
        assert_eq!(format!("{response:?}"), format!("ApiResponse(ok: {ok}, {length} bytes)"));
    }
}

#[test]
fn notices() {
    let notice = |rest: &str| message(&format!("Content-Type: text/disconnect-notice\n{rest}"));
    let linger = |seconds| Ok(Message::Disconnect(DisconnectNotice::Linger { seconds }));
    let gone = Ok(Message::Disconnect(DisconnectNotice::Disconnected));
    let disposition = "Content-Disposition: linger\nContent-Length: 0";
    assert_eq!(notice(&format!("{disposition}\nLinger-Time: 10\n\n")), linger(Some(10)));
    assert_eq!(notice(&format!("{disposition}\nLinger-Time: -1\n\n")), linger(None));
    assert_eq!(notice("Content-Disposition: disconnect\nContent-Length: 3\n\nBye"), gone);
    assert_eq!(notice("Content-Length: 3\n\nBye"), gone);
    assert_eq!(message("Content-Type: auth/request\n\n"), Ok(Message::AuthRequest));
    let rude = "Content-Type: text/rude-rejection\nContent-Length: 6\n\nNo way";
    assert_eq!(message(rude), Ok(Message::RudeRejection));
}

#[test]
fn violations() {
    for (text, error) in [
        ("Reply-Text: +OK\n\n", ParseError::MissingContentType),
        ("Content-Type: log/data\n\n", ParseError::UnknownContentType),
        ("Content-Type: command/reply\n\n", ParseError::MissingReplyText),
        ("Event-Name: CHANNEL_DATA\nContent-Type: command/reply\n\n", ParseError::MissingReplyText),
        ("Content-Type: text/event-plain\n\n", ParseError::MissingBody),
        ("Content-Type: text/event-json\n\n", ParseError::MissingBody),
        ("Content-Type: api/response\n\n", ParseError::MissingBody),
        ("Content-Type: auth/request\nX\n\n", ParseError::MalformedHeader { at: 27 }),
    ] {
        assert_eq!(message(text), Err(error), "{text:?}");
    }
}

proptest! {
    #[test]
    fn no_frame_panics(
        kind in prop_oneof![
            Just("command/reply\nReply-Text: "), Just("api/response\nX: "),
            Just("text/event-plain\nX: "), Just("text/event-json\nX: "), Just("")
        ],
        head in proptest::collection::vec(any::<u8>(), 0..60),
        body in proptest::option::of(prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            r#"[{}\[\]",:a%0-9\n ]{0,80}"#.prop_map(String::into_bytes),
        ]),
    ) {
        let head = [b"Content-Type: ", kind.as_bytes(), &head].concat();
        let frame = Frame { head: head.into(), body: body.map(Bytes::from) };
        if let Ok(Message::Event(event)) = Message::parse(frame, &FrameLimits::default()) {
            prop_assert_eq!(event.iter().count(), event.header_count());
            let _ = (event.unique_id(), event.application_uuid(), event.array("a").count());
        }
    }
}
