//! Writes the steps of a story down for SIPp, which hears nothing: when it is told to hear a
//! phrase, it waits as long as it takes until that phrase has begun.

use std::time::Duration;

use crate::{
    language::{Act, Call, Callee, Setup, Step},
    phone::{Callees, Caller, Reaction, Steps},
    world::World,
};

/// After an answer or a key: the next prompt has begun, and enough of it was heard to know it.
const A_MOMENT: u32 = 800;
/// After the end of a phrase: the next one has begun, after the pause between the two.
const NEXT_PHRASE: u32 = 1300;
/// From the end of a phone's ringing until the two can talk.
const TO_CONNECT: u32 = 200;
/// How much of the next phrase was heard by then.
const HEARD_OF_NEXT: u32 = 400;
/// A talk or a ringing that nobody ends would be a failure.
const PATIENCE: u32 = 45_000;
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
    /// How long until something is heard of what was asked for by the last keys.
    delay: u32,
    /// What is left of the phrase being heard; `None`: none has been heard since the last keys.
    left: Option<u32>,
    /// How much of a wait is already over, counted from the begin of the phrase.
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
        match call.steps[..] {
            [Step::GivesUpRinging(after)] => caller.gives_up(180, ms(after)),
            [Step::GivesUpInAnnouncement(after)] => caller.gives_up(183, ms(after)),
            _ => caller.open(self.steps(&call.steps, act, call.voice)),
        }
    }

    fn steps(&self, steps: &[Step], act: &Act, voice: u32) -> Steps {
        let rings_at_most = self.rings_at_most;
        let mut part =
            Part { act, rings_at_most, steps: Steps::new(), delay: 0, left: None, over: 0 };
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
            Step::Waits(time) => {
                let wait = ms(*time).saturating_sub(over);
                if let Some(left) = &mut self.left {
                    *left = left.saturating_sub(wait);
                }
                steps.waits(wait)
            }
            Step::Hears(phrase) => {
                let wait = self.left.map_or(A_MOMENT + self.delay, |left| left + NEXT_PHRASE);
                self.over = self.left.map_or(A_MOMENT, |_| HEARD_OF_NEXT);
                self.left = Some(World::phrases().ms(phrase).saturating_sub(self.over));
                self.delay = 0;
                steps.waits(wait)
            }
            Step::Keys(keys) => {
                self.left = None;
                self.delay = self.ringing(keys);
                steps.keys(keys)
            }
            Step::Talks(time) => {
                let wait = if self.delay > 0 { self.delay + TO_CONNECT } else { 0 };
                steps.waits(wait).sings(voice, ms(*time))
            }
            Step::TalksUntilHangup => steps.sings_until_hangup(voice, PATIENCE),
            Step::ListensUntilHangup => steps.listens_until_hangup(PATIENCE),
            Step::HangsUp => steps.hangs_up(),
            Step::Rings(_)
            | Step::RingsOn
            | Step::Answers
            | Step::Rejects(_)
            | Step::GivesUpRinging(_)
            | Step::GivesUpInAnnouncement(_) => panic!("in a call that is answered: {step:?}"),
        };
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
