//! What people do with their phones.

use std::time::Duration;

use super::{DEALER, DEALER_HZ, OTHER_DEALER, OTHER_SHOPPER, SHOPPER, SHOPPER_HZ, STRANGER};

/// One thing that somebody does. Steps are done in their order; a call that ends ends them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// Does nothing for so long.
    Waits(Duration),
    /// Waits until this phrase begins, and listens to it for a moment.
    Hears(&'static str),
    /// Presses keys.
    Keys(&'static str),
    /// A called phone: rings for so long.
    Rings(Duration),
    /// A called phone: rings until it is told to stop.
    RingsOn,
    /// A called phone: answers.
    Answers,
    /// A called phone: refuses with this SIP status.
    Rejects(u16),
    /// Talks to the other side for so long, from when they can hear each other.
    Talks(Duration),
    /// Talks until the other side hangs up.
    TalksUntilHangup,
    /// Listens in silence until the other side hangs up, or until the call fails.
    ListensUntilHangup,
    /// Hangs up.
    HangsUp,
    /// A caller: hangs up so long after it began to ring, before an answer.
    GivesUpRinging(Duration),
    /// A caller: hangs up so long after an announcement began (SIP 183), before an answer.
    GivesUpInAnnouncement(Duration),
}

/// A call to be made.
#[derive(Clone)]
pub(crate) struct Call {
    /// The number in From; `anonymous` withholds it.
    pub(crate) from: String,
    /// The display name in From; `None`: the number.
    pub(crate) name: Option<String>,
    pub(crate) dials: String,
    /// P-Asserted-Identity; `None`: none.
    pub(crate) asserted: Option<String>,
    /// The Privacy header; `None`: none.
    pub(crate) privacy: Option<String>,
    /// To, if it is another than what is dialled.
    pub(crate) to: Option<String>,
    /// Further headers, by their names.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The tone in which they talk.
    pub(crate) voice: u32,
    pub(crate) steps: Vec<Step>,
}

/// A phone behind the carrier. A number that is not there is answered with 404.
#[derive(Clone)]
pub(crate) struct Callee {
    /// E.164.
    pub(crate) number: String,
    /// The tone in which they talk.
    pub(crate) voice: u32,
    pub(crate) steps: Vec<Step>,
}

/// Calls, one or several.
pub(crate) struct Calls(pub(crate) Vec<Call>);

impl From<Call> for Calls {
    fn from(call: Call) -> Self {
        Self(vec![call])
    }
}

impl<const COUNT: usize> From<[Call; COUNT]> for Calls {
    fn from(calls: [Call; COUNT]) -> Self {
        Self(calls.into())
    }
}

impl From<Vec<Call>> for Calls {
    fn from(calls: Vec<Call>) -> Self {
        Self(calls)
    }
}

/// Somebody with a phone.
pub(crate) struct Person {
    number: String,
    voice: u32,
}

/// The shopper.
pub(crate) fn shopper() -> Person {
    phone(SHOPPER).who_shops()
}

/// Another shopper.
pub(crate) fn other_shopper() -> Person {
    phone(OTHER_SHOPPER).who_shops()
}

/// The dealer.
pub(crate) fn dealer() -> Person {
    phone(DEALER)
}

/// Another dealer.
pub(crate) fn other_dealer() -> Person {
    phone(OTHER_DEALER)
}

/// Somebody whom the exchange does not know.
pub(crate) fn stranger() -> Person {
    phone(STRANGER)
}

/// Somebody with this number, not the shopper.
pub(crate) fn phone(number: impl Into<String>) -> Person {
    Person { number: number.into(), voice: DEALER_HZ }
}

impl Person {
    /// In the shopper's voice: another shopper.
    pub(crate) fn who_shops(mut self) -> Self {
        self.voice = SHOPPER_HZ;
        self
    }

    /// Calls this number.
    pub(crate) fn calls(self, number: &str) -> Call {
        Call {
            from: self.number,
            name: None,
            dials: number.to_owned(),
            asserted: None,
            privacy: None,
            to: None,
            headers: Vec::new(),
            voice: self.voice,
            steps: Vec::new(),
        }
    }

    fn into_callee(self, step: Step) -> Callee {
        Callee { number: self.number, voice: self.voice, steps: vec![step] }
    }

    /// Their phone rings for so long.
    pub(crate) fn rings(self, time: Duration) -> Callee {
        self.into_callee(Step::Rings(time))
    }

    /// Their phone rings until it is told to stop.
    pub(crate) fn rings_on(self) -> Callee {
        self.into_callee(Step::RingsOn)
    }

    /// Their phone refuses at once.
    pub(crate) fn rejects(self, code: u16) -> Callee {
        self.into_callee(Step::Rejects(code))
    }
}

/// What both callers and called phones do.
macro_rules! steps {
    ($who:ident) => {
        impl $who {
            fn step(mut self, step: Step) -> Self {
                self.steps.push(step);
                self
            }

            pub(crate) fn keys(self, keys: &'static str) -> Self {
                self.step(Step::Keys(keys))
            }

            pub(crate) fn talks(self, time: Duration) -> Self {
                self.step(Step::Talks(time))
            }

            pub(crate) fn talks_until_hangup(self) -> Self {
                self.step(Step::TalksUntilHangup)
            }

            pub(crate) fn listens_until_hangup(self) -> Self {
                self.step(Step::ListensUntilHangup)
            }

            pub(crate) fn hangs_up(self) -> Self {
                self.step(Step::HangsUp)
            }
        }
    };
}

steps!(Call);
steps!(Callee);

impl Call {
    /// Shows no number.
    pub(crate) fn withheld(mut self) -> Self {
        "anonymous".clone_into(&mut self.from);
        self.name = Some("Anonymous".to_owned());
        self.privacy("id")
    }

    /// With this P-Asserted-Identity.
    pub(crate) fn asserted(mut self, number: &str) -> Self {
        self.asserted = Some(number.to_owned());
        self
    }

    /// With this Privacy header.
    pub(crate) fn privacy(mut self, value: &str) -> Self {
        self.privacy = Some(value.to_owned());
        self
    }

    /// With this To, which the carrier wrote.
    pub(crate) fn to(mut self, header: &str) -> Self {
        self.to = Some(header.to_owned());
        self
    }

    /// With one more header.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// With this display name.
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    pub(crate) fn waits(self, time: Duration) -> Self {
        self.step(Step::Waits(time))
    }

    pub(crate) fn hears(self, phrase: &'static str) -> Self {
        self.step(Step::Hears(phrase))
    }

    pub(crate) fn gives_up_ringing(self, after: Duration) -> Self {
        self.step(Step::GivesUpRinging(after))
    }

    pub(crate) fn gives_up_in_announcement(self, after: Duration) -> Self {
        self.step(Step::GivesUpInAnnouncement(after))
    }
}

impl Callee {
    pub(crate) fn answers(self) -> Self {
        self.step(Step::Answers)
    }

    pub(crate) fn then_rejects(self, code: u16) -> Self {
        self.step(Step::Rejects(code))
    }
}
