//! Service 3: a shopper returns a missed call.

use super::{
    choice::{Choice, choose},
    give_up, turn_away,
    welcome::welcome,
};
use crate::{
    call::{Call, Dial, Dialled, Direction, HungUp},
    cause::Cause,
    destination::{self, Refusal},
    facts::{Rules, ShopperFacts},
    model::OpenTicket,
    prompt::{Clip, Prompt, missed_calls, ticket_listing},
};

/// Runs the callback hotline.
///
/// # Errors
/// [`HungUp`], when the shopper hung up or the two have talked.
pub async fn callback_hotline(
    call: &mut Call,
    rules: &Rules,
    facts: Option<&ShopperFacts>,
) -> Result<(), HungUp> {
    let Some(facts) = welcome(call, rules, facts).await? else { return Ok(()) };
    let language = facts.shopper.language;

    let ticket = match facts.tickets.as_slice() {
        [] => return turn_away(call, language, Refusal::NoTicket).await,
        [only] if !facts.unread_tickets => {
            call.play(Prompt::clip(language, Clip::OneMissedCall)).await?;
            only
        }
        several => {
            let entries = || several.iter().map(|ticket| (ticket.number, &ticket.dealer));
            let choice = Choice {
                language,
                question: Clip::EnterTicket,
                opening: Some(missed_calls(language, several.len()).pause()),
                listing: &|| ticket_listing(language, rules.country, entries()),
                wrong: Refusal::WrongTicket,
            };
            match choose(call, choice, several, |ticket| ticket.number.value().into()).await? {
                Ok(chosen) => chosen,
                Err(refusal) => return give_up(call, language, refusal).await,
            }
        }
    };

    // Whoever called may have shown any number, a premium-rate one for instance.
    if let Err(refusal) = destination::check_callback(&ticket.dealer, &facts.shopper.phone, rules) {
        return turn_away(call, language, refusal).await;
    }
    match call.connect(dial_back(ticket)).await? {
        Dialled::Talked => Ok(()),
        Dialled::Failed(failure) => {
            call.play(Prompt::clip(language, failure.clip())).await?;
            call.hangup(Cause::NormalClearing).await
        }
        Dialled::Refused(refusal) => turn_away(call, language, refusal).await,
        Dialled::NotRecordable => turn_away(call, language, Refusal::NotRecordable).await,
    }
}

fn dial_back(ticket: &OpenTicket) -> Dial {
    Dial {
        to: ticket.dealer.clone(),
        shown: ticket.pairing.fictitious_number.clone(),
        pairing: ticket.pairing.clone(),
        dealer: Some(ticket.dealer.clone()),
        direction: Direction::Return,
        ticket: Some(ticket.id),
    }
}
