//! How both hotlines begin: who is calling, and are they who they seem.

use super::{TRIES, ahead_of_next, entry::ask, give_up, turn_away};
use crate::{
    call::{Ahead, Call, HungUp},
    destination::Refusal,
    facts::{Rules, ShopperFacts},
    prompt::{Clip, Prompt},
};

/// One more than the longest PIN, so that its `#` is not left for the next entry.
const MAX_PIN_KEYS: u8 = 9;

/// Answers the caller and recognises the shopper. `None`: the call has been ended.
pub(super) async fn welcome<'a>(
    call: &mut Call,
    rules: &Rules,
    facts: Option<&'a ShopperFacts>,
) -> Result<Option<&'a ShopperFacts>, HungUp> {
    call.answer().await?;
    let Some(facts) = facts else {
        turn_away(call, rules.language, Refusal::UnknownCaller).await?;
        return Ok(None);
    };
    if !facts.shopper.active {
        turn_away(call, facts.shopper.language, Refusal::InactiveShopper).await?;
        return Ok(None);
    }
    Ok(check_pin(call, facts).await?.then_some(facts))
}

/// Asks for the PIN, if the shopper has one. `false`: the call has been ended.
async fn check_pin(call: &mut Call, facts: &ShopperFacts) -> Result<bool, HungUp> {
    let Some(pin) = &facts.shopper.pin else { return Ok(true) };
    let language = facts.shopper.language;
    if facts.pin_locked {
        turn_away(call, language, Refusal::PinLocked).await?;
        return Ok(false);
    }
    let question = Prompt::clip(language, Clip::EnterPin);
    let mut silences = 0;
    let (mut prompt, mut ahead) = (question.clone(), Ahead::Counts);
    loop {
        if let Some(digits) = ask(call, prompt, ahead, &question, MAX_PIN_KEYS).await? {
            let right = pin.matches(digits.as_str());
            let locked = call.pin_tried(right).await?;
            if right && !locked {
                return Ok(true);
            }
            call.refused(Refusal::WrongPin).await?;
            if locked {
                turn_away(call, language, Refusal::PinLocked).await?;
                return Ok(false);
            }
            prompt = Prompt::clip(language, Clip::WrongPin).join(question.clone());
            ahead = ahead_of_next(Refusal::WrongPin);
        } else {
            // A silence is no guess, but nobody is waited for without end.
            silences += 1;
            if silences == TRIES {
                call.refused(Refusal::NothingEntered).await?;
                give_up(call, language, Refusal::NothingEntered).await?;
                return Ok(false);
            }
            prompt = Prompt::clip(language, Clip::NothingEntered).join(question.clone());
            ahead = ahead_of_next(Refusal::NothingEntered);
        }
    }
}
