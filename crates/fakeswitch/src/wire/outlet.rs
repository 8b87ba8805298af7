//! The way to a connection's sending end, and how full it is.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{mpsc::UnboundedSender, watch};

use super::{Frame, What};

/// `MAX_QUEUE_LEN`: so many events wait for a peer that does not read; more are dropped.
const EVENTS: usize = 100_000;
/// `MAX_MISSED`: one dropped in a row more than these ends the connection.
const MISSED: usize = 500;

/// How the sending goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Free,
    /// The peer takes nothing. FreeSWITCH's one thread of the connection waits and reads no command.
    Stuck,
    /// Too many events were dropped.
    Killed,
}

/// Where frames go in.
#[derive(Debug)]
pub(crate) struct Outlet {
    frames: UnboundedSender<Frame>,
    pace: Arc<Pace>,
}

#[derive(Debug)]
pub(super) struct Pace {
    waiting: AtomicUsize,
    missed: AtomicUsize,
    flow: watch::Sender<Flow>,
}

impl Outlet {
    pub(super) fn new(frames: UnboundedSender<Frame>) -> (Self, Arc<Pace>) {
        let pace = Arc::new(Pace {
            waiting: AtomicUsize::new(0),
            missed: AtomicUsize::new(0),
            flow: watch::channel(Flow::Free).0,
        });
        (Self { frames, pace: Arc::clone(&pace) }, pace)
    }

    pub(crate) fn flow(&self) -> watch::Receiver<Flow> {
        self.pace.flow.subscribe()
    }

    /// A peer that is gone gets nothing; its reader ends the connection.
    pub(crate) fn send(&self, frame: Frame) {
        if frame.what != What::Answer && !self.pace.admits() {
            return;
        }
        drop(self.frames.send(frame));
    }
}

impl Pace {
    fn admits(&self) -> bool {
        if self.waiting.load(Ordering::Relaxed) >= EVENTS {
            if self.missed.fetch_add(1, Ordering::Relaxed) >= MISSED {
                self.flow.send_replace(Flow::Killed);
            }
            return false;
        }
        self.missed.store(0, Ordering::Relaxed);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// An event is about to be written.
    pub(super) fn leaves(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn flows(&self, flow: Flow) {
        self.flow.send_if_modified(|now| {
            let changes = *now != flow && *now != Flow::Killed;
            if changes {
                *now = flow;
            }
            changes
        });
    }
}
