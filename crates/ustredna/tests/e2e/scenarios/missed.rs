//! Service 2: dealers call fictitious numbers, and the shopper is missed.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::assert_row;
use crate::{
    Scenario,
    exchange::Settings,
    phone::{Callees, Caller},
    world::{DEALER, FIRST, OTHER_DEALER, SHOPPER, Setup, World},
};

pub(crate) fn all() -> Vec<Scenario> {
    let quick = || Settings { shopper_ring_timeout: "2s", sms_delay: "3s", ..Settings::default() };
    let setup = || Setup { settings: quick(), ..Setup::default() };
    vec![
        Scenario::with("missed_calls_become_tickets_and_sms", setup(), tickets),
        Scenario::with("a_withheld_dealer_is_told_by_sms_alone", setup(), withheld),
        Scenario::with("a_dealer_who_leaves_in_the_announcement_was_missed", setup(), rejected),
    ]
}

/// What a dealer hears of a missed shopper: an operator's words in early media, and this code.
fn misses(world: &World, name: &str, dealer: &str, code: u16) {
    let mut phone = world.call(name, &Caller::new(dealer, FIRST).fails(code));
    let trace = phone.finishes();
    assert!(trace.answered_at(200).is_none(), "a dealer does not pay for a missed call");
    assert_eq!(phone.heard(World::phrases()), ["not-available"], "{name}");
    trace.assert_never_shown(SHOPPER);
}

fn tickets(world: &mut World) {
    // No answer.
    let shopper = world.callees(&Callees::new().rings(SHOPPER));
    misses(world, "no-answer", DEALER, 480);
    let tickets = world.exchange.list("tickets");
    assert_eq!(tickets.len(), 1, "{tickets:#?}");
    assert_row(
        &tickets[0],
        &[
            ("shopper", json!(SHOPPER)),
            ("number", json!(1)),
            ("dealer", json!(DEALER)),
            ("fictitious_number", json!(FIRST)),
            ("status", json!("open")),
            ("missed", json!(1)),
            ("sms", json!("queued")),
        ],
    );
    assert!(world.spooled().is_empty(), "an SMS before the delay is over");
    // Another dealer gives up while it rings.
    world.call("gives-up", &Caller::new(OTHER_DEALER, FIRST).gives_up(180, 800)).finishes();
    shopper.stops();
    let messages = world.await_spooled(2, Duration::from_secs(10));
    let texts: Vec<&str> = messages.iter().map(|sms| sms["text"].as_str().unwrap()).collect();
    for (number, dealer) in [(1, DEALER), (2, OTHER_DEALER)] {
        let begin = format!("Zmeskany hovor c. {number} od {dealer} na Vase cislo 777000111 (");
        assert!(
            texts
                .iter()
                .any(|text| text.starts_with(&begin) && text.ends_with("Volejte zpet 234234390.")),
            "{texts:?}"
        );
    }
    assert!(messages.iter().all(|sms| sms["to"] == SHOPPER), "{messages:?}");
    // The first dealer again, and the shopper is busy.
    let shopper = world.callees(&Callees::new().refuses(SHOPPER, 486));
    misses(world, "busy", DEALER, 486);
    shopper.stops();
    let tickets = world.rows("tickets", 2, |ticket| ticket["status"] == "open");
    for (dealer, number, missed) in [(DEALER, 1, 2), (OTHER_DEALER, 2, 1)] {
        let ticket = tickets.iter().find(|ticket| ticket["dealer"] == dealer).unwrap();
        assert_row(ticket, &[("number", json!(number)), ("missed", json!(missed))]);
    }
    let calls = world.ended_calls(3);
    let time =
        |row: &Value, key: &str| -> Timestamp { row[key].as_str().unwrap().parse().unwrap() };
    let missed_at = calls.iter().map(|call| time(call, "ended_at")).min().unwrap();
    for sms in world.rows("sms", 2, |sms| sms["status"] == "sent") {
        let waited = time(&sms, "sent_at").duration_since(missed_at);
        assert!(waited.as_millis() >= 2900, "sent {waited:#} after the first call was missed");
        assert_row(&sms, &[("to", json!(SHOPPER)), ("segments", json!(1)), ("attempts", json!(1))]);
    }
    for outcome in ["no_answer", "abandoned", "busy"] {
        let call = calls.iter().find(|call| call["outcome"] == outcome);
        let call = call.unwrap_or_else(|| panic!("no call is {outcome}: {calls:#?}"));
        assert_row(call, &[("recording", json!(null)), ("answered_at", json!(null))]);
        let ticket = if outcome == "abandoned" { 2 } else { 1 };
        assert_row(call, &[("ticket", json!(ticket))]);
    }
    assert!(world.wav_files().is_empty());
}

fn withheld(world: &mut World) {
    let shopper = world.callees(&Callees::new().refuses(SHOPPER, 486));
    let caller = Caller::new(DEALER, FIRST)
        .shows("\"Anonymous\" <sip:anonymous@anonymous.invalid>")
        .header("P-Asserted-Identity: <sip:+420234567890@127.0.0.1>")
        .header("Privacy: id");
    world.call("withheld", &caller.fails(486)).finishes();
    let trace = shopper.stops();
    assert_eq!(trace.invites().len(), 1, "the shopper is rung all the same");
    trace.assert_never_shown(DEALER);
    let messages = world.await_spooled(1, Duration::from_secs(10));
    let text = messages[0]["text"].as_str().unwrap();
    assert!(!text.contains("234567890") && text.contains("777000111"), "{text}");
    assert!(world.exchange.list("tickets").is_empty(), "there is nobody to call back");
    assert_row(&world.only_call(), &[("dealer", json!(null)), ("outcome", json!("busy"))]);
}

fn rejected(world: &mut World) {
    let shopper = world.callees(&Callees::new().refuses(SHOPPER, 603));
    let trace = world.call("rejected", &Caller::new(DEALER, FIRST).gives_up(183, 500)).finishes();
    shopper.stops();
    assert!(trace.answered_at(200).is_none());
    // Hung up in the announcement: it is missed all the same.
    let tickets = world.rows("tickets", 1, |ticket| ticket["status"] == "open");
    assert_row(&tickets[0], &[("number", json!(1)), ("missed", json!(1))]);
    assert_row(&world.only_call(), &[("outcome", json!("rejected")), ("ticket", json!(1))]);
}
