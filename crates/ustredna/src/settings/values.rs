//! The kinds of values in the settings that TOML itself does not have.

use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, SocketAddr},
    path::Path,
    str::FromStr,
    time::Duration,
};

use anyhow::Context as _;
use exchange::number::PhoneNumber;
use ipnet::IpNet;
use jiff::tz::TimeZone;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, Unexpected, Visitor},
};

use crate::{nearest::nearest, text};

/// Takes a string; anything else is refused by what is expected instead.
fn string<'de, D: Deserializer<'de>>(
    deserializer: D,
    expected: &'static str,
) -> Result<String, D::Error> {
    struct Text(&'static str);

    impl Visitor<'_> for Text {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }
    }

    deserializer.deserialize_str(Text(expected))
}

/// Takes an address and a port.
pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    const FORM: &str = "the IP address, a colon and the port, for example \"127.0.0.1:8084\" or \
                        \"[::1]:8084\" (names are not looked up)";
    let text = string(deserializer, FORM)?;
    text.parse()
        .map_err(|_| D::Error::custom(format!("`{text}` is no address with a port: write {FORM}")))
}

/// Takes networks; a bare address is a network of one.
pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    Ok(Vec::<Network>::deserialize(deserializer)?.into_iter().map(|network| network.0).collect())
}

struct Network(IpNet);

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const FORM: &str = "an address, or a network with the length of its prefix, 0 to 32 (IPv6: \
                            128), for example \"192.0.2.7\" or \"10.0.0.0/8\"";
        let text = string(deserializer, FORM)?;
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse()
            .or_else(|_| address())
            .map(Self)
            .map_err(|_| D::Error::custom(format!("`{text}` is no network: write {FORM}")))
    }
}

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
        const FORM: &str = "a number and its unit in quotes, for example \"40s\", \"5m\" or \"7d\"";
        let text = string(deserializer, FORM)?;
        let duration = humantime::parse_duration(&text).map_err(|_| {
            D::Error::custom(format!("`{text}` is no length of time: write {FORM}"))
        })?;
        // Ten years: far beyond any use, and arithmetic on times stays in range.
        if duration > Duration::from_hours(3650 * 24) {
            return Err(D::Error::custom(format!("`{text}` is too long: write \"3650d\" at most")));
        }
        Ok(Self(duration))
    }
}

/// Takes a number in E.164 form.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PhoneNumber, D::Error> {
    const FORM: &str = "a number with + and its country code in quotes (E.164), for example \
                        \"+420234234399\"";
    let text = string(deserializer, FORM)?;
    // It is not told: it may be anybody's.
    PhoneNumber::from_e164(&text)
        .map_err(|_| D::Error::custom(format!("a number in another form: write {FORM}")))
}

/// A hundred years: far beyond any use, and arithmetic on times stays in range.
const MOST_DAYS: u32 = 36_500;

/// Takes a number of days.
pub(super) fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    struct Days;

    impl Visitor<'_> for Days {
        type Value = u32;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a whole number of days, at most {MOST_DAYS}, for example 90 (0: for ever)")
        }

        fn visit_i64<E: serde::de::Error>(self, days: i64) -> Result<u32, E> {
            match u32::try_from(days) {
                Ok(days) if days <= MOST_DAYS => Ok(days),
                Ok(_) | Err(_) => Err(E::invalid_value(Unexpected::Signed(days), &self)),
            }
        }
    }

    deserializer.deserialize_u32(Days)
}

/// Takes numbers of days by the name of a project.
pub(super) fn days_by_name<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, u32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Kept(#[serde(deserialize_with = "days")] u32);

    let mut by_name = BTreeMap::new();
    for (written, Kept(days)) in BTreeMap::<String, Kept>::deserialize(deserializer)? {
        let name = text::read(&written).map_err(|why| {
            D::Error::custom(format!(
                "the name of a project: {why}; write it as `ustredna pairings` shows it, for example \
                 \"Banks\" = 90"
            ))
        })?;
        if by_name.insert(name, days).is_some() {
            return Err(D::Error::custom("a project is there twice: write it once"));
        }
    }
    Ok(by_name)
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
        #[serde(
            untagged,
            expecting = "write an amount of bytes, for example \"1GiB\", \"500MB\" or 0"
        )]
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
        let text = string(deserializer, "a word in quotes, for example \"CZ\"")?;
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
        const FORM: &str = "a time zone of the IANA database, for example \"Europe/Prague\"";
        let text = string(deserializer, FORM)?;
        TimeZone::get(&text).map(Self).map_err(|_| {
            let known: Vec<_> = jiff::tz::db().available().map(|name| name.to_string()).collect();
            let meant = match nearest(&text, known.iter().map(String::as_str)) {
                Some(meant) => format!(" (did you mean \"{meant}\"?)"),
                None => String::new(),
            };
            D::Error::custom(format!("`{text}` is no time zone{meant}: write {FORM}"))
        })
    }
}

/// The beginning of an E.164 number.
#[derive(Debug, Clone)]
pub(crate) struct Prefix(pub(super) String);

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const FORM: &str = "+ and digits, the beginning of a number, for example \"+4209\"";
        let text = string(deserializer, FORM)?;
        match text.strip_prefix('+') {
            Some(digits)
                if (1..=15).contains(&digits.len())
                    && digits.bytes().all(|b| b.is_ascii_digit()) =>
            {
                Ok(Self(text))
            }
            _ => Err(D::Error::custom(format!("`{text}` is no prefix: write {FORM}"))),
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
        const FORM: &str =
            "letters, digits, `_`, `.` and `-` in quotes, nothing else, for example \"carrier\"";
        let text = string(deserializer, FORM)?;
        let admitted = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        if !text.is_empty() && text.bytes().all(admitted) {
            Ok(Self(text))
        } else {
            Err(D::Error::custom(format!("`{text}` is no gateway name: write {FORM}")))
        }
    }
}

/// A folder as FreeSWITCH sees it; empty where the settings allow it.
#[derive(Debug, Clone, Default)]
pub(crate) struct SwitchPath(String);

impl SwitchPath {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn sounds() -> Self {
        Self("freeswitch-conf/sounds".to_owned())
    }
}

impl<'de> Deserialize<'de> for SwitchPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = string(deserializer, "a path in quotes, for example \"/var/lib/ustredna\"")?;
        if text.is_empty() || is_plain(&text) {
            Ok(Self(text))
        } else {
            Err(D::Error::custom(format!("`{text}`: {PLAIN}")))
        }
    }
}

const PLAIN: &str = "FreeSWITCH cannot take this path: write letters, digits, `/`, `.`, `_` and `-`, nothing \
                     else, for example \"/var/lib/ustredna\"";

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
