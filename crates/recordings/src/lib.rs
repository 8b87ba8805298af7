//! Recordings on disk: how they are named, what stands beside them, and proof that they hold a talk.
//!
//! ```text
//! <recordings>/2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav
//! <recordings>/2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e.json
//! ```
//!
//! FreeSWITCH writes the WAV (stereo, shopper left, dealer right, only the talk); this crate names
//! it beforehand ([`RecordingName`]), proves it afterwards ([`verify`]) and writes the [`Sidecar`].
//! Everything here blocks: decoding an hour of talk takes most of a second. An async caller uses a
//! blocking thread.

#![warn(missing_docs)]

mod folder;
mod inspect;
mod name;
mod repair;
mod sidecar;
mod verdict;
mod wav;

pub use folder::{FolderError, Scan, check_writable, prepare_day, scan};
pub use inspect::{InspectError, Inspection, Level, SILENCE_FLOOR_DBFS, inspect};
pub use name::{Direction, RecordingName};
pub use repair::{RepairError, repair};
pub use sidecar::{LocalTime, Recording, Sidecar, SidecarError};
pub use verdict::{
    Proof, SHORT_TOLERANCE, SILENT_PEAK_DBFS, SILENT_RMS_DBFS, Verdict, judge, verify,
};

#[cfg(test)]
mod samples;
