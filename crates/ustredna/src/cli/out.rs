//! Standard output, whose errors say that it is what cannot be written.

use std::io::{self, ErrorKind, Write};

pub(super) struct Output<W>(pub(super) W);

/// The same error, saying so.
pub(super) fn named(error: io::Error) -> io::Error {
    let kind = error.kind();
    // Writing goes on, or whoever reads has seen enough.
    if kind == ErrorKind::Interrupted || kind == ErrorKind::BrokenPipe {
        return error;
    }
    let why = if kind == ErrorKind::StorageFull {
        "no room is left on its disk".to_owned()
    } else {
        error.to_string()
    };
    io::Error::new(kind, format!("standard output cannot be written: {why}"))
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(named)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(named)
    }
}
