//! What only a real switch shows, by service.

mod acknowledged;
mod callback;
mod clock;
mod clothes;
mod database;
mod disk;
mod early_keys;
mod faults;
mod forks;
mod gaps;
mod glare;
mod hold;
mod identity;
mod import;
mod keys;
mod lengths;
mod life;
mod looks;
mod measure;
mod media;
mod phones;
mod ready;
mod records;
mod silence;
mod strangers;
mod survival;
mod tones;

use serde_json::Value;

use crate::{
    Scenario,
    language::{CALLBACK, DEALER, FIRST, OUTBOUND, SHOPPER, SHOPPER_HZ},
    phone::{
        Caller, Steps,
        raw::{Call, Invite, RawPhone, pause},
    },
    recorded::{Recorded, Side},
    world::World,
};

pub(crate) use measure::measure;

/// All that are run by default, those that take long first: at the end nobody waits for one of them.
pub(crate) fn all() -> Vec<Scenario> {
    [
        database::all(),
        silence::all(),
        records::all(),
        ready::all(),
        disk::all(),
        clock::all(),
        survival::all(),
        callback::all(),
        identity::all(),
        clothes::all(),
        faults::all(),
        life::all(),
        import::all(),
        phones::all(),
        hold::all(),
        gaps::all(),
        keys::all(),
        early_keys::all(),
        tones::all(),
        strangers::all(),
        looks::all(),
        forks::all(),
        glare::all(),
        acknowledged::all(),
        media::all(),
        lengths::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Before keying: the greeting has begun, so that keys fall into it.
const A_MOMENT: u32 = 800;

/// The three services: who calls whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Out,
    Back,
    Return,
}

impl Service {
    fn invite(self) -> Invite {
        match self {
            Self::Out => Invite::new(SHOPPER, OUTBOUND),
            Self::Back => Invite::new(DEALER, FIRST),
            Self::Return => Invite::new(SHOPPER, CALLBACK),
        }
    }

    /// A call until the other side's phone is rung. For `Return` a ticket must be open.
    fn rings<'a>(
        self,
        world: &World,
        phone: &'a RawPhone,
        carrier: &'a RawPhone,
    ) -> (Call<'a>, Call<'a>) {
        self.rings_by(&self.invite(), world, phone, carrier)
    }

    /// The same by this INVITE.
    fn rings_by<'a>(
        self,
        invite: &Invite,
        world: &World,
        phone: &'a RawPhone,
        carrier: &'a RawPhone,
    ) -> (Call<'a>, Call<'a>) {
        let mut call = phone.dials(invite, world.sip(), phone.line(world.ports()));
        if self != Self::Back {
            call.gets(200);
        }
        if self == Self::Out {
            pause(A_MOMENT);
            call.line.keys("234567890#");
        }
        let called = carrier.is_called(carrier.line(world.ports()));
        (call, called)
    }

    /// The call is answered, and the caller knows.
    fn is_answered(self, call: &mut Call<'_>) {
        if self == Self::Back {
            call.gets(200);
        }
    }

    /// The caller's side of a recording, and the other one.
    fn sides(self, recorded: &Recorded) -> (&Side, &Side) {
        match self {
            Self::Out | Self::Return => (&recorded.shopper, &recorded.dealer),
            Self::Back => (&recorded.dealer, &recorded.shopper),
        }
    }
}

/// A dealer calls in vain: there is a ticket.
fn misses(world: &World, phone: &RawPhone, carrier: &RawPhone) {
    let (mut call, called) = Service::Back.rings(world, phone, carrier);
    called.says(486);
    call.gets(183);
    call.gets(486);
    world.rows("tickets", 1, |ticket| ticket["status"] == "open");
}

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
