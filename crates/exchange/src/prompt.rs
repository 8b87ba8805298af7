//! What callers hear: typed values turned into a chain of sound files.
//!
//! FreeSWITCH has no Czech `say` module, so a sentence is a list of files played one after
//! another (`file_string://a.wav!b.wav`, mod_dptools.c, at most [`MAX_PARTS`] of them).

use crate::{
    call::Digits,
    destination::Refusal,
    model::{Language, PairingNumber, words},
    number::{Country, PhoneNumber},
    ticket::TicketNumber,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

use crate::model::UnknownWord;

/// The most files in one chain: `file_string_file_open` splits into 128 (mod_dptools.c).
pub const MAX_PARTS: usize = 120;

words! {
    /// A recorded phrase: `<prompts>/<language>/<word>.wav`.
    Clip {
        /// Asks for the ID of a fictitious number.
        EnterId = "enter-id",
        /// The ID is none of the shopper's.
        WrongId = "wrong-id",
        /// "ID", before a number.
        ListingId = "listing-id",
        /// "number", before digits.
        ListingNumber = "listing-number",
        /// Asks for the destination.
        EnterDestination = "enter-destination",
        /// Offers another destination.
        EnterAnother = "enter-another",
        /// Nothing was keyed.
        NothingEntered = "nothing-entered",
        /// No valid number.
        InvalidNumber = "invalid-number",
        /// Emergency and short numbers are dialled directly.
        EmergencyNumber = "emergency-number",
        /// Premium-rate numbers are not called.
        PremiumNumber = "premium-number",
        /// Numbers abroad are not called.
        InternationalNumber = "international-number",
        /// A number of the exchange itself.
        OwnExchangeNumber = "own-exchange-number",
        /// The shopper's own number.
        OwnPhoneNumber = "own-phone-number",
        /// An operator's rule forbids it.
        ForbiddenNumber = "forbidden-number",
        /// Today's calls are used up.
        LimitCallsDay = "limit-calls-day",
        /// Today's minutes are used up.
        LimitMinutesDay = "limit-minutes-day",
        /// Too many calls at once.
        LimitConcurrent = "limit-concurrent",
        /// The caller is not known.
        UnknownCaller = "unknown-caller",
        /// The shopper has no fictitious number.
        NoNumberAssigned = "no-number-assigned",
        /// Asks for the PIN.
        EnterPin = "enter-pin",
        /// The PIN was wrong.
        WrongPin = "wrong-pin",
        /// Too many wrong PINs.
        PinLocked = "pin-locked",
        /// The called number is busy.
        DealerBusy = "dealer-busy",
        /// The called number does not answer.
        DealerNoAnswer = "dealer-no-answer",
        /// The called number refused.
        DealerRejected = "dealer-rejected",
        /// The called number cannot be reached.
        DealerUnreachable = "dealer-unreachable",
        /// The called number does not exist.
        DealerUnallocated = "dealer-unallocated",
        /// Too many failed tries; the call ends.
        TooManyAttempts = "too-many-attempts",
        /// A farewell.
        Goodbye = "goodbye",
        /// There is no missed call.
        NoMissedCalls = "no-missed-calls",
        /// There is one missed call, and it is being returned.
        OneMissedCall = "one-missed-call",
        /// "You have", before a count.
        YouHave = "you-have",
        /// After a count of one.
        MissedCallsOne = "missed-calls-one",
        /// After two, three, four.
        MissedCallsFew = "missed-calls-few",
        /// After five and more.
        MissedCallsMany = "missed-calls-many",
        /// Asks for the ticket number.
        EnterTicket = "enter-ticket",
        /// The ticket number is none of the open ones.
        WrongTicket = "wrong-ticket",
        /// "call number", before a number.
        ListingTicket = "listing-ticket",
        /// "from", before digits.
        ListingFrom = "listing-from",
        /// What a dealer hears when the shopper was not reached. Any operator might say it.
        NotAvailable = "not-available",
        /// What anybody hears when no controller answers; played by the dialplan.
        Apology = "apology",
        /// Calls cannot be made just now.
        CallsNotPossible = "calls-not-possible",
        /// "plus".
        Plus = "plus",
    }
}

/// The numbers that have a recording of their own; the others are put together.
const SPOKEN: [u8; 28] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 30, 40, 50, 60, 70,
    80, 90,
];

/// The names (without `.wav`) of every file a language's folder must hold.
pub fn files() -> impl Iterator<Item = String> {
    Clip::ALL
        .iter()
        .map(|clip| clip.as_str().to_owned())
        .chain(SPOKEN.iter().map(|number| format!("number-{number}")))
}

/// Which form of a noun a Czech uses after a count: 1 hovor, 2 hovory, 5 hovorů.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plural {
    /// After 1.
    One,
    /// After 2, 3, 4.
    Few,
    /// After 0, and from 5 on.
    Many,
}

impl Plural {
    /// The form after `count`. Compound numerals (22 hovorů) take the genitive plural.
    #[must_use]
    pub fn of(count: usize) -> Self {
        match count {
            1 => Self::One,
            2..=4 => Self::Few,
            _ => Self::Many,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Clip(Clip),
    Number(u8),
    /// Milliseconds of silence.
    Pause(u16),
}

/// A sentence: what is played, in one language.
#[derive(Clone, PartialEq, Eq)]
pub struct Prompt {
    language: Language,
    parts: Vec<Part>,
}

/// Shows the phrases but never a number that is read out.
impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.language.as_str())?;
        for part in &self.parts {
            if let Part::Clip(clip) = part {
                write!(f, " {clip}")?;
            }
        }
        Ok(())
    }
}

impl Prompt {
    /// Silence, to which phrases are added.
    #[must_use]
    pub fn new(language: Language) -> Self {
        Self { language, parts: Vec::new() }
    }

    /// One phrase.
    #[must_use]
    pub fn clip(language: Language, clip: Clip) -> Self {
        Self::new(language).then(clip)
    }

    /// Adds a phrase.
    #[must_use]
    pub fn then(mut self, clip: Clip) -> Self {
        self.parts.push(Part::Clip(clip));
        self
    }

    /// Adds a short silence.
    #[must_use]
    pub fn pause(mut self) -> Self {
        self.parts.push(Part::Pause(400));
        self
    }

    /// Adds everything another prompt says.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// Adds a counting number of 0 to 999, in words.
    #[must_use]
    pub fn number(mut self, number: u16) -> Self {
        // Three digits are read one by one: nobody has a hundred numbers to tell apart by words.
        let Ok(number @ 0..=99) = u8::try_from(number) else {
            return self.digits(&number.to_string());
        };
        if SPOKEN.contains(&number) {
            self.parts.push(Part::Number(number));
        } else {
            self.parts.extend([Part::Number(number / 10 * 10), Part::Number(number % 10)]);
        }
        self
    }

    fn digits(mut self, digits: &str) -> Self {
        for (index, digit) in digits.bytes().filter(u8::is_ascii_digit).enumerate() {
            if index > 0 && index % 3 == 0 {
                self.parts.push(Part::Pause(250));
            }
            self.parts.push(Part::Number(digit - b'0'));
        }
        self
    }

    /// Adds a telephone number, digit by digit in groups of three; `country`'s own numbers
    /// without their country code.
    #[must_use]
    pub fn phone(self, number: &PhoneNumber, country: Country) -> Self {
        match number.spoken(country) {
            (false, digits) => self.digits(digits),
            (true, digits) => self.then(Clip::Plus).digits(digits),
        }
    }

    /// Whether nothing would be heard.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// How many files and silences it is.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// The phrases in it, in order.
    pub fn clips(&self) -> impl Iterator<Item = Clip> {
        self.parts.iter().filter_map(|part| match part {
            Part::Clip(clip) => Some(*clip),
            Part::Number(_) | Part::Pause(_) => None,
        })
    }

    /// The numbers read out, in order: the digits of a phone number one by one.
    pub fn numbers(&self) -> impl Iterator<Item = u8> {
        self.parts.iter().filter_map(|part| match part {
            Part::Number(number) => Some(*number),
            Part::Clip(_) | Part::Pause(_) => None,
        })
    }

    /// The argument for `playback` and `play_and_get_digits`, with the files below `dir` as
    /// FreeSWITCH sees it: one path, or a `file_string://` chain.
    #[must_use]
    pub fn chain(&self, dir: &str) -> String {
        let language = self.language;
        let files: Vec<String> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Clip(clip) => format!("{dir}/{language}/{clip}.wav"),
                Part::Number(number) => format!("{dir}/{language}/number-{number}.wav"),
                Part::Pause(ms) => format!("silence_stream://{ms}"),
            })
            .collect();
        match files.as_slice() {
            [only] => only.clone(),
            several => format!("file_string://{}", several.join("!")),
        }
    }
}

/// "ID 2, number 777 000 111", once for each pairing; split so that each chain is short enough
/// and leaves room for the question after it.
#[must_use]
pub fn pairing_listing<'a>(
    language: Language,
    country: Country,
    entries: impl IntoIterator<Item = (PairingNumber, &'a PhoneNumber)>,
) -> Vec<Prompt> {
    chunks(
        language,
        entries.into_iter().map(|(id, number)| {
            Prompt::clip(language, Clip::ListingId)
                .number(id.value())
                .then(Clip::ListingNumber)
                .phone(number, country)
                .pause()
        }),
    )
}

/// "Call number 2 from 234 567 890", once for each ticket, split likewise.
#[must_use]
pub fn ticket_listing<'a>(
    language: Language,
    country: Country,
    entries: impl IntoIterator<Item = (TicketNumber, &'a PhoneNumber)>,
) -> Vec<Prompt> {
    chunks(
        language,
        entries.into_iter().map(|(ticket, dealer)| {
            Prompt::clip(language, Clip::ListingTicket)
                .number(u16::from(ticket.value()))
                .then(Clip::ListingFrom)
                .phone(dealer, country)
                .pause()
        }),
    )
}

fn chunks(language: Language, entries: impl Iterator<Item = Prompt>) -> Vec<Prompt> {
    let mut chunks: Vec<Prompt> = Vec::new();
    for entry in entries {
        match chunks.last_mut() {
            Some(chunk) if chunk.len() + entry.len() < MAX_PARTS - 10 => {
                chunk.parts.extend(entry.parts);
            }
            _ => chunks.push(Prompt::new(language).join(entry)),
        }
    }
    chunks
}

/// "You have two missed calls."
#[must_use]
pub fn missed_calls(language: Language, count: usize) -> Prompt {
    let noun = match Plural::of(count) {
        Plural::One => Clip::MissedCallsOne,
        Plural::Few => Clip::MissedCallsFew,
        Plural::Many => Clip::MissedCallsMany,
    };
    Prompt::clip(language, Clip::YouHave)
        .number(u16::try_from(count).unwrap_or(u16::MAX))
        .then(noun)
}

impl Refusal {
    /// The phrase that tells a shopper of this refusal.
    #[must_use]
    pub fn clip(self) -> Clip {
        match self {
            Self::UnknownCaller | Self::InactiveShopper => Clip::UnknownCaller,
            Self::PinLocked => Clip::PinLocked,
            Self::WrongPin => Clip::WrongPin,
            Self::NoPairing => Clip::NoNumberAssigned,
            Self::WrongId => Clip::WrongId,
            Self::WrongTicket => Clip::WrongTicket,
            Self::NoTicket => Clip::NoMissedCalls,
            Self::NothingEntered => Clip::NothingEntered,
            Self::InvalidNumber => Clip::InvalidNumber,
            Self::EmergencyOrShort => Clip::EmergencyNumber,
            Self::PremiumRate => Clip::PremiumNumber,
            Self::International => Clip::InternationalNumber,
            Self::ExchangeNumber => Clip::OwnExchangeNumber,
            Self::OwnNumber => Clip::OwnPhoneNumber,
            Self::Forbidden => Clip::ForbiddenNumber,
            Self::CallsPerDay => Clip::LimitCallsDay,
            Self::MinutesPerDay => Clip::LimitMinutesDay,
            Self::CallsAtOnce => Clip::LimitConcurrent,
            Self::NotRecordable | Self::Unavailable | Self::Overload => Clip::CallsNotPossible,
            Self::UnpairedNumber | Self::UnknownNumber | Self::OwnPairing | Self::Forwarded => {
                Clip::NotAvailable
            }
        }
    }
}

/// What the caller keyed, as a number of at most three digits.
#[must_use]
pub fn small_number(digits: &Digits) -> Option<u16> {
    if digits.as_str().len() > 3 { None } else { digits.as_str().parse().ok() }
}

#[cfg(test)]
mod tests;
