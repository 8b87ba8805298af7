//! People with simulated phones, who do as the story tells.

use std::{path::Path, time::Duration};

use fakeswitch::{Phone, Seen, Sight};
use tokio::{
    sync::mpsc::UnboundedSender,
    time::{Instant, sleep, timeout},
};

use crate::language::{Call, Callee, Moment, PhoneAccount, Step};

/// Longer than anything in a story takes.
const PATIENCE: Duration = Duration::from_mins(5);
/// From the begin of a prompt to the first key.
const REACTION: Duration = Duration::from_millis(400);
/// Who hears less of a phrase has not understood it.
const UNDERSTOOD: Duration = Duration::from_millis(250);
/// A key, and the pause after it.
const KEY: Duration = Duration::from_millis(160);

pub(crate) struct Person {
    phone: Phone,
    voice: u32,
    tell: UnboundedSender<Moment>,
    account: PhoneAccount,
    /// How many of the phrases heard have been waited for.
    awaited: usize,
    /// When the phrase that plays began.
    begun: Option<Duration>,
    together: bool,
    over: bool,
}

impl Person {
    pub(crate) fn calling(phone: Phone, call: &Call, tell: UnboundedSender<Moment>) -> Self {
        Self::new(phone, call.from.clone(), false, call.voice, tell)
    }

    pub(crate) fn called(phone: Phone, callee: &Callee, tell: UnboundedSender<Moment>) -> Self {
        Self::new(phone, callee.number.clone(), true, callee.voice, tell)
    }

    fn new(
        phone: Phone,
        number: String,
        called: bool,
        voice: u32,
        tell: UnboundedSender<Moment>,
    ) -> Self {
        let shown = phone.shown().map(|shown| (shown.number.clone(), shown.name.clone()));
        let account = PhoneAccount {
            number,
            called,
            shown,
            codes: Vec::new(),
            heard: Vec::new(),
            spoken: Vec::new(),
            keys: String::new(),
        };
        Self { phone, voice, tell, account, awaited: 0, begun: None, together: false, over: false }
    }

    /// Does one step after the other, and then waits for the call's end.
    pub(crate) async fn does(mut self, steps: Vec<Step>) -> PhoneAccount {
        for step in steps {
            if self.over {
                break;
            }
            self.step(step).await;
        }
        self.until("the call's end", |person| person.over).await;
        self.account
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Waits(time) => self.pass(time).await,
            Step::Hears(phrase) => {
                let begun = |person: &Self| {
                    let is_it = |heard: &String| heard.trim_start_matches("en/") == phrase;
                    person.account.heard.iter().skip(person.awaited).position(is_it)
                };
                self.until(phrase, |person| begun(person).is_some() || person.over).await;
                let Some(later) = begun(self) else {
                    panic!("{phrase} was never said, but {:?}", self.account.heard);
                };
                self.awaited += later + 1;
                self.pass(REACTION).await;
            }
            Step::Keys(keys) => {
                for key in keys.chars() {
                    self.phone.press(key);
                    self.pass(KEY).await;
                }
            }
            Step::Rings(time) => {
                self.rings();
                self.pass(time).await;
            }
            Step::RingsOn => self.rings(),
            Step::Answers => {
                self.gives(200);
                self.phone.answer();
            }
            Step::Rejects(code) => {
                self.gives(code);
                self.phone.reject(code);
            }
            Step::Talks(time) => {
                self.until("the other side", |person| person.together || person.over).await;
                self.phone.voice(Some(self.voice));
                self.pass(time).await;
                self.phone.voice(None);
            }
            Step::TalksUntilHangup => {
                self.phone.voice(Some(self.voice));
                self.until("the other side's hang-up", |person| person.over).await;
            }
            Step::ListensUntilHangup => {
                self.until("the other side's hang-up", |person| person.over).await;
            }
            Step::HangsUp => self.phone.hang_up(),
            Step::GivesUpRinging(time) => {
                self.until("ringing", |person| person.saw(180) || person.over).await;
                self.pass(time).await;
                self.phone.hang_up();
            }
            Step::GivesUpInAnnouncement(time) => {
                self.until("an announcement", |person| person.saw(183) || person.over).await;
                self.pass(time).await;
                self.phone.hang_up();
            }
        }
    }

    fn saw(&self, code: u16) -> bool {
        self.account.codes.contains(&code)
    }

    /// A called phone rings, once.
    fn rings(&mut self) {
        if !self.saw(180) {
            self.gives(180);
            self.phone.ring();
            self.tells(Moment::Ringing);
        }
    }

    fn gives(&mut self, code: u16) {
        if !self.saw(code) {
            self.account.codes.push(code);
        }
    }

    /// Tells the act, which may not listen any more.
    fn tells(&self, moment: Moment) {
        let _ = self.tell.send(moment);
    }

    /// Lets time pass, or the call end.
    async fn pass(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while !self.over {
            tokio::select! {
                () = tokio::time::sleep_until(end) => return,
                seen = self.phone.next() => self.sees(seen),
            }
        }
    }

    async fn until(&mut self, what: &str, happened: impl Fn(&Self) -> bool) {
        let waited = timeout(PATIENCE, async {
            while !happened(self) {
                let seen = self.phone.next().await;
                self.sees(seen);
            }
        });
        assert!(waited.await.is_ok(), "{what}: waited for in vain");
        // A phone that is put down shows nothing any more.
        if self.over {
            sleep(Duration::ZERO).await;
        }
    }

    fn sees(&mut self, seen: Option<Seen>) {
        let Some(Seen { after, sight }) = seen else {
            self.over = true;
            return;
        };
        self.sight(after, sight);
    }

    fn sight(&mut self, after: Duration, sight: Sight) {
        // Whatever comes next, the phrase has ended or was cut short; keys of the other side and the
        // like come in no prompt.
        if let Some(begun) = self.begun.take()
            && after.saturating_sub(begun) < UNDERSTOOD
        {
            self.account.heard.pop();
            self.awaited = self.awaited.min(self.account.heard.len());
        }
        match sight {
            Sight::Ringing => self.gives(180),
            Sight::EarlyMedia => self.gives(183),
            Sight::Answered => self.gives(200),
            Sight::Hears(path) => {
                self.account.spoken.push(word(&path));
                if let Some(phrase) = phrase(&path) {
                    self.account.heard.push(phrase);
                    self.begun = Some(after);
                    self.tells(Moment::Asked);
                }
            }
            Sight::Talking => {
                self.together = true;
                if self.account.called {
                    self.tells(Moment::Talking);
                }
            }
            Sight::Parted => self.together = false,
            Sight::Key(key) => self.account.keys.push(key),
            Sight::HearsTone(_) => self.account.spoken.push("ringing".to_owned()),
            Sight::Quiet => {}
            Sight::Ended { code, .. } => {
                self.over = true;
                if !self.saw(200) {
                    self.gives(code);
                }
            }
        }
    }
}

/// The phrase of a sound file, unless numbers are read out with it.
fn phrase(path: &str) -> Option<String> {
    let path = Path::new(path);
    let stem = path.file_stem()?.to_str()?;
    let is_english = path.parent().is_some_and(|folder| folder.ends_with("en"));
    let of_number = stem.starts_with("number-") || stem == "plus";
    (!of_number).then(|| if is_english { format!("en/{stem}") } else { stem.to_owned() })
}

/// What a sound file says: a phrase's name, or a number.
fn word(path: &str) -> String {
    let stem = Path::new(path).file_stem().unwrap_or_default().to_string_lossy();
    stem.strip_prefix("number-").unwrap_or(&stem).to_owned()
}
