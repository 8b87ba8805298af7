//! A recording put away for long: the same samples as FLAC, in half the room or less.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flacenc::bitsink::ByteSink;
use flacenc::component::{BitRepr as _, Stream, StreamInfo};
use flacenc::error::{Verified, Verify as _};
use flacenc::source::{Context, Fill as _, FrameBuf};
use hound::WavReader;

use crate::delete::hidden;
use crate::flac::Samples;
use crate::inspect::{InspectError, Inspection, inspect, wav_samples};

/// Samples of each channel in one frame: half a second of a telephone.
const FRAME: usize = 4096;

/// Why a recording was not put away; the WAV is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The WAV cannot be read or decoded.
    #[error(transparent)]
    Unreadable(#[from] InspectError),
    /// Its header is damaged: it must be proven and repaired first.
    #[error("its header is damaged: run `ustredna recordings verify` first")]
    Damaged,
    /// It is not the file whose checksum was taken when it was verified.
    #[error("it has changed since it was verified: see `ustredna recordings verify`")]
    Changed,
    /// Somebody else is putting it away.
    #[error("another program is at it")]
    Busy,
    /// It holds something that FLAC cannot take.
    #[error("it cannot be made a FLAC: {0}")]
    Encode(String),
    /// The FLAC cannot be written.
    #[error("the FLAC cannot be written: {0}")]
    Write(io::Error),
    /// The FLAC does not hold the same samples, so it was thrown away.
    #[error("the FLAC does not hold what the WAV does")]
    Differs,
}

/// Writes the recording at `wav` again as FLAC beside it, and tells its path and what is in it; not
/// if the checksum of the WAV is not `sha256`.
///
/// The file is written under a hidden name and to the disk, decoded again and held against the WAV
/// sample by sample, and only then gets its name, in place of one that is there. The WAV stays: it
/// may go once whoever looks for the recording knows of the FLAC. Killed at any moment, the WAV is
/// whole, and a second try does it all again.
///
/// Kept are the samples of every channel, their rate and their width; chunks of titles are not.
///
/// # Errors
/// See [`ArchiveError`].
pub fn archive(wav: &Path, sha256: Option<&str>) -> Result<(PathBuf, Inspection), ArchiveError> {
    let Some(dir) = wav.parent() else { return Err(InspectError::Missing.into()) };
    // Two at a time would write into one file.
    let locked = File::open(wav).map_err(InspectError::from)?;
    match locked.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(ArchiveError::Busy),
        Err(TryLockError::Error(error)) => return Err(InspectError::from(error).into()),
    }
    let before = inspect(wav)?;
    if before.header_damaged {
        return Err(ArchiveError::Damaged);
    }
    if sha256.is_some_and(|sha256| sha256 != before.sha256) {
        return Err(ArchiveError::Changed);
    }
    let flac = wav.with_extension("flac");
    let part = hidden(wav);
    let made = make(wav, &part).and_then(|found| {
        fs::rename(&part, &flac).map_err(ArchiveError::Write)?;
        Ok(found)
    });
    let found = made.inspect_err(|_| {
        // The first error tells more than one about the left-over would.
        let _ = fs::remove_file(&part);
    })?;
    // The rename itself is on disk only once the folder is.
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(ArchiveError::Write)?;
    Ok((flac, found))
}

fn make(wav: &Path, part: &Path) -> Result<Inspection, ArchiveError> {
    let source = wav_samples(wav)?;
    let file = File::create(part).map_err(ArchiveError::Write)?;
    encode(source, file)?;
    compare(wav, part)?;
    Ok(inspect(part)?)
}

/// One frame in memory at a time: an hour of talk would else take half a gigabyte.
fn encode<R: Read>(mut wav: WavReader<R>, file: File) -> Result<(), ArchiveError> {
    let spec = wav.spec();
    let (channels, bits) = (usize::from(spec.channels), usize::from(spec.bits_per_sample));
    let rate = usize::try_from(spec.sample_rate).unwrap_or(usize::MAX);
    let mut info = StreamInfo::new(rate, channels, bits).map_err(unfit)?;
    info.set_block_sizes(FRAME, FRAME).map_err(unfit)?;
    let config = config()?;
    let mut frame = FrameBuf::with_size(channels, FRAME).map_err(unfit)?;
    let mut context = Context::new(bits, channels);

    let mut out = BufWriter::new(file);
    // Holds the place: how much follows is known at the end.
    write_header(&mut out, &info)?;
    let mut samples = wav.samples::<i32>();
    loop {
        let block: Vec<i32> = samples
            .by_ref()
            .take(FRAME * channels)
            .collect::<Result<_, _>>()
            .map_err(InspectError::from)?;
        if block.is_empty() {
            break;
        }
        frame.fill_interleaved(&block).map_err(unfit)?;
        context.fill_interleaved(&block).map_err(unfit)?;
        let number = context.current_frame_number().unwrap_or_default();
        let coded =
            flacenc::encode_fixed_size_frame(&config, &frame, number, &info).map_err(unfit)?;
        let mut sink = ByteSink::new();
        coded.write(&mut sink).map_err(unfit)?;
        out.write_all(sink.as_slice()).map_err(ArchiveError::Write)?;
    }
    info.set_total_samples(context.total_samples());
    info.set_md5_digest(&context.md5_digest());
    out.seek(SeekFrom::Start(0)).map_err(ArchiveError::Write)?;
    write_header(&mut out, &info)?;
    let file = out.into_inner().map_err(|error| ArchiveError::Write(error.into_error()))?;
    file.sync_all().map_err(ArchiveError::Write)
}

fn config() -> Result<Verified<flacenc::config::Encoder>, ArchiveError> {
    flacenc::config::Encoder::default().into_verified().map_err(|(_, error)| unfit(error))
}

fn unfit(error: impl std::fmt::Display) -> ArchiveError {
    ArchiveError::Encode(error.to_string())
}

/// The marker and what the file holds; always of one length.
fn write_header(out: &mut impl Write, info: &StreamInfo) -> Result<(), ArchiveError> {
    let mut sink = ByteSink::new();
    Stream::with_stream_info(info.clone()).write(&mut sink).map_err(unfit)?;
    out.write_all(sink.as_slice()).map_err(ArchiveError::Write)
}

/// Both are read from the disk again.
fn compare(wav: &Path, flac: &Path) -> Result<(), ArchiveError> {
    let mut wav = wav_samples(wav)?;
    let spec = wav.spec();
    let file = BufReader::new(File::open(flac).map_err(ArchiveError::Write)?);
    let mut copy = Samples::open(file)?;
    if !copy.is_of(spec.channels, spec.sample_rate, spec.bits_per_sample) {
        return Err(ArchiveError::Differs);
    }
    for sample in wav.samples::<i32>() {
        if copy.next()? != Some(sample.map_err(InspectError::from)?) {
            return Err(ArchiveError::Differs);
        }
    }
    if copy.next()?.is_some() { Err(ArchiveError::Differs) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
