//! How long and how loud the samples of a recording are.

use crate::inspect::{Level, SILENCE_FLOOR_DBFS};
use crate::trace::Trace;

pub(crate) struct Meter {
    pub(crate) channels: u16,
    pub(crate) sample_rate: u32,
    full_scale: f64,
    /// Of all channels together.
    samples: u64,
    squares: Vec<f64>,
    peaks: Vec<f64>,
    pub(crate) traces: Vec<Trace>,
}

impl Meter {
    pub(crate) fn new(channels: u16, sample_rate: u32, bits: u16) -> Self {
        Self {
            channels,
            sample_rate,
            full_scale: f64::from(bits.saturating_sub(1)).exp2(),
            samples: 0,
            squares: vec![0.0; usize::from(channels)],
            peaks: vec![0.0; usize::from(channels)],
            // Of a recording of ours; a file may promise any number of channels.
            traces: vec![Trace::new(sample_rate, bits); if channels == 2 { 2 } else { 0 }],
        }
    }

    pub(crate) fn add(&mut self, channel: usize, sample: i32) {
        let value = f64::from(sample) / self.full_scale;
        self.samples += 1;
        if let Some(sum) = self.squares.get_mut(channel) {
            *sum += value * value;
        }
        if let Some(peak) = self.peaks.get_mut(channel) {
            *peak = peak.max(value.abs());
        }
        if let Some(trace) = self.traces.get_mut(channel) {
            trace.add(sample);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a file of 4 GiB has fewer than 2^33 samples")]
    fn frames(&self) -> f64 {
        self.samples as f64 / f64::from(self.channels)
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.frames() / f64::from(self.sample_rate)
    }

    pub(crate) fn levels(&self) -> Vec<Level> {
        let frames = self.frames().max(1.0);
        self.squares
            .iter()
            .zip(&self.peaks)
            .map(|(squares, peak)| Level {
                rms_dbfs: dbfs((squares / frames).sqrt()),
                peak_dbfs: dbfs(*peak),
            })
            .collect()
    }
}

fn dbfs(amplitude: f64) -> f64 {
    let exact = (20.0 * amplitude.log10()).max(SILENCE_FLOOR_DBFS);
    // Adding 0 turns −0 into 0, which reads better in JSON.
    (exact * 10.0).round() / 10.0 + 0.0
}
