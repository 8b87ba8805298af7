//! Packets whose length changes in the talk, without a word by SIP.

use super::{Service, misses};
use crate::{
    Scenario,
    language::Setup,
    phone::raw::{Call, pause},
    process::now,
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![Scenario::new("packets_may_change_their_length", changes).in_world(varying)]
}

fn varying(setup: &Setup) -> World {
    World::with_switch(setup, &[("RTP_VARYING", "true")])
}

/// The ms in a packet, and the tones of the caller and the called one meanwhile.
const STEPS: [(u32, [u32; 2]); 5] = [
    (40, [500, 700]),
    (20, [900, 1100]),
    (10, [1300, 1500]),
    (30, [1700, 1900]),
    (20, [2100, 2300]),
];
/// For so long each.
const MS: u32 = 1500;

fn changes(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    misses(world, &phone, &carrier);
    let mut seen = Vec::new();
    for (index, service) in [Service::Return, Service::Out, Service::Back].into_iter().enumerate() {
        let (mut call, called) = service.rings(world, &phone, &carrier);
        called.answers();
        service.is_answered(&mut call);
        let sides = [&call, &called];
        for side in sides {
            side.line.sings_in(3100, 40);
        }
        pause(600);
        for (ms, tones) in STEPS {
            let begin = now();
            for (side, hz) in sides.iter().zip(tones) {
                side.line.goes_on_in(hz, ms);
            }
            pause(MS);
            is_heard(sides, tones, begin, &format!("{service:?}, {ms} ms"));
        }
        called.hangs_up_and(&call);
        let rows = world.rows("recordings", index + 1, |recording| recording["verdict"] == "ok");
        let row = rows.iter().find(|row| !seen.contains(&row["path"])).unwrap();
        seen.push(row["path"].clone());
        let recorded = world.recorded(row);
        let (near, far) = service.sides(&recorded);
        for (ms, tones) in STEPS {
            let what = format!("{service:?}, {ms} ms, in the file");
            // FreeSWITCH drops some 10 % of what is written in 40 ms pieces beside the clock.
            is_enough(near.seconds_of(tones[0]), 0.85, &format!("{what}, caller"));
            is_enough(far.seconds_of(tones[1]), 0.7, &format!("{what}, called"));
        }
    }
}

/// Each by the other, with little delay, and nothing in between.
fn is_heard(sides: [&Call<'_>; 2], tones: [u32; 2], begin: std::time::Instant, what: &str) {
    let [near, far] = sides.map(|side| side.line.ear());
    for (ear, hz, who) in [(far, tones[0], "caller"), (near, tones[1], "called")] {
        let heard = ear.seconds_of(hz, begin);
        is_enough(heard, 0.85, &format!("{what}, {who}"));
        let all = ear.seconds_of_all(begin);
        assert!(all < f64::from(MS) / 1000.0 * 1.15, "{what}, {who}: {all} s came");
    }
}

fn is_enough(seconds: f64, share: f64, what: &str) {
    assert!(seconds > f64::from(MS) / 1000.0 * share, "{what}: {seconds} s");
}
