//! Gateways: where a message leaves the house.

use std::fmt;

mod spool;

pub use spool::{SpoolError, SpoolGateway};

/// Digits of the shortest and the longest number taken.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// One short message. `Debug` shows neither number nor text.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Names the message for good, so that a gateway can tell a second attempt from a second message:
    /// 1 to 64 of `[A-Za-z0-9-]`.
    pub id: String,
    /// The recipient, E.164 with `+`.
    pub to: String,
    /// What it says.
    pub text: String,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Message {
    /// Refuses what no gateway can send.
    fn check(&self) -> Result<(), SendError> {
        let id_fits = (1..=64).contains(&self.id.len())
            && self.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !id_fits {
            return Err(SendError::Permanent("the id is not 1 to 64 of A-Z a-z 0-9 -".into()));
        }
        let digits = self.to.strip_prefix('+').unwrap_or_default();
        if !DIGITS.contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(SendError::Permanent("the recipient is not an E.164 number".into()));
        }
        if self.text.is_empty() {
            return Err(SendError::Permanent("the text is empty".into()));
        }
        Ok(())
    }
}

/// What became of a message that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The gateway has it.
    Accepted,
    /// The gateway had it already from an earlier attempt; nothing was sent again.
    AlreadyAccepted,
}

/// Why a message was not taken. The reasons name neither number nor text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Another attempt may succeed.
    #[error("not sent for now: {0}")]
    Temporary(String),
    /// No attempt will.
    #[error("cannot be sent: {0}")]
    Permanent(String),
}
