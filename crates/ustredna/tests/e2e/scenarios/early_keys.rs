//! Keys from before the answer, at any pace and in any number, are keys for nobody.

use super::keys::{IN, OUT, WAIT, begins, dials, hears};
use crate::{
    Scenario,
    language::{CALLBACK, DEALER, FIRST, OUTBOUND, SHOPPER},
    phone::raw::{Call, pause},
    process::now,
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("keys_pass_at_once_when_nobody_keyed_before", at_once),
        Scenario::new("a_key_held_over_the_answer_never_passes", held),
        Scenario::new("series_of_keys_before_the_answer_never_pass_in_calls_out", calls_out),
        Scenario::new("series_of_keys_before_the_answer_never_pass_to_the_others", calls_back),
        Scenario::new("series_of_keys_before_the_answer_never_pass_without_the_exchange", dies),
        Scenario::new("keys_typed_ahead_in_one_burst_never_pass", in_one_burst),
        Scenario::new("keys_before_a_failure_are_no_destination", fails),
        Scenario::new("keys_typed_ahead_behind_a_wrong_entry_are_no_entry", wrong),
    ]
}

/// A key, pressed by each side while the other listens.
fn passes_at_once(call: &Call<'_>, called: &Call<'_>) {
    let pressed = now();
    call.line.keys("1");
    called.line.keys("2");
    pause(900);
    for (side, ear, key) in
        [("called one", called.line.ear(), '1'), ("caller", call.line.ear(), '2')]
    {
        let keys = ear.events(None);
        let (at, _) = keys
            .iter()
            .find(|(at, got)| *at >= pressed && *got == key)
            .unwrap_or_else(|| panic!("the {side} never got `{key}`, but {:?}", ear.keys(None)));
        let ms = at.duration_since(pressed).as_millis();
        assert!(ms <= 500, "the {side} got `{key}` after {ms} ms");
    }
}

fn at_once(world: &mut World) {
    let (shopper, carrier) = (world.raw_phone(1), world.raw_callee());
    for begin in [OUT, IN] {
        let mut call = begins(world, &shopper, begin);
        let mut called = carrier.is_called(carrier.line(world.ports()));
        called.line.sings(650);
        called.progresses();
        pause(2500);
        called.answers();
        call.gets(200);
        pause(300);
        passes_at_once(&call, &called);
        // Held for long it passes once, and at once.
        let pressed = now();
        call.line.holds("7", 2000);
        pause(2500);
        let keys = called.line.ear().events(None);
        assert_eq!(called.line.ear().keys(None), "17");
        assert!(keys[1].0.duration_since(pressed).as_millis() < 500);
        called.hangs_up();
        call.ends();
    }
}

/// From the ringing to the hang-up. Each side keys at a human pace, then in one burst, and holds a
/// last key over the answer.
fn keys_and_talks(call: &mut Call<'_>, mut called: Call<'_>) {
    called.line.sings(650);
    called.progresses();
    call.line.keys(&"3".repeat(20));
    called.line.keys(&"4".repeat(20));
    pause(3800);
    call.line.bursts(&"5".repeat(40));
    called.line.bursts(&"6".repeat(40));
    call.line.holds("7", 1500);
    called.line.holds("8", 1500);
    pause(300);
    called.answers();
    call.gets(200);
    pause(WAIT);
    passes_at_once(call, &called);
    assert_eq!(called.line.ear().keys(None), "1", "of the caller's keys");
    assert_eq!(call.line.ear().keys(None), "2", "of the called one's keys");
    called.hangs_up();
    call.ends();
}

/// Nothing else was keyed that would hold up the keys of the first seconds.
fn held(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    for begin in [OUT, IN] {
        let mut call = begins(world, &phone, begin);
        let mut called = carrier.is_called(carrier.line(world.ports()));
        called.progresses();
        pause(2000);
        call.line.holds("7", 2500);
        called.line.holds("8", 2500);
        pause(500);
        called.answers();
        call.gets(200);
        pause(WAIT);
        passes_at_once(&call, &called);
        assert_eq!(called.line.ear().keys(None), "1", "of the caller's keys");
        assert_eq!(call.line.ear().keys(None), "2", "of the called one's keys");
        called.hangs_up();
        call.ends();
    }
}

fn calls_out(world: &mut World) {
    let (shopper, dealer) = (world.raw_phone(1), world.raw_callee());
    let mut call = begins(world, &shopper, OUT);
    let called = dealer.is_called(dealer.line(world.ports()));
    keys_and_talks(&mut call, called);
}

fn calls_back(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let mut miss = dials(world, &phone, DEALER, FIRST);
    carrier.is_called(carrier.line(world.ports())).says(486);
    miss.gets(486);
    world.rows("tickets", 1, |ticket| ticket["status"] == "open");
    let mut call = dials(world, &phone, SHOPPER, CALLBACK);
    call.gets(200);
    let called = carrier.is_called(carrier.line(world.ports()));
    keys_and_talks(&mut call, called);
    let mut call = dials(world, &phone, DEALER, FIRST);
    let called = carrier.is_called(carrier.line(world.ports()));
    keys_and_talks(&mut call, called);
}

fn dies(world: &mut World) {
    let (shopper, dealer) = (world.raw_phone(1), world.raw_callee());
    let mut call = begins(world, &shopper, OUT);
    let called = dealer.is_called(dealer.line(world.ports()));
    called.says(180);
    world.exchange.process().kill();
    keys_and_talks(&mut call, called);
}

fn in_one_burst(world: &mut World) {
    let (shopper, dealer) = (world.raw_phone(1), world.raw_callee());
    let call = hears(world, &shopper, OUTBOUND);
    call.line.bursts(&format!("234567890#{}", "9".repeat(60)));
    let mut called = dealer.is_called(dealer.line(world.ports()));
    called.answers();
    pause(WAIT);
    passes_at_once(&call, &called);
    assert_eq!(called.line.ear().keys(None), "1");
    called.hangs_up();
    call.ends();
}

fn fails(world: &mut World) {
    let (shopper, dealer) = (world.raw_phone(1), world.raw_callee());
    let mut call = begins(world, &shopper, OUT);
    let called = dealer.is_called(dealer.line(world.ports()));
    called.says(180);
    pause(1000);
    call.line.bursts(&"222333444#".repeat(8));
    call.line.holds("9", 1500);
    pause(100);
    called.says(486);
    pause(6000);
    assert_eq!(dealer.trace().invites().len(), 1, "another one was called");
    assert!(!world.exchange.log().contains("\"refused\""), "the keys were taken for a number");
    // Over the prompt that asks for the next.
    call.line.keys("234567890#");
    let mut called = dealer.is_called(dealer.line(world.ports()));
    called.answers();
    call.gets(200);
    called.hangs_up();
    call.ends();
}

fn wrong(world: &mut World) {
    let shopper = world.raw_phone(1);
    let mut call = hears(world, &shopper, OUTBOUND);
    // An emergency number; what follows was meant for somebody who was never called.
    call.line.bursts("112#1234#5678#");
    pause(4000);
    let refused = world.exchange.log().matches("\"refused\"").count();
    assert_eq!(refused, 1, "what was typed ahead used up tries");
    assert!(!call.is_over());
    call.hangs_up();
}
