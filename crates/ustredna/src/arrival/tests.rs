use bytes::BytesMut;
use esl::{EslCodec, Message};
use tokio_util::codec::Decoder as _;

use super::*;
use crate::settings::Settings;

const CALL: &str = "ee067b11-8021-4b48-a0f9-8cb0b822be37";

/// A connect reply with these channel variables, as FreeSWITCH writes it.
fn arrival(variables: &[(&str, &str)]) -> Arrival {
    let mut text = format!(
        "Event-Name: CHANNEL_DATA\nUnique-ID: {CALL}\nAnswer-State: ringing\n\
         Caller-Caller-ID-Number: 999999999\n"
    );
    for (name, value) in variables {
        text.extend([name, ": ", &value.replace('+', "%2B"), "\n"]);
    }
    text.push_str("Content-Type: command/reply\nReply-Text: %2BOK%0A\n\n");
    let message = EslCodec::default().decode(&mut BytesMut::from(text.as_str())).unwrap().unwrap();
    let Message::Connect(event) = message else { panic!("no connect reply") };
    Arrival::read(&event, &Settings::default().rules()).unwrap()
}

fn caller(variables: &[(&str, &str)]) -> Option<String> {
    arrival(variables).caller.map(|number| number.as_str().to_owned())
}

#[test]
fn the_service_goes_by_the_number_dialled() {
    for (dialled, service) in [
        ("234234399", Service::OutboundHotline),
        ("+420234234399", Service::OutboundHotline),
        ("00420234234390", Service::CallbackHotline),
        ("420777000111", Service::FictitiousNumber),
    ] {
        let arrival = arrival(&[("variable_sip_req_user", dialled)]);
        assert_eq!(arrival.dialled.map(|(service, _)| service), Some(service), "{dialled}");
    }
    assert!(arrival(&[("variable_sip_req_user", "112")]).dialled.is_none());
}

#[test]
fn the_asserted_identity_comes_before_the_claimed_one() {
    let claimed = ("variable_sip_from_user", "602111222");
    assert_eq!(caller(&[claimed]).as_deref(), Some("+420602111222"));
    for asserted in [
        "+420601123456",
        "<sip:+420601123456@carrier.example>",
        "\"Jan\" <sip:601123456@carrier.example;user=phone>",
        "tel:+420601123456",
    ] {
        let identity = ("variable_sip_P-Asserted-Identity", asserted);
        assert_eq!(caller(&[claimed, identity]).as_deref(), Some("+420601123456"), "{asserted}");
    }
}

#[test]
fn a_withheld_number_is_nobodys() {
    let asserted = ("variable_sip_P-Asserted-Identity", "+420601123456");
    for withheld in [
        ("variable_sip_from_user", "anonymous"),
        ("variable_sip_from_user", "Restricted"),
        ("variable_sip_from_host", "anonymous.invalid"),
        ("variable_sip_Privacy", "id"),
        ("variable_sip_h_Privacy", "user;id"),
        ("Caller-Privacy-Hide-Number", "true"),
    ] {
        assert_eq!(caller(&[asserted, withheld]), None, "{withheld:?}");
    }
    assert!(caller(&[asserted, ("variable_sip_Privacy", "none")]).is_some());
    assert_eq!(caller(&[]), None);
}

#[test]
fn a_caller_from_abroad_may_come_without_a_plus() {
    for number in ["+4930901820", "004930901820", "4930901820"] {
        let claimed = ("variable_sip_from_user", number);
        assert_eq!(caller(&[claimed]).as_deref(), Some("+4930901820"), "{number}");
    }
    assert_eq!(caller(&[("variable_sip_from_user", "1234")]), None);
}
