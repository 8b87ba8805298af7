use exchange::{
    call::Direction, cause::Failure, destination::Refusal, history::History, model::Outcome,
};
use jiff::SignedDuration;

use super::fixture::{World, after, dealer, eva, f1, f2, fail, morning, talk};
use crate::{Filter, Limits};

async fn dial(world: &World, history: &History, limits: &Limits) -> Result<(), Refusal> {
    let leg = history.legs.last().unwrap();
    let day_start = morning() - SignedDuration::from_hours(9);
    world.store.begin_leg(history, leg, limits, leg.started_at, day_start).await.unwrap()
}

pub(super) async fn a_committed_intent_can_be_completed_after_a_crash(world: World) {
    let world = world.with_eva().await;
    let mut back = world.callback(&f1(), Some(dealer(1)), after(50)).await;
    dial(&world, &back, &Limits::default()).await.unwrap();
    let mut out = world.outbound(dealer(2), None, morning()).await;
    dial(&world, &out, &Limits::default()).await.unwrap();
    fail(&mut out, after(20), Failure::Busy);
    let again = world.outbound(dealer(3), None, after(25)).await;
    out.legs.extend(again.legs);
    dial(&world, &out, &Limits::default()).await.unwrap();

    let calls = world.store.calls(&Filter::default()).await.unwrap();
    assert_eq!((calls[0].outcome, calls[0].ended_at), (None, None));

    let open = open(&world).await;
    assert_eq!(open.iter().map(|call| call.id).collect::<Vec<_>>(), [out.id, back.id]);
    assert_eq!(open[0].legs[0].outcome(), Outcome::Busy);
    assert_eq!(open[0].legs[1].id, out.legs[1].id);
    assert_eq!(open[0].legs[1].dial.to, dealer(3));
    assert_eq!(open[0].legs[1].recording, out.legs[1].recording);
    assert_eq!((open[0].shopper, open[0].called_number.as_ref()), (out.shopper, None));
    assert_eq!(open[1].called_number, back.called_number);
    assert_eq!(open[1].calling_dealer, Some(dealer(1)));
    assert_eq!(open[1].legs[0].dial.direction, Direction::Back);
    assert_eq!(
        (&open[1].legs[0].dial.to, &open[1].legs[0].dial.shown.digits()[..3]),
        (&eva(), "420")
    );
    assert_eq!(open[1].legs[0].dial.pairing.project.as_deref(), Some("jaro"));

    // What is read back can be settled: the callback as missed, the other as answered.
    world.end(&open[1], after(100)).await;
    assert_eq!(world.tickets().await, [(1, "open", 1)]);
    back.legs.clear();
    let mut completed = open[0].clone();
    talk(&mut completed, after(30), after(60));
    world.end(&completed, after(60)).await;
    assert!(world.store.open_calls().await.unwrap().is_empty());
    let calls = world.store.calls(&Filter::default()).await.unwrap();
    let out = calls.iter().find(|call| call.id == out.id).unwrap();
    assert_eq!(out.outcome, Some(Outcome::Answered));
    let attempts: Vec<_> = out.attempts.iter().map(|leg| leg.outcome.unwrap()).collect();
    assert_eq!(attempts, [Outcome::Busy, Outcome::Answered]);
}

async fn open(world: &World) -> Vec<History> {
    let open = world.store.open_calls().await.unwrap();
    open.into_iter().map(|call| call.history).collect()
}

pub(super) async fn an_exchange_knows_its_own_calls(world: World) {
    let world = world.with_eva().await;
    let named =
        |name| World { store: world.store.clone().of_exchange(name), url: world.url.clone() };
    let (north, south) = (named("north"), named("south"));
    let nobodys = world.outbound(dealer(1), None, morning()).await;
    dial(&world, &nobodys, &Limits::default()).await.unwrap();
    let theirs = world.outbound(dealer(2), None, after(1)).await;
    dial(&north, &theirs, &Limits::default()).await.unwrap();
    // Begun when the clock was ahead: found all the same.
    let ours = world.outbound(dealer(3), None, after(999_999)).await;
    dial(&south, &ours, &Limits::default()).await.unwrap();

    let shared = world.store.is_shared();
    let open = south.store.open_calls().await.unwrap();
    let elsewhere: Vec<_> = open.iter().map(|call| (call.history.id, call.elsewhere)).collect();
    assert_eq!(elsewhere, [(nobodys.id, shared), (theirs.id, true), (ours.id, false)]);

    // Each proves its own recordings; those in one file are on one machine.
    for call in open {
        let mut history = call.history;
        let from = history.started_at;
        talk(&mut history, from, from + SignedDuration::from_secs(9));
        world.end(&history, from + SignedDuration::from_secs(9)).await;
    }
    let unproven = |world: &World| {
        let store = world.store.clone();
        async move {
            let calls = store.unproven_calls().await.unwrap();
            calls.into_iter().map(|call| call.history.id).collect::<Vec<_>>()
        }
    };
    let all = vec![nobodys.id, theirs.id, ours.id];
    assert_eq!(unproven(&south).await, if shared { vec![ours.id] } else { all.clone() });
    assert_eq!(unproven(&north).await, if shared { vec![theirs.id] } else { all });
}

pub(super) async fn a_call_that_has_arrived_is_known(world: World) {
    let world = world.with_eva().await;
    let mut arrived = world.callback(&f1(), Some(dealer(1)), after(5)).await;
    let legs = std::mem::take(&mut arrived.legs);
    arrived.caller = Some(dealer(1));
    world.store.arrive(&arrived).await.unwrap();
    let found = open(&world).await.pop().unwrap();
    assert_eq!((found.id, found.shopper, found.legs.len()), (arrived.id, arrived.shopper, 0));
    assert_eq!((found.caller, found.called_number), (Some(dealer(1)), Some(f1())));
    // What comes later goes on from there, and a late arrival changes nothing any more.
    arrived.legs = legs;
    dial(&world, &arrived, &Limits::default()).await.unwrap();
    world.end(&arrived, after(30)).await;
    world.store.arrive(&arrived).await.unwrap();
    assert!(open(&world).await.is_empty());
    assert_eq!(world.store.calls(&Filter::default()).await.unwrap().len(), 1);
    assert_eq!(world.tickets().await, [(1, "open", 1)]);
}

pub(super) async fn an_ended_call_stays_ended(world: World) {
    let world = world.with_eva().await;
    let mut history = world.outbound(dealer(1), None, morning()).await;
    dial(&world, &history, &Limits::default()).await.unwrap();
    let before = history.clone();
    talk(&mut history, after(5), after(65));
    assert!(!world.end(&history, after(66)).await.already);
    // An older picture of it, written late, and another leg.
    world.store.keep(&before).await.unwrap();
    let again = world.outbound(dealer(2), None, after(70)).await;
    history.legs.extend(again.legs);
    let refused = dial(&world, &history, &Limits::default()).await;
    assert_eq!(refused, Err(Refusal::Unavailable), "nobody would end what is dialled now");
    assert!(world.end(&history, after(99)).await.already);

    let calls = world.store.calls(&Filter::default()).await.unwrap();
    let attempts: Vec<_> = calls[0].attempts.iter().map(|leg| leg.outcome).collect();
    assert_eq!(attempts, [Some(Outcome::Answered)]);
    assert!(open(&world).await.is_empty());
}

pub(super) async fn limits_hold(world: World) {
    let world = world.with_eva().await;
    let limits = |calls, minutes, at_once| Limits {
        calls_per_day: calls,
        minutes_per_day: minutes,
        calls_at_once: at_once,
    };
    // Yesterday's call counts for nothing.
    let mut yesterday =
        world.outbound(dealer(1), None, morning() - SignedDuration::from_hours(10)).await;
    let from = yesterday.started_at;
    talk(&mut yesterday, from, from + SignedDuration::from_mins(30));
    world.end(&yesterday, from + SignedDuration::from_mins(30)).await;

    let mut first = world.outbound(dealer(1), None, morning()).await;
    assert_eq!(dial(&world, &first, &limits(Some(1), Some(1), Some(1))).await, Ok(()));
    let second = world.outbound(dealer(2), None, after(70)).await;
    let refused = dial(&world, &second, &limits(None, None, Some(1))).await;
    assert_eq!(refused, Err(Refusal::CallsAtOnce));
    assert_eq!(dial(&world, &first, &limits(None, None, Some(1))).await, Ok(()), "the same call");

    talk(&mut first, after(5), after(64));
    world.end(&first, after(65)).await;
    assert_eq!(
        dial(&world, &second, &limits(Some(1), None, None)).await,
        Err(Refusal::CallsPerDay)
    );
    let open = world.store.calls(&Filter::default()).await.unwrap();
    assert_eq!(open.len(), 2, "what is refused leaves no intent");
    assert_eq!(dial(&world, &second, &limits(Some(2), Some(1), Some(1))).await, Ok(()));
    let mut second = second;
    talk(&mut second, after(80), after(81));
    world.end(&second, after(81)).await;
    let third = world.outbound(dealer(3), None, after(90)).await;
    assert_eq!(
        dial(&world, &third, &limits(Some(9), Some(1), None)).await,
        Err(Refusal::MinutesPerDay)
    );
    assert_eq!(dial(&world, &third, &limits(Some(3), Some(2), Some(1))).await, Ok(()));
    // It never ends, for a crash; four hours later it is not under way any more.
    let later = world.outbound(dealer(4), None, after(90 + 4 * 3600)).await;
    assert_eq!(dial(&world, &later, &limits(None, None, Some(1))).await, Err(Refusal::CallsAtOnce));
    let later = world.outbound(dealer(4), None, after(91 + 4 * 3600)).await;
    assert_eq!(dial(&world, &later, &limits(None, None, Some(1))).await, Ok(()));
}

pub(super) async fn fictitious_numbers_are_not_dialled(world: World) {
    let world = world.with_eva().await;
    world.store.add_number(&f2(), None, morning()).await.unwrap();
    let history = world.outbound(f2(), None, morning()).await;
    assert_eq!(dial(&world, &history, &Limits::default()).await, Err(Refusal::ExchangeNumber));
    assert!(world.store.has_exchange_number(&[f2()]).await.unwrap());
    assert!(!world.store.has_exchange_number(&[dealer(1)]).await.unwrap());
}

pub(super) async fn callbacks_have_no_limits(world: World) {
    let world = world.with_eva().await;
    let none = Limits { calls_per_day: Some(0), minutes_per_day: Some(0), calls_at_once: Some(0) };
    let history = world.callback(&f1(), Some(dealer(1)), morning()).await;
    assert_eq!(dial(&world, &history, &none).await, Ok(()));
    let history = world.outbound(dealer(1), None, morning()).await;
    assert!(dial(&world, &history, &none).await.is_err());
}
