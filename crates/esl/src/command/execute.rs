use std::time::Duration;

use bytes::BytesMut;
use uuid::Uuid;

use super::dial::DialString;
use super::digits::PlayAndGetDigits;
use super::sound::Playlist;
use super::value::{Arg, HangupCause, Path, VarName, VarValue};
use super::{CommandError, put};

/// An application to run on the own channel, after those queued before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execute {
    /// The application.
    pub app: App,
    /// Its argument, may be empty.
    pub arg: Arg,
    /// Comes back as `Application-UUID` on the completion; fresh for each execute.
    pub event_uuid: Uuid,
    /// Whether the next waits until this one has ended. Without it the next runs nested in this
    /// one, and in a bridge stops the media.
    pub event_lock: bool,
}

/// A realm, any key replaced by `k`, and a name for the event. Without the `=` a second one would have both wait
/// for further keys.
const SWALLOW: &str = "early,=~.~~k,key";

macro_rules! apps {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The applications that this crate executes; an unknown one would end the call.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum App {
            $($(#[$doc])* $name,)*
        }

        impl App {
            /// The application's name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            fn parse(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

apps! {
    /// Answers the call.
    Answer = "answer",
    /// Sends 183 and opens early media.
    PreAnswer = "pre_answer",
    /// Sends 180.
    RingReady = "ring_ready",
    /// Plays to the end.
    Playback = "playback",
    /// Plays and collects keys.
    PlayAndGetDigits = "play_and_get_digits",
    /// Starts recording and goes on.
    RecordSession = "record_session",
    /// Calls another leg and joins it until either side hangs up.
    Bridge = "bridge",
    /// Ends the call, after the applications before it.
    Hangup = "hangup",
    /// Sets a channel variable, after the applications before it.
    Set = "set",
    /// Lets time pass, and reads what comes.
    Sleep = "sleep",
    /// Forgets the keys that no application has taken yet.
    FlushDtmf = "flush_dtmf",
    /// Has keys do something, and takes them away from everything else.
    BindDigitAction = "bind_digit_action",
    /// Undoes that.
    ClearDigitAction = "clear_digit_action",
}

impl Execute {
    /// An application with an argument, under `event-lock`.
    #[must_use]
    pub fn new(app: App, arg: Arg, event_uuid: Uuid) -> Self {
        Self { app, arg, event_uuid, event_lock: true }
    }

    /// `answer`.
    #[must_use]
    pub fn answer(event_uuid: Uuid) -> Self {
        Self::new(App::Answer, Arg::default(), event_uuid)
    }

    /// `pre_answer`.
    #[must_use]
    pub fn pre_answer(event_uuid: Uuid) -> Self {
        Self::new(App::PreAnswer, Arg::default(), event_uuid)
    }

    /// `ring_ready`.
    #[must_use]
    pub fn ring_ready(event_uuid: Uuid) -> Self {
        Self::new(App::RingReady, Arg::default(), event_uuid)
    }

    /// `playback`. It stops on `*` unless the channel has `playback_terminators=none`.
    #[must_use]
    pub fn playback(playlist: &Playlist, event_uuid: Uuid) -> Self {
        Self::new(App::Playback, Arg::of_admitted(playlist.to_string()), event_uuid)
    }

    /// `play_and_get_digits`.
    #[must_use]
    pub fn play_and_get_digits(digits: &PlayAndGetDigits, event_uuid: Uuid) -> Self {
        Self::new(App::PlayAndGetDigits, digits.to_arg(), event_uuid)
    }

    /// `record_session`; an existing file is truncated.
    #[must_use]
    pub fn record_session(path: &Path, event_uuid: Uuid) -> Self {
        Self::new(App::RecordSession, Arg::of_admitted(path.as_str().to_owned()), event_uuid)
    }

    /// `bridge`.
    #[must_use]
    pub fn bridge(dial: &DialString, event_uuid: Uuid) -> Self {
        Self::new(App::Bridge, dial.to_arg(), event_uuid)
    }

    /// `hangup`; to end a call whatever it does, use [`Api::uuid_kill`](super::Api::uuid_kill).
    #[must_use]
    pub fn hangup(cause: &HangupCause, event_uuid: Uuid) -> Self {
        Self::new(App::Hangup, Arg::of_admitted(cause.as_str().to_owned()), event_uuid)
    }

    /// `set`; an empty value unsets.
    ///
    /// # Errors
    /// When name or value is not admitted.
    pub fn set(name: &str, value: &str, event_uuid: Uuid) -> Result<Self, CommandError> {
        let (name, value) = (VarName::new(name)?, VarValue::new(value)?);
        let arg = format!("{}={}", name.as_str(), value.as_str());
        Ok(Self::new(App::Set, Arg::of_admitted(arg), event_uuid))
    }

    /// `sleep`.
    #[must_use]
    pub fn sleep(time: Duration, event_uuid: Uuid) -> Self {
        Self::new(App::Sleep, Arg::of_admitted(time.as_millis().to_string()), event_uuid)
    }

    /// `flush_dtmf`.
    #[must_use]
    pub fn flush_dtmf(event_uuid: Uuid) -> Self {
        Self::new(App::FlushDtmf, Arg::default(), event_uuid)
    }

    /// `bind_digit_action`, so that every key is taken and thrown away. Each sets the variable
    /// `last_matching_digits` to `k`: by default it would be the key itself.
    #[must_use]
    pub fn swallow_keys(event_uuid: Uuid) -> Self {
        Self::new(App::BindDigitAction, Arg::of_admitted(SWALLOW.to_owned()), event_uuid)
    }

    /// `clear_digit_action`: keys are keys again.
    #[must_use]
    pub fn swallow_no_keys(event_uuid: Uuid) -> Self {
        Self::new(App::ClearDigitAction, Arg::of_admitted("all".to_owned()), event_uuid)
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        put(out, &["sendmsg\ncall-command: execute\nexecute-app-name: ", self.app.as_str()]);
        if !self.arg.as_str().is_empty() {
            put(out, &["\nexecute-app-arg: ", self.arg.as_str()]);
        }
        put(out, &["\nEvent-UUID: ", &self.event_uuid.to_string()]);
        if self.event_lock {
            put(out, &["\nevent-lock: true"]);
        }
    }

    pub(super) fn from_headers(headers: &[(&str, &str)]) -> Option<Self> {
        let find =
            |name: &str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        if find("call-command") != Some("execute") {
            return None;
        }
        Some(Self {
            app: App::parse(find("execute-app-name")?)?,
            arg: Arg::new(find("execute-app-arg").unwrap_or_default()).ok()?,
            event_uuid: Uuid::try_parse(find("Event-UUID")?).ok()?,
            event_lock: find("event-lock") == Some("true"),
        })
    }
}
