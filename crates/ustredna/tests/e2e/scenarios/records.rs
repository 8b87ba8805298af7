//! Call detail records that are not as they should be: cut in half, or there a second time.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use super::assert_row;
use crate::{
    Scenario,
    exchange::{NOBODY, gives},
    language::{DEALER, DEALER_HZ, FIRST, OUTBOUND, SHOPPER, SHOPPER_HZ},
    phone::{Callees, Caller, Reaction, Steps},
    process::wait_for,
    world::{World, files_below},
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("a_record_cut_in_half_loses_no_talk", cut),
        Scenario::new("a_record_that_comes_twice_changes_nothing", twice),
        Scenario::new("what_cannot_be_read_is_not_taken_for_missed", unreadable),
    ]
}

/// A talk that the exchange did not see end, and the records that FreeSWITCH wrote of it.
fn unseen_talk(world: &mut World) -> Vec<PathBuf> {
    let then = Steps::new().sings(DEALER_HZ, 4000).hangs_up();
    let reaction = Reaction::Answers { rings_ms: 300, then };
    let mut dealer = world.callees(&Callees::new().with(DEALER, reaction));
    let steps = Steps::new().hears("enter-destination").keys("234567890#");
    let steps = steps.sings_until_hangup(SHOPPER_HZ, 20_000);
    let mut shopper = world.call("shopper", &Caller::new(SHOPPER, OUTBOUND).open(steps));
    wait_for(Duration::from_secs(20), "they talk", || {
        (dealer.ear().seconds_of(SHOPPER_HZ, dealer.started()) > 1.0).then_some(())
    });
    world.exchange.process().kill();
    shopper.finishes();
    dealer.stops();
    wait_for(Duration::from_secs(10), "both legs have their record", || {
        let found = records(world);
        (found.len() == 2).then_some(found)
    })
}

fn records(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.dir().join("cdr")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

fn cut(world: &mut World) {
    let records = unseen_talk(world);
    let caller =
        records.iter().find(|path| path.file_name().unwrap().to_string_lossy().starts_with("a_"));
    let caller = caller.expect("the caller's record");
    let whole = fs::read(caller).unwrap();
    fs::write(caller, &whole[..whole.len() / 2]).unwrap();
    world.exchange.start();
    world.exchange.await_ready();
    // It may still be written; then it is put aside, and the recording tells the rest.
    let call = wait_for(Duration::from_secs(90), "the call has its end", || {
        world.exchange.list("calls").into_iter().find(|call| !call["ended_at"].is_null())
    });
    assert_row(&call, &[("outcome", json!("answered")), ("hangup_cause", json!("LOST"))]);
    let talked = call["talk_seconds"].as_f64().unwrap();
    assert!((3.0..5.0).contains(&talked), "{talked}");
    world.rows("recordings", 1, |recording| recording["verdict"] == "ok");
    // What cannot be read is kept, out of the way.
    assert!(!caller.exists());
    let aside = caller.parent().unwrap().join("unmatched").join(caller.file_name().unwrap());
    assert_eq!(fs::read(&aside).unwrap(), &whole[..whole.len() / 2]);
    let output = world.exchange.run(&["check"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("unmatched"), "{told}");
}

/// FreeSWITCH runs as root and lets nobody read what it writes; the exchange runs as nobody.
fn unreadable(world: &mut World) {
    let records = unseen_talk(world);
    world.exchange.becomes_nobody();
    let files = [records, files_below(&world.dir().join("recordings"), "wav")].concat();
    assert_eq!(files.len(), 3);
    for file in &files {
        gives(file, 0);
        fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    }
    world.exchange.start();
    world.exchange.await_ready();
    let told = String::from_utf8(world.exchange.run(&["check", "--json"]).stdout).unwrap();
    let findings = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let closed =
        findings.filter(|found| found["detail"].as_str().unwrap().contains("cannot be read"));
    let closed: Vec<_> = closed.map(|found| found["check"].clone()).collect();
    assert_eq!(closed, ["recordings", "cdr"], "{told}");
    // Calls count as over when nothing has moved for ten seconds, and torn records after a minute.
    thread::sleep(Duration::from_secs(75));
    let call = world.exchange.list("calls").remove(0);
    assert_row(&call, &[("ended_at", json!(null))]);
    assert!(world.exchange.log().contains("a call detail record waits"));
    assert!(world.exchange.list("sms").is_empty(), "the shopper is told of a missed call");

    for file in &files {
        gives(file, NOBODY);
    }
    let calls = world.rows("calls", 1, |call| !call["ended_at"].is_null());
    assert_row(&calls[0], &[("outcome", json!("answered"))]);
    world.rows("recordings", 1, |recording| recording["verdict"] == "ok");
    assert!(world.exchange.list("tickets").is_empty());
}

fn twice(world: &mut World) {
    let mut phone = world.callees(&Callees::new().rings(SHOPPER));
    // The exchange is killed while the shopper's phone rings: the record tells of the miss.
    let steps = Steps::new().listens_until_hangup(45_000);
    let mut dealer = world.call("dealer", &Caller::new(DEALER, FIRST).open(steps));
    wait_for(Duration::from_secs(10), "it rings", || phone.trace().answered_at(180));
    world.exchange.process().kill();
    dealer.finishes();
    phone.stops();
    let mut copies = Vec::new();
    wait_for(Duration::from_secs(10), "there is a record", || {
        (!records(world).is_empty()).then_some(())
    });
    thread::sleep(Duration::from_secs(1));
    for path in records(world) {
        copies.push((path.clone(), fs::read(path).unwrap()));
    }
    world.exchange.start();
    world.exchange.await_ready();
    let before = state(world);
    for (path, record) in &copies {
        fs::write(path, record).unwrap();
    }
    wait_for(Duration::from_secs(30), "the copies are taken in", || {
        records(world).is_empty().then_some(())
    });
    assert_eq!(state(world), before);
}

/// The one call, ticket and SMS.
fn state(world: &World) -> Vec<Vec<serde_json::Value>> {
    ["calls", "tickets", "sms"]
        .map(|noun| {
            let rows = world.rows(noun, 1, |row| row["ended_at"].is_string() || noun != "calls");
            if noun == "tickets" {
                assert_row(&rows[0], &[("missed", json!(1))]);
            }
            rows
        })
        .to_vec()
}
