//! Opening: what SQLite alone can get wrong, and what no engine may.

use std::{path::Path, time::Duration};

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, migrate::Migrator};

use super::fixture::{World, eva, f1, morning, new_shopper, postgres_url};
use crate::{Filter, Store, StoreError, engine::MIGRATIONS};

fn url(folder: &Path, rest: &str) -> String {
    format!("sqlite://{}/{rest}", folder.display())
}

async fn refusal(url: &str) -> StoreError {
    match Store::open(url).await {
        Ok(_) => panic!("opened {url}"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn creates_a_missing_file_but_not_for_a_list() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(folder.path(), "My%20exchange.db");
    let missing = match Store::open_existing(&url).await {
        Ok(_) => panic!("opened nothing"),
        Err(error) => error.to_string(),
    };
    assert!(missing.contains("My exchange.db"), "{missing}");
    assert!(missing.contains("`ustredna serve` or `ustredna import` first"), "{missing}");
    let store = Store::open(&url).await.unwrap();
    store.add_shopper(&new_shopper(eva()), morning()).await.unwrap();
    store.ping().await.unwrap();
    store.close().await;
    assert!(folder.path().join("My exchange.db").exists());
    let again = Store::open_existing(&url).await.unwrap();
    assert_eq!(again.shoppers().await.unwrap().len(), 1);
}

#[tokio::test]
async fn names_the_folder_that_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let error = refusal(&url(folder.path(), "nowhere/exchange.db")).await;
    assert_eq!(error, StoreError::NoFolder(folder.path().join("nowhere")));
}

#[tokio::test]
async fn tells_what_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("letter.txt"), "Dear sirs, ".repeat(500)).unwrap();
    assert_eq!(refusal(&url(folder.path(), "letter.txt")).await, StoreError::NotADatabase);
    std::fs::create_dir(folder.path().join("folder.db")).unwrap();
    let folder_db = StoreError::NoFile(folder.path().join("folder.db"));
    assert_eq!(refusal(&url(folder.path(), "folder.db")).await, folder_db);
}

#[tokio::test]
async fn nothing_is_written_into_another_programs_database() {
    let folder = tempfile::tempdir().unwrap();
    for (name, tables) in [
        ("contacts.db", "CREATE TABLE contacts (id INTEGER)"),
        ("shop.db", "CREATE TABLE shoppers (id INTEGER)"),
        (
            "other.db",
            "CREATE TABLE _sqlx_migrations (version INTEGER); CREATE TABLE a (id INTEGER)",
        ),
        // Tables of our names, by chance.
        (
            "chance.db",
            "CREATE TABLE _sqlx_migrations (version INTEGER); CREATE TABLE shoppers (id INTEGER)",
        ),
        (
            "sqlx.db",
            "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
             installed_on TIMESTAMP NOT NULL, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, \
             execution_time BIGINT NOT NULL); \
             INSERT INTO _sqlx_migrations VALUES (1, 'shop', '2026-01-01', 1, X'ab12', 5); \
             CREATE TABLE shoppers (id INTEGER)",
        ),
        (
            "odd.db",
            "CREATE TABLE _sqlx_migrations (version BIGINT, checksum TEXT); \
             INSERT INTO _sqlx_migrations VALUES (1, 'ab12'); CREATE TABLE shoppers (id INTEGER)",
        ),
        (
            "none.db",
            "CREATE TABLE _sqlx_migrations (version BIGINT, checksum BLOB); \
             CREATE TABLE shoppers (id INTEGER)",
        ),
    ] {
        let (path, url) = (folder.path().join(name), url(folder.path(), name));
        let mut other = AnyConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
        other.execute(tables).await.unwrap();
        other.close().await.unwrap();
        let before = std::fs::read(&path).unwrap();
        assert_eq!(refusal(&url).await, StoreError::NotADatabase, "{name}");
        assert!(matches!(Store::open_existing(&url).await, Err(StoreError::NotADatabase)));
        assert!(std::fs::read(&path).unwrap() == before, "{name} was changed");
    }
    std::fs::write(folder.path().join("empty.db"), "").unwrap();
    let empty = Store::open_existing(&url(folder.path(), "empty.db")).await;
    assert!(matches!(empty, Err(StoreError::Emptied)));
    assert_eq!(std::fs::read(folder.path().join("empty.db")).unwrap(), b"");
}

#[tokio::test]
async fn refuses_urls_it_cannot_use() {
    for url in ["", "ustredna.db", "mysql://localhost/x", "sqlite::memory:", "sqlite://"] {
        assert!(matches!(refusal(url).await, StoreError::Url(_)), "{url}");
    }
    assert!(matches!(refusal("sqlite://x.db?mode=memory").await, StoreError::Url(_)));
    assert!(matches!(refusal("sqlite://x.db?journal=wal").await, StoreError::Url(_)));
    assert!(matches!(refusal("sqlite://x%2.db").await, StoreError::Url(_)));
}

#[tokio::test]
async fn a_locked_database_is_called_locked() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::sqlite(folder.path()).await;
    let mut other = AnyConnection::connect(&world.url).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    assert!(world.store.shoppers().await.unwrap().is_empty(), "reading goes on");
    assert_eq!(world.store.ping().await, Err(StoreError::Locked));
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(world.store.ping().await, Ok(()));
}

#[tokio::test]
async fn a_read_only_database_can_be_listed_but_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::sqlite(folder.path()).await;
    world.store.add_shopper(&new_shopper(eva()), morning()).await.unwrap();
    world.store.close().await;
    let store = Store::open_existing(&url(folder.path(), "exchange.db?mode=ro")).await.unwrap();
    assert_eq!(store.shoppers().await.unwrap().len(), 1);
    assert_eq!(store.ping().await, Err(StoreError::ReadOnly));
    let error = store.add_number(&f1(), None, morning()).await.unwrap_err();
    assert_eq!(error, StoreError::ReadOnly);
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::sqlite(folder.path()).await;
    world
        .sql(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
             execution_time) VALUES (999, 'later', 1, x'00', 0)",
        )
        .await;
    let refusal = refusal(&world.url).await;
    assert!(matches!(refusal, StoreError::NewerSchema { found: 999, .. }), "{refusal}");
}

/// Before a program of another version comes to its tables, there is to be a backup.
#[tokio::test]
async fn a_backup_can_be_made_of_any_schema() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::sqlite(folder.path()).await.with_eva().await;
    for (name, sql) in [
        (
            "newer.db",
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
             execution_time) VALUES (999, 'later', 1, x'00', 0)",
        ),
        ("older.db", "DELETE FROM _sqlx_migrations WHERE version > 5"),
    ] {
        world.sql(sql).await;
        assert!(Store::open_existing(&world.url).await.is_err());
        let store = Store::open_for_backup(&world.url).await.unwrap();
        store.backup(&folder.path().join(name)).await.unwrap();
        store.close().await;
        let url = url(folder.path(), name);
        let mut copy = AnyConnection::connect(&url).await.unwrap();
        let query = sqlx::query_scalar("SELECT COUNT(*) FROM shoppers");
        let shoppers: i64 = query.fetch_one(&mut copy).await.unwrap();
        assert_eq!(shoppers, 1);
    }
}

/// In which Czech can be written, but not every text of ours.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs USTREDNA_TEST_POSTGRES, the URL of a database"]
async fn a_postgres_database_of_another_encoding_is_refused_before_it_has_tables() {
    sqlx::any::install_default_drivers();
    let url = postgres_url();
    let name = format!("latin_{}", std::process::id());
    let (server, _) = url.rsplit_once('/').unwrap();
    let own = format!("{server}/{name}");
    let mut admin = AnyConnection::connect(&url).await.unwrap();
    let make = format!("CREATE DATABASE {name} ENCODING 'LATIN2' LOCALE 'C' TEMPLATE template0");
    admin.execute(AssertSqlSafe(make)).await.unwrap();
    assert_eq!(refusal(&own).await, StoreError::Encoding("LATIN2".to_owned()));
    let mut left = AnyConnection::connect(&own).await.unwrap();
    let query = sqlx::query_scalar(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public'",
    );
    let tables: i64 = query.fetch_one(&mut left).await.unwrap();
    assert_eq!(tables, 0);
    left.close().await.unwrap();
    admin.execute(AssertSqlSafe(format!("DROP DATABASE {name}"))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_starting_at_once_make_one_schema() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(folder.path(), "exchange.db");
    let starts: Vec<_> = (0..6)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Store::open(&url).await.map(drop) })
        })
        .collect();
    for start in starts {
        assert_eq!(start.await.unwrap(), Ok(()));
    }
}

#[tokio::test]
async fn a_commit_is_flushed_and_seen_by_the_next_reader() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::sqlite(folder.path()).await;
    let one = |sql: &'static str| {
        let pool = world.store.write.clone();
        async move { sqlx::query_scalar::<_, i64>(sql).fetch_one(&pool).await.unwrap() }
    };
    assert_eq!(one("PRAGMA synchronous").await, 2, "FULL");
    assert_eq!(one("PRAGMA foreign_keys").await, 1);
    let mode: String =
        sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&world.store.write).await.unwrap();
    assert_eq!(mode, "wal");
    world.store.add_shopper(&new_shopper(eva()), morning()).await.unwrap();
    assert_eq!(world.store.pairings(&Filter::default(), true).await.unwrap().len(), 0);
    assert_eq!(world.store.shoppers().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_unreachable_server_is_told_without_the_password() {
    // Nobody listens there; one that was free a moment ago may be another test's by now.
    let url = "postgres://eva:tajneheslo@127.0.0.1:1/exchange";
    let opened = tokio::time::timeout(Duration::from_secs(15), Store::open(url)).await.unwrap();
    let Err(error) = opened else { panic!("opened") };
    assert!(matches!(error, StoreError::Unreachable(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("tajneheslo"));
    let error = refusal("postgres://eva:tajneheslo@[broken/exchange").await;
    assert!(matches!(error, StoreError::Url(_)));
    assert!(!format!("{error} {error:?}").contains("tajneheslo"));
}

/// A database as the first version left it, with SMS in every state.
#[tokio::test]
async fn the_outbox_of_the_first_version_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(folder.path(), "old.db");
    sqlx::any::install_default_drivers();
    let mut old = AnyConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
    let first = sqlx::migrate::Migrator {
        migrations: crate::engine::MIGRATIONS.iter().take(1).cloned().collect(),
        ..sqlx::migrate::Migrator::DEFAULT
    };
    first.run_direct(None, &mut old, false).await.unwrap();
    old.execute(
        "INSERT INTO shoppers (id, phone, language, created_at) VALUES \
         ('01890000-0000-7000-8000-000000000001', '+420601123456', 'cs', 1);
         INSERT INTO sms (id, shopper_id, recipient, text, segments, status, attempts, not_before, \
         leased_until, created_at, sent_at) VALUES \
         ('01890000-0000-7000-8000-00000000000a', '01890000-0000-7000-8000-000000000001', \
          '+420601123456', 'sent', 1, 'sent', 1, 60000, NULL, 1000, 61000), \
         ('01890000-0000-7000-8000-00000000000b', '01890000-0000-7000-8000-000000000001', \
          '+420601123456', 'waits', 1, 'queued', 0, 70000, NULL, 2000, NULL), \
         ('01890000-0000-7000-8000-00000000000c', '01890000-0000-7000-8000-000000000001', \
          '+420601123456', 'leased', 1, 'sending', 1, 65000, 99000, 1500, NULL);",
    )
    .await
    .unwrap();
    old.close().await.unwrap();

    let store = Store::open(&url).await.unwrap();
    let told: Vec<_> = store.sms(&Filter::default()).await.unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|sms| {
            let expires = sms.expires_at.map(jiff::Timestamp::as_millisecond);
            (sms.text.as_str(), sms.status.as_str(), sms.unknown, expires)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("waits", "queued", false, Some(21_602_000)),
            ("leased", "sending", false, Some(21_601_500)),
            ("sent", "sent", false, None),
        ]
    );
    // The worker of the first version is gone; what it had goes out first.
    let at = jiff::Timestamp::from_millisecond(100_000).unwrap();
    let lease = jiff::SignedDuration::from_secs(30);
    let leased = store.lease_sms(at, lease, 9, crate::Throttle::NONE).await.unwrap().sms;
    assert_eq!((leased.len(), leased[0].text.as_str(), leased[0].attempts), (1, "leased", 2));
}

/// Whoever only lists, adds or looks leaves the tables of an exchange that runs an earlier version as
/// they are; the exchange of this version brings them up to date.
#[tokio::test]
async fn only_the_exchange_brings_an_older_database_up_to_date() {
    sqlx::any::install_default_drivers();
    let folder = tempfile::tempdir().unwrap();
    let (path, url) = (folder.path().join("old.db"), url(folder.path(), "old.db"));
    let mut old = AnyConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
    let first =
        Migrator { migrations: MIGRATIONS.iter().take(1).cloned().collect(), ..Migrator::DEFAULT };
    first.run_direct(None, &mut old, false).await.unwrap();
    old.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    for opened in [
        Store::open_existing(&url).await,
        Store::open_briefly(&url).await,
        Store::open_or_begin(&url).await,
    ] {
        let Err(error) = opened else { panic!("opened") };
        assert!(matches!(error, StoreError::OlderSchema { found: 1, .. }), "{error}");
        assert!(error.to_string().contains("`ustredna serve`"), "{error}");
    }
    assert!(std::fs::read(&path).unwrap() == before, "it was changed");
    Store::open(&url).await.unwrap().close().await;
    Store::open_existing(&url).await.unwrap();
}

/// A database of the version before the chain, with a recording that was proven and one that was not.
#[tokio::test]
async fn recordings_proven_before_the_chain_are_kept_and_wait_for_their_link() {
    sqlx::any::install_default_drivers();
    let folder = tempfile::tempdir().unwrap();
    let url = url(folder.path(), "exchange.db");
    let mut old = AnyConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
    let chain = MIGRATIONS.iter().find(|migration| migration.description == "chain").unwrap();
    let before = MIGRATIONS.iter().filter(|migration| migration.version < chain.version);
    let before = Migrator { migrations: before.cloned().collect(), ..Migrator::DEFAULT };
    before.run_direct(None, &mut old, false).await.unwrap();
    old.execute(
        "PRAGMA foreign_keys = OFF; INSERT INTO recordings (leg_id, call_id, path, bytes, sha256, \
         verdict, problem, held_because) VALUES \
         ('00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002', \
         '2026/11/22/a.wav', 5, 'ab', 'short', 'why', 'complaint'), \
         ('00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000002', \
         '2026/11/22/b.wav', NULL, NULL, 'pending', NULL, NULL)",
    )
    .await
    .unwrap();
    old.close().await.unwrap();
    let store = Store::open(&url).await.unwrap();
    let unchained = store.unchained_recordings().await.unwrap();
    let [row] = unchained.as_slice() else { panic!("{unchained:?}") };
    assert_eq!((row.path.reveal(), row.bytes), ("2026/11/22/a.wav", Some(5)));
    assert_eq!((row.sha256.as_deref(), row.verdict.as_str()), (Some("ab"), "short"));
    assert_eq!(
        (row.problem.as_deref(), row.held_because.as_deref()),
        (Some("why"), Some("complaint"))
    );
    store.adopt_recording(row.leg, None, morning()).await.unwrap();
    let (links, faults) = store.checked_chain().await.unwrap();
    assert_eq!((links.len(), links[0].step.as_str(), faults.len()), (1, "adopted", 0));
}
