//! Standard error, written by a thread of its own.
//!
//! Whoever reads the log may be slow, stop reading or be gone (`serve 2>&1 | less`, a full disk, a
//! terminal that was closed). A line that cannot be written must hold up no call, and a thread that
//! waits for a reader would. So lines wait in a queue, and when that is full they are counted
//! instead.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait for a slow reader.
const WAITING: usize = 4096;
/// For the last lines at the end.
const LAST_WORDS: Duration = Duration::from_secs(1);

enum Entry {
    Line(Vec<u8>),
    /// Answered when everything before it is written.
    Flush(SyncSender<()>),
}

/// Where lines go. Clones go to the same.
#[derive(Clone)]
pub(super) struct Outlet {
    queue: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
}

impl Outlet {
    pub(super) fn open(to: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, entries) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&lost);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(to, &entries, &counted))?;
        Ok(Self { queue, lost })
    }

    /// Waits a moment until everything is written.
    pub(super) fn flush(&self) {
        let (done, flushed) = sync_channel(1);
        if self.queue.try_send(Entry::Flush(done)).is_ok() {
            let _ = flushed.recv_timeout(LAST_WORDS);
        }
    }
}

fn write(mut to: impl Write, entries: &Receiver<Entry>, lost: &AtomicU64) {
    for entry in entries {
        // A reader who is gone is not told; there is nobody else to tell.
        match entry {
            Entry::Line(line) => {
                let _ = to.write_all(&line);
            }
            Entry::Flush(done) => {
                let _ = to.flush();
                let _ = done.send(());
            }
        }
        let count = lost.swap(0, Ordering::Relaxed);
        if count > 0 {
            tracing::warn!(
                lines = count,
                "lines of the log are missing: they were not read in time"
            );
        }
    }
}

impl Write for Outlet {
    /// Takes a whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Entry::Line(line.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Outlet {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// A reader who takes a line when it is allowed to.
    struct Reader(Receiver<()>, Sender<Vec<u8>>);

    impl Write for Reader {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            if self.0.recv().is_err() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.1.send(line.to_vec()).unwrap();
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_logs_never_waits_for_who_reads() {
        let ((allow, allowed), (read, reads)) = (channel(), channel());
        let mut outlet = Outlet::open(Reader(allowed, read)).unwrap();
        for line in 0..WAITING + 100 {
            outlet.write_all(line.to_string().as_bytes()).unwrap();
        }
        let lost = outlet.lost.load(Ordering::Relaxed);
        assert!((99..=100).contains(&lost), "{lost}");
        allow.send(()).unwrap();
        assert_eq!(reads.recv().unwrap(), b"0");
        // A reader who is gone.
        drop(allow);
        outlet.flush();
        outlet.write_all(b"more").unwrap();
        outlet.flush();
    }
}
