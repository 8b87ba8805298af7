//! Media that stop in a talk, begin late or lose packets: from when to when is told, and nothing of
//! phones that are mute or on hold.

use std::{thread, time::Duration};

use serde_json::Value;

use super::{Service, misses};
use crate::{
    Scenario,
    language::{DEALER_HZ, SHOPPER_HZ},
    phone::raw::{ALAW, Call, sdp},
    process::now,
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![Scenario::new("what_is_missing_of_a_side_is_told_with_its_seconds", missing)]
}

/// What a phone does in a talk of [`TALK`].
#[derive(Debug, Clone, Copy)]
enum Mood {
    /// Sends nothing from 2 s to 4 s.
    Pauses,
    /// Sends nothing before 2 s.
    BeginsLate,
    /// Sends nothing any more from 4 s on.
    Stops,
    /// One of five of its packets gets lost from 4 s on.
    LosesPackets,
    /// Sends digital silence from 2 s to 6 s, as a muted phone does.
    IsMute,
    /// Says so and sends nothing from 2 s to 4 s.
    Holds,
    /// Says so and sends nothing from 4 s on.
    HoldsToTheEnd,
}

use Mood::{BeginsLate, Holds, HoldsToTheEnd, IsMute, LosesPackets, Pauses, Stops};

const TALK: u32 = 8000;

/// In which service, and whether it is the phone that was called.
const TALKS: [(Service, bool, Mood); 12] = [
    (Service::Return, true, Pauses),
    (Service::Out, true, Stops),
    (Service::Out, false, Pauses),
    (Service::Out, true, LosesPackets),
    (Service::Out, false, HoldsToTheEnd),
    (Service::Back, true, BeginsLate),
    (Service::Back, false, Stops),
    (Service::Back, true, Pauses),
    (Service::Back, false, LosesPackets),
    (Service::Back, true, IsMute),
    (Service::Back, true, Holds),
    (Service::Back, false, Holds),
];

impl Mood {
    /// From when to when its side is missing.
    fn gap(self) -> Option<(f64, f64)> {
        match self {
            Pauses => Some((2.0, 4.0)),
            BeginsLate => Some((0.0, 2.0)),
            Stops | LosesPackets => Some((4.0, 8.0)),
            IsMute | Holds | HoldsToTheEnd => None,
        }
    }

    /// From when to when its phone said that it held.
    fn hold(self) -> Option<(f64, f64)> {
        match self {
            Holds => Some((2.0, 4.0)),
            HoldsToTheEnd => Some((4.0, 8.0)),
            Pauses | BeginsLate | Stops | LosesPackets | IsMute => None,
        }
    }

    /// What the phone does at 2, 4 and 6 s.
    fn plays(self, call: &mut Call<'_>, hz: u32) {
        let begin = now();
        let until = |ms| thread::sleep(Duration::from_millis(ms).saturating_sub(begin.elapsed()));
        if !matches!(self, BeginsLate) {
            call.line.sings(hz);
        }
        until(2000);
        match self {
            Pauses => call.line.falls_silent(),
            IsMute => call.line.sings(0),
            BeginsLate => call.line.sings(hz),
            Holds => holds(call, "sendonly"),
            Stops | LosesPackets | HoldsToTheEnd => {}
        }
        until(4000);
        match self {
            Pauses => call.line.sings(hz),
            Stops => call.line.falls_silent(),
            LosesPackets => call.line.loses_one_of(5),
            HoldsToTheEnd => holds(call, "inactive"),
            Holds => {
                call.line.sings(hz);
                let offer = sdp(call.line.address(), ALAW, "sendrecv");
                assert_eq!(call.asks("INVITE", "", &offer).code(), 200);
            }
            BeginsLate | IsMute => {}
        }
        until(6000);
        if matches!(self, IsMute) {
            call.line.sings(hz);
        }
        until(u64::from(TALK));
    }
}

fn holds(call: &mut Call<'_>, direction: &str) {
    let offer = sdp(call.line.address(), ALAW, direction);
    assert_eq!(call.asks("INVITE", "", &offer).code(), 200);
    call.line.falls_silent();
}

fn missing(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    misses(world, &phone, &carrier);
    thread::scope(|scope| {
        for (service, is_called, mood) in TALKS {
            let (mut call, mut called) = service.rings(world, &phone, &carrier);
            called.answers();
            service.is_answered(&mut call);
            scope.spawn(move || talk((&mut call, &mut called), is_called, mood));
        }
    });
    let mut recordings =
        world.rows("recordings", TALKS.len(), |recording| recording["verdict"] != "pending");
    recordings.reverse();
    for ((service, is_called, mood), recording) in TALKS.into_iter().zip(&recordings) {
        let is_dealer = is_called != (service == Service::Back);
        let side = if is_dealer { "dealer" } else { "shopper" };
        let what = format!("{service:?} {side} {mood:?}: {recording:#}");
        let verdict = if mood.gap().is_some() { "broken" } else { "ok" };
        assert_eq!(recording["verdict"], verdict, "{what}");
        is_told(&recording["gaps"], side, mood.gap(), &what);
        is_told(&recording["holds"], side, mood.hold(), &what);
    }
}

fn talk((call, called): (&mut Call<'_>, &mut Call<'_>), is_called: bool, mood: Mood) {
    if is_called {
        call.line.sings(SHOPPER_HZ);
        mood.plays(called, DEALER_HZ);
    } else {
        called.line.sings(DEALER_HZ);
        mood.plays(call, SHOPPER_HZ);
    }
    called.hangs_up();
    call.ends();
}

/// Within half a second, and nothing else.
fn is_told(spans: &Value, side: &str, expected: Option<(f64, f64)>, what: &str) {
    let spans = spans.as_array().unwrap();
    assert_eq!(spans.len(), usize::from(expected.is_some()), "{what}");
    for (span, (from, to)) in spans.iter().zip(expected) {
        assert_eq!(span["side"], side, "{what}");
        let is_near = |key: &str, at: f64| (span[key].as_f64().unwrap() - at).abs() <= 0.5;
        assert!(is_near("from", from) && is_near("to", to), "not from {from} to {to}: {what}");
    }
}
