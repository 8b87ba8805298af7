//! The exchange is killed in a talk, and FreeSWITCH after it: no record will ever tell that it was
//! answered. The exchange that was started in between has asked.

use std::time::Duration;

use serde_json::json;

use super::await_settled;
use crate::{
    Scenario,
    language::{DEALER, DEALER_HZ, OUTBOUND, SHOPPER, SHOPPER_HZ},
    phone::{Callees, Caller, Reaction, Steps},
    process::wait_for,
    scenarios::assert_row,
    world::World,
};

pub(super) fn all() -> Vec<Scenario> {
    vec![Scenario::new("an_answer_is_known_before_its_record", known)]
}

fn known(world: &mut World) {
    let then = Steps::new().sings(DEALER_HZ, 40_000).hangs_up();
    let reaction = Reaction::Answers { rings_ms: 300, then };
    let mut dealer = world.callees(&Callees::new().with(DEALER, reaction));
    let steps = Steps::new().hears("enter-destination").keys("234567890#");
    let steps = steps.sings_until_hangup(SHOPPER_HZ, 50_000);
    let mut shopper = world.call("shopper", &Caller::new(SHOPPER, OUTBOUND).open(steps));
    wait_for(Duration::from_secs(20), "they talk", || {
        (dealer.ear().seconds_of(SHOPPER_HZ, dealer.started()) > 1.0).then_some(())
    });
    world.exchange.process().kill();
    world.exchange.start();
    world.exchange.await_ready();
    let call = wait_for(Duration::from_secs(20), "the answer is known", || {
        let calls = world.exchange.list("calls");
        calls.into_iter().find(|call| call["attempts"][0]["answered_at"].is_string())
    });
    assert_row(&call, &[("ended_at", json!(null))]);
    world.switch.kill();
    let talked = dealer.ear().seconds_of(SHOPPER_HZ, dealer.started());
    shopper.breaks();
    dealer.breaks();
    world.restart_switch();
    await_settled(world, 1);
    let ended = world.exchange.list("calls").remove(0);
    assert_row(&ended, &[("outcome", json!("answered")), ("hangup_cause", json!("LOST"))]);
    assert_eq!(ended["answered_at"], call["attempts"][0]["answered_at"]);
    let told = ended["talk_seconds"].as_f64().unwrap();
    assert!((told - talked).abs() < 2.0, "{told} s told, {talked} s talked");
}
