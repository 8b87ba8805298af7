//! What people do with phones.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use fakeswitch::Phone;

use super::{
    hand::Hand,
    house::Arrivals,
    screen::{Screen, Who},
    words::{Words, spaced},
};

/// How long a call may take to ring somewhere, all that is asked for before included.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long a phone rings until it is answered.
pub(super) const RINGING: Duration = Duration::from_millis(1500);
/// How long each of two who talk speaks, one after the other, as the recordings let hear.
const SPEECH: Duration = Duration::from_secs(2);

/// The voices, in Hz.
pub(super) const LOW: u32 = 330;
pub(super) const HIGH: u32 = 523;

/// Tells what phones do, in words.
#[derive(Clone, Copy)]
pub(super) struct Teller<'a> {
    pub(super) screen: &'a Screen<'a>,
    pub(super) words: &'a Words,
}

impl<'a> Teller<'a> {
    /// Somebody has dialled; `what` says whom.
    pub(super) fn dials(self, who: Who, phone: Phone, what: &str) -> anyhow::Result<Hand<'a>> {
        self.screen.tell(who, &format!("dials {what}"))?;
        Ok(Hand::holding(who, phone, self))
    }

    /// Somebody's phone rings.
    pub(super) fn ringing(self, who: Who, phone: Phone) -> anyhow::Result<Hand<'a>> {
        phone.ring();
        let number = phone.shown().map(|shown| spaced(&shown.number)).unwrap_or_default();
        self.screen.tell(who, &format!("the phone rings and shows {number}"))?;
        Ok(Hand::holding(who, phone, self))
    }

    /// Waits until somebody's phone rings; it must show this number and no other name.
    pub(super) async fn rings(
        self,
        arrivals: &mut Arrivals,
        who: Who,
        shows: &str,
    ) -> anyhow::Result<Hand<'a>> {
        let phone = tokio::time::timeout(PATIENCE, arrivals.recv()).await.ok().flatten();
        let phone = phone.with_context(|| format!("the phone of {} did not ring", who.name()))?;
        let hand = self.ringing(who, phone)?;
        for shown in hand.shows() {
            ensure!(shown == shows, "the phone of {} shows {shown} instead of {shows}", who.name());
        }
        Ok(hand)
    }

    /// Somebody's phone rings, they answer, and talk until the other side hangs up.
    pub(super) async fn answers(
        self,
        arrivals: &mut Arrivals,
        who: Who,
        shows: &str,
    ) -> anyhow::Result<Hand<'a>> {
        let mut hand = self.rings(arrivals, who, shows).await?;
        hand.listens(RINGING).await?;
        hand.answers()?;
        hand.is_connected().await?;
        hand.listens(SPEECH).await?;
        hand.voice(Some(voice(who)));
        hand.hears_the_end().await?;
        Ok(hand)
    }
}

impl Hand<'_> {
    /// Waits until the other side answers, speaks, and lets it speak.
    pub(super) async fn talks_first(&mut self) -> anyhow::Result<()> {
        self.is_connected().await?;
        self.voice(Some(voice(self.who())));
        self.listens(SPEECH).await?;
        self.voice(None);
        self.listens(SPEECH).await
    }
}

/// The tone somebody speaks in.
pub(super) fn voice(who: Who) -> u32 {
    match who {
        Who::Shopper => LOW,
        Who::Garage | Who::Bank | Who::Exchange => HIGH,
    }
}
