//! The verbs of a call: all that a flow may ask of the switch.
//!
//! A [`Call`] is the flow's end, a [`Desk`] the driver's. The flow awaits a verb; the driver
//! takes the [`Request`] from the desk, has the switch carry it out, and answers. The loss of the
//! caller is the error [`HungUp`], which `?` carries out of every flow.

use std::{fmt, time::Duration};

use tokio::sync::{mpsc, oneshot};

use crate::{
    cause::{Cause, Failure},
    destination::Refusal,
    model::{Pairing, TicketId},
    number::PhoneNumber,
    prompt::Prompt,
};

/// The caller is gone, or the connection to the switch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the caller hung up")]
pub struct HungUp;

/// Digits a caller keyed: a destination, an ID, a PIN. Never shown in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Digits(String);

impl Digits {
    /// Digits as the switch collected them; anything but `0` to `9` is dropped.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.chars().filter(char::is_ascii_digit).collect())
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digits(…)")
    }
}

/// One entry: a prompt, and what is taken as an answer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gather {
    /// What the caller hears; the first key silences it and counts.
    pub prompt: Prompt,
    /// The most digits taken, 1 to 20; the entry ends with them.
    pub max_digits: u8,
    /// How long to wait for the first key after the prompt: at least a second.
    pub first_digit: Duration,
    /// What becomes of keys from before it.
    pub ahead: Ahead,
}

/// What becomes of keys that were pressed before a question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ahead {
    /// They count: who knows the questions need not wait for them.
    Counts,
    /// They are forgotten: they were meant for something else, such as a menu of somebody who
    /// did not answer, or for the question after one that was answered wrong.
    Forgotten,
}

/// How an entry ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Digits, ended by `#`, by a pause or by their number.
    Digits(Digits),
    /// Nothing but `#`, or nothing at all.
    Nothing,
    /// `*`: the caller wants to start this entry again.
    StartAgain,
}

/// Which way a recording went; it becomes a part of its file name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// A shopper called a dealer.
    Out,
    /// A dealer called back.
    Back,
    /// A shopper returned a missed call.
    Return,
}

/// A leg to dial: whom, under which number, and for which pairing.
#[derive(Debug, Clone)]
pub struct Dial {
    /// The number to ring.
    pub to: PhoneNumber,
    /// The only number and name that the callee may see.
    pub shown: PhoneNumber,
    /// The pairing that this talk belongs to.
    pub pairing: Pairing,
    /// The dealer, whichever side dialled; `None` when they withheld their number.
    pub dealer: Option<PhoneNumber>,
    /// Who rings whom.
    pub direction: Direction,
    /// The ticket that a talk would close as called back.
    pub ticket: Option<TicketId>,
}

/// How dialling ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialled {
    /// The two sides talked; the callee has hung up.
    Talked,
    /// Nobody answered, and why.
    Failed(Failure),
    /// A rule that only the store can check forbids the call; nobody was rung.
    Refused(Refusal),
    /// The recording could not be started, so nobody was rung.
    NotRecordable,
}

/// What a flow may ask.
#[derive(Debug)]
pub enum Verb {
    /// Answer the caller. Takes effect in order; nobody waits for it.
    Answer,
    /// Play to the end. To a caller who is not answered it sounds as early media.
    Play(Prompt),
    /// Play and collect digits.
    Gather(Gather),
    /// Ring somebody and, when they answer, talk until one side hangs up.
    Connect(Box<Dial>),
    /// A PIN was keyed: right or wrong.
    PinTried(bool),
    /// The caller was refused something.
    Refused(Refusal),
    /// End the call.
    Hangup(Cause),
}

/// The answer to a [`Verb`], of the kind the verb has.
#[derive(Debug)]
pub enum Answer {
    /// Done, with nothing to tell.
    Done,
    /// How the entry ended.
    Entry(Entry),
    /// How dialling ended.
    Dialled(Dialled),
    /// Whether too many wrong PINs have locked the shopper out.
    Locked(bool),
}

/// A verb on its way to the driver.
#[derive(Debug)]
pub struct Request {
    /// What is asked.
    pub verb: Verb,
    reply: oneshot::Sender<Answer>,
}

impl Request {
    /// Takes the request apart: the verb, and where its answer goes.
    #[must_use]
    pub fn split(self) -> (Verb, Reply) {
        (self.verb, Reply(self.reply))
    }
}

/// Where the answer to one verb goes. Dropped without an answer, the flow sees [`HungUp`].
#[derive(Debug)]
pub struct Reply(oneshot::Sender<Answer>);

impl Reply {
    /// Answers the verb. A flow that has ended meanwhile does not care.
    pub fn send(self, answer: Answer) {
        drop(self.0.send(answer));
    }
}

/// The driver's end of a call.
#[derive(Debug)]
pub struct Desk(mpsc::Receiver<Request>);

impl Desk {
    /// The flow's next verb; `None` when the flow has ended.
    pub async fn next(&mut self) -> Option<Request> {
        self.0.recv().await
    }
}

/// The flow's end of a call.
#[derive(Debug)]
pub struct Call(mpsc::Sender<Request>);

/// A call's two ends.
#[must_use]
pub fn call() -> (Call, Desk) {
    // A flow awaits one verb at a time.
    let (sender, receiver) = mpsc::channel(1);
    (Call(sender), Desk(receiver))
}

impl Call {
    async fn ask(&mut self, verb: Verb) -> Result<Answer, HungUp> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Request { verb, reply }).await.map_err(|_| HungUp)?;
        answer.await.map_err(|_| HungUp)
    }

    /// Answers the caller.
    ///
    /// # Errors
    /// [`HungUp`].
    pub async fn answer(&mut self) -> Result<(), HungUp> {
        self.ask(Verb::Answer).await.map(drop)
    }

    /// Plays a prompt to its end.
    ///
    /// # Errors
    /// [`HungUp`].
    pub async fn play(&mut self, prompt: Prompt) -> Result<(), HungUp> {
        self.ask(Verb::Play(prompt)).await.map(drop)
    }

    /// Plays a prompt and collects digits.
    ///
    /// # Errors
    /// [`HungUp`].
    pub async fn gather(&mut self, gather: Gather) -> Result<Entry, HungUp> {
        match self.ask(Verb::Gather(gather)).await? {
            Answer::Entry(entry) => Ok(entry),
            Answer::Done | Answer::Dialled(_) | Answer::Locked(_) => Err(HungUp),
        }
    }

    /// Rings somebody and lets the two talk.
    ///
    /// # Errors
    /// [`HungUp`], when the caller hung up, be it while it rang or in the talk.
    pub async fn connect(&mut self, dial: Dial) -> Result<Dialled, HungUp> {
        match self.ask(Verb::Connect(Box::new(dial))).await? {
            Answer::Dialled(dialled) => Ok(dialled),
            Answer::Done | Answer::Entry(_) | Answer::Locked(_) => Err(HungUp),
        }
    }

    /// Has a right or wrong PIN counted, and tells whether the shopper is locked out now: other
    /// calls count as well.
    ///
    /// # Errors
    /// [`HungUp`].
    pub async fn pin_tried(&mut self, right: bool) -> Result<bool, HungUp> {
        match self.ask(Verb::PinTried(right)).await? {
            Answer::Locked(locked) => Ok(locked),
            Answer::Done | Answer::Entry(_) | Answer::Dialled(_) => Err(HungUp),
        }
    }

    /// Has a refusal logged and kept with the call.
    ///
    /// # Errors
    /// [`HungUp`].
    pub async fn refused(&mut self, refusal: Refusal) -> Result<(), HungUp> {
        self.ask(Verb::Refused(refusal)).await.map(drop)
    }

    /// Ends the call.
    ///
    /// # Errors
    /// [`HungUp`], when the caller was quicker.
    pub async fn hangup(&mut self, cause: Cause) -> Result<(), HungUp> {
        self.ask(Verb::Hangup(cause)).await.map(drop)
    }
}
