//! Reading FLAC files: sample by sample, every frame held against its checksum.

use std::io::{self, Read, Seek, SeekFrom};

use claxon::FlacReader;
use claxon::frame::Block;

use crate::inspect::InspectError;
use crate::meter::Meter;

/// The first bytes of a FLAC file, RFC 9639 section 6.
const MARKER: &[u8; 4] = b"fLaC";

/// Whether the file is a FLAC; leaves the reader at its beginning.
pub(crate) fn begins(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let mut start = Vec::with_capacity(MARKER.len());
    file.by_ref().take(MARKER.len() as u64).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(start == MARKER)
}

impl From<claxon::Error> for InspectError {
    fn from(error: claxon::Error) -> Self {
        match error {
            claxon::Error::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Self::DamagedFlac("it is cut off")
            }
            claxon::Error::IoError(error) => error.into(),
            claxon::Error::FormatError(why) | claxon::Error::Unsupported(why) => {
                Self::DamagedFlac(why)
            }
        }
    }
}

/// The samples of a FLAC file, those of one moment after each other, left first.
pub(crate) struct Samples<R: Read> {
    flac: FlacReader<R>,
    channels: u16,
    sample_rate: u32,
    bits: u16,
    /// The frame that is being read out, and where.
    block: Block,
    frame: u32,
    channel: u32,
    /// Moments in all frames so far.
    seen: u64,
}

impl<R: Read> Samples<R> {
    pub(crate) fn open(source: R) -> Result<Self, InspectError> {
        let flac = FlacReader::new(source)?;
        let info = flac.streaminfo();
        let too_much = |_| InspectError::DamagedFlac("its header promises too much");
        let channels = u16::try_from(info.channels).map_err(too_much)?;
        if channels == 0 || info.sample_rate == 0 {
            return Err(InspectError::DamagedFlac("its header promises no sound"));
        }
        Ok(Self {
            channels,
            sample_rate: info.sample_rate,
            bits: u16::try_from(info.bits_per_sample).map_err(too_much)?,
            flac,
            block: Block::empty(),
            frame: 0,
            channel: 0,
            seen: 0,
        })
    }

    pub(crate) fn meter(&self) -> Meter {
        Meter::new(self.channels, self.sample_rate, self.bits)
    }

    pub(crate) fn is_of(&self, channels: u16, sample_rate: u32, bits: u16) -> bool {
        (self.channels, self.sample_rate, self.bits) == (channels, sample_rate, bits)
    }

    /// The next sample; `None` behind the last one.
    pub(crate) fn next(&mut self) -> Result<Option<i32>, InspectError> {
        if self.frame == self.block.duration() && !self.next_block()? {
            return Ok(None);
        }
        let sample = self.block.sample(self.channel, self.frame);
        self.channel += 1;
        if self.channel == u32::from(self.channels) {
            (self.channel, self.frame) = (0, self.frame + 1);
        }
        Ok(Some(sample))
    }

    fn next_block(&mut self) -> Result<bool, InspectError> {
        let buffer = std::mem::replace(&mut self.block, Block::empty()).into_buffer();
        self.frame = 0;
        let Some(block) = self.flac.blocks().read_next_or_eof(buffer)? else {
            // A file cut off between two frames ends as if it were whole.
            return match self.flac.streaminfo().samples {
                Some(promised) if promised != self.seen => {
                    Err(InspectError::DamagedFlac("it does not hold what its header promises"))
                }
                Some(_) | None => Ok(false),
            };
        };
        if block.channels() != u32::from(self.channels) || block.duration() == 0 {
            return Err(InspectError::DamagedFlac("a frame contradicts the header"));
        }
        self.seen += u64::from(block.duration());
        self.block = block;
        Ok(true)
    }
}
