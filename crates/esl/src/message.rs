//! What a frame says.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use crate::event::Event;
use crate::frame::{Frame, FrameLimits};
use crate::headers::{Encoding, Headers};
use crate::parse::{self, ContentType, ParseError};

/// One message from FreeSWITCH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// The reply to `connect`: the channel's data, and beside it `Socket-Mode` and `Control`.
    Connect(Event),
    /// The reply to any other command but `api`.
    Reply(Reply),
    /// The reply to `api`.
    Api(ApiResponse),
    /// An event, plain or JSON.
    Event(Event),
    /// The channel or the connection ends.
    Disconnect(DisconnectNotice),
    /// An inbound connection must send `auth` now.
    AuthRequest,
    /// An inbound connection that FreeSWITCH's access list refuses.
    RudeRejection,
}

/// A `command/reply`.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// Whether the command was taken; for `sendmsg` this means queued, not done. Only `-ERR` and
    /// `-USAGE:` say no.
    pub ok: bool,
    /// `Reply-Text` without its `+OK` or `-ERR`.
    pub text: String,
    headers: Headers,
}

impl Reply {
    /// Another header of the reply, such as `Job-UUID`.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.headers.get(name)
    }
}

impl fmt::Debug for Reply {
    // FreeSWITCH's refusals are fixed texts; what succeeds may tell a variable's value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refusal = if self.ok { "" } else { &self.text };
        write!(f, "Reply(ok: {}, refusal: {refusal:?})", self.ok)
    }
}

/// An `api/response`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiResponse {
    body: Bytes,
}

impl ApiResponse {
    /// Whether the answer is not `-ERR` or `-USAGE:`; many API functions answer neither way, such
    /// as `false` from `uuid_exists`.
    #[must_use]
    pub fn ok(&self) -> bool {
        parse::outcome(&self.body()).0
    }

    /// The answer without its `+OK` or `-ERR`, trimmed.
    #[must_use]
    pub fn text(&self) -> String {
        parse::outcome(&self.body()).1.to_owned()
    }

    /// The whole answer.
    #[must_use]
    pub fn body(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

impl fmt::Debug for ApiResponse {
    // A channel's dump holds phone numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiResponse(ok: {}, {} bytes)", self.ok(), self.body.len())
    }
}

/// A `text/disconnect-notice`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisconnectNotice {
    /// The channel is down; the connection stays to deliver what events are left.
    Linger {
        /// For how long; `None`: until the controller closes.
        seconds: Option<u32>,
    },
    /// FreeSWITCH closes the connection now.
    Disconnected,
}

impl Message {
    /// Reads a frame.
    ///
    /// # Errors
    /// When the frame is of no known type or its parts are malformed: a protocol violation.
    pub fn parse(frame: Frame, limits: &FrameLimits) -> Result<Self, ParseError> {
        let Frame { head, body } = frame;
        let headers = Headers::parse(head.clone(), Encoding::Plain, limits.headers)?;
        let kind = headers.raw("Content-Type").ok_or(ParseError::MissingContentType)?;
        let limit = limits.headers;
        Ok(match parse::content_type(kind)? {
            ContentType::CommandReply => match headers.raw("Event-Name") {
                Some(b"CHANNEL_DATA") => {
                    let headers = Headers::parse(head, Encoding::Percent, limit)?;
                    if headers.raw("Reply-Text").is_none() {
                        return Err(ParseError::MissingReplyText);
                    }
                    Self::Connect(Event::from_headers(headers))
                }
                _ => Self::Reply(Reply::from_headers(headers)?),
            },
            ContentType::ApiResponse => {
                Self::Api(ApiResponse { body: body.ok_or(ParseError::MissingBody)? })
            }
            ContentType::EventPlain => {
                Self::Event(Event::from_plain(&body.ok_or(ParseError::MissingBody)?, limit)?)
            }
            ContentType::EventJson => {
                Self::Event(Event::from_json(&body.ok_or(ParseError::MissingBody)?, limit)?)
            }
            ContentType::DisconnectNotice => {
                Self::Disconnect(DisconnectNotice::from_headers(&headers))
            }
            ContentType::AuthRequest => Self::AuthRequest,
            ContentType::RudeRejection => Self::RudeRejection,
        })
    }
}

impl Reply {
    fn from_headers(headers: Headers) -> Result<Self, ParseError> {
        let text = headers.raw("Reply-Text").ok_or(ParseError::MissingReplyText)?;
        let text = String::from_utf8_lossy(text);
        let (ok, text) = parse::outcome(&text);
        Ok(Self { ok, text: text.to_owned(), headers })
    }
}

impl DisconnectNotice {
    fn from_headers(headers: &Headers) -> Self {
        if headers.raw("Content-Disposition") != Some(b"linger") {
            return Self::Disconnected;
        }
        // A bare `linger` is announced as -1.
        let seconds = headers.get("Linger-Time").and_then(|seconds| seconds.parse().ok());
        Self::Linger { seconds }
    }
}

#[cfg(test)]
mod tests;
