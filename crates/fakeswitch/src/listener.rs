//! Who listens to a connection of the event socket.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedSender;
use uuid::Uuid;

use crate::{event::Event, subscription::Subscription, wire::Frame};

/// A connection's way out: replies and events, in the order in which they happen.
#[derive(Debug)]
pub(crate) struct Listener {
    frames: UnboundedSender<Frame>,
    subscription: Mutex<Subscription>,
    /// The channel whose controller it is.
    leg: Option<Uuid>,
    uuid: Option<String>,
}

impl Listener {
    pub(crate) fn new(frames: UnboundedSender<Frame>, leg: Option<Uuid>) -> Self {
        let uuid = leg.map(|leg| leg.to_string());
        Self { frames, subscription: Mutex::new(Subscription::new()), leg, uuid }
    }

    pub(crate) fn leg(&self) -> Option<Uuid> {
        self.leg
    }

    pub(crate) fn subscription(&self) -> MutexGuard<'_, Subscription> {
        self.subscription.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wants(&self, name: &str, uuid: Option<&str>) -> bool {
        self.subscription().wants(name, uuid, self.uuid.as_deref())
    }

    pub(crate) fn offer(&self, event: &Event) {
        let subscription = self.subscription();
        if subscription.lets_pass(event) {
            let bytes = event.frame(subscription.format);
            let completion = event.name == "CHANNEL_EXECUTE_COMPLETE";
            drop(self.frames.send(Frame { bytes, completion }));
        }
    }

    pub(crate) fn send(&self, bytes: Vec<u8>) {
        // A peer that is gone gets nothing; its reader ends the connection.
        drop(self.frames.send(Frame { bytes, completion: false }));
    }

    pub(crate) fn reply(&self, text: &str) {
        self.send(format!("Content-Type: command/reply\nReply-Text: {text}\n\n").into_bytes());
    }
}
