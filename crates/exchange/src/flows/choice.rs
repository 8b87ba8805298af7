//! One out of several, by a small number: a fictitious number by its ID, a ticket by its number.

use super::{
    TRIES, ahead_of_next,
    entry::{ask, read_and_ask},
};
use crate::{
    call::{Ahead, Call, HungUp},
    destination::Refusal,
    model::Language,
    prompt::{Clip, Prompt, small_number},
};

/// Times the list is read in one call: a caller who asks for it over and over is only listening.
const READINGS: u32 = 10;
/// One more than the longest number: FreeSWITCH ends an entry with its last digit and keeps the
/// `#` after it for the next one.
const MAX_KEYS: u8 = 4;

/// What is said around a choice.
pub(super) struct Choice<'a> {
    pub(super) language: Language,
    /// Asks for the number.
    pub(super) question: Clip,
    /// Said before it is asked the first time.
    pub(super) opening: Option<Prompt>,
    /// Reads out what there is, in pieces.
    pub(super) listing: &'a (dyn Fn() -> Vec<Prompt> + Sync),
    /// What a number is that is not among them.
    pub(super) wrong: Refusal,
}

/// Asks which. `0#` reads them all and asks again; keys typed over the reading count as the
/// answer. A [`Refusal`]: what was wrong the last time of too many.
pub(super) async fn choose<'a, T>(
    call: &mut Call,
    choice: Choice<'_>,
    items: &'a [T],
    number: impl Fn(&T) -> u16,
) -> Result<Result<&'a T, Refusal>, HungUp> {
    let Choice { language, question, opening, listing, wrong } = choice;
    let question = Prompt::clip(language, question);
    let opening = opening.map_or_else(|| question.clone(), |said| said.join(question.clone()));
    let mut entered = ask(call, opening, Ahead::Counts, &question, MAX_KEYS).await?;
    let (mut tries, mut readings) = (0, 0);
    loop {
        let refusal = match entered.as_ref().map(small_number) {
            Some(Some(0)) if readings < READINGS => {
                readings += 1;
                entered = read_and_ask(call, listing(), &question, MAX_KEYS).await?;
                continue;
            }
            Some(keyed) => {
                if let Some(chosen) = items.iter().find(|item| Some(number(item)) == keyed) {
                    return Ok(Ok(chosen));
                }
                wrong
            }
            None => Refusal::NothingEntered,
        };
        call.refused(refusal).await?;
        tries += 1;
        if tries == TRIES {
            return Ok(Err(refusal));
        }
        let prompt = Prompt::clip(language, refusal.clip()).pause().join(question.clone());
        entered = ask(call, prompt, ahead_of_next(refusal), &question, MAX_KEYS).await?;
    }
}
