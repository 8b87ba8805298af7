//! The protocol as a tokio-util codec: messages out of a byte stream, prepared bytes into it.

use bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::frame::{FrameError, FrameLimits, Framer};
use crate::message::Message;
use crate::parse::ParseError;

/// Decodes [`Message`]s; encodes what [`Session::poll_transmit`](crate::Session::poll_transmit)
/// gives, unchanged.
#[derive(Debug)]
pub struct EslCodec {
    limits: FrameLimits,
    framer: Framer,
}

impl EslCodec {
    /// A codec for one connection, from its first byte.
    #[must_use]
    pub fn new(limits: FrameLimits) -> Self {
        Self { limits, framer: Framer::new(limits) }
    }
}

impl Default for EslCodec {
    fn default() -> Self {
        Self::new(FrameLimits::default())
    }
}

/// Why a connection cannot be read further.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The peer breaks the framing or its limits.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A whole frame is not what the protocol knows.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The stream ended inside a frame.
    #[error("connection ended inside a frame, {bytes} bytes of it read")]
    Truncated {
        /// How much of the frame had come.
        bytes: usize,
    },
}

impl Decoder for EslCodec {
    type Item = Message;
    type Error = CodecError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, CodecError> {
        let Some(frame) = self.framer.next_frame(buffer)? else { return Ok(None) };
        Ok(Some(Message::parse(frame, &self.limits)?))
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, CodecError> {
        match self.decode(buffer)? {
            None if !buffer.is_empty() => Err(CodecError::Truncated { bytes: buffer.len() }),
            decoded => Ok(decoded),
        }
    }
}

impl Encoder<Bytes> for EslCodec {
    type Error = CodecError;

    fn encode(&mut self, bytes: Bytes, buffer: &mut BytesMut) -> Result<(), CodecError> {
        buffer.extend_from_slice(&bytes);
        Ok(())
    }
}
