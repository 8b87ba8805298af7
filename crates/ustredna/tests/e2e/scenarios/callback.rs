//! Service 2: dealers call fictitious numbers, and the shopper answers.

use std::time::Duration;

use serde_json::json;

use super::{assert_row, connected::assert_recorded, talks_and_hangs_up};
use crate::{
    Scenario,
    exchange::Settings,
    phone::{Callees, Caller, DEALER_HZ, Reaction, SHOPPER_HZ, Steps},
    world::{CALLBACK, DEALER, FIRST, SHOPPER, Setup, World},
};

pub(crate) fn all() -> Vec<Scenario> {
    let slow_sms = || Settings { sms_delay: "14s", ..Settings::default() };
    vec![
        Scenario::with(
            "a_talk_in_time_skips_the_sms",
            Setup { settings: slow_sms(), ..Setup::default() },
            talk_in_time,
        ),
        Scenario::new("a_dealer_calls_back", answered),
    ]
}

fn answered(world: &mut World) {
    // The shopper lets it ring for a while.
    let sings = Steps::new().sings(SHOPPER_HZ, 2500).hangs_up();
    let rings = Reaction::Answers { rings_ms: 1500, then: sings };
    let shopper = world.callees(&Callees::new().with(SHOPPER, rings));
    let caller = Caller::new(DEALER, FIRST)
        .header("P-Asserted-Identity: <sip:+420234567890@127.0.0.1>")
        .header("Diversion: <sip:234567890@carrier.example>;reason=unknown")
        .header("X-Dealer: 234567890")
        .answered(Steps::new().sings_until_hangup(DEALER_HZ, 12_000));
    let mut dealer = world.call("dealer", &caller);
    let dealer_trace = dealer.finishes();
    let shopper_trace = shopper.stops();

    // The shopper sees who rings: the callback hotline, not the dealer.
    let invites = shopper_trace.invites();
    assert_eq!(invites.len(), 1);
    let from = invites[0].header("From");
    assert!(from.starts_with(&format!("\"{CALLBACK}\" <sip:{CALLBACK}@")), "{from}");
    shopper_trace.assert_never_shown(DEALER);
    dealer_trace.assert_never_shown(SHOPPER);
    // The dealer hears plain ringing, and pays from the moment the shopper answers.
    assert!(dealer_trace.answered_at(180).is_some(), "plain ringing");
    assert!(dealer_trace.answered_at(183).is_none(), "nothing but ringing");
    let (shopper_at, dealer_at) =
        (shopper_trace.answered_at(200).unwrap(), dealer_trace.answered_at(200).unwrap());
    assert!(dealer_at > shopper_at, "the dealer was answered {} s early", shopper_at - dealer_at);
    assert!(dealer_at - shopper_at < 0.5, "{} s late", dealer_at - shopper_at);
    assert_eq!(dealer.heard(World::phrases()), [""; 0], "no prompt to a dealer");

    let call = world.only_call();
    assert_row(
        &call,
        &[
            ("service", json!("fictitious_number")),
            ("shopper", json!(SHOPPER)),
            ("fictitious_number", json!(FIRST)),
            ("dealer", json!(DEALER)),
            ("outcome", json!("answered")),
        ],
    );
    assert_recorded(world, &call, "back_420777000111_420234567890", &shopper_trace);
    assert!(world.exchange.list("tickets").is_empty());
}

fn talk_in_time(world: &mut World) {
    let busy = world.callees(&Callees::new().rings(SHOPPER));
    world.call("first", &Caller::new(DEALER, FIRST).gives_up(180, 700)).finishes();
    busy.stops();
    world.rows("sms", 1, |sms| sms["status"] == "queued");
    // The second time the shopper answers.
    let shopper = world.callees(&Callees::new().answers(SHOPPER, talks_and_hangs_up()));
    let talks = Steps::new().listens_until_hangup(9000);
    world.call("second", &Caller::new(DEALER, FIRST).answered(talks)).finishes();
    shopper.stops();
    let tickets = world.rows("tickets", 1, |ticket| ticket["status"] == "reached");
    assert_row(&tickets[0], &[("number", json!(1)), ("missed", json!(1))]);
    crate::process::wait_for(Duration::from_secs(20), "the SMS is skipped", || {
        world.exchange.list("sms").iter().any(|sms| sms["status"] == "skipped").then_some(())
    });
    assert!(world.spooled().is_empty(), "an SMS about a call that has been had");
    assert_row(&world.exchange.list("tickets")[0], &[("sms", json!("skipped"))]);
}
