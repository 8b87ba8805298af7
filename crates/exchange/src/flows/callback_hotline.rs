//! Service 3: a shopper returns a missed call.

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
    model::OpenTicket,
    prompt::{Clip, Prompt, missed_calls, small_number, ticket_listing},
    ticket::TicketNumber,
};

/// Times the list of tickets is read in one call.
const READINGS: u32 = 10;

/// More than the longest ticket number, so that its `#` is not left for the next entry.
const MAX_TICKET_KEYS: u8 = 4;

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
        [only] => {
            call.play(Prompt::clip(language, Clip::OneMissedCall)).await?;
            only
        }
        several => match choose(call, rules, facts, several).await? {
            Ok(chosen) => chosen,
            Err(refusal) => return give_up(call, language, refusal).await,
        },
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

/// Says how many calls were missed and asks which to return; `0#` reads them. A
/// [`Refusal`]: what was wrong the last time of too many.
async fn choose<'a>(
    call: &mut Call,
    rules: &Rules,
    facts: &ShopperFacts,
    tickets: &'a [OpenTicket],
) -> Result<Result<&'a OpenTicket, Refusal>, HungUp> {
    let language = facts.shopper.language;
    let question = Prompt::clip(language, Clip::EnterTicket);
    let opening = missed_calls(language, tickets.len()).pause().join(question.clone());
    let mut entered = ask(call, opening, &question, MAX_TICKET_KEYS).await?;
    let (mut wrong, mut readings) = (0, 0);
    loop {
        let refusal = match entered.as_ref().map(small_number) {
            Some(Some(0)) if readings < READINGS => {
                readings += 1;
                let entries = tickets.iter().map(|ticket| (ticket.number, &ticket.dealer));
                let listing = ticket_listing(language, rules.country, entries);
                entered = read_and_ask(call, listing, &question, MAX_TICKET_KEYS).await?;
                continue;
            }
            Some(keyed) => {
                let number =
                    keyed.and_then(|keyed| u8::try_from(keyed).ok()).and_then(TicketNumber::new);
                if let Some(chosen) = tickets.iter().find(|ticket| Some(ticket.number) == number) {
                    return Ok(Ok(chosen));
                }
                Refusal::WrongTicket
            }
            None => Refusal::NothingEntered,
        };
        call.refused(refusal).await?;
        wrong += 1;
        if wrong == TRIES {
            return Ok(Err(refusal));
        }
        let prompt = Prompt::clip(language, refusal.clip()).pause().join(question.clone());
        entered = ask(call, prompt, &question, MAX_TICKET_KEYS).await?;
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
