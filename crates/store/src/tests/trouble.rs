//! The database fails: full, locked, taken away or changed under the running exchange. Once that is
//! over, everything works again by itself, and nothing is lost.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use exchange::cause::Failure;
use sqlx::{AnyConnection, Connection as _, Executor as _};
use tokio::time::timeout;

use super::fixture::{TIMING, World, after, dealer, eva, f1, f2, fail, morning, new_shopper};
use crate::{End, Filter, Store, StoreError, watch::beside};

/// A dealer who cannot be stored as missed now; why.
async fn refused(world: &World, number: u32) -> StoreError {
    let mut history = world.callback(&f1(), Some(dealer(number)), after(0)).await;
    fail(&mut history, after(5), Failure::NoAnswer);
    let end = End { at: after(5), now: after(5), hangup_cause: None };
    let settlement = exchange::settle::settle(&history);
    let text = super::fixture::text_of;
    world.store.settle(&history, &settlement, end, &text, TIMING).await.unwrap_err()
}

/// A dealer calls back and is missed; there are that many tickets then.
pub(super) async fn works(world: &World, number: u32, tickets: usize) {
    world.miss(&dealer(number), after(10)).await;
    assert_eq!(world.tickets().await.len(), tickets);
    assert_eq!(world.sms().await.len(), tickets);
    world.store.ping().await.unwrap();
}

pub(super) fn file(folder: &Path) -> PathBuf {
    folder.join("exchange.db")
}

pub(super) async fn eva_in(folder: &Path) -> World {
    World::sqlite(folder).await.with_eva().await
}

/// Of everything that takes a while a future may be dropped, as by a caller's deadline.
pub(super) async fn what_is_broken_off_in_the_middle_harms_nobody(world: World) {
    let world = world.with_eva().await;
    for round in 0..40_u64 {
        let tx = async {
            let mut tx = world.store.begin().await.unwrap();
            sqlx::query("UPDATE shoppers SET name = 'nobody'").execute(&mut *tx).await.unwrap();
            let slow = sqlx::query("SELECT id FROM shoppers").fetch_all(&mut *tx).await.unwrap();
            tokio::time::sleep(Duration::from_millis(slow.len() as u64)).await;
            tx.commit().await.unwrap();
        };
        drop(timeout(Duration::from_micros(round * 50), tx).await);
        let all = Filter::default();
        let reading = world.store.calls(&all);
        drop(timeout(Duration::from_micros(round * 30), reading).await);
    }
    for _ in 0..20 {
        let mut tx = world.store.begin().await.unwrap();
        sqlx::query("UPDATE shoppers SET name = 'dropped'").execute(&mut *tx).await.unwrap();
        drop(tx);
        let names = world.store.shoppers().await.unwrap();
        assert!(names.iter().all(|shopper| shopper.name.as_deref() != Some("dropped")));
    }
    works(&world, 1, 1).await;
}

pub(super) async fn a_statement_that_fails_harms_no_other(world: World) {
    let world = world.with_eva().await;
    for _ in 0..20 {
        let mut tx = world.store.begin().await.unwrap();
        sqlx::query("INSERT INTO no_table (id) VALUES (1)").execute(&mut *tx).await.unwrap_err();
        // Whatever becomes of it now.
        drop(tx.commit().await);
        assert!(sqlx::query("SELECT nothing").fetch_optional(&world.store.read).await.is_err());
        let mut tx = world.store.snapshot().await.unwrap();
        assert!(sqlx::query("SELECT nothing").fetch_optional(&mut *tx).await.is_err());
        drop(tx);
    }
    works(&world, 1, 1).await;
}

/// SQLite rolls a transaction back by itself when there is no room for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_breaks_nothing_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let world = eva_in(folder.path()).await;
    let pages: i64 =
        sqlx::query_scalar("PRAGMA page_count").fetch_one(&world.store.write).await.unwrap();
    // No page more than there are: what a full disk is to SQLite.
    let full = || sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
    let mut refusals = 0;
    for number in 0..200 {
        sqlx::query(full()).execute(&world.store.write).await.unwrap();
        let mut history = world.callback(&f1(), Some(dealer(number)), after(0)).await;
        fail(&mut history, after(5), Failure::NoAnswer);
        let end = End { at: after(5), now: after(5), hangup_cause: None };
        let settlement = exchange::settle::settle(&history);
        let text = super::fixture::text_of;
        let settled = world.store.settle(&history, &settlement, end, &text, TIMING).await;
        if let Err(error) = settled {
            assert_eq!(error, StoreError::Full);
            refusals += 1;
            // There is room again, and the same call is stored.
            world.store.settle(&history, &settlement, end, &text, TIMING).await.unwrap();
        }
    }
    assert!(refusals > 3, "the disk was full {refusals} times");
    assert_eq!(
        world.store.calls(&Filter { limit: None, ..Filter::default() }).await.unwrap().len(),
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_locked_by_somebody_else_works_again_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let world = eva_in(folder.path()).await;
    let mut other = AnyConnection::connect(&world.url).await.unwrap();
    other.execute("BEGIN EXCLUSIVE").await.unwrap();
    let (first, second) = tokio::join!(refused(&world, 1), refused(&world, 2));
    for error in [&first, &second] {
        assert!(matches!(error, StoreError::Locked | StoreError::NoAnswer), "{error}");
        assert!(error.passes());
    }
    other.execute("ROLLBACK").await.unwrap();
    works(&world, 3, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_file_is_written_back() {
    let folder = tempfile::tempdir().unwrap();
    let world = eva_in(folder.path()).await;
    works(&world, 1, 1).await;
    for (round, lost) in [["", "-wal", "-shm"].as_slice(), &[""], &["", "-wal"], &["", "-shm"]]
        .into_iter()
        .enumerate()
    {
        for end in lost {
            fs::remove_file(beside(&file(folder.path()), end)).unwrap();
        }
        let number = u32::try_from(round).unwrap() + 2;
        works(&world, number, round + 2).await;
        // Others find it as well.
        let other = Store::open_existing(&world.url).await.unwrap();
        assert_eq!(other.tickets(&Filter::default()).await.unwrap().len(), round + 2);
        other.close().await;
    }
    let left: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
    world.store.close().await;
    let again = Store::open_existing(&world.url).await.unwrap();
    assert_eq!(again.tickets(&Filter::default()).await.unwrap().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wal_that_is_taken_away_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = eva_in(folder.path()).await;
    for (round, lost) in [["-wal", "-shm"].as_slice(), &["-wal"], &["-shm"]].into_iter().enumerate()
    {
        let number = u32::try_from(round).unwrap() * 2;
        works(&world, number, round * 2 + 1).await;
        for end in lost {
            fs::remove_file(beside(&file(folder.path()), end)).unwrap();
        }
        works(&world, number + 1, round * 2 + 2).await;
        let other = Store::open_existing(&world.url).await.unwrap();
        assert_eq!(other.tickets(&Filter::default()).await.unwrap().len(), round * 2 + 2);
        other.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_put_in_its_place_is_used_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let world = eva_in(folder.path()).await;
    works(&world, 1, 1).await;
    let backup = folder.path().join("backup.db");
    world.store.backup(&backup).await.unwrap();
    works(&world, 2, 2).await;
    world.pair(eva(), f2()).await;

    // With the old WAL left where it is, and calls going on.
    let old = folder.path().join("old.db");
    fs::rename(file(folder.path()), &old).unwrap();
    fs::rename(&backup, file(folder.path())).unwrap();
    works(&world, 3, 2).await;
    assert_eq!(world.store.numbers().await.unwrap().len(), 1, "as the backup has it");
    let other = Store::open_existing(&world.url).await.unwrap();
    assert_eq!(other.tickets(&Filter::default()).await.unwrap().len(), 2);
    other.close().await;
    // The old one is whole, whoever wants it back.
    let before = format!("sqlite://{}", old.display());
    let before = Store::open_existing(&before).await.unwrap();
    assert_eq!(before.tickets(&Filter::default()).await.unwrap().len(), 2);
    assert_eq!(before.numbers().await.unwrap().len(), 2);
    before.close().await;
    fs::rename(&old, file(folder.path())).unwrap();
    works(&world, 4, 3).await;
    let mut whole = AnyConnection::connect(&world.url).await.unwrap();
    let told: String =
        sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut whole).await.unwrap();
    assert_eq!(told, "ok");
}

/// Between a look at the file and the commit.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_to_a_file_just_replaced_is_not_called_stored() {
    let folder = tempfile::tempdir().unwrap();
    let world = eva_in(folder.path()).await;
    let backup = folder.path().join("backup.db");
    world.store.backup(&backup).await.unwrap();
    let mut tx = world.store.begin().await.unwrap();
    sqlx::query("UPDATE shoppers SET name = 'late'").execute(&mut *tx).await.unwrap();
    fs::rename(&backup, file(folder.path())).unwrap();
    let error = tx.commit().await.unwrap_err();
    assert!(error == StoreError::Moved && error.passes());
    works(&world, 1, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_or_half_copied_file_is_refused_until_a_backup_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let world = eva_in(folder.path()).await;
    works(&world, 1, 1).await;
    let (backup, place) = (folder.path().join("backup.db"), file(folder.path()));
    world.store.backup(&backup).await.unwrap();
    let whole = fs::read(&backup).unwrap();
    fs::remove_file(&place).unwrap();
    fs::write(&place, b"").unwrap();
    assert_eq!(refused_shoppers(&world).await, StoreError::Emptied);
    fs::remove_file(&place).unwrap();
    fs::write(&place, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(refused_shoppers(&world).await, StoreError::NotADatabase);
    fs::write(&place, b"Dear sirs, ".repeat(1000)).unwrap();
    assert_eq!(refused_shoppers(&world).await, StoreError::NotADatabase);
    fs::write(&place, &whole).unwrap();
    works(&world, 2, 2).await;
}

async fn refused_shoppers(world: &World) -> StoreError {
    world.store.shoppers().await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_whole_and_nobody_else_s_to_read() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let world = eva_in(folder.path()).await;
    let backup = folder.path().join("backup.db");
    for number in 0..30 {
        world.tries(&dealer(number), after(0)).await;
    }
    let busy = async {
        for number in 0..30 {
            world.miss(&dealer(number), after(0)).await;
        }
    };
    let copying = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        world.store.backup(&backup).await.unwrap();
    };
    tokio::join!(busy, copying);
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    let there = world.store.backup(&backup).await.unwrap_err().to_string();
    assert!(there.contains("backup.db") && there.contains("such a file already"), "{there}");
    let nowhere = folder.path().join("nowhere/backup.db");
    assert!(matches!(world.store.backup(&nowhere).await, Err(StoreError::Copy(_))));
    let copy = Store::open_existing(&format!("sqlite://{}", backup.display())).await.unwrap();
    let all = Filter::default();
    let (tickets, sms) = tokio::join!(copy.tickets(&all), copy.sms(&all));
    assert_eq!(tickets.unwrap().len(), sms.unwrap().len());
    copy.ping().await.unwrap();
}

#[tokio::test]
async fn a_closed_database_is_one_file_that_nobody_else_may_read() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let world = eva_in(folder.path()).await;
    for end in ["", "-wal", "-shm"] {
        let found = fs::metadata(beside(&file(folder.path()), end)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o600, "exchange.db{end}");
    }
    // Another program has it open as well, and goes on.
    let other = Store::open_existing(&world.url).await.unwrap();
    other.shoppers().await.unwrap();
    world.store.close().await;
    let copy = folder.path().join("copy.db");
    fs::copy(file(folder.path()), &copy).unwrap();
    let copied = Store::open_existing(&format!("sqlite://{}", copy.display())).await.unwrap();
    assert_eq!(copied.shoppers().await.unwrap().len(), 1);
    other.add_shopper(&new_shopper(dealer(1)), morning()).await.unwrap();
    other.close().await;
    assert!(!beside(&file(folder.path()), "-wal").exists());
}

/// On a disk of its own: what is under the place where it was mounted is not written to.
#[tokio::test(flavor = "multi_thread")]
async fn an_unmounted_disk_is_let_go_of_and_found_again() {
    use std::process::Command;

    let run = |program: &str, arguments: &[&Path]| {
        let done = Command::new(program).args(arguments).output();
        done.is_ok_and(|output| output.status.success())
    };
    let folder = tempfile::tempdir().unwrap();
    let (place, aside) = (folder.path().join("data"), folder.path().join("aside"));
    fs::create_dir(&place).unwrap();
    fs::create_dir(&aside).unwrap();
    if !run(
        "mount",
        &["-t", "tmpfs", "tmpfs"].map(Path::new).into_iter().chain([&*aside]).collect::<Vec<_>>(),
    ) {
        println!("skipped: this user may not mount");
        return;
    }
    assert!(run("mount", &[Path::new("--bind"), &aside, &place]));
    let world = eva_in(&place).await;
    works(&world, 1, 1).await;
    assert!(run("umount", &[Path::new("-l"), &place]));
    let error = refused_shoppers(&world).await;
    assert!(matches!(error, StoreError::Gone(_)) && error.passes(), "{error}");
    assert!(matches!(refused_shoppers(&world).await, StoreError::Gone(_)));
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0, "nothing was written beside the disk");
    assert!(run("mount", &[Path::new("--bind"), &aside, &place]));
    works(&world, 2, 2).await;
    world.store.close().await;
    assert!(run("umount", &[Path::new("-l"), &place]) && run("umount", &[Path::new("-l"), &aside]));
}
