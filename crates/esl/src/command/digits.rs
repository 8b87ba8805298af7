use std::time::Duration;

use super::sound::Playlist;
use super::value::{VarName, admitted, is_word};
use super::{Arg, CommandError};

admitted! {
    /// Keys that end an entry, of `0-9`, `*` and `#`.
    Terminators, Terminators, |text| {
        !text.is_empty() && text.bytes().all(|key| key.is_ascii_digit() || b"*#".contains(&key))
    }
}

admitted! {
    /// A regular expression over keys: digits, `*`, `#` and `[ ] + ? . | ^ ( ) -`. Backslashes are
    /// eaten on the way, so `[0-9]` and not `\d`.
    DigitPattern, Pattern, |text| {
        is_word(text, b"*#[]+?.|^()-") && !text.bytes().any(|byte| byte.is_ascii_alphabetic())
    }
}

/// The arguments of `play_and_get_digits`. Ask once at a time: FreeSWITCH plays `invalid`
/// after every failed try, the last too, so what to say is left to the controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayAndGetDigits {
    /// Fewest digits.
    pub min: u8,
    /// Most digits; the last of them ends the entry.
    pub max: u8,
    /// How often to ask.
    pub tries: u8,
    /// From the prompt's end to the first digit; FreeSWITCH waits 1 s at least.
    pub timeout: Duration,
    /// Keys that end the entry.
    pub terminators: Terminators,
    /// Played first; a key interrupts it. If its file is missing, no digits are collected.
    pub prompt: Playlist,
    /// Played after each failed try.
    pub invalid: Playlist,
    /// Where the digits go; a fresh one each time, since no digits leave it as it was.
    pub variable: VarName,
    /// What the digits must match.
    pub pattern: DigitPattern,
    /// From one digit to the next.
    pub digit_timeout: Duration,
}

impl PlayAndGetDigits {
    // min SP max SP tries SP timeout SP terminators SP prompt SP invalid SP variable SP pattern
    // SP digit-timeout
    /// As an argument of `play_and_get_digits`.
    #[must_use]
    pub fn to_arg(&self) -> Arg {
        let Self { min, max, tries, prompt, invalid, .. } = self;
        Arg::of_admitted(format!(
            "{min} {max} {tries} {} {} {prompt} {invalid} {} {} {}",
            milliseconds(self.timeout),
            self.terminators.as_str(),
            self.variable.as_str(),
            self.pattern.as_str(),
            milliseconds(self.digit_timeout),
        ))
    }
}

/// FreeSWITCH reads signed 32-bit numbers.
fn milliseconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}
