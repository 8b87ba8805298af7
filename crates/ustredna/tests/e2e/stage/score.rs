//! Writes the steps of a story down for SIPp, which is told what it hears.

use std::time::Duration;

use crate::{
    language::{Act, Call, Callee, Setup, Step},
    phone::{Callees, Caller, Reaction, Steps, UNDERSTOOD},
};

/// From the end of a phone's ringing until the two can talk.
const TO_CONNECT: u32 = 200;
/// A talk that nobody ends so long after its time would be a failure, in ms.
const PATIENCE: u32 = 45_000;
/// Prompts and pauses for keys until the exchange gives up, in ms.
const ALL_PROMPTS: u32 = 120_000;
/// How long a dealer's phone rings if nothing is set, in ms.
const RINGS_AT_MOST: u32 = 40_000;

/// What the timing of steps depends on.
pub(super) struct Score {
    rings_at_most: u32,
}

/// A part that is being written.
struct Part<'a> {
    act: &'a Act,
    rings_at_most: u32,
    steps: Steps,
    /// How long after the last keys somebody can be talked to.
    delay: u32,
    /// How much of a wait is already over, counted from the begin of the last phrase.
    over: u32,
}

impl Score {
    pub(super) fn new(setup: &Setup) -> Self {
        let value = setup.settings.iter().find(|(key, _)| *key == "switch.ring_timeout");
        let seconds = value.and_then(|(_, value)| value.strip_suffix('s')?.parse::<u32>().ok());
        Self { rings_at_most: seconds.map_or(RINGS_AT_MOST, |seconds| seconds * 1000) }
    }

    pub(super) fn callees(&self, act: &Act) -> Callees {
        act.phones.iter().fold(Callees::new(), |callees, phone| {
            callees.with(&phone.number, self.reaction(phone, act))
        })
    }

    fn reaction(&self, phone: &Callee, act: &Act) -> Reaction {
        let mut rings_ms = 0;
        for (index, step) in phone.steps.iter().enumerate() {
            if let Step::Rings(time) = step {
                rings_ms += ms(*time);
            } else if let Step::Rejects(code) = step {
                return Reaction::Refuses { rings_ms, code: *code };
            } else if *step == Step::RingsOn {
                return Reaction::Rings;
            } else {
                assert_eq!(*step, Step::Answers, "{} is not connected yet", phone.number);
                let then = self.steps(&phone.steps[index + 1..], act, phone.voice);
                return Reaction::Answers { rings_ms, then };
            }
        }
        panic!("{} neither answers nor refuses", phone.number)
    }

    pub(super) fn caller(&self, call: &Call, act: &Act) -> Caller {
        let from = &call.from;
        let name = call.name.as_ref().unwrap_or(from);
        let host = if from == "anonymous" { "anonymous.invalid" } else { "127.0.0.1" };
        let mut caller =
            Caller::new(from, &call.dials).shows(&format!("\"{name}\" <sip:{from}@{host}>"));
        if let Some(asserted) = &call.asserted {
            caller = caller.header(&format!("P-Asserted-Identity: <sip:{asserted}@127.0.0.1>"));
        }
        if let Some(privacy) = &call.privacy {
            caller = caller.header(&format!("Privacy: {privacy}"));
        }
        if let Some(to) = &call.to {
            caller = caller.to(to);
        }
        for (name, value) in &call.headers {
            caller = caller.header(&format!("{name}: {value}"));
        }
        match call.steps[..] {
            [Step::GivesUpRinging(after)] => caller.gives_up(180, ms(after)),
            [Step::GivesUpInAnnouncement(after)] => caller.gives_up(183, ms(after)),
            _ => caller.open(self.steps(&call.steps, act, call.voice)),
        }
    }

    fn steps(&self, steps: &[Step], act: &Act, voice: u32) -> Steps {
        let rings_at_most = self.rings_at_most;
        let mut part = Part { act, rings_at_most, steps: Steps::new(), delay: 0, over: 0 };
        for step in steps {
            part.add(step, voice);
        }
        part.steps
    }
}

impl Part<'_> {
    fn add(&mut self, step: &Step, voice: u32) {
        let steps = std::mem::take(&mut self.steps);
        let over = std::mem::take(&mut self.over);
        self.steps = match step {
            Step::Waits(time) => steps.waits(ms(*time).saturating_sub(over)),
            Step::Hears(phrase) => {
                self.over = UNDERSTOOD;
                self.delay = 0;
                steps.hears(phrase)
            }
            Step::Keys(keys) => {
                self.delay = self.ringing(keys);
                steps.keys(keys)
            }
            Step::Talks(time) => {
                let wait = if self.delay > 0 { self.delay + TO_CONNECT } else { 0 };
                steps.waits(wait).sings(voice, ms(*time))
            }
            Step::TalksUntilHangup => {
                steps.sings_until_hangup(voice, self.longest_talk() + PATIENCE)
            }
            Step::ListensUntilHangup => steps.listens_until_hangup(ALL_PROMPTS),
            Step::HangsUp => steps.hangs_up(),
            Step::Rings(_)
            | Step::RingsOn
            | Step::Answers
            | Step::Rejects(_)
            | Step::GivesUpRinging(_)
            | Step::GivesUpInAnnouncement(_) => panic!("in a call that is answered: {step:?}"),
        };
    }

    /// How long anybody talks in this act, in ms.
    fn longest_talk(&self) -> u32 {
        let called = self.act.phones.iter().flat_map(|phone| &phone.steps);
        let steps = self.act.calls.iter().flat_map(|call| &call.steps).chain(called);
        let talk = |step: &Step| if let Step::Talks(time) = step { ms(*time) } else { 0 };
        steps.map(talk).max().unwrap_or_default()
    }

    /// How long the phone of this keyed number rings, in ms.
    fn ringing(&self, keys: &str) -> u32 {
        let digits = keys.trim_end_matches('#');
        let Some(national) = digits.len().checked_sub(9).and_then(|at| digits.get(at..)) else {
            return 0;
        };
        let rung = self.act.phones.iter().find(|phone| phone.number.ends_with(national));
        let rings = |step: &Step| {
            if let Step::Rings(time) = step {
                ms(*time)
            } else if *step == Step::RingsOn {
                self.rings_at_most
            } else {
                0
            }
        };
        rung.map_or(0, |phone| phone.steps.iter().map(rings).sum())
    }
}

fn ms(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap()
}
