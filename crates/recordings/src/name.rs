//! Names of recordings: where supervisors look for them.

use std::fmt;
use std::path::{Path, PathBuf};

use jiff::Zoned;
use jiff::civil::{Date, DateTime, Time};
use serde::{Deserialize, Serialize};

/// Stands in for a number that was withheld or holds no digits.
const ANONYMOUS: &str = "anonymous";
/// E.164 admits fifteen digits; a longer one is cut, so that a name stays short.
const MAX_DIGITS: usize = 15;
/// How much of the call's id goes into the name.
const CALL_PREFIX: usize = 8;

/// Who called whom, as the name tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// A shopper called a dealer over the outbound hotline.
    Out,
    /// A dealer called a fictitious number.
    Back,
    /// A shopper returned a missed call over the callback hotline.
    Return,
}

impl Direction {
    /// The word in the file's name: `out`, `back` or `return`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::Back => "back",
            Self::Return => "return",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        match word {
            "out" => Some(Self::Out),
            "back" => Some(Self::Back),
            "return" => Some(Self::Return),
            _ => None,
        }
    }
}

/// In what form the sound lies on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// As FreeSWITCH wrote it.
    Wav,
    /// As [`archive`](crate::archive()) left it: the same samples in less room.
    Flac,
}

impl Format {
    /// The end of the file's name: `wav` or `flac`.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Flac => "flac",
        }
    }
}

/// The name of one recording, relative to the recordings folder.
///
/// Made of `[a-z0-9_./-]` alone, whatever it is built from: the path is an argument of FreeSWITCH's
/// `record_session`, where a space ends the path and `${…}` is expanded. Two names built from
/// different calls differ as long as the first eight characters of their ids, their second or
/// their numbers do; FreeSWITCH truncates a file that exists.
///
/// `Debug` leaves the numbers out.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RecordingName {
    local: DateTime,
    direction: Direction,
    fictitious: Option<String>,
    dealer: Option<String>,
    call: String,
    format: Format,
}

impl RecordingName {
    /// Names the recording of a call at `local`, in the exchange's time zone and to the second.
    ///
    /// Numbers are E.164; of each only the digits are kept, and none at all becomes `anonymous`,
    /// as does a withheld dealer (`None`). Of `call_id` the first eight letters and digits count.
    #[must_use]
    pub fn new(
        local: &Zoned,
        direction: Direction,
        fictitious: &str,
        dealer: Option<&str>,
        call_id: &str,
    ) -> Self {
        let mut call: String = call_id
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(CALL_PREFIX)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        if call.is_empty() {
            call.push('0');
        }
        Self {
            local: local.datetime().with().subsec_nanosecond(0).build().unwrap_or(local.datetime()),
            direction,
            fictitious: digits(fictitious),
            dealer: dealer.and_then(digits),
            call,
            format: Format::Wav,
        }
    }

    /// Reads a name back from a path that ends in `YYYY/MM/DD/<name>.wav`, or `.flac`.
    ///
    /// `None` for any other file, also for one that lies in another day's folder than its name says.
    #[must_use]
    pub fn parse(path: &Path) -> Option<Self> {
        let (stem, extension) = path.file_name()?.to_str()?.rsplit_once('.')?;
        let format =
            [Format::Wav, Format::Flac].into_iter().find(|f| f.extension() == extension)?;
        let mut parts = stem.split('_');
        let name = Self {
            local: parse_local(parts.next()?)?,
            direction: Direction::parse(parts.next()?)?,
            fictitious: parse_number(parts.next()?)?,
            dealer: parse_number(parts.next()?)?,
            call: parse_call(parts.next()?)?,
            format,
        };
        // A file that was moved to another day would be looked for in vain under its own.
        (parts.next().is_none() && path.ends_with(name.relative())).then_some(name)
    }

    /// The path below the recordings folder, with `/` between its parts.
    #[must_use]
    pub fn relative(&self) -> String {
        self.with_extension(self.format.extension())
    }

    /// The form that the name tells.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The name of the same recording in another form.
    #[must_use]
    pub fn in_format(&self, format: Format) -> Self {
        Self { format, ..self.clone() }
    }

    /// The path of the sidecar below the recordings folder: the same name with `.json`.
    #[must_use]
    pub fn sidecar(&self) -> String {
        self.with_extension("json")
    }

    /// Where the recording lies if `dir` is the recordings folder.
    #[must_use]
    pub fn in_dir(&self, dir: &Path) -> PathBuf {
        dir.join(self.relative())
    }

    /// The day whose folder holds the recording.
    #[must_use]
    pub fn date(&self) -> Date {
        self.local.date()
    }

    /// The local time in the name.
    #[must_use]
    pub fn local(&self) -> DateTime {
        self.local
    }

    /// Who called whom.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Digits of the fictitious number, without `+`.
    #[must_use]
    pub fn fictitious(&self) -> Option<&str> {
        self.fictitious.as_deref()
    }

    /// Digits of the dealer's number, without `+`; `None` if withheld.
    #[must_use]
    pub fn dealer(&self) -> Option<&str> {
        self.dealer.as_deref()
    }

    /// The first characters of the call's id.
    #[must_use]
    pub fn call_prefix(&self) -> &str {
        &self.call
    }

    fn with_extension(&self, extension: &str) -> String {
        format!(
            "{}/{}_{}_{}_{}_{}.{extension}",
            day_folder(self.local.date()),
            self.local.strftime("%Y%m%d-%H%M%S"),
            self.direction.as_str(),
            self.fictitious.as_deref().unwrap_or(ANONYMOUS),
            self.dealer.as_deref().unwrap_or(ANONYMOUS),
            self.call,
        )
    }
}

impl fmt::Debug for RecordingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingName")
            .field("local", &self.local)
            .field("direction", &self.direction)
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

/// `2026/11/22`
pub(crate) fn day_folder(date: Date) -> String {
    date.strftime("%Y/%m/%d").to_string()
}

fn digits(number: &str) -> Option<String> {
    let digits: String = number.chars().filter(char::is_ascii_digit).take(MAX_DIGITS).collect();
    (!digits.is_empty()).then_some(digits)
}

/// `20261122-103145`
fn parse_local(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_once('-')?;
    let date = fixed_digits::<8>(date)?;
    let time = fixed_digits::<6>(time)?;
    let two = |pair: &[i8]| pair.iter().fold(0_i8, |sum, digit| sum * 10 + digit);
    let year = i16::from(two(&date[..2])) * 100 + i16::from(two(&date[2..4]));
    Some(DateTime::from_parts(
        Date::new(year, two(&date[4..6]), two(&date[6..])).ok()?,
        Time::new(two(&time[..2]), two(&time[2..4]), two(&time[4..]), 0).ok()?,
    ))
}

fn fixed_digits<const N: usize>(text: &str) -> Option<[i8; N]> {
    let bytes: [u8; N] = text.as_bytes().try_into().ok()?;
    bytes
        .iter()
        .all(u8::is_ascii_digit)
        .then(|| bytes.map(|byte| i8::try_from(byte - b'0').unwrap_or_default()))
}

/// The outer `None`: not a number; the inner: withheld.
#[expect(clippy::option_option, reason = "a withheld number is a good part of a name")]
fn parse_number(part: &str) -> Option<Option<String>> {
    if part == ANONYMOUS {
        return Some(None);
    }
    let fits = (1..=MAX_DIGITS).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| Some(part.to_owned()))
}

fn parse_call(part: &str) -> Option<String> {
    let fits = (1..=CALL_PREFIX).contains(&part.len())
        && part.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    fits.then(|| part.to_owned())
}

#[cfg(test)]
mod tests;
