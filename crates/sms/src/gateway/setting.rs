//! Kinds of values that settings have in common.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

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
        let text = String::deserialize(deserializer)?;
        match humantime::parse_duration(&text) {
            Ok(span) if !span.is_zero() && span <= LONGEST => Ok(Self(span)),
            Ok(_) | Err(_) => Err(de::Error::custom(
                "expected a time span such as `500ms` or `30s`, at most a day",
            )),
        }
    }
}
