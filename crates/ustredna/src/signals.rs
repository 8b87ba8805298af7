//! The signals that tell a program to stop, and those that must not.

use std::{
    fs::{self, File},
    future::poll_fn,
    task::Poll,
};

use anyhow::Context as _;
use rustix::process::Signal as Sig;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

/// Those that mean nothing here and would end the program: timers, terminals and descriptors that are
/// not ours, and numbers that everybody may use as they like.
const MEANINGLESS: [(i32, &str); 9] = [
    (Sig::USR1.as_raw(), "SIGUSR1"),
    (Sig::USR2.as_raw(), "SIGUSR2"),
    (Sig::ALARM.as_raw(), "SIGALRM"),
    (Sig::VTALARM.as_raw(), "SIGVTALRM"),
    (Sig::PROF.as_raw(), "SIGPROF"),
    (Sig::IO.as_raw(), "SIGIO"),
    (Sig::XFSZ.as_raw(), "SIGXFSZ"),
    (Sig::XCPU.as_raw(), "SIGXCPU"),
    // x86 and ARM have it, and nobody sends it.
    (16, "SIGSTKFLT"),
];
/// The first and the last real-time signal; the C library keeps the two before for itself.
const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;

/// See [`next`](Signals::next).
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    /// The power fails.
    power: Signal,
    /// `None` under `nohup`, which has the signal ignored.
    hangup: Option<Signal>,
    meaningless: Vec<(Signal, String)>,
    at_terminal: bool,
}

impl Signals {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let take = |kind: SignalKind, name: &'static str| signal(kind).context(name);
        let hangup = (!hangups_are_ignored()).then(|| take(SignalKind::hangup(), "SIGHUP"));
        let named = MEANINGLESS.map(|(number, name)| (number, name.to_owned()));
        let real_time = REAL_TIME.map(|number| (number, format!("signal {number}")));
        let meaningless = named.into_iter().chain(real_time).filter_map(|(number, name)| {
            // Some systems have fewer.
            Some((signal(SignalKind::from_raw(number)).ok()?, name))
        });
        Ok(Self {
            terminate: take(SignalKind::terminate(), "SIGTERM")?,
            interrupt: take(SignalKind::interrupt(), "SIGINT")?,
            quit: take(SignalKind::quit(), "SIGQUIT")?,
            power: take(SignalKind::from_raw(Sig::POWER.as_raw()), "SIGPWR")?,
            hangup: hangup.transpose()?,
            meaningless: meaningless.collect(),
            at_terminal: has_terminal(),
        })
    }

    /// Waits until the program is to stop: SIGTERM, Ctrl-C, SIGQUIT, the power fails, or the terminal
    /// at which it was started is gone.
    ///
    /// Any other SIGHUP, such as logrotate sends, and signals that mean nothing here but would end
    /// the program are told in the log.
    pub(crate) async fn next(&mut self) {
        loop {
            let name = tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.quit.recv() => return,
                _ = self.power.recv() => return info!("the power fails (SIGPWR)"),
                () = hung_up(&mut self.hangup) => {
                    // The shell passes the kernel's on, so there may be several.
                    if self.at_terminal && !has_terminal() {
                        self.at_terminal = false;
                        info!("the terminal is gone");
                        return;
                    }
                    "SIGHUP"
                }
                name = meaningless(&mut self.meaningless) => name,
            };
            match name {
                // The write then fails as on a full disk.
                "SIGXFSZ" => warn!(
                    "a file may not grow any more: raise `ulimit -f` (LimitFSIZE of a systemd unit)"
                ),
                "SIGXCPU" => warn!(
                    "the limit of processor time is reached, and the system will end this program: \
                     raise `ulimit -t` (LimitCPU of a systemd unit)"
                ),
                name => {
                    info!("{name} is ignored: there is nothing to reload or reopen; SIGTERM stops");
                }
            }
        }
    }
}

/// The next of them.
async fn meaningless(signals: &mut [(Signal, String)]) -> &str {
    let came = poll_fn(|context| {
        let came = signals.iter_mut().position(|(signal, _)| signal.poll_recv(context).is_ready());
        came.map_or(Poll::Pending, Poll::Ready)
    })
    .await;
    signals.get(came).map_or("a signal", |(_, name)| name)
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
