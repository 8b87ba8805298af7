use super::*;

fn plain(text: &'static str) -> Event {
    Event::from_plain(&Bytes::from_static(text.as_bytes()), 100).unwrap()
}

const COMPLETE: &str = "Event-Name: CHANNEL_EXECUTE_COMPLETE\n\
    Unique-ID: ee067b11-8021-4b48-a0f9-8cb0b822be37\n\
    Caller-Caller-ID-Number: %2B420601123456\n\
    Channel-Name: sofia/trunk/%2B420601123456@127.0.0.1:5070\n\
    Application: play_and_get_digits\n\
    Application-UUID: 8E98358E-8e46-4fc5-8575-c7b2226e8903\n\
    otherwisefict: 9\nvariable_fict: 2\nvariable_empty: _undef_\nvariable_bare: \n\
    variable_DIALED: ARRAY%3A%3Aa%7C%3Ab%20c%7C%3A\n\
    variable_pipe: a%7C%3Ab\nvariable_odd: 50%\nvariable_latin: Dvo%F8%E1k\nHangup-Cause: NORMAL_CLEARING\n\n";

#[test]
fn plain_events() {
    let event = plain(COMPLETE);
    assert_eq!(event.name(), "CHANNEL_EXECUTE_COMPLETE");
    assert_eq!(event.event_name(), EventName::ChannelExecuteComplete);
    assert_eq!(event.unique_id().unwrap().to_string(), "ee067b11-8021-4b48-a0f9-8cb0b822be37");
    assert_eq!(event.header("caller-caller-id-number").unwrap(), "+420601123456");
    assert_eq!(event.raw("Caller-Caller-ID-Number").unwrap(), b"%2B420601123456");
    assert_eq!(event.header("Channel-Name").unwrap(), "sofia/trunk/+420601123456@127.0.0.1:5070");
    assert_eq!(event.application().unwrap(), "play_and_get_digits");
    let uuid = Uuid::parse_str("8e98358e-8e46-4fc5-8575-c7b2226e8903").unwrap();
    assert_eq!(event.application_uuid(), Some(uuid));
    assert_eq!(event.hangup_cause().unwrap(), "NORMAL_CLEARING");
    assert_eq!(event.variable("fict").unwrap(), "2");
    assert_eq!(event.variable("fic"), None);
    assert_eq!(event.header("fict"), None);
    assert_eq!(event.variable("odd").unwrap(), "50%");
    assert_eq!(event.variable("latin").unwrap(), "Dvo\u{fffd}\u{fffd}k");
    assert_eq!(event.header_count(), 15);
    assert_eq!(event.iter().nth(7).unwrap(), ("variable_fict".into(), "2".into()));
    assert_eq!(event.body(), None);
}

#[test]
fn undefined_is_none_however_it_is_written() {
    let event = plain(COMPLETE);
    assert_eq!(event.variable("empty"), None);
    assert_eq!(event.raw("variable_empty").unwrap(), b"_undef_");
    assert_eq!(event.variable("bare"), None);
    assert_eq!(event.iter().nth(8).unwrap().1, "");
}

#[test]
fn arrays() {
    let event = plain(COMPLETE);
    let items = |name| event.array(name).collect::<Vec<_>>();
    assert_eq!(items("variable_DIALED"), ["a", "b c", ""]);
    assert_eq!(items("variable_fict"), ["2"]);
    assert_eq!(items("variable_pipe"), ["a|:b"], "no array without its mark");
    assert!(items("variable_none").is_empty());
}

#[test]
fn a_body_is_not_decoded() {
    let event = plain("Event-Name: BACKGROUND_JOB\nContent-Length: 9\n\n+OK %2B\n\nx");
    assert_eq!(event.body().unwrap().as_ref(), b"+OK %2B\n\nx");
    assert_eq!(event.header_count(), 2);
    assert_eq!(plain("Event-Name: DTMF\n").header("Event-Name").unwrap(), "DTMF");
}

#[test]
fn json_events_read_alike() {
    let json = br#"{"Event-Name":"BACKGROUND_JOB","Caller":"+420%41","variable_a":["x","y"],
        "variable_empty":"","_body":"+OK\n","n":1}"#;
    let event = Event::from_json(json, 100).unwrap();
    assert_eq!(event.event_name(), EventName::BackgroundJob);
    assert_eq!(event.header("caller").unwrap(), "+420%41", "not percent-encoded");
    assert_eq!(event.array("variable_a").collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(event.variable("empty"), None);
    assert_eq!(event.header("n").unwrap(), "1");
    assert_eq!(event.body().unwrap().as_ref(), b"+OK\n");
    assert_eq!(event.header_count(), 5);

    let latin = Event::from_json(b"{\"Caller\":\"Dvo\xf8k\"}", 100).unwrap();
    assert_eq!(latin.header("Caller").unwrap(), "Dvo\u{fffd}k");
    for wrong in ["", "[]", "{", "\"x\"", &"[".repeat(5000)] {
        assert_eq!(Event::from_json(wrong.as_bytes(), 100), Err(ParseError::MalformedJson));
    }
}

#[test]
fn the_limit_of_headers_holds_inside_bodies() {
    let many = "A: 1\n".repeat(101);
    let error = ParseError::TooManyHeaders { limit: 100 };
    assert_eq!(Event::from_plain(&Bytes::from(many), 100), Err(error.clone()));
    let members: Vec<_> = (0..101).map(|at| format!("\"{at}\":\"\"")).collect();
    let many = format!("{{{}}}", members.join(","));
    assert_eq!(Event::from_json(many.as_bytes(), 100), Err(error));
}

#[test]
fn debug_tells_no_value() {
    assert_eq!(format!("{:?}", plain(COMPLETE)), "Event(CHANNEL_EXECUTE_COMPLETE, 15 headers)");
    let odd = plain("Event-Name: +420601123456\nDTMF-Digit: 7\n\n");
    assert_eq!(format!("{odd:?}"), "Event(other, 2 headers)");
}

#[test]
fn the_buffer_is_shared() {
    let text = Bytes::from_static(COMPLETE.as_bytes());
    let event = Event::from_plain(&text, 100).unwrap();
    let value = event.raw("Unique-ID").unwrap().as_ptr();
    assert!(text.as_ptr_range().contains(&value), "no copy");
    assert!(matches!(event.variable("fict"), Some(Cow::Borrowed("2"))));
}
