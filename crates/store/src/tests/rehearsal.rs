//! What a call writes, rehearsed: nothing of it stays, and all that would keep it out is found.

use sqlx::{AnyConnection, Connection as _};

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

/// A commit may fail or hang though each statement went well.
pub(super) async fn it_ends_with_a_commit(world: World) {
    let time = async || {
        let mut connection = AnyConnection::connect(&world.url).await.unwrap();
        let sql = "SELECT at FROM rehearsals";
        let at: Option<i64> =
            sqlx::query_scalar(sql).fetch_optional(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        at
    };
    assert_eq!(time().await, None);
    for second in [1, 7] {
        world.store.rehearse(after(second)).await.unwrap();
        assert_eq!(time().await, Some(after(second).as_millisecond()));
    }
    if world.url.starts_with("sqlite") {
        return;
    }
    world
        .sql(
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'no'; END $$",
        )
        .await;
    for table in ["tickets", "sms", "calls", "legs", "rehearsals"] {
        let trigger = format!(
            "CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON {table} \
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION no()"
        );
        world.damage(trigger).await;
        world.store.rehearse(after(8)).await.expect_err(table);
        world.damage(format!("DROP TRIGGER late ON {table}")).await;
        world.store.rehearse(after(9)).await.unwrap();
    }
}
