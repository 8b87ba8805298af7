//! An exchange that takes connections and says nothing: stopped, wedged, or out of memory.

mod moods;

use std::{
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::json;

use super::assert_row;
use crate::{
    Scenario,
    language::{DEALER, DEALER_HZ, FIRST, OUTBOUND, SHOPPER, SHOPPER_HZ, Setup},
    phone::{Callees, Caller, Reaction, Steps},
    process::{now, wait_for},
    world::World,
};

/// Within which a caller hears something, when the first controller says nothing.
const SOON: f64 = 5.5;
/// FreeSWITCH has given the silent connection up (after 25 s).
const GIVEN_UP: Duration = Duration::from_secs(27);

pub(crate) fn all() -> Vec<Scenario> {
    let mut all = vec![
        Scenario::new("a_silent_exchange_is_passed_over", |world| passed_over(world, None)),
        Scenario::new("who_wakes_late_leaves_the_call_to_whom_it_was_passed", |world| {
            passed_over(world, Some(Duration::from_secs(8)));
        }),
        Scenario::new("who_wakes_in_the_turn_of_another_silent_one_has_the_call", other_s_turn),
        Scenario::new("a_silent_exchange_alone_ends_in_the_apology", apology),
    ];
    all.extend(moods::scenarios());
    all
}

fn until(began: Instant, time: Duration) {
    thread::sleep(time.saturating_sub(began.elapsed()));
}

/// The second exchange serves while the first is stopped: one caller talks, and one is asked for a
/// destination, when the first one's connection ends.
fn passed_over(world: &mut World, wakes: Option<Duration>) {
    let mut second = world.second_exchange(&Setup::default());
    second.start();
    second.await_ready();
    let then = Steps::new().sings_until_hangup(DEALER_HZ, 60_000);
    let mut dealer =
        world.callees(&Callees::new().with(DEALER, Reaction::Answers { rings_ms: 300, then }));
    world.exchange.process().signal(Signal::STOP);
    let began = now();
    let talks = Steps::new().hears("enter-destination").keys("234567890#");
    let talks = talks.sings(SHOPPER_HZ, 28_000).hangs_up();
    let mut talker = world.call("talker", &Caller::new(SHOPPER, OUTBOUND).answered(talks));
    // Across that moment in the prompts, which ask three times; the call goes on afterwards.
    let waits = Steps::new().waits(27_000).keys("234567890#").sings(SHOPPER_HZ, 3000).hangs_up();
    let mut asked = world.call("asked", &Caller::new(SHOPPER, OUTBOUND).answered(waits));
    if let Some(wakes) = wakes {
        until(began, wakes);
        world.exchange.process().signal(Signal::CONT);
    }
    until(began, GIVEN_UP);
    for phone in [&mut talker, &mut asked] {
        let trace = phone.finishes();
        let answered = trace.answered_at(200).unwrap() - trace.request_at("INVITE").unwrap();
        assert!(answered < SOON, "answered after {answered} s");
        assert!(answered > 2.5, "the first exchange was not asked: {answered} s");
        assert!(!phone.heard(World::phrases()).contains(&"apology".to_owned()));
    }
    world.exchange.process().signal(Signal::CONT);
    dealer.stops();
    for call in world.rows("calls", 2, |call| !call["ended_at"].is_null()) {
        assert_row(&call, &[("dealer", json!(DEALER)), ("outcome", json!("answered"))]);
    }
    let proven = |recording: &serde_json::Value| recording["verdict"] == "ok";
    assert_eq!(world.rows("recordings", 2, proven).len(), 2);
    if wakes.is_some() {
        let left = world.exchange.log().matches("is another's now").count();
        assert_eq!(left, 2, "{}", world.exchange.log_tail());
    }
}

/// Both are stopped. The first one wakes when FreeSWITCH waits for the second, and keeps its calls
/// when FreeSWITCH gives the one silent connection up, and the other, and when the second wakes.
fn other_s_turn(world: &mut World) {
    let mut second = world.second_exchange(&Setup::default());
    second.start();
    second.await_ready();
    let (dealer, shopper) = ("+420234567890", "+420234567891");
    let rings =
        |hz| Reaction::Answers { rings_ms: 300, then: Steps::new().sings_until_hangup(hz, 60_000) };
    let callees = Callees::new().with(dealer, rings(DEALER_HZ)).with(SHOPPER, rings(SHOPPER_HZ));
    let mut callees = world.callees(&callees);
    for exchange in [&mut world.exchange, &mut second] {
        exchange.process().signal(Signal::STOP);
    }
    let began = now();
    let talks = Steps::new().hears("enter-destination").keys("234567890#");
    let talks = talks.sings(SHOPPER_HZ, 28_000).hangs_up();
    let mut out = world.call("out", &Caller::new(SHOPPER, OUTBOUND).answered(talks));
    let talks = Steps::new().sings(DEALER_HZ, 28_000).hangs_up();
    let mut back = world.call("back", &Caller::new(shopper, FIRST).answered(talks));
    until(began, Duration::from_millis(6500));
    world.exchange.process().signal(Signal::CONT);
    // By then both silent connections are given up.
    until(began, GIVEN_UP + Duration::from_secs(5));
    second.process().signal(Signal::CONT);
    for phone in [&mut out, &mut back] {
        let trace = phone.finishes();
        let answered = trace.answered_at(200).unwrap() - trace.request_at("INVITE").unwrap();
        assert!((6.0..8.5).contains(&answered), "answered after {answered} s");
        assert!(!phone.heard(World::phrases()).contains(&"apology".to_owned()));
    }
    callees.stops();
    let calls = world.rows("calls", 2, |call| !call["ended_at"].is_null());
    for call in &calls {
        assert_row(call, &[("outcome", json!("answered"))]);
        assert!(call["talk_seconds"].as_f64().unwrap() > 24.0, "{call}");
    }
    let proven = |recording: &serde_json::Value| recording["verdict"] == "ok";
    assert_eq!(world.rows("recordings", 2, proven).len(), 2);
    let taken = second.log().matches("\"message\":\"call\"").count();
    assert_eq!(taken, 0, "the second exchange serves as well: {}", second.log_tail());
}

fn apology(world: &mut World) {
    world.exchange.process().signal(Signal::STOP);
    let mut dealer = world.call("dealer", &Caller::new(DEALER, FIRST).fails(503));
    wait_for(Duration::from_secs(8), "the dealer hears something", || {
        dealer.trace().answered_at(183)
    });
    // In the middle of the apology; it has the dealer's call in its hands, and leaves it alone.
    world.exchange.process().signal(Signal::CONT);
    let trace = dealer.finishes();
    let heard = trace.answered_at(183).unwrap() - trace.request_at("INVITE").unwrap();
    assert!(heard < SOON, "silence for {heard} s");
    assert_eq!(trace.codes(false), [183, 503]);
    assert_eq!(dealer.heard(World::phrases()), ["apology"]);
    // The dealer has called, which the record tells once nobody attends to it; and the next call is
    // as ever.
    let missed = wait_for(Duration::from_secs(25), "a missed call", || {
        world.exchange.list("tickets").into_iter().next()
    });
    assert_row(&missed, &[("dealer", json!(DEALER)), ("missed", json!(1))]);
    let rings =
        Reaction::Answers { rings_ms: 300, then: Steps::new().sings(SHOPPER_HZ, 1000).hangs_up() };
    let mut shopper = world.callees(&Callees::new().with(SHOPPER, rings));
    let talks = Steps::new().sings_until_hangup(DEALER_HZ, 12_000);
    let mut again = world.call("again", &Caller::new(DEALER, FIRST).answered(talks));
    let trace = again.finishes();
    shopper.stops();
    let took = trace.answered_at(180).unwrap() - trace.request_at("INVITE").unwrap();
    assert!(took < 2.0, "{took} s");
}
