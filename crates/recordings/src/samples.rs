//! WAV files for the tests: tones and silence, sound and damaged.

use std::fs;
use std::path::Path;

use hound::{SampleFormat, WavSpec, WavWriter};

pub(crate) const RATE: u32 = 8000;

/// A sine at half of full scale: −6.0 dBFS peak, −9.0 RMS.
pub(crate) fn tone(frame: u32, hertz: f32) -> i16 {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "test tones")]
    let sample =
        ((frame as f32 * hertz * std::f32::consts::TAU / RATE as f32).sin() * 16384.0) as i16;
    sample
}

pub(crate) fn write(path: &Path, channels: u16, frames: u32, sample: impl Fn(u32, u16) -> i16) {
    let spec = WavSpec {
        channels,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut wav = WavWriter::create(path, spec).unwrap();
    for frame in 0..frames {
        for channel in 0..channels {
            wav.write_sample(sample(frame, channel)).unwrap();
        }
    }
    wav.finalize().unwrap();
}

/// Both sides talk for `frames` frames.
pub(crate) fn two_tones(path: &Path, frames: u32) {
    write(path, 2, frames, |frame, channel| tone(frame, if channel == 0 { 440.0 } else { 620.0 }));
}

/// As FreeSWITCH leaves it when killed: the sizes are those of an empty file.
pub(crate) fn forget_sizes(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[4..8].copy_from_slice(&36_u32.to_le_bytes());
    bytes[40..44].copy_from_slice(&0_u32.to_le_bytes());
    fs::write(path, bytes).unwrap();
}
