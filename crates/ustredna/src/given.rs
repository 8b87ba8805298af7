//! Files that somebody names on the command line: they may be anything.

use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    path::Path,
};

use rustix::fs::{OFlags, fcntl_setfl};

use crate::settings::unreadable;

/// All that is in a file, up to so many bytes.
///
/// # Errors
/// Why it cannot be read, and what to do: also of a larger one, and of a pipe that nobody writes to.
pub(crate) fn read(path: &Path, largest: u64) -> Result<Vec<u8>, String> {
    let (bytes, is_pipe) = bytes(path, largest).map_err(|error| unreadable(&error))?;
    if is_pipe && bytes.is_empty() {
        return Err("it is a pipe, and nobody writes to it: name a file".to_owned());
    }
    if bytes.len() as u64 > largest {
        return Err(format!(
            "it is larger than {} MB: this is no table and no settings file",
            largest / 1_000_000
        ));
    }
    Ok(bytes)
}

fn bytes(path: &Path, largest: u64) -> io::Result<(Vec<u8>, bool)> {
    // A pipe without a writer would be waited for without end.
    let at_once = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = File::options().read(true).custom_flags(at_once).open(path)?;
    fcntl_setfl(&file, OFlags::empty())?;
    let is_pipe = file.metadata()?.file_type().is_fifo();
    let mut bytes = Vec::new();
    file.take(largest.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes, is_pipe))
}
