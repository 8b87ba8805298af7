//! What messages say unless the operator sets other texts.

use super::Kind;

/// Languages that have default texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// Czech.
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
    /// The default text, to be read by [`Template::parse`](super::Template::parse); one segment
    /// whatever is put in when sent as [`Charset::Gsm7`](crate::Charset::Gsm7), else up to two.
    #[must_use]
    pub fn default_text(self, language: Language) -> &'static str {
        match (language, self) {
            (Language::Czech, Self::Missed) => {
                "Zmeškaný hovor č. {ticket} od {dealer} na Vaše číslo {number} ({time}). Volejte zpět {hotline}."
            }
            (Language::Czech, Self::MissedUnnumbered) => {
                "Zmeškaný hovor od {dealer} na Vaše číslo {number} ({time}). Přes ústřednu zpět zavolat nelze."
            }
            (Language::Czech, Self::Withheld) => {
                "Zmeškaný hovor ze skrytého čísla na Vaše číslo {number} ({time})."
            }
            (Language::Czech, Self::Digest) => {
                "{more} na Vaše číslo {numbers}. Volejte zpět {hotline}."
            }
            (Language::Czech, Self::DigestWithheld) => {
                "{more} na Vaše číslo {numbers}. Přes ústřednu zpět zavolat nelze."
            }
            (Language::English, Self::Digest) => {
                "{more} to your number {numbers}. Call back on {hotline}."
            }
            (Language::English, Self::DigestWithheld) => {
                "{more} to your number {numbers}. They cannot be returned."
            }
            (Language::English, Self::Missed) => {
                "Missed call no. {ticket} from {dealer} to your number {number} ({time}). Call back on {hotline}."
            }
            (Language::English, Self::MissedUnnumbered) => {
                "Missed call from {dealer} to your number {number} ({time}). It cannot be returned through the exchange."
            }
            (Language::English, Self::Withheld) => {
                "Missed call from a withheld number to your number {number} ({time})."
            }
        }
    }
}
