//! What is damaged holds up no change of anything beside it: what `damaged.rs` tells of lists and calls,
//! for the rest that an exchange and its operators do.

use exchange::cause::Failure;
use jiff::SignedDuration;

use super::fixture::{
    LEASE, TTL, World, after, dealer, eva, f1, f2, fail, morning, new_shopper, phone, talk,
};
use crate::{Delivery, SmsFate, Throttle};

/// A time that no clock tells.
const NEVER: i64 = i64::MIN;
/// What a program of ours once took for a number.
const POISON: &str = "+4930909018201820";

pub(super) async fn a_damaged_pairing_keeps_no_other_from_being_made(world: World) {
    let world = world.with_eva().await;
    world.pair(eva(), f2()).await;
    if !world.damage("UPDATE pairings SET number = 70000 WHERE number = 2".into()).await {
        return; // PostgreSQL checks it.
    }
    // It takes no ID that anybody could key.
    assert_eq!(world.pair(eva(), phone("+420777000119")).await.value(), 2);
    let poison = format!("UPDATE pairings SET fictitious_number = '{POISON}' WHERE number = 2");
    world.damage(poison).await;
    assert_eq!(world.pair(eva(), phone("+420777000118")).await.value(), 3);
}

pub(super) async fn a_damaged_shopper_s_calls_are_told_to_nobody_and_end(world: World) {
    let world = world.with_eva().await;
    let (shopper, _) = world.assigned(&f1()).await;
    let lock = SignedDuration::from_mins(5);
    let damage = format!("UPDATE shoppers SET pin_locked_until = {NEVER}");
    assert!(world.damage(damage).await);
    let locked = world.store.pin_tried(shopper, false, morning(), lock).await.unwrap();
    assert!(locked, "until when nobody knows");
    if world.damage(format!("UPDATE shoppers SET phone = '{POISON}'")).await {
        assert_eq!(world.store.phone_of(shopper).await.unwrap(), None);
    }
    // Others are added all the same.
    world.store.add_shopper(&new_shopper(eva()), morning()).await.unwrap();
}

pub(super) async fn a_damaged_ticket_is_closed_and_told_of_no_more(world: World) {
    let world = world.with_eva().await;
    let mut history = world.callback(&f1(), Some(dealer(1)), morning()).await;
    fail(&mut history, after(5), Failure::NoAnswer);
    assert!(world.end(&history, after(5)).await.ticket.is_some());
    // When its SMS was due nobody knows: the next miss is told of.
    assert!(world.damage(format!("UPDATE sms SET due_at = {NEVER}")).await);
    assert!(world.miss(&dealer(1), after(10)).await.ticket.is_some());
    if !world.damage("UPDATE tickets SET number = 150".into()).await {
        return; // PostgreSQL checks it.
    }
    // The same end comes once more, as from a record.
    let again = world.end(&history, after(5)).await;
    assert!(again.already && again.ticket.is_none());
    // The two talk.
    let mut back = world.callback(&f1(), Some(dealer(1)), after(20)).await;
    talk(&mut back, after(21), after(30));
    world.end(&back, after(30)).await;
    let open = world.store.figures(after(40)).await.unwrap().tickets_open;
    assert_eq!(open, 0, "it is closed");
    // One whose key is damaged holds up neither a talk nor the next miss.
    world.miss(&dealer(2), after(50)).await;
    world.damage("UPDATE tickets SET id = 'junk' WHERE status = 'open'".into()).await;
    let mut back = world.callback(&f1(), Some(dealer(2)), after(60)).await;
    talk(&mut back, after(61), after(70));
    world.end(&back, after(70)).await;
    assert!(world.miss(&dealer(2), after(80)).await.ticket.is_some());
}

pub(super) async fn a_damaged_message_is_nobody_s_report_and_counts_for_nothing(world: World) {
    let world = world.with_eva().await;
    world.crowd(2).await;
    let leased = world.lease(after(90), 10).await;
    let [first, second] = leased.as_slice() else { panic!("two of them are due") };
    world.sent(first, after(91), "first").await;
    let again = SmsFate::Retry { not_before: after(100), error: "busy".to_owned(), counted: true };
    world.came_to(second, again).await;
    world.damage(format!("UPDATE sms SET due_at = {NEVER} WHERE status = 'queued'")).await;
    let figures = world.store.figures(after(99)).await.unwrap();
    assert_eq!((figures.sms_oldest_due, figures.sms_oldest_tried), (None, None));
    if !world.url.starts_with("sqlite") {
        return; // PostgreSQL holds no text that is none.
    }
    assert!(world.damage("UPDATE sms SET recipient = X'ff00fe'".into()).await);
    let report = world.store.sms_reported("first", Delivery::Delivered, after(120)).await;
    assert_eq!(report, Ok(None), "whose it is cannot be told");
    world.store.lease_sms(after(300), LEASE, 10, Throttle::NONE).await.unwrap();
    world.store.sms_reported("another", Delivery::Failed("gone"), after(301)).await.unwrap();
    world.store.sweep(after(302), TTL).await.unwrap();
}

pub(super) async fn a_damaged_recording_leaves_the_chain_to_be_looked_at(world: World) {
    let world = world.with_eva().await;
    let mut legs = Vec::new();
    for number in 1..3 {
        let mut back = world.callback(&f1(), Some(dealer(number)), after(10)).await;
        talk(&mut back, after(11), after(20));
        world.end(&back, after(20)).await;
        legs.push(back.legs[0].id);
    }
    let damage =
        format!("UPDATE recordings SET bytes = -5, unchained = 1 WHERE leg_id = '{}'", legs[0].0);
    assert!(world.damage(damage).await);
    assert_eq!(world.store.recording(legs[0]).await, Ok(None));
    assert!(world.store.recording(legs[1]).await.unwrap().is_some());
    assert_eq!(world.store.unchained_recordings().await, Ok(vec![]));
    world.store.checked_chain().await.unwrap();
    assert_eq!(world.store.recordings(&crate::Filter::default()).await.unwrap().len(), 1);
}
