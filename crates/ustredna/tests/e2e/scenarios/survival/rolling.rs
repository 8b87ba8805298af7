//! Two exchanges in FreeSWITCH's list are restarted one after the other under load: no caller
//! notices.

use std::{thread, time::Duration};

use super::await_settled;
use rustix::process::Signal;

use crate::{
    Scenario,
    exchange::Exchange,
    language::{DEALER, DEALER_HZ, OUTBOUND, SHOPPER, SHOPPER_HZ, Setup},
    phone::{Callees, Caller, Phone, Reaction, Steps},
    process::{now, wait_for},
    world::World,
};

/// Restarts of each.
const ROUNDS: usize = 2;
/// A call begins so often.
const EVERY: Duration = Duration::from_millis(400);

pub(super) fn all() -> Vec<Scenario> {
    let scenario = Scenario::new("restarted_one_by_one_no_call_is_refused", rolling);
    vec![scenario.in_world(|setup| World::with_ports(setup, 200, 160))]
}

fn rolling(world: &mut World) {
    let mut second = world.second_exchange(&Setup::default());
    second.start();
    second.await_ready();
    let then = Steps::new().sings(DEALER_HZ, 1500).hangs_up();
    let mut dealer =
        world.callees(&Callees::new().with(DEALER, Reaction::Answers { rings_ms: 300, then }));
    let mut shoppers = Vec::new();
    for _ in 0..ROUNDS {
        restart(world, None, &mut shoppers);
        restart(world, Some(&mut second), &mut shoppers);
    }
    let mut talks = 0;
    for phone in &mut shoppers {
        // It was answered and went as told, or SIPp says so.
        let trace = phone.finishes();
        assert_eq!(trace.codes(false), [200], "only answered");
        assert_eq!(phone.heard(World::phrases()), ["enter-destination"]);
        talks += 1;
    }
    dealer.stops();
    await_settled(world, talks);
    let calls = world.exchange.list("calls");
    assert_eq!(calls.len(), talks);
    for call in &calls {
        assert_eq!(call["outcome"], "answered", "{call:#}");
    }
    for recording in world.exchange.list("recordings") {
        assert_eq!(recording["verdict"], "ok", "{recording:#}");
    }
    eprintln!("restarted_one_by_one: {talks} calls, {} restarts, refused: 0", 2 * ROUNDS);
}

/// Stops one of the two as `systemctl restart` does, and starts it again; calls go on coming.
fn restart(world: &mut World, second: Option<&mut Exchange>, shoppers: &mut Vec<Phone>) {
    calls_for(world, Duration::from_secs(2), shoppers);
    let mut second = second;
    exchange(world, &mut second).process().signal(Signal::TERM);
    let stopped = |world: &mut World, second: &mut Option<&mut Exchange>| {
        exchange(world, second).process().ended().is_some()
    };
    let end = now() + Duration::from_secs(40);
    while !stopped(world, &mut second) {
        assert!(now() < end, "it does not stop");
        calls_for(world, EVERY, shoppers);
    }
    calls_for(world, Duration::from_secs(1), shoppers);
    let restarted = exchange(world, &mut second);
    restarted.start();
    restarted.await_ready();
}

fn exchange<'a>(world: &'a mut World, second: &'a mut Option<&mut Exchange>) -> &'a mut Exchange {
    match second {
        Some(second) => second,
        None => &mut world.exchange,
    }
}

fn calls_for(world: &World, time: Duration, shoppers: &mut Vec<Phone>) {
    let end = now() + time;
    while now() < end {
        let steps = Steps::new().hears("enter-destination").keys("234567890#");
        let steps = steps.sings_until_hangup(SHOPPER_HZ, 15_000);
        let caller = Caller::new(SHOPPER, OUTBOUND).open(steps);
        let phone = world.call(&format!("shopper{}", shoppers.len()), &caller);
        wait_for(Duration::from_secs(10), "SIPp calls", || {
            (!phone.trace().invites().is_empty()).then_some(())
        });
        shoppers.push(phone);
        thread::sleep(EVERY);
    }
}
