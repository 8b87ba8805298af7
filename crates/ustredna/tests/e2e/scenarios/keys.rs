//! Keys and sound pass between the two while they talk, and at no other time.

use std::time::{Duration, Instant};

use super::A_MOMENT;
use crate::{
    Scenario,
    language::{CALLBACK, DEALER, DEALER_HZ, FIRST, OUTBOUND, SHOPPER, SHOPPER_HZ},
    phone::raw::{Call, Invite, RawPhone, pause},
    process::now,
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("only_the_talk_passes_from_a_shopper_who_calls_out", calls_out),
        Scenario::new("only_the_talk_passes_in_calls_to_the_others", calls_back),
        Scenario::new("keys_pass_when_the_exchange_died_while_it_rang", dies),
    ]
}

/// So long after the answer keys pass in any case.
pub(super) const WAIT: u32 = 4000;

/// In the talk the caller, whoever it is, sings in this tone, and who is called in that.
const CALLER_HZ: u32 = SHOPPER_HZ;
const CALLED_HZ: u32 = DEALER_HZ;
/// Before the talk and after it both sing in this one.
const VAIN_HZ: u32 = 650;

pub(super) fn dials<'a>(world: &World, phone: &'a RawPhone, from: &str, to: &str) -> Call<'a> {
    let call = phone.dials(&Invite::new(from, to), world.sip(), phone.line(world.ports()));
    call.line.sings(VAIN_HZ);
    call
}

/// A shopper's call to a hotline, whose greeting has begun: keys count.
pub(super) fn hears<'a>(world: &World, shopper: &'a RawPhone, hotline: &str) -> Call<'a> {
    let mut call = dials(world, shopper, SHOPPER, hotline);
    call.gets(200);
    pause(A_MOMENT);
    call
}

/// A call that rings the carrier's next phone: who calls where, and what they key there.
pub(super) type Begin = (&'static str, &'static str, &'static str);
pub(super) const OUT: Begin = (SHOPPER, OUTBOUND, "234567890#");
pub(super) const IN: Begin = (DEALER, FIRST, "");

pub(super) fn begins<'a>(world: &World, phone: &'a RawPhone, (from, to, keys): Begin) -> Call<'a> {
    if keys.is_empty() {
        return dials(world, phone, from, to);
    }
    let call = hears(world, phone, to);
    call.line.keys(keys);
    call
}

/// From the ringing to the hang-up. Before and after the talk both make themselves heard as well,
/// in vain.
fn rings_and_talks(call: &mut Call<'_>, mut called: Call<'_>, begin: Instant) {
    called.line.sings(VAIN_HZ);
    called.says(180);
    pause(300);
    call.line.keys("56#");
    // Early media, from which keys come as well.
    called.progresses();
    called.line.keys("78");
    pause(1500);
    assert_nothing_heard(&called, begin);
    // Within one packet of the answer.
    call.line.sings(CALLER_HZ);
    called.line.sings(CALLED_HZ);
    let answered = now();
    called.answers();
    call.gets(200);
    // Keys of just before the answer hold up those of the first seconds.
    pause(WAIT);
    call.line.keys("90*");
    called.line.keys("12#");
    pause(1500);
    let (here, there) = (call.line.ear(), called.line.ear());
    assert_eq!(there.keys(None), "90*", "of the caller's keys, those of the talk");
    assert_eq!(here.keys(None), "12#", "of the called one's keys, those of the talk");
    assert!(there.seconds_of(CALLER_HZ, answered) > 1.0, "the caller is heard");
    assert!(here.seconds_of(CALLED_HZ, answered) > 1.0, "the called one is heard");
    called.hangs_up();
    let end = now();
    call.line.sings(VAIN_HZ);
    call.line.keys("3");
    call.ends();
    pause(300);
    for (side, ear) in [("caller", call.line.ear()), ("called one", called.line.ear())] {
        let seconds = ear.seconds_of(VAIN_HZ, begin);
        assert!(seconds < 0.01, "the {side} heard the other for {seconds} s before the talk");
    }
    assert_eq!(called.line.ear().packets(end + Duration::from_millis(60)), 0, "after the end");
    assert_eq!(called.line.ear().keys(None), "90*");
}

fn assert_nothing_heard(called: &Call<'_>, begin: Instant) {
    assert_eq!(called.line.ear().packets(begin), 0, "sound before the answer");
    assert_eq!(called.line.ear().keys(None), "", "keys before the answer");
}

fn calls_out(world: &mut World) {
    let begin = now();
    let (shopper, dealer) = (world.raw_phone(1), world.raw_callee());
    let mut call = begins(world, &shopper, OUT);
    let busy = dealer.is_called(dealer.line(world.ports()));
    busy.says(180);
    // Keys for who turns out to be busy are no next destination.
    call.line.keys("222333444#");
    pause(2200);
    busy.says(486);
    assert_nothing_heard(&busy, begin);
    pause(A_MOMENT);
    // Typed ahead behind the destination.
    call.line.keys("234567890#1234#");
    let called = dealer.is_called(dealer.line(world.ports()));
    assert!(called.invite().first_line().contains(DEALER), "{}", called.invite().first_line());
    pause(1000);
    rings_and_talks(&mut call, called, begin);
    assert_eq!(dealer.trace().invites().len(), 2);
    assert!(!world.exchange.log().contains("\"refused\""), "the keys were taken for a number");
}

fn calls_back(world: &mut World) {
    let begin = now();
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    // A miss: a ticket, and "not available" in early media, while the dealer keys.
    let mut miss = dials(world, &phone, DEALER, FIRST);
    let busy = carrier.is_called(carrier.line(world.ports()));
    busy.says(180);
    busy.line.sings(VAIN_HZ);
    busy.progresses();
    busy.line.keys("78");
    pause(500);
    busy.says(486);
    miss.gets(183);
    miss.line.keys("1234#");
    miss.gets(486);
    assert_nothing_heard(&busy, begin);
    assert_eq!(miss.line.ear().keys(None), "");
    assert!(miss.line.ear().seconds_of(VAIN_HZ, begin) < 0.01, "heard of who was busy");
    world.rows("tickets", 1, |ticket| ticket["status"] == "open");
    // The callback hotline connects by itself; keys over its prompt are for nobody.
    let mut call = hears(world, &phone, CALLBACK);
    call.line.keys("1234#");
    let called = carrier.is_called(carrier.line(world.ports()));
    rings_and_talks(&mut call, called, begin);
    // And a dealer who calls.
    let mut call = dials(world, &phone, DEALER, FIRST);
    let called = carrier.is_called(carrier.line(world.ports()));
    rings_and_talks(&mut call, called, begin);
}

fn dies(world: &mut World) {
    let begin = now();
    let (shopper, dealer) = (world.raw_phone(1), world.raw_callee());
    let mut call = hears(world, &shopper, OUTBOUND);
    call.line.keys("234567890#1234#");
    let called = dealer.is_called(dealer.line(world.ports()));
    called.says(180);
    world.exchange.process().kill();
    pause(1000);
    rings_and_talks(&mut call, called, begin);
}
