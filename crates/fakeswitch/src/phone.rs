//! A phone at the end of a leg, as whoever holds it sees it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::Instant,
};
use uuid::Uuid;

/// What a phone shows of who calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The number.
    pub number: String,
    /// The display name.
    pub name: String,
}

/// Something that a phone hears or shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// It rings at the other end (SIP 180).
    Ringing,
    /// Media begin before the answer (SIP 183).
    EarlyMedia,
    /// The call is answered (SIP 200).
    Answered,
    /// A sound file begins; its path as the controller gave it.
    Hears(String),
    /// A tone begins, as `tone_stream` writes it: `%(1000,4000,425)`.
    HearsTone(String),
    /// What played has ended or was cut short by a key.
    Quiet,
    /// The other side can be heard.
    Talking,
    /// The other side cannot be heard any more.
    Parted,
    /// A key pressed at the other side.
    Key(char),
    /// The call is over.
    Ended {
        /// The final SIP status of a call that was not answered; 200 after a talk.
        code: u16,
        /// FreeSWITCH's cause of this leg. Empty for a caller who was refused before there was one:
        /// 503 at overload.
        cause: String,
    },
}

/// A [`Sight`] and when it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Since the phone dialled or began to ring.
    pub after: Duration,
    /// What it was.
    pub sight: Sight,
}

/// What a phone does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Ring,
    EarlyMedia,
    Answer,
    Reject(u16),
    Press(char),
    Voice(Option<u32>),
    HangUp,
}

/// A phone in somebody's hand. Dropped, it hangs up.
#[derive(Debug)]
pub struct Phone {
    leg: Uuid,
    shown: Option<Shown>,
    began: Instant,
    seen: UnboundedReceiver<Seen>,
    acts: UnboundedSender<Act>,
}

/// The switch's end of a phone.
#[derive(Debug)]
pub(crate) struct Handset {
    pub(crate) acts: UnboundedReceiver<Act>,
    pub(crate) display: Display,
}

/// What the switch lets a phone hear and show.
#[derive(Debug)]
pub(crate) struct Display {
    seen: UnboundedSender<Seen>,
    began: Instant,
    /// Nothing comes after [`Sight::Ended`].
    ended: AtomicBool,
}

/// A phone on this leg, and the switch's end of it. A called phone shows who calls.
pub(crate) fn phone(leg: Uuid, shown: Option<Shown>) -> (Phone, Handset) {
    let (seen_by, seen) = unbounded_channel();
    let (acts, acts_of) = unbounded_channel();
    let began = Instant::now();
    (
        Phone { leg, shown, began, seen, acts },
        Handset {
            acts: acts_of,
            display: Display { seen: seen_by, began, ended: AtomicBool::new(false) },
        },
    )
}

impl Phone {
    /// The UUID of its leg's channel.
    #[must_use]
    pub fn leg(&self) -> Uuid {
        self.leg
    }

    /// Who calls, on a phone that is called.
    #[must_use]
    pub fn shown(&self) -> Option<&Shown> {
        self.shown.as_ref()
    }

    /// Since it dialled or began to ring, as in [`Seen::after`].
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The next thing it hears or shows; `None` after [`Sight::Ended`]. Cancel-safe.
    pub async fn next(&mut self) -> Option<Seen> {
        self.seen.recv().await
    }

    /// Rings (SIP 180); for a called phone.
    pub fn ring(&self) {
        self.act(Act::Ring);
    }

    /// Sends media before the answer (SIP 183); for a called phone.
    pub fn early_media(&self) {
        self.act(Act::EarlyMedia);
    }

    /// Answers; for a called phone.
    pub fn answer(&self) {
        self.act(Act::Answer);
    }

    /// Refuses with a SIP status of 400 or more; for a called phone.
    pub fn reject(&self, code: u16) {
        self.act(Act::Reject(code));
    }

    /// Presses a key, `0` to `9`, `*` or `#` (RFC 4733).
    pub fn press(&self, key: char) {
        self.act(Act::Press(key));
    }

    /// Speaks in a tone of so many Hz until told otherwise; `None`: is silent.
    pub fn voice(&self, hz: Option<u32>) {
        self.act(Act::Voice(hz));
    }

    /// Hangs up: CANCEL, BYE, or SIP 487 on a called phone that has not answered.
    pub fn hang_up(&self) {
        self.act(Act::HangUp);
    }

    /// A leg that is over does not care.
    fn act(&self, act: Act) {
        let _ = self.acts.send(act);
    }
}

impl Display {
    /// Shows the phone something. One that nobody holds any more does not see it.
    pub(crate) fn show(&self, sight: Sight) {
        let ends = matches!(sight, Sight::Ended { .. });
        let over = if ends {
            self.ended.swap(true, Ordering::Relaxed)
        } else {
            self.ended.load(Ordering::Relaxed)
        };
        if over {
            return;
        }
        drop(self.seen.send(Seen { after: self.began.elapsed(), sight }));
    }
}
