//! Who listens to a connection of the event socket.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use uuid::Uuid;

use crate::{
    event::{Event, Format},
    subscription::Subscription,
    wire::{Frame, Outlet, What},
};

/// A connection's way out: replies and events, in the order in which they happen.
#[derive(Debug)]
pub(crate) struct Listener {
    outlet: Outlet,
    subscription: Mutex<Subscription>,
    /// The channel whose controller it is.
    leg: Option<Uuid>,
    hushed: AtomicBool,
}

impl Listener {
    pub(crate) fn new(outlet: Outlet, leg: Option<Uuid>) -> Self {
        let subscription = Mutex::new(Subscription::new());
        Self { outlet, subscription, leg, hushed: AtomicBool::new(false) }
    }

    pub(crate) fn leg(&self) -> Option<Uuid> {
        self.leg
    }

    pub(crate) fn subscription(&self) -> MutexGuard<'_, Subscription> {
        self.subscription.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it may want such an event of this channel.
    pub(crate) fn wants(&self, name: &str, leg: Option<Uuid>) -> bool {
        self.subscription().wants(name, leg.is_some() && self.leg == leg)
    }

    /// Gives an event to all who want it; its text is put together once for each format.
    pub(crate) fn offer(audience: &[Arc<Self>], event: &Event) {
        let completion = event.name == "CHANNEL_EXECUTE_COMPLETE";
        let what = if completion { What::Completion } else { What::Event };
        let mut made: Vec<(Format, Arc<Vec<u8>>)> = Vec::with_capacity(1);
        for listener in audience {
            let subscription = listener.subscription();
            if !subscription.lets_pass(event) {
                continue;
            }
            let format = subscription.format;
            let known = made.iter().find(|(known, _)| *known == format);
            let bytes = if let Some((_, bytes)) = known {
                Arc::clone(bytes)
            } else {
                let bytes = Arc::new(event.frame(format));
                made.push((format, Arc::clone(&bytes)));
                bytes
            };
            listener.outlet.send(Frame { bytes, what });
        }
    }

    pub(crate) fn send(&self, bytes: Vec<u8>) {
        self.outlet.send(Frame { bytes: Arc::new(bytes), what: What::Answer });
    }

    /// What the first command of an outbound connection is replied is thrown away (`listener_run`
    /// in mod_event_socket.c), except for what the command itself writes.
    pub(crate) fn hush(&self, hushed: bool) {
        self.hushed.store(hushed, Ordering::Relaxed);
    }

    pub(crate) fn reply(&self, text: &str) {
        if !self.hushed.load(Ordering::Relaxed) {
            self.send(format!("Content-Type: command/reply\nReply-Text: {text}\n\n").into_bytes());
        }
    }
}
