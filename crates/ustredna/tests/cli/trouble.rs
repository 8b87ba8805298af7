//! A running exchange whose database takes nothing: it says so soon, in plain words, and only for as
//! long as it is so.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

use crate::{
    readyz::{Serve, now},
    switch::Switch,
};

fn serve() -> Serve {
    let serve = Serve::beside(&Arc::new(Mutex::new(Switch::default())), None);
    serve.comes_to("200", "\"database\":null");
    serve
}

/// While another program holds the write lock.
fn locked<T>(database: &Path, look: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let url = format!("sqlite://{}", database.display());
    let holding = runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let mut other = AnyConnection::connect(&url).await.unwrap();
        other.execute("BEGIN EXCLUSIVE").await.unwrap();
        other
    });
    let seen = look();
    runtime.block_on(holding.close()).unwrap();
    seen
}

/// The answer of `/readyz`, which comes within a second.
#[track_caller]
fn told_at_once(serve: &Serve) -> (String, serde_json::Value) {
    let began = now();
    let told = serve.readyz().unwrap();
    assert!(
        now().saturating_sub(began) < Duration::from_secs(1),
        "{:?}",
        now().saturating_sub(began)
    );
    told
}

#[test]
fn what_cannot_be_stored_is_told_until_it_can() {
    let serve = serve();
    for (breaks, mends, says) in [
        (
            "CREATE TRIGGER no BEFORE INSERT ON tickets BEGIN SELECT raise(abort, 'no +420601123456'); END",
            "DROP TRIGGER no",
            "contradicts what is in the database: no …",
        ),
        (
            "ALTER TABLE legs RENAME COLUMN recording TO file",
            "ALTER TABLE legs RENAME COLUMN file TO recording",
            "no column named recording",
        ),
    ] {
        serve.world.sql(breaks);
        serve.comes_to("503", says);
        let check = serve.world.run(&["check"]);
        assert!(check.out.contains("FAIL  database") && check.out.contains(says), "{}", check.out);
        serve.world.sql(mends);
        serve.comes_to("200", "\"database\":null");
    }
}

#[test]
fn a_lock_is_told_within_a_second_and_keeps_nobody() {
    let mut serve = serve();
    let database = serve.world.path("ustredna.db");
    let (_, usual) = serve.beside_it(&["check"]);
    locked(&database, || {
        // Each answer is quick, and before long it says why.
        let end = now() + Duration::from_secs(10);
        while told_at_once(&serve).0 == "200" {
            assert!(now() < end, "a lock is not noticed");
            thread::sleep(Duration::from_millis(200));
        }
        let (_, told) = told_at_once(&serve);
        let told = told["database"].as_str().unwrap().to_owned();
        assert!(told.contains("lock"), "{told}");
        check_calls_it_locked(&serve, usual);
        thread::sleep(Duration::from_secs(8));
        let began = now();
        kill_process(Pid::from_child(&serve.process), Signal::TERM).unwrap();
        assert_eq!(serve.process.wait().unwrap().code(), Some(0));
        assert!(
            now().saturating_sub(began) < Duration::from_secs(5),
            "{:?}",
            now().saturating_sub(began)
        );
    });
    // A failure that lasts: its begin, and once a minute.
    let mut log = String::new();
    std::io::Read::read_to_string(&mut serve.process.stderr.take().unwrap(), &mut log).unwrap();
    let lines = log.lines().filter(|line| line.contains("ERROR")).count();
    assert!(lines <= 8, "{log}");
}

/// `check` beside the running exchange takes two seconds more than usually, at most: 3 s on a machine
/// that has nothing else to do.
#[track_caller]
fn check_calls_it_locked(serve: &Serve, usual: Duration) {
    let (check, took) = serve.beside_it(&["check"]);
    let told = check.out.lines().find(|line| line.starts_with("FAIL  database     "));
    assert!(told.is_some_and(|told| told.contains("is locked")), "{}", check.out);
    let at_most = Duration::from_secs(2) + 3 * usual;
    assert!(took < at_most, "{took:?}, usually {usual:?}: {}", check.out);
}

/// The same of PostgreSQL, where others may lock one table.
#[test]
#[ignore = "needs USTREDNA_TEST_POSTGRES, the URL of a database"]
fn a_locked_table_of_postgresql_is_called_so_within_seconds() {
    let url = std::env::var("USTREDNA_TEST_POSTGRES")
        .expect("USTREDNA_TEST_POSTGRES must hold the URL of a PostgreSQL database for tests");
    sqlx::any::install_default_drivers();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let name = format!("locked_{}", std::process::id());
    let own = format!("{}/{name}", url.rsplit_once('/').unwrap().0);
    let run = |url: &str, sql: String| {
        runtime.block_on(async {
            let mut connection = AnyConnection::connect(url).await.unwrap();
            connection.execute(AssertSqlSafe(sql)).await.unwrap();
            connection
        })
    };
    run(&url, format!("CREATE DATABASE {name}"));
    let setting = Some(("USTREDNA_DATABASE__URL", own.as_str()));
    let serve = Serve::beside(&Arc::new(Mutex::new(Switch::default())), setting);
    serve.comes_to("200", "\"database\":null");
    let (_, usual) = serve.beside_it(&["check"]);
    for table in ["calls", "shoppers", "_sqlx_migrations"] {
        let lock = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        let other = run(&own, lock);
        check_calls_it_locked(&serve, usual);
        if table == "calls" {
            let (list, took) = serve.beside_it(&["calls"]);
            assert!(list.failed().contains("is locked"));
            assert!(took < Duration::from_secs(10), "{took:?}");
        }
        runtime.block_on(other.close()).unwrap();
        serve.comes_to("200", "\"database\":null");
    }
    let (check, _) = serve.beside_it(&["check"]);
    assert!(check.out.contains("OK    database"), "{}", check.out);
    drop(serve);
    run(&url, format!("DROP DATABASE {name} WITH (FORCE)"));
}

/// A process that closes a file gives up all its locks on it: whoever closed the database after that
/// took the WAL of the exchange away.
#[test]
fn a_running_exchange_keeps_its_lock_on_the_file() {
    let serve = serve();
    let Ok(locks) = fs::read_to_string("/proc/locks") else {
        return println!("skipped: this system does not tell who holds which lock");
    };
    drop(locks);
    let inode = fs::metadata(serve.world.path("ustredna.db")).unwrap().ino();
    let (holder, file) = (format!(" {} ", serve.process.id()), format!(":{inode} "));
    for _ in 0..5 {
        serve.world.run(&["shoppers"]).ok();
        serve.comes_to("200", "\"database\":null");
        let locks = fs::read_to_string("/proc/locks").unwrap();
        let is_held = |line: &str| line.contains(&holder) && line.contains(&file);
        assert!(locks.lines().any(is_held), "{locks}");
    }
}

#[test]
fn what_stands_in_the_database_s_place_is_told_by_all_alike() {
    let serve = serve();
    let place = serve.world.path("ustredna.db");
    fs::remove_file(&place).unwrap();
    fs::create_dir(&place).unwrap();
    serve.comes_to("503", "ustredna.db is no file: take it away");
    for command in ["check", "calls"] {
        let done = serve.world.run(&[command]);
        assert!((done.out + &done.err).contains("is no file: take it away"));
    }
    fs::remove_dir(&place).unwrap();
    serve.comes_to("200", "\"database\":null");
    assert_eq!(serve.world.json(&["shoppers"]).len(), 2, "it is written back");
}
