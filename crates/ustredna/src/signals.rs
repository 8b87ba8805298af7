//! The signals that tell a program to stop, and those that must not.

use std::fs::{self, File};

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

/// See [`next`](Signals::next).
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    /// `None` under `nohup`, which has the signal ignored.
    hangup: Option<Signal>,
    first: Signal,
    second: Signal,
    alarm: Signal,
    file_size: Signal,
    at_terminal: bool,
}

impl Signals {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let take = |kind: SignalKind, name: &'static str| signal(kind).context(name);
        let hangup = (!hangups_are_ignored()).then(|| take(SignalKind::hangup(), "SIGHUP"));
        Ok(Self {
            terminate: take(SignalKind::terminate(), "SIGTERM")?,
            interrupt: take(SignalKind::interrupt(), "SIGINT")?,
            quit: take(SignalKind::quit(), "SIGQUIT")?,
            hangup: hangup.transpose()?,
            first: take(SignalKind::user_defined1(), "SIGUSR1")?,
            second: take(SignalKind::user_defined2(), "SIGUSR2")?,
            alarm: take(SignalKind::alarm(), "SIGALRM")?,
            // A limit on files' sizes then fails the write, as a full disk does.
            file_size: take(
                SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()),
                "SIGXFSZ",
            )?,
            at_terminal: has_terminal(),
        })
    }

    /// Waits until the program is to stop: SIGTERM, Ctrl-C, SIGQUIT, or the terminal at which it
    /// was started is gone.
    ///
    /// Any other SIGHUP, such as logrotate sends, and signals that mean nothing here but would end
    /// the program are told in the log.
    pub(crate) async fn next(&mut self) {
        loop {
            let name = tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.quit.recv() => return,
                () = hung_up(&mut self.hangup) => {
                    // The shell passes the kernel's on, so there may be several.
                    if self.at_terminal && !has_terminal() {
                        self.at_terminal = false;
                        info!("the terminal is gone");
                        return;
                    }
                    "SIGHUP"
                }
                _ = self.first.recv() => "SIGUSR1",
                _ = self.second.recv() => "SIGUSR2",
                _ = self.alarm.recv() => "SIGALRM",
                _ = self.file_size.recv() => {
                    warn!("a file may not grow any more: raise `ulimit -f` (LimitFSIZE of a systemd unit)");
                    continue;
                }
            };
            info!("{name} is ignored: there is nothing to reload or reopen; SIGTERM stops");
        }
    }
}

async fn hung_up(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Whether this process has a terminal; it loses it when that is closed.
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

/// Linux tells so; elsewhere they count as not ignored.
fn hangups_are_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // A mask's lowest bit is signal 1, which SIGHUP is.
    ignored.is_some_and(|mask| mask & 1 != 0)
}
