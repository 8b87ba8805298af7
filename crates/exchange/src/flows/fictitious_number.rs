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
    let Some(assignment) = assignment else {
        call.refused(Refusal::UnpairedNumber).await?;
        return call.hangup(Cause::UnallocatedNumber).await;
    };
    // Their own phone is off the hook, and a ticket would tell the shopper to call themselves.
    if dealer == Some(&assignment.shopper.phone) {
        call.refused(Refusal::OwnPairing).await?;
        return call.hangup(Cause::UserBusy).await;
    }

    let failure = match call.connect(dial_shopper(assignment, dealer, rules)).await? {
        Dialled::Talked => return Ok(()),
        Dialled::Failed(failure) => failure,
        Dialled::Refused(_) | Dialled::NotRecordable => Failure::Unreachable,
    };
    call.play(Prompt::clip(rules.language, Clip::NotAvailable)).await?;
    call.hangup(failure.as_cause()).await
}

/// The leg that rings the shopper when a dealer calls back.
#[must_use]
pub fn dial_shopper(assignment: &Assignment, dealer: Option<&PhoneNumber>, rules: &Rules) -> Dial {
    Dial {
        to: assignment.shopper.phone.clone(),
        shown: rules.callback_hotline.clone(),
        pairing: assignment.pairing.clone(),
        dealer: dealer.cloned(),
        direction: Direction::Back,
        ticket: None,
    }
}
