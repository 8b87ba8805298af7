//! The sending end of a connection, with what goes wrong on it.

use std::{future::pending, io, sync::Arc, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    net::tcp::OwnedWriteHalf,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::faults::{Fate, WireFault};

mod outlet;
mod strangers;

use outlet::Pace;
pub(crate) use outlet::{Flow, Outlet};

/// How long a peer may take nothing: 60,000 tries, 10 ms apart (`switch_socket_send` in
/// switch_apr.c).
const PATIENCE: Duration = Duration::from_mins(10);

/// What is sent at once.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) bytes: Arc<Vec<u8>>,
    pub(crate) what: What,
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A reply or a notice.
    Answer,
    Event,
    /// CHANNEL_EXECUTE_COMPLETE, an event as well.
    Completion,
}

/// Sends frames until the outlet is dropped and all is written, the peer is gone, or a fault ends it.
///
/// The write half goes with the task: after a [`WireFault::Cut`] the peer sees the end, after a
/// [`WireFault::Disconnect`] a reset. It sees the reset once the read half is gone too, so whoever has
/// that drops it when the task has ended.
pub(crate) fn wire(writer: OwnedWriteHalf, faults: Vec<WireFault>) -> (Outlet, JoinHandle<()>) {
    let (sender, frames) = unbounded_channel();
    let (outlet, pace) = Outlet::new(sender);
    let wire = Wire { writer, faults, pace, sent: 0, completions: 0, late: Vec::new() };
    (outlet, tokio::spawn(wire.run(frames)))
}

struct Wire {
    writer: OwnedWriteHalf,
    faults: Vec<WireFault>,
    pace: Arc<Pace>,
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
                    self.put(&bytes).await?;
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
        let completion = frame.what == What::Completion;
        if frame.what != What::Answer {
            self.pace.leaves();
        }
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
                    self.put(&strangers::events(events)).await?;
                }
                WireFault::Split { frame, byte, pause } if frame == place => {
                    split = Some((byte, pause));
                }
                WireFault::Cut { frame, byte } if frame == place => {
                    (end, last) = (end.min(byte), true);
                }
                WireFault::Completion { nth, fate: this }
                    if completion && nth == self.completions =>
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
        self.completions += usize::from(completion);
        let bytes = frame.bytes.get(..end).unwrap_or(&frame.bytes);
        match fate {
            None => self.write(bytes, split).await?,
            Some(Fate::Never) => {}
            Some(Fate::Twice) => {
                self.write(bytes, split).await?;
                if !last {
                    self.put(bytes).await?;
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
        self.put(first).await?;
        if !second.is_empty() {
            sleep(pause).await;
            self.put(second).await?;
        }
        Ok(())
    }

    /// Writes, with patience. When it is at an end, the rest is given up and the next frame tried:
    /// the peer then reads a torn one.
    async fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let at_once = tokio::select! {
                biased;
                written = self.writer.write(bytes) => Some(written?),
                () = std::future::ready(()) => None,
            };
            let written = if let Some(written) = at_once {
                written
            } else {
                self.pace.flows(Flow::Stuck);
                let Ok(written) = timeout(PATIENCE, self.writer.write(bytes)).await else { break };
                written?
            };
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = bytes.get(written..).unwrap_or_default();
        }
        self.pace.flows(Flow::Free);
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
