//! What neither side, no log and no record may tell.

use serde_json::json;

use super::{A_MOMENT, assert_row, keys_and_talks, shopper_calls_out, talks_and_hangs_up};
use crate::{
    Scenario,
    language::{DEALER, SHOPPER},
    phone::{Callees, Steps},
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("no_message_shows_the_shopper_s_number", nothing_leaks),
        Scenario::new("a_pin_is_in_no_log_and_no_record", pin),
        Scenario::new("refusals_are_logged_without_what_was_keyed", refusals),
    ]
}

fn nothing_leaks(world: &mut World) {
    let mut dealer = world.callees(&Callees::new().answers(DEALER, talks_and_hangs_up()));
    let caller = shopper_calls_out(keys_and_talks("234567890#"))
        .shows("\"Jana 601123456\" <sip:+420601123456@127.0.0.1>")
        .header("P-Asserted-Identity: \"601123456\" <sip:+420601123456@carrier.example>")
        .header("P-Preferred-Identity: <sip:601123456@carrier.example>")
        .header("Remote-Party-ID: \"Jana\" <sip:00420601123456@carrier.example>;party=calling;privacy=off")
        .header("Diversion: <sip:420601123456@carrier.example>;reason=unconditional")
        .header("History-Info: <sip:+420601123456@carrier.example>;index=1")
        .header("Call-Info: <http://carrier.example/601123456.png>;purpose=icon")
        .header("Identity: 601123456")
        .header("User-to-User: 601123456")
        .header("P-Charge-Info: <sip:601123456@carrier.example>")
        .header("Subject: 601 123 456")
        .header("X-Real-Number: +420601123456")
        .header("X-Caller: 601123456");
    let mut shopper = world.call("shopper", &caller);
    shopper.finishes();
    let trace = dealer.stops();
    assert_eq!(trace.invites().len(), 1);
    trace.assert_never_shown(SHOPPER);
    for message in trace.messages().iter().filter(|message| !message.sent) {
        assert!(!message.without_tags().contains("Jana"), "the shopper's name:\n{}", message.text);
    }
    assert_row(
        &world.rows("calls", 1, |call| !call["ended_at"].is_null())[0],
        &[("shopper", json!(SHOPPER)), ("outcome", json!("answered"))],
    );
    // Nor is the number in the log of the exchange, which people read.
    assert!(!world.exchange.log().contains("601123456"), "the log tells the shopper's number");
}

fn refusals(world: &mut World) {
    let steps = Steps::new().hears("enter-destination").keys("906471147#");
    let steps = steps.hears("premium-number").hears("enter-destination").keys("777000111#");
    let steps = steps.hears("own-exchange-number").hears("enter-destination").hangs_up();
    world.call("shopper", &shopper_calls_out(steps)).finishes();
    world.rows("calls", 1, |call| !call["ended_at"].is_null());
    let log = world.exchange.log();
    let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let refused = lines.filter(|line| line["message"] == "refused");
    let told: Vec<_> = refused.map(|line| line["reason"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, ["premium_rate", "exchange_number"]);
    for keyed in ["906471147", "777000111"] {
        assert!(!log.contains(keyed), "what was keyed is in the log");
    }
}

fn pin(world: &mut World) {
    let set = ["shoppers", "set", "601123456", "--pin"];
    // Long enough not to stand in a log by chance, as a part of some time stamp.
    world.exchange.answer(&set, "47114711\n").unwrap();
    let right = Steps::new().waits(A_MOMENT).keys("47114711#").waits(1500).hangs_up();
    let mut right = world.call("right", &shopper_calls_out(right));
    right.finishes();
    assert_eq!(right.heard(World::phrases()), ["enter-pin", "enter-destination"]);
    world.rows("calls", 1, |call| !call["ended_at"].is_null());
    for record in world.switch_files() {
        assert!(!record.contains("47114711"), "a PIN on disk:\n{record}");
    }
    assert!(!world.exchange.log().contains("47114711"), "a PIN in the log");
}
