//! A phone in somebody's hand, whose every sight and deed is told.

mod deeds;

use std::time::Duration;

use anyhow::bail;
use fakeswitch::{Phone, Seen, Sight};
use tokio::time::Instant;

use super::{
    people::Teller,
    screen::{Screen, Who},
    words::{Listening, Sentence, Words, name},
};

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longer than the silences within what is said.
const PAUSE: Duration = Duration::from_millis(600);

/// What one phone has seen of its only call, so far.
pub(super) struct Hand<'a> {
    who: Who,
    phone: Phone,
    screen: &'a Screen<'a>,
    words: &'a Words,
    listening: Listening,
    /// When what was said is taken to be all.
    quiet_at: Option<Instant>,
    /// Everything that was said, in order.
    told: Vec<Sentence>,
    /// The sound files that have begun since the last key.
    playing: Vec<String>,
    rung: bool,
    answered: bool,
    hung_up: bool,
    talk_began: Option<Duration>,
    talked: Option<Duration>,
    ended: Option<(u16, String)>,
}

impl<'a> Hand<'a> {
    pub(super) fn holding(who: Who, phone: Phone, teller: Teller<'a>) -> Self {
        Self {
            who,
            phone,
            screen: teller.screen,
            words: teller.words,
            listening: Listening::default(),
            quiet_at: None,
            told: Vec::new(),
            playing: Vec::new(),
            rung: false,
            answered: false,
            hung_up: false,
            talk_began: None,
            talked: None,
            ended: None,
        }
    }

    pub(super) fn who(&self) -> Who {
        self.who
    }

    /// Whether the call is over.
    pub(super) fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    /// Whether this is the phone that was called.
    pub(super) fn is_called(&self) -> bool {
        self.phone.shown().is_some()
    }

    /// Whether the exchange or the other side has answered, or this side has.
    pub(super) fn is_answered(&self) -> bool {
        self.answered
    }

    /// Whether it was heard, or shown, that the call rings at the other side.
    pub(super) fn has_rung(&self) -> bool {
        self.rung
    }

    pub(super) fn is_talking(&self) -> bool {
        self.talk_began.is_some()
    }

    /// How long the two could hear each other.
    pub(super) fn talked(&self) -> Option<Duration> {
        self.talked
    }

    /// What was said, without quotation marks.
    pub(super) fn told(&self) -> Vec<&str> {
        self.told.iter().map(|sentence| sentence.text.as_str()).collect()
    }

    /// The number and the name on the display.
    pub(super) fn shows(&self) -> [&str; 2] {
        self.phone
            .shown()
            .map_or_else(Default::default, |shown| [shown.number.as_str(), &shown.name])
    }

    /// The final SIP status and FreeSWITCH's cause.
    pub(super) fn ended(&self) -> Option<(u16, &str)> {
        self.ended.as_ref().map(|(code, cause)| (*code, cause.as_str()))
    }

    /// The next thing seen, told; `None` when the call is over. Cancel-safe.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Sight>> {
        let seen = tokio::select! {
            seen = self.phone.next() => seen,
            // The last part of a sentence has ended, and no other follows.
            () = until(self.quiet_at) => {
                self.hear_end()?;
                self.phone.next().await
            }
        };
        let Some(seen) = seen else { return Ok(None) };
        self.see(&seen)?;
        Ok(Some(seen.sight))
    }

    fn see(&mut self, seen: &Seen) -> anyhow::Result<()> {
        match &seen.sight {
            Sight::Hears(path) => {
                self.quiet_at = None;
                self.playing.push(name(path).to_owned());
                let sentences = self.listening.hear(path, self.words);
                return self.hear(sentences);
            }
            Sight::Ringing | Sight::HearsTone(_) => {
                self.hear_end()?;
                if !std::mem::replace(&mut self.rung, true) {
                    self.screen.tell(self.who, "hears it ring")?;
                }
            }
            Sight::Quiet => self.quiet_at = Some(Instant::now() + PAUSE),
            Sight::EarlyMedia => {}
            Sight::Answered => {
                // Whoever was called knows that they answered.
                if !std::mem::replace(&mut self.answered, true) && !self.is_called() {
                    self.screen.tell(self.who, "is answered")?;
                }
            }
            Sight::Talking => {
                self.talk_began = Some(seen.after);
                if !self.is_called() {
                    self.screen.tell(self.who, "can hear the other side, and be heard")?;
                }
            }
            Sight::Parted => self.part(seen.after),
            Sight::Key(key) => self.screen.tell(self.who, &format!("hears the key {key}"))?,
            Sight::Ended { code, cause } => {
                self.hear_end()?;
                self.part(seen.after);
                self.ended = Some((*code, cause.clone()));
                if !self.hung_up {
                    let what = match code {
                        200 => "the other side has hung up".to_owned(),
                        487 => "the phone stops ringing".to_owned(),
                        code => format!("the call ends unanswered: SIP status {code}, {cause}"),
                    };
                    self.screen.tell(self.who, &what)?;
                }
            }
        }
        Ok(())
    }

    fn part(&mut self, after: Duration) {
        if let Some(began) = self.talk_began.take() {
            self.talked = Some(after.saturating_sub(began));
        }
    }

    fn hear(&mut self, sentences: impl IntoIterator<Item = Sentence>) -> anyhow::Result<()> {
        for sentence in sentences {
            self.screen.tell(self.who, &format!("hears {}", sentence.quoted()))?;
            if let Some(meaning) = &sentence.meaning {
                self.screen.explain(&format!("({meaning})"))?;
            }
            self.told.push(sentence);
        }
        Ok(())
    }

    fn hear_end(&mut self) -> anyhow::Result<()> {
        self.quiet_at = None;
        let last = self.listening.end();
        self.hear(last)
    }

    /// Goes on when something is seen.
    pub(super) async fn sees(
        &mut self,
        what: &str,
        wanted: impl Fn(&Sight) -> bool,
    ) -> anyhow::Result<()> {
        let limit = tokio::time::sleep(PATIENCE);
        tokio::pin!(limit);
        let who = self.who.name();
        loop {
            tokio::select! {
                seen = self.next() => match seen? {
                    Some(sight) if wanted(&sight) => return Ok(()),
                    Some(_) => {}
                    None => bail!("the call of {who} was over before {what}"),
                },
                () = &mut limit => bail!("{who} waited in vain for {what}"),
            }
        }
    }

    /// Goes on when this sound file begins, or at once if it has begun since the last key.
    pub(super) async fn hears(&mut self, clip: &str) -> anyhow::Result<()> {
        if self.playing.iter().any(|begun| begun == clip) {
            return Ok(());
        }
        let wanted = |sight: &Sight| matches!(sight, Sight::Hears(path) if name(path) == clip);
        self.sees(&format!("the prompt {clip}"), wanted).await
    }

    /// Goes on when the two can hear each other.
    pub(super) async fn is_connected(&mut self) -> anyhow::Result<()> {
        if self.is_talking() {
            return Ok(());
        }
        self.sees("the other side", |sight| matches!(sight, Sight::Talking)).await
    }

    /// Goes on when the call is over.
    pub(super) async fn hears_the_end(&mut self) -> anyhow::Result<()> {
        if self.is_over() {
            return Ok(());
        }
        self.sees("its end", |sight| matches!(sight, Sight::Ended { .. })).await
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
