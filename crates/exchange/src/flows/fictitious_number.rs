//! Service 2: a dealer calls a fictitious number, and the shopper's phone rings.
//!
//! The dealer must notice nothing: until the shopper answers they hear plain ringing, unanswered
//! and uncharged; if the shopper is not reached, what any operator would say.

use crate::{
    call::{Call, Dial, Dialled, Direction, HungUp},
    cause::{Cause, Failure},
    destination::Refusal,
    facts::{Assignment, Rules},
    number::PhoneNumber,
    prompt::{Clip, Prompt},
};

/// Runs a call to a fictitious number. `dealer` is `None` when they withheld their number.
///
/// # Errors
/// [`HungUp`], when the dealer hung up or the two have talked. A dealer who gives up while it
/// rings is a missed call all the same: the driver's history holds the leg.
pub async fn fictitious_number(
    call: &mut Call,
    rules: &Rules,
    assignment: Option<&Assignment>,
    dealer: Option<&PhoneNumber>,
) -> Result<(), HungUp> {
    let Some(Assignment { shopper, pairing }) = assignment else {
        call.refused(Refusal::UnpairedNumber).await?;
        return call.hangup(Cause::UnallocatedNumber).await;
    };
    // Their own phone is off the hook, and a ticket would tell the shopper to call themselves.
    if dealer == Some(&shopper.phone) {
        call.refused(Refusal::OwnPairing).await?;
        return call.hangup(Cause::UserBusy).await;
    }

    let dial = Dial {
        to: shopper.phone.clone(),
        shown: rules.callback_hotline.clone(),
        pairing: pairing.clone(),
        dealer: dealer.cloned(),
        direction: Direction::Back,
        ticket: None,
    };
    let failure = match call.connect(dial).await? {
        Dialled::Talked => return Ok(()),
        Dialled::Failed(failure) => failure,
        Dialled::Refused(_) | Dialled::NotRecordable => Failure::Unreachable,
    };
    call.play(Prompt::clip(rules.language, Clip::NotAvailable)).await?;
    call.hangup(failure.as_cause()).await
}
