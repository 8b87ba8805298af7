//! What SIP tells of a leg, or is told: ringing, media, the answer, the end.

use super::{CallState, Direction, Leg};
use crate::{cause::Cause, phone::Sight};

impl Leg {
    pub(crate) fn set_call_state(&self, call: CallState) {
        let was = {
            let mut state = self.lock();
            std::mem::replace(&mut state.call, call)
        };
        if was != call {
            self.fire_call_state(was);
        }
    }

    /// Rings: SIP 180 comes from a callee, or goes to a caller.
    pub(crate) fn ring(&self) {
        {
            let mut state = self.lock();
            if state.ringing || state.early || state.answered || state.hangup.is_some() {
                return;
            }
            state.ringing = true;
            // Unless a callee's has come before.
            if state.times.progress == 0 {
                state.times.progress = self.office.clock.micros();
            }
        }
        self.tell_progress();
        if self.direction == Direction::Inbound {
            self.display.show(Sight::Ringing);
        }
        self.fire("CHANNEL_PROGRESS", &[]);
        self.set_call_state(CallState::Ringing);
        self.wake_owner();
    }

    /// `pre_answer`: media before the answer, SIP 183.
    pub(crate) fn pre_answer(&self) {
        {
            let mut state = self.lock();
            if state.early || state.answered || state.hangup.is_some() {
                return;
            }
            state.early = true;
            state.times.progress_media = self.office.clock.micros();
            self.describe_media(&mut state.variables, "EARLY MEDIA");
        }
        self.tell_progress();
        if self.direction == Direction::Inbound {
            self.display.show(Sight::EarlyMedia);
        }
        self.fire("CHANNEL_PROGRESS_MEDIA", &[]);
        self.set_call_state(CallState::Early);
        self.wake_owner();
    }

    /// A callee's progress is that of the leg that dialled it, the first time at least
    /// (`switch_channel_perform_mark_ring_ready_value` in switch_channel.c).
    fn tell_progress(&self) {
        let (owner, times) = {
            let state = self.lock();
            (state.owner.clone(), state.times)
        };
        let Some(owner) = owner else { return };
        let mut state = owner.lock();
        if state.times.progress == 0 {
            state.times.progress = times.progress;
        }
        if times.progress_media != 0 {
            state.times.progress_media = times.progress_media;
        }
    }

    /// `answer`, or a callee's 200.
    pub(crate) fn answer(&self) {
        {
            let mut state = self.lock();
            if state.answered || state.hangup.is_some() {
                return;
            }
            let early = state.early;
            state.answered = true;
            state.answer_hooks = true;
            state.times.answered = self.office.clock.micros();
            if !early {
                self.describe_media(&mut state.variables, "RECEIVED");
            }
        }
        if self.direction == Direction::Inbound {
            self.display.show(Sight::Answered);
        }
        self.fire("CHANNEL_ANSWER", &[]);
        {
            let variables = &mut self.lock().variables;
            variables.set("endpoint_disposition", "ANSWER");
            // The ACK, and what a dialled phone's 200 says, bring these.
            variables
                .set("sip_to_tag", self.uuid.simple().to_string().get(20..).unwrap_or_default());
            variables.set("sip_cseq", "1");
        }
        self.set_call_state(CallState::Active);
        self.wake_owner();
    }

    /// Hangs up; the first cause stands. CHANNEL_HANGUP is fired by whoever does it, at once
    /// (`switch_channel_perform_hangup`).
    pub(crate) fn hang_up(&self, cause: Cause) {
        {
            let mut state = self.lock();
            if state.hangup.is_some() {
                return;
            }
            state.hangup = Some(cause);
            if state.by_phone && state.answered {
                for (name, value) in [
                    ("sip_term_status", "200"),
                    ("proto_specific_hangup_cause", "sip:200"),
                    ("sip_term_cause", "16"),
                ] {
                    state.variables.set(name, value);
                }
            }
        }
        self.fire("CHANNEL_HANGUP", &[]);
        self.wake_owner();
        let peer = self.lock().peer.clone();
        if let Some(peer) = peer {
            peer.wake.notify_one();
        }
    }
}
