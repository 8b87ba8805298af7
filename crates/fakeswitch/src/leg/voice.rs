//! Who speaks, and what the recordings of a leg hold of it.

use std::sync::{Arc, atomic::Ordering};

use tokio::time::Instant;

use super::{Leg, Stage};
use crate::{cause::Cause, phone::Sight};

impl Leg {
    /// The phone begins to speak in a tone of so many Hz, or falls silent.
    pub(crate) fn speak(&self, hz: Option<u32>) {
        self.record();
        let peer = self.lock().peer.clone();
        if let Some(peer) = peer {
            peer.record();
        }
        self.voice.store(hz.unwrap_or_default(), Ordering::Relaxed);
    }

    /// Writes what was said since the last time into the leg's recordings.
    pub(crate) fn record(&self) {
        let now = Instant::now();
        let mut state = self.lock();
        let heard = state.peer.as_ref().and_then(|peer| peer.voice());
        let bridged = state.peer.is_some();
        let own = self.voice();
        let mut full = false;
        for attached in &mut state.recordings {
            full |= !attached.append(now, own, heard, bridged);
        }
        drop(state);
        if full {
            self.hang_up(Cause::DESTINATION_OUT_OF_ORDER);
        }
    }

    /// The two can hear each other from now on.
    pub(crate) fn connect(self: &Arc<Self>, other: &Arc<Self>) {
        let now = self.office.clock.micros();
        for (leg, peer) in [(self, other), (other, self)] {
            leg.record();
            let mut state = leg.lock();
            state.peer = Some(Arc::clone(peer));
            state.times.bridged = now;
            drop(state);
        }
        self.display.show(Sight::Talking);
        other.display.show(Sight::Talking);
        // Keys that were pressed before can pass now.
        self.wake.notify_one();
        other.wake.notify_one();
    }

    /// They cannot any more.
    pub(crate) fn disconnect(&self, other: &Self) {
        // Both recordings first: each holds what the other said until now.
        self.record();
        other.record();
        self.let_go();
        other.let_go();
    }

    /// This side of a bridge ends. The leg that hangs up does it by itself, before its phone shows
    /// the call's end.
    pub(super) fn let_go(&self) {
        self.record();
        if self.lock().peer.take().is_some() {
            self.display.show(Sight::Parted);
        }
    }

    pub(crate) fn reach(&self, stage: Stage) {
        self.stage.send_replace(stage);
    }
}
