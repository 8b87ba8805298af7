//! What a provider's answer means.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use crate::gateway::report::{is_id, plain, word};
use crate::gateway::{Accepted, SendError};

/// Which answers mean what. The rules are tried in the order of the fields here, and the first that fits
/// decides. If none does:
///
/// | status | meaning |
/// | --- | --- |
/// | 2xx | accepted; but if there are rules in `accepted`, nobody knows |
/// | 400, 413, 414, 422 | permanent |
/// | 429, 503 | throttled, for as long as `Retry-After` says in seconds |
/// | other 3xx and 4xx | temporary: more often than not it is the settings or the account that are wrong, and can be put right |
/// | other 5xx | nobody knows |
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// The provider had the message already.
    pub again: Vec<Rule>,
    /// No attempt will do.
    pub permanent: Vec<Rule>,
    /// Too many messages a second.
    pub throttled: Vec<Rule>,
    /// Nothing was taken for now.
    pub temporary: Vec<Rule>,
    /// The provider has the message. Last, since some say so and refuse it further down.
    pub accepted: Vec<Rule>,
    /// Where the provider's id of the message is.
    pub id: Option<Pick>,
    /// Where a word is that explains a refusal, for people.
    pub error: Option<Pick>,
}

/// An answer fits if it does in every respect that is given.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table, for example { status = [200] }")]
pub struct Rule {
    /// One of these is the status.
    pub status: Vec<u16>,
    /// There is something at this JSON pointer (RFC 6901), which begins with `/`, in the body…
    pub pointer: Option<String>,
    /// …and it is one of these; numbers and words are compared as written.
    pub equals: Vec<Value>,
    /// The body contains one of these.
    pub text: Vec<String>,
}

/// A part of an answer: `header`, or `pointer` into a JSON body, or the whole body; and of that what is
/// behind `after` and before `before`, if given.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawPick")]
pub struct Pick {
    source: Source,
    after: String,
    before: String,
}

#[derive(Clone, Debug)]
enum Source {
    Header(String),
    Pointer(String),
    Body,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table, for example { pointer = \"/id\" }")]
struct RawPick {
    header: Option<String>,
    pointer: Option<String>,
    #[serde(default)]
    after: String,
    #[serde(default)]
    before: String,
}

/// Why a [`Pick`] is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PickError {
    /// Two places.
    #[error("`header` and `pointer` exclude each other: write one of them")]
    TwoPlaces,
    /// A JSON pointer begins with a slash.
    #[error("`pointer` begins with `/`: write for example \"/data/id\"")]
    NoPointer,
}

impl TryFrom<RawPick> for Pick {
    type Error = PickError;

    fn try_from(raw: RawPick) -> Result<Self, PickError> {
        let source = match (raw.header, raw.pointer) {
            (Some(_), Some(_)) => return Err(PickError::TwoPlaces),
            (Some(name), None) => Source::Header(name),
            (None, Some(place)) if place.starts_with('/') => Source::Pointer(place),
            (None, Some(_)) => return Err(PickError::NoPointer),
            (None, None) => Source::Body,
        };
        Ok(Self { source, after: raw.after, before: raw.before })
    }
}

/// What came back.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// As much of the body as arrived, and no more than was asked for.
    pub(super) body: String,
}

impl Answer {
    /// The name of a list with a rule that would fit everything.
    pub(super) fn empty_rule(&self) -> Option<&'static str> {
        self.list_with(Rule::is_empty)
    }

    /// The name of a list with a rule that would never fit, since its pointer is none.
    pub(super) fn pointless_rule(&self) -> Option<&'static str> {
        self.list_with(|rule| rule.pointer.as_ref().is_some_and(|place| !place.starts_with('/')))
    }

    fn list_with(&self, wanted: impl Fn(&Rule) -> bool) -> Option<&'static str> {
        let lists = [
            ("accepted", &self.accepted),
            ("again", &self.again),
            ("permanent", &self.permanent),
            ("throttled", &self.throttled),
            ("temporary", &self.temporary),
        ];
        lists.into_iter().find(|(_, rules)| rules.iter().any(&wanted)).map(|(name, _)| name)
    }

    /// What the answer means; a word that is `secret` is not repeated.
    pub(super) fn judge(
        &self,
        reply: &Reply,
        secret: impl Fn(&str) -> bool,
    ) -> Result<Accepted, SendError> {
        let json: Value = serde_json::from_str(&reply.body).unwrap_or_default();
        let fits = |rules: &[Rule]| rules.iter().any(|rule| rule.fits(reply, &json));
        let accepted = |again| {
            let id = self.id.as_ref().and_then(|pick| pick.from(reply, &json));
            let provider_id = id.filter(|id| is_id(id));
            Ok(Accepted { provider_id, again, ..Accepted::default() })
        };
        let why = || {
            let said = self.error.as_ref().and_then(|pick| pick.from(reply, &json));
            let said = said.as_deref().and_then(word).filter(|word| !secret(word));
            let said = said.map(|word| format!(", {word}"));
            format!("the provider answered {}{}", reply.status.as_u16(), said.unwrap_or_default())
        };
        let throttled =
            || Err(SendError::Throttled { after: retry_after(&reply.headers), why: why() });

        if fits(&self.again) {
            return accepted(true);
        }
        if fits(&self.permanent) {
            return Err(SendError::Permanent(why()));
        }
        if fits(&self.throttled) {
            return throttled();
        }
        if fits(&self.temporary) {
            return Err(SendError::Temporary(why()));
        }
        if fits(&self.accepted) {
            return accepted(false);
        }
        match reply.status.as_u16() {
            200..=299 if self.accepted.is_empty() => accepted(false),
            400 | 413 | 414 | 422 => Err(SendError::Permanent(why())),
            429 | 503 => throttled(),
            300..=499 => Err(SendError::Temporary(why())),
            _ => Err(SendError::Unknown(why())),
        }
    }
}

/// RFC 9110 section 10.2.3, in its form of seconds; no more than a day.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    const DAY: u64 = 86_400;
    let seconds: u64 = headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(DAY)))
}

impl Rule {
    fn is_empty(&self) -> bool {
        self.status.is_empty() && self.pointer.is_none() && self.text.is_empty()
    }

    fn fits(&self, reply: &Reply, json: &Value) -> bool {
        let status = self.status.is_empty() || self.status.contains(&reply.status.as_u16());
        let pointer = self.pointer.as_ref().is_none_or(|place| {
            json.pointer(place).is_some_and(|found| {
                self.equals.is_empty()
                    || self.equals.iter().any(|value| {
                        value == found || plain(found).is_some_and(|f| plain(value) == Some(f))
                    })
            })
        });
        let text =
            self.text.is_empty() || self.text.iter().any(|part| reply.body.contains(part.as_str()));
        status && pointer && text
    }
}

impl Pick {
    fn from(&self, reply: &Reply, json: &Value) -> Option<String> {
        let whole = match &self.source {
            Source::Header(name) => reply.headers.get(name)?.to_str().ok()?.into(),
            Source::Pointer(place) => plain(json.pointer(place)?)?,
            Source::Body => reply.body.as_str().into(),
        };
        let behind = whole.split_once(self.after.as_str()).map(|(_, behind)| behind)?;
        let part = if self.before.is_empty() {
            behind
        } else {
            behind.split_once(self.before.as_str()).map(|(part, _)| part)?
        };
        let part = part.trim();
        (!part.is_empty()).then(|| part.to_owned())
    }
}
