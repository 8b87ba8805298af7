//! The three services, each readable beside the manual.

mod callback_hotline;
mod choice;
mod entry;
mod fictitious_number;
mod outbound_hotline;
mod welcome;

pub use callback_hotline::callback_hotline;
pub use fictitious_number::{dial_shopper, fictitious_number};
pub use outbound_hotline::outbound_hotline;

use crate::{
    call::{Ahead, Call, HungUp},
    cause::{Cause, Failure},
    destination::Refusal,
    facts::Rules,
    model::Language,
    prompt::{Clip, Prompt},
};

/// Wrong entries in a row before the call ends.
const TRIES: u32 = 3;

/// Tells a shopper why the exchange cannot help, and ends the call.
async fn turn_away(call: &mut Call, language: Language, refusal: Refusal) -> Result<(), HungUp> {
    call.refused(refusal).await?;
    call.play(Prompt::clip(language, refusal.clip())).await?;
    call.hangup(Cause::NormalClearing).await
}

/// What becomes of keys from before a question that is asked again. Where something wrong was keyed,
/// what was typed ahead behind it answers another question, and must use up no further try. Where
/// nothing was, the caller may be keying just now.
fn ahead_of_next(refusal: Refusal) -> Ahead {
    if refusal == Refusal::NothingEntered { Ahead::Counts } else { Ahead::Forgotten }
}

/// Ends a call in which too much was keyed wrong, saying what was wrong last: somebody who keyed
/// 112 three times must hear that it is dialled directly.
async fn give_up(call: &mut Call, language: Language, last: Refusal) -> Result<(), HungUp> {
    call.play(Prompt::clip(language, last.clip()).pause().then(Clip::TooManyAttempts)).await?;
    call.hangup(Cause::NormalClearing).await
}

/// Refuses a call that the exchange cannot serve just now (overload, an unreadable store):
/// unanswered and unexplained, since a dealer may be calling.
///
/// # Errors
/// [`HungUp`], when the caller was quicker.
pub async fn unavailable(call: &mut Call, refusal: Refusal) -> Result<(), HungUp> {
    call.refused(refusal).await?;
    call.hangup(Cause::SwitchCongestion).await
}

/// Turns a caller of a hotline away whose facts cannot be read: nobody knows whose phone it is, but no
/// dealer's.
///
/// # Errors
/// [`HungUp`], when the caller was quicker.
pub async fn unreadable(call: &mut Call, rules: &Rules) -> Result<(), HungUp> {
    call.answer().await?;
    turn_away(call, rules.language, Refusal::Unavailable).await
}

/// Refuses a call that the exchange itself has made: unanswered, since a dealer may be on it, and as
/// busy as the phone is that was to be rung.
///
/// # Errors
/// [`HungUp`], when the caller was quicker.
pub async fn forwarded(call: &mut Call) -> Result<(), HungUp> {
    call.refused(Refusal::Forwarded).await?;
    call.hangup(Cause::UserBusy).await
}

/// Refuses a call to a number that the exchange does not have.
///
/// # Errors
/// [`HungUp`], when the caller was quicker.
pub async fn unknown_number(call: &mut Call) -> Result<(), HungUp> {
    call.refused(Refusal::UnknownNumber).await?;
    call.hangup(Cause::UnallocatedNumber).await
}

impl Failure {
    /// The phrase that tells a shopper of it.
    fn clip(self) -> Clip {
        match self {
            Self::Busy => Clip::DealerBusy,
            Self::NoAnswer => Clip::DealerNoAnswer,
            Self::Rejected => Clip::DealerRejected,
            Self::Unallocated => Clip::DealerUnallocated,
            Self::Unreachable => Clip::DealerUnreachable,
        }
    }
}

#[cfg(test)]
mod explorer;
#[cfg(test)]
mod tests;
