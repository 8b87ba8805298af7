//! Gateways: where a message leaves the house.

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;

mod http;
mod net;
mod report;
mod setting;
mod smpp;
mod spool;

pub use http::{
    Answer, Basic, HttpGateway, HttpSettings, HttpSettingsError, Method, NumberForm, OAuth, Pick,
    PickError, Rule,
};
pub use report::{Clues, HttpReports, Report, ReportError, Reports};
pub use setting::Span;
pub use smpp::{
    IdForm, LongForm, Receipt, ReceiptError, SmppGateway, SmppSettings, SmppSettingsError,
};
pub use spool::{SpoolError, SpoolForm, SpoolGateway};

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
    /// When it was handed over, RFC 3339; for people who look into the spool folder.
    pub created_at: String,
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

/// The gateway has the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// What the provider calls it; a [`Report`] comes under this name. `None`: the provider told none,
    /// and nothing will be heard of the delivery.
    pub provider_id: Option<String>,
    /// The same of each part before the last, if it went in parts of which each has a name.
    pub earlier_parts: Vec<Option<String>>,
    /// It had the message already from an earlier attempt; nothing was sent again.
    pub again: bool,
}

/// Why a message was not taken, or why nobody knows. The reasons name neither number nor text nor secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Nothing was taken; another attempt may succeed.
    #[error("not sent for now: {0}")]
    Temporary(String),
    /// Nothing was taken, and the provider wants fewer messages a second.
    #[error("not sent for now: {why}")]
    Throttled {
        /// How long to send nothing at all, if the provider said so.
        after: Option<Duration>,
        /// The provider's answer.
        why: String,
    },
    /// Nothing was taken, and no attempt will do.
    #[error("cannot be sent: {0}")]
    Permanent(String),
    /// The request left the house and no answer came: the message may have been taken. Sent again under
    /// the same id, it is one message to a provider that knows ids, and may be two to any other.
    #[error("not known whether sent: {0}")]
    Unknown(String),
}

/// What [`Gateway::check`] found.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The spool folder is not fit for use.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// No connection comes about.
    #[error("{place}: {why}")]
    Unreachable {
        /// Host and port.
        place: String,
        /// What the system or the other side said.
        why: String,
    },
    /// There is somebody, who wants nothing of us.
    #[error("{place} refuses: {why}")]
    Refused {
        /// Host and port.
        place: String,
        /// The answer, without secrets.
        why: String,
    },
}

/// Who takes messages.
pub trait Gateway: Send + Sync {
    /// Finds out what can be known without sending anything; takes no longer than the set timeouts.
    ///
    /// # Errors
    /// See [`CheckError`].
    fn check(&self) -> BoxFuture<'_, Result<(), CheckError>>;

    /// Makes one attempt.
    ///
    /// Many may be under way at once. Dropped half-way, an attempt has an unknown fate.
    ///
    /// # Errors
    /// See [`SendError`].
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Accepted, SendError>>;
}
