//! What has happened in a call so far: kept by the driver, so that a hang-up at any point loses
//! nothing.

use jiff::{SignedDuration, Timestamp};

use crate::{
    call::{Dial, Direction},
    cause::Failure,
    destination::Refusal,
    model::{CallId, LegId, Outcome, Service, ShopperId},
    number::PhoneNumber,
    recording::RecordingPath,
};

/// A call to the exchange, from its arrival on.
#[derive(Debug, Clone)]
pub struct History {
    /// The call.
    pub id: CallId,
    /// The service it called.
    pub service: Service,
    /// When it arrived.
    pub started_at: Timestamp,
    /// How far the switch's clock was ahead of ours then: nothing, unless one of the two was set.
    pub switch_ahead: SignedDuration,
    /// Who called, unless withheld; for operators, since nobody else knows a stranger.
    pub caller: Option<PhoneNumber>,
    /// The shopper on either side, as soon as known.
    pub shopper: Option<ShopperId>,
    /// For a call to a fictitious number: that number.
    pub called_number: Option<PhoneNumber>,
    /// For a call to a fictitious number: the dealer, unless withheld.
    pub calling_dealer: Option<PhoneNumber>,
    /// What was refused last.
    pub refusal: Option<Refusal>,
    /// The dialled legs, in order.
    pub legs: Vec<Leg>,
}

/// A leg that was dialled.
#[derive(Debug, Clone)]
pub struct Leg {
    /// The leg's channel UUID.
    pub id: LegId,
    /// Whom, and for which pairing.
    pub dial: Dial,
    /// Where its recording lies.
    pub recording: RecordingPath,
    /// When dialling began.
    pub started_at: Timestamp,
    /// When the callee answered.
    pub answered_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Why it was not answered, once known.
    pub failure: Option<Failure>,
    /// FreeSWITCH's name for how it ended.
    pub cause: Option<String>,
}

impl Leg {
    /// The word for what became of it. A leg neither answered nor failed was given up by the
    /// caller.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match (self.answered_at, self.failure) {
            (Some(_), _) => Outcome::Answered,
            (None, Some(failure)) => failure.outcome(),
            (None, None) => Outcome::Abandoned,
        }
    }
}

impl Direction {
    /// The direction of a service's dialled legs.
    #[must_use]
    pub fn of(service: Service) -> Self {
        match service {
            Service::OutboundHotline => Self::Out,
            Service::CallbackHotline => Self::Return,
            Service::FictitiousNumber => Self::Back,
        }
    }
}

impl History {
    /// A call that has just arrived.
    #[must_use]
    pub fn new(id: CallId, service: Service, started_at: Timestamp) -> Self {
        Self {
            id,
            service,
            started_at,
            switch_ahead: SignedDuration::ZERO,
            caller: None,
            shopper: None,
            called_number: None,
            calling_dealer: None,
            refusal: None,
            legs: Vec::new(),
        }
    }

    /// The last moment that is known of it.
    #[must_use]
    pub fn latest(&self) -> Timestamp {
        let of_leg = |leg: &Leg| {
            leg.ended_at.or(leg.answered_at).unwrap_or(leg.started_at).max(leg.started_at)
        };
        self.legs.iter().map(of_leg).fold(self.started_at, Timestamp::max)
    }
}
