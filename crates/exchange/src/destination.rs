//! The destination check: which numbers a shopper may call.

use crate::{
    facts::Rules,
    model::words,
    number::{Country, NumberError, PhoneNumber},
    plan,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

use crate::model::UnknownWord;

words! {
    /// Why the exchange refused something; told to the caller, logged and kept with the call.
    Refusal {
        /// The caller is no shopper, or withheld their number.
        UnknownCaller = "unknown_caller",
        /// The shopper is switched off.
        InactiveShopper = "inactive_shopper",
        /// Too many wrong PINs.
        PinLocked = "pin_locked",
        /// A wrong PIN.
        WrongPin = "wrong_pin",
        /// The shopper has no active pairing.
        NoPairing = "no_pairing",
        /// The keyed ID is none of the shopper's.
        WrongId = "wrong_id",
        /// The keyed ticket number is none of the shopper's open ones.
        WrongTicket = "wrong_ticket",
        /// There is no open ticket.
        NoTicket = "no_ticket",
        /// The called fictitious number is not paired.
        UnpairedNumber = "unpaired_number",
        /// The called number is none of the exchange's.
        UnknownNumber = "unknown_number",
        /// The shopper called their own fictitious number.
        OwnPairing = "own_pairing",
        /// The exchange's own call came back to it: a phone that it rang is forwarded to one of its
        /// numbers.
        Forwarded = "forwarded_to_exchange",
        /// Nothing was keyed.
        NothingEntered = "nothing_entered",
        /// No valid number.
        InvalidNumber = "invalid_number",
        /// An emergency or short number: it must be dialled directly.
        EmergencyOrShort = "emergency_or_short",
        /// A premium-rate or shared-cost number.
        PremiumRate = "premium_rate",
        /// A number abroad, which is not allowed.
        International = "international",
        /// A hotline or fictitious number of the exchange.
        ExchangeNumber = "exchange_number",
        /// The shopper's own number.
        OwnNumber = "own_number",
        /// An operator's prefix list forbids it.
        Forbidden = "forbidden",
        /// The shopper's calls of today are used up.
        CallsPerDay = "calls_per_day",
        /// The shopper's minutes of today are used up.
        MinutesPerDay = "minutes_per_day",
        /// The shopper has too many calls at once.
        CallsAtOnce = "calls_at_once",
        /// The recording could not be started.
        NotRecordable = "not_recordable",
        /// The exchange carries as many calls as it may.
        Overload = "overload",
        /// The state could not be read or written.
        Unavailable = "unavailable",
    }
}

/// An operator's rules on destinations.
#[derive(Debug, Clone, Default)]
pub struct DialPolicy {
    /// Whether numbers abroad may be called.
    pub international: bool,
    /// E.164 prefixes that may be called; empty: all.
    pub allow: Vec<String>,
    /// E.164 prefixes that may not be called; they win over `allow`.
    pub deny: Vec<String>,
}

/// Checks what a shopper keyed, as far as no store is needed.
///
/// # Errors
/// The [`Refusal`] to be told.
pub fn check(keyed: &str, shopper: &PhoneNumber, rules: &Rules) -> Result<PhoneNumber, Refusal> {
    if keyed.is_empty() {
        return Err(Refusal::NothingEntered);
    }
    if is_emergency_or_short(keyed, rules.country) {
        return Err(Refusal::EmergencyOrShort);
    }
    let (number, parsed) =
        PhoneNumber::read(keyed, rules.country).map_err(|error| match error {
            NumberError::Malformed | NumberError::Invalid => Refusal::InvalidNumber,
        })?;
    check_number(&number, &parsed, shopper, rules).map(|()| number)
}

/// Checks a number that is already E.164, such as a dealer's caller ID: a missed call from a
/// premium-rate number must not be returned.
///
/// # Errors
/// The [`Refusal`] to be told.
pub fn check_callback(
    number: &PhoneNumber,
    shopper: &PhoneNumber,
    rules: &Rules,
) -> Result<(), Refusal> {
    let (number, parsed) =
        PhoneNumber::read(number.as_str(), rules.country).map_err(|_| Refusal::InvalidNumber)?;
    check_number(&number, &parsed, shopper, rules)
}

/// Checks a phone that an SMS is to go to: that it costs no more than a message usually does.
///
/// # Errors
/// [`Refusal::PremiumRate`] or [`Refusal::International`] unless allowed, and
/// [`Refusal::InvalidNumber`].
pub fn check_recipient(
    number: &PhoneNumber,
    country: Country,
    premium: bool,
    foreign: bool,
) -> Result<(), Refusal> {
    let (_, parsed) =
        PhoneNumber::read(number.as_str(), country).map_err(|_| Refusal::InvalidNumber)?;
    let home = parsed.country().id() == Some(country.id());
    if !premium && plan::is_dear(&parsed, home) {
        return Err(Refusal::PremiumRate);
    }
    if !foreign && !home {
        return Err(Refusal::International);
    }
    Ok(())
}

fn check_number(
    number: &PhoneNumber,
    parsed: &phonenumber::PhoneNumber,
    shopper: &PhoneNumber,
    rules: &Rules,
) -> Result<(), Refusal> {
    if rules.is_hotline(number) {
        return Err(Refusal::ExchangeNumber);
    }
    if number == shopper {
        return Err(Refusal::OwnNumber);
    }
    let home = parsed.country().id() == Some(rules.country.id());
    if plan::is_dear(parsed, home) {
        return Err(Refusal::PremiumRate);
    }
    if !home && !rules.policy.international {
        return Err(Refusal::International);
    }
    let under = |prefixes: &[String]| {
        prefixes.iter().any(|prefix| number.digits().starts_with(prefix.trim_start_matches('+')))
    };
    let policy = &rules.policy;
    if under(&policy.deny) || (!policy.allow.is_empty() && !under(&policy.allow)) {
        return Err(Refusal::Forbidden);
    }
    Ok(())
}

/// The emergency numbers of the EU and of the Czech plan, and whatever starts with 1 there: the
/// Czech numbering plan (Decree 117/2007 Coll.) keeps the leading 1 for short numbers (112, 150,
/// 155, 156, 158, 116xxx, 12xx, 14xxx, 18x), none of which an exchange may carry for somebody
/// else. Elsewhere a number of at most six digits is no subscriber's number.
fn is_emergency_or_short(keyed: &str, country: Country) -> bool {
    const EMERGENCY: &[&str] = &["112", "150", "155", "156", "158", "911", "999", "000"];
    // `00420112` and `+420112` are the same wish.
    let home = country.calling_code();
    let digits = keyed
        .strip_prefix("00")
        .or_else(|| keyed.strip_prefix('+'))
        .and_then(|rest| rest.strip_prefix(home.as_str()))
        .filter(|rest| !rest.is_empty())
        .unwrap_or(keyed);
    if EMERGENCY.contains(&digits) {
        return true;
    }
    match digits.as_bytes().first() {
        // The plan ends where nine digits begin: 112 keyed with a slip of the hand after it is
        // still taken for 112.
        Some(b'1') if country.is_czech() => digits.len() <= 9,
        Some(b'1'..=b'9') => digits.len() <= 6 && digits.len() >= 3,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
