//! What is in a recording, side by side.

use crate::language::files::share_of;

/// Samples of 20 ms.
const WINDOW: usize = 160;

/// The two sides of a stereo WAV, 8 kHz.
pub(crate) struct Recorded {
    pub(crate) shopper: Side,
    pub(crate) dealer: Side,
}

/// One side.
pub(crate) struct Side(Vec<i16>);

impl Recorded {
    pub(crate) fn read(wav: &[u8]) -> Self {
        let reader = hound::WavReader::new(wav).unwrap();
        assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, 8000));
        let samples: Vec<i16> = reader.into_samples().map(Result::unwrap).collect();
        let side = |first| Side(samples.iter().skip(first).step_by(2).copied().collect());
        Self { shopper: side(0), dealer: side(1) }
    }
}

impl Side {
    /// For how many seconds a tone is in it.
    pub(crate) fn seconds_of(&self, hz: u32) -> f64 {
        let windows = self.0.chunks_exact(WINDOW).filter(|samples| {
            samples.iter().any(|sample| sample.unsigned_abs() > 2000) && share_of(samples, hz) > 0.8
        });
        f64::from(u32::try_from(windows.count()).unwrap()) * 0.02
    }
}
