//! Missed calls of numbers that the shopper may not call: told, but without a ticket, which nobody
//! could ever return.

use exchange::{
    cause::Failure,
    destination::Refusal,
    number::PhoneNumber,
    settle::{Effect, settle},
};
use jiff::Timestamp;

use super::fixture::{TIMING, World, after, dealer, f1, f2, fail, morning, text_of};
use crate::{End, Filter, NumberChange, Settled};

impl World {
    /// Somebody is missed whom the rules forbid to call.
    async fn miss_refused(&self, caller: &PhoneNumber, now: Timestamp) -> Settled {
        let mut history = self.callback(&f1(), Some(caller.clone()), now).await;
        fail(&mut history, now, Failure::NoAnswer);
        let mut settlement = settle(&history);
        let Effect::Missed(missed) = &mut settlement.effect else { panic!("{settlement:?}") };
        missed.refusal = Some(Refusal::International);
        let end = End { at: now, now, hangup_cause: None };
        self.store.settle(&history, &settlement, end, &text_of, TIMING).await.unwrap()
    }
}

pub(super) async fn who_may_not_be_called_is_told_without_a_ticket(world: World) {
    let world = world.with_eva().await;
    for second in 0..2 {
        let settled = world.miss_refused(&dealer(1), after(second)).await;
        assert_eq!((settled.ticket, settled.sms_queued), (None, true));
        assert_eq!(settled.unreturnable, Some(Refusal::International));
    }
    assert_eq!(world.tickets().await, []);
    let told = ("no ticket".to_owned(), "queued");
    assert_eq!(world.sms().await, [told.clone(), told]);
    // No number was used up.
    assert_eq!(world.miss(&dealer(2), after(9)).await.ticket.unwrap().value(), 1);
}

pub(super) async fn a_fictitious_number_of_our_own_is_not_called_back(world: World) {
    let world = world.with_eva().await;
    world.store.add_number(&f2(), None, morning()).await.unwrap();
    for active in [true, false] {
        let change = NumberChange { active: Some(active), ..NumberChange::default() };
        world.store.change_number(&f2(), &change).await.unwrap();
        let settled = world.miss(&f2(), morning()).await;
        assert_eq!((settled.ticket, settled.sms_queued), (None, true));
        assert_eq!(settled.unreturnable, Some(Refusal::ExchangeNumber));
    }
    assert_eq!(world.tickets().await, []);
}

pub(super) async fn an_open_ticket_is_cancelled(world: World) {
    let world = world.with_eva().await;
    world.miss(&dealer(1), morning()).await;
    world.miss(&dealer(2), after(1)).await;
    let is_ours = async || {
        let tickets = world.store.tickets(&Filter::default()).await.unwrap();
        tickets.iter().map(|ticket| ticket.dealer_is_ours).collect::<Vec<_>>()
    };
    assert_eq!(is_ours().await, [false, false]);
    world.store.add_number(&dealer(1), None, after(2)).await.unwrap();
    assert_eq!(is_ours().await, [false, true]);
    world.miss(&dealer(1), after(5)).await;
    assert_eq!(world.tickets().await, [(1, "cancelled", 1), (2, "open", 1)]);
    let mut sms = world.sms().await;
    sms.sort();
    let waits = |text: &str| (text.to_owned(), "queued");
    let skipped = ("ticket 1 x1 09:00:00".to_owned(), "skipped");
    assert_eq!(sms, [waits("no ticket"), skipped, waits("ticket 2 x1 09:00:01")]);
}

pub(super) async fn many_are_told_together_as_what_they_are(world: World) {
    let world = world.with_eva().await;
    for second in 0..20 {
        world.miss_refused(&dealer(1), after(second)).await;
    }
    let told = async |text: &str| {
        let sms = world.sms().await;
        assert!(sms.iter().any(|(told, _)| told == text), "{sms:?}");
    };
    told("15 more of strangers to one number, not returnable").await;
    world.miss(&dealer(2), after(30)).await;
    told("16 more of strangers to one number, returnable").await;
}
