//! The first bytes of a SQLite file, by which it is known whether somebody else wrote to it.

use std::{
    fs,
    io::{self, ErrorKind},
    os::unix::fs::FileExt as _,
};

/// What the first bytes of a database tell, <https://www.sqlite.org/fileformat.html>.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    /// Counts up with what is written.
    pub(super) changes: u32,
    pub(super) has_wal: bool,
    /// How long the file is, and how long it says that it is.
    pub(super) bytes: u64,
    pub(super) says: u64,
}

impl Header {
    /// `None`: it is not that of a database.
    pub(super) fn read(file: &fs::File) -> io::Result<Option<Self>> {
        let bytes = file.metadata()?.len();
        let mut header = [0; 100];
        match file.read_exact_at(&mut header, 0) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let number = |at: usize| {
            let four = header.get(at..at + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
            four.map_or(0, u32::from_be_bytes)
        };
        // The two bytes at 16; 1 stands for 65536, which does not fit.
        let page = match number(16) >> 16 {
            1 => 65536,
            page => u64::from(page),
        };
        let is_database = header.starts_with(b"SQLite format 3\0");
        Ok(is_database.then(|| Self {
            changes: number(24),
            has_wal: header.get(18..20) == Some(&[2, 2]),
            bytes,
            says: u64::from(number(28)) * page,
        }))
    }
}
