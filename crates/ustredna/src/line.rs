//! One connection from FreeSWITCH: the socket, the codec and the session together.

use std::time::{Duration, Instant};

use esl::{Answer, Command, EslCodec, Event, Message, Session, SessionEvent};
use futures::{SinkExt as _, StreamExt as _};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio_util::codec::Framed;

use crate::clock;

/// How long FreeSWITCH may take to answer `connect`; it does so within a millisecond.
const CONNECT: Duration = Duration::from_secs(10);

/// How long FreeSWITCH may take to read some hundred bytes.
const WRITE: Duration = Duration::from_secs(10);

/// How long a connection may be silent before it is probed, and between probes.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// A call's connection.
pub(crate) struct Line {
    framed: Framed<TcpStream, EslCodec>,
    pub(crate) session: Session,
}

/// Why a connection is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    /// The peer breaks the protocol, or the socket failed.
    #[error(transparent)]
    Codec(#[from] esl::CodecError),
    /// The peer answers what nobody asked.
    #[error(transparent)]
    Session(#[from] esl::SessionError),
    /// The peer says nothing, or something else than a FreeSWITCH `socket` application would.
    #[error("no answer to `connect`: is this a FreeSWITCH channel?")]
    NotConnected,
    /// The peer does not read.
    #[error("the peer does not read what is sent")]
    Stuck,
}

impl Line {
    /// Takes over a call: sends `connect` and waits for the channel's data.
    pub(crate) async fn connect(stream: TcpStream) -> Result<(Self, Event), LineError> {
        // Commands are written whole; waiting to fill a packet would only delay them.
        stream.set_nodelay(true).map_err(esl::CodecError::from)?;
        // A talk is silent on this connection; a switch that has lost its power must be noticed.
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
        SockRef::from(&stream).set_tcp_keepalive(&keepalive).map_err(esl::CodecError::from)?;
        let mut line =
            Self { framed: Framed::new(stream, EslCodec::default()), session: Session::new() };
        line.session.send_by(&Command::Connect, clock::instant() + CONNECT);
        line.flush().await?;
        loop {
            match line.session.poll_event() {
                Some(SessionEvent::Connected(event)) => return Ok((line, event)),
                Some(SessionEvent::Replied {
                    reply: Answer::Lost(_) | Answer::Reply(_), ..
                }) => {
                    return Err(LineError::NotConnected);
                }
                Some(SessionEvent::Disconnected(_)) => return Err(LineError::NotConnected),
                Some(_) => {}
                None => line.wait().await?,
            }
        }
    }

    /// Writes all queued commands, in one write.
    pub(crate) async fn flush(&mut self) -> Result<(), LineError> {
        let Some(bytes) = self.session.poll_transmit() else { return Ok(()) };
        let write = self.framed.send(bytes);
        Ok(tokio::time::timeout(WRITE, write).await.map_err(|_| LineError::Stuck)??)
    }

    /// Waits for the next message or deadline and hands it to the session.
    ///
    /// Cancel-safe: a message is handed on in the same poll that yields it.
    pub(crate) async fn wait(&mut self) -> Result<(), LineError> {
        let deadline = self.session.poll_timeout();
        tokio::select! {
            message = self.framed.next() => self.take(message)?,
            () = until(deadline) => self.session.handle_timeout(clock::instant()),
        }
        Ok(())
    }

    fn take(&mut self, message: Option<Result<Message, esl::CodecError>>) -> Result<(), LineError> {
        match message {
            Some(Ok(message)) => self.session.handle_message(message)?,
            // FreeSWITCH closes with a reset when we have unread bytes; that is an end too.
            Some(Err(esl::CodecError::Io(_) | esl::CodecError::Truncated { .. })) | None => {
                self.session.handle_eof();
            }
            Some(Err(error)) => {
                self.session.handle_eof();
                return Err(error.into());
            }
        }
        Ok(())
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
