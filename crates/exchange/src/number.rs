//! Telephone numbers: E.164 inside, whatever the caller keyed or the carrier wrote.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::plan;

/// A telephone number in E.164 form: `+`, then 3 to 15 digits, of which the first is no 0.
///
/// There is one way to become one, [`PhoneNumber::from_e164`]: what was parsed goes through it as
/// well, so whatever the exchange takes for a number can be stored and read again.
///
/// `Display` shows it whole, for callers and databases. `Debug`, which is what logs use, hides
/// the middle: `+420…456`.
///
/// The form is that of [ITU-T E.164]; it says nothing about whether the number is in service.
///
/// [ITU-T E.164]: https://www.itu.int/rec/T-REC-E.164
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PhoneNumber(String);

/// Why a text is not a telephone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Something other than digits, spaces, `+`, `-`, `/`, `.`, `(` and `)`.
    #[error("not a telephone number: write it as +420601123456, 00420601123456 or 601123456")]
    Malformed,
    /// Well-formed, but no number of its country's plan.
    #[error("no such number in its country's numbering plan")]
    Invalid,
}

/// Why a text is not a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a country: write two capital letters of ISO 3166-1, for example CZ")]
pub struct CountryError;

/// The country whose plan a number without `+` or `00` belongs to (ISO 3166-1 alpha-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country(phonenumber::country::Id);

impl FromStr for Country {
    type Err = CountryError;

    fn from_str(text: &str) -> Result<Self, CountryError> {
        text.parse().map(Self).map_err(|_| CountryError)
    }
}

impl Country {
    pub(crate) fn id(self) -> phonenumber::country::Id {
        self.0
    }

    /// The country's calling code, for example `420`.
    pub(crate) fn calling_code(self) -> String {
        phonenumber::metadata::DATABASE
            .by_id(self.0.as_ref())
            .map(|metadata| metadata.country_code().to_string())
            .unwrap_or_default()
    }

    pub(crate) fn is_czech(self) -> bool {
        self.0 == phonenumber::country::Id::CZ
    }
}

impl PhoneNumber {
    /// Reads a number as a person writes it or keys it: `601 123 456`, `00420601123456`,
    /// `420601123456` and `+420601123456` are the same phone in the Czech Republic.
    ///
    /// # Errors
    /// [`NumberError`], when the text is no number or the number is in no plan. Emergency and
    /// other short numbers are not E.164 and are refused here.
    pub fn parse(text: &str, country: Country) -> Result<Self, NumberError> {
        Self::read(text, country).map(|(number, _)| number)
    }

    /// The same, keeping what the `phonenumber` library read, which knows the number's type.
    pub(crate) fn read(
        text: &str,
        country: Country,
    ) -> Result<(Self, phonenumber::PhoneNumber), NumberError> {
        let mut digits = String::with_capacity(text.len());
        for (index, character) in text.trim().chars().enumerate() {
            match character {
                '0'..='9' => digits.push(character),
                '+' if index == 0 => digits.push('+'),
                ' ' | '\u{a0}' | '-' | '/' | '.' | '(' | ')' => {}
                _ => return Err(NumberError::Malformed),
            }
        }
        // The library panics or wanders on very long input; E.164 with an exit code has 17.
        if digits.len() > 20 {
            return Err(NumberError::Malformed);
        }
        if let Some(rest) = digits.strip_prefix("00") {
            digits = format!("+{rest}");
        }
        let national = Self::valid(&digits, country);
        match national {
            // `420601123456`: the country's own code without a plus.
            Err(NumberError::Invalid) if !digits.starts_with('+') => {
                Self::valid(&format!("+{digits}"), country)
                    .ok()
                    .filter(|(_, number)| number.country().id() == Some(country.id()))
                    .ok_or(NumberError::Invalid)
            }
            other => other,
        }
    }

    /// What `digits` mean at home or, after a `+`, in their own country: there the digits as they
    /// stand come first, since the library takes a 0 or 8 for a trunk prefix where there is none.
    fn valid(
        digits: &str,
        country: Country,
    ) -> Result<(Self, phonenumber::PhoneNumber), NumberError> {
        let abroad = digits.starts_with('+').then_some(None);
        let mut found = None;
        for plan in abroad.into_iter().chain([Some(country.id())]) {
            let Ok(number) = phonenumber::parse(plan, digits) else { continue };
            // `parse` accepts `112`.
            if !plan::admits(&number) {
                continue;
            }
            // Longer ones are in some countries' plans; no network takes them.
            let text = number.format().mode(phonenumber::Mode::E164).to_string();
            let Ok(text) = Self::from_e164(&text) else { continue };
            if text.as_str() == digits {
                return Ok((text, number));
            }
            found.get_or_insert((text, number));
        }
        found.ok_or(NumberError::Invalid)
    }

    /// A number already in E.164 form, as the store and the settings hold it.
    ///
    /// # Errors
    /// [`NumberError::Malformed`] unless it is `+` and 3 to 15 digits, the first no 0.
    pub fn from_e164(text: &str) -> Result<Self, NumberError> {
        match text.strip_prefix('+') {
            Some(digits)
                if (3..=15).contains(&digits.len())
                    && !digits.starts_with('0')
                    && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(NumberError::Malformed),
        }
    }

    /// `+420601123456`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `420601123456`.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.0.trim_start_matches('+')
    }

    /// The number as people of `country` say it: the national digits at home, else with the
    /// country code. The flag tells whether a `+` belongs before it.
    #[must_use]
    pub fn spoken(&self, country: Country) -> (bool, &str) {
        match self.digits().strip_prefix(country.calling_code().as_str()) {
            Some(national) if !national.is_empty() => (false, national),
            _ => (true, self.digits()),
        }
    }

    /// The number as people of `country` write it: `777000111` at home, else `+49…`.
    #[must_use]
    pub fn written(&self, country: Country) -> &str {
        match self.spoken(country) {
            (false, national) => national,
            (true, _) => self.as_str(),
        }
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Four digits in front tell the country, three behind tell numbers of one test apart.
        match (self.0.get(..4), self.0.len().checked_sub(3).and_then(|at| self.0.get(at..))) {
            (Some(head), Some(tail)) if self.0.len() > 9 => write!(f, "{head}…{tail}"),
            _ => f.write_str("+…"),
        }
    }
}

impl<'de> Deserialize<'de> for PhoneNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_e164(&text).map_err(|_| {
            serde::de::Error::invalid_value(
                serde::de::Unexpected::Str("a number in another form"),
                &"E.164, for example +420234234399",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cz() -> Country {
        "CZ".parse().unwrap()
    }

    #[test]
    fn the_same_phone_however_written() {
        for text in [
            "601 123 456",
            "601123456",
            "00420601123456",
            "420601123456",
            "+420601123456",
            "+420 601-123-456",
        ] {
            assert_eq!(PhoneNumber::parse(text, cz()).unwrap().as_str(), "+420601123456", "{text}");
        }
    }

    #[test]
    fn refuses_what_no_plan_holds() {
        for text in ["", "112", "150", "12345", "000", "601", "6011234567890123456789", "+420"] {
            assert!(PhoneNumber::parse(text, cz()).is_err(), "{text}");
        }
        assert_eq!(PhoneNumber::parse("60a123456", cz()), Err(NumberError::Malformed));
        assert_eq!(PhoneNumber::parse("60+1123456", cz()), Err(NumberError::Malformed));
    }

    #[test]
    fn a_foreign_number_keeps_its_country() {
        let number = PhoneNumber::parse("0049 30 901820", cz()).unwrap();
        assert_eq!(number.as_str(), "+4930901820");
        assert_eq!(number.spoken(cz()), (true, "4930901820"));
        assert_eq!(number.written(cz()), "+4930901820");
        assert_eq!(
            PhoneNumber::from_e164("+420777000111").unwrap().spoken(cz()),
            (false, "777000111")
        );
    }

    #[test]
    fn what_has_more_digits_than_any_network_takes_is_no_number() {
        for text in ["+4930909018201820", "004930909018201820", "+49 30 909018201820"] {
            assert_eq!(PhoneNumber::parse(text, cz()), Err(NumberError::Invalid), "{text}");
        }
        assert!(PhoneNumber::from_e164("+4930909018201820").is_err());
        assert!(PhoneNumber::from_e164("+0420601123456").is_err());
    }

    #[test]
    fn a_number_after_a_plus_stays_as_it_is() {
        let written = "+390236618300";
        for home in ["CZ", "DE", "IT"] {
            let number = PhoneNumber::parse(written, home.parse().unwrap()).unwrap();
            assert_eq!(number.as_str(), written, "at home in {home}");
        }
        // Many write the trunk prefix, which nobody dials after the country code.
        let written = "+49 (0)30 901820";
        assert_eq!(PhoneNumber::parse(written, cz()).unwrap().as_str(), "+4930901820");
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_parsed_can_be_stored_read_and_parsed_again(
            // German numbers are valid up to any length.
            text in "(\\+|00|\\+420|\\+4930|004989|\\+390|\\+1|\\+7|\\+86|)[0-9]{4,14}[0-9 ()./-]{0,3}",
            home in proptest::sample::select(vec!["CZ", "SK", "DE", "IT", "US", "RU", "AU"]),
        ) {
            let home = home.parse().unwrap();
            if let Ok(number) = PhoneNumber::parse(&text, home) {
                assert_eq!(PhoneNumber::from_e164(number.as_str()), Ok(number.clone()));
                assert_eq!(PhoneNumber::parse(number.as_str(), home), Ok(number));
            }
        }

        #[test]
        fn no_text_becomes_a_number_that_cannot_be_stored(text in "\\PC{0,24}") {
            if let Ok(number) = PhoneNumber::parse(&text, cz()) {
                assert_eq!(PhoneNumber::from_e164(number.as_str()), Ok(number));
            }
        }
    }

    #[test]
    fn debug_hides_the_number() {
        let number = PhoneNumber::from_e164("+420601123456").unwrap();
        assert_eq!(format!("{number:?}"), "+420…456");
        assert_eq!(format!("{:?}", PhoneNumber::from_e164("+420601").unwrap()), "+…");
    }
}
