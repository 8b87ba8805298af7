//! FreeSWITCH's event socket: framing, parsers, zero-copy events, commands that cannot be
//! malformed and a session that does no I/O.
//!
//! Bytes go through the crate once, front to back: [`frame`] finds where a message ends and holds
//! the peer to its limits, [`message`] tells what the message is, [`event`] gives its headers,
//! [`session`] matches replies and completions to those who wait for them. Commands go the other
//! way: [`command`] admits their parts and writes them out. [`codec`] ties both to tokio-util.
//!
//! Neither a socket nor a clock nor any telephony policy lives here.
#![warn(missing_docs)]

pub mod codec;
pub mod command;
pub mod event;
pub mod frame;
pub mod headers;
pub mod message;
mod parse;
mod percent;
pub mod session;

pub use codec::{CodecError, EslCodec};
pub use command::{
    Api, App, Arg, ChannelUuid, Command, CommandError, Destination, DialString, DialValue,
    DigitPattern, EventList, Execute, Gateway, HangupCause, Path, PlayAndGetDigits, Playlist,
    Recording, Sound, Terminators, Tone, VarName, VarValue,
};
pub use event::{Event, EventName};
pub use frame::{Frame, FrameError, FrameLimits, Framer};
pub use message::{ApiResponse, DisconnectNotice, Message, Reply};
pub use parse::ParseError;
pub use session::{
    Answer, Completion, Disconnect, ReplyId, Session, SessionError, SessionEvent, Why,
};

#[cfg(test)]
mod captures;
