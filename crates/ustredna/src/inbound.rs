//! A connection to FreeSWITCH's own event socket, for a few questions.

use std::{net::SocketAddr, time::Duration};

use esl::{Answer, CodecError, Command, EslCodec, Session, SessionError, SessionEvent};
use futures::{SinkExt as _, StreamExt as _};
use tokio::{net::TcpStream, time::timeout};
use tokio_util::codec::Framed;

/// How long anything may take: these answers come within milliseconds.
const PATIENCE: Duration = Duration::from_secs(3);

pub(crate) struct Inbound {
    framed: Framed<TcpStream, EslCodec>,
    session: Session,
}

/// Why FreeSWITCH cannot be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InboundError {
    /// Nobody listens there, or the way is blocked.
    #[error("no connection ({0})")]
    Refused(std::io::Error),
    /// Something took longer than it may.
    #[error("no answer in time")]
    Silent,
    /// Wrong password.
    #[error("FreeSWITCH refuses the password")]
    Password,
    /// The access list keeps this machine out.
    #[error("FreeSWITCH's access list refuses this machine")]
    Rejected,
    /// The password or a name has characters that cannot be sent.
    #[error("the password cannot be sent: it has a line break or `${{`")]
    Unsendable,
    /// The peer speaks something else, or went away.
    #[error("the conversation broke off ({0})")]
    Broken(String),
}

impl From<CodecError> for InboundError {
    fn from(error: CodecError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<SessionError> for InboundError {
    fn from(error: SessionError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl Inbound {
    /// Connects and gives the password.
    pub(crate) async fn open(at: SocketAddr, password: &str) -> Result<Self, InboundError> {
        let auth = Command::auth(password).map_err(|_| InboundError::Unsendable)?;
        let stream = timeout(PATIENCE, TcpStream::connect(at))
            .await
            .map_err(|_| InboundError::Silent)?
            .map_err(InboundError::Refused)?;
        let mut inbound =
            Self { framed: Framed::new(stream, EslCodec::default()), session: Session::new() };
        timeout(PATIENCE, inbound.greeting()).await.map_err(|_| InboundError::Silent)??;
        match inbound.answer(&auth, PATIENCE).await? {
            Answer::Reply(reply) if reply.ok => Ok(inbound),
            Answer::Reply(_) | Answer::Api(_) | Answer::Lost(_) => Err(InboundError::Password),
        }
    }

    /// Runs a quick function and returns its whole answer.
    pub(crate) async fn ask(&mut self, function: &str) -> Result<String, InboundError> {
        self.ask_within(function, PATIENCE).await
    }

    /// The same for one that may take its time.
    pub(crate) async fn ask_within(
        &mut self,
        function: &str,
        patience: Duration,
    ) -> Result<String, InboundError> {
        let command = Command::api(function)
            .map_err(|error| InboundError::Broken(format!("a question cannot be sent: {error}")))?;
        match self.answer(&command, patience).await? {
            Answer::Api(response) => Ok(response.body().into_owned()),
            Answer::Reply(reply) => Ok(reply.text),
            Answer::Lost(_) => Err(InboundError::Broken("FreeSWITCH closed it".to_owned())),
        }
    }

    async fn greeting(&mut self) -> Result<(), InboundError> {
        loop {
            match self.session.poll_event() {
                Some(SessionEvent::AuthRequested) => return Ok(()),
                Some(SessionEvent::Disconnected(esl::Disconnect::Rejected)) => {
                    return Err(InboundError::Rejected);
                }
                Some(SessionEvent::Disconnected(_)) => {
                    return Err(InboundError::Broken("FreeSWITCH closed it".to_owned()));
                }
                Some(_) => {}
                None => self.receive().await?,
            }
        }
    }

    async fn answer(
        &mut self,
        command: &Command,
        patience: Duration,
    ) -> Result<Answer, InboundError> {
        let asked = self.session.send(command);
        let conversation = async {
            if let Some(bytes) = self.session.poll_transmit() {
                self.framed.send(bytes).await?;
            }
            loop {
                match self.session.poll_event() {
                    Some(SessionEvent::Replied { id, reply }) if id == asked => return Ok(reply),
                    Some(_) => {}
                    None => self.receive().await?,
                }
            }
        };
        timeout(patience, conversation).await.map_err(|_| InboundError::Silent)?
    }

    async fn receive(&mut self) -> Result<(), InboundError> {
        match self.framed.next().await.transpose()? {
            Some(message) => self.session.handle_message(message)?,
            None => self.session.handle_eof(),
        }
        Ok(())
    }
}
