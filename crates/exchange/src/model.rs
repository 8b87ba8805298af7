//! The nouns of the exchange: shoppers, fictitious numbers, pairings, and the words for what
//! became of a call.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::number::PhoneNumber;

macro_rules! text_ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

text_ids! {
    /// A call to the exchange: the UUID FreeSWITCH gave its channel, so that logs, CDR files,
    /// recordings and rows are found by one word. A call handed on to a second controller keeps it.
    CallId;
    /// One dialled leg of a call: the UUID the exchange gives the outgoing channel.
    LegId;
    /// A shopper's row (UUIDv7).
    ShopperId;
    /// A pairing's row (UUIDv7); people key its [`PairingNumber`].
    PairingId;
    /// A ticket's row (UUIDv7); people key its [`TicketNumber`](crate::ticket::TicketNumber).
    TicketId;
    /// An SMS in the outbox (UUIDv7).
    SmsId;
}

/// Writes an enum whose values are fixed words in the database and in JSON.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// Every value, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word that stands for it in the database and in JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord { word: text.to_owned(), allowed: &[$($word),+] }),
                }
            }
        }
    };
}
pub(crate) use words;

/// A word that is none of the allowed ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not one of {}", allowed.join(", "))]
pub struct UnknownWord {
    /// What was given.
    pub word: String,
    /// What is allowed.
    pub allowed: &'static [&'static str],
}

words! {
    /// The language of prompts.
    Language {
        /// Czech.
        Czech = "cs",
        /// English.
        English = "en",
    }
}

words! {
    /// Which of the three services a call used.
    Service {
        /// A shopper calls out.
        OutboundHotline = "outbound_hotline",
        /// A shopper returns a missed call.
        CallbackHotline = "callback_hotline",
        /// A dealer calls back.
        FictitiousNumber = "fictitious_number",
    }
}

words! {
    /// What became of a call, or of one dialled leg.
    Outcome {
        /// The two sides talked.
        Answered = "answered",
        /// The phone rang until the time was over.
        NoAnswer = "no_answer",
        /// The phone was busy.
        Busy = "busy",
        /// The callee refused the call.
        Rejected = "rejected",
        /// The network could not reach the phone, or the number is not in service.
        Unreachable = "unreachable",
        /// The caller hung up before anybody answered.
        Abandoned = "abandoned",
        /// The exchange refused: unknown caller, no pairing, a number that may not be called.
        Refused = "refused",
    }
}

words! {
    /// The state of a ticket.
    TicketStatus {
        /// Waiting for the shopper.
        Open = "open",
        /// The shopper called back through the callback hotline.
        CalledBack = "called_back",
        /// They talked some other way.
        Reached = "reached",
        /// Nobody called back in time.
        Expired = "expired",
        /// The pairing ended first.
        Cancelled = "cancelled",
    }
}

words! {
    /// The state of an SMS in the outbox.
    SmsStatus {
        /// Waiting for its time or for another try.
        Queued = "queued",
        /// Taken by a worker.
        Sending = "sending",
        /// The gateway took it.
        Sent = "sent",
        /// The phone has it.
        Delivered = "delivered",
        /// Given up.
        Failed = "failed",
        /// Not needed any more: the ticket closed first.
        Skipped = "skipped",
    }
}

/// The small number under which a shopper keys a fictitious number: 1 to 999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PairingNumber(u16);

impl PairingNumber {
    /// The number, unless it is outside 1 to 999.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        (1..=999).contains(&number).then_some(Self(number))
    }

    /// 1 to 999.
    #[must_use]
    pub fn value(self) -> u16 {
        self.0
    }
}

impl fmt::Display for PairingNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A person known by their real phone number.
#[derive(Debug, Clone)]
pub struct Shopper {
    /// The row.
    pub id: ShopperId,
    /// The real phone number. It never reaches a dealer.
    pub phone: PhoneNumber,
    /// The language of this shopper's prompts.
    pub language: Language,
    /// Whether the shopper may use the exchange.
    pub active: bool,
    /// The PIN asked on the hotlines, if one is set.
    pub pin: Option<crate::pin::Pin>,
}

/// A fictitious number given to a shopper, for a project and a time.
#[derive(Debug, Clone)]
pub struct Pairing {
    /// The row.
    pub id: PairingId,
    /// What the shopper keys.
    pub number: PairingNumber,
    /// The number that dealers see.
    pub fictitious_number: PhoneNumber,
    /// The project, if one was named.
    pub project: Option<String>,
}

/// A missed callback waiting for the shopper.
#[derive(Debug, Clone)]
pub struct OpenTicket {
    /// The row.
    pub id: TicketId,
    /// What the SMS tells and the shopper keys.
    pub number: crate::ticket::TicketNumber,
    /// Who called.
    pub dealer: PhoneNumber,
    /// The pairing they called, which is active.
    pub pairing: Pairing,
    /// When they called last.
    pub last_missed_at: Timestamp,
}
