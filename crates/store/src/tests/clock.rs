//! The clock was set back since something was written.

use exchange::{cause::Failure, settle::settle};
use jiff::SignedDuration;

use super::fixture::{LEASE, TIMING, TTL, World, after, dealer, f1, fail, morning, text_of};
use crate::{End, Filter, SmsTiming, Throttle};

/// The clock was set back while it rang.
pub(super) async fn an_end_in_the_future_delays_no_sms(world: World) {
    let world = world.with_eva().await;
    let mut history = world.callback(&f1(), Some(dealer(1)), after(3600)).await;
    fail(&mut history, after(3620), Failure::NoAnswer);
    let end = End { at: after(3620), now: after(20), hangup_cause: None };
    world.store.settle(&history, &settle(&history), end, &text_of, TIMING).await.unwrap();
    let sms = world.store.sms(&Filter::default()).await.unwrap().remove(0);
    assert_eq!((sms.created_at, sms.not_before), (after(20), after(80)));
    let call = world.store.calls(&Filter::default()).await.unwrap().remove(0);
    assert_eq!((call.started_at, call.ended_at), (after(3600), Some(after(3620))));
}

pub(super) async fn a_clock_set_back_holds_up_no_sms(world: World) {
    let world = world.with_eva().await;
    let timing = SmsTiming { ticket_gap: SignedDuration::from_mins(10), ..TIMING };
    let miss = async |number, second: i64| {
        let mut history = world.callback(&f1(), Some(dealer(number)), after(second)).await;
        fail(&mut history, after(second), Failure::Busy);
        world.end_with(&history, after(second), timing).await;
    };
    world.tries(&dealer(1), after(3000)).await;
    miss(1, 3600).await;
    let sent = world.lease(after(3660), 10).await.remove(0);
    world.sent(&sent, after(3660), "p1").await;
    miss(2, 3700).await;
    // Now it is an hour earlier. What waits does so for no more than its delay.
    world.store.sweep(after(100), TTL).await.unwrap();
    let queued = async || {
        let all = world.store.sms(&Filter::default()).await.unwrap();
        all.into_iter().find(|sms| sms.status.as_str() == "queued").unwrap()
    };
    let waiting = queued().await;
    assert_eq!((waiting.created_at, waiting.not_before), (after(100), after(160)));
    assert_eq!(waiting.expires_at, Some(after(100) + TIMING.expiry));
    // Nor is it held up by what was sent in the future.
    let throttle = Throttle { per_minute: Some(1), per_quarter: Some(1), per_hour: Some(1) };
    let leased = world.store.lease_sms(after(160), LEASE, 10, throttle).await.unwrap().sms;
    assert_eq!(leased.len(), 1);
    world.sent(&leased[0], after(161), "p2").await;
    // Nor is another one about the same ticket.
    miss(1, 200).await;
    assert_eq!(queued().await.not_before, after(200) + timing.ticket_gap);
}

pub(super) async fn a_pairing_rings_for_no_call_before_it(world: World) {
    let world = world.with_eva().await;
    let rings = async |at, now| world.store.assignment(&f1(), at, now).await.unwrap().is_some();
    let earlier = morning() - SignedDuration::from_hours(1);
    assert!(!rings(earlier, after(60)).await, "a call that is looked at later");
    assert!(rings(earlier, earlier).await, "the clock was set back since the pairing was made");
}
