//! Somebody puts the other side on hold for longer than a recording may stand still.

use super::told_of_break;
use crate::{
    Scenario,
    language::{DEALER, DEALER_HZ, OUTBOUND, SHOPPER, SHOPPER_HZ},
    phone::{Callees, Caller, Phone, Reaction, Steps},
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("a_dealer_s_hold_music_is_heard_and_recorded", dealer_holds),
        Scenario::new("a_shopper_who_puts_on_hold_plays_nothing_to_the_dealer", shopper_holds),
    ]
}

const HOLD: u32 = 15_000;
/// The tone that stands for music.
const MUSIC_HZ: u32 = 650;

fn talk(world: &mut World, shopper: Steps, dealer: Steps) -> (Phone, Phone) {
    let reaction = Reaction::Answers { rings_ms: 300, then: dealer };
    let mut dealer = world.callees(&Callees::new().with(DEALER, reaction));
    let keyed = Steps::new().hears("enter-destination").keys("234567890#");
    let steps = keyed.then(shopper);
    let mut shopper = world.call("shopper", &Caller::new(SHOPPER, OUTBOUND).open(steps));
    shopper.finishes();
    dealer.stops();
    assert_eq!(told_of_break(world), None);
    let recordings = world.rows("recordings", 1, |recording| recording["verdict"] == "ok");
    let seconds = recordings[0]["seconds"].as_f64().unwrap();
    assert!(seconds > f64::from(HOLD) / 1000.0 + 2.0, "{seconds} s: the hold is part of the talk");
    (shopper, dealer)
}

fn dealer_holds(world: &mut World) {
    let dealer = Steps::new().sings(DEALER_HZ, 2000).holds(Some(MUSIC_HZ), HOLD);
    let dealer = dealer.sings(DEALER_HZ, 2000).hangs_up();
    let shopper = Steps::new().sings_until_hangup(SHOPPER_HZ, 40_000);
    let (shopper, _) = talk(world, shopper, dealer);
    let sung = shopper.ear().seconds_of(DEALER_HZ, shopper.started());
    assert!((3.0..4.5).contains(&sung), "{sung} s");
    // What call centres play to those who wait is part of what shoppers look at.
    let music = shopper.ear().seconds_of(MUSIC_HZ, shopper.started());
    assert!((f64::from(HOLD) / 1000.0 - music).abs() < 1.0, "{music} s");
}

fn shopper_holds(world: &mut World) {
    let shopper =
        Steps::new().sings(SHOPPER_HZ, 2000).holds(None, HOLD).sings(SHOPPER_HZ, 2000).hangs_up();
    let dealer = Steps::new().sings_until_hangup(DEALER_HZ, 40_000);
    let (_, dealer) = talk(world, shopper, dealer);
    let sung = dealer.ear().seconds_of(SHOPPER_HZ, dealer.started());
    assert!((3.0..4.5).contains(&sung), "{sung} s");
    let else_heard = dealer.ear().seconds_of_sound(dealer.started()) - sung;
    assert!(else_heard < 0.2, "the dealer heard something else for {else_heard} s");
}
