//! A leg: its channel's state, and what changes it from any side.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU32, Ordering},
    },
};

use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::{
    cause::Cause,
    cdr::{Applied, Profile, Times},
    faults::Faults,
    office::{Office, lock},
    phone::{Display, Sight},
    record::Attached,
    variables::Variables,
};

mod digits;
mod ending;
mod report;
mod start;
mod voice;

pub(crate) use start::{Arriving, OFFER};

/// Who called: a leg that came in, or one that was dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Inbound,
    Outbound,
}

/// `switch_channel_state_t`, as far as a call gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelState {
    Execute,
    ConsumeMedia,
    ExchangeMedia,
    Hangup,
    Reporting,
}

/// `switch_channel_callstate_t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallState {
    Down,
    Ringing,
    Early,
    Active,
    RingWait,
    Hangup,
}

/// `SWITCH_EVENT_QUEUE_LEN`.
const QUEUE: usize = 256;

/// What a controller has queued with `sendmsg`.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    pub(crate) command: String,
    pub(crate) application: String,
    pub(crate) argument: Option<String>,
    pub(crate) uuid: Option<String>,
    pub(crate) cause: Option<String>,
    pub(crate) lock: bool,
    pub(crate) loops: u32,
}

#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) uuid: Uuid,
    pub(crate) direction: Direction,
    pub(crate) name: String,
    pub(crate) office: Arc<Office>,
    pub(crate) display: Display,
    /// Something happened that the leg's task must see.
    pub(crate) wake: Notify,
    /// The tone that the phone speaks in; 0: silent.
    voice: AtomicU32,
    /// Both ends of the channel's life, for its controller's connection.
    pub(crate) stage: watch::Sender<Stage>,
    /// What goes wrong with this call, as was said before it was made.
    pub(crate) faults: Faults,
    state: Mutex<State>,
}

/// How far a channel is, as its controller's connection must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Up,
    /// `switch_channel_down`.
    Down,
    /// CHANNEL_HANGUP_COMPLETE has been fired.
    Over,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "FreeSWITCH's channel flags")]
pub(crate) struct State {
    pub(crate) variables: Variables,
    pub(crate) running: ChannelState,
    pub(crate) call: CallState,
    pub(crate) answered: bool,
    pub(crate) early: bool,
    pub(crate) ringing: bool,
    pub(crate) hangup: Option<Cause>,
    /// The other side, not FreeSWITCH, ended it.
    pub(crate) by_phone: bool,
    /// A callee's final status.
    pub(crate) refused: Option<u16>,
    /// CS_RESET: what runs ends, and the dialplan goes on.
    pub(crate) reset: bool,
    pub(crate) profile: Profile,
    pub(crate) callee: Option<(String, String)>,
    pub(crate) hides: bool,
    pub(crate) call_uuid: Uuid,
    pub(crate) times: Times,
    /// Who is at the other end of the bridge.
    pub(crate) peer: Option<Arc<Leg>>,
    /// The leg that dialled this one, to be woken by what happens to it.
    pub(crate) owner: Option<Arc<Leg>>,
    /// The other leg's profile, as events list it from the bridge on.
    pub(crate) other: Vec<(String, String)>,
    pub(crate) other_profile: Option<Profile>,
    /// Keys that nothing has taken yet, and whether they are sensitive.
    pub(crate) keys: VecDeque<(char, bool)>,
    /// Keys that were taken, without the sensitive ones.
    pub(crate) dialed: String,
    pub(crate) queue: VecDeque<Queued>,
    pub(crate) recordings: Vec<Attached>,
    pub(crate) applied: Vec<Applied>,
    /// CF_CONTROLLED: the park goes on.
    pub(crate) controlled: bool,
    /// The controller has sent `connect`.
    pub(crate) connected: bool,
    /// The controller's connection is over.
    pub(crate) lost: bool,
    /// Answered, and `execute_on_answer` is still to run.
    pub(crate) answer_hooks: bool,
}

impl Leg {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        self.lock().variables.get(name).map(str::to_owned)
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.lock().variables.is_true(name)
    }

    pub(crate) fn set(&self, name: &str, value: &str) {
        self.lock().variables.set(name, value);
    }

    /// `switch_channel_up`.
    pub(crate) fn is_up(&self) -> bool {
        self.lock().hangup.is_none()
    }

    /// `switch_channel_ready`: nothing has happened that ends what runs.
    pub(crate) fn is_ready(&self) -> bool {
        let state = self.lock();
        state.hangup.is_none() && !state.reset
    }

    pub(crate) fn is_answered(&self) -> bool {
        self.lock().answered
    }

    pub(crate) fn has_media(&self) -> bool {
        let state = self.lock();
        state.answered || state.early
    }

    /// Queues a command; the leg's task takes it at its next frame. `false`: the queue is full.
    pub(crate) fn queue(&self, queued: Queued) -> bool {
        let mut state = self.lock();
        if state.queue.len() >= QUEUE {
            return false;
        }
        state.queue.push_back(queued);
        drop(state);
        self.wake.notify_one();
        true
    }

    fn wake_owner(&self) {
        let owner = self.lock().owner.clone();
        if let Some(owner) = owner {
            owner.wake.notify_one();
        }
        self.wake.notify_one();
    }

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
            state.times.progress = self.office.clock.micros();
        }
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
        if self.direction == Direction::Inbound {
            self.display.show(Sight::EarlyMedia);
        }
        self.fire("CHANNEL_PROGRESS_MEDIA", &[]);
        self.set_call_state(CallState::Early);
        self.wake_owner();
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

    pub(crate) fn voice(&self) -> Option<u32> {
        match self.voice.load(Ordering::Relaxed) {
            0 => None,
            hz => Some(hz),
        }
    }
}
