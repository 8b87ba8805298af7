//! Events: what FreeSWITCH tells of its channels, plain or JSON, read through the same methods.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use memchr::memmem;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::command::ChannelUuid;
use crate::headers::{Encoding, Headers, Span};
use crate::parse::{self, ParseError};

mod name;

pub use name::EventName;

/// An event, or the channel's data in the reply to `connect`. Shares the buffer it was read into
/// and decodes a value when it is asked for.
///
/// Its `Debug` tells the event's name and the number of headers, never a value.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    headers: Headers,
    body: Option<Bytes>,
}

impl Event {
    // event-plain = header-block LF [ body ]     ; values percent-encoded, the body is not
    pub(crate) fn from_plain(text: &Bytes, limit: usize) -> Result<Self, ParseError> {
        let end = memmem::find(text, b"\n\n").unwrap_or(text.len());
        let headers = Headers::parse(text.slice(..end), Encoding::Percent, limit)?;
        // The outer Content-Length has cut the body; the inner one may be the first of two, when
        // the event's sender had set one of its own.
        let body = text.get(end + 2..).filter(|body| !body.is_empty());
        Ok(Self { headers, body: body.map(|body| text.slice_ref(body)) })
    }

    // event-json = object of strings and arrays of strings, the body as "_body"
    pub(crate) fn from_json(text: &[u8], limit: usize) -> Result<Self, ParseError> {
        // cJSON passes bytes on as it finds them, so a caller's name in Latin-1 breaks UTF-8.
        let text = String::from_utf8_lossy(text);
        let mut object: Map<String, Value> =
            serde_json::from_str(&text).map_err(|_| ParseError::MalformedJson)?;
        let body = object.remove("_body").map(|body| Bytes::from(json_text(body)));
        if object.len() > limit {
            return Err(ParseError::TooManyHeaders { limit });
        }
        let mut buffer = String::with_capacity(text.len());
        let mut append = |part: &str| {
            let start = buffer.len();
            buffer.push_str(part);
            let offset = |at| u32::try_from(at).map_err(|_| ParseError::BlockTooLarge);
            Ok((offset(start)?, offset(buffer.len())?))
        };
        let spans = object
            .into_iter()
            .map(|(name, value)| {
                Ok(Span { name: append(&name)?, value: append(&json_text(value))? })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { headers: Headers::from_parts(Bytes::from(buffer), spans), body })
    }

    pub(crate) fn from_headers(headers: Headers) -> Self {
        Self { headers, body: None }
    }

    /// The value of a header, decoded; `None` when it is absent or empty (`_undef_`). A malformed
    /// escape stays as it is, invalid UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.headers.get(name)
    }

    /// The value of a header as it came: percent-encoded in a plain event.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&[u8]> {
        self.headers.raw(name)
    }

    /// The value of a channel variable, the header `variable_<name>`; `None` when unset or empty.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<Cow<'_, str>> {
        self.headers.get_prefixed(b"variable_", name)
    }

    /// The items of an array, `ARRAY::a|:b`; a plain value is one item, an absent one none.
    pub fn array(&self, name: &str) -> impl Iterator<Item = String> + '_ {
        let mut rest = self.header(name).map(|value| match parse::array(&value) {
            Some(items) => (items.to_owned(), true),
            None => (value.into_owned(), false),
        });
        std::iter::from_fn(move || {
            let (items, is_array) = rest.take()?;
            if let Some((item, more)) = items.split_once("|:").filter(|_| is_array) {
                let item = item.to_owned();
                rest = Some((more.to_owned(), true));
                return Some(item);
            }
            Some(items)
        })
    }

    /// `Event-Name` as it came; empty when there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.raw("Event-Name").and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
    }

    /// `Event-Name` to match on.
    #[must_use]
    pub fn event_name(&self) -> EventName {
        EventName::parse(self.name())
    }

    /// The channel that the event is about, `Unique-ID`.
    #[must_use]
    pub fn unique_id(&self) -> Option<ChannelUuid> {
        ChannelUuid::parse(&self.header("Unique-ID")?).ok()
    }

    /// The application of CHANNEL_EXECUTE and CHANNEL_EXECUTE_COMPLETE.
    #[must_use]
    pub fn application(&self) -> Option<Cow<'_, str>> {
        self.header("Application")
    }

    /// The `Event-UUID` that the execute was sent with, or one that FreeSWITCH made up.
    #[must_use]
    pub fn application_uuid(&self) -> Option<Uuid> {
        Uuid::try_parse(&self.header("Application-UUID")?).ok()
    }

    /// `Hangup-Cause`, present from CHANNEL_HANGUP on.
    #[must_use]
    pub fn hangup_cause(&self) -> Option<Cow<'_, str>> {
        self.header("Hangup-Cause").or_else(|| self.variable("hangup_cause"))
    }

    /// The body, such as a background job's result.
    #[must_use]
    pub fn body(&self) -> Option<&Bytes> {
        self.body.as_ref()
    }

    /// Name and decoded value of every header, in the order they came (JSON: sorted).
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.headers.iter()
    }

    /// How many headers the event has.
    #[must_use]
    pub fn header_count(&self) -> usize {
        self.headers.len()
    }
}

/// A header's value as plain events have it, so that both kinds read alike.
fn json_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Array(items) => {
            let items: Vec<_> = items.into_iter().map(json_text).collect();
            format!("ARRAY::{}", items.join("|:"))
        }
        Value::Null => String::new(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Object(_)) => other.to_string(),
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({}, {} headers)", self.event_name(), self.header_count())
    }
}

#[cfg(test)]
mod tests;
