use uuid::Uuid;

use crate::event::Event;
use crate::message::{ApiResponse, Reply};

/// Names a command that [`Session::send`](super::Session::send) has queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReplyId(pub(super) u64);

/// What [`Session::poll_event`](super::Session::poll_event) tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    /// `connect` succeeded; stands in place of its `Replied`.
    Connected(Event),
    /// A command got its answer, or never will.
    Replied {
        /// What `send` returned.
        id: ReplyId,
        /// The answer.
        reply: Answer,
    },
    /// An execute has ended, or is given up.
    Completed {
        /// The execute's `event_uuid`.
        uuid: Uuid,
        /// How.
        completion: Completion,
    },
    /// Any event but a completion that somebody waited for. CHANNEL_HANGUP and
    /// CHANNEL_HANGUP_COMPLETE come before the completions that they abandon.
    Event(Event),
    /// An inbound connection wants `auth` now.
    AuthRequested,
    /// The channel is down; its last events may still come.
    Lingering {
        /// For how long FreeSWITCH keeps the connection; `None`: until the controller closes.
        seconds: Option<u32>,
    },
    /// The end; comes once, after all that it abandons.
    Disconnected(Disconnect),
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A `command/reply`; also to an `api` that is refused altogether.
    Reply(Reply),
    /// An `api/response`.
    Api(ApiResponse),
    /// None will come, or come in time.
    Lost(Why),
}

/// How an execute ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    /// The application ran to its end, or to the channel's: look at the channel's state first.
    Done(Event),
    /// No completion will come, or come in time.
    Abandoned(Why),
}

/// Why a waiter is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The channel is down.
    Hangup,
    /// The connection has ended while the channel, as far as one knows, lives on.
    Eof,
    /// The waiter's own deadline has passed.
    Deadline,
    /// FreeSWITCH refused the command, or its queue of 256 is full.
    Refused,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disconnect {
    /// FreeSWITCH said goodbye.
    Notice,
    /// FreeSWITCH's access list refuses this client.
    Rejected,
    /// The stream ended or failed.
    Eof,
}

/// The peer answers what nobody asked; the connection's replies can no longer be matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// A `command/reply` without a command.
    #[error("reply without a command")]
    UnexpectedReply,
    /// An `api/response` while another kind of reply was due.
    #[error("api response without an api command")]
    UnexpectedApiResponse,
    /// Channel data while `connect` was not due.
    #[error("connect reply without connect")]
    UnexpectedConnect,
}
