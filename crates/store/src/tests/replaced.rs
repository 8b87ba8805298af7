//! Something else is put in the place of the SQLite file of a running exchange: what is no database of
//! this exchange is never taken for it, and what was open is not lost for it.

use std::{fs, path::Path, time::Duration};

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

use super::{
    fixture::{World, after, dealer, f2, new_shopper, phone, postgres_url},
    trouble::{eva_in, file, works},
};
use crate::{Filter, Store, StoreError, watch::beside};

async fn refused(world: &World) -> StoreError {
    let error = world.store.shoppers().await.unwrap_err();
    assert!(error.passes(), "{error}");
    assert_eq!(world.store.rehearse(after(0)).await.unwrap_err(), error);
    error
}

/// What stood there wrongly is gone, and all is as it was.
async fn is_written_back(world: &World, tickets: usize) {
    works(world, u32::try_from(tickets).unwrap(), tickets + 1).await;
    world.store.rehearse(after(0)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_or_a_letter_in_its_place_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (world, place) = (eva_in(folder.path()).await, file(folder.path()));
    works(&world, 0, 1).await;
    fs::remove_file(&place).unwrap();
    fs::create_dir(&place).unwrap();
    assert_eq!(refused(&world).await, StoreError::NoFile(place.clone()));
    // The command line says the same.
    let listed = Store::open_existing(&world.url).await;
    assert!(matches!(listed, Err(StoreError::NoFile(_))));
    fs::remove_dir(&place).unwrap();
    is_written_back(&world, 1).await;
    for rubbish in [&b""[..], b"Dear sirs, ", &[7; 5000]] {
        let tickets = world.tickets().await.len();
        fs::remove_file(&place).unwrap();
        fs::write(&place, rubbish).unwrap();
        refused(&world).await;
        fs::remove_file(&place).unwrap();
        is_written_back(&world, tickets).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_exchange_s_database_is_not_taken_for_it() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (world, place) = (eva_in(folder.path()).await, file(folder.path()));
    works(&world, 0, 1).await;
    let backup = folder.path().join("backup.db");
    world.store.backup(&backup).await.unwrap();
    for has_shoppers in [false, true] {
        let other = World::sqlite(elsewhere.path()).await;
        if has_shoppers {
            let bob = new_shopper(phone("+420602654321"));
            other.store.add_shopper(&bob, after(0)).await.unwrap();
        }
        other.store.close().await;
        fs::copy(file(elsewhere.path()), beside(&place, ".new")).unwrap();
        fs::rename(beside(&place, ".new"), &place).unwrap();
        assert_eq!(refused(&world).await, StoreError::Replaced);
    }
    fs::rename(&backup, &place).unwrap();
    works(&world, 1, 2).await;
    // An exchange without shoppers loses nothing by another one's.
    let fresh = tempfile::tempdir().unwrap();
    let empty = World::sqlite(fresh.path()).await;
    empty.store.rehearse(after(0)).await.unwrap();
    world.store.backup(&backup).await.unwrap();
    fs::rename(&backup, file(fresh.path())).unwrap();
    assert_eq!(empty.store.shoppers().await.unwrap().len(), 1);
}

/// What was stored since is not in the file that takes the place: it must not vanish with the old one.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_file_replaces_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (world, place) = (eva_in(folder.path()).await, file(folder.path()));
    works(&world, 0, 1).await;
    // Taken away for a while, written back meanwhile, and put there again; twice.
    for (round, name) in [".replaced", ".replaced-2"].into_iter().enumerate() {
        let before = 1 + u32::try_from(round).unwrap();
        let away = folder.path().join("away.db");
        world.store.backup(&away).await.unwrap();
        fs::remove_file(&place).unwrap();
        works(&world, 10 + before, round + 2).await;
        fs::rename(&away, &place).unwrap();
        assert_eq!(world.store.tickets(&Filter::default()).await.unwrap().len(), round + 1);
        let kept = format!("sqlite://{}", beside(&place, name).display());
        let kept = Store::open_existing(&kept).await.unwrap();
        assert_eq!(kept.tickets(&Filter::default()).await.unwrap().len(), round + 2);
        kept.close().await;
        works(&world, 20 + before, round + 2).await;
    }
    // Moved away by its name it is there, and whole.
    let moved = folder.path().join("moved.db");
    let backup = folder.path().join("backup.db");
    world.store.backup(&backup).await.unwrap();
    works(&world, 30, 4).await;
    fs::rename(&place, &moved).unwrap();
    fs::rename(&backup, &place).unwrap();
    assert_eq!(world.store.tickets(&Filter::default()).await.unwrap().len(), 3);
    assert!(!beside(&place, ".replaced-3").exists());
    let moved = Store::open_existing(&format!("sqlite://{}", moved.display())).await.unwrap();
    assert_eq!(moved.tickets(&Filter::default()).await.unwrap().len(), 4);
}

/// `cp FILE exchange.db`, as often as it is forbidden.
async fn copy_onto(world: &World, place: &Path, bytes: &[u8]) {
    world.store.ping().await.unwrap();
    fs::write(place, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_copied_onto_it_is_noticed_and_heals() {
    let folder = tempfile::tempdir().unwrap();
    let (world, place) = (eva_in(folder.path()).await, file(folder.path()));
    works(&world, 0, 1).await;
    let backup = folder.path().join("backup.db");
    world.store.backup(&backup).await.unwrap();
    works(&world, 1, 2).await;
    world.pair(super::fixture::eva(), f2()).await;
    let whole = fs::read(&backup).unwrap();

    // A whole copy is what it seems: it is used.
    copy_onto(&world, &place, &whole).await;
    works(&world, 2, 2).await;
    assert_eq!(world.store.numbers().await.unwrap().len(), 1, "as the backup has it");
    let aside = beside(&place, ".written-over");
    assert!(aside.exists(), "it is set aside");

    // Half a copy, nothing, a letter: set aside, told alike by all, and healed by a good one.
    for (round, bytes) in
        [&whole[..20_000], b"", &b"Dear sirs, ".repeat(900)].into_iter().enumerate()
    {
        copy_onto(&world, &place, bytes).await;
        let error = refused(&world).await;
        let StoreError::WrittenOver { database, aside } = &error else { panic!("{error}") };
        assert!(*database == place && !place.exists());
        assert_eq!(aside.len(), round + 2, "all of them are named: {error}");
        assert!(aside.iter().all(|aside| aside.exists()), "{error}");
        assert_eq!(Store::open_existing(&world.url).await.err().as_ref(), Some(&error));
        assert_eq!(Store::open(&world.url).await.err(), Some(error), "no empty one is begun");
        fs::write(beside(&place, ".new"), &whole).unwrap();
        fs::rename(beside(&place, ".new"), &place).unwrap();
        works(&world, u32::try_from(round).unwrap() + 3, 2).await;
        let other = Store::open_existing(&world.url).await.unwrap();
        assert_eq!(other.tickets(&Filter::default()).await.unwrap().len(), 2);
        other.close().await;
    }
}

/// What was in the rest is lost; whatever happens after it is not, and the damage does not spread.
#[tokio::test(flavor = "multi_thread")]
async fn a_wal_that_is_cut_off_leaves_a_whole_database() {
    for keeps in [0, 20, 30_000, 200_000] {
        let folder = tempfile::tempdir().unwrap();
        let (world, place) = (eva_in(folder.path()).await, file(folder.path()));
        world.sql("PRAGMA wal_checkpoint(TRUNCATE)").await;
        for number in 0..30 {
            world.miss(&dealer(number), after(0)).await;
        }
        let wal = fs::OpenOptions::new().write(true).open(beside(&place, "-wal")).unwrap();
        assert!(wal.metadata().unwrap().len() > keeps);
        wal.set_len(keeps).unwrap();
        let left = world.store.tickets(&Filter::default()).await.unwrap().len();
        assert!(
            if keeps < 200_000 { left < 2 } else { (1..30).contains(&left) },
            "{keeps}: {left}"
        );
        assert!(beside(&place, ".written-over").exists());
        works(&world, 40, left + 1).await;
        world.store.close().await;
        let again = Store::open(&world.url).await.unwrap();
        assert_eq!(again.tickets(&Filter::default()).await.unwrap().len(), left + 1);
        let mut connection = AnyConnection::connect(&world.url).await.unwrap();
        let query = sqlx::query_scalar("PRAGMA integrity_check");
        let whole: String = query.fetch_one(&mut connection).await.unwrap();
        assert_eq!(whole, "ok", "{keeps}");
    }
}

/// SQLite's own writing must never be taken for somebody else's.
#[tokio::test(flavor = "multi_thread")]
async fn what_sqlite_writes_is_not_taken_for_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let (world, place) = (eva_in(folder.path()).await, file(folder.path()));
    for round in 0..30_u32 {
        world.miss(&dealer(round), after(0)).await;
        world.sql("CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i, hex(zeroblob(200)) AS text FROM n").await;
        world.sql("PRAGMA wal_checkpoint(TRUNCATE)").await;
        world.store.shoppers().await.unwrap();
        world.sql("DROP TABLE filler").await;
        if round % 3 == 0 {
            world.sql("VACUUM").await;
        }
        if round % 2 == 0 {
            world.sql("PRAGMA wal_checkpoint(TRUNCATE)").await;
        }
        world.store.shoppers().await.unwrap();
    }
    assert!(!beside(&place, ".written-over").exists());
    assert_eq!(world.tickets().await.len(), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_name_any_more_is_kept_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (world, place) = (eva_in(folder.path()).await, file(folder.path()));
    works(&world, 0, 1).await;
    fs::remove_file(&place).unwrap();
    fs::create_dir(&place).unwrap();
    refused(&world).await;
    tokio::time::timeout(Duration::from_secs(5), world.store.close()).await.unwrap();
    let kept = format!("sqlite://{}", beside(&place, ".kept").display());
    let kept = Store::open_existing(&kept).await.unwrap();
    assert_eq!(kept.tickets(&Filter::default()).await.unwrap().len(), 1);
}

/// The same of PostgreSQL: dropped, and made anew under its name.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs USTREDNA_TEST_POSTGRES, the URL of a database"]
async fn a_postgres_database_made_anew_is_not_taken_for_it() {
    let url = postgres_url();
    sqlx::any::install_default_drivers();
    let name = format!("replaced_{}", std::process::id());
    let (server, _) = url.rsplit_once('/').unwrap();
    let own = format!("{server}/{name}");
    let mut admin = AnyConnection::connect(&url).await.unwrap();
    let (make, drop_it) =
        (format!("CREATE DATABASE {name}"), format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    admin.execute(AssertSqlSafe(make.clone())).await.unwrap();
    let world =
        World { store: Store::open(&own).await.unwrap(), url: own.clone() }.with_eva().await;
    world.store.rehearse(after(0)).await.unwrap();
    let mut old = AnyConnection::connect(&own).await.unwrap();
    let (installed, took): (String, i64) = sqlx::query_as(
        "SELECT CAST(installed_on AS TEXT), execution_time FROM _sqlx_migrations WHERE version = 1",
    )
    .fetch_one(&mut old)
    .await
    .unwrap();
    drop(old);
    admin.execute(AssertSqlSafe(drop_it.clone())).await.unwrap();
    world.store.shoppers().await.unwrap_err();
    admin.execute(AssertSqlSafe(make)).await.unwrap();
    world.store.shoppers().await.unwrap_err();
    assert_eq!(world.store.rehearse(after(1)).await, Err(StoreError::Emptied));
    let listed = Store::open_existing(&own).await;
    assert!(matches!(listed, Err(StoreError::Emptied)));
    // Somebody imports into it.
    Store::open_or_begin(&own).await.unwrap().close().await;
    assert_eq!(world.store.shoppers().await.unwrap_err(), StoreError::Replaced);
    assert_eq!(world.store.rehearse(after(2)).await, Err(StoreError::Replaced));
    // A dump of the right one tells when it was made.
    let mut new = AnyConnection::connect(&own).await.unwrap();
    let restored = format!(
        "UPDATE _sqlx_migrations SET installed_on = '{installed}', execution_time = {took} WHERE version = 1"
    );
    new.execute(AssertSqlSafe(restored)).await.unwrap();
    world.store.rehearse(after(3)).await.unwrap();
    world.store.shoppers().await.unwrap();
    world.store.close().await;
    drop(new);
    admin.execute(AssertSqlSafe(drop_it)).await.unwrap();
}
