//! One connection's conversation, without the connection.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use uuid::Uuid;

use crate::command::{ChannelUuid, Command, Execute};
use crate::event::{Event, EventName};
use crate::message::{DisconnectNotice, Message};

mod outcome;

pub use outcome::{Answer, Completion, Disconnect, ReplyId, SessionError, SessionEvent, Why};

/// Matches replies to commands and completions to executes.
///
/// It does no I/O and reads no clock. The driver feeds it with `handle_*` and, after any call,
/// takes out what is due, in this order:
///
/// 1. [`poll_event`](Self::poll_event) until `None`;
/// 2. [`poll_transmit`](Self::poll_transmit): everything queued since, to be written in **one**
///    write, since a half-sent command stops FreeSWITCH's events;
/// 3. [`poll_timeout`](Self::poll_timeout): when to call [`handle_timeout`](Self::handle_timeout).
///
/// Every [`send`](Self::send) is answered and every [`execute`](Self::execute) completed **exactly
/// once**, whatever the peer does:
///
/// - Replies come in the order of the commands. A reply nobody waits for is a protocol violation:
///   drop the connection and call [`handle_eof`](Self::handle_eof).
/// - A completion is the CHANNEL_EXECUTE_COMPLETE whose `Application-UUID` is the execute's
///   `event_uuid`. A late, repeated or foreign one is a plain [`SessionEvent::Event`].
/// - A refused `sendmsg` completes its execute as [`Why::Refused`].
/// - FreeSWITCH stays silent about what never ran. When the channel goes down (CHANNEL_HANGUP, or
///   the linger notice, which may overtake it), an execute behind an unfinished `event-lock`ed
///   one cannot have started and is abandoned at once. The one at the head may be running: a bridge's
///   completion comes *after* CHANNEL_HANGUP and tells the leg's outcome. It is abandoned when
///   CHANNEL_HANGUP_COMPLETE has come without it, which ends the channel's events.
/// - After the channel is down an execute is abandoned unsent; after the connection's end commands
///   are lost unsent.
#[derive(Debug, Default)]
pub struct Session {
    channel: Option<ChannelUuid>,
    hung_up: bool,
    ended: bool,
    last_reply_id: u64,
    replies: VecDeque<ReplyDue>,
    executes: VecDeque<Running>,
    outgoing: BytesMut,
    events: VecDeque<SessionEvent>,
}

#[derive(Debug)]
struct ReplyDue {
    kind: ReplyKind,
    waiter: Waiter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReplyKind {
    Connect,
    Api,
    Other,
}

#[derive(Debug, Clone, Copy)]
enum Waiter {
    Command {
        id: ReplyId,
        deadline: Option<Instant>,
    },
    Execute(Uuid),
    /// Told already that its deadline has passed; the reply's place in the order remains.
    Gone,
}

#[derive(Debug)]
struct Running {
    uuid: Uuid,
    event_lock: bool,
    deadline: Option<Instant>,
}

/// One more drops the connection (mod_event_socket's queue of private messages).
const SENDMSG_QUEUE: usize = 256;

impl Session {
    /// A session at the start of its connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Queues a command. Of a [`Command::SendMsg`] only the reply is awaited, not the completion.
    pub fn send(&mut self, command: &Command) -> ReplyId {
        self.queue(command, None)
    }

    /// [`send`](Self::send), whose answer is [`Answer::Lost`] when it has not come by `deadline`.
    pub fn send_by(&mut self, command: &Command, deadline: Instant) -> ReplyId {
        self.queue(command, Some(deadline))
    }

    /// Queues an execute and waits for its completion; returns its `event_uuid`.
    pub fn execute(&mut self, execute: Execute) -> Uuid {
        self.run(execute, None)
    }

    /// [`execute`](Self::execute), abandoned when its completion has not come by `deadline`.
    pub fn execute_by(&mut self, execute: Execute, deadline: Instant) -> Uuid {
        self.run(execute, Some(deadline))
    }

    /// Takes in a message.
    ///
    /// # Errors
    /// When the message answers nothing; the connection is then of no use.
    pub fn handle_message(&mut self, message: Message) -> Result<(), SessionError> {
        match message {
            Message::Connect(event) => {
                self.next_reply(SessionError::UnexpectedConnect, |kind| {
                    kind == ReplyKind::Connect
                })?;
                self.channel = event.unique_id();
                self.events.push_back(SessionEvent::Connected(event));
            }
            Message::Reply(reply) => {
                let waiter = self.next_reply(SessionError::UnexpectedReply, |_| true)?;
                self.answer(waiter, reply.ok, Answer::Reply(reply));
            }
            Message::Api(response) => {
                let waiter = self.next_reply(SessionError::UnexpectedApiResponse, |kind| {
                    kind == ReplyKind::Api
                })?;
                self.answer(waiter, true, Answer::Api(response));
            }
            Message::Event(event) => self.handle_event(event),
            Message::Disconnect(DisconnectNotice::Linger { seconds }) => {
                self.events.push_back(SessionEvent::Lingering { seconds });
                self.channel_down();
            }
            Message::Disconnect(DisconnectNotice::Disconnected) => self.end(Disconnect::Notice),
            Message::AuthRequest => self.events.push_back(SessionEvent::AuthRequested),
            Message::RudeRejection => self.end(Disconnect::Rejected),
        }
        Ok(())
    }

    /// The stream has ended or failed, or the driver drops it. Again: nothing.
    pub fn handle_eof(&mut self) {
        self.end(Disconnect::Eof);
    }

    /// Gives up every waiter whose deadline is not after `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        for due in &mut self.replies {
            if let Waiter::Command { id, deadline: Some(deadline) } = due.waiter
                && deadline <= now
            {
                due.waiter = Waiter::Gone;
                let reply = Answer::Lost(Why::Deadline);
                self.events.push_back(SessionEvent::Replied { id, reply });
            }
        }
        self.abandon(Why::Deadline, |running| {
            running.deadline.is_some_and(|deadline| deadline <= now)
        });
    }

    /// The earliest deadline.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let replies = self.replies.iter().filter_map(|due| match due.waiter {
            Waiter::Command { deadline, .. } => deadline,
            Waiter::Execute(_) | Waiter::Gone => None,
        });
        replies.chain(self.executes.iter().filter_map(|running| running.deadline)).min()
    }

    /// Everything queued since the last call, for one write.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.has_transmit().then(|| self.outgoing.split().freeze())
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) would give something.
    #[must_use]
    pub fn has_transmit(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// What has happened, oldest first.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// Whether the channel is down.
    #[must_use]
    pub fn is_hung_up(&self) -> bool {
        self.hung_up
    }

    /// Whether the connection is over.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// The channel of an outbound connection, once connected.
    #[must_use]
    pub fn channel(&self) -> Option<&ChannelUuid> {
        self.channel.as_ref()
    }

    fn queue(&mut self, command: &Command, deadline: Option<Instant>) -> ReplyId {
        self.last_reply_id += 1;
        let id = ReplyId(self.last_reply_id);
        if self.ended {
            let reply = Answer::Lost(self.why_ended());
            self.events.push_back(SessionEvent::Replied { id, reply });
            return id;
        }
        let kind = match command {
            Command::Connect => ReplyKind::Connect,
            Command::Api(_) => ReplyKind::Api,
            Command::Linger(_)
            | Command::MyEvents
            | Command::Events(_)
            | Command::JsonEvents(_)
            | Command::NixEvents(_)
            | Command::BgApi { .. }
            | Command::Auth(_)
            | Command::Exit
            | Command::SendMsg(_) => ReplyKind::Other,
        };
        command.encode(&mut self.outgoing);
        self.replies.push_back(ReplyDue { kind, waiter: Waiter::Command { id, deadline } });
        id
    }

    fn run(&mut self, execute: Execute, deadline: Option<Instant>) -> Uuid {
        let Execute { event_uuid: uuid, event_lock, .. } = execute;
        let refusal = if self.ended {
            Some(self.why_ended())
        } else if self.hung_up {
            Some(Why::Hangup)
        } else {
            (self.executes.len() >= SENDMSG_QUEUE).then_some(Why::Refused)
        };
        if let Some(why) = refusal {
            let completion = Completion::Abandoned(why);
            self.events.push_back(SessionEvent::Completed { uuid, completion });
            return uuid;
        }
        Command::SendMsg(execute).encode(&mut self.outgoing);
        self.replies.push_back(ReplyDue { kind: ReplyKind::Other, waiter: Waiter::Execute(uuid) });
        self.executes.push_back(Running { uuid, event_lock, deadline });
        uuid
    }

    fn next_reply(
        &mut self,
        violation: SessionError,
        fits: impl Fn(ReplyKind) -> bool,
    ) -> Result<Waiter, SessionError> {
        let due = self.replies.pop_front_if(|due| fits(due.kind)).ok_or(violation)?;
        Ok(due.waiter)
    }

    fn answer(&mut self, waiter: Waiter, ok: bool, reply: Answer) {
        match waiter {
            Waiter::Command { id, .. } => {
                self.events.push_back(SessionEvent::Replied { id, reply });
            }
            Waiter::Execute(uuid) if !ok => {
                self.complete(uuid, Completion::Abandoned(Why::Refused));
            }
            Waiter::Execute(_) | Waiter::Gone => {}
        }
    }

    fn handle_event(&mut self, event: Event) {
        let name = event.event_name();
        if name == EventName::ChannelExecuteComplete
            && let Some(uuid) = event.application_uuid()
            && self.executes.iter().any(|running| running.uuid == uuid)
        {
            self.complete(uuid, Completion::Done(event));
            return;
        }
        // An inbound connection hears of any channel's end; none is its own.
        let own = self.channel.is_some() && self.channel == event.unique_id();
        self.events.push_back(SessionEvent::Event(event));
        if own && name == EventName::ChannelHangup {
            self.channel_down();
        } else if own && name == EventName::ChannelHangupComplete {
            self.hung_up = true;
            self.abandon(Why::Hangup, |_| true);
        }
    }

    fn channel_down(&mut self) {
        self.hung_up = true;
        let mut behind_a_lock = false;
        self.abandon(Why::Hangup, |running| {
            let never_started = behind_a_lock;
            behind_a_lock |= running.event_lock;
            never_started
        });
    }

    fn complete(&mut self, uuid: Uuid, completion: Completion) {
        if let Some(at) = self.executes.iter().position(|running| running.uuid == uuid) {
            self.executes.remove(at);
            self.events.push_back(SessionEvent::Completed { uuid, completion });
        }
    }

    fn abandon(&mut self, why: Why, mut is_lost: impl FnMut(&Running) -> bool) {
        self.executes.retain(|running| {
            let lost = is_lost(running);
            if lost {
                let completion = Completion::Abandoned(why);
                self.events.push_back(SessionEvent::Completed { uuid: running.uuid, completion });
            }
            !lost
        });
    }

    fn end(&mut self, how: Disconnect) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.outgoing.clear();
        let why = self.why_ended();
        for due in std::mem::take(&mut self.replies) {
            if let Waiter::Command { id, .. } = due.waiter {
                self.events.push_back(SessionEvent::Replied { id, reply: Answer::Lost(why) });
            }
        }
        self.abandon(why, |_| true);
        self.events.push_back(SessionEvent::Disconnected(how));
    }

    fn why_ended(&self) -> Why {
        if self.hung_up { Why::Hangup } else { Why::Eof }
    }
}

#[cfg(test)]
mod tests;
