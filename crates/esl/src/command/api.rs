use super::CommandError;
use super::value::{Arg, ChannelUuid, HangupCause, Path, VarName, VarValue};

/// What `api` and `bgapi` run: a function of FreeSWITCH and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api(Arg);

/// What `uuid_record` does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// Begins it.
    Start,
    /// Ends it.
    Stop,
}

/// `uuid_setvar_multi` splits into 64; what is beyond lands in the last value (mod_commands.c).
const MAX_VARIABLES: usize = 64;

impl Api {
    /// A function without a builder here, such as `status` or `sofia status gateway carrier`.
    ///
    /// # Errors
    /// When the text is empty or an [`Arg`] would refuse it.
    pub fn new(text: &str) -> Result<Self, CommandError> {
        Arg::required(text).map(Self)
    }

    /// `uuid_setvar_multi`: sets channel variables at once, without a place in the queue of
    /// applications. An empty value unsets.
    ///
    /// # Errors
    /// When there is no variable or more than 64.
    pub fn set_variables(
        channel: &ChannelUuid,
        variables: &[(VarName, VarValue)],
    ) -> Result<Self, CommandError> {
        if variables.is_empty() || variables.len() > MAX_VARIABLES {
            return Err(CommandError::ItemCount);
        }
        let pairs: Vec<_> = variables
            .iter()
            .map(|(name, value)| format!("{}={}", name.as_str(), value.as_str()))
            .collect();
        Ok(Self::built(format_args!("uuid_setvar_multi {channel} {}", pairs.join(";"))))
    }

    /// [`set_variables`](Self::set_variables) from texts.
    ///
    /// # Errors
    /// Also when a name or a value is not admitted.
    pub fn uuid_setvar_multi(
        channel: &ChannelUuid,
        variables: &[(&str, &str)],
    ) -> Result<Self, CommandError> {
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| Ok((VarName::new(name)?, VarValue::new(value)?)))
            .collect::<Result<_, _>>()?;
        Self::set_variables(channel, &variables)
    }

    /// `uuid_kill`: ends the call now, whatever application runs.
    #[must_use]
    pub fn uuid_kill(channel: &ChannelUuid, cause: &HangupCause) -> Self {
        Self::built(format_args!("uuid_kill {channel} {}", cause.as_str()))
    }

    /// `sched_del`: cancels everything that is scheduled for the channel, such as the dialplan's
    /// `sched_transfer`. Answers `+OK Deleted: N`; 0 when there was nothing or it has run.
    #[must_use]
    pub fn sched_del(channel: &ChannelUuid) -> Self {
        Self::built(format_args!("sched_del {channel}"))
    }

    /// `uuid_transfer`: sends the channel into this context of the XML dialplan, whatever it is
    /// doing there; as the number dialled it gets the context's own name.
    #[must_use]
    pub fn uuid_transfer(channel: &ChannelUuid, context: &VarName) -> Self {
        let context = context.as_str();
        Self::built(format_args!("uuid_transfer {channel} {context} XML {context}"))
    }

    /// `uuid_record`: starts or stops recording the channel into a file.
    #[must_use]
    pub fn uuid_record(channel: &ChannelUuid, recording: Recording, path: &Path) -> Self {
        let action = match recording {
            Recording::Start => "start",
            Recording::Stop => "stop",
        };
        Self::built(format_args!("uuid_record {channel} {action} {}", path.as_str()))
    }

    /// `uuid_getvar`: answers the value of a channel variable, or `_undef_`.
    #[must_use]
    pub fn uuid_getvar(channel: &ChannelUuid, name: &VarName) -> Self {
        Self::built(format_args!("uuid_getvar {channel} {}", name.as_str()))
    }

    /// `uuid_media_reneg`: a re-INVITE with the codecs and the address agreed so far.
    #[must_use]
    pub fn uuid_media_reneg(channel: &ChannelUuid) -> Self {
        Self::built(format_args!("uuid_media_reneg {channel}"))
    }

    /// `uuid_break`: ends what the channel plays, or its waiting in a bridge.
    #[must_use]
    pub fn uuid_break(channel: &ChannelUuid) -> Self {
        Self::built(format_args!("uuid_break {channel}"))
    }

    /// `uuid_exists`: answers `true` or `false`.
    #[must_use]
    pub fn uuid_exists(channel: &ChannelUuid) -> Self {
        Self::built(format_args!("uuid_exists {channel}"))
    }

    /// Function and arguments as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    fn built(text: std::fmt::Arguments<'_>) -> Self {
        Self(Arg::of_admitted(text.to_string()))
    }
}
