use exchange::pin::Pin;
use jiff::{SignedDuration, Timestamp};

use super::fixture::{
    TTL, World, after, dealer, eva, f1, f2, id, morning, new_pairing, new_shopper, phone,
};
use crate::{NewPairing, NumberChange, ShopperChange};

async fn ids(world: &World, now: Timestamp) -> Vec<u16> {
    let facts = world.store.shopper_facts(&eva(), now, TTL).await.unwrap().unwrap();
    facts.pairings.iter().map(|pairing| pairing.number.value()).collect()
}

pub(super) async fn facts_are_what_is_active_now(world: World) {
    assert!(world.store.shopper_facts(&eva(), morning(), TTL).await.unwrap().is_none());
    let world = world.with_eva().await;
    world.store.add_number(&f2(), None, morning()).await.unwrap();
    let soon = NewPairing {
        number: Some(id(7)),
        valid_from: Some(after(100)),
        valid_to: Some(after(200)),
        ..new_pairing(eva(), f2())
    };
    world.store.add_pairing(&soon, morning()).await.unwrap();
    assert_eq!(ids(&world, after(99)).await, [1]);
    assert_eq!(ids(&world, after(100)).await, [1, 7]);
    assert_eq!(ids(&world, after(199)).await, [1, 7]);
    assert_eq!(ids(&world, after(200)).await, [1]);
    let off = NumberChange { active: Some(false), note: None };
    world.store.change_number(&f1(), &off).await.unwrap();
    assert!(ids(&world, morning()).await.is_empty());
    let on = NumberChange { active: Some(true), note: None };
    world.store.change_number(&f1(), &on).await.unwrap();

    world.miss(&dealer(1), morning()).await;
    world.miss(&dealer(2), after(60)).await;
    let facts = world.store.shopper_facts(&eva(), after(70), TTL).await.unwrap().unwrap();
    assert!(facts.shopper.active && facts.shopper.phone == eva());
    let tickets: Vec<_> =
        facts.tickets.iter().map(|ticket| (ticket.number.value(), &ticket.dealer)).collect();
    assert_eq!(tickets, [(1, &dealer(1)), (2, &dealer(2))]);
    assert_eq!(facts.tickets[0].pairing.fictitious_number, f1());
    let facts = world.store.shopper_facts(&eva(), after(30) + TTL, TTL).await.unwrap().unwrap();
    assert_eq!(facts.tickets.len(), 1, "the first has become too old");
}

pub(super) async fn tickets_of_an_ended_pairing_are_cancelled_on_the_way(world: World) {
    let world = world.with_eva().await;
    world.miss(&dealer(1), morning()).await;
    world.sql("UPDATE pairings SET ended_at = 1").await;
    let facts = world.store.shopper_facts(&eva(), after(70), TTL).await.unwrap().unwrap();
    assert!(facts.tickets.is_empty() && facts.pairings.is_empty());
    assert_eq!(world.tickets().await, [(1, "cancelled", 1)]);
    assert_eq!(world.sms().await[0].1, "skipped");
}

pub(super) async fn a_number_rings_its_shopper_while_the_pairing_is_active(world: World) {
    let world = world.with_eva().await;
    let assigned = async |now| world.store.assignment(&f1(), now, now).await.unwrap();
    assert_eq!(assigned(morning()).await.unwrap().shopper.phone, eva());
    assert!(
        world
            .store
            .assignment(&phone("+420777999999"), morning(), morning())
            .await
            .unwrap()
            .is_none()
    );
    let change = |active| ShopperChange { active: Some(active), ..ShopperChange::default() };
    world.store.change_shopper(&eva(), &change(false)).await.unwrap();
    assert!(assigned(morning()).await.is_none());
    world.store.change_shopper(&eva(), &change(true)).await.unwrap();
    world.store.end_pairing(&eva(), id(1), after(10)).await.unwrap();
    assert!(assigned(after(10)).await.is_none());
    assert!(world.store.has_exchange_number(&[dealer(1), f1()]).await.unwrap());
}

pub(super) async fn three_wrong_pins_lock_for_a_while(world: World) {
    let mut shopper = new_shopper(eva());
    shopper.pin = Some(Pin::hash("1234", &[7; 16]).unwrap());
    let id = world.store.add_shopper(&shopper, morning()).await.unwrap();
    let lock = SignedDuration::from_mins(15);
    let locked = async |now| {
        let facts = world.store.shopper_facts(&eva(), now, TTL).await.unwrap().unwrap();
        assert!(facts.shopper.pin.unwrap().matches("1234"));
        facts.pin_locked
    };
    let keyed = async |right, now| world.store.pin_tried(id, right, now, lock).await.unwrap();
    assert!(!keyed(false, morning()).await && !keyed(false, after(1)).await);
    assert!(!keyed(true, after(2)).await, "a right one clears the count");
    assert!(!keyed(false, after(3)).await && !keyed(false, after(4)).await);
    assert!(!locked(after(4)).await);
    assert!(keyed(false, after(5)).await, "the third in a row");
    assert!(locked(after(6)).await);
    assert!(keyed(true, after(6)).await, "the lock stands against a right one");
    assert!(!locked(after(5) + lock).await);
    assert!(world.store.shoppers().await.unwrap()[0].pin_locked_until.is_some());
    let pin = ShopperChange { pin: Some(None), ..ShopperChange::default() };
    world.store.change_shopper(&eva(), &pin).await.unwrap();
    let facts = world.store.shopper_facts(&eva(), after(6), TTL).await.unwrap().unwrap();
    assert!(!facts.pin_locked && facts.shopper.pin.is_none());
}
