//! `--interactive`: the keyboard is the shopper's phone, and a second row of it the dealer's.

use std::{io::Write, time::Duration};

use fakeswitch::{Invite, Phone, Sight};
use tokio::time::Instant;

use super::{
    BANK, CALLBACK, FIRST, GARAGE, OUTBOUND, SECOND, SHOPPER,
    hand::Hand,
    house::House,
    people::{Teller, voice},
    screen::{Screen, Who},
    terminal::{Raw, columns, keys},
    words::{Words, spaced},
};
use crate::signals::Signals;

pub(super) const HELP: [&str; 2] = [
    " you     0-9 * #   o outbound hotline  c callback hotline  a answer  h hang up",
    " garage  q calls you   w answers   e is busy   r hangs up            Esc: leave",
];
/// Keys are told together when no other follows for so long.
const PAUSE: Duration = Duration::from_millis(1200);
/// How often the spool folder is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);

const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const ESCAPE: u8 = 0x1b;

/// Plays until Esc, Ctrl-C or a signal.
pub(super) async fn play(
    house: &mut House,
    words: &Words,
    out: &mut dyn Write,
    colours: bool,
) -> anyhow::Result<()> {
    welcome(house, out).await?;
    let mut signals = Signals::new()?;
    let _raw = Raw::enter()?;
    let screen = Screen::with_footer(out, colours, columns, &HELP)?;
    let mut desk = Desk {
        house,
        teller: Teller { screen: &screen, words },
        shopper: None,
        garage: None,
        number: SECOND.to_owned(),
        keyed: String::new(),
        last_key: Instant::now(),
        messages: 0,
    };
    let mut keys = keys()?;
    loop {
        tokio::select! {
            pressed = keys.recv() => match pressed {
                Some(pressed) if desk.pressed(&pressed)? => {}
                Some(_) | None => break,
            },
            () = signals.next() => break,
            event = desk.event() => desk.happens(event?)?,
        }
    }
    // Phones that nobody holds any more hang up.
    (desk.shopper, desk.garage) = (None, None);
    desk.house.settled(None).await.map(drop)
}

async fn welcome(house: &House, out: &mut dyn Write) -> anyhow::Result<()> {
    house.import().await?;
    writeln!(out, "{}", greeting())?;
    Ok(out.flush()?)
}

fn greeting() -> String {
    let [first, second, garage, bank] = [FIRST, SECOND, GARAGE, BANK].map(spaced);
    format!(
        "You are Jana, a shopper with two fictitious numbers: {first} has the ID 1,\n\
         {second} the ID 2. Call a hotline, key what it asks for, and watch both\n\
         phones. There is a garage, {garage}, which you play too, and a bank,\n\
         {bank}, which is always busy.\n"
    )
}

/// Both phones.
struct Desk<'a> {
    house: &'a mut House,
    teller: Teller<'a>,
    shopper: Option<Hand<'a>>,
    garage: Option<Hand<'a>>,
    /// What the garage saw last, and calls back.
    number: String,
    /// Keys that have been pressed but not yet told.
    keyed: String,
    last_key: Instant,
    messages: usize,
}

enum Event {
    ShopperRings(Phone),
    GarageRings(Phone),
    BankRings(Phone),
    ShopperSees(Option<Sight>),
    GarageSees(Option<Sight>),
    Nothing,
}

/// What a phone sees next, if somebody holds it.
async fn next(hand: &mut Option<Hand<'_>>) -> anyhow::Result<Option<Sight>> {
    match hand {
        Some(hand) => hand.next().await,
        None => std::future::pending().await,
    }
}

impl Desk<'_> {
    /// Cancel-safe.
    async fn event(&mut self) -> anyhow::Result<Event> {
        Ok(tokio::select! {
            Some(phone) = self.house.shopper.recv() => Event::ShopperRings(phone),
            Some(phone) = self.house.garage.recv() => Event::GarageRings(phone),
            Some(phone) = self.house.bank.recv() => Event::BankRings(phone),
            sight = next(&mut self.shopper) => Event::ShopperSees(sight?),
            sight = next(&mut self.garage) => Event::GarageSees(sight?),
            () = tokio::time::sleep(LOOK_EVERY) => Event::Nothing,
        })
    }

    fn happens(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::ShopperRings(phone) if self.shopper.is_none() => {
                self.shopper = Some(self.teller.ringing(Who::Shopper, phone)?);
            }
            Event::GarageRings(phone) if self.garage.is_none() => {
                let hand = self.teller.ringing(Who::Garage, phone)?;
                let [number, _] = hand.shows();
                number.clone_into(&mut self.number);
                self.garage = Some(hand);
            }
            Event::ShopperRings(phone) | Event::GarageRings(phone) => phone.reject(486),
            Event::BankRings(phone) => {
                self.teller.ringing(Who::Bank, phone)?.rejects(486, "is busy")?;
            }
            Event::ShopperSees(sight) => settle(&mut self.shopper, sight.as_ref()),
            Event::GarageSees(sight) => settle(&mut self.garage, sight.as_ref()),
            Event::Nothing => {
                if self.last_key.elapsed() >= PAUSE {
                    self.tell_keys()?;
                }
                self.tell_messages()?;
            }
        }
        Ok(())
    }

    /// Whether to go on.
    fn pressed(&mut self, bytes: &[u8]) -> anyhow::Result<bool> {
        match bytes {
            [ESCAPE] => return Ok(false),
            // An arrow, or another key that is many bytes.
            [ESCAPE, ..] => return Ok(true),
            _ => {}
        }
        for byte in bytes {
            if matches!(*byte, CTRL_C | CTRL_D | ESCAPE) {
                return Ok(false);
            }
            self.key(char::from(byte.to_ascii_lowercase()))?;
        }
        Ok(true)
    }

    fn key(&mut self, key: char) -> anyhow::Result<()> {
        match key {
            '0'..='9' | '*' | '#' => {
                if let Some(shopper) = &self.shopper {
                    shopper.press(key);
                    self.keyed.push(key);
                    self.last_key = Instant::now();
                }
                let talking = self.shopper.as_ref().is_some_and(Hand::is_talking);
                if talking || matches!(key, '*' | '#') {
                    self.tell_keys()?;
                }
            }
            'o' if self.shopper.is_none() => self.dial(OUTBOUND, "the outbound hotline")?,
            'c' if self.shopper.is_none() => self.dial(CALLBACK, "the callback hotline")?,
            'a' => answer(&mut self.shopper)?,
            'h' => {
                self.tell_keys()?;
                end(&mut self.shopper, "rejects the call")?;
            }
            'q' if self.garage.is_none() => {
                let phone = self.house.switch.call(Invite::new(GARAGE, &self.number));
                let hand = self.teller.dials(Who::Garage, phone, &spaced(&self.number))?;
                self.garage = Some(hand);
            }
            'w' => answer(&mut self.garage)?,
            'e' => {
                if let Some(garage) = ringing(&mut self.garage) {
                    garage.rejects(486, "is busy")?;
                }
            }
            'r' => end(&mut self.garage, "rejects the call")?,
            _ => {}
        }
        Ok(())
    }

    fn dial(&mut self, hotline: &str, what: &str) -> anyhow::Result<()> {
        let phone = self.house.switch.call(Invite::new(SHOPPER, hotline));
        let what = format!("{}, {what}", spaced(hotline));
        self.shopper = Some(self.teller.dials(Who::Shopper, phone, &what)?);
        Ok(())
    }

    fn tell_keys(&mut self) -> anyhow::Result<()> {
        let keyed = std::mem::take(&mut self.keyed);
        if !keyed.is_empty() {
            self.teller.screen.tell(Who::Shopper, &format!("keys {}", spaced(&keyed)))?;
        }
        Ok(())
    }

    fn tell_messages(&mut self) -> anyhow::Result<()> {
        for sms in self.house.spooled()?.into_iter().skip(self.messages) {
            self.messages += 1;
            self.teller.screen.tell(Who::Shopper, &format!("gets an SMS: {}", sms.text))?;
        }
        Ok(())
    }
}

/// Both talk all the time; a phone is put down when its call is over.
fn settle(hand: &mut Option<Hand<'_>>, sight: Option<&Sight>) {
    match (&hand, sight) {
        (Some(talking), Some(Sight::Talking)) => talking.voice(Some(voice(talking.who()))),
        (Some(_), None | Some(Sight::Ended { .. })) => *hand = None,
        (None | Some(_), _) => {}
    }
}

/// A phone that rings.
fn ringing<'h, 'a>(hand: &'h mut Option<Hand<'a>>) -> Option<&'h mut Hand<'a>> {
    hand.as_mut().filter(|hand| hand.is_called() && !hand.is_answered())
}

fn answer(hand: &mut Option<Hand<'_>>) -> anyhow::Result<()> {
    ringing(hand).map_or(Ok(()), Hand::answers)
}

/// Hangs up, or does not take a call at all.
fn end(hand: &mut Option<Hand<'_>>, what: &str) -> anyhow::Result<()> {
    if let Some(ringing) = ringing(hand) {
        return ringing.rejects(603, what);
    }
    hand.as_mut().map_or(Ok(()), Hand::hangs_up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_always_shown_fits_a_terminal() {
        let greeting = greeting();
        for line in greeting.lines().chain(HELP) {
            assert!(line.chars().count() < 80, "{line}");
        }
    }
}
