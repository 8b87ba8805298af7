//! What stands beside a recording: everything about its call, for people and scripts without the database.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use crate::gaps::Gap;
use crate::inspect::{Inspection, Level, hexadecimal};
use crate::media::Hold;
use crate::name::{Direction, RecordingName};
use crate::verdict::{Verdict, silent_side};

/// An instant with the offset its clock showed: RFC 3339, `2026-11-22T10:31:45.678+01:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    timestamp: Timestamp,
    offset: Offset,
}

impl LocalTime {
    /// The instant.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        self.timestamp
    }
}

impl From<&Zoned> for LocalTime {
    fn from(local: &Zoned) -> Self {
        Self { timestamp: local.timestamp(), offset: local.offset() }
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp.display_with_offset(self.offset).fmt(f)
    }
}

impl Serialize for LocalTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LocalTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let timestamp = text.parse().map_err(de::Error::custom)?;
        let offset = Pieces::parse(&text).map_err(de::Error::custom)?.to_numeric_offset();
        Ok(Self { timestamp, offset: offset.unwrap_or(Offset::UTC) })
    }
}

/// Everything about a recorded call, as it stands in the `.json` beside the `.wav` or `.flac`.
///
/// Numbers are E.164. What is `None` is left out of the file. `Debug` leaves the numbers out.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Sidecar {
    /// The call's id, whole.
    pub call: String,
    /// `outbound_hotline`, `callback_hotline` or `fictitious_number`.
    pub service: String,
    /// Who called whom.
    pub direction: Direction,
    /// The number the dealer sees or has called.
    pub fictitious_number: String,
    /// The dealer's number; `None` if withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dealer: Option<String>,
    /// The project of the pairing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The shopper's id in the database, which tells an outsider nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shopper_id: Option<String>,
    /// The shopper's real number; only if the operator turned that on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shopper_phone: Option<String>,
    /// When the call reached the exchange.
    pub started_at: LocalTime,
    /// When the parties could talk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<LocalTime>,
    /// When the call ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<LocalTime>,
    /// How long the parties were bridged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub talk_seconds: Option<f64>,
    /// `answered`, `no_answer`, `busy`, `rejected`, `unreachable`, `abandoned` or `refused`.
    pub outcome: String,
    /// FreeSWITCH's name of the cause, such as `NORMAL_CLEARING`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hangup_cause: Option<String>,
    /// The number of the ticket that the call opened or closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<u8>,
    /// The recording itself.
    pub recording: Recording,
}

/// The `recording` of a [`Sidecar`]: file, proof and verdict.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// Name of the recording in the same folder.
    pub file: String,
    /// See [`Verdict`].
    pub verdict: Verdict,
    /// Length in seconds.
    pub seconds: f64,
    /// Size of the file.
    pub bytes: u64,
    /// 2 for a good one.
    pub channels: u16,
    /// Samples per second of each channel.
    pub sample_rate: u32,
    /// SHA-256 of the file in hexadecimal; `None` if there is no file to hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Always `left`.
    pub shopper_channel: String,
    /// Always `right`.
    pub dealer_channel: String,
    /// Loudness of each channel, left first.
    pub levels: Vec<Level>,
    /// `shopper` or `dealer`: who alone is not heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_side: Option<String>,
    /// From when to when sound of a side is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// From when to when a side's phone was on hold by what it said itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
}

impl Recording {
    /// What is known of the recording called `name`; without an inspection (missing, pending) the
    /// measures are 0.
    #[must_use]
    pub fn new(name: &RecordingName, verdict: Verdict, inspection: Option<&Inspection>) -> Self {
        let relative = name.relative();
        Self {
            file: relative.rsplit('/').next().unwrap_or_default().to_owned(),
            verdict,
            seconds: inspection.map_or(0.0, |found| found.seconds),
            bytes: inspection.map_or(0, |found| found.bytes),
            channels: inspection.map_or(0, |found| found.channels),
            sample_rate: inspection.map_or(0, |found| found.sample_rate),
            sha256: inspection.map(|found| found.sha256.clone()),
            shopper_channel: "left".to_owned(),
            dealer_channel: "right".to_owned(),
            levels: inspection.map(|found| found.levels.clone()).unwrap_or_default(),
            silent_side: inspection.and_then(|found| silent_side(&found.levels)).map(str::to_owned),
            gaps: Vec::new(),
            holds: Vec::new(),
        }
    }
}

/// Why a sidecar was not written or read.
#[derive(Debug, thiserror::Error)]
pub enum SidecarError {
    /// The file or its folder cannot be written.
    #[error("the sidecar cannot be written: {0}")]
    Write(io::Error),
    /// The file cannot be read.
    #[error("the sidecar cannot be read: {0}")]
    Read(io::Error),
    /// The file is not a sidecar.
    // What serde says of it may quote a number.
    #[error("not a sidecar: see line {}, column {}", .0.line(), .0.column())]
    Json(serde_json::Error),
}

impl Sidecar {
    /// Writes the sidecar to `path`, in place of one that is there.
    ///
    /// A reader sees the old one or the new one, whole, also after a power cut: the text goes to a hidden
    /// file beside `path`, to the disk, and then under its name. One writer a call at a time.
    ///
    /// # Errors
    /// The folder is missing or not writable, or the disk is full; what was there stays.
    pub fn write(&self, path: &Path) -> Result<(), SidecarError> {
        replace(path, &self.json()?).map_err(SidecarError::Write)
    }

    /// SHA-256, in lower-case hexadecimal, of the file that [`write`](Self::write) makes of it.
    ///
    /// # Errors
    /// A number in it is none that JSON can tell.
    pub fn checksum(&self) -> Result<String, SidecarError> {
        Ok(hexadecimal(&Sha256::digest(self.json()?)))
    }

    fn json(&self) -> Result<Vec<u8>, SidecarError> {
        let mut json = serde_json::to_vec_pretty(self).map_err(SidecarError::Json)?;
        json.push(b'\n');
        Ok(json)
    }

    /// Reads the sidecar at `path`; keys it does not know are passed over.
    ///
    /// # Errors
    /// The file is not there, not readable or not a sidecar.
    pub fn read(path: &Path) -> Result<Self, SidecarError> {
        let text = fs::read(path).map_err(SidecarError::Read)?;
        serde_json::from_slice(&text).map_err(SidecarError::Json)
    }
}

impl fmt::Debug for Sidecar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sidecar")
            .field("call", &self.call)
            .field("service", &self.service)
            .field("outcome", &self.outcome)
            .field("recording", &self.recording)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The file's name holds both numbers.
        f.debug_struct("Recording")
            .field("verdict", &self.verdict)
            .field("seconds", &self.seconds)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"));
    };
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(".part");
    let part = dir.join(hidden);
    write_through(&part, path, content).inspect_err(|_| {
        // The first error tells more than one about the left-over would.
        let _ = fs::remove_file(&part);
    })?;
    // The rename itself is on disk only once the folder is.
    File::open(dir)?.sync_all()
}

fn write_through(part: &PathBuf, path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(part)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(part, path)
}

#[cfg(test)]
mod tests;
