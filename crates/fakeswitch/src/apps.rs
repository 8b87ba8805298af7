//! The applications (mod_dptools.c, mod_event_socket.c).

use std::time::Duration;

use tokio::time::Instant;

use crate::{cause::Cause, outbound, session::Session};

mod bridge;
mod digits;
mod pattern;
mod play;

/// One that the switch knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum App {
    Answer,
    PreAnswer,
    RingReady,
    Playback,
    PlayAndGetDigits,
    RecordSession,
    StopRecordSession,
    Bridge,
    Hangup,
    Set,
    Unset,
    Sleep,
    FlushDtmf,
    BindDigitAction,
    ClearDigitAction,
    ExecuteExtension,
    Park,
    Socket,
}

const NAMES: [(&str, App); 18] = [
    ("answer", App::Answer),
    ("pre_answer", App::PreAnswer),
    ("ring_ready", App::RingReady),
    ("playback", App::Playback),
    ("play_and_get_digits", App::PlayAndGetDigits),
    ("record_session", App::RecordSession),
    ("stop_record_session", App::StopRecordSession),
    ("bridge", App::Bridge),
    ("hangup", App::Hangup),
    ("set", App::Set),
    ("unset", App::Unset),
    ("sleep", App::Sleep),
    ("flush_dtmf", App::FlushDtmf),
    ("bind_digit_action", App::BindDigitAction),
    ("clear_digit_action", App::ClearDigitAction),
    ("execute_extension", App::ExecuteExtension),
    ("park", App::Park),
    ("socket", App::Socket),
];

impl App {
    pub(crate) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, app)| *app)
    }

    pub(crate) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, app)| *app == self).map_or("", |(name, _)| *name)
    }

    /// Without `SAF_SUPPORT_NOMEDIA` an unanswered channel is pre-answered before they run.
    pub(crate) fn needs_media(self) -> bool {
        match self {
            Self::Playback | Self::PlayAndGetDigits | Self::RecordSession => true,
            Self::Answer
            | Self::PreAnswer
            | Self::RingReady
            | Self::StopRecordSession
            | Self::Bridge
            | Self::Hangup
            | Self::Set
            | Self::Unset
            | Self::Sleep
            | Self::FlushDtmf
            | Self::BindDigitAction
            | Self::ClearDigitAction
            | Self::ExecuteExtension
            | Self::Park
            | Self::Socket => false,
        }
    }

    pub(crate) async fn run(self, session: &mut Session, data: &str) {
        match self {
            Self::Answer => {
                if !session.leg.is_answered() {
                    // The 200 and its media take a frame.
                    session.tick().await;
                    session.leg.answer();
                    session.run_answer_hooks().await;
                }
            }
            Self::PreAnswer => session.leg.pre_answer(),
            Self::RingReady => session.leg.ring(),
            Self::Playback => session.playback(data).await,
            Self::PlayAndGetDigits => session.play_and_get_digits(data).await,
            Self::RecordSession => {
                // Its failure shows in `record_completion_cause` alone.
                let _ = session.leg.start_recording(data);
            }
            Self::StopRecordSession => {
                let _ = session.leg.stop_recording(data);
            }
            Self::Bridge => session.bridge(data).await,
            Self::Hangup => {
                let cause =
                    if data.is_empty() { Cause::NORMAL_CLEARING } else { Cause::named(data) };
                session.leg.hang_up(cause);
            }
            Self::Set => {
                let (name, value) = data.split_once('=').unwrap_or((data, ""));
                session.leg.set(name, value);
            }
            Self::Unset => session.leg.lock().variables.unset(data),
            Self::Sleep => session.sleep(data).await,
            Self::FlushDtmf => session.leg.lock().keys.clear(),
            Self::BindDigitAction => session.leg.lock().swallows = true,
            Self::ClearDigitAction => session.leg.lock().swallows = false,
            Self::ExecuteExtension => session.execute_extension(data).await,
            Self::Park => session.park().await,
            Self::Socket => outbound::socket(session, data).await,
        }
    }
}

impl Session {
    /// `switch_ivr_sleep`; keys stay for what follows, unless `sleep_eat_digits` is set.
    async fn sleep(&mut self, data: &str) {
        let length = Duration::from_millis(data.trim().parse().unwrap_or_default());
        let until = Instant::now() + length;
        let eats = self.leg.is_true("sleep_eat_digits");
        while Instant::now() < until && self.leg.is_ready() {
            self.wait(Some(until)).await;
            while eats && self.leg.take_key().is_some() {}
        }
    }

    /// The only extension there is: keys pass from now on. FreeSWITCH's waits while keys from before
    /// the talk may wait; here none does.
    async fn execute_extension(&mut self, data: &str) {
        if data == "talk XML keys" {
            let _ = self.execute("clear_digit_action", Some("all"), None).await;
            let _ = self.execute("unset", Some("sensitive_dtmf"), None).await;
        }
    }

    /// `switch_ivr_park`: every frame takes what is queued, and else eats a key.
    pub(crate) async fn park(&mut self) {
        self.leg.lock().controlled = true;
        self.leg.fire("CHANNEL_PARK", &[]);
        while self.leg.is_ready() && self.leg.lock().controlled {
            let idle = {
                let state = self.leg.lock();
                state.queue.is_empty() && state.keys.is_empty()
            };
            if idle {
                self.wait(None).await;
                continue;
            }
            self.tick().await;
            self.run_queue().await;
            self.leg.take_key();
        }
        self.leg.lock().controlled = false;
        self.leg.fire("CHANNEL_UNPARK", &[]);
    }
}
