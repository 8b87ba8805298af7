//! Commands that cannot be malformed: every part is admitted before there is a command to hold it,
//! nothing is ever escaped.

use bytes::{BufMut, BytesMut};
use uuid::Uuid;

use crate::event::EventName;
use crate::parse::{self, Line, ParseError};

mod api;
mod dial;
mod digits;
mod execute;
mod sound;
mod value;

pub use api::{Api, Recording};
pub use dial::{Destination, DialString, DialValue, Gateway};
pub use digits::{DigitPattern, PlayAndGetDigits, Terminators};
pub use execute::{App, Execute};
pub use sound::{Playlist, Sound, Tone};
pub use value::{Arg, ChannelUuid, HangupCause, Path, VarName, VarValue};

/// A command; its `Debug` shows neither arguments nor the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `connect`: takes over the call; must be an outbound connection's first, within 25 s.
    Connect,
    /// `linger <seconds>`: keep the connection after the hang-up to deliver its last events.
    Linger(u16),
    /// `myevents`: the own channel's events, plain.
    MyEvents,
    /// `event plain …`: adds kinds of events.
    Events(EventList),
    /// `event json …`: adds kinds of events and switches the connection to JSON.
    JsonEvents(EventList),
    /// `nixevent …`: removes kinds of events.
    NixEvents(EventList),
    /// `api …`: runs inline and holds up the connection's events, so only what is quick.
    Api(Api),
    /// `bgapi …`: the result comes as BACKGROUND_JOB with the same `Job-UUID`.
    BgApi {
        /// What to run.
        api: Api,
        /// The job's id; without it FreeSWITCH makes one up and tells it in its reply.
        job: Option<Uuid>,
    },
    /// `auth <password>`: an inbound connection's first.
    Auth(Arg),
    /// `exit`: asks FreeSWITCH to close the connection.
    Exit,
    /// `sendmsg` with an application for the own channel.
    SendMsg(Execute),
}

/// Why a part of a command was not admitted. The text itself is never told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// A CR or LF, which would start a header of the sender's choice, or a NUL.
    #[error("control character in an argument")]
    ControlCharacter,
    /// `${`, also with backslashes between, which FreeSWITCH expands, API calls included.
    #[error("expansion in an argument")]
    Expansion,
    /// An argument that must not be empty.
    #[error("empty argument")]
    Empty,
    /// Not a lower-case, hyphenated UUID.
    #[error("not a channel uuid")]
    Uuid,
    /// Not `[A-Za-z0-9_-]+`.
    #[error("not a variable name")]
    VariableName,
    /// Characters that the command's own syntax gives a meaning.
    #[error("not a plain variable value")]
    VariableValue,
    /// Not `[A-Za-z0-9_./-]+`.
    #[error("not a plain path")]
    Path,
    /// Not `[A-Za-z0-9_.-]+`.
    #[error("not a gateway name")]
    Gateway,
    /// Not `+` and 3 to 15 digits.
    #[error("not a phone number")]
    Number,
    /// Not `[A-Z0-9_]+`.
    #[error("not a hangup cause")]
    Cause,
    /// Not of `0-9`, `*`, `#`.
    #[error("not terminating keys")]
    Terminators,
    /// Not a plain regular expression over keys.
    #[error("not a pattern of digits")]
    Pattern,
    /// Not a sound this crate knows.
    #[error("not a sound")]
    Sound,
    /// A list longer than FreeSWITCH splits, or an empty one.
    #[error("too many items or none")]
    ItemCount,
    /// [`EventName::Other`] names no event to subscribe to.
    #[error("not an event to subscribe to")]
    EventName,
}

/// Kinds of events to subscribe to; at least one, all with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventList(Vec<&'static str>);

impl EventList {
    /// Admits the names.
    ///
    /// # Errors
    /// When there is none or one is [`EventName::Other`].
    pub fn new(names: &[EventName]) -> Result<Self, CommandError> {
        if names.is_empty() {
            return Err(CommandError::ItemCount);
        }
        let names = names.iter().map(|name| name.as_str().ok_or(CommandError::EventName));
        Ok(Self(names.collect::<Result<_, _>>()?))
    }
}

impl Command {
    /// `event plain …`.
    ///
    /// # Errors
    /// As [`EventList::new`].
    pub fn events(names: &[EventName]) -> Result<Self, CommandError> {
        EventList::new(names).map(Self::Events)
    }

    /// `nixevent …`.
    ///
    /// # Errors
    /// As [`EventList::new`].
    pub fn nix_events(names: &[EventName]) -> Result<Self, CommandError> {
        EventList::new(names).map(Self::NixEvents)
    }

    /// `api <text>`, for functions without a builder in [`Api`].
    ///
    /// # Errors
    /// As [`Api::new`].
    pub fn api(text: &str) -> Result<Self, CommandError> {
        Api::new(text).map(Self::Api)
    }

    /// `auth <password>`.
    ///
    /// # Errors
    /// When the password is empty or an [`Arg`] would refuse it.
    pub fn auth(password: &str) -> Result<Self, CommandError> {
        Arg::required(password).map(Self::Auth)
    }

    /// Appends the command as it goes over the wire, with the empty line that ends it.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Connect => put(out, &["connect"]),
            Self::Linger(seconds) => put(out, &["linger ", &seconds.to_string()]),
            Self::MyEvents => put(out, &["myevents"]),
            Self::Events(names) => put(out, &["event plain ", &names.0.join(" ")]),
            Self::JsonEvents(names) => put(out, &["event json ", &names.0.join(" ")]),
            Self::NixEvents(names) => put(out, &["nixevent ", &names.0.join(" ")]),
            Self::Api(api) => put(out, &["api ", api.as_str()]),
            Self::BgApi { api, job: None } => put(out, &["bgapi ", api.as_str()]),
            Self::BgApi { api, job: Some(job) } => {
                put(out, &["bgapi ", api.as_str(), "\nJob-UUID: ", &job.to_string()]);
            }
            Self::Auth(password) => put(out, &["auth ", password.as_str()]),
            Self::Exit => put(out, &["exit"]),
            Self::SendMsg(execute) => execute.encode(out),
        }
        put(out, &["\n\n"]);
    }

    /// Reads a command without its empty line, as the peer of this crate sees it.
    ///
    /// # Errors
    /// When this crate would not send it.
    pub fn parse(block: &[u8]) -> Result<Self, ParseError> {
        let text = std::str::from_utf8(block).ok();
        let line = text.and_then(parse::command).ok_or(ParseError::MalformedCommand)?;
        Self::admit(line).ok_or(ParseError::MalformedCommand)
    }

    fn admit(line: Line<'_>) -> Option<Self> {
        let names = |names: Vec<&str>| {
            let names: Vec<_> = names.into_iter().map(EventName::parse).collect();
            EventList::new(&names).ok()
        };
        Some(match line {
            Line::Connect => Self::Connect,
            Line::Exit => Self::Exit,
            Line::MyEvents => Self::MyEvents,
            Line::Linger(seconds) => Self::Linger(seconds.parse().ok()?),
            Line::Events(list) => Self::Events(names(list)?),
            Line::JsonEvents(list) => Self::JsonEvents(names(list)?),
            Line::NixEvents(list) => Self::NixEvents(names(list)?),
            Line::Auth(password) => Self::auth(password).ok()?,
            Line::Api(text) => Self::api(text).ok()?,
            Line::BgApi(text, job) => {
                let job = job.map(Uuid::try_parse).transpose().ok()?;
                Self::BgApi { api: Api::new(text).ok()?, job }
            }
            Line::SendMsg(headers) => Self::SendMsg(Execute::from_headers(&headers)?),
        })
    }
}

fn put(out: &mut BytesMut, parts: &[&str]) {
    for part in parts {
        out.put_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests;
