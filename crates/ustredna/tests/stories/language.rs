//! The language of the stories: who calls whom and what they do, whatever stage it is played on.
//!
//! A [`Tale`] is told by acts: calls are made, phones ring, and all of it comes to its end. The
//! same tales are played on the simulated switch and on a real FreeSWITCH; what comes of them,
//! [`Story::told`], must be the same to the letter.

#[path = "language/discreet.rs"]
mod discreet;
#[path = "language/files.rs"]
pub(crate) mod files;
#[path = "language/steps.rs"]
mod steps;
#[path = "language/story.rs"]
mod story;
#[path = "language/told.rs"]
mod told;

use std::{path::Path, time::Duration};

pub(crate) use discreet::number_in;
pub(crate) use steps::{
    Call, Callee, Calls, Person, Step, dealer, other_dealer, other_shopper, phone, shopper,
    stranger,
};
pub(crate) use story::Story;

/// The shopper's real number, which no dealer may ever see.
pub(crate) const SHOPPER: &str = "+420601123456";
/// Another shopper's.
pub(crate) const OTHER_SHOPPER: &str = "+420602222333";
/// The shopper's fictitious numbers.
pub(crate) const FIRST: &str = "+420777000111";
pub(crate) const SECOND: &str = "+420777000222";
/// Dealers.
pub(crate) const DEALER: &str = "+420234567890";
pub(crate) const OTHER_DEALER: &str = "+420222333444";
/// A phone that the exchange does not know.
pub(crate) const STRANGER: &str = "+420608999888";
/// The hotlines as carriers pass them.
pub(crate) const OUTBOUND: &str = "234234399";
pub(crate) const CALLBACK: &str = "+420234234390";

/// The tones in which shoppers and dealers talk.
pub(crate) const SHOPPER_HZ: u32 = 400;
pub(crate) const DEALER_HZ: u32 = 900;

/// A shopper with one pairing.
pub(crate) const ONE: &str = "+420601123456,Jana,cs,+420777000111,1,Auto,,";
/// A shopper with two.
pub(crate) const TWO: &str =
    "+420601123456,Jana,cs,+420777000111,1,Auto,,\n+420601123456,Jana,cs,+420777000222,2,Banky,,";
/// The first line of a table for `import`.
pub(crate) const HEADER: &str =
    "shopper_phone,shopper_name,language,fictitious_number,id,project,valid_from,valid_to";

pub(crate) const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// How long a phone rings that is soon answered.
pub(crate) const HALF_A_SECOND: Duration = millis(500);

/// A story: what it needs, where it can be played, what happens.
pub(crate) struct Tale {
    pub(crate) name: &'static str,
    pub(crate) setup: Setup,
    pub(crate) stages: Stages,
    pub(crate) tell: fn(&mut Story<'_>),
}

impl Tale {
    /// A story with one pairing and the usual settings.
    pub(crate) fn new(name: &'static str, tell: fn(&mut Story<'_>)) -> Self {
        Self { name, setup: Setup::default(), stages: Stages::Both, tell }
    }

    /// With these lines of a table imported, instead of [`ONE`].
    pub(crate) fn data(mut self, lines: &'static str) -> Self {
        self.setup.data = lines;
        self
    }

    /// With a setting: `limits.calls_per_day`, and its value as a person would say it.
    pub(crate) fn setting(mut self, key: &'static str, value: &'static str) -> Self {
        self.setup.settings.push((key, value));
        self
    }

    /// With no exchange running when it begins; nothing is imported.
    pub(crate) fn without_exchange(mut self) -> Self {
        self.setup.exchange = false;
        self
    }

    /// Its name, and why it is not played on a real switch, if so.
    pub(crate) fn title(&self) -> String {
        match self.stages {
            Stages::Both => self.name.to_owned(),
            Stages::SimulatorOnly(reason) => {
                format!("{} (on the simulator alone: {reason})", self.name)
            }
        }
    }

    /// Played on the simulator alone.
    pub(crate) fn simulated_only(mut self, reason: &'static str) -> Self {
        self.stages = Stages::SimulatorOnly(reason);
        self
    }
}

/// Where a story can be played.
#[derive(Clone, Copy)]
pub(crate) enum Stages {
    Both,
    /// And why.
    SimulatorOnly(&'static str),
}

/// What a stage prepares before a story begins.
#[derive(Clone)]
pub(crate) struct Setup {
    /// Lines of a table for `import`, below [`HEADER`].
    pub(crate) data: &'static str,
    /// Dotted keys and values.
    pub(crate) settings: Vec<(&'static str, &'static str)>,
    /// Whether the exchange runs.
    pub(crate) exchange: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self { data: ONE, settings: Vec::new(), exchange: true }
    }
}

impl Setup {
    /// The settings as lines of TOML with dotted keys, for the top of a file without tables.
    pub(crate) fn toml(&self) -> String {
        let line = |(key, value): &(&str, &str)| {
            let is_bare = value.starts_with('[')
                || matches!(*value, "true" | "false")
                || value.parse::<i64>().is_ok();
            if is_bare { format!("{key} = {value}\n") } else { format!("{key} = {value:?}\n") }
        };
        self.settings.iter().map(line).collect()
    }
}

/// Where stories are played. One stage a story; the switch has started, the table is imported
/// and the exchange runs unless [`Setup::exchange`] says otherwise.
pub(crate) trait Stage {
    /// Plays an act: the phones are put behind the carrier (those of earlier acts are gone), the
    /// calls are made at once in their order, and all come to their end. Accounts of the callers
    /// in their order, then of those who called late, then of every leg that rang, in the order
    /// they were rung.
    fn act(&mut self, act: &Act) -> Vec<PhoneAccount>;
    /// Runs a command of `ustredna` with this on its standard input: what it printed, or why it
    /// failed.
    fn command(&mut self, arguments: &[&str], input: &str) -> Result<String, String>;
    /// Time passes.
    fn waits(&mut self, time: Duration);
    /// Something happens between acts.
    fn happens(&mut self, event: Event);
    /// Where `recordings`, `sms` and `cdr` are.
    fn folder(&self) -> &Path;
}

/// What happens to the exchange or to its switch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    /// It starts, and takes calls when this is over.
    ExchangeStarts,
    /// It is told to stop: it takes no more calls and lets those under way end.
    ExchangeStops,
    /// kill -9.
    ExchangeKilled,
    /// kill -9. It does not come back.
    SwitchKilled,
}

/// Calls made at once, and the phones that may ring.
pub(crate) struct Act {
    pub(crate) calls: Vec<Call>,
    pub(crate) phones: Vec<Callee>,
    /// Something that happens in the middle of it.
    pub(crate) meanwhile: Option<Meanwhile>,
}

/// See [`Act::meanwhile`].
pub(crate) struct Meanwhile {
    pub(crate) when: Moment,
    pub(crate) event: Event,
    /// Calls made right after it.
    pub(crate) late: Vec<Call>,
}

/// When something happens in an act.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Moment {
    /// The first caller has heard a prompt for a second.
    Asked,
    /// The phone that was rung has heard the caller's voice for a second.
    Talking,
    /// A phone has rung for a second.
    Ringing,
}

impl Act {
    pub(crate) fn new(calls: impl Into<Calls>, phones: impl IntoIterator<Item = Callee>) -> Self {
        let Calls(calls) = calls.into();
        Self { calls, phones: phones.into_iter().collect(), meanwhile: None }
    }

    /// This happens in the middle of it.
    pub(crate) fn when(mut self, when: Moment, event: Event) -> Self {
        self.meanwhile = Some(Meanwhile { when, event, late: Vec::new() });
        self
    }

    /// And then these call. After [`when`](Self::when).
    pub(crate) fn then(mut self, calls: impl Into<Calls>) -> Self {
        if let Some(meanwhile) = &mut self.meanwhile {
            meanwhile.late.extend(calls.into().0);
        }
        self
    }
}

/// What a phone went through; the same on every stage.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PhoneAccount {
    /// Its number, E.164, as the tale has it.
    pub(crate) number: String,
    /// Whether it was called; otherwise it made the call.
    pub(crate) called: bool,
    /// The number and the name that a called phone showed.
    pub(crate) shown: Option<(String, String)>,
    /// The answers to the INVITE, without 100, each once, in their order: what a caller was given
    /// (`[183, 480]`), what a called phone gave (`[180, 200]`; 487: it was told to stop ringing).
    pub(crate) codes: Vec<u16>,
    /// Phrases of the exchange's prompts by the names of their files, in their order: `enter-id`,
    /// in English `en/enter-id`. Without tones and without what numbers are read out with
    /// (`number-…`, `plus`).
    pub(crate) heard: Vec<String>,
    /// All that it heard, word by word: phrases, numbers as they are read out, `ringing`.
    pub(crate) spoken: Vec<String>,
    /// Keys that the other side pressed.
    pub(crate) keys: String,
}
