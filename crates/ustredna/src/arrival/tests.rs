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
    Arrival::read(&event, &Settings::default().rules(), DialledIn::RequestUri).unwrap()
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
fn a_call_of_the_exchange_itself_is_known_by_whom_it_names() {
    let rules = Settings::default().rules();
    let to = |number| ("variable_sip_req_user", number);
    let hotline = "+420234234390";
    let fictitious = "+420777000111";
    for header in [
        ("variable_sip_from_user", hotline),
        ("variable_sip_full_from", "<tel:234234390;phone-context=+420>;tag=x"),
        ("variable_sip_P-Asserted-Identity", "<tel:+420-234-234-399>"),
        ("variable_sip_Remote-Party-ID", "<sip:234234390@carrier.example>;privacy=full"),
        (
            "variable_sip_h_Diversion",
            "\"Nov, J.\" <sip:601123456@x>;reason=unconditional, <sip:+420234234390@x>",
        ),
        (
            "variable_sip_history_info",
            "<sip:+420234234390@x>;index=1,<sip:+420777000111@x>;index=1.1",
        ),
    ] {
        let named = arrival(&[to(fictitious), header]).named;
        assert!(named.a_hotline(&rules), "{header:?}");
    }
    // That it has come to where it comes is no news.
    for header in ["variable_sip_h_Diversion", "variable_sip_history_info"] {
        let named = arrival(&[to(hotline), (header, "<sip:+420234234390@x>;index=1")]).named;
        assert!(!named.a_hotline(&rules) && named.forwarded_by.is_empty(), "{header}");
    }
    let diversion = ("variable_sip_h_Diversion", "<sip:+420601123456@x;user=phone>;counter=1");
    let named = arrival(&[to(fictitious), diversion]).named;
    assert_eq!(named.forwarded_by.len(), 1);
    assert!(named.callers.is_empty() && !named.a_hotline(&rules));
}

/// The same number in the clothes of RFC 3966, carriers and percent escapes.
fn clothes(global: &str, national: &str, separated: &str) -> Vec<String> {
    let uri = format!("+{global};npdi;rn=+420910000001");
    vec![
        format!("+{global}"),
        format!("00{global}"),
        global.to_owned(),
        national.to_owned(),
        uri.clone(),
        format!("sip:{uri}@carrier.example;user=phone"),
        format!("\"Jan, <x>\" <sip:{uri}@carrier.example;user=phone>;tag=1"),
        format!("TEL:{uri}"),
        format!("tel:{national};phone-context=+420"),
        format!("{national};phone-context=carrier.example"),
        format!("{national};cpc=ordinary;Phone-Context=%2B420"),
        format!("+{global};cpc=payphone;oli=00"),
        separated.to_owned(),
        format!("%2b{global}"),
        format!("%2B{}", separated.trim_start_matches('+')),
    ]
}

#[test]
fn numbers_in_odd_clothes_are_read_alike() {
    for text in clothes("420234234399", "234234399", "+420-234-234-399") {
        let arrival = arrival(&[("variable_sip_req_user", &text.replace('%', "%25"))]);
        let dialled = arrival.dialled.map(|(service, _)| service);
        assert_eq!(dialled, Some(Service::OutboundHotline), "{text}");
    }
    for text in clothes("420601123456", "601123456", "+420-(601).123.456") {
        let text = text.replace('%', "%25");
        for name in ["variable_sip_P-Asserted-Identity", "variable_sip_from_user"] {
            assert_eq!(caller(&[(name, &text)]).as_deref(), Some("+420601123456"), "{name} {text}");
        }
    }
}

#[test]
fn what_is_no_number_is_none_in_any_clothes() {
    for text in
        ["112;npdi", "tel:150", "%2", "%zz", "%ff", "trunk", ";npdi", "", "+;rn=+420601123456"]
    {
        assert!(arrival(&[("variable_sip_req_user", &text.replace('%', "%25"))]).dialled.is_none());
    }
}

#[test]
fn where_an_account_is_asserted_the_number_is_in_from() {
    let claimed = ("variable_sip_from_user", "+420601123456");
    for account in ["trunk-17", "sip:trunk@carrier.example", "", "<sip:carrier.example>", "1234"] {
        let identity = ("variable_sip_P-Asserted-Identity", account);
        assert_eq!(caller(&[claimed, identity]).as_deref(), Some("+420601123456"), "{account}");
    }
    for hidden in ["anonymous", "sip:Anonymous@anonymous.invalid", "<sip:restricted@x>"] {
        assert_eq!(caller(&[claimed, ("variable_sip_P-Asserted-Identity", hidden)]), None);
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

/// Where the number is found by this setting, and what the log would tell.
fn dialled(dialled_in: DialledIn, variables: &[(&str, &str)]) -> (Option<String>, Vec<DialledIn>) {
    let rules = Settings::default().rules();
    let arrival = Arrival::of(CallId(uuid::Uuid::nil()), false, &rules, dialled_in, |name| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| Cow::from(*value))
    });
    let number = arrival.dialled.map(|(_, number)| number.as_str().to_owned());
    (number, arrival.astray.map(|astray| astray.others).unwrap_or_default())
}

#[test]
fn the_number_dialled_is_where_the_carrier_puts_it() {
    let ours = "+420777000111";
    let account = ("sip_req_user", "trunk-17");
    for (place, name) in [
        (DialledIn::To, "sip_full_to"),
        (DialledIn::PCalledPartyId, "sip_h_P-Called-Party-ID"),
        (DialledIn::Diversion, "sip_h_Diversion"),
        (DialledIn::HistoryInfo, "sip_history_info"),
    ] {
        for text in clothes("420777000111", "777000111", "+420-777-000-111") {
            let found = dialled(place, &[account, (name, &text)]);
            assert_eq!(found, (Some(ours.to_owned()), vec![]), "{place} {text}");
        }
        // It wins over the request URI, which counts where there is no number.
        let uri = ("sip_req_user", "+420777000222");
        let header = format!("<sip:{ours}@carrier.example>");
        assert_eq!(dialled(place, &[uri, (name, &header)]).0.as_deref(), Some(ours));
        for nothing in ["", "<sip:voicemail@x>", "<sip:%zz@x>", "\"+420777000111\" <sip:x>", ",,<"]
        {
            let found = dialled(place, &[uri, (name, nothing)]);
            let others = vec![DialledIn::RequestUri];
            assert_eq!(found, (Some("+420777000222".to_owned()), others), "{place} {nothing}");
        }
        assert_eq!(dialled(place, &[account]), (None, vec![]));
        // Whoever looks for the right setting is told where there is one.
        assert_eq!(
            dialled(DialledIn::RequestUri, &[account, (name, &header)]),
            (None, vec![place])
        );
    }
}

#[test]
fn of_several_the_one_that_was_dialled_first_counts() {
    let ours = "\"Car, our\" <sip:+420777000111;npdi@x>;reason=\"a,b\"";
    let other = "\"\\\"<x>, \" <sip:+420910000001@x,y>;counter=1";
    let account = "<sip:trunk-17@x?Reason=SIP%3Bcause%3D302>;index=1.1";
    for (place, name, lists) in [
        (
            DialledIn::Diversion,
            "sip_h_Diversion",
            [format!("{other}, {ours}"), format!("{other},{ours} , {account}")],
        ),
        (
            DialledIn::HistoryInfo,
            "sip_history_info",
            [format!("{ours}, {other}"), format!("{account},{ours},{other}")],
        ),
    ] {
        for list in lists {
            let (number, _) = dialled(place, &[(name, &list)]);
            assert_eq!(number.as_deref(), Some("+420777000111"), "{place} {list}");
        }
    }
}

#[test]
fn what_freeswitch_takes_off_a_tel_uri_counts() {
    let abroad = ("sip_req_params", "phone-context=+49");
    let (number, _) = dialled(DialledIn::RequestUri, &[("sip_req_user", "30901820"), abroad]);
    assert_eq!(number.as_deref(), Some("+4930901820"));
    let from = ("variable_sip_full_from", "<tel:30901820;phone-context=+49>;tag=1");
    let user = ("variable_sip_from_user", "30901820");
    assert_eq!(caller(&[user, from]).as_deref(), Some("+4930901820"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(512))]

    /// Whatever a carrier writes: a number that is taken can be stored, and is read as it was.
    #[test]
    fn whatever_is_taken_for_a_number_can_be_stored_and_read(
        before in "(|\\+|00|0|tel:\\+?|sip:\\+?|\"[a-zá-ž %]{0,4}\" <sip:\\+?|\\PC{0,3})",
        digits in "([0-9]|[0-9]{1,30}|420[0-9]{9}|[٠-٩]{3,12}|[0-9 ().-]{1,20})",
        after in "(|@x>|;npdi;rn=\\+[0-9]{1,20}|;phone-context=\\+[0-9]{1,3}|%[0-9a-fA-F]{0,2}|%00|\\PC{0,4})",
        hidden in proptest::bool::ANY,
    ) {
        let text = format!("{before}{digits}{after}");
        let written = ["sip_req_user", "sip_P-Asserted-Identity", "sip_from_user"];
        let rules = Settings::default().rules();
        let id = CallId(uuid::Uuid::nil());
        let arrival = Arrival::of(id, hidden, &rules, DialledIn::RequestUri, |name| {
            written.contains(&name).then(|| Cow::from(text.as_str()))
        });
        let dialled = arrival.dialled.map(|(_, number)| number);
        for number in dialled.into_iter().chain(arrival.caller) {
            let read = PhoneNumber::from_e164(number.as_str());
            proptest::prop_assert_eq!(read.ok(), Some(number), "{}", text);
        }
    }
}
