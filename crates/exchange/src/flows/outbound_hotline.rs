//! Service 1: a shopper calls out under one of their fictitious numbers.

use super::{
    TRIES,
    entry::{ask, read_and_ask},
    give_up, turn_away,
    welcome::welcome,
};
use crate::{
    call::{Call, Dial, Dialled, Direction, HungUp},
    cause::Cause,
    destination::{self, Refusal},
    facts::{Rules, ShopperFacts},
    model::{Pairing, PairingNumber},
    number::PhoneNumber,
    prompt::{Clip, Prompt, pairing_listing, small_number},
};

/// Calls that a shopper may make without dialling the hotline anew.
const CALLS: u32 = 3;
/// Times the list of fictitious numbers is read in one call.
const READINGS: u32 = 10;
/// One more than the longest ID: FreeSWITCH ends an entry with its last digit and keeps the `#`
/// after it for the next one.
const MAX_ID_KEYS: u8 = 4;
/// `00`, a country code and a number have 17 digits; what is longer is no number.
const MAX_DIGITS: u8 = 18;

/// Runs the outbound hotline.
///
/// # Errors
/// [`HungUp`], when the shopper hung up or the two have talked.
pub async fn outbound_hotline(
    call: &mut Call,
    rules: &Rules,
    facts: Option<&ShopperFacts>,
) -> Result<(), HungUp> {
    let Some(facts) = welcome(call, rules, facts).await? else { return Ok(()) };
    let language = facts.shopper.language;

    let pairing = match facts.pairings.as_slice() {
        [] => return turn_away(call, language, Refusal::NoPairing).await,
        [only] => only,
        several => match choose(call, rules, facts, several).await? {
            Ok(chosen) => chosen,
            Err(refusal) => return give_up(call, language, refusal).await,
        },
    };

    let mut opening = Prompt::clip(language, Clip::EnterDestination);
    for call_number in 1..=CALLS {
        let told = match dial(call, rules, facts, pairing, opening).await? {
            Err(refusal) => return give_up(call, language, refusal).await,
            Ok(Dialled::Talked) => return Ok(()),
            Ok(Dialled::Failed(failure)) => failure.clip(),
            Ok(Dialled::Refused(refusal)) => return turn_away(call, language, refusal).await,
            Ok(Dialled::NotRecordable) => {
                return turn_away(call, language, Refusal::NotRecordable).await;
            }
        };
        let told = Prompt::clip(language, told).pause();
        if call_number == CALLS {
            call.play(told.then(Clip::Goodbye)).await?;
            break;
        }
        opening = told.then(Clip::EnterAnother);
    }
    call.hangup(Cause::NormalClearing).await
}

/// Asks for the ID of a fictitious number. `0#` reads them all and asks again; keys typed over
/// the reading count as the answer. A [`Refusal`]: what was wrong the last time of too many.
async fn choose<'a>(
    call: &mut Call,
    rules: &Rules,
    facts: &ShopperFacts,
    pairings: &'a [Pairing],
) -> Result<Result<&'a Pairing, Refusal>, HungUp> {
    let language = facts.shopper.language;
    let question = Prompt::clip(language, Clip::EnterId);
    let mut entered = ask(call, question.clone(), &question, MAX_ID_KEYS).await?;
    let (mut wrong, mut readings) = (0, 0);
    loop {
        let refusal = match entered.as_ref().map(small_number) {
            // A caller who asks for the list over and over is only listening to it.
            Some(Some(0)) if readings < READINGS => {
                readings += 1;
                let entries = pairings.iter().map(|p| (p.number, &p.fictitious_number));
                let listing = pairing_listing(language, rules.country, entries);
                entered = read_and_ask(call, listing, &question, MAX_ID_KEYS).await?;
                continue;
            }
            Some(keyed) => {
                let id = keyed.and_then(PairingNumber::new);
                if let Some(chosen) = pairings.iter().find(|pairing| Some(pairing.number) == id) {
                    return Ok(Ok(chosen));
                }
                Refusal::WrongId
            }
            None => Refusal::NothingEntered,
        };
        call.refused(refusal).await?;
        wrong += 1;
        if wrong == TRIES {
            return Ok(Err(refusal));
        }
        let prompt = Prompt::clip(language, refusal.clip()).pause().join(question.clone());
        entered = ask(call, prompt, &question, MAX_ID_KEYS).await?;
    }
}

/// Asks for a destination until one may be called, and calls it. A [`Refusal`]: what was wrong
/// the last time of too many.
async fn dial(
    call: &mut Call,
    rules: &Rules,
    facts: &ShopperFacts,
    pairing: &Pairing,
    opening: Prompt,
) -> Result<Result<Dialled, Refusal>, HungUp> {
    let language = facts.shopper.language;
    let question = Prompt::clip(language, Clip::EnterDestination);
    let mut prompt = opening;
    let mut tries = 0;
    loop {
        let refusal = match ask(call, prompt, &question, MAX_DIGITS).await? {
            None => Refusal::NothingEntered,
            Some(digits) => {
                match destination::check(digits.as_str(), &facts.shopper.phone, rules) {
                    Err(refusal) => refusal,
                    Ok(to) => {
                        let dialled = call.connect(dial_dealer(to, pairing)).await?;
                        // Only the store knows every fictitious number.
                        if dialled != Dialled::Refused(Refusal::ExchangeNumber) {
                            return Ok(Ok(dialled));
                        }
                        Refusal::ExchangeNumber
                    }
                }
            }
        };
        call.refused(refusal).await?;
        tries += 1;
        if tries == TRIES {
            return Ok(Err(refusal));
        }
        prompt = Prompt::clip(language, refusal.clip()).pause().join(question.clone());
    }
}

fn dial_dealer(to: PhoneNumber, pairing: &Pairing) -> Dial {
    Dial {
        dealer: Some(to.clone()),
        to,
        shown: pairing.fictitious_number.clone(),
        pairing: pairing.clone(),
        direction: Direction::Out,
        ticket: None,
    }
}
