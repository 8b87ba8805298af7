//! Rows that no program of ours writes, and that nothing else suffers from them.

use exchange::{
    cause::Failure,
    history::History,
    model::{Language, LegId},
    number::PhoneNumber,
    settle::settle,
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::fixture::{
    LEASE, TIMING, TTL, World, after, dealer, eva, f1, f2, fail, id, morning, new_shopper, phone,
    talk, text_of,
};
use crate::{
    DamagedRow, End, Filter, ImportError, ImportProblem, ImportRow, Limits, Store, StoreError,
    Throttle, audit,
};

/// What a program of ours once took for a number.
const POISON: &str = "+4930909018201820";

async fn damaged(world: &World) -> Vec<DamagedRow> {
    world.store.damaged_rows().await.unwrap()
}

async fn dial(world: &World, history: &History) {
    let leg = history.legs.last().unwrap();
    let limits = Limits { calls_per_day: Some(99), minutes_per_day: Some(99), ..Limits::default() };
    let day = morning() - SignedDuration::from_hours(9);
    world.store.begin_leg(history, leg, &limits, leg.started_at, day).await.unwrap().unwrap();
}

pub(super) async fn rows_are_named_without_personal_data(world: World) {
    let world = world.with_eva().await;
    assert_eq!(damaged(&world).await, []);
    let shopper = world.store.shoppers().await.unwrap()[0].id;
    world.sql("UPDATE shoppers SET phone = '601 123 456'").await;
    world.damage(format!("UPDATE pairings SET fictitious_number = '{POISON}'")).await;
    world.damage(format!("UPDATE numbers SET number = '{POISON}'")).await;
    assert_eq!(world.store.shoppers().await.unwrap(), []);
    let found = damaged(&world).await;
    let phone = DamagedRow { table: "shoppers", id: shopper.to_string(), column: "phone" };
    assert!(found.contains(&phone), "{found:?}");
    let told = format!("{found:?}{:?}", world.store.damage());
    assert!(!told.contains("601 123") && !told.contains(POISON), "{told}");
}

pub(super) async fn a_shopper_s_damaged_pairing_leaves_the_others_usable(world: World) {
    let world = world.with_eva().await;
    world.pair(eva(), f2()).await;
    let facts = async || world.store.shopper_facts(&eva(), morning(), TTL).await.unwrap().unwrap();
    assert!(facts().await.pairings.len() == 2 && !facts().await.unread_pairings);
    let damage = format!("UPDATE pairings SET valid_from = {} WHERE number = 1", i64::MIN);
    assert!(world.damage(damage).await);
    let left = facts().await;
    let ids: Vec<_> = left.pairings.iter().map(|pairing| pairing.number).collect();
    // Nobody is connected under the only one left without being asked.
    assert_eq!((ids, left.unread_pairings), (vec![id(2)], true));
    assert!(world.store.assignment(&f1(), morning(), morning()).await.unwrap().is_none());
    let other = world.store.assignment(&f2(), morning(), morning()).await.unwrap().unwrap();
    assert_eq!(other.shopper.phone, eva());
    let listed = world.store.pairings(&Filter::default(), false).await.unwrap();
    assert_eq!(listed.iter().map(|row| row.number).collect::<Vec<_>>(), [id(2)]);
    assert_eq!(world.store.damage()[0].column, "valid_from");
}

pub(super) async fn a_damaged_open_ticket_makes_way_for_another(world: World) {
    let world = world.with_eva().await;
    world.miss(&dealer(1), morning()).await;
    world.miss(&dealer(2), after(10)).await;
    world.damage("UPDATE tickets SET missed = 9223372036854775807 WHERE number = 1".into()).await;
    let facts = world.store.shopper_facts(&eva(), after(20), TTL).await.unwrap().unwrap();
    assert_eq!(facts.tickets.len(), 2, "how often they called is of no use there");
    assert_eq!(world.tickets().await, [(2, "open", 1)]);
    world.miss(&dealer(1), after(25)).await;
    assert_eq!(world.tickets().await, [(1, "open", 1), (2, "open", 1)], "counted anew");

    if !world.damage("UPDATE tickets SET number = 150 WHERE number = 1".into()).await {
        return; // PostgreSQL checks it.
    }
    // The same dealer again.
    let settled = world.miss(&dealer(1), after(30)).await;
    assert_eq!(settled.ticket.map(exchange::ticket::TicketNumber::value), Some(3));
    assert_eq!(world.tickets().await, [(2, "open", 1), (3, "open", 1)]);

    world.damage(format!("UPDATE tickets SET dealer = '{POISON}' WHERE number = 2")).await;
    let facts = world.store.shopper_facts(&eva(), after(40), TTL).await.unwrap().unwrap();
    assert_eq!((facts.tickets.len(), facts.unread_tickets), (1, true));
    assert_eq!(facts.tickets[0].dealer, dealer(1));
    assert_eq!(world.tickets().await, [(3, "open", 1)]);
}

pub(super) async fn a_damaged_message_holds_up_no_other(world: World) {
    let world = world.with_eva().await;
    world.miss(&dealer(1), morning()).await;
    world.miss(&dealer(2), after(1)).await;
    world.crowd(1).await;
    // The oldest of Eva's: her others go out after it.
    world
        .damage(
            "UPDATE sms SET segments = 99999999999 WHERE text LIKE 'ticket 1 x1 09:00:00%' \
        AND shopper_id IN (SELECT id FROM shoppers WHERE phone = '+420601123456')"
                .into(),
        )
        .await;
    world
        .damage("UPDATE sms SET not_before = 253402207201000 WHERE segments = 99999999999".into())
        .await;
    world.store.sweep(after(60), TTL).await.unwrap();
    let leased = world.lease(after(90), 10).await;
    let texts: Vec<_> = leased.iter().map(|sms| sms.text.as_str()).collect();
    assert_eq!(texts, ["ticket 1 x1 09:00:00", "ticket 2 x1 09:00:01"], "of one each");
    // One that turns out damaged in the moment of taking.
    let url = world.url.clone();
    let world = World { store: Store::open(&url).await.unwrap(), url };
    world.damage(format!("UPDATE shoppers SET phone = '{POISON}' WHERE phone = '{}'", eva())).await;
    assert_eq!(world.lease(after(300), 10).await.len(), 1);
    assert!(world.lease(after(301), 10).await.is_empty(), "it is given up");
}

pub(super) async fn an_open_call_is_completed_whatever_else_is_damaged(world: World) {
    let world = world.with_eva().await;
    let back = world.callback(&f1(), Some(dealer(1)), morning()).await;
    dial(&world, &back).await;
    for (table, column) in [
        ("calls", "caller"),
        ("calls", "dealer"),
        ("legs", "dealer"),
        ("legs", "dialled"),
        ("legs", "shown"),
        ("calls", "refusal"),
        ("calls", "fictitious_number"),
    ] {
        assert!(world.damage(format!("UPDATE {table} SET {column} = '{POISON}'")).await);
    }
    world.damage("UPDATE shoppers SET language = 'xx', last_ticket = 700".into()).await;
    let other = world.outbound(dealer(2), None, after(5)).await;
    dial(&world, &other).await;
    let open = world.store.open_calls().await.unwrap();
    let ids: Vec<_> = open.iter().map(|call| call.history.id).collect();
    assert_eq!(ids, [back.id, other.id]);
    let mut history = open[0].history.clone();
    assert_eq!((history.called_number.clone(), history.shopper), (Some(f1()), back.shopper));
    fail(&mut history, after(20), Failure::NoAnswer);
    world.end(&history, after(20)).await;
    // As if the dealer had withheld the number that nobody can read.
    assert_eq!(world.sms().await, [("withheld".to_owned(), "queued")]);
    let mut history = open[1].history.clone();
    talk(&mut history, after(10), after(30));
    world.end(&history, after(30)).await;
    assert!(world.store.open_calls().await.unwrap().is_empty());
}

pub(super) async fn a_call_whose_last_leg_is_damaged_is_not_guessed_at(world: World) {
    let world = world.with_eva().await;
    let talked = world.callback(&f1(), Some(dealer(1)), morning()).await;
    dial(&world, &talked).await;
    world.damage("UPDATE legs SET answered_at = 253402207201000".into()).await;
    let other = world.callback(&f1(), Some(dealer(2)), after(5)).await;
    dial(&world, &other).await;
    let open = world.store.open_calls().await.unwrap();
    let ids: Vec<_> = open.iter().map(|call| call.history.id).collect();
    assert_eq!(ids, [other.id], "the first would come out as missed");
    assert_eq!(world.store.is_known(talked.id).await.unwrap(), crate::Known::Open);
    // An earlier leg of the same call does not matter.
    let mut again = world.outbound(dealer(3), None, after(10)).await;
    dial(&world, &again).await;
    world
        .damage(
            "UPDATE legs SET talk_ms = 0, ended_at = 253402207201000, outcome = 'busy' \
        WHERE direction = 'out'"
                .into(),
        )
        .await;
    fail(&mut again, after(12), Failure::Busy);
    let second = world.outbound(dealer(4), None, after(15)).await;
    again.legs = second.legs;
    dial(&world, &again).await;
    let open = world.store.open_calls().await.unwrap();
    let again = open.iter().find(|call| call.history.id == again.id).unwrap();
    assert_eq!(again.history.legs.len(), 1);
}

fn line(line: u64, shopper: PhoneNumber, number: PhoneNumber) -> ImportRow {
    ImportRow {
        line,
        shopper_phone: shopper,
        shopper_name: Some("Jan".to_owned()),
        language: None,
        fictitious_number: number,
        number: None,
        project: None,
        valid_from: None,
        valid_to: None,
    }
}

async fn import(world: &World, rows: &[ImportRow]) -> Result<usize, ImportError> {
    let done = world.store.import(rows, Language::Czech, morning(), false, &mut |_| {}).await;
    done.map(|report| report.pairings_created)
}

pub(super) async fn a_damaged_row_keeps_no_other_line_from_being_imported(world: World) {
    let world = world.with_eva().await;
    let jan = phone("+420602222333");
    let ilja = phone("+420602222444");
    world.store.add_shopper(&new_shopper(jan.clone()), morning()).await.unwrap();
    world.damage(format!("UPDATE pairings SET created_at = 0, valid_to = {}", i64::MAX)).await;
    world.damage("UPDATE shoppers SET language = 'xx' WHERE phone = '+420602222333'".into()).await;
    let rows = [line(2, ilja.clone(), f2()), line(3, ilja, phone("+420777000113"))];
    assert_eq!(import(&world, &rows).await, Ok(2));
    // Each line about a damaged row is named.
    let rows = [line(2, eva(), f1()), line(3, eva(), phone("+420777000114"))];
    let refused = import(&world, &rows).await.unwrap_err();
    let about = |number| ImportProblem::Damaged { number };
    assert_eq!(refused, ImportError::Lines(vec![(2, about(f1()))]));
    // Its ID is taken all the same.
    assert_eq!(import(&world, &rows[1..]).await, Ok(1));
    let listed = world.store.pairings(&Filter::default(), false).await.unwrap();
    let evas = listed.iter().find(|row| row.shopper == eva()).unwrap();
    assert_eq!(evas.number, id(2));
    if world.store.is_shared() {
        return; // PostgreSQL checks languages.
    }
    let refused = import(&world, &[line(2, jan.clone(), phone("+420777000115"))]).await;
    assert_eq!(refused.unwrap_err(), ImportError::Lines(vec![(2, about(jan))]));
}

/// Shoppers whose rows are damaged, each in another way.
const VICTIMS: u32 = 8;

fn victim(number: u32) -> PhoneNumber {
    phone(&format!("+420602000{number:03}"))
}

fn theirs(number: u32) -> PhoneNumber {
    phone(&format!("+420778000{number:03}"))
}

/// Values that a column may turn out to hold. SQLite knows no types; PostgreSQL refuses most.
const JUNK: [&str; VICTIMS as usize] = [
    "NULL",
    "X'ff00fe'",
    "CAST(X'c328' AS TEXT)",
    "'junk'",
    "''",
    "-9223372036854775808",
    "9223372036854775807",
    "1.5e300",
];

/// A call back that is missed, a talk whose recording is unproven, and a call that goes on.
async fn calls_of(
    world: &World,
    shopper: &PhoneNumber,
    number: &PhoneNumber,
    dealer: &PhoneNumber,
) {
    let mut missed = world.callback(number, Some(dealer.clone()), morning()).await;
    missed.caller = Some(dealer.clone());
    fail(&mut missed, after(5), Failure::NoAnswer);
    world.end(&missed, after(5)).await;
    // To another dealer, or the ticket would close.
    let other = phone("+420222333444");
    let call = async |at: Timestamp| {
        let mut call = world.callback(number, Some(other.clone()), at).await;
        call.service = exchange::model::Service::OutboundHotline;
        call.legs[0].dial.direction = exchange::call::Direction::Out;
        call.legs[0].dial.to = other.clone();
        call.caller = Some(shopper.clone());
        dial(world, &call).await;
        call
    };
    let mut talked = call(after(10)).await;
    talk(&mut talked, after(12), after(20));
    world.end(&talked, after(20)).await;
    call(after(30)).await;
}

async fn crowd(world: World) -> World {
    let world = world.with_eva().await;
    calls_of(&world, &eva(), &f1(), &dealer(500)).await;
    for number in 0..VICTIMS {
        world.store.add_shopper(&new_shopper(victim(number)), morning()).await.unwrap();
        world.pair(victim(number), theirs(number)).await;
        calls_of(&world, &victim(number), &theirs(number), &dealer(number)).await;
    }
    world
}

/// The row of a table that is the victim's: its last.
fn row_of(table: &audit::Table, number: u32) -> String {
    let (phone, theirs) = (victim(number), theirs(number));
    let owner = format!("(SELECT id FROM shoppers WHERE phone = '{phone}')");
    match table.name {
        "shoppers" => format!("phone = '{phone}'"),
        "numbers" => format!("number = '{theirs}'"),
        "recordings" => format!("call_id IN (SELECT id FROM calls WHERE shopper_id = {owner})"),
        "calls" | "legs" => format!("shopper_id = {owner} AND ended_at IS NULL"),
        _ => format!("shopper_id = {owner}"),
    }
}

/// All that a running exchange and its operators do: for Eva all is as ever, and nothing fails
/// for anybody.
async fn goes_on(world: &World, told: &str) {
    let store = &world.store;
    let all = Filter::default();
    let calls = store.calls(&all).await.unwrap();
    let evas = |phone: &Option<PhoneNumber>| *phone == Some(eva());
    assert_eq!(calls.iter().filter(|call| evas(&call.shopper)).count(), 3, "{told}");
    let tickets = store.tickets(&all).await.unwrap();
    assert!(tickets.iter().any(|ticket| ticket.shopper == eva()), "{told}");
    assert!(store.sms(&all).await.unwrap().iter().any(|sms| sms.to == eva()), "{told}");
    assert!(store.shoppers().await.unwrap().iter().any(|row| row.phone == eva()), "{told}");
    assert!(store.numbers().await.unwrap().iter().any(|row| row.shopper == Some(eva())), "{told}");
    for ended in [false, true] {
        let pairings = store.pairings(&all, ended).await.unwrap();
        assert!(pairings.iter().any(|row| row.shopper == eva()), "{told}");
    }
    assert!(!store.recordings(&all).await.unwrap().is_empty(), "{told}");
    store.deleted_recordings(&all).await.unwrap();
    store.figures(after(99)).await.unwrap();
    store.settled_recordings(after(99_999)).await.unwrap();
    store.projects().await.unwrap();
    for number in 0..VICTIMS {
        store.shopper_facts(&victim(number), after(60), TTL).await.unwrap();
        store.assignment(&theirs(number), after(60), after(60)).await.unwrap();
        store.is_shopper(&victim(number)).await.unwrap();
    }
    let facts = store.shopper_facts(&eva(), after(60), TTL).await.unwrap().unwrap();
    assert_eq!((facts.pairings.len(), facts.tickets.len()), (1, 1), "{told}");
    store.phone_of(facts.shopper.id).await.unwrap().unwrap();
    let lock = SignedDuration::from_mins(5);
    assert!(!store.pin_tried(facts.shopper.id, false, after(60), lock).await.unwrap());

    let unproven = store.unproven_calls().await.unwrap();
    let evas = unproven.iter().any(|call| call.history.shopper == Some(facts.shopper.id));
    assert!(evas, "{told}: {unproven:?} {:?}", store.damage());
    // Every call that can be completed is, and misses are told.
    let open = store.open_calls().await.unwrap();
    let evas = open.iter().filter(|call| call.history.shopper == Some(facts.shopper.id));
    assert_eq!(evas.count(), 1, "{told}");
    for call in open {
        let mut history = call.history;
        // A leg whose call cannot be told is nobody's.
        if !history.legs.is_empty() {
            talk(&mut history, after(31), after(40));
        }
        let end = End { at: after(40), now: after(40), hangup_cause: Some("NORMAL_CLEARING") };
        let settled = store.settle(&history, &settle(&history), end, &text_of, TIMING).await;
        assert!(settled.is_ok(), "{told}: {settled:?}");
    }
    for number in 0..VICTIMS {
        let Ok(Some(found)) = store.assignment(&theirs(number), after(60), after(60)).await else {
            continue;
        };
        // The same dealer is missed again.
        let mut missed = world.callback(&f1(), Some(dealer(number)), after(61)).await;
        missed.shopper = Some(found.shopper.id);
        missed.legs[0].dial.pairing = found.pairing;
        let leg = LegId(Uuid::new_v4());
        missed.legs[0].id = leg;
        dial(world, &missed).await;
        fail(&mut missed, after(62), Failure::Busy);
        let end = End { at: after(62), now: after(62), hangup_cause: None };
        let settled = store.settle(&missed, &settle(&missed), end, &text_of, TIMING).await;
        assert!(settled.is_ok(), "{told}: {settled:?}");
    }
    store.sweep(after(90), TTL).await.unwrap();
    let leased = store.lease_sms(after(200), LEASE, 99, Throttle::NONE).await.unwrap();
    assert!(leased.sms.iter().any(|sms| sms.to == eva()), "{told}");
    store.sms_reported("somebody's", crate::Delivery::Failed("gone"), after(200)).await.unwrap();
    let reset = store.retry_failed_sms(morning(), after(201), TTL).await;
    assert!(reset.is_ok(), "{told}: {reset:?}");
    let row = line(2, phone("+420603999999"), phone("+420779999999"));
    let imported = import(world, &[row]).await;
    assert!(imported == Ok(1) || imported == Ok(0), "{told}: {imported:?}");
    store.ping().await.unwrap();
}

pub(super) async fn whatever_column_is_damaged_the_rest_goes_on(world: World) {
    let world = crowd(world).await;
    assert_eq!(damaged(&world).await, []);
    if world.store.is_shared() {
        // Values of the right type alone; in one database.
        for table in audit::ALL {
            for (column, _) in table.columns {
                for (number, junk) in (0..).zip(JUNK) {
                    let row = row_of(table, number);
                    let sql = format!("UPDATE {} SET {column} = {junk} WHERE {row}", table.name);
                    world.damage(sql).await;
                }
            }
        }
        assert!(!damaged(&world).await.is_empty());
        goes_on(&world, "postgres").await;
        return;
    }
    let World { store, url } = world;
    store.close().await;
    let file = url.trim_start_matches("sqlite://").to_owned();
    let sound = std::fs::read(&file).unwrap();
    let mut tried = 0;
    for table in audit::ALL {
        for (column, _) in table.columns {
            for rest in ["-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{file}{rest}"));
            }
            std::fs::write(&file, &sound).unwrap();
            let world = World { store: Store::open(&url).await.unwrap(), url: url.clone() };
            let mut surely = 0;
            for (number, junk) in (0..).zip(JUNK) {
                let row = row_of(table, number);
                let sql = format!("UPDATE {} SET {column} = {junk} WHERE {row}", table.name);
                // Neither is ever what it should be.
                surely += usize::from(world.damage(sql).await && junk.contains("X'"));
                tried += 1;
            }
            let told = format!("{}.{column}", table.name);
            let found = damaged(&world).await;
            let named = found.iter().filter(|row| row.table == table.name).count();
            assert!(named >= surely && surely > 0, "{told}: {found:?}");
            goes_on(&world, &told).await;
            world.store.close().await;
        }
    }
    assert!(tried > 800, "{tried}");
}

#[test]
fn a_number_as_a_key_is_told_by_its_ends_alone() {
    assert_eq!(crate::damage::told("+420777000111"), "+420…111");
    assert_eq!(crate::damage::told("601123456"), "…");
    let id = Uuid::from_u128(7).to_string();
    assert_eq!(crate::damage::told(&id), id);
    let error = StoreError::Damaged { table: "shoppers", id, column: "pin" }.to_string();
    assert!(error.contains("table shoppers") && error.contains("column pin"), "{error}");
}
