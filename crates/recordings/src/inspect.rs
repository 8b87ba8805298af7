//! Decoding a recording to its end.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use hound::{SampleFormat, WavReader};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::flac;
use crate::meter::Meter;
use crate::trace::Trace;
use crate::wav::{Layout, LayoutError};

/// What digital silence is said to measure; minus infinity has no place in JSON.
pub const SILENCE_FLOOR_DBFS: f64 = -120.0;

/// What is in a recording, from decoding all of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// Length of the talk in seconds.
    pub seconds: f64,
    /// Size of the file.
    pub bytes: u64,
    /// 2 for a recording of ours: shopper left, dealer right.
    pub channels: u16,
    /// Samples per second of each channel.
    pub sample_rate: u32,
    /// Loudness of each channel over the whole file, left first.
    pub levels: Vec<Level>,
    /// SHA-256 of the file as it lies on disk, in lower-case hexadecimal.
    pub sha256: String,
    /// The sizes in the header are not those of the file: whoever wrote it was killed, or the file was
    /// cut. Length and levels are nevertheless those of all samples that are there.
    pub header_damaged: bool,
    /// The header was damaged, and [`repair`](crate::repair()) has just put it right.
    pub repaired: bool,
    /// Where each channel may be missing; none unless there are two.
    pub(crate) traces: Vec<Trace>,
}

/// Loudness of a channel in dB relative to full scale: 0 is a square wave at the limit, a sine at the
/// limit has −3 RMS. Not below [`SILENCE_FLOOR_DBFS`], rounded to a tenth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Root mean square over the whole file.
    pub rms_dbfs: f64,
    /// The loudest sample.
    pub peak_dbfs: f64,
}

/// Why a file gives no [`Inspection`].
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// It is a folder, a link to another file or the like.
    #[error("not a recording: it is not a file")]
    NotAFile,
    /// The file has no bytes: the recorder opened it and wrote nothing.
    #[error("the file is empty")]
    Empty,
    /// The file is neither a WAV nor a FLAC file, or its header is not whole.
    #[error("not a recording: {0}")]
    NotWav(&'static str),
    /// The file is longer than the sizes in a WAV header can say (4 GiB).
    #[error("the file is longer than a WAV file can be")]
    TooLarge,
    /// The samples are not linear PCM of 8 to 32 bits.
    #[error("the samples cannot be decoded: {0}")]
    Undecodable(hound::Error),
    /// The frames of a FLAC file are damaged, or some are missing.
    #[error("the FLAC file cannot be decoded: {0}")]
    DamagedFlac(&'static str),
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Io(io::Error),
}

impl From<LayoutError> for InspectError {
    fn from(error: LayoutError) -> Self {
        match error {
            LayoutError::Io(error) => error.into(),
            LayoutError::Empty => Self::Empty,
            LayoutError::NotWav(why) => Self::NotWav(why),
            LayoutError::TooLarge => Self::TooLarge,
        }
    }
}

impl From<io::Error> for InspectError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound { Self::Missing } else { Self::Io(error) }
    }
}

impl From<hound::Error> for InspectError {
    fn from(error: hound::Error) -> Self {
        match error {
            hound::Error::IoError(error) => error.into(),
            other @ (hound::Error::FormatError(_)
            | hound::Error::TooWide
            | hound::Error::UnfinishedSample
            | hound::Error::Unsupported
            | hound::Error::InvalidSampleFormat) => Self::Undecodable(other),
        }
    }
}

/// Decodes the file at `path` from end to end, without holding it in memory.
///
/// # Errors
/// See [`InspectError`]; a damaged header alone is none.
pub fn inspect(path: &Path) -> Result<Inspection, InspectError> {
    let mut file = BufReader::new(open(path)?);
    if flac::begins(&mut file)? {
        return inspect_flac(file);
    }
    let layout = Layout::read(&mut file)?;
    file.seek(SeekFrom::Start(0))?;

    // One pass over the disk feeds both the hash and the decoder.
    let mut hashing = Hashing::of(file);
    io::copy(&mut (&mut hashing).take(layout.data_at), &mut io::sink())?;
    let samples = BufReader::new((&mut hashing).take(u64::from(layout.data)));
    let meter = decode(&honest_header(&layout), samples)?;
    io::copy(&mut hashing, &mut io::sink())?;

    Ok(inspection(meter, layout.size, hashing, layout.damaged))
}

/// SHA-256 of the file at `path` in lower-case hexadecimal, whatever is in it.
///
/// # Errors
/// There is no such file, it is not a file, or it cannot be read.
pub fn checksum(path: &Path) -> Result<String, InspectError> {
    let mut hashing = Hashing::of(open(path)?);
    io::copy(&mut hashing, &mut io::sink())?;
    Ok(hexadecimal(&hashing.hash.finalize()))
}

/// Opens a file and nothing else: a pipe would wait for its other end, and what a link leads to may
/// be another file tomorrow.
fn open(path: &Path) -> Result<File, InspectError> {
    if fs::symlink_metadata(path)?.is_file() {
        Ok(File::open(path)?)
    } else {
        Err(InspectError::NotAFile)
    }
}

fn inspect_flac(file: BufReader<File>) -> Result<Inspection, InspectError> {
    let bytes = file.get_ref().metadata()?.len();
    let mut hashing = Hashing::of(file);
    let mut flac = flac::Samples::open(&mut hashing)?;
    let mut meter = flac.meter();
    let mut channel = 0;
    while let Some(sample) = flac.next()? {
        meter.add(channel, sample);
        channel = (channel + 1) % usize::from(meter.channels);
    }
    drop(flac);
    io::copy(&mut hashing, &mut io::sink())?;
    Ok(inspection(meter, bytes, hashing, false))
}

fn inspection<R>(meter: Meter, bytes: u64, hashed: Hashing<R>, damaged: bool) -> Inspection {
    Inspection {
        seconds: meter.seconds(),
        bytes,
        channels: meter.channels,
        sample_rate: meter.sample_rate,
        levels: meter.levels(),
        sha256: hexadecimal(&hashed.hash.finalize()),
        header_damaged: damaged,
        repaired: false,
        traces: meter.traces,
    }
}

/// The samples of a WAV file whose sizes are true.
pub(crate) fn wav_samples(path: &Path) -> Result<WavReader<impl Read>, InspectError> {
    let mut file = BufReader::new(File::open(path)?);
    let layout = Layout::read(&mut file)?;
    file.seek(SeekFrom::Start(layout.data_at))?;
    let samples = file.take(u64::from(layout.data));
    Ok(WavReader::new(io::Cursor::new(honest_header(&layout)).chain(samples))?)
}

/// A canonical header with true sizes, for hound: it believes what the one on disk says, skips other
/// chunks by their word and takes every `fact` chunk for one of four bytes.
fn honest_header(layout: &Layout) -> Vec<u8> {
    let mut header = Vec::with_capacity(64);
    header.extend(b"RIFF");
    // hound does not look at this size.
    header.extend(layout.data.to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(u32::try_from(layout.fmt.len()).unwrap_or_default().to_le_bytes());
    header.extend(&layout.fmt);
    header.extend(b"data");
    header.extend(layout.data.to_le_bytes());
    header
}

fn decode(header: &[u8], samples: impl Read) -> Result<Meter, InspectError> {
    let mut wav = WavReader::new(header.chain(samples))?;
    let spec = wav.spec();
    if spec.sample_format != SampleFormat::Int {
        return Err(InspectError::Undecodable(hound::Error::Unsupported));
    }
    if spec.sample_rate == 0 {
        return Err(InspectError::NotWav("its sample rate is 0"));
    }
    let mut meter = Meter::new(spec.channels, spec.sample_rate, spec.bits_per_sample);
    let mut channel = 0;
    for sample in wav.samples::<i32>() {
        meter.add(channel, sample?);
        channel = (channel + 1) % usize::from(spec.channels);
    }
    Ok(meter)
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

struct Hashing<R> {
    hash: Sha256,
    inner: R,
}

impl<R> Hashing<R> {
    fn of(inner: R) -> Self {
        Self { hash: Sha256::new(), inner }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
