//! The sending end of a connection, with what goes wrong on it.

use std::{future::pending, io, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    net::tcp::OwnedWriteHalf,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};

use crate::faults::{Fate, WireFault};

mod strangers;

/// A reply, an event or a notice, whole.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) bytes: Vec<u8>,
    /// It is a CHANNEL_EXECUTE_COMPLETE.
    pub(crate) completion: bool,
}

/// Sends frames until the sender is dropped and all is written, the peer is gone, or a fault ends it.
///
/// The write half goes with the task: after a [`WireFault::Cut`] the peer sees the end, after a
/// [`WireFault::Disconnect`] a reset. It sees the reset once the read half is gone too, so whoever has
/// that drops it when the task has ended.
pub(crate) fn wire(
    writer: OwnedWriteHalf,
    faults: Vec<WireFault>,
) -> (UnboundedSender<Frame>, JoinHandle<()>) {
    let (sender, frames) = unbounded_channel();
    let wire = Wire { writer, faults, sent: 0, completions: 0, late: Vec::new() };
    (sender, tokio::spawn(wire.run(frames)))
}

struct Wire {
    writer: OwnedWriteHalf,
    faults: Vec<WireFault>,
    /// What the switch has sent so far, whether or not it is written.
    sent: usize,
    completions: usize,
    /// In the order of their times.
    late: Vec<(Instant, Vec<u8>)>,
}

/// Why nothing more is written.
enum End {
    Closed,
    Reset,
}

impl From<io::Error> for End {
    /// A peer that is gone gets no more, and nobody asks why.
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

impl Wire {
    async fn run(mut self, mut frames: UnboundedReceiver<Frame>) {
        match self.write_all(&mut frames).await {
            Ok(()) | Err(End::Closed) => {}
            Err(End::Reset) => {
                // Closing then throws away what is unsent, and says so instead of goodbye.
                drop(self.writer.as_ref().set_zero_linger());
                self.writer.forget();
            }
        }
    }

    async fn write_all(&mut self, frames: &mut UnboundedReceiver<Frame>) -> Result<(), End> {
        // A piece is sent as it is cut, not gathered with the next.
        self.writer.as_ref().set_nodelay(true)?;
        let mut open = true;
        while open || !self.late.is_empty() {
            let next = self.late.first().map(|(at, _)| *at);
            tokio::select! {
                biased;
                () = due(next) => {
                    let (_, bytes) = self.late.remove(0);
                    self.writer.write_all(&bytes).await?;
                }
                frame = frames.recv(), if open => match frame {
                    Some(frame) => self.send(frame).await?,
                    None => open = false,
                },
            }
        }
        Ok(())
    }

    async fn send(&mut self, frame: Frame) -> Result<(), End> {
        let place = self.sent;
        self.sent += 1;
        let (mut end, mut fate) = (frame.bytes.len(), None);
        let mut split = None;
        let mut last = false;
        for fault in self.faults.clone() {
            match fault {
                WireFault::Disconnect { frame } if frame == place => return Err(End::Reset),
                WireFault::Delay { frame, by } if frame == place => sleep(by).await,
                WireFault::Flood { frame, events } if frame == place => {
                    self.writer.write_all(&strangers::events(events)).await?;
                }
                WireFault::Split { frame, byte, pause } if frame == place => {
                    split = Some((byte, pause));
                }
                WireFault::Cut { frame, byte } if frame == place => {
                    (end, last) = (end.min(byte), true);
                }
                WireFault::Completion { nth, fate: this }
                    if frame.completion && nth == self.completions =>
                {
                    fate = Some(this);
                }
                WireFault::Disconnect { .. }
                | WireFault::Delay { .. }
                | WireFault::Flood { .. }
                | WireFault::Split { .. }
                | WireFault::Cut { .. }
                | WireFault::Completion { .. } => {}
            }
        }
        self.completions += usize::from(frame.completion);
        let bytes = frame.bytes.get(..end).unwrap_or(&frame.bytes);
        match fate {
            None => self.write(bytes, split).await?,
            Some(Fate::Never) => {}
            Some(Fate::Twice) => {
                self.write(bytes, split).await?;
                if !last {
                    self.writer.write_all(bytes).await?;
                }
            }
            Some(Fate::Late(by)) => {
                let at = Instant::now() + by;
                let behind = self.late.partition_point(|(other, _)| *other <= at);
                self.late.insert(behind, (at, bytes.to_vec()));
            }
        }
        if last { Err(End::Closed) } else { Ok(()) }
    }

    async fn write(&mut self, bytes: &[u8], split: Option<(usize, Duration)>) -> io::Result<()> {
        let (byte, pause) = split.unwrap_or((bytes.len(), Duration::ZERO));
        let (first, second) = bytes.split_at_checked(byte).unwrap_or((bytes, &[]));
        self.writer.write_all(first).await?;
        if !second.is_empty() {
            sleep(pause).await;
            self.writer.write_all(second).await?;
        }
        Ok(())
    }
}

/// Never, when there is nothing to wait for.
async fn due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
