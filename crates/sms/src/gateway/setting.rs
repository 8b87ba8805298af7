//! Kinds of values that settings have in common.

use std::{fmt, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

/// Nothing that is waited for here takes longer, and deadlines stay what a clock can show.
const LONGEST: Duration = Duration::from_hours(24);

/// A time span, written `500ms`, `30s`, `2m`; at most a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl Span {
    /// That many seconds.
    #[must_use]
    pub const fn secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Written)
    }
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a time with its unit in quotes, for example \"500ms\" or \"30s\", at most a day",
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
        match humantime::parse_duration(text) {
            Ok(span) if !span.is_zero() && span <= LONGEST => Ok(Span(span)),
            Ok(_) | Err(_) => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }
}
