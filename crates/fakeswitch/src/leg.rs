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
    event::Headers,
    faults::Faults,
    office::{Office, lock},
    phone::Display,
    record::Attached,
    variables::Variables,
};

mod digits;
mod ending;
mod report;
mod signal;
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
    pub(crate) other: Headers,
    pub(crate) other_profile: Option<Profile>,
    /// Keys that nothing has taken yet, and whether they are sensitive.
    pub(crate) keys: VecDeque<(char, bool)>,
    /// `bind_digit_action`: keys are thrown away, and leave a mark.
    pub(crate) swallows: bool,
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
    /// `resume` was sent: `socket_resume` for good.
    pub(crate) resumes: bool,
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

    pub(crate) fn voice(&self) -> Option<u32> {
        match self.voice.load(Ordering::Relaxed) {
            0 => None,
            hz => Some(hz),
        }
    }
}
