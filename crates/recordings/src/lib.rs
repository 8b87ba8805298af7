//! Recordings on disk: how they are named, what stands beside them, and proof that they hold a talk.
//!
//! ```text
//! <recordings>/2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav
//! <recordings>/2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e.json
//! ```
//!
//! FreeSWITCH writes the WAV (stereo, shopper left, dealer right, only the talk); this crate names
//! it beforehand ([`RecordingName`]), proves it afterwards ([`verify`], later [`verify_again`]) and
//! writes the [`Sidecar`]; much later it makes it a FLAC ([`archive()`]) or removes it ([`delete()`]).
//! Everything here blocks: decoding an hour of talk takes most of a second. An async caller uses a
//! blocking thread.

#![warn(missing_docs)]

mod archive;
mod delete;
mod disk;
mod flac;
mod folder;
mod gaps;
mod inspect;
mod media;
mod meter;
mod name;
mod repair;
mod sidecar;
mod trace;
mod verdict;
mod walk;
mod wav;

pub use archive::{ArchiveError, archive};
pub use delete::{DeleteError, Deleted, delete, remains};
pub use disk::{Deletions, DiskUse, free_bytes, usage};
pub use folder::{FolderError, FoundDay, Scan, check_writable, find_day, prepare_day, scan};
pub use gaps::{GAPS_AT_MOST, Gap, HOLE, LOSS, LOSS_SHARE};
pub use inspect::{InspectError, Inspection, Level, SILENCE_FLOOR_DBFS, checksum, inspect};
pub use media::{Counted, Held, Hold, Media, Side};
pub use name::{Direction, Format, RecordingName};
pub use repair::{RepairError, repair};
pub use sidecar::{LocalTime, Recording, Sidecar, SidecarError};
pub use verdict::{
    LONG_SHARE, LONG_TOLERANCE, Proof, SHORT_TOLERANCE, SILENT_PEAK_DBFS, SILENT_RMS_DBFS, Verdict,
    judge, silent_side, verify, verify_again, verify_size,
};
pub use walk::{Found, walk};

#[cfg(test)]
mod samples;
