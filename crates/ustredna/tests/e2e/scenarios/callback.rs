//! Service 2: dealers call fictitious numbers, and what their phones are told by SIP.

use serde_json::json;

use super::assert_row;
use crate::{
    Scenario,
    language::{CALLBACK, DEALER, DEALER_HZ, FIRST, SHOPPER, SHOPPER_HZ},
    phone::{Callees, Caller, Reaction, Steps},
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![Scenario::new("a_dealer_is_answered_when_the_shopper_answers", answered)]
}

fn answered(world: &mut World) {
    // The shopper lets it ring for a while.
    let sings = Steps::new().sings(SHOPPER_HZ, 1500).hangs_up();
    let rings = Reaction::Answers { rings_ms: 1500, then: sings };
    let mut shopper = world.callees(&Callees::new().with(SHOPPER, rings));
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
    let calls = world.rows("calls", 1, |call| !call["ended_at"].is_null());
    assert_row(&calls[0], &[("dealer", json!(DEALER)), ("outcome", json!("answered"))]);
}
