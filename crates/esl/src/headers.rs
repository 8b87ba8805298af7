//! A header block without a copy of it: one shared buffer and where each header lies in it.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use crate::parse::{self, ParseError};
use crate::percent;

/// Headers in the order they came; names compare without case, as FreeSWITCH's do.
#[derive(Clone, PartialEq, Eq)]
pub struct Headers {
    buffer: Bytes,
    spans: Vec<Span>,
    encoding: Encoding,
}

/// Byte offsets of one header in the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) name: (u32, u32),
    pub(crate) value: (u32, u32),
}

/// How values stand in the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Percent-encoded: plain events and the reply to `connect`.
    Percent,
    /// As they are: all other replies, and JSON once it is read.
    Plain,
}

/// FreeSWITCH writes this for an empty value (`switch_event_serialize`).
const UNDEFINED: &[u8] = b"_undef_";

impl Headers {
    pub(crate) fn parse(
        block: Bytes,
        encoding: Encoding,
        limit: usize,
    ) -> Result<Self, ParseError> {
        let spans = parse::header_block(&block, limit)?;
        Ok(Self { buffer: block, spans, encoding })
    }

    pub(crate) fn from_parts(buffer: Bytes, spans: Vec<Span>) -> Self {
        Self { buffer, spans, encoding: Encoding::Plain }
    }

    /// The value of the first header of that name, decoded. `None` when there is none or it is
    /// empty, which FreeSWITCH writes as `_undef_`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.defined(self.raw(name)?)
    }

    /// The bytes of the first header of that name as they came, `_undef_` included.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&[u8]> {
        self.find(|candidate| candidate.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// [`get`](Self::get) of the prefix and name put together, without doing so.
    pub(crate) fn get_prefixed(&self, prefix: &[u8], name: &str) -> Option<Cow<'_, str>> {
        let value = self.find(|candidate| {
            candidate.split_at_checked(prefix.len()).is_some_and(|(front, back)| {
                front.eq_ignore_ascii_case(prefix) && back.eq_ignore_ascii_case(name.as_bytes())
            })
        })?;
        self.defined(value)
    }

    /// Name and decoded value of every header; an empty value is an empty text.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.spans.iter().map(|span| {
            let value = self.defined(self.slice(span.value)).unwrap_or_default();
            (String::from_utf8_lossy(self.slice(span.name)), value)
        })
    }

    /// How many headers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    fn find(&self, matches: impl Fn(&[u8]) -> bool) -> Option<&[u8]> {
        let span = self.spans.iter().find(|span| matches(self.slice(span.name)))?;
        Some(self.slice(span.value))
    }

    fn defined<'a>(&self, value: &'a [u8]) -> Option<Cow<'a, str>> {
        if value.is_empty() || value == UNDEFINED {
            return None;
        }
        Some(match self.encoding {
            Encoding::Percent => percent::decode(value),
            Encoding::Plain => String::from_utf8_lossy(value),
        })
    }

    fn slice(&self, (start, end): (u32, u32)) -> &[u8] {
        self.buffer.get(start as usize..end as usize).unwrap_or_default()
    }
}

impl fmt::Debug for Headers {
    // Values are phone numbers and digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Headers({})", self.spans.len())
    }
}
