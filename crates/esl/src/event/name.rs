use std::fmt;

/// Names with their spelling on the wire, `EVENT_NAMES` in switch_event.c.
macro_rules! event_names {
    ($($name:ident = $text:literal,)*) => {
        /// The kind of an event; those that a controller of calls meets by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are FreeSWITCH's own")]
        pub enum EventName {
            $($name,)*
            /// Any other; [`Event::name`](super::Event::name) has its text.
            Other,
        }

        impl EventName {
            pub(crate) fn parse(name: &str) -> Self {
                match name {
                    $($text => Self::$name,)*
                    _ => Self::Other,
                }
            }

            /// The name on the wire; `None` for [`Other`](Self::Other).
            #[must_use]
            pub fn as_str(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($text),)*
                    Self::Other => None,
                }
            }
        }
    };
}

event_names! {
    BackgroundJob = "BACKGROUND_JOB",
    CallUpdate = "CALL_UPDATE",
    ChannelAnswer = "CHANNEL_ANSWER",
    ChannelApplication = "CHANNEL_APPLICATION",
    ChannelBridge = "CHANNEL_BRIDGE",
    ChannelCallstate = "CHANNEL_CALLSTATE",
    ChannelCreate = "CHANNEL_CREATE",
    ChannelData = "CHANNEL_DATA",
    ChannelDestroy = "CHANNEL_DESTROY",
    ChannelExecute = "CHANNEL_EXECUTE",
    ChannelExecuteComplete = "CHANNEL_EXECUTE_COMPLETE",
    ChannelHangup = "CHANNEL_HANGUP",
    ChannelHangupComplete = "CHANNEL_HANGUP_COMPLETE",
    ChannelHold = "CHANNEL_HOLD",
    ChannelOriginate = "CHANNEL_ORIGINATE",
    ChannelOutgoing = "CHANNEL_OUTGOING",
    ChannelPark = "CHANNEL_PARK",
    ChannelProgress = "CHANNEL_PROGRESS",
    ChannelProgressMedia = "CHANNEL_PROGRESS_MEDIA",
    ChannelState = "CHANNEL_STATE",
    ChannelUnbridge = "CHANNEL_UNBRIDGE",
    ChannelUnhold = "CHANNEL_UNHOLD",
    ChannelUnpark = "CHANNEL_UNPARK",
    ChannelUuid = "CHANNEL_UUID",
    Custom = "CUSTOM",
    Dtmf = "DTMF",
    Heartbeat = "HEARTBEAT",
    PlaybackStart = "PLAYBACK_START",
    PlaybackStop = "PLAYBACK_STOP",
    RecordStart = "RECORD_START",
    RecordStop = "RECORD_STOP",
    Shutdown = "SHUTDOWN",
    Startup = "STARTUP",
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str().unwrap_or("other"))
    }
}
