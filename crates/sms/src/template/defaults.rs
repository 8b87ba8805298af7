//! What messages say unless the operator sets other texts.

use super::Kind;

/// Languages that have default texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// Czech, without accents so that it fits one segment.
    Czech,
    /// English.
    English,
}

impl Language {
    /// The language of a code such as `cs` or `en`.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "cs" => Some(Self::Czech),
            "en" => Some(Self::English),
            _ => None,
        }
    }
}

impl Kind {
    /// The default text, to be read by [`Template::parse`](super::Template::parse); one GSM-7 segment
    /// whatever is put in.
    #[must_use]
    pub fn default_text(self, language: Language) -> &'static str {
        match (language, self) {
            (Language::Czech, Self::Missed) => {
                "Zmeskany hovor c. {ticket} od {dealer} na Vase cislo {number} ({time}). Volejte zpet {hotline}."
            }
            (Language::Czech, Self::MissedUnnumbered) => {
                "Zmeskany hovor od {dealer} na Vase cislo {number} ({time}). Volejte zpet {hotline}."
            }
            (Language::Czech, Self::Withheld) => {
                "Zmeskany hovor ze skryteho cisla na Vase cislo {number} ({time})."
            }
            (Language::English, Self::Missed) => {
                "Missed call no. {ticket} from {dealer} to your number {number} ({time}). Call back on {hotline}."
            }
            (Language::English, Self::MissedUnnumbered) => {
                "Missed call from {dealer} to your number {number} ({time}). Call back on {hotline}."
            }
            (Language::English, Self::Withheld) => {
                "Missed call from a withheld number to your number {number} ({time})."
            }
        }
    }
}
