//! What somebody at a phone does, step by step.

use std::{path::Path, time::Duration};

use uuid::Uuid;

use crate::phone::{Phone, Seen, Shown, Sight};

mod parse;
mod run;
mod show;

pub use parse::ScriptError;

/// How long a sound or the other side is waited for.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long a call may last that somebody only listens to.
const LONGEST_CALL: Duration = Duration::from_hours(1);

/// Steps that somebody at a phone takes one after another; when there is none left, they hang up.
///
/// Built by its methods, or parsed from text: steps with `;` between them, times as `20s`, `1.5s`,
/// `300ms` or `2m`.
///
/// | step | text | what happens |
/// | --- | --- | --- |
/// | [`waits`](Self::waits) | `waits 2s` | nothing |
/// | [`hears`](Self::hears) | `hears enter-id` | waits until a file `…/enter-id.wav` begins to play, 2 min at most |
/// | [`keys`](Self::keys) | `keys 2#` | presses keys for 100 ms each, 60 ms apart |
/// | [`rings_for`](Self::rings_for) | `rings 5s` | a called phone rings (SIP 180) for so long |
/// | [`rings`](Self::rings) | `rings` | a called phone rings until the caller gives up, an hour at most |
/// | [`early_media`](Self::early_media) | `early media` | a called phone sends media before the answer (SIP 183) |
/// | [`answers`](Self::answers) | `answers` | a called phone answers |
/// | [`rejects`](Self::rejects) | `rejects 486` | a called phone refuses with this SIP status |
/// | [`talks`](Self::talks) | `talks 3s` | waits until the other side can be heard, 2 min at most; then speaks for so long |
/// | [`sings`](Self::sings) | `sings 440 3s` | sounds a tone of so many Hz at once, for so long |
/// | [`sings_until_hangup`](Self::sings_until_hangup) | `sings 440 until hangup 20s` | the same until the call is over; after so long (an hour if not said) it fails |
/// | [`listens`](Self::listens) | `listens 20s` | waits until the call is over; after so long (an hour if not said) it fails |
/// | [`hangs_up`](Self::hangs_up) | `hangs up` | hangs up |
///
/// A step fails when what it waits for does not come, or when the call is over before it can be taken.
/// The phone then hangs up, and [`Transcript::failure`] says what was missing. A call that ends during
/// `talks`, `sings` or `waits` only makes that step shorter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    steps: Vec<Step>,
    voice: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Waits(Duration),
    Hears(String),
    Keys(String),
    Rings { time: Option<Duration> },
    EarlyMedia,
    Answers,
    Rejects(u16),
    Talks(Duration),
    Sings { hz: u32, time: Duration },
    SingsUntilHangup { hz: u32, limit: Duration },
    Listens { limit: Duration },
    HangsUp,
}

impl Script {
    /// No steps.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The tone, in Hz, of what [`talks`](Self::talks) says; 400 for a caller and 900 for a called phone
    /// if not set, so that a recording tells who is who.
    #[must_use]
    pub fn voice(self, hz: u32) -> Self {
        Self { voice: Some(hz), ..self }
    }

    /// Does nothing for so long.
    #[must_use]
    pub fn waits(self, time: Duration) -> Self {
        self.then(Step::Waits(time))
    }

    /// Waits until a sound file begins whose name is this without folder and extension. Those that
    /// began before the last step that heard something or pressed a key are past.
    #[must_use]
    pub fn hears(self, name: &str) -> Self {
        self.then(Step::Hears(name.to_owned()))
    }

    /// Presses these keys, `0` to `9`, `*` and `#`. Others are pressed to no effect.
    #[must_use]
    pub fn keys(self, keys: &str) -> Self {
        self.then(Step::Keys(keys.to_owned()))
    }

    /// Rings for so long.
    #[must_use]
    pub fn rings_for(self, time: Duration) -> Self {
        self.then(Step::Rings { time: Some(time) })
    }

    /// Rings until the caller gives up.
    #[must_use]
    pub fn rings(self) -> Self {
        self.then(Step::Rings { time: None })
    }

    /// Sends media before the answer.
    #[must_use]
    pub fn early_media(self) -> Self {
        self.then(Step::EarlyMedia)
    }

    /// Answers.
    #[must_use]
    pub fn answers(self) -> Self {
        self.then(Step::Answers)
    }

    /// Refuses with a SIP status of 300 to 699.
    #[must_use]
    pub fn rejects(self, code: u16) -> Self {
        self.then(Step::Rejects(code))
    }

    /// Speaks for so long, from the moment when the other side can be heard.
    #[must_use]
    pub fn talks(self, time: Duration) -> Self {
        self.then(Step::Talks(time))
    }

    /// Sounds a tone at once, whoever hears it, for so long.
    #[must_use]
    pub fn sings(self, hz: u32, time: Duration) -> Self {
        self.then(Step::Sings { hz, time })
    }

    /// Sounds a tone until the call is over, which must be within the limit.
    #[must_use]
    pub fn sings_until_hangup(self, hz: u32, limit: Duration) -> Self {
        self.then(Step::SingsUntilHangup { hz, limit })
    }

    /// Waits until the call is over, which must be within the limit.
    #[must_use]
    pub fn listens(self, limit: Duration) -> Self {
        self.then(Step::Listens { limit })
    }

    /// Hangs up.
    #[must_use]
    pub fn hangs_up(self) -> Self {
        self.then(Step::HangsUp)
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Takes the steps with this phone, until the call is over.
    pub async fn run(self, phone: Phone) -> Transcript {
        run::run(self, phone).await
    }
}

/// How a call was at one phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// The UUID of the phone's channel.
    pub leg: Uuid,
    /// Who called, on a phone that was called.
    pub shown: Option<Shown>,
    /// What it heard and showed.
    pub seen: Vec<Seen>,
    /// The keys it pressed, and when since it dialled or began to ring.
    pub pressed: Vec<(Duration, char)>,
    /// What its script waited for in vain.
    pub failure: Option<String>,
}

impl Transcript {
    /// The names of the sound files that it heard the beginning of, without folder and extension.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        self.seen.iter().filter_map(|seen| sound_name(&seen.sight)).map(str::to_owned).collect()
    }

    /// The final SIP status and FreeSWITCH's cause, once the call is over.
    #[must_use]
    pub fn ended(&self) -> Option<(u16, &str)> {
        self.seen.iter().rev().find_map(|seen| match &seen.sight {
            Sight::Ended { code, cause } => Some((*code, cause.as_str())),
            Sight::Ringing
            | Sight::EarlyMedia
            | Sight::Answered
            | Sight::Hears(_)
            | Sight::HearsTone(_)
            | Sight::Quiet
            | Sight::Talking
            | Sight::Parted
            | Sight::Key(_) => None,
        })
    }

    /// When it first saw this, since it dialled or began to ring.
    #[must_use]
    pub fn sight_at(&self, sight: &Sight) -> Option<Duration> {
        self.seen.iter().find(|seen| seen.sight == *sight).map(|seen| seen.after)
    }
}

/// `enter-id` of a sound file `…/enter-id.wav`.
fn sound_name(sight: &Sight) -> Option<&str> {
    match sight {
        Sight::Hears(path) => Path::new(path).file_stem()?.to_str(),
        Sight::Ringing
        | Sight::EarlyMedia
        | Sight::Answered
        | Sight::HearsTone(_)
        | Sight::Quiet
        | Sight::Talking
        | Sight::Parted
        | Sight::Key(_)
        | Sight::Ended { .. } => None,
    }
}

#[cfg(test)]
mod tests;
