use std::sync::Arc;

use exchange::model::Language;
use jiff::SignedDuration;

use super::fixture::{
    World, after, dealer, eva, f1, f2, id, morning, new_pairing, new_shopper, phone,
};
use crate::{Filter, NewPairing, NumberChange, PairingChange, ShopperChange, StoreError};

pub(super) async fn shoppers_are_added_changed_and_listed(world: World) {
    let world = world.with_eva().await;
    let refused = world.store.add_shopper(&new_shopper(eva()), morning()).await.unwrap_err();
    assert_eq!(refused.to_string(), "a shopper with this phone number exists already");

    let other = phone("+420603333444");
    let change = ShopperChange {
        phone: Some(other.clone()),
        name: Some(Some("Eva".to_owned())),
        language: Some(Language::English),
        ..ShopperChange::default()
    };
    world.store.change_shopper(&eva(), &change).await.unwrap();
    let rows = world.store.shoppers().await.unwrap();
    assert_eq!((rows.len(), &rows[0].phone, rows[0].pairings), (1, &other, 1));
    assert_eq!((rows[0].name.as_deref(), rows[0].language), (Some("Eva"), Language::English));
    assert!(rows[0].active && !rows[0].has_pin && rows[0].pin_locked_until.is_none());
    let gone = world.store.change_shopper(&eva(), &change).await.unwrap_err();
    assert_eq!(gone, StoreError::NotFound("shopper"));

    let note = NumberChange { active: None, note: Some(Some("trunk 2".to_owned())) };
    world.store.change_number(&f1(), &note).await.unwrap();
    let numbers = world.store.numbers().await.unwrap();
    assert_eq!((&numbers[0].number, numbers[0].active), (&f1(), true));
    assert_eq!(numbers[0].note.as_deref(), Some("trunk 2"));
    assert_eq!((&numbers[0].shopper, numbers[0].pairing), (&Some(other), Some(id(1))));
}

pub(super) async fn a_phone_is_no_fictitious_number_and_the_other_way_round(world: World) {
    let world = world.with_eva().await;
    assert!(world.store.add_number(&eva(), None, morning()).await.is_err());
    assert!(world.store.add_shopper(&new_shopper(f1()), morning()).await.is_err());
    let change = ShopperChange { phone: Some(f1()), ..ShopperChange::default() };
    assert!(world.store.change_shopper(&eva(), &change).await.is_err());
}

pub(super) async fn an_ended_id_rests_for_90_days(world: World) {
    let world = world.with_eva().await;
    let add = async |number, at| {
        let pairing = NewPairing { number, ..new_pairing(eva(), f2()) };
        let id = world.store.add_pairing(&pairing, at).await.unwrap();
        world.store.end_pairing(&eva(), id, at).await.unwrap();
        id
    };
    let day = |count: i64| morning() + SignedDuration::from_hours(24 * count);
    world.store.add_number(&f2(), None, morning()).await.unwrap();
    assert_eq!(add(None, day(0)).await, id(2));
    assert_eq!(add(None, day(1)).await, id(3), "2 may be on paper still");
    assert_eq!(add(Some(id(2)), day(1)).await, id(2), "somebody wants it so");
    assert_eq!(add(None, day(90)).await, id(4), "3 was ended 89 days ago");
    assert_eq!(add(None, day(181)).await, id(2), "all were ended long ago");
    // Where the last ID rests, it is not the end.
    assert_eq!(add(Some(id(999)), day(182)).await, id(999));
    assert_eq!(add(None, day(183)).await, id(3));
}

pub(super) async fn ids_are_stable_and_given_after_the_highest(world: World) {
    let world = world.with_eva().await;
    assert_eq!(world.pair(eva(), f2()).await, id(2));
    world.store.end_pairing(&eva(), id(1), after(1)).await.unwrap();
    let f3 = phone("+420777000113");
    assert_eq!(world.pair(eva(), f3).await, id(3));
    let rows = world.store.pairings(&Filter::default(), false).await.unwrap();
    let left: Vec<_> = rows.iter().map(|row| row.number.value()).collect();
    assert_eq!(left, [2, 3], "ending ID 1 renumbers nobody");
    assert_eq!(world.store.pairings(&Filter::default(), true).await.unwrap().len(), 3);

    // The number that became free can be given again, under a free ID only.
    let taken = NewPairing { number: Some(id(2)), ..new_pairing(eva(), f1()) };
    assert!(world.store.add_pairing(&taken, after(2)).await.is_err());
    let free = NewPairing { number: Some(id(1)), ..new_pairing(eva(), f1()) };
    assert_eq!(world.store.add_pairing(&free, after(2)).await.unwrap(), id(1));
    assert!(world.store.add_pairing(&new_pairing(eva(), f1()), after(3)).await.is_err());

    let change = PairingChange { project: Some(None), ..PairingChange::default() };
    world.store.change_pairing(&eva(), id(1), &change).await.unwrap();
    let rows = world.store.pairings(&Filter::default(), false).await.unwrap();
    assert_eq!((rows[0].number, rows[0].project.as_ref()), (id(1), None));
    let backwards = PairingChange {
        valid_from: Some(Some(after(9))),
        valid_to: Some(Some(after(9))),
        ..PairingChange::default()
    };
    assert!(world.store.change_pairing(&eva(), id(1), &backwards).await.is_err());
    let none = world.store.end_pairing(&eva(), id(9), after(1)).await.unwrap_err();
    assert_eq!(none, StoreError::NotFound("pairing"));
}

pub(super) async fn an_expired_pairing_makes_way(world: World) {
    let world = world.with_eva().await;
    world.miss(&dealer(1), morning()).await;
    let over = PairingChange { valid_to: Some(Some(after(100))), ..PairingChange::default() };
    world.store.change_pairing(&eva(), id(1), &over).await.unwrap();
    let jan = phone("+420602222333");
    world.store.add_shopper(&new_shopper(jan.clone()), morning()).await.unwrap();
    let jans = new_pairing(jan.clone(), f1());
    assert!(world.store.add_pairing(&jans, after(99)).await.is_err(), "still Eva's");
    assert_eq!(world.store.add_pairing(&jans, after(100)).await.unwrap(), id(1));
    let owner = world.store.assignment(&f1(), after(100), after(100)).await.unwrap().unwrap();
    assert_eq!(owner.shopper.phone, jan);
    assert_eq!(world.tickets().await, [(1, "cancelled", 1)]);
    assert_eq!(world.sms().await[0].1, "skipped");
}

pub(super) async fn a_number_has_one_pairing_however_many_ask_at_once(world: World) {
    let world = Arc::new(world);
    world.store.add_number(&f1(), None, morning()).await.unwrap();
    let shopper = |number: u32| phone(&format!("+420601{number:06}"));
    for number in 0..8 {
        world.store.add_shopper(&new_shopper(shopper(number)), morning()).await.unwrap();
    }
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let world = world.clone();
            let pairing = new_pairing(shopper(number), f1());
            tokio::spawn(async move { world.store.add_pairing(&pairing, morning()).await })
        })
        .collect();
    let mut given = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => given += 1,
            Err(error) => assert_eq!(error.to_string(), "this fictitious number is already paired"),
        }
    }
    assert_eq!(given, 1);
}
