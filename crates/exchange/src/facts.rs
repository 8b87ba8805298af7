//! What a flow knows before it starts: read from the store once, when the call comes in.

use crate::{
    destination::DialPolicy,
    model::{OpenTicket, Pairing, Shopper},
    number::{Country, PhoneNumber},
};

/// The settings a flow goes by, the same for every call.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The number shoppers dial to call out.
    pub outbound_hotline: PhoneNumber,
    /// The number shoppers see when a dealer calls back, and dial to return a missed call.
    pub callback_hotline: PhoneNumber,
    /// The country whose numbers need no country code.
    pub country: Country,
    /// What dealers and unknown callers hear.
    pub language: crate::model::Language,
    /// Which destinations may be called.
    pub policy: DialPolicy,
}

impl Rules {
    /// Whether this is one of the two numbers that shoppers dial.
    #[must_use]
    pub fn is_hotline(&self, number: &PhoneNumber) -> bool {
        *number == self.outbound_hotline || *number == self.callback_hotline
    }
}

/// What is known of a shopper who calls a hotline.
#[derive(Debug, Clone)]
pub struct ShopperFacts {
    /// The shopper.
    pub shopper: Shopper,
    /// Whether too many wrong PINs have locked the shopper out for now.
    pub pin_locked: bool,
    /// The active pairings, by their number.
    pub pairings: Vec<Pairing>,
    /// The open tickets whose pairing is active, by their number.
    pub tickets: Vec<OpenTicket>,
    /// There are more pairings, which cannot be read: the only one left need not be the one meant.
    pub unread_pairings: bool,
    /// There are more open tickets, which cannot be read.
    pub unread_tickets: bool,
}

/// Whom a fictitious number belongs to just now.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The shopper to ring.
    pub shopper: Shopper,
    /// The pairing, which is active.
    pub pairing: Pairing,
}
