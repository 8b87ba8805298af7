//! Ticket numbers: 1 to 99 and around, never one that an old SMS could still mean.

use std::fmt;

use jiff::SignedDuration;
use serde::Serialize;

/// How long a closed ticket keeps its number, so that yesterday's SMS reaches nobody wrong.
pub const NUMBER_REST: SignedDuration = SignedDuration::from_hours(24);

/// The number of a ticket: 1 to 99, per shopper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TicketNumber(u8);

impl TicketNumber {
    /// The highest number; the next after it is 1.
    pub const MAX: u8 = 99;

    /// The number, unless it is outside 1 to 99.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (1..=Self::MAX).contains(&number).then_some(Self(number))
    }

    /// 1 to 99.
    #[must_use]
    pub fn value(self) -> u8 {
        self.0
    }

    /// The number for a shopper's next ticket: the one after `last`, around after 99, leaving out
    /// the `taken` ones (open, or closed within [`NUMBER_REST`]). `None` when all 99 are taken.
    #[must_use]
    pub fn next(last: Option<Self>, taken: &[Self]) -> Option<Self> {
        let last = last.map_or(0, Self::value);
        (0..Self::MAX)
            .map(|step| Self((last + step) % Self::MAX + 1))
            .find(|number| !taken.contains(number))
    }
}

impl fmt::Display for TicketNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: &[u8]) -> Vec<TicketNumber> {
        values.iter().map(|value| TicketNumber::new(*value).unwrap()).collect()
    }

    fn next(last: u8, taken: &[u8]) -> Option<u8> {
        TicketNumber::next(TicketNumber::new(last), &numbers(taken)).map(TicketNumber::value)
    }

    #[test]
    fn counts_up_and_around() {
        assert_eq!(next(0, &[]), Some(1));
        assert_eq!(next(1, &[1]), Some(2));
        assert_eq!(next(99, &[]), Some(1));
        assert_eq!(next(98, &[99, 1]), Some(2));
    }

    #[test]
    fn gives_none_when_all_are_taken() {
        let all: Vec<u8> = (1..=99).collect();
        assert_eq!(next(7, &all), None);
        assert_eq!(next(7, &all[..98]), Some(99));
    }

    #[test]
    fn has_no_zero_and_no_hundred() {
        assert_eq!(TicketNumber::new(0), None);
        assert_eq!(TicketNumber::new(100), None);
    }
}
