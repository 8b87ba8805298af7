//! What a call writes, rehearsed: nothing of it stays, and all that would keep it out is found.

use super::fixture::{World, after, dealer};
use crate::{Filter, StoreError};

pub(super) async fn nothing_is_left_of_it(world: World) {
    let world = world.with_eva().await;
    world.miss(&dealer(1), after(0)).await;
    for second in 0..10 {
        world.store.rehearse(after(second)).await.unwrap();
    }
    let all = Filter::default();
    let store = &world.store;
    let (calls, tickets) = (store.calls(&all).await.unwrap(), store.tickets(&all).await.unwrap());
    let (shoppers, sms) = (store.shoppers().await.unwrap(), store.sms(&all).await.unwrap());
    assert_eq!([calls.len(), tickets.len(), shoppers.len(), sms.len()], [1; 4]);
    assert_eq!(store.numbers().await.unwrap().len(), 1);
    assert!(store.damage().is_empty() && store.recordings(&all).await.unwrap().is_empty());
}

pub(super) async fn whatever_keeps_a_call_from_being_stored_is_told(world: World) {
    let world = world.with_eva().await;
    for (breaks, mends) in [
        (
            "ALTER TABLE sms RENAME COLUMN segments TO pieces",
            "ALTER TABLE sms RENAME COLUMN pieces TO segments",
        ),
        ("ALTER TABLE legs RENAME TO old_legs", "ALTER TABLE old_legs RENAME TO legs"),
        ("CREATE UNIQUE INDEX one ON calls ((1))", "DROP INDEX one"),
        (
            "ALTER TABLE recordings RENAME COLUMN path TO way",
            "ALTER TABLE recordings RENAME COLUMN way TO path",
        ),
    ] {
        world.sql(breaks).await;
        let error = world.store.rehearse(after(0)).await.unwrap_err();
        let told = error.to_string();
        assert!(
            matches!(error, StoreError::Database(_) | StoreError::Contradiction(_)),
            "{breaks}: {told}"
        );
        world.sql(mends).await;
        world.store.rehearse(after(1)).await.unwrap();
    }
}
