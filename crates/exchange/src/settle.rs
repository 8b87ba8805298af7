//! What a call comes to when it is over: its outcome, and what becomes of tickets.

use jiff::Timestamp;

use crate::{
    destination::{self, Refusal},
    facts::Rules,
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
    /// queued. A number that is withheld or may not be called gives the SMS alone.
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
    /// The shopper's phone that was to ring.
    pub phone: PhoneNumber,
    /// Why the shopper may not call the dealer, see [`Settlement::checked`].
    pub refusal: Option<Refusal>,
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
            phone: last.dial.to.clone(),
            refusal: None,
        }),
        Some(_) | None => Effect::None,
    };
    Settlement { outcome, answered_at: last.answered_at, effect }
}

impl Settlement {
    /// With the destination check of a missed call's return: a ticket that could never be returned
    /// must not be opened. Whether the caller's number is one of the exchange's own fictitious ones
    /// only the store knows.
    #[must_use]
    pub fn checked(mut self, rules: &Rules) -> Self {
        if let Effect::Missed(missed) = &mut self.effect
            && let Some(dealer) = &missed.dealer
        {
            missed.refusal = destination::check_callback(dealer, &missed.phone, rules).err();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{destination::DialPolicy, model::Language};

    fn number(text: &str) -> PhoneNumber {
        PhoneNumber::from_e164(text).unwrap()
    }

    /// Whether the shopper may call somebody back who showed this number.
    fn refusal(dealer: Option<&str>) -> Option<Refusal> {
        let rules = Rules {
            outbound_hotline: number("+420234234399"),
            callback_hotline: number("+420234234390"),
            country: "CZ".parse().unwrap(),
            language: Language::Czech,
            policy: DialPolicy { deny: vec!["+420608".to_owned()], ..DialPolicy::default() },
        };
        let missed = Missed {
            shopper: ShopperId(Uuid::nil()),
            pairing: PairingId(Uuid::nil()),
            fictitious_number: number("+420777000111"),
            dealer: dealer.map(number),
            phone: number("+420601123456"),
            refusal: None,
        };
        let effect = Effect::Missed(missed);
        let settlement = Settlement { outcome: Outcome::Busy, answered_at: None, effect };
        let Effect::Missed(missed) = settlement.checked(&rules).effect else { panic!() };
        missed.refusal
    }

    #[test]
    fn a_missed_call_may_be_returned_where_the_hotline_would_call() {
        for (dealer, expected) in [
            ("+420234567890", None),
            ("+420800123456", None),
            ("+4930901820", Some(Refusal::International)),
            ("+420906471147", Some(Refusal::PremiumRate)),
            ("+420608999888", Some(Refusal::Forbidden)),
            ("+420234234399", Some(Refusal::ExchangeNumber)),
            ("+420234234390", Some(Refusal::ExchangeNumber)),
            ("+420601123456", Some(Refusal::OwnNumber)),
        ] {
            assert_eq!(refusal(Some(dealer)), expected, "{dealer}");
        }
        assert_eq!(refusal(None), None);
    }
}
