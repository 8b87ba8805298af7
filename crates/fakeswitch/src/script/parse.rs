//! Scripts as text.

use std::{str::FromStr, time::Duration};

use super::{LONGEST_CALL, Script, Step};

/// A step that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// There are no steps.
    #[error("a script needs at least one step")]
    Empty,
    /// Nothing begins like this.
    #[error(
        "{0:?} is no step; steps are: waits TIME, hears NAME, keys KEYS, rings [TIME], early media, \
         answers, rejects STATUS, talks TIME, sings HZ TIME, sings HZ until hangup [TIME], \
         listens [TIME], hangs up"
    )]
    Step(String),
    /// A time is expected.
    #[error("{0:?} is no time; write 20s, 1.5s, 300ms or 2m")]
    Time(String),
    /// Keys are expected.
    #[error("{0:?} are no keys; there are 0 to 9, * and #")]
    Keys(String),
    /// A SIP status is expected.
    #[error("{0:?} is no SIP status that refuses a call; they are 300 to 699")]
    Status(String),
    /// A tone is expected.
    #[error("{0:?} is no tone; tones are 20 to 3400 Hz")]
    Tone(String),
}

impl FromStr for Script {
    type Err = ScriptError;

    // script = step *( ";" step )
    fn from_str(text: &str) -> Result<Self, ScriptError> {
        // The last step may be followed by a `;` as well.
        let steps: Vec<_> = text
            .split(';')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(step)
            .collect::<Result<_, _>>()?;
        if steps.is_empty() { Err(ScriptError::Empty) } else { Ok(Self { steps, voice: None }) }
    }
}

// step = "waits" time / "hears" name / "keys" keys / "rings" [ time ] / "early media" / "answers"
//      / "rejects" status / "talks" time / "sings" hz ( time / "until hangup" [ time ] )
//      / "listens" [ time ] / "hangs up"
fn step(text: &str) -> Result<Step, ScriptError> {
    let words: Vec<_> = text.split_whitespace().collect();
    Ok(match *words.as_slice() {
        ["waits", time] => Step::Waits(parse_time(time)?),
        ["hears", name] => Step::Hears(name.to_owned()),
        ["keys", keys] => Step::Keys(parse_keys(keys)?),
        ["rings"] => Step::Rings { time: None },
        ["rings", time] => Step::Rings { time: Some(parse_time(time)?) },
        ["early", "media"] => Step::EarlyMedia,
        ["answers"] => Step::Answers,
        ["rejects", status] => Step::Rejects(parse_status(status)?),
        ["talks", time] => Step::Talks(parse_time(time)?),
        ["sings", hz, "until", "hangup"] => {
            Step::SingsUntilHangup { hz: parse_tone(hz)?, limit: LONGEST_CALL }
        }
        ["sings", hz, "until", "hangup", limit] => {
            Step::SingsUntilHangup { hz: parse_tone(hz)?, limit: parse_time(limit)? }
        }
        ["sings", hz, time] => Step::Sings { hz: parse_tone(hz)?, time: parse_time(time)? },
        ["listens"] => Step::Listens { limit: LONGEST_CALL },
        ["listens", limit] => Step::Listens { limit: parse_time(limit)? },
        ["hangs", "up"] => Step::HangsUp,
        _ => return Err(ScriptError::Step(text.to_owned())),
    })
}

// time = 1*DIGIT [ "." 1*DIGIT ] ( "ms" / "s" / "m" )
fn parse_time(text: &str) -> Result<Duration, ScriptError> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0)];
    units
        .into_iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))
        // `inf` and `1e9` are numbers, too.
        .filter(|(number, _)| number.starts_with(|c: char| c.is_ascii_digit()))
        .filter(|(number, _)| number.chars().all(|c| c.is_ascii_digit() || c == '.'))
        .and_then(|(number, seconds)| Some(number.parse::<f64>().ok()? * seconds))
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        // What lies further ahead, the clock cannot tell.
        .filter(|time| *time <= Duration::from_hours(24))
        .ok_or_else(|| ScriptError::Time(text.to_owned()))
}

fn parse_keys(text: &str) -> Result<String, ScriptError> {
    if text.chars().all(|key| matches!(key, '0'..='9' | '*' | '#')) {
        Ok(text.to_owned())
    } else {
        Err(ScriptError::Keys(text.to_owned()))
    }
}

fn parse_status(text: &str) -> Result<u16, ScriptError> {
    text.parse()
        .ok()
        .filter(|status| (300..700).contains(status))
        .ok_or_else(|| ScriptError::Status(text.to_owned()))
}

fn parse_tone(text: &str) -> Result<u32, ScriptError> {
    text.parse()
        .ok()
        .filter(|hz| (20..=3400).contains(hz))
        .ok_or_else(|| ScriptError::Tone(text.to_owned()))
}
