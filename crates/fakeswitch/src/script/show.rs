//! Transcripts for people.

use std::fmt;

use super::Transcript;
use crate::phone::Sight;

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ringing => f.write_str("ringing"),
            Self::EarlyMedia => f.write_str("media before the answer"),
            Self::Answered => f.write_str("answered"),
            Self::Hears(path) => write!(f, "hears {path}"),
            Self::HearsTone(tone) => write!(f, "hears a tone {tone}"),
            Self::Quiet => f.write_str("quiet"),
            Self::Talking => f.write_str("hears the other side"),
            Self::Parted => f.write_str("hears the other side no more"),
            Self::Key(key) => write!(f, "the other side presses {key}"),
            Self::Ended { code, cause } => write!(f, "over: {code} {cause}"),
        }
    }
}

impl fmt::Display for Transcript {
    /// A line for whatever was seen or pressed, in order, with the seconds since the call began; then
    /// what failed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(shown) = &self.shown {
            writeln!(f, "          shows {} {:?}", shown.number, shown.name)?;
        }
        let seen = self.seen.iter().map(|seen| (seen.after, seen.sight.to_string()));
        let pressed = self.pressed.iter().map(|(after, key)| (*after, format!("presses {key}")));
        let mut lines: Vec<_> = pressed.chain(seen).collect();
        // Stable: what a key caused at the same moment comes after it.
        lines.sort_by_key(|(after, _)| *after);
        for (after, line) in lines {
            writeln!(f, "{:>8.3}  {line}", after.as_secs_f64())?;
        }
        if let Some(failure) = &self.failure {
            writeln!(f, "  FAILED  {failure}")?;
        }
        Ok(())
    }
}
