//! Call detail records as mod_json_cdr writes them with `encode-values=false`.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use uuid::Uuid;

mod json;
mod media;
mod times;

pub(crate) use media::Media;
pub(crate) use times::Times;

/// A leg at its end.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "a caller's leg has no better name")]
pub(crate) struct Leg<'a> {
    /// Of the switch (`Core-UUID`).
    pub(crate) core: Uuid,
    pub(crate) uuid: Uuid,
    /// It called in; the other sort was dialled.
    pub(crate) caller_leg: bool,
    /// All of them, with those of [`Times::variables`] and [`Media::variables`].
    pub(crate) variables: &'a [(String, String)],
    /// What ran on it, in this order.
    pub(crate) applications: &'a [Applied],
    /// What the dialplan held for it.
    pub(crate) extension: Option<Extension<'a>>,
    pub(crate) profile: &'a Profile,
    /// Who dialled it, or whom it was connected with.
    pub(crate) peer: Option<&'a Profile>,
    pub(crate) times: &'a Times,
    /// Without media there are no statistics: a leg that was dialled and not answered.
    pub(crate) media: Option<&'a Media>,
}

/// An application that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) name: String,
    pub(crate) data: Option<String>,
    /// Microseconds since 1970.
    pub(crate) at: u64,
}

/// What a leg ran through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extension<'a> {
    pub(crate) name: &'a str,
    pub(crate) number: &'a str,
    /// Names and data.
    pub(crate) applications: &'a [(String, String)],
    /// Where the dialplan stands: the one after the one that runs.
    pub(crate) current: usize,
}

/// Who calls whom on a leg (`switch_caller_profile_t`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) username: String,
    pub(crate) caller_id_name: String,
    pub(crate) caller_id_number: String,
    pub(crate) ani: String,
    pub(crate) destination_number: String,
    pub(crate) uuid: Uuid,
    /// `sofia/trunk/…`
    pub(crate) chan_name: String,
}

/// Writes the leg's file: `a_<uuid>.cdr.json` for one that called in, `<uuid>.cdr.json` for one that
/// was dialled. Like the real one it writes in place, so that a reader may see half of it.
pub(crate) fn write(dir: &Path, leg: &Leg<'_>) -> io::Result<PathBuf> {
    fs::create_dir_all(dir)?;
    let prefix = if leg.caller_leg { "a_" } else { "" };
    let path = dir.join(format!("{prefix}{}.cdr.json", leg.uuid));
    let mut text = serde_json::to_vec(&json::Cdr::of(leg))?;
    text.push(b'\n');
    File::create(&path)?.write_all(&text)?;
    Ok(path)
}

#[cfg(test)]
mod tests;
