use std::{collections::BTreeSet, slice::from_ref};

use super::{Differences, compare};
use crate::common::Frame;

fn frame(kind: &str, body: &str) -> Frame {
    let headers = vec![("Content-Type".to_owned(), kind.to_owned())];
    Frame { headers, body: body.as_bytes().to_vec() }
}

/// What is found between two single frames.
fn found(real: &Frame, ours: &Frame) -> BTreeSet<String> {
    let mut found = Differences::new();
    compare("capture", from_ref(real), from_ref(ours), &mut found);
    found.into_keys().collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn json_events_are_taken_apart() {
    let real = frame(
        "text/event-json",
        r#"{"Event-Name":"BACKGROUND_JOB","Job-UUID":"x","Job-Command":"show","A":"1","_body":"+OK\n"}"#,
    );
    assert_eq!(found(&real, &real), set(&[]));
    let ours = frame(
        "text/event-json",
        r#"{"Event-Name":"BACKGROUND_JOB","Job-Command":"status","Job-UUID":"x","B":"1","_body":"-ERR\n"}"#,
    );
    assert_eq!(
        found(&real, &ours),
        set(&[
            "another B",
            "no A",
            "order of Job-UUID",
            "value of Job-Command in text/event-json BACKGROUND_JOB",
            "value of _body in text/event-json BACKGROUND_JOB",
        ])
    );
}

#[test]
fn an_event_in_another_format_is_another() {
    let plain = frame("text/event-plain", "Event-Name: BACKGROUND_JOB\n\n");
    let json = frame("text/event-json", r#"{"Event-Name":"BACKGROUND_JOB"}"#);
    assert_eq!(
        found(&plain, &json),
        set(&["another text/event-json BACKGROUND_JOB", "no BACKGROUND_JOB"])
    );
}

/// Each variable by its own name: a further one of the same prefix is not listed with it.
#[test]
fn names_are_told_in_full() {
    let real = frame("text/event-plain", "Event-Name: X\nvariable_rtp_use_pt: 8\n\n");
    let ours = frame("text/event-plain", "Event-Name: X\nvariable_sip_to_tag: 8\n\n");
    assert_eq!(
        found(&real, &ours),
        set(&["another variable_sip_to_tag", "no variable_rtp_use_pt"])
    );
}

#[test]
fn the_bodies_of_events_are_compared() {
    let event = |body: &str| {
        let text = format!("Event-Name: X\nContent-Length: {}\n\n{body}", body.len());
        frame("text/event-plain", &text)
    };
    assert_eq!(found(&event("+OK"), &event("-NO")), set(&["value of _body in X"]));
}
