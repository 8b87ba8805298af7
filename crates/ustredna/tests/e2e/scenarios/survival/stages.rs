//! Killed at each stage of a call.

use std::{thread, time::Duration};

use super::{
    Victim, await_settled,
    ledger::{Truth, assert_known},
};
use crate::{
    Scenario,
    database::Held,
    language::{DEALER, DEALER_HZ, FIRST, OUTBOUND, SHOPPER, SHOPPER_HZ, Setup},
    phone::{Callees, Caller, Phone, Reaction, Steps},
    process::wait_for,
    world::World,
};

/// When somebody is killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The caller hears what to key.
    Prompt,
    /// Half of it is keyed.
    Entry,
    /// The last key has just come.
    Dialling,
    Ringing,
    Talking,
    /// Both have just hung up.
    After,
    /// The exchange knows that both have hung up, and has not been able to write it yet.
    Unwritten,
}

use Stage::{After, Dialling, Entry, Prompt, Ringing, Talking, Unwritten};

const OUTBOUND_STAGES: [Stage; 7] = [Prompt, Entry, Dialling, Ringing, Talking, After, Unwritten];
const CALLBACK_STAGES: [Stage; 5] = [Dialling, Ringing, Talking, After, Unwritten];
const MISSED_STAGES: [Stage; 3] = [Ringing, After, Unwritten];

pub(super) fn all() -> Vec<Scenario> {
    let setup = || Setup {
        settings: vec![("callbacks.ring_timeout", "5s"), ("callbacks.sms_delay", "1s")],
        ..Setup::default()
    };
    let mut all = Vec::new();
    for victim in Victim::ALL {
        let named =
            |what: &str, stage: Stage| format!("killed_{victim:?}_{what}_{stage:?}").to_lowercase();
        for stage in OUTBOUND_STAGES {
            all.push(Scenario::with(named("outbound", stage), setup(), move |world| {
                outbound(world, stage, victim);
            }));
        }
        for stage in CALLBACK_STAGES {
            all.push(Scenario::with(named("callback", stage), setup(), move |world| {
                callback(world, stage, victim, true);
            }));
        }
        for stage in MISSED_STAGES {
            all.push(Scenario::with(named("missed_callback", stage), setup(), move |world| {
                callback(world, stage, victim, false);
            }));
        }
    }
    all
}

fn outbound(world: &mut World, stage: Stage, victim: Victim) {
    let talk = Steps::new().sings(DEALER_HZ, 4000).hangs_up();
    let dealer = Callees::new().with(DEALER, Reaction::Answers { rings_ms: 1500, then: talk });
    let mut rung = world.callees(&dealer);
    let steps = Steps::new().hears("enter-destination").keys("23456");
    let steps = if stage == Entry { steps.waits(1500) } else { steps };
    let steps = steps.keys("7890#").sings_until_hangup(SHOPPER_HZ, 20_000);
    let mut caller = world.call("shopper", &Caller::new(SHOPPER, OUTBOUND).open(steps));
    let mut held = None;
    match stage {
        Prompt => await_speech(&caller),
        Entry => await_keys(&caller, 5),
        Dialling => await_keys(&caller, 10),
        Ringing | Talking | After => await_talk(stage, &caller, &rung, SHOPPER_HZ),
        Unwritten => {
            await_talk(Talking, &caller, &rung, SHOPPER_HZ);
            held = Some(hold_the_end(world));
        }
    }
    strike(world, victim, &mut caller, &mut rung, held);
    await_settled(world, 1);
    let truth = Truth {
        talked: rung.ear().seconds_of(SHOPPER_HZ, rung.started()),
        is_callback: false,
        rang: false,
    };
    assert_one(world, &truth);
}

fn callback(world: &mut World, stage: Stage, victim: Victim, answers: bool) {
    let talk = Steps::new().sings(SHOPPER_HZ, 4000).hangs_up();
    let reaction =
        if answers { Reaction::Answers { rings_ms: 1500, then: talk } } else { Reaction::Rings };
    let mut rung = world.callees(&Callees::new().with(SHOPPER, reaction));
    let steps = Steps::new().sings_until_hangup(DEALER_HZ, 20_000);
    let mut caller = world.call("dealer", &Caller::new(DEALER, FIRST).open(steps));
    let mut held = None;
    match stage {
        Prompt | Entry => panic!("a dealer keys nothing"),
        Dialling => wait_for(PATIENCE, "the call arrives", || {
            caller.trace().messages().iter().find(|message| !message.sent).map(|_| ())
        }),
        Ringing | Talking => await_talk(stage, &caller, &rung, DEALER_HZ),
        After if answers => await_talk(stage, &caller, &rung, DEALER_HZ),
        After => wait_for(PATIENCE, "the call is over", || {
            caller.trace().messages().iter().any(|m| m.is_answer(480)).then_some(())
        }),
        Unwritten => {
            await_talk(if answers { Talking } else { Ringing }, &caller, &rung, DEALER_HZ);
            held = Some(hold_the_end(world));
        }
    }
    let alerted = rung.trace().answered_at(180).is_some();
    strike(world, victim, &mut caller, &mut rung, held);
    await_settled(world, usize::from(alerted));
    let truth = Truth {
        talked: rung.ear().seconds_of(DEALER_HZ, rung.started()),
        is_callback: true,
        rang: alerted,
    };
    assert_one(world, &truth);
}

const PATIENCE: Duration = Duration::from_secs(20);

fn await_speech(caller: &Phone) {
    wait_for(PATIENCE, "a prompt", || (caller.ear().speech(None).len() > 4000).then_some(()));
}

/// Waits until so many keys were pressed: each takes 180 ms.
fn await_keys(caller: &Phone, keys: u64) {
    wait_for(PATIENCE, "the phrase", || caller.awaits().is_none().then_some(()));
    thread::sleep(Duration::from_millis(180 * keys + 20));
}

fn await_talk(stage: Stage, caller: &Phone, rung: &Phone, voice: u32) {
    wait_for(PATIENCE, &format!("{stage:?}"), || {
        match stage {
            Talking => rung.ear().seconds_of(voice, rung.started()) > 1.5,
            After => caller.trace().request_at("BYE").is_some(),
            Prompt | Entry | Dialling | Ringing | Unwritten => {
                rung.trace().answered_at(180).is_some()
            }
        }
        .then_some(())
    });
    if stage == Ringing {
        thread::sleep(Duration::from_millis(700));
    }
}

/// Keeps the exchange from writing the call's end, and waits until it has seen it.
fn hold_the_end(world: &World) -> Held {
    let held = Held::take(world.dir());
    wait_for(PATIENCE, "the exchange sees the call's end", || {
        world.exchange.log().contains("\"the call is over\"").then_some(())
    });
    held
}

/// Kills, lets what is left of the call come to its end, and starts again.
fn strike(
    world: &mut World,
    victim: Victim,
    caller: &mut Phone,
    rung: &mut Phone,
    held: Option<Held>,
) {
    victim.is_killed_in(world);
    if let Some(mut held) = held {
        assert_eq!(held.open_calls(), 1, "the call's end was written before the kill");
        held.release();
    }
    if victim.has_switch() {
        caller.breaks();
        rung.breaks();
    }
    // A talk that goes on alone is over before the exchange is back, or after: both are tried.
    victim.is_restarted_in(world);
    if !victim.has_switch() {
        wait_for(PATIENCE, "the caller's phone is free", || (!caller.is_busy()).then_some(()));
        rung.breaks();
    }
}

fn assert_one(world: &World, truth: &Truth) {
    let calls = world.exchange.list("calls");
    if calls.is_empty() {
        assert!(!truth.rang && truth.talked == 0.0, "a call that rang has no row");
        return;
    }
    assert_eq!(calls.len(), 1, "{calls:#?}");
    assert_known(world, &calls[0], truth);
    // And the next one is served.
    let steps = Steps::new().hears("enter-destination").hangs_up();
    let mut next = world.call("next", &Caller::new(SHOPPER, OUTBOUND).answered(steps));
    next.finishes();
}
