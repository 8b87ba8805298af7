//! Numbers in URIs that a real switch takes apart in its own way; and nothing of what a caller's
//! network writes reaches the other side.

use serde_json::json;

use super::{Service, assert_row, misses};
use crate::{
    Scenario,
    language::{CALLBACK, DEALER, FIRST, OUTBOUND, SHOPPER, Setup},
    phone::raw::{ALAW, Invite, pause, sdp},
    sip_trace::Trace,
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    let diversion =
        || Setup { settings: vec![("switch.dialled_in", "diversion")], ..Setup::default() };
    vec![
        Scenario::new("numbers_in_uris_are_read", uris),
        Scenario::with("a_diversion_is_read_however_many_there_are", diversion(), diversions),
        Scenario::with("no_header_of_a_caller_reaches_the_other_side", diversion(), nothing_passes),
    ]
}

fn uris(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let to = world.sip();
    for uri in [
        "tel:+420777000111;npdi;rn=+420910000001".to_owned(),
        "tel:777000111;phone-context=+420".to_owned(),
        format!("sip:+420777000111;npdi;rn=+420910000001@{to};user=phone"),
        format!("sip:777000111;phone-context=+420;cpc=ordinary@{to}"),
        format!("sip:%2B420-777-000-111@{to}"),
    ] {
        let invite = Service::Back.invite().uri(&uri);
        let (mut call, called) = Service::Back.rings_by(&invite, world, &phone, &carrier);
        called.says(486);
        call.gets(183);
        call.gets(486);
    }
    for (shown, asserted) in [
        ("tel:+420601123456;cpc=ordinary", None),
        ("tel:601123456;phone-context=+420", None),
        ("sip:+420601123456;npdi;rn=+420910000001@carrier.example;user=phone", None),
        ("sip:trunk-17@carrier.example", Some("<tel:+420601123456;npdi>")),
        // An account is asserted, with a name or without any user.
        ("sip:+420601123456@carrier.example", Some("\"Trunk 17\" <sip:trunk-17@carrier.example>")),
        ("sip:+420-601-123-456@carrier.example", Some("<sip:carrier.example>")),
    ] {
        let mut invite = Service::Out.invite().shows(shown);
        if let Some(asserted) = asserted {
            invite = invite.header(&format!("P-Asserted-Identity: {asserted}"));
        }
        let mut call = phone.dials(&invite, to, phone.line(world.ports()));
        call.gets(200);
        call.hangs_up();
    }
    for call in world.rows("calls", 11, |call| !call["ended_at"].is_null()) {
        let is_back = call["service"] == "fictitious_number";
        let outcome = if is_back { "busy" } else { "abandoned" };
        assert_row(&call, &[("shopper", json!(SHOPPER)), ("outcome", json!(outcome))]);
    }
}

fn diversions(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let other = "<sip:+420910000001@carrier.example>;reason=user-busy";
    let ours = "<sip:+420-777-000-111;npdi@carrier.example;user=phone>;reason=unconditional";
    for lines in [
        format!("Diversion: {ours}"),
        format!("diversion: {ours}"),
        format!("DIVERSION: \"Car, house\" {ours}"),
        format!("Diversion: {other}, {ours}"),
        // The one that was dialled first is the last.
        format!("Diversion: {other}\nDiversion: {ours}"),
        "Diversion: <tel:777000111;phone-context=+420>;reason=unconditional".to_owned(),
    ] {
        let invite = Invite::new(DEALER, "trunk-17").header(&lines);
        let (mut call, called) = Service::Back.rings_by(&invite, world, &phone, &carrier);
        called.says(486);
        call.gets(183);
        call.gets(486);
    }
    let told = |text: &str| world.exchange.log().lines().filter(|l| l.contains(text)).count();
    assert_eq!((told("the request URI counts"), told("refused (404)")), (0, 0));
    // Not forwarded; and forwarded by nobody who can be read.
    for lines in ["X-Nothing: 1", "Diversion: <sip:voicemail@carrier.example>", "Diversion:"] {
        let invite = Invite::new(DEALER, FIRST).header(lines);
        let (mut call, called) = Service::Back.rings_by(&invite, world, &phone, &carrier);
        called.says(486);
        call.gets(183);
        call.gets(486);
    }
    assert_eq!((told("the request URI counts"), told("refused (404)")), (3, 0));
    let invite = Invite::new(DEALER, "trunk-17").header("Diversion: <sip:sales@carrier.example>");
    let invite = invite.to(&format!("<sip:{FIRST}@carrier.example>"));
    phone.dials(&invite, world.sip(), phone.line(world.ports())).gets(404);
    // And where else there is one.
    let line = world.exchange.log();
    let line = line.lines().find(|line| line.contains("refused (404)")).unwrap();
    assert!(line.contains("\"others\":\"to\""), "{line}");
    let calls = world.rows("calls", 10, |call| !call["ended_at"].is_null());
    let missed = calls.iter().filter(|call| call["outcome"] == "busy").count();
    assert_eq!(missed, 9, "{calls:#?}");
    let ticket = world.rows("tickets", 1, |ticket| ticket["status"] == "open").remove(0);
    assert_row(&ticket, &[("missed", json!(9)), ("fictitious_number", json!(FIRST))]);
}

/// No message to this leg holds any of these.
fn assert_none(trace: &Trace, words: &[&str]) {
    let messages = trace.messages().iter().filter(|message| !message.sent);
    for message in messages {
        let small = message.without_tags().to_lowercase();
        for word in words {
            assert!(!small.contains(word), "{word} in\n{}", message.text);
        }
    }
}

fn nothing_passes(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let headers = ["diversion", "history-info", "p-called", "p-asserted", "remote-party"];
    let clothes = ["npdi", "rn=", "cpc=", "phone-context", "910000001", "trunk-17", "carrier.ex"];
    for service in [Service::Out, Service::Back, Service::Return] {
        if service == Service::Return {
            // A talk has closed every other ticket.
            misses(world, &phone, &carrier);
        }
        let (number, dialled) = match service {
            Service::Out => (SHOPPER, OUTBOUND),
            Service::Back => (DEALER, FIRST),
            Service::Return => (SHOPPER, CALLBACK),
        };
        let real = format!("<sip:{number};cpc=ordinary@carrier.example;user=phone>");
        let ours = format!("<sip:{dialled};npdi;rn=+420910000001@carrier.example>");
        let invite = Invite::new(&format!("{number};npdi;rn=+420910000001"), "trunk-17")
            .to(&real)
            .header(&format!("Diversion: {real};reason=unconditional, {ours};counter=1"))
            .header(&format!("History-Info: {real};index=1, {ours};index=1.1"))
            .header(&format!("P-Called-Party-ID: {real}"))
            .header(&format!("P-Asserted-Identity: \"{number}\" {real}"))
            .header(&format!("Remote-Party-ID: {real};party=calling;privacy=off"));
        let (mut call, called) = service.rings_by(&invite, world, &phone, &carrier);
        // Whoever is called: their network, too.
        let answers = |name: &str| format!("{name}: <sip:{SHOPPER};npdi@carrier.example>\n");
        let own = if service == Service::Back { "P-Asserted-Identity" } else { "X-Nothing" };
        let answers = answers(own) + &answers("Diversion") + &answers("History-Info");
        called.answers_with(&answers, &sdp(called.line.address(), ALAW, "sendrecv"));
        service.is_answered(&mut call);
        pause(1000);
        let (caller_side, rung) = (call.trace(), carrier.trace().leg(called.invite()));
        call.hangs_up_and(&called);
        assert_none(&rung, &headers);
        assert_none(&rung, &clothes);
        assert_none(&caller_side, &headers);
        // The dealer's side. A called shopper's number is in the INVITE to them.
        let dealers = if service == Service::Back { &caller_side } else { &rung };
        dealers.assert_never_shown(SHOPPER);
        assert!(!dealers.messages().is_empty());
    }
    let calls = world.rows("calls", 4, |call| !call["ended_at"].is_null());
    let talks = calls.iter().filter(|call| call["outcome"] == "answered").count();
    assert_eq!(talks, 3, "{calls:#?}");
}
