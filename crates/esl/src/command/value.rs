//! The parts that commands are made of; each admits its own grammar and nothing else.

use std::borrow::Cow;
use std::fmt;

use uuid::Uuid;

use super::CommandError;

/// A text type with the one way into it: all its bytes are of the grammar. Its `Debug` is the
/// length, since texts in commands are phone numbers and passwords.
macro_rules! admitted {
    ($(#[$doc:meta])* $name:ident, $error:ident, $admits:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Box<str>);

        impl $name {
            /// Admits the text.
            ///
            /// # Errors
            /// When it is not of the grammar.
            pub fn new(text: &str) -> Result<Self, CommandError> {
                let admits: fn(&str) -> bool = $admits;
                if admits(text) { Ok(Self(text.into())) } else { Err(CommandError::$error) }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
    };
}
pub(super) use admitted;

/// Whether the text is not empty and consists of letters, digits and `others`.
pub(super) fn is_word(text: &str, others: &[u8]) -> bool {
    !text.is_empty() && is_plain(text, others)
}

/// Whether the text consists of letters, digits and `others`.
pub(super) fn is_plain(text: &str, others: &[u8]) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
}

admitted! {
    /// A channel variable's name: `[A-Za-z0-9_-]+`.
    VarName, VariableName, |text| is_word(text, b"_-")
}

admitted! {
    /// A channel variable's value: letters, digits, `+_./:%(),=@#*!-`, and spaces inside; may be
    /// empty, which unsets the variable. `;`, quotes and backslashes are syntax to
    /// `uuid_setvar_multi` (`switch_separate_string`), which also trims spaces at the ends.
    VarValue, VariableValue, |text| is_plain(text, b"+_./:%(),=@#*!- ") && text.trim() == text
}

admitted! {
    /// A file's path as FreeSWITCH sees it: `[A-Za-z0-9_./-]+`.
    Path, Path, |text| is_word(text, b"_./-")
}

/// An argument, any text but CR, LF, NUL and expansions.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Arg(Box<str>);

impl Arg {
    /// Admits the text; it may be empty.
    ///
    /// # Errors
    /// When it holds a CR, LF, NUL or an expansion.
    pub fn new(text: &str) -> Result<Self, CommandError> {
        if text.contains(['\r', '\n', '\0']) {
            return Err(CommandError::ControlCharacter);
        }
        if is_expanded(text) {
            return Err(CommandError::Expansion);
        }
        Ok(Self(text.into()))
    }

    pub(super) fn required(text: &str) -> Result<Self, CommandError> {
        if text.trim().is_empty() { Err(CommandError::Empty) } else { Self::new(text) }
    }

    /// What was put together of admitted parts.
    pub(super) fn of_admitted(text: String) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `switch_string_var_check_const`: backslashes between `$` and `{` do not stop it.
fn is_expanded(text: &str) -> bool {
    text.split('$').skip(1).any(|after| after.trim_start_matches('\\').starts_with('{'))
}

impl fmt::Debug for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arg({} bytes)", self.0.len())
    }
}

/// A channel's id. FreeSWITCH compares the text, so only its own lower-case form is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelUuid(Uuid);

impl ChannelUuid {
    /// Admits `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` in lower case.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn parse(text: &str) -> Result<Self, CommandError> {
        let uuid = Uuid::try_parse(text).map_err(|_| CommandError::Uuid)?;
        let mut form = Uuid::encode_buffer();
        if *uuid.as_hyphenated().encode_lower(&mut form) == *text {
            Ok(Self(uuid))
        } else {
            Err(CommandError::Uuid)
        }
    }

    /// The UUID itself.
    #[must_use]
    pub fn as_uuid(&self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for ChannelUuid {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for ChannelUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.as_hyphenated(), f)
    }
}

/// Why a call is ended, `[A-Z0-9_]+` (CAUSE_CHART in switch_channel.c).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HangupCause(Cow<'static, str>);

impl HangupCause {
    /// The ordinary end.
    pub const NORMAL_CLEARING: Self = Self(Cow::Borrowed("NORMAL_CLEARING"));
    /// SIP 486.
    pub const USER_BUSY: Self = Self(Cow::Borrowed("USER_BUSY"));
    /// SIP 480.
    pub const NO_ANSWER: Self = Self(Cow::Borrowed("NO_ANSWER"));
    /// SIP 603.
    pub const CALL_REJECTED: Self = Self(Cow::Borrowed("CALL_REJECTED"));
    /// SIP 404.
    pub const UNALLOCATED_NUMBER: Self = Self(Cow::Borrowed("UNALLOCATED_NUMBER"));
    /// SIP 503.
    pub const NORMAL_TEMPORARY_FAILURE: Self = Self(Cow::Borrowed("NORMAL_TEMPORARY_FAILURE"));

    /// Admits a cause.
    ///
    /// # Errors
    /// When it is not `[A-Z0-9_]+`.
    pub fn new(text: &str) -> Result<Self, CommandError> {
        if is_word(text, b"_") && !text.bytes().any(|byte| byte.is_ascii_lowercase()) {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(CommandError::Cause)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
