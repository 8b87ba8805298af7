//! What a playback is made of, and how long it lasts.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

mod tone;

/// One after another, these are a playback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) sound: Sound,
    /// `Duration::MAX` for what does not end.
    pub(crate) length: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sound {
    /// The path as given.
    File(String),
    Silence,
    /// As in `tone_stream`, without its loops: `%(1000,4000,425)`.
    Tone(String),
}

/// Nothing of it can be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such sound")]
pub(crate) struct NotFound;

/// `file_string` splits into 128 (mod_dptools.c).
const MAX_PARTS: usize = 128;
/// What a `file_string` begins with when its first file can be opened (`next_file` in mod_dptools.c).
const FILE_STRING_LEAD: Duration = Duration::from_millis(250);

// sounds = "file_string://" sound *( "!" sound ) / sound
// sound  = "silence_stream://" ms [ "," factor ] / "tone_stream://" tones [ ";loops=" n ] / tones / path
/// Opens what an application plays. Missing parts of a `file_string` are skipped.
pub(crate) fn open(spec: &str) -> Result<Vec<Part>, NotFound> {
    let Some(chain) = spec.strip_prefix("file_string://") else {
        return Ok(vec![open_one(spec)?]);
    };
    // The last of the 128 keeps the rest, `!` and all (switch_separate_string in switch_utils.c).
    let parts: Vec<_> = chain.splitn(MAX_PARTS, '!').map(open_one).collect();
    let lead = match parts.first() {
        Some(Ok(_)) => Some(Part { sound: Sound::Silence, length: FILE_STRING_LEAD }),
        Some(Err(NotFound)) | None => None,
    };
    let found: Vec<_> = parts.into_iter().flatten().collect();
    if found.is_empty() {
        return Err(NotFound);
    }
    Ok(lead.into_iter().chain(found).collect())
}

fn open_one(spec: &str) -> Result<Part, NotFound> {
    if let Some(silence) = spec.strip_prefix("silence_stream://") {
        let length = match tone::number(silence) {
            // mod_tone_stream.c refuses it.
            0 => return Err(NotFound),
            ms => u64::try_from(ms).map_or(Duration::MAX, Duration::from_millis),
        };
        return Ok(Part { sound: Sound::Silence, length });
    }
    if let Some(tones) = spec.strip_prefix("tone_stream://") {
        let (tones, loops) = tones.split_once(";loops=").unwrap_or((tones, "1"));
        let once = tone::length(tones);
        let length = match tone::number(loops) {
            ..0 => Duration::MAX,
            n => once.saturating_mul(u32::try_from(n.max(1)).unwrap_or(u32::MAX)),
        };
        return Ok(Part { sound: Sound::Tone(tones.to_owned()), length });
    }
    // What `ringback` and `transfer_ringback` hold is repeated until something else is heard.
    if spec.starts_with('%') {
        return Ok(Part { sound: Sound::Tone(spec.to_owned()), length: Duration::MAX });
    }
    let length = file_length(Path::new(spec)).ok_or(NotFound)?;
    Ok(Part { sound: Sound::File(spec.to_owned()), length })
}

/// Lengths are read once a file, as thousands of calls play the same few. One that was replaced is
/// read again.
fn file_length(path: &Path) -> Option<Duration> {
    type Read = HashMap<PathBuf, (u64, Option<SystemTime>, Duration)>;
    static READ: LazyLock<Mutex<Read>> = LazyLock::new(Mutex::default);

    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let (size, modified) = (metadata.len(), metadata.modified().ok());
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = read.get(path)
        && (known.0, known.1) == (size, modified)
    {
        return Some(known.2);
    }
    let wav = hound::WavReader::open(path).ok()?;
    let samples = f64::from(wav.duration());
    let length = Duration::try_from_secs_f64(samples / f64::from(wav.spec().sample_rate)).ok()?;
    read.insert(path.to_owned(), (size, modified, length));
    Some(length)
}

#[cfg(test)]
mod tests;
