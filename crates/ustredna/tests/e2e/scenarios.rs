//! What only a real switch shows, by service.

mod callback;
mod clock;
mod database;
mod disk;
mod faults;
mod hold;
mod identity;
mod import;
mod keys;
mod life;
mod looks;
mod measure;
mod phones;
mod ready;
mod records;
mod silence;
mod strangers;
mod survival;

use serde_json::Value;

use crate::{
    Scenario,
    language::{OUTBOUND, SHOPPER, SHOPPER_HZ},
    phone::{Caller, Steps},
    world::World,
};

pub(crate) use measure::measure;

/// All that are run by default.
pub(crate) fn all() -> Vec<Scenario> {
    [
        callback::all(),
        identity::all(),
        faults::all(),
        life::all(),
        import::all(),
        phones::all(),
        ready::all(),
        survival::all(),
        disk::all(),
        database::all(),
        records::all(),
        clock::all(),
        hold::all(),
        keys::all(),
        strangers::all(),
        looks::all(),
        silence::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Before keying: the greeting has begun, so that keys fall into it.
const A_MOMENT: u32 = 800;

/// The shopper calls the outbound hotline and does this.
fn shopper_calls_out(steps: Steps) -> Caller {
    Caller::new(SHOPPER, OUTBOUND).answered(steps)
}

/// A destination keyed at once, and then the talk until the dealer hangs up.
fn keys_and_talks(keys: &str) -> Steps {
    Steps::new().waits(A_MOMENT).keys(keys).sings_until_hangup(SHOPPER_HZ, 15_000)
}

/// A dealer who talks for two and a half seconds and hangs up.
fn talks_and_hangs_up() -> Steps {
    Steps::new().sings(crate::language::DEALER_HZ, 2500).hangs_up()
}

/// The line of the log that tells of a recording that broke.
fn told_of_break(world: &World) -> Option<String> {
    let log = world.exchange.log();
    log.lines().find(|line| line.contains(" s into the talk")).map(str::to_owned)
}

/// Compares some keys of a row.
#[track_caller]
fn assert_row(row: &Value, expected: &[(&str, Value)]) {
    for (key, value) in expected {
        assert_eq!(row[*key], *value, "`{key}` of {row:#}");
    }
}
