//! Which numbers may be called, and how they may be keyed.

use serde_json::json;

use super::{A_MOMENT, assert_row, keys_and_talks, shopper_calls_out, talks_and_hangs_up};
use crate::{
    Scenario,
    phone::{Callees, SHOPPER_HZ, Steps},
    world::{DEALER, Setup, World},
};

pub(crate) fn all() -> Vec<Scenario> {
    let many_calls = || Setup { rtp_ports: 100, ..Setup::default() };
    vec![
        Scenario::with("emergency_premium_and_own_numbers_are_refused", many_calls(), refused),
        Scenario::new("odd_entries_are_refused", odd_entries),
        Scenario::with("a_number_may_be_keyed_in_many_ways", many_calls(), many_ways),
    ]
}

fn refused(world: &mut World) {
    let nobody = world.callees(&Callees::new());
    let first = Steps::new().waits(A_MOMENT).keys("112#").waits(8500).keys("900123456#");
    let first = first.waits(7000).keys("234234399#").listens_until_hangup(12_000);
    let second = Steps::new().waits(A_MOMENT).keys("601123456#").waits(4000).keys("777000111#");
    let second = second.waits(5000).keys("0049301234567#").listens_until_hangup(12_000);
    let mut first = world.call("first", &shopper_calls_out(first));
    let mut second = world.call("second", &shopper_calls_out(second));
    let ask = "enter-destination";
    for (shopper, [one, two, three]) in [
        (&mut first, ["emergency-number", "premium-number", "own-exchange-number"]),
        (&mut second, ["own-phone-number", "own-exchange-number", "international-number"]),
    ] {
        shopper.finishes();
        let told = [ask, one, ask, two, ask, three, "too-many-attempts"];
        assert_eq!(shopper.heard(World::phrases()), told);
    }
    let steps = Steps::new().waits(A_MOMENT).keys("00420112#").waits(6000).hangs_up();
    let mut third = world.call("third", &shopper_calls_out(steps));
    third.finishes();
    assert_eq!(third.heard(World::phrases())[..2], [ask, "emergency-number"]);
    assert!(nobody.stops().invites().is_empty(), "nobody may be rung");
    for call in world.ended_calls(3) {
        assert_row(&call, &[("outcome", json!("refused"))]);
    }
}

fn odd_entries(world: &mut World) {
    let dealer = world.callees(&Callees::new().answers(DEALER, talks_and_hangs_up()));
    // Garbage is asked again; `*` starts the entry again.
    let steps = Steps::new().waits(A_MOMENT).keys("12345678901234#").waits(4500);
    let steps = steps.keys("#").waits(3500).keys("99*").waits(A_MOMENT).keys("234567890#");
    let steps = steps.sings_until_hangup(SHOPPER_HZ, 9000);
    let mut shopper = world.call("shopper", &shopper_calls_out(steps));
    shopper.finishes();
    let ask = "enter-destination";
    assert_eq!(
        shopper.heard(World::phrases()),
        [ask, "invalid-number", ask, "nothing-entered", ask, ask]
    );
    dealer.stops();
    assert_row(&world.only_call(), &[("outcome", json!("answered")), ("dealer", json!(DEALER))]);
}

fn many_ways(world: &mut World) {
    let dealer = world.callees(&Callees::new().answers(DEALER, talks_and_hangs_up()));
    // The first without `#`: a pause ends it.
    let mut shoppers: Vec<_> = ["234567890", "00420234567890#", "420234567890#", "234567890#"]
        .iter()
        .map(|keys| {
            world.call(keys.trim_end_matches('#'), &shopper_calls_out(keys_and_talks(keys)))
        })
        .collect();
    for shopper in &mut shoppers {
        shopper.finishes();
        assert_eq!(shopper.heard(World::phrases()), ["enter-destination"]);
    }
    assert_eq!(dealer.stops().invites().len(), 4);
    for call in world.ended_calls(4) {
        assert_row(&call, &[("dealer", json!(DEALER)), ("outcome", json!("answered"))]);
    }
}
