//! What a call comes to when it is over: its outcome, and what becomes of tickets.

use jiff::Timestamp;

use crate::{
    destination::Refusal,
    history::History,
    model::{Outcome, PairingId, Service, ShopperId, TicketId, TicketStatus},
    number::PhoneNumber,
};

/// The result of a call.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The word for the list of calls.
    pub outcome: Outcome,
    /// When the talk began.
    pub answered_at: Option<Timestamp>,
    /// What the call means to tickets.
    pub effect: Effect,
}

/// What a call means to tickets and SMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// A dealer called back and was missed: a ticket is opened or counts one more, and an SMS is
    /// queued. A withheld number gives the SMS alone.
    Missed(Missed),
    /// The two talked: their open ticket closes.
    Talked(Talked),
}

/// A missed callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// Who was called.
    pub shopper: ShopperId,
    /// The pairing that was called.
    pub pairing: PairingId,
    /// The number the dealer called.
    pub fictitious_number: PhoneNumber,
    /// Who called; `None` when withheld.
    pub dealer: Option<PhoneNumber>,
}

/// A talk that may close a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talked {
    /// The shopper.
    pub shopper: ShopperId,
    /// The number the dealer knows.
    pub fictitious_number: PhoneNumber,
    /// The dealer; `None` when withheld, which closes nothing.
    pub dealer: Option<PhoneNumber>,
    /// The ticket that was being returned, if any.
    pub ticket: Option<TicketId>,
    /// How the ticket closes.
    pub status: TicketStatus,
}

/// Derives what a call came to. It needs nothing but the history, so a dealer who gives up while
/// it rings, a controller that loses the switch and an orderly end all come out the same way.
#[must_use]
pub fn settle(history: &History) -> Settlement {
    let Some(last) = history.legs.last() else {
        let outcome = if history.refusal.is_some() { Outcome::Refused } else { Outcome::Abandoned };
        return Settlement { outcome, answered_at: None, effect: Effect::None };
    };
    // Without a recording nobody was rung. The dealer is not to blame, and one who calls back is
    // missed all the same.
    let not_dialled = history.refusal == Some(Refusal::NotRecordable)
        && history.service != Service::FictitiousNumber
        && last.answered_at.is_none();
    let outcome = if not_dialled { Outcome::Refused } else { last.outcome() };
    let effect = match history.shopper {
        Some(shopper) if outcome == Outcome::Answered => Effect::Talked(Talked {
            shopper,
            fictitious_number: last.dial.pairing.fictitious_number.clone(),
            dealer: last.dial.dealer.clone(),
            ticket: last.dial.ticket,
            status: match history.service {
                Service::CallbackHotline => TicketStatus::CalledBack,
                Service::OutboundHotline | Service::FictitiousNumber => TicketStatus::Reached,
            },
        }),
        Some(shopper) if history.service == Service::FictitiousNumber => Effect::Missed(Missed {
            shopper,
            pairing: last.dial.pairing.id,
            fictitious_number: last.dial.pairing.fictitious_number.clone(),
            dealer: last.dial.dealer.clone(),
        }),
        Some(_) | None => Effect::None,
    };
    Settlement { outcome, answered_at: last.answered_at, effect }
}
