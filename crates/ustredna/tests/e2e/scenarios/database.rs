//! The database fails for a while: full, locked, broken, deleted, replaced. Calls in all three services
//! before, during and after it; a talk that began before and ends during it. Afterwards everything works
//! again within ten seconds, without a restart, and nothing is lost.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, OnceLock},
    thread,
    time::Duration,
};

use serde_json::json;

use super::{A_MOMENT, assert_row, keys_and_talks};
use crate::{
    Scenario,
    database::Held,
    disk::Disk,
    exchange::Row,
    language::{CALLBACK, DEALER_HZ, FIRST, OUTBOUND, SHOPPER, SHOPPER_HZ, Setup},
    phone::{Callees, Caller, Phone, Reaction, Steps},
    postgres::Postgres,
    process::{now, wait_for},
    world::World,
};

/// Where the database is: a disk of its own in most worlds.
const DATA: &str = "data";
/// After its end a trouble may be felt for so long.
const HEALED: Duration = Duration::from_secs(10);

pub(crate) fn all() -> Vec<Scenario> {
    let setup = || Setup {
        settings: vec![
            ("database.url", "sqlite://data/ustredna.db"),
            ("callbacks.ring_timeout", "2s"),
            ("callbacks.sms_delay", "1s"),
        ],
        ..Setup::default()
    };
    let small = |at: &Path| Disk::in_memory(at, "3m");
    let named = |name: &str, disk: fn(&Path) -> Disk, run: fn(&mut World)| {
        Scenario::with(name, setup(), run)
            .in_world(move |setup| World::with_disk_at(DATA, setup, (100, 20), disk))
    };
    let fragile = |name, run| named(name, Disk::in_file, run).unless(Disk::no_file());
    let postgres = [
        on_postgres("a_postgresql_that_dies_heals", setup(), Postgres::dies, Postgres::begins),
        on_postgres("a_postgresql_that_freezes_heals", setup(), Postgres::freezes, Postgres::thaws),
    ];
    let sqlite = [
        named("a_full_database_heals", small, full),
        named("what_a_full_database_did_not_take_outlives_a_kill", small, full_and_killed),
        named("a_locked_database_heals", small, locked),
        fragile("a_database_that_cannot_be_written_heals", unwritable),
        fragile("a_database_on_a_disk_that_broke_heals", broken),
        named("a_deleted_database_is_written_back", small, deleted),
        named("a_database_replaced_by_its_backup_goes_on", small, replaced),
    ];
    sqlite.into_iter().chain(postgres).collect()
}

/// With a server that this happens to, and is undone.
fn on_postgres(
    name: &str,
    mut setup: Setup,
    begins: fn(&Postgres),
    ends: fn(&Postgres),
) -> Scenario {
    let started = Arc::new(Mutex::new(None));
    let server = Arc::clone(&started);
    let url: &'static OnceLock<String> = Box::leak(Box::default());
    setup.settings.retain(|(key, _)| *key != "database.url");
    let run = move |world: &mut World| {
        let server = server.lock().unwrap().take().unwrap();
        through(world, Meanwhile::NoCalls, |_| begins(&server), |_, ()| ends(&server));
    };
    let world = move |setup: &Setup| {
        let server = Postgres::start();
        let mut setup = setup.clone();
        setup.settings.push(("database.url", url.get_or_init(|| server.url())));
        *started.lock().unwrap() = Some(server);
        World::new(&setup)
    };
    Scenario::with(name, setup, run).in_world(world).unless(Postgres::missing())
}

fn file(world: &World) -> PathBuf {
    world.dir().join(DATA).join("ustredna.db")
}

/// What callers meet while the database fails.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meanwhile {
    /// Shoppers are told so, dealers are missed.
    NoCalls,
    /// Nothing.
    AllWorks,
}

/// Dealers' numbers; who was missed before, during and after it.
fn dealer(index: usize) -> String {
    format!("+4202223{index:05}")
}

/// All phones there are: every dealer answers and talks for a moment, one for longer; the shopper does
/// not answer.
fn phones(world: &World) -> Phone {
    let talks = |ms| {
        let then = Steps::new().sings(DEALER_HZ, ms).hangs_up();
        Reaction::Answers { rings_ms: 300, then }
    };
    let phones = Callees::new().rings(SHOPPER).with(LONG, talks(6000)).others(talks(1500));
    world.callees(&phones)
}

/// The dealer who talks for longer.
const LONG: &str = "+420234000009";

/// A shopper calls a dealer out.
fn outbound(world: &World, dealer: &str) -> Phone {
    let keys = format!("{}#", dealer.trim_start_matches("+420"));
    let steps = Steps::new().waits(A_MOMENT).keys(&keys).sings_until_hangup(SHOPPER_HZ, 25_000);
    world.call("shopper", &Caller::new(SHOPPER, OUTBOUND).open(steps))
}

/// A dealer calls back and nobody answers: neither do they.
fn misses(world: &World, dealer: &str) {
    let steps = Steps::new().listens_until_hangup(25_000);
    world.call("dealer", &Caller::new(dealer, FIRST).open(steps)).finishes();
}

/// A shopper returns the only missed call, or this one.
fn returns(world: &World, keys: Option<&str>) -> Phone {
    let steps = match keys {
        Some(keys) => keys_and_talks(keys),
        None => Steps::new().sings_until_hangup(SHOPPER_HZ, 25_000),
    };
    world.call("returns", &Caller::new(SHOPPER, CALLBACK).open(steps))
}

fn has_talked(phone: &Phone) -> bool {
    phone.ear().seconds_of(DEALER_HZ, phone.started()) > 0.8
}

/// Calls in all services; each works.
fn all_work(world: &World, number: usize) {
    let mut shopper = outbound(world, &format!("+4202340000{number:02}"));
    shopper.finishes();
    assert!(has_talked(&shopper), "they talked");
    misses(world, &dealer(number));
    world.rows("tickets", 1, |ticket| ticket["dealer"] == dealer(number));
}

/// What happened while it lasted, to be held against what was written.
struct Meantime {
    rung: usize,
}

fn meanwhile(world: &World, phones: &Phone, expected: Meanwhile) -> Meantime {
    // A talk that has begun goes on.
    let rung = phones.trace().invites().len();
    if expected == Meanwhile::AllWorks {
        all_work(world, 2);
        return Meantime { rung };
    }
    let begun = now();
    let mut shopper = outbound(world, "+420234000002");
    let mut hotline = returns(world, None);
    misses(world, &dealer(2));
    for phone in [&mut shopper, &mut hotline] {
        phone.finishes();
        let heard = phone.heard(World::phrases());
        assert_eq!(heard.last().map(String::as_str), Some("calls-not-possible"), "{heard:?}");
    }
    let waited = now() - begun;
    assert!(waited < Duration::from_secs(25), "callers waited {waited:?}");
    assert_eq!(phones.trace().invites().len(), rung, "somebody was rung in vain");
    Meantime { rung }
}

/// The shopper tries again and again until calls are possible; how long that took.
fn until_healed(world: &World) -> Duration {
    let ended = now();
    loop {
        let mut shopper = outbound(world, "+420234000003");
        let began = now();
        shopper.finishes();
        if has_talked(&shopper) {
            return began - ended;
        }
        assert!(now() - ended < HEALED, "calls are not possible after {HEALED:?}");
    }
}

/// Plays it all; `begins` tells what `ends` needs.
fn through<T>(
    world: &mut World,
    expected: Meanwhile,
    begins: impl FnOnce(&mut World) -> T,
    ends: impl FnOnce(&mut World, T),
) {
    let mut phones = phones(world);
    all_work(world, 1);
    let mut long = outbound(world, LONG);
    wait_for(Duration::from_secs(20), "they talk", || has_talked(&long).then_some(()));
    let trouble = begins(world);
    let Meantime { rung } = meanwhile(world, &phones, expected);
    // It ends meanwhile.
    long.finishes();
    ends(world, trouble);
    let healed = until_healed(world);
    eprintln!("calls are possible {} ms after its end", healed.as_millis());
    all_work(world, 4);
    // The one missed meanwhile is returned, by its number.
    let missed = world.rows("tickets", 1, |ticket| ticket["dealer"] == dealer(2)).remove(0);
    let mut hotline = returns(world, Some(&format!("{}#", missed["number"])));
    hotline.finishes();
    assert!(
        has_talked(&hotline),
        "the missed call is returned: {:?}",
        hotline.heard(World::phrases())
    );
    phones.breaks();
    assert!(phones.trace().invites().len() > rung);
    assert_nothing_lost(world, expected);
}

fn assert_nothing_lost(world: &World, expected: Meanwhile) {
    wait_for(Duration::from_secs(30), "everything is settled", || {
        let ended = world.exchange.list("calls").iter().all(|call| !call["ended_at"].is_null());
        let is_proven = |recording: &Row| recording["verdict"] != "pending";
        let records = fs::read_dir(world.dir().join("cdr")).unwrap().map(Result::unwrap);
        let waits = records.filter(|file| file.path().is_file()).count();
        (ended && waits == 0 && world.exchange.list("recordings").iter().all(is_proven))
            .then_some(())
    });
    let calls = world.exchange.list("calls");
    let of = |dealer: &str, outcome: &str| {
        let is_it = |call: &&Row| call["dealer"] == dealer && call["outcome"] == outcome;
        calls.iter().filter(is_it).count()
    };
    assert_eq!(of(LONG, "answered"), 1, "{calls:#?}");
    assert_eq!(of("+420234000001", "answered"), 1, "{calls:#?}");
    assert_eq!(of("+420234000003", "answered"), 1, "{calls:#?}");
    assert_eq!(of("+420234000004", "answered"), 1, "{calls:#?}");
    // The returned call.
    assert_eq!(of(&dealer(2), "answered"), 1, "{calls:#?}");
    // After a kill nobody knows any more that it was refused.
    let is_refused = |call: &&Row| {
        let outcome = call["outcome"].as_str().unwrap();
        call["service"] != "fictitious_number" && ["refused", "abandoned"].contains(&outcome)
    };
    let refused = calls.iter().filter(is_refused).count();
    assert!(expected == Meanwhile::AllWorks || refused >= 2, "refusals are told: {calls:#?}");
    for (number, status) in [(1, "open"), (2, "called_back"), (4, "open")] {
        let dealer = dealer(number);
        let missed = calls
            .iter()
            .filter(|call| call["dealer"] == *dealer && call["service"] == "fictitious_number");
        assert_eq!(missed.count(), 1, "{calls:#?}");
        let tickets = world.rows("tickets", 1, |ticket| ticket["dealer"] == *dealer);
        assert_row(&tickets[0], &[("status", json!(status)), ("missed", json!(1))]);
        let tells = |sms: &Row| sms["text"].as_str().unwrap_or_default().contains(&dealer);
        let sms = world.rows("sms", 1, tells);
        // One a minute goes out.
        assert_ne!(sms[0]["status"], "failed", "{sms:#?}");
    }
    let recordings = world.exchange.list("recordings");
    for recording in &recordings {
        assert_eq!(recording["verdict"], "ok", "{recording:#}");
    }
    let answered = calls.iter().filter(|call| call["outcome"] == "answered").count();
    assert_eq!(recordings.len(), answered);
}

fn full(world: &mut World) {
    through(
        world,
        Meanwhile::NoCalls,
        |world| world.disk().fills(),
        |world, ()| {
            world.disk().makes_room();
        },
    );
}

/// Nothing of what happened while it was full is anywhere but in FreeSWITCH's records.
fn full_and_killed(world: &mut World) {
    through(
        world,
        Meanwhile::NoCalls,
        |world| world.disk().fills(),
        |world, ()| {
            world.exchange.process().kill();
            world.exchange.start();
            // It does not give up on a full disk, either.
            thread::sleep(Duration::from_secs(2));
            world.disk().makes_room();
            world.exchange.await_ready();
        },
    );
}

fn locked(world: &mut World) {
    let lock = |world: &mut World| Held::take_file(&file(world));
    through(world, Meanwhile::NoCalls, lock, |_, held| held.release());
}

/// Every write fails, as on a bad sector, and nothing can be opened for writing.
fn unwritable(world: &mut World) {
    let files = |world: &World| ["", "-wal"].map(|end| format!("{}{end}", file(world).display()));
    let chattr = |flag: &str, files: &[String]| {
        assert!(Command::new("chattr").arg(flag).args(files).status().unwrap().success());
    };
    through(
        world,
        Meanwhile::NoCalls,
        |world| chattr("+i", &files(world)),
        |world, ()| chattr("-i", &files(world)),
    );
}

/// The kernel makes the disk read-only; it is repaired and mounted again.
fn broken(world: &mut World) {
    through(
        world,
        Meanwhile::NoCalls,
        |world| world.disk().breaks(),
        |world, ()| {
            world.disk().is_repaired();
        },
    );
}

fn deleted(world: &mut World) {
    let delete = |world: &mut World| {
        for end in ["", "-wal", "-shm"] {
            fs::remove_file(format!("{}{end}", file(world).display())).unwrap();
        }
    };
    through(world, Meanwhile::AllWorks, delete, |_, ()| {});
}

/// By `mv`, with the WAL of the other one still there, and calls going on.
fn replaced(world: &mut World) {
    let replace = |world: &mut World| {
        let output = world.exchange.run(&["backup", "data/backup.db"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::rename(world.dir().join(DATA).join("backup.db"), file(world)).unwrap();
    };
    through(world, Meanwhile::AllWorks, replace, |_, ()| {});
}
