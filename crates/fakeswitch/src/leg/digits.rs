//! Keys of a leg (DTMF).

use super::Leg;
use crate::phone::Sight;

impl Leg {
    /// A key is pressed. Whether it is sensitive is settled now (switch_rtp.c).
    pub(crate) fn press(&self, key: char) {
        if !key.is_ascii_digit() && !"*#ABCD".contains(key) {
            return;
        }
        {
            let mut state = self.lock();
            if state.hangup.is_some() {
                return;
            }
            if state.swallows {
                state.variables.set("last_matching_digits", "k");
                return;
            }
            let sensitive = state.variables.is_true("sensitive_dtmf");
            state.keys.push_back((key, sensitive));
        }
        self.wake.notify_one();
    }

    pub(crate) fn has_keys(&self) -> bool {
        !self.lock().keys.is_empty()
    }

    /// Takes a key. The event tells of it unless it is sensitive (`switch_channel_dequeue_dtmf`).
    pub(crate) fn take_key(&self) -> Option<char> {
        let (key, sensitive) = {
            let mut state = self.lock();
            let (key, sensitive) = state.keys.pop_front()?;
            if !sensitive {
                state.dialed.push(key);
            }
            (key, sensitive)
        };
        if !sensitive {
            self.fire(
                "DTMF",
                &[
                    ("DTMF-Digit", &key.to_string()),
                    ("DTMF-Duration", "1600"),
                    ("DTMF-Source", "RTP"),
                ],
            );
        }
        Some(key)
    }

    /// In a bridge keys go to the other side, except sensitive ones
    /// (`switch_core_session_send_dtmf`).
    pub(crate) fn pass_keys(&self) {
        loop {
            let (sensitive, peer) = {
                let state = self.lock();
                let Some((_, sensitive)) = state.keys.front() else { return };
                (*sensitive, state.peer.clone())
            };
            let Some(key) = self.take_key() else { return };
            if let Some(peer) = peer.filter(|_| !sensitive) {
                peer.display.show(Sight::Key(key));
            }
        }
    }
}
