//! The time of day is set by an hour: while a number is keyed, in a talk, while it rings, while the
//! exchange is dead. FreeSWITCH goes on in the old time.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{assert_row, survival::await_settled};
use crate::{
    Scenario,
    clock::Clock,
    exchange::Row,
    language::{DEALER, DEALER_HZ, FIRST, OTHER_DEALER, OUTBOUND, SHOPPER, SHOPPER_HZ, Setup},
    phone::{Callees, Caller, Phone, Reaction, Steps},
    process::wait_for,
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    let settings = vec![
        ("callbacks.ring_timeout", "5s"),
        ("callbacks.sms_delay", "1s"),
        ("sms.throttle.minute", "0"),
    ];
    let told = |name: &str, run: fn(&mut World)| {
        Scenario::with(name, Setup { settings: settings.clone(), ..Setup::default() }, run)
            .in_world(World::with_clock)
            .unless(Clock::missing())
    };
    vec![
        told("a_clock_set_back_in_a_talk", |world| in_a_talk(world, -HOUR)),
        told("a_clock_set_forward_in_a_talk", |world| in_a_talk(world, HOUR)),
        told("a_clock_set_back_while_a_number_is_keyed", while_keying),
        told("a_clock_set_back_while_it_rings", while_it_rings),
        told("a_clock_set_back_while_the_exchange_is_dead", while_dead),
    ]
}

const HOUR: i32 = 3600;
const PATIENCE: Duration = Duration::from_secs(20);

/// The shopper is about to key the dealer's number, who talks for four seconds.
fn call(world: &World) -> (Phone, Phone) {
    let then = Steps::new().sings(DEALER_HZ, 4000).hangs_up();
    let reaction = Reaction::Answers { rings_ms: 300, then };
    let dealer = world.callees(&Callees::new().with(DEALER, reaction));
    let steps = Steps::new().hears("enter-destination").keys("234567890#");
    let steps = steps.sings_until_hangup(SHOPPER_HZ, 20_000);
    let shopper = world.call("shopper", &Caller::new(SHOPPER, OUTBOUND).open(steps));
    (shopper, dealer)
}

/// The same; they have talked for a second.
fn talk(world: &World) -> (Phone, Phone) {
    let (shopper, dealer) = call(world);
    wait_for(PATIENCE, "they talk", || {
        (dealer.ear().seconds_of(SHOPPER_HZ, dealer.started()) > 1.0).then_some(())
    });
    (shopper, dealer)
}

/// A dealer calls back, and the shopper's phone rings.
fn callback(world: &World, dealer: &str) -> (Phone, Phone) {
    let phone = world.callees(&Callees::new().rings(SHOPPER));
    let steps = Steps::new().listens_until_hangup(45_000);
    let dealer = world.call("dealer", &Caller::new(dealer, FIRST).open(steps));
    wait_for(PATIENCE, "it rings", || phone.trace().answered_at(180));
    (dealer, phone)
}

fn finish((mut caller, mut rung): (Phone, Phone)) {
    caller.finishes();
    rung.stops();
}

/// So many talks were had, each is told in its order, and each is recorded.
fn assert_talks(world: &World, count: usize) {
    await_settled(world, count);
    let recordings = world.rows("recordings", count, |recording| recording["verdict"] == "ok");
    let mut paths: Vec<_> = recordings.iter().map(|recording| &recording["path"]).collect();
    paths.sort_by_key(|path| path.as_str());
    paths.dedup();
    assert_eq!(paths.len(), count, "none was overwritten");
    for call in world.rows("calls", count, |call| call["outcome"] == "answered") {
        let talked = call["talk_seconds"].as_f64().unwrap();
        assert!((3.0..6.0).contains(&talked), "{call:#}");
        let time = |row: &Row, key: &str| row[key].as_str().unwrap().parse::<Timestamp>().unwrap();
        let leg = &call["attempts"][0];
        let (began, ended) = (time(&call, "started_at"), time(&call, "ended_at"));
        let of_leg = ["started_at", "answered_at", "ended_at"].map(|key| time(leg, key));
        let times = [&[began][..], &of_leg, &[ended]].concat();
        assert!(times.is_sorted(), "{call:#}");
        assert!(ended.duration_since(began).as_secs() < 40, "{call:#}");
        assert_eq!(call["answered_at"], leg["answered_at"]);
    }
    let verified = world.exchange.run(&["recordings", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

fn in_a_talk(world: &mut World, by: i32) {
    let phones = talk(world);
    world.exchange.clock().set(by);
    finish(phones);
    assert_talks(world, 1);
    // The next ones begin in the new time, and FreeSWITCH tells them in the old one.
    finish(talk(world));
    assert_talks(world, 2);
    let phones = talk(world);
    world.exchange.process().kill();
    finish(phones);
    world.exchange.start();
    world.exchange.await_ready();
    assert_talks(world, 3);
}

fn while_keying(world: &mut World) {
    let phones = call(world);
    wait_for(PATIENCE, "the prompt", || phones.0.awaits().is_none().then_some(()));
    world.exchange.clock().set(-HOUR);
    finish(phones);
    assert_talks(world, 1);
}

/// These dealers, and no others, have one ticket each, and the shopper one SMS about each, which was
/// not an hour late.
fn assert_missed(world: &World, dealers: &[&str]) {
    await_settled(world, dealers.len());
    let tickets = world.rows("tickets", dealers.len(), |_| true);
    let sms = world.rows("sms", dealers.len(), |sms| sms["status"] == "sent");
    for dealer in dealers {
        let ticket = tickets.iter().find(|ticket| ticket["dealer"] == *dealer).expect("a ticket");
        assert_row(ticket, &[("missed", json!(1)), ("status", json!("open"))]);
        assert!(sms.iter().any(|sms| sms["text"].as_str().unwrap().contains(dealer)));
    }
}

fn while_it_rings(world: &mut World) {
    let phones = callback(world, DEALER);
    world.exchange.clock().set(-HOUR);
    finish(phones);
    assert_missed(world, &[DEALER]);
    // The exchange is not there when the next one is missed: the record tells, in the old time.
    let phones = callback(world, OTHER_DEALER);
    world.exchange.process().kill();
    finish(phones);
    world.exchange.start();
    world.exchange.await_ready();
    assert_missed(world, &[DEALER, OTHER_DEALER]);
}

fn while_dead(world: &mut World) {
    let phones = talk(world);
    world.exchange.process().kill();
    finish(phones);
    world.exchange.clock().set(-HOUR);
    world.exchange.start();
    world.exchange.await_ready();
    assert_talks(world, 1);
    let phones = callback(world, DEALER);
    world.exchange.process().kill();
    finish(phones);
    world.exchange.clock().set(-2 * HOUR);
    world.exchange.start();
    world.exchange.await_ready();
    assert_missed(world, &[DEALER]);
}
