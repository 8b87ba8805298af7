//! The manual's story, played and checked: whatever comes out otherwise than told is an error.

mod checks;

use std::time::Duration;

use anyhow::Context as _;
use exchange::model::Language;
use fakeswitch::Invite;

use checks::{heard, noticed_nothing, rang};

use super::{
    BANK, CALLBACK, FIRST, GARAGE, OUTBOUND, SECOND, SHOPPER,
    hand::Hand,
    house::House,
    people::{RINGING, Teller},
    proof::Expected,
    screen::Who,
    words::spaced,
};

/// A practised shopper does not listen to the end.
const ENOUGH: Duration = Duration::from_millis(1500);

pub(super) struct Story<'a> {
    pub(super) house: &'a mut House,
    pub(super) teller: Teller<'a>,
    pub(super) language: Language,
}

impl<'a> Story<'a> {
    pub(super) async fn play(mut self) -> anyhow::Result<()> {
        self.begins().await?;
        self.calls_out().await.context("chapter 1")?;
        self.misses_the_garage().await.context("chapter 2")?;
        self.misses_the_bank().await.context("chapter 3")?;
        self.calls_the_bank_back().await.context("chapter 4")?;
        self.answers_the_garage().await.context("chapter 5")?;
        self.house.check_books().await.context("what was stored")
    }

    async fn begins(&self) -> anyhow::Result<()> {
        self.teller
            .screen
            .heading("Jana Nováková becomes a shopper: ustredna import shoppers.csv")?;
        self.teller.screen.block(&self.house.import().await?)?;
        let phones = [
            ("Jana's own phone", SHOPPER),
            ("her fictitious number 1", FIRST),
            ("her fictitious number 2", SECOND),
            ("a garage", GARAGE),
            ("a bank", BANK),
            ("the outbound hotline", OUTBOUND),
            ("the callback hotline", CALLBACK),
        ];
        let lines = phones.map(|(whose, number)| format!("  {whose:<24} {}", spaced(number)));
        Ok(self.teller.screen.block(&format!("\n{}", lines.join("\n")))?)
    }

    async fn calls_out(&mut self) -> anyhow::Result<()> {
        self.teller.screen.heading("1. Jana calls the garage under her second number")?;
        let mut jana = self.jana_dials(OUTBOUND, "the outbound hotline")?;
        let teller = self.teller;
        let shopper = async {
            jana.hears("enter-id").await?;
            jana.listens(ENOUGH).await?;
            jana.keys("0#").await?;
            jana.hears("listing-id").await?;
            // The list has been read, and it is asked again.
            jana.hears("enter-id").await?;
            jana.listens(ENOUGH).await?;
            jana.keys("2#").await?;
            jana.hears("enter-destination").await?;
            jana.listens(ENOUGH).await?;
            jana.keys(&format!("{}#", GARAGE.replacen("+420", "", 1))).await?;
            jana.talks_first().await?;
            jana.hangs_up()?;
            jana.hears_the_end().await?;
            Ok(jana)
        };
        let garage = teller.answers(&mut self.house.garage, Who::Garage, SECOND);
        let (jana, garage) = tokio::try_join!(shopper, garage)?;
        let (id, number) = match self.language {
            Language::Czech => ("ID", "číslo"),
            Language::English => ("ID", "number"),
        };
        let listed =
            |shown: u8, fictitious| format!("{id} {shown} {number} {}", spaced(fictitious));
        let (first, second) = (listed(1, FIRST), listed(2, SECOND));
        let [which, whom] = self.prompts(["enter-id", "enter-destination"])?;
        rang(&jana)?;
        heard(&jana, &[which, &first, &second, which, whom])?;
        heard(&garage, &[])?;
        self.is_stored(Expected {
            count: 1,
            service: "outbound_hotline",
            outcome: "answered",
            fictitious: SECOND,
            dealer: GARAGE,
            ticket: None,
            talked: jana.talked(),
        })
        .await
    }

    async fn misses_the_garage(&mut self) -> anyhow::Result<()> {
        self.teller.screen.heading("2. The garage calls back, and Jana does not answer")?;
        let mut garage = self.dealer_dials(Who::Garage, GARAGE, SECOND)?;
        let teller = self.teller;
        let dealer = async {
            garage.hears_the_end().await?;
            Ok(garage)
        };
        let shopper = async {
            let mut jana = teller.rings(&mut self.house.shopper, Who::Shopper, CALLBACK).await?;
            jana.hears_the_end().await
        };
        let (garage, ()) = tokio::try_join!(dealer, shopper)?;
        noticed_nothing(&garage, Some((480, "NO_ANSWER")))?;
        self.is_stored(Expected {
            count: 2,
            service: "fictitious_number",
            outcome: "no_answer",
            fictitious: SECOND,
            dealer: GARAGE,
            ticket: Some(1),
            talked: None,
        })
        .await?;
        self.sms_comes(1, GARAGE, SECOND).await
    }

    async fn misses_the_bank(&mut self) -> anyhow::Result<()> {
        self.teller.screen.heading("3. A bank calls her first number while she cannot talk")?;
        let mut bank = self.dealer_dials(Who::Bank, BANK, FIRST)?;
        let teller = self.teller;
        let dealer = async {
            bank.hears("not-available").await?;
            bank.listens(ENOUGH).await?;
            bank.hangs_up()?;
            bank.hears_the_end().await?;
            Ok(bank)
        };
        let shopper = async {
            let mut jana = teller.rings(&mut self.house.shopper, Who::Shopper, CALLBACK).await?;
            jana.listens(RINGING).await?;
            jana.rejects(486, "presses “busy”")?;
            jana.hears_the_end().await
        };
        let (bank, ()) = tokio::try_join!(dealer, shopper)?;
        noticed_nothing(&bank, None)?;
        self.is_stored(Expected {
            count: 3,
            service: "fictitious_number",
            outcome: "busy",
            fictitious: FIRST,
            dealer: BANK,
            ticket: Some(2),
            talked: None,
        })
        .await?;
        self.sms_comes(2, BANK, FIRST).await
    }

    async fn calls_the_bank_back(&mut self) -> anyhow::Result<()> {
        self.teller.screen.heading("4. Jana returns the second missed call: 2, as the SMS says")?;
        let mut jana = self.jana_dials(CALLBACK, "the callback hotline")?;
        let teller = self.teller;
        let shopper = async {
            jana.hears("enter-ticket").await?;
            jana.listens(ENOUGH).await?;
            jana.keys("2#").await?;
            jana.talks_first().await?;
            jana.hangs_up()?;
            jana.hears_the_end().await?;
            Ok(jana)
        };
        let bank = teller.answers(&mut self.house.bank, Who::Bank, FIRST);
        let (jana, bank) = tokio::try_join!(shopper, bank)?;
        let count = match self.language {
            Language::Czech => "Máte 2 nevyřízené hovory",
            Language::English => "You have 2 missed calls",
        };
        let [which] = self.prompts(["enter-ticket"])?;
        rang(&jana)?;
        heard(&jana, &[count, which])?;
        heard(&bank, &[])?;
        self.is_stored(Expected {
            count: 4,
            service: "callback_hotline",
            outcome: "answered",
            fictitious: FIRST,
            dealer: BANK,
            ticket: Some(2),
            talked: jana.talked(),
        })
        .await
    }

    async fn answers_the_garage(&mut self) -> anyhow::Result<()> {
        self.teller.screen.heading("5. The garage calls once more, and Jana answers")?;
        let mut garage = self.dealer_dials(Who::Garage, GARAGE, SECOND)?;
        let teller = self.teller;
        let dealer = async {
            garage.talks_first().await?;
            garage.hangs_up()?;
            garage.hears_the_end().await?;
            Ok(garage)
        };
        let jana = teller.answers(&mut self.house.shopper, Who::Shopper, CALLBACK);
        let (garage, _) = tokio::try_join!(dealer, jana)?;
        rang(&garage)?;
        heard(&garage, &[])?;
        self.is_stored(Expected {
            count: 5,
            service: "fictitious_number",
            outcome: "answered",
            fictitious: SECOND,
            dealer: GARAGE,
            ticket: Some(1),
            talked: garage.talked(),
        })
        .await
    }

    /// What the shopper is told by these sound files.
    fn prompts<const N: usize>(&self, names: [&str; N]) -> anyhow::Result<[&'a str; N]> {
        let mut said = [""; N];
        for (said, name) in said.iter_mut().zip(names) {
            let words = self.teller.words.said(name, self.language);
            *said = words.with_context(|| format!("there is no prompt {name}"))?;
        }
        Ok(said)
    }

    fn jana_dials(&self, hotline: &str, what: &str) -> anyhow::Result<Hand<'a>> {
        let phone = self.house.switch.call(Invite::new(SHOPPER, hotline));
        self.teller.dials(Who::Shopper, phone, &format!("{}, {what}", spaced(hotline)))
    }

    fn dealer_dials(&self, who: Who, from: &str, to: &str) -> anyhow::Result<Hand<'a>> {
        let phone = self.house.switch.call(Invite::new(from, to));
        self.teller.dials(who, phone, &spaced(to))
    }
}
