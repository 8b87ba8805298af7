//! Where one message ends and the next begins, and how large it may be.
//!
//! A frame is a header block, an empty line, and as many body bytes as `Content-Length` says. The
//! limits hold before anything is parsed: what exceeds them never grows the buffer further.

use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr_iter, memmem};

use crate::parse;

/// How much one peer may send in one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLimits {
    /// Bytes of a header block without its empty line.
    pub header_block: usize,
    /// Headers in a block, and in the event inside a body.
    pub headers: usize,
    /// Bytes of a body.
    pub body: usize,
}

impl Default for FrameLimits {
    /// Events of real calls have up to 13 KB and 250 headers; these leave room for a hundredfold.
    fn default() -> Self {
        Self { header_block: 256 * 1024, headers: 2048, body: 4 * 1024 * 1024 }
    }
}

/// One message, uninterpreted; both parts share the buffer they were read into.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// The header block without the empty line that ends it.
    pub head: Bytes,
    /// The body; `None` without a `Content-Length`.
    pub body: Option<Bytes>,
}

impl std::fmt::Debug for Frame {
    // Frames hold phone numbers and digits.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = self.body.as_ref().map(Bytes::len);
        f.debug_struct("Frame")
            .field("head_bytes", &self.head.len())
            .field("body_bytes", &body)
            .finish()
    }
}

/// A peer that breaks the framing; the connection cannot be read further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The header block goes on past the limit.
    #[error("header block exceeds {limit} bytes")]
    HeaderBlockTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The header block has more lines than the limit.
    #[error("more than {limit} headers")]
    TooManyHeaders {
        /// The limit in headers.
        limit: usize,
    },
    /// `Content-Length` announces a body past the limit.
    #[error("body exceeds {limit} bytes")]
    BodyTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// `Content-Length` is not a decimal number.
    #[error("content-length is not a number")]
    BadContentLength,
    /// `Content-Length` occurs twice, so the next frame's start is anybody's guess.
    #[error("content-length occurs twice")]
    RepeatedContentLength,
}

/// Cuts a byte stream into frames. Bytes are looked at once, however the network cuts them.
///
/// After an error the stream is lost: the error comes again on every call.
#[derive(Debug)]
pub struct Framer {
    limits: FrameLimits,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Looking for the empty line; the first `scanned` bytes do not hold it.
    Head { scanned: usize },
    /// The head is `head` bytes long; waiting for its body.
    Body { head: usize, body: Option<usize> },
}

impl Framer {
    /// A framer at the start of a connection.
    #[must_use]
    pub fn new(limits: FrameLimits) -> Self {
        Self { limits, state: State::Head { scanned: 0 } }
    }

    /// Takes the next whole frame off the front of `buffer`; `None`: more bytes are needed.
    ///
    /// # Errors
    /// When the peer exceeds a limit or its `Content-Length` makes no sense.
    pub fn next_frame(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        loop {
            match self.state {
                State::Head { scanned } => {
                    if scanned == 0 {
                        skip_stray_newlines(buffer);
                    }
                    let Some(head) = self.find_head(buffer, scanned)? else { return Ok(None) };
                    let body = self.body_length(buffer.get(..head).unwrap_or_default())?;
                    self.state = State::Body { head, body };
                }
                State::Body { head, body } => {
                    if buffer.len() < head + EMPTY_LINE.len() + body.unwrap_or(0) {
                        return Ok(None);
                    }
                    self.state = State::Head { scanned: 0 };
                    let block = buffer.split_to(head).freeze();
                    buffer.advance(EMPTY_LINE.len());
                    let body = body.map(|length| buffer.split_to(length).freeze());
                    return Ok(Some(Frame { head: block, body }));
                }
            }
        }
    }

    fn find_head(&mut self, buffer: &[u8], scanned: usize) -> Result<Option<usize>, FrameError> {
        let limit = self.limits.header_block;
        // The first half of the empty line may be the last byte looked at.
        let from = scanned.saturating_sub(1);
        let found = memmem::find(buffer.get(from..).unwrap_or_default(), EMPTY_LINE);
        // Without an end in sight all but the last byte belong to the block for certain.
        let known = found.map_or(buffer.len().saturating_sub(1), |at| from + at);
        if known > limit {
            return Err(FrameError::HeaderBlockTooLarge { limit });
        }
        if found.is_none() {
            self.state = State::Head { scanned: buffer.len() };
        }
        Ok(found.map(|at| from + at))
    }

    fn body_length(&self, head: &[u8]) -> Result<Option<usize>, FrameError> {
        let limit = self.limits.headers;
        if memchr_iter(b'\n', head).count() >= limit {
            return Err(FrameError::TooManyHeaders { limit });
        }
        let mut length = None;
        for line in head.split(|&byte| byte == b'\n') {
            let Some(value) = parse::content_length(line) else { continue };
            let digits = parse::number(value).ok_or(FrameError::BadContentLength)?;
            let limit = self.limits.body;
            let bytes = digits.parse::<usize>().ok().filter(|&bytes| bytes <= limit);
            let bytes = bytes.ok_or(FrameError::BodyTooLarge { limit })?;
            if length.replace(bytes).is_some() {
                return Err(FrameError::RepeatedContentLength);
            }
        }
        Ok(length)
    }
}

const EMPTY_LINE: &[u8] = b"\n\n";

/// `Reply-Text: %s\n\n` (mod_event_socket.c) gets a third newline when the text brings its own, as
/// a variable's value may.
fn skip_stray_newlines(buffer: &mut BytesMut) {
    let stray = buffer.iter().take_while(|&&byte| byte == b'\n').count();
    buffer.advance(stray);
}

#[cfg(test)]
mod tests;
