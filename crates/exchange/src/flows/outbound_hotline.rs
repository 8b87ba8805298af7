//! Service 1: a shopper calls out under one of their fictitious numbers.

use super::{
    TRIES, ahead_of_next,
    choice::{Choice, choose},
    entry::ask,
    give_up, turn_away,
    welcome::welcome,
};
use crate::{
    call::{Ahead, Call, Dial, Dialled, Direction, HungUp},
    cause::Cause,
    destination::{self, Refusal},
    facts::{Rules, ShopperFacts},
    model::Pairing,
    number::PhoneNumber,
    prompt::{Clip, Prompt, pairing_listing},
};

/// Calls that a shopper may make without dialling the hotline anew.
const CALLS: u32 = 3;
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
        [only] if !facts.unread_pairings => only,
        several => {
            let entries = || several.iter().map(|p| (p.number, &p.fictitious_number));
            let choice = Choice {
                language,
                question: Clip::EnterId,
                opening: None,
                listing: &|| pairing_listing(language, rules.country, entries()),
                wrong: Refusal::WrongId,
            };
            match choose(call, choice, several, |pairing| pairing.number.value()).await? {
                Ok(chosen) => chosen,
                Err(refusal) => return give_up(call, language, refusal).await,
            }
        }
    };

    let mut opening = (Prompt::clip(language, Clip::EnterDestination), Ahead::Counts);
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
        // What was keyed while it rang was meant for the dealer.
        opening = (told.then(Clip::EnterAnother), Ahead::Forgotten);
    }
    call.hangup(Cause::NormalClearing).await
}

/// Asks for a destination until one may be called, and calls it. A [`Refusal`]: what was wrong
/// the last time of too many.
async fn dial(
    call: &mut Call,
    rules: &Rules,
    facts: &ShopperFacts,
    pairing: &Pairing,
    opening: (Prompt, Ahead),
) -> Result<Result<Dialled, Refusal>, HungUp> {
    let language = facts.shopper.language;
    let question = Prompt::clip(language, Clip::EnterDestination);
    let (mut prompt, mut ahead) = opening;
    let mut tries = 0;
    loop {
        let refusal = match ask(call, prompt, ahead, &question, MAX_DIGITS).await? {
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
        ahead = ahead_of_next(refusal);
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
