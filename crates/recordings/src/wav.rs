//! Where the chunks of a WAV file lie, and whether its sizes tell the truth.
//!
//! Only as much of RIFF as is needed to know what a killed recorder left behind; the samples are
//! hound's. Layout: Multimedia Programming Interface and Data Specifications 1.0 (IBM and
//! Microsoft, 1991), chapter 2 (RIFF) and 3 (WAVE).
//!
//! ```text
//! file  = "RIFF" u32 "WAVE" *chunk        ; sizes little-endian, the first counts all after itself
//! chunk = id(4) size(u32) body [pad]      ; pad to an even length, not counted
//! ```

use std::io::{self, Read, Seek, SeekFrom};

/// `RIFF`, its size, `WAVE`.
const RIFF_HEADER: usize = 12;
/// A chunk's id and size.
const CHUNK_HEADER: usize = 8;
/// `fmt ` bodies are 16, 18 or 40 bytes long.
const MAX_FMT: u32 = 40;
/// A recorder writes a handful of chunks; garbage can look like endless ones.
const MAX_CHUNKS: u32 = 64;

/// Why the chunks of a file are not those of a recording.
#[derive(Debug)]
pub(crate) enum LayoutError {
    Io(io::Error),
    Empty,
    NotWav(&'static str),
    TooLarge,
}

impl From<io::Error> for LayoutError {
    fn from(error: io::Error) -> Self {
        // The file was measured first, so an early end means that a chunk promised more than there is.
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Self::NotWav("its header is cut off")
        } else {
            Self::Io(error)
        }
    }
}

/// Positions and sizes in bytes.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Size of the whole file.
    pub(crate) size: u64,
    /// Body of the `fmt ` chunk.
    pub(crate) fmt: Vec<u8>,
    /// Where the first sample is.
    pub(crate) data_at: u64,
    /// Size of the samples: what the header says if that fits the file, else all whole frames there are.
    pub(crate) data: u32,
    /// Where the file ends if no incomplete frame does it.
    pub(crate) end: u64,
    /// The sizes in the header are not those of the file.
    pub(crate) damaged: bool,
}

impl Layout {
    /// Reads the chunk headers; leaves the reader anywhere.
    pub(crate) fn read(file: &mut (impl Read + Seek)) -> Result<Self, LayoutError> {
        let size = file.seek(SeekFrom::End(0))?;
        if size == 0 {
            return Err(LayoutError::Empty);
        }
        if size - 1 > u64::from(u32::MAX) {
            return Err(LayoutError::TooLarge);
        }
        file.seek(SeekFrom::Start(0))?;
        let mut riff = [0; RIFF_HEADER];
        file.read_exact(&mut riff)?;
        let [r, i, f, x, s0, s1, s2, s3, wave @ ..] = riff;
        if [r, i, f, x] != *b"RIFF" || wave != *b"WAVE" {
            return Err(LayoutError::NotWav("it does not begin with RIFF and WAVE"));
        }
        let riff_size = u32::from_le_bytes([s0, s1, s2, s3]);

        let mut fmt = None;
        let mut at = RIFF_HEADER as u64;
        for _ in 0..MAX_CHUNKS {
            let (id, length) = chunk_header(file, at)?;
            let body = at + CHUNK_HEADER as u64;
            if id == *b"data" {
                let fmt: Vec<u8> =
                    fmt.ok_or(LayoutError::NotWav("it has no format before data"))?;
                let frame = frame_bytes(&fmt)?;
                let honest = ends_with_chunks(file, body, length, size)?;
                let present = u32::try_from(size - body).map_err(|_| LayoutError::TooLarge)?;
                let data = if honest { length } else { present };
                let whole = data - data % frame;
                return Ok(Self {
                    size,
                    fmt,
                    data_at: body,
                    data: whole,
                    end: if honest && whole == length { size } else { body + u64::from(whole) },
                    damaged: !honest || whole != length || u64::from(riff_size) + 8 != size,
                });
            }
            if id == *b"fmt " {
                if length > MAX_FMT {
                    return Err(LayoutError::NotWav("its format chunk is too long"));
                }
                let mut bytes = vec![0; length as usize];
                file.read_exact(&mut bytes)?;
                fmt = Some(bytes);
            }
            at = body + u64::from(length) + u64::from(length % 2);
        }
        Err(LayoutError::NotWav("it has no samples"))
    }
}

fn chunk_header(file: &mut (impl Read + Seek), at: u64) -> io::Result<([u8; 4], u32)> {
    file.seek(SeekFrom::Start(at))?;
    let mut header = [0; CHUNK_HEADER];
    file.read_exact(&mut header)?;
    let [a, b, c, d, length @ ..] = header;
    Ok(([a, b, c, d], u32::from_le_bytes(length)))
}

/// Bytes of one sample of every channel.
///
/// `fmt` = tag(2) channels(2) rate(4) bytes per second(4) frame(2) bits per sample(2) …
fn frame_bytes(fmt: &[u8]) -> Result<u32, LayoutError> {
    let field = |at: usize| {
        fmt.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes)
    };
    let (channels, frame, bits) = (field(2), field(12), field(14));
    // hound divides by each of these.
    if channels == 0 || frame == 0 || bits == 0 || frame / channels == 0 {
        return Err(LayoutError::NotWav("its format has no channels or no bits"));
    }
    Ok(u32::from(frame))
}

/// Whether a data chunk of `length` at `body` ends where the file does, or where chunks follow that do.
///
/// libsndfile, which records for FreeSWITCH, puts a LIST chunk behind the samples when titles are set.
fn ends_with_chunks(
    file: &mut (impl Read + Seek),
    body: u64,
    length: u32,
    size: u64,
) -> io::Result<bool> {
    let mut at = body + u64::from(length);
    if at == size {
        return Ok(true);
    }
    at += u64::from(length % 2);
    for _ in 0..MAX_CHUNKS {
        if at >= size {
            return Ok(at == size);
        }
        if size - at < CHUNK_HEADER as u64 {
            return Ok(false);
        }
        let (id, length) = chunk_header(file, at)?;
        // Samples of silence would else pass for chunks without name and length.
        if !id.iter().all(|b| b.is_ascii_graphic() || *b == b' ') {
            return Ok(false);
        }
        at += CHUNK_HEADER as u64 + u64::from(length) + u64::from(length % 2);
    }
    Ok(false)
}
