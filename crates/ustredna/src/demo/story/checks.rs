//! Whether it came out as it was told.

use anyhow::ensure;

use super::Story;
use crate::demo::{CALLBACK, SHOPPER, hand::Hand, proof::Expected, screen::Who};

impl Story<'_> {
    /// The last call is in the books, with its recording, as it was told.
    pub(super) async fn is_stored(&self, expected: Expected<'_>) -> anyhow::Result<()> {
        let recording = self.house.check_call(&expected).await?;
        let Some(recording) = recording else { return Ok(()) };
        let screen = self.teller.screen;
        let seconds = recording.seconds;
        screen
            .tell(Who::Exchange, &format!("has a recording of {seconds:.1} s, both sides heard"))?;
        Ok(screen.path(&recording.path)?)
    }

    /// So many messages have left by now; the last one tells of this ticket.
    pub(super) async fn sms_comes(
        &self,
        count: usize,
        dealer: &str,
        number: &str,
    ) -> anyhow::Result<()> {
        let sms = self.house.sms(count).await?;
        ensure!(sms.to == SHOPPER, "the SMS went to {}", sms.to);
        for part in [dealer, number.trim_start_matches("+420"), CALLBACK.trim_start_matches("+420")]
        {
            ensure!(sms.text.contains(part), "the SMS does not name {part}: {}", sms.text);
        }
        let ticket = format!(" {count} ");
        ensure!(sms.text.contains(&ticket), "the SMS does not name ticket {count}: {}", sms.text);
        Ok(self.teller.screen.tell(Who::Shopper, &format!("gets an SMS: {}", sms.text))?)
    }
}

/// Somebody was told exactly this.
pub(super) fn heard(hand: &Hand<'_>, expected: &[&str]) -> anyhow::Result<()> {
    let (who, told) = (hand.who().name(), hand.told());
    ensure!(told == expected, "{who} heard {told:?} instead of {expected:?}");
    Ok(())
}

/// Whoever dialled knew that it rang at the other side.
pub(super) fn rang(caller: &Hand<'_>) -> anyhow::Result<()> {
    ensure!(caller.has_rung(), "{} did not hear it ring", caller.who().name());
    Ok(())
}

/// A dealer who was not answered heard what any operator would say, and nothing else.
pub(super) fn noticed_nothing(dealer: &Hand<'_>, ended: Option<(u16, &str)>) -> anyhow::Result<()> {
    rang(dealer)?;
    heard(dealer, &["Volaný účastník není momentálně dostupný. Zavolejte prosím později."])?;
    ensure!(!dealer.is_answered(), "the dealer was answered, and charged");
    ensure!(ended.is_none() || dealer.ended() == ended, "the dealer's call: {:?}", dealer.ended());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fakeswitch::{Config, Invite, Switch};

    use super::*;
    use crate::demo::{
        OUTBOUND,
        people::Teller,
        screen::{Screen, WIDTH},
        words::Words,
    };

    #[tokio::test]
    async fn who_did_not_hear_it_ring_is_named() {
        // There is no exchange, so nobody's phone rings.
        let switch = Switch::start(Config::default()).await.unwrap();
        let (mut out, words) = (Vec::new(), Words::read().unwrap());
        let screen = Screen::new(&mut out, false, || WIDTH);
        let teller = Teller { screen: &screen, words: &words };
        let jana = switch.call(Invite::new(SHOPPER, OUTBOUND));
        let mut jana = teller.dials(Who::Shopper, jana, "the hotline").unwrap();
        let over = tokio::time::timeout(Duration::from_secs(20), jana.hears_the_end()).await;
        over.unwrap().unwrap();
        switch.stop().await;
        assert_eq!(rang(&jana).unwrap_err().to_string(), "Jana did not hear it ring");
    }
}
