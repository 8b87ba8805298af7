//! Putting right the header of a recording whose recorder was killed.

use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

use crate::inspect::{InspectError, Inspection, inspect};
use crate::wav::Layout;

/// `RIFF` size `WAVE`, `fmt ` size and 16 bytes, `data` size: what FreeSWITCH writes.
const CANONICAL_HEADER: u64 = 44;
/// Where the size of all that follows is.
const RIFF_SIZE_AT: u64 = 4;

/// Why a recording was not repaired.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The samples do not begin at byte 44, so chunks may follow them that their size must not swallow.
    #[error("the header is not one FreeSWITCH writes (samples at byte {data_at} instead of 44)")]
    NotCanonical {
        /// Where the first sample is.
        data_at: u64,
    },
    /// The file is no recording at all.
    #[error(transparent)]
    Unreadable(#[from] InspectError),
    /// The header cannot be written.
    #[error("the header cannot be rewritten: {0}")]
    Write(io::Error),
}

/// Writes the true sizes into the header at `path`, in place, and inspects the file again.
///
/// FreeSWITCH writes the sizes when it closes the file; killed, it leaves them 0 with the samples
/// behind. An incomplete last frame (less than one sample of each channel) is cut off. The samples are
/// not touched, and a crash in between leaves a file that can be repaired again. A file whose header is
/// sound is left alone, and its inspection says `repaired: false`.
///
/// Only for a recording that nobody writes any more: one under way looks just as damaged.
///
/// # Errors
/// See [`RepairError`].
pub fn repair(path: &Path) -> Result<Inspection, RepairError> {
    let file = File::options().read(true).write(true).open(path).map_err(unwritable)?;
    let mut reader = BufReader::new(file);
    let layout = Layout::read(&mut reader).map_err(InspectError::from)?;
    if !layout.damaged {
        return Ok(inspect(path)?);
    }
    if layout.data_at != CANONICAL_HEADER {
        return Err(RepairError::NotCanonical { data_at: layout.data_at });
    }
    write_sizes(reader.into_inner(), &layout).map_err(RepairError::Write)?;
    Ok(Inspection { repaired: true, ..inspect(path)? })
}

/// The file was read a moment ago: its disk is read-only, or the rights are missing.
fn unwritable(error: io::Error) -> RepairError {
    if error.kind() == io::ErrorKind::NotFound {
        InspectError::Missing.into()
    } else {
        RepairError::Write(error)
    }
}

fn write_sizes(mut file: File, layout: &Layout) -> io::Result<()> {
    let riff = u32::try_from(layout.end - 8).map_err(io::Error::other)?;
    file.seek(SeekFrom::Start(RIFF_SIZE_AT))?;
    file.write_all(&riff.to_le_bytes())?;
    file.seek(SeekFrom::Start(layout.data_at - 4))?;
    file.write_all(&layout.data.to_le_bytes())?;
    file.set_len(layout.end)?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
