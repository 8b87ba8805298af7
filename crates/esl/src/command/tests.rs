use std::time::Duration;

use proptest::prelude::*;

use super::*;

const CHANNEL: &str = "ee067b11-8021-4b48-a0f9-8cb0b822be37";
const EVENT: &str = "8e98358e-8e46-4fc5-8575-c7b2226e8903";

fn channel() -> ChannelUuid {
    ChannelUuid::parse(CHANNEL).unwrap()
}

fn event() -> Uuid {
    Uuid::parse_str(EVENT).unwrap()
}

fn written(command: &Command) -> String {
    let mut out = BytesMut::new();
    command.encode(&mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

fn sendmsg(app: &str, arg: &str) -> String {
    format!(
        "sendmsg\ncall-command: execute\nexecute-app-name: {app}\n{arg}Event-UUID: {EVENT}\n\
         event-lock: true\n\n"
    )
}

#[test]
fn known_answers() {
    use EventName::{ChannelCallstate, ChannelState, RecordStart, RecordStop};
    let path = Path::new("/var/rec/a_1.wav").unwrap();
    let variables =
        [("socket_resume", ""), ("RECORD_STEREO", "true"), ("ringback", "%(1000,4000,425)")];
    let job = Some(Uuid::parse_str("7f4db78a-17d7-11dd-b7a0-db4edd065621").unwrap());
    for (command, text) in [
        (Command::Connect, "connect"),
        (Command::Linger(10), "linger 10"),
        (Command::MyEvents, "myevents"),
        (Command::Exit, "exit"),
        (Command::auth("ClueCon").unwrap(), "auth ClueCon"),
        (
            Command::events(&[RecordStart, RecordStop]).unwrap(),
            "event plain RECORD_START RECORD_STOP",
        ),
        (
            Command::nix_events(&[ChannelState, ChannelCallstate]).unwrap(),
            "nixevent CHANNEL_STATE CHANNEL_CALLSTATE",
        ),
        (Command::api("status").unwrap(), "api status"),
        (
            Command::BgApi { api: Api::new("status").unwrap(), job },
            "bgapi status\nJob-UUID: 7f4db78a-17d7-11dd-b7a0-db4edd065621",
        ),
        (
            Command::Api(Api::uuid_setvar_multi(&channel(), &variables).unwrap()),
            &format!(
                "api uuid_setvar_multi {CHANNEL} \
                 socket_resume=;RECORD_STEREO=true;ringback=%(1000,4000,425)"
            ),
        ),
        (Command::Api(Api::sched_del(&channel())), &format!("api sched_del {CHANNEL}")),
        (
            Command::Api(Api::uuid_transfer(&channel(), &VarName::new("held").unwrap())),
            &format!("api uuid_transfer {CHANNEL} held XML held"),
        ),
        (
            Command::Api(Api::uuid_kill(&channel(), &HangupCause::USER_BUSY)),
            &format!("api uuid_kill {CHANNEL} USER_BUSY"),
        ),
        (
            Command::Api(Api::uuid_record(&channel(), Recording::Start, &path)),
            &format!("api uuid_record {CHANNEL} start /var/rec/a_1.wav"),
        ),
        (
            Command::Api(Api::uuid_record(&channel(), Recording::Stop, &path)),
            &format!("api uuid_record {CHANNEL} stop /var/rec/a_1.wav"),
        ),
        (Command::Api(Api::uuid_exists(&channel())), &format!("api uuid_exists {CHANNEL}")),
    ] {
        assert_eq!(written(&command), format!("{text}\n\n"));
        assert_eq!(Command::parse(text.as_bytes()), Ok(command));
    }
}

#[test]
fn executes() {
    let dial = DialString::new("carrier", "+420234567890")
        .and_then(|dial| dial.variable("origination_uuid", CHANNEL))
        .and_then(|dial| dial.variable("origination_caller_id_number", "+420777000111"))
        .unwrap();
    let digits = PlayAndGetDigits {
        min: 1,
        max: 15,
        tries: 1,
        timeout: Duration::from_secs(4),
        terminators: Terminators::new("#*").unwrap(),
        prompt: "file_string://cs/ask.wav!silence_stream://300".parse().unwrap(),
        invalid: Sound::Silence(1).into(),
        variable: VarName::new("gather_7").unwrap(),
        pattern: DigitPattern::new("[0-9]+").unwrap(),
        digit_timeout: Duration::from_secs(3),
    };
    let tone = "tone_stream://%(300,100,400);loops=2".parse().unwrap();
    let path = Path::new("rec/a.wav").unwrap();
    for (execute, app, arg) in [
        (Execute::answer(event()), "answer", String::new()),
        (Execute::pre_answer(event()), "pre_answer", String::new()),
        (Execute::ring_ready(event()), "ring_ready", String::new()),
        (
            Execute::playback(&tone, event()),
            "playback",
            "tone_stream://%(300,100,400);loops=2".to_owned(),
        ),
        (
            Execute::play_and_get_digits(&digits, event()),
            "play_and_get_digits",
            "1 15 1 4000 #* file_string://cs/ask.wav!silence_stream://300 silence_stream://1 \
             gather_7 [0-9]+ 3000"
                .to_owned(),
        ),
        (Execute::record_session(&path, event()), "record_session", "rec/a.wav".to_owned()),
        (
            Execute::bridge(&dial, event()),
            "bridge",
            format!(
                "{{origination_uuid={CHANNEL},origination_caller_id_number=+420777000111}}\
                 sofia/gateway/carrier/+420234567890"
            ),
        ),
        (Execute::hangup(&HangupCause::NO_ANSWER, event()), "hangup", "NO_ANSWER".to_owned()),
        (
            Execute::set("playback_terminators", "none", event()).unwrap(),
            "set",
            "playback_terminators=none".to_owned(),
        ),
    ] {
        let line = if arg.is_empty() { arg } else { format!("execute-app-arg: {arg}\n") };
        let text = sendmsg(app, &line);
        let command = Command::SendMsg(execute);
        assert_eq!(written(&command), text);
        assert_eq!(Command::parse(text.trim_end().as_bytes()), Ok(command));
    }
    assert_eq!(
        DialString::new("carrier", "112").unwrap().to_arg().as_str(),
        "sofia/gateway/carrier/112"
    );
}

/// What a caller might bring along to get another command, another leg or another variable.
#[test]
fn injections_are_refused() {
    for (text, error) in [
        ("a\nEvent-UUID: x", CommandError::ControlCharacter),
        ("a\rb", CommandError::ControlCharacter),
        ("a\0b", CommandError::ControlCharacter),
        ("${version()}", CommandError::Expansion),
        ("a $${x}", CommandError::Expansion),
        ("a$\\{x}", CommandError::Expansion),
        ("$$\\\\{x}", CommandError::Expansion),
    ] {
        assert_eq!(Arg::new(text), Err(error), "{text:?}");
        assert_eq!(Command::api(text), Err(error), "{text:?}");
    }
    assert!(Arg::new("100$ {x}").is_ok(), "FreeSWITCH does not expand this");
    assert_eq!(Command::auth(" "), Err(CommandError::Empty));

    let injections = [
        "\r", "\n", "${a}", ",", "[", "]", "'", "|", "{", "}", "<", ">", ":", "=", "\\", "@", ";",
        "$", " ", "ř", "\0",
    ];
    for bad in injections {
        let text = format!("420{bad}234");
        assert_eq!(DialString::new("carrier", &text), Err(CommandError::Number), "{text:?}");
        assert_eq!(DialString::new(&text, "420"), Err(CommandError::Gateway), "{text:?}");
        assert_eq!(DialValue::new(&text), Err(CommandError::VariableValue), "{text:?}");
        assert_eq!(VarName::new(&text), Err(CommandError::VariableName), "{text:?}");
        assert_eq!(Path::new(&text), Err(CommandError::Path), "{text:?}");
        assert_eq!(HangupCause::new(&text), Err(CommandError::Cause), "{text:?}");
        assert_eq!(Terminators::new(&text), Err(CommandError::Terminators), "{text:?}");
        assert!(text.parse::<Playlist>().is_err(), "{text:?}");
    }
    for bad in [";", "'", "\"", "\\", "\n", "\r", "$", "{", "[", "|"] {
        let value = [("a", format!("x{bad}y"))];
        let refused = Api::uuid_setvar_multi(&channel(), &[(value[0].0, &value[0].1)]);
        assert_eq!(refused, Err(CommandError::VariableValue), "{bad:?}");
        assert!(Execute::set("a", &value[0].1, event()).is_err());
    }
    for bad in ["", "[0-9]+ 1", "\\d+", "${a}", "$", "a"] {
        assert_eq!(DigitPattern::new(bad), Err(CommandError::Pattern), "{bad:?}");
    }
}

#[test]
fn grammars_at_their_edges() {
    for number in ["123", "+420234567890", "123456789012345"] {
        assert!(Destination::new(number).is_ok(), "{number}");
    }
    for number in ["", "+", "12", "+12", "1234567890123456", "++420", "420+", "４２０"] {
        assert_eq!(Destination::new(number), Err(CommandError::Number), "{number}");
    }
    for uuid in [
        "",
        "ee067b1180214b48a0f98cb0b822be37",
        "EE067B11-8021-4B48-A0F9-8CB0B822BE37",
        "{ee067b11-8021-4b48-a0f9-8cb0b822be37}",
        "urn:uuid:ee067b11-8021-4b48-a0f9-8cb0b822be37",
        "ee067b11-8021-4b48-a0f9-8cb0b822be37 ",
    ] {
        assert_eq!(ChannelUuid::parse(uuid), Err(CommandError::Uuid), "{uuid}");
    }
    for empty in [VarName::new("").is_err(), Path::new("").is_err(), VarValue::new(" a").is_err()] {
        assert!(empty);
    }
    let variables = vec![("a", "1"); 65];
    assert_eq!(Api::uuid_setvar_multi(&channel(), &variables), Err(CommandError::ItemCount));
    assert!(Api::uuid_setvar_multi(&channel(), &variables[..64]).is_ok());
    assert_eq!(Command::events(&[]), Err(CommandError::ItemCount));
    assert_eq!(Command::events(&[EventName::Other]), Err(CommandError::EventName));
    let silence = vec![Sound::Silence(1); 129];
    assert_eq!(Playlist::new(silence), Err(CommandError::ItemCount));
}

#[test]
fn sounds() {
    for text in [
        "cs/welcome.wav",
        "silence_stream://300",
        "tone_stream://%(1000,4000,425)",
        "tone_stream://%(300,100,350,440);loops=3",
        "file_string://cs/a.wav!silence_stream://300!tone_stream://%(1,2,3);loops=2!b.wav",
    ] {
        assert_eq!(text.parse::<Playlist>().unwrap().to_string(), text);
    }
    for text in [
        "",
        "file_string://",
        "file_string://a!",
        "a!b",
        "a b",
        "silence_stream://",
        "silence_stream://1,400",
        "silence_stream://99999999999",
        "tone_stream://%(1,2)",
        "tone_stream://v=-7;%(1,2,3)",
        "http://example.org/a.wav",
        "shell_stream://ls",
        "say:hello",
        "file_string://a!shell_stream://ls",
    ] {
        assert!(text.parse::<Playlist>().is_err(), "{text}");
    }
}

#[test]
fn what_this_crate_does_not_send_is_no_command() {
    for text in [
        "",
        "resume",
        "connect ",
        "linger",
        "linger 70000",
        "event plain",
        "event plain NONSENSE",
        "api ",
        "sendmsg",
        "sendmsg\ncall-command: hangup",
        "sendmsg\ncall-command: execute\nexecute-app-name: system",
        "api status\nX: y",
    ] {
        assert_eq!(Command::parse(text.as_bytes()), Err(ParseError::MalformedCommand), "{text:?}");
    }
}

#[test]
fn debug_tells_no_argument() {
    let dial = DialString::new("carrier", "+420234567890").unwrap();
    let variables = [("a", "+420601123456")];
    let shown = [
        format!("{:?}", Command::auth("s3cret").unwrap()),
        format!("{:?}", Command::SendMsg(Execute::bridge(&dial, event()))),
        format!("{:?}", Api::uuid_setvar_multi(&channel(), &variables).unwrap()),
        format!("{dial:?} {:?}", Destination::new("+420234567890").unwrap()),
    ];
    for text in shown {
        assert!(!text.contains("s3cret") && !text.contains("420"), "{text}");
    }
}

fn commands() -> impl Strategy<Value = Command> {
    let arg = || ".{0,40}".prop_filter_map("no argument", |text| Arg::new(&text).ok());
    let api = || ".{1,40}".prop_filter_map("no argument", |text| Api::new(&text).ok());
    let names = proptest::sample::subsequence(
        vec![EventName::Dtmf, EventName::RecordStart, EventName::ChannelState, EventName::Custom],
        1..4,
    );
    let names = || names.clone().prop_map(|names| EventList::new(&names).unwrap());
    let app = proptest::sample::select(vec![App::Answer, App::Playback, App::Bridge, App::Set]);
    let uuid = || any::<u128>().prop_map(Uuid::from_u128);
    let execute = (app, arg(), uuid(), any::<bool>()).prop_map(|(app, arg, event_uuid, lock)| {
        Command::SendMsg(Execute { app, arg, event_uuid, event_lock: lock })
    });
    prop_oneof![
        Just(Command::Connect),
        Just(Command::Exit),
        Just(Command::MyEvents),
        any::<u16>().prop_map(Command::Linger),
        names().prop_map(Command::Events),
        names().prop_map(Command::JsonEvents),
        names().prop_map(Command::NixEvents),
        api().prop_map(Command::Api),
        ".{1,40}".prop_filter_map("no password", |text| Command::auth(&text).ok()),
        (api(), proptest::option::of(uuid())).prop_map(|(api, job)| Command::BgApi { api, job }),
        execute,
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(commands in proptest::collection::vec(commands(), 1..6)) {
        let mut out = BytesMut::new();
        for command in &commands {
            command.encode(&mut out);
        }
        let frames = crate::captures::frames(&out);
        let read: Result<Vec<_>, _> =
            frames.iter().map(|frame| Command::parse(&frame.head)).collect();
        prop_assert_eq!(read, Ok(commands));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".*") {
        let _ = (Command::parse(&bytes), Command::parse(text.as_bytes()));
        let _ = text.parse::<Playlist>();
        if let Ok(arg) = Arg::new(&text) {
            let expanded = arg.as_str().contains("${");
            prop_assert!(!expanded);
        }
    }
}
