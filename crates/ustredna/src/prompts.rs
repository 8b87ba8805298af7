//! Whether the prompts are there, as far as this machine can tell: the folder is FreeSWITCH's.

use std::{fs, path::PathBuf, time::Duration};

use exchange::model::Language;
use tokio::time::timeout;

use crate::{
    inbound::{Inbound, InboundError},
    settings::Settings,
};

/// A WAV file has this header before its first sample.
const WAV_HEADER: u64 = 44;
/// So many missing prompts are named.
const NAMED: usize = 5;
/// How long who asks waits for the disk.
const SOON: Duration = Duration::from_millis(700);

/// What was found.
pub(crate) enum Prompts {
    /// The folder is on another machine.
    Elsewhere,
    /// So many in this folder.
    All(usize, PathBuf),
    Missing {
        /// Which, and where.
        told: String,
        /// A whole language: its callers hear nothing at all.
        of_a_language: bool,
    },
}

/// Looks for every prompt of every language; blocks.
///
/// # Errors
/// When the setting cannot be used.
pub(crate) fn look(settings: &Settings) -> anyhow::Result<Prompts> {
    let dir = PathBuf::from(settings.switch_prompts()?);
    if !dir.is_dir() && !settings.switch.inbound.ip().is_loopback() {
        return Ok(Prompts::Elsewhere);
    }
    let is_there = |file: &str| {
        fs::metadata(dir.join(file)).is_ok_and(|found| found.is_file() && found.len() > WAV_HEADER)
    };
    let (mut there, mut missing, mut of_a_language) = (0, Vec::new(), false);
    for language in Language::ALL {
        let files = exchange::prompt::files().map(|name| format!("{language}/{name}.wav"));
        let (found, not_found): (Vec<_>, Vec<_>) = files.partition(|file| is_there(file));
        of_a_language |= found.is_empty();
        there += found.len();
        missing.extend(not_found);
    }
    if missing.is_empty() {
        return Ok(Prompts::All(there, dir));
    }
    let mut named = missing.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if missing.len() > NAMED {
        named = format!("{named} and {} more", missing.len() - NAMED);
    }
    let told = format!("missing in {}: {named}", dir.display());
    Ok(Prompts::Missing { told, of_a_language })
}

/// The same for whoever will not wait: what is wrong for all callers of a language, and what for some.
pub(crate) async fn soon(settings: &Settings) -> (Option<String>, Option<String>) {
    let settings = settings.clone();
    let looking = tokio::task::spawn_blocking(move || look(&settings));
    match timeout(SOON, looking).await {
        Ok(Ok(Ok(Prompts::Missing { told, of_a_language: true }))) => {
            (Some(format!("callers hear nothing; {told}: set prompts.dir")), None)
        }
        Ok(Ok(Ok(Prompts::Missing { told, .. }))) => (None, Some(format!("prompts {told}"))),
        Ok(Ok(Ok(Prompts::Elsewhere | Prompts::All(..)) | Err(_)) | Err(_)) | Err(_) => {
            (None, None)
        }
    }
}

/// A prompt that FreeSWITCH does not see. One of each language stands for all.
///
/// # Errors
/// When it cannot be asked.
pub(crate) async fn unseen(
    settings: &Settings,
    switch: &mut Inbound,
) -> Result<Option<String>, InboundError> {
    let Ok(dir) = settings.switch_prompts() else { return Ok(None) };
    let file = exchange::prompt::files().next().unwrap_or_default();
    for language in Language::ALL {
        let prompt = format!("{dir}/{language}/{file}.wav");
        if switch.ask(&format!("file_exists {prompt}")).await?.trim() == "false" {
            return Ok(Some(prompt));
        }
    }
    Ok(None)
}
