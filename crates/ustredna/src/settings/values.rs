//! The kinds of values in the settings that TOML itself does not have.

use std::{fmt, path::Path, str::FromStr, time::Duration};

use anyhow::Context as _;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, de::Error as _};

/// A length of time: `40s`, `5m`, `7d`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(Duration);

impl Span {
    pub(super) const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    pub(super) const fn minutes(minutes: u64) -> Self {
        Self::seconds(minutes * 60)
    }

    pub(super) const fn days(days: u64) -> Self {
        Self::seconds(days * 86_400)
    }

    pub(crate) fn std(self) -> Duration {
        self.0
    }

    pub(crate) fn signed(self) -> jiff::SignedDuration {
        jiff::SignedDuration::try_from(self.0).unwrap_or(jiff::SignedDuration::MAX)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", humantime::format_duration(self.0))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let duration = humantime::parse_duration(&text).map_err(|_| {
            D::Error::custom(format!(
                "`{text}` is no length of time: write for example \"40s\", \"5m\" or \"7d\""
            ))
        })?;
        // Ten years: far beyond any use, and arithmetic on times stays in range.
        if duration > Duration::from_hours(3650 * 24) {
            return Err(D::Error::custom(format!("`{text}` is too long: at most 3650d")));
        }
        Ok(Self(duration))
    }
}

/// An amount of bytes: `1GiB`, `500MB`, or a plain number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

impl Bytes {
    pub(super) const fn megabytes(count: u64) -> Self {
        Self(count * 1_000_000)
    }
}

impl FromStr for Bytes {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "no amount of bytes: write for example \"1GiB\", \"500MB\" or 0";
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let unit: u64 = match unit.trim() {
            "" | "B" => 1,
            "kB" | "KB" => 1000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "TB" => 1_000_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            _ => return Err(FORM),
        };
        let number: u64 = number.parse().map_err(|_| FORM)?;
        number.checked_mul(unit).map(Self).ok_or(FORM)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "an amount of bytes, for example \"1GiB\" or \"500MB\"")]
        enum Written {
            Number(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(bytes) => Ok(Self(bytes)),
            Written::Text(text) => {
                text.parse().map_err(|form| D::Error::custom(format!("`{text}` is {form}")))
            }
        }
    }
}

/// A value written as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word<T>(pub(crate) T);

impl<T: FromStr<Err: fmt::Debug>> Word<T> {
    pub(super) fn default_text(text: &str) -> Self {
        #[expect(clippy::expect_used, reason = "only built-in texts; a test reads them")]
        Self(text.parse().expect("built-in value"))
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|error| D::Error::custom(format!("`{text}`: {error}")))
    }
}

/// A time zone of the IANA database.
#[derive(Debug, Clone)]
pub(crate) struct Zone(pub(crate) TimeZone);

impl Zone {
    pub(super) fn named(name: &str) -> Self {
        #[expect(clippy::expect_used, reason = "the built-in zone is bundled; a test reads it")]
        Self(TimeZone::get(name).expect("bundled zone"))
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        TimeZone::get(&text).map(Self).map_err(|_| {
            D::Error::custom(format!(
                "`{text}` is no time zone: write for example \"Europe/Prague\""
            ))
        })
    }
}

/// The beginning of an E.164 number.
#[derive(Debug, Clone)]
pub(crate) struct Prefix(pub(super) String);

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.strip_prefix('+') {
            Some(digits)
                if (1..=15).contains(&digits.len())
                    && digits.bytes().all(|b| b.is_ascii_digit()) =>
            {
                Ok(Self(text))
            }
            _ => Err(D::Error::custom(format!(
                "`{text}` is no prefix: write + and digits, for example \"+4209\""
            ))),
        }
    }
}

/// The name of a sofia gateway: it becomes a part of a dial string.
#[derive(Debug, Clone)]
pub(crate) struct GatewayName(pub(crate) String);

impl GatewayName {
    pub(super) fn carrier() -> Self {
        Self("carrier".to_owned())
    }
}

impl<'de> Deserialize<'de> for GatewayName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let admitted = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        if !text.is_empty() && text.bytes().all(admitted) {
            Ok(Self(text))
        } else {
            Err(D::Error::custom(format!(
                "`{text}` is no gateway name: only letters, digits, `_`, `.` and `-`"
            )))
        }
    }
}

/// A folder as FreeSWITCH sees it; empty where the settings allow it.
#[derive(Debug, Clone, Default)]
pub(crate) struct SwitchPath(String);

impl SwitchPath {
    pub(super) fn sounds() -> Self {
        Self("freeswitch-conf/sounds".to_owned())
    }
}

impl<'de> Deserialize<'de> for SwitchPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() || is_plain(&text) {
            Ok(Self(text))
        } else {
            Err(D::Error::custom(format!("`{text}`: {PLAIN}")))
        }
    }
}

const PLAIN: &str = "FreeSWITCH cannot take this path: only letters, digits, `/`, `.`, `_` and `-`";

fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-'))
}

/// The absolute path for FreeSWITCH: what is set, or else our own.
pub(super) fn switch_path(set: &SwitchPath, own: &Path, key: &str) -> anyhow::Result<String> {
    let path = if set.0.is_empty() { own } else { Path::new(&set.0) };
    let path = std::path::absolute(path)
        .with_context(|| format!("{key}: the current folder cannot be told"))?;
    match path.to_str() {
        Some(text) if is_plain(text) => Ok(text.trim_end_matches('/').to_owned()),
        _ => anyhow::bail!("{key} = {}: {PLAIN}", path.display()),
    }
}
