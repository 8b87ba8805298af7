//! Recordings as mod_sndfile writes them.

use std::{
    f64::consts::TAU,
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};

use crate::faults::RecordingFault;

const RATE: u32 = 8000;
const HEADER: usize = 44;
/// Samples of a second; written in pieces of this many frames.
const PIECE: u64 = RATE as u64;
/// −6 dBFS: loud enough for any check, far from clipping.
const LOUDNESS: f64 = 16_384.0;

/// A sine of 1 Hz: one of n Hz is every n-th of it, and as exact.
static SINE: LazyLock<Vec<i16>> = LazyLock::new(|| {
    #[expect(clippy::cast_possible_truncation, reason = "at most 16,384")]
    let sample = |n| (f64::sin(f64::from(n) * TAU / f64::from(RATE)) * LOUDNESS).round() as i16;
    (0..RATE).map(sample).collect()
});

/// A recording under way: 16 bits, 8 kHz.
#[derive(Debug)]
pub(crate) struct Recording {
    file: File,
    path: PathBuf,
    channels: u16,
    /// How much has been appended, of which `frames` are written.
    time: Duration,
    frames: u64,
    /// Bytes that still fit on the disk, if not everything does.
    room: Option<u64>,
}

impl Recording {
    /// Opens the file as FreeSWITCH does when the recording starts: folders are made, what was there is
    /// gone, and the header says that there are no samples.
    pub(crate) fn start(
        path: &Path,
        stereo: bool,
        fault: Option<RecordingFault>,
    ) -> io::Result<Self> {
        // No other format is loaded; the name alone decides (switch_ivr_record_session in
        // switch_ivr_async.c).
        if !path.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("wav")) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let room = match fault {
            None => None,
            Some(RecordingFault::CannotStart) => {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            Some(RecordingFault::DiskFull { after_bytes }) => {
                Some(after_bytes.saturating_sub(HEADER as u64))
            }
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let channels = if stereo { 2 } else { 1 };
        let mut file = File::create(path)?;
        file.write_all(&header(channels, 0))?;
        let (time, frames) = (Duration::ZERO, 0);
        Ok(Self { file, path: path.to_owned(), channels, time, frames, room })
    }

    /// Appends what both sides said for a time: a tone of so many Hz, or nothing. A tone that goes on
    /// in the next piece does so without a crack. A mono recording mixes them.
    ///
    /// An error leaves in the file what there was room for.
    pub(crate) fn append(
        &mut self,
        left: Option<u32>,
        right: Option<u32>,
        time: Duration,
    ) -> io::Result<()> {
        self.time = self.time.saturating_add(time);
        // From the sum, lest thousands of short pieces lose a sample each.
        let until = u64::try_from(self.time.as_micros()).unwrap_or(u64::MAX) / 125;
        while self.frames < until {
            let end = until.min(self.frames + PIECE);
            let mut piece = Vec::new();
            for frame in self.frames..end {
                let (left, right) = (sample(left, frame), sample(right, frame));
                if self.channels == 2 {
                    piece.extend(left.to_le_bytes());
                    piece.extend(right.to_le_bytes());
                } else {
                    piece.extend(left.saturating_add(right).to_le_bytes());
                }
            }
            let room = self.room.map_or(Ok(usize::MAX), usize::try_from).unwrap_or(usize::MAX);
            let fits = room.min(piece.len());
            // libsndfile writes whole frames.
            let fits = fits - fits % usize::from(self.channels * 2);
            self.file.write_all(piece.get(..fits).unwrap_or_default())?;
            self.room = self.room.map(|room| room - fits as u64);
            self.frames += fits as u64 / u64::from(self.channels * 2);
            if fits < piece.len() {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        Ok(())
    }

    /// How many samples of each side are written.
    pub(crate) fn samples(&self) -> u64 {
        self.frames
    }

    /// How much speech still fits, if not all does.
    pub(crate) fn room(&self) -> Option<Duration> {
        let frame = u64::from(self.channels * 2);
        self.room.map(|room| Duration::from_micros((room / frame).saturating_mul(125)))
    }

    /// Bytes of the file, header and all.
    pub(crate) fn size(&self) -> u64 {
        HEADER as u64 + self.frames * u64::from(self.channels * 2)
    }

    /// Deletes the file.
    pub(crate) fn discard(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }

    /// Closes the file: the header says how much is in it.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let data = u32::try_from(self.size() - HEADER as u64).unwrap_or(u32::MAX - 36);
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header(self.channels, data))
    }

    /// Leaves the file as a killed FreeSWITCH does: the samples are there and the header says that
    /// there are none.
    pub(crate) fn abandon(self) {
        drop(self.file);
    }
}

fn sample(hz: Option<u32>, frame: u64) -> i16 {
    let Some(hz) = hz else { return 0 };
    let at = (frame % u64::from(RATE)) * u64::from(hz % RATE) % u64::from(RATE);
    usize::try_from(at).ok().and_then(|at| SINE.get(at)).copied().unwrap_or_default()
}

/// The 44 bytes before the samples: RIFF, `fmt ` (PCM) and `data`.
fn header(channels: u16, data: u32) -> [u8; HEADER] {
    let frame = channels * 2;
    let mut header = [0; HEADER];
    let mut put = header.iter_mut();
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &(data + 36).to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16_u32.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &channels.to_le_bytes(),
        &RATE.to_le_bytes(),
        &(RATE * u32::from(frame)).to_le_bytes(),
        &frame.to_le_bytes(),
        &16_u16.to_le_bytes(),
        b"data",
        &data.to_le_bytes(),
    ];
    for (to, from) in put.by_ref().zip(fields.into_iter().flatten()) {
        *to = *from;
    }
    header
}

#[cfg(test)]
mod tests;
