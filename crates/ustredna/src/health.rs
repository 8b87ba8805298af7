//! How the exchange is: what each worker came to at its last turn, and what FreeSWITCH's own watch
//! found. `/readyz` and `/metrics` tell it, alarms tell what changes for good.

mod database;
mod sparse;
mod watch;

use std::{
    collections::BTreeMap,
    fmt::Display,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{
    alarm::{Alarm, State},
    app::App,
    clock,
    persist::Kept,
};

pub(crate) use self::{
    database::{Probe, watch},
    sparse::Sparse,
    watch::{overdue, run},
};

/// A worker that has failed for longer is told of: a database that is locked is free again sooner.
const FAILING: Duration = Duration::from_secs(15);
/// One whose turns come every few seconds hangs after so long without one.
const SILENT: Duration = Duration::from_mins(3);
/// What has failed once and had nothing to do since is old news after this.
const FADES: Duration = Duration::from_mins(10);
/// The same of a call that could not be stored, where the next one may come hours later.
const FADES_SOON: Duration = Duration::from_mins(1);
/// A failure that lasts is told so often in the log.
const TELL_EVERY: Duration = Duration::from_mins(1);
/// Before a worker that broke off is started again; twice as long each time, up to a minute.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_AT_MOST: Duration = Duration::from_mins(1);

macro_rules! workers {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $silent:expr;)*) => {
        /// What works beside the calls.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Worker {
            $($(#[$doc])* $name,)*
        }

        impl Worker {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in metrics, alarms and `/readyz`.
            pub(crate) fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// After so long without a turn it hangs; `None`: a turn may take as long as it will.
            fn silent(self) -> Option<Duration> {
                match self {
                    $(Self::$name => $silent,)*
                }
            }
        }
    };
}

workers! {
    /// Rehearses whether a call could be stored.
    Database = "database", Some(SILENT);
    /// Stores what became of calls.
    Calls = "calls", None;
    /// Hands SMS to the gateway.
    Outbox = "outbox", Some(SILENT);
    /// Closes tickets whose time is over.
    Tickets = "tickets", Some(SILENT);
    /// Takes delivery reports in.
    Reports = "sms_reports", None;
    /// Takes call detail records in.
    Intake = "cdr_intake", Some(SILENT);
    /// Closes calls that left no record.
    Reconciliation = "reconciliation", Some(SILENT);
    /// Looks at recordings after their call.
    Proof = "proof", None;
    /// Looks at recordings under way.
    Talks = "talks", Some(SILENT);
    /// Looks at the recordings folder.
    Folder = "recordings_folder", Some(SILENT);
    /// Makes room on the disk.
    Disk = "disk", None;
    /// Tells alarms.
    Alarms = "alarms", None;
    /// Asks FreeSWITCH how it is.
    Switch = "switch_watch", Some(SILENT);
}

/// What is known of one worker.
#[derive(Debug, Clone)]
struct Turns {
    /// The last one, or the start.
    last: Instant,
    succeeded: Option<Instant>,
    failing: Option<Failing>,
}

/// That it fails.
#[derive(Debug, Clone)]
struct Failing {
    since: Instant,
    problem: String,
    /// When the log told it last.
    told: Instant,
}

/// What all workers came to.
#[derive(Debug, Default)]
pub(crate) struct Health {
    workers: Mutex<BTreeMap<Worker, Turns>>,
    /// What the database has not taken.
    pub(crate) kept: Kept,
}

impl Health {
    fn workers(&self) -> MutexGuard<'_, BTreeMap<Worker, Turns>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on turns of this worker are expected.
    fn begins(&self, worker: Worker) {
        let turns = Turns { last: clock::instant(), succeeded: None, failing: None };
        self.workers().entry(worker).or_insert(turns);
    }

    /// It is at work, and what comes of it is not known yet.
    pub(crate) fn works(&self, worker: Worker) {
        if let Some(turns) = self.workers().get_mut(&worker) {
            turns.last = clock::instant();
        }
    }

    /// What a turn came to. The log tells that it fails, once a minute while it does, and when that is
    /// over.
    pub(crate) fn note<E: Display>(&self, worker: Worker, turn: Result<(), E>) {
        let now = clock::instant();
        let mut workers = self.workers();
        let turns =
            workers.entry(worker).or_insert(Turns { last: now, succeeded: None, failing: None });
        turns.last = now;
        match turn {
            Ok(()) => {
                turns.succeeded = Some(now);
                if let Some(failed) = turns.failing.take() {
                    let failed_s = now.saturating_duration_since(failed.since).as_secs();
                    info!(worker = worker.as_str(), failed_s, "a worker works again");
                }
            }
            Err(problem) => {
                let problem = problem.to_string();
                let before = turns.failing.take();
                let since = before.as_ref().map_or(now, |failing| failing.since);
                let told = before.map(|failing| failing.told);
                let told = told.filter(|told| now.saturating_duration_since(*told) < TELL_EVERY);
                if told.is_none() {
                    error!(worker = worker.as_str(), problem, "a worker fails");
                }
                turns.failing = Some(Failing { since, problem, told: told.unwrap_or(now) });
            }
        }
    }

    /// A turn went well.
    pub(crate) fn well(&self, worker: Worker) {
        self.note(worker, Ok::<(), &str>(()));
    }

    /// The workers that have failed or hung for too long, and how.
    pub(crate) fn faults(&self) -> BTreeMap<Worker, String> {
        let now = clock::instant();
        let fault = |worker: Worker, turns: &Turns| {
            let since = |at: Instant| now.saturating_duration_since(at);
            let quiet = since(turns.last);
            let fades = if worker == Worker::Calls { FADES_SOON } else { FADES };
            if let Some(Failing { since: failing, problem, .. }) = &turns.failing
                && since(*failing) >= FAILING
                && (worker.silent().is_some() || worker == Worker::Disk || quiet < fades)
            {
                return Some(format!("has failed for {} s: {problem}", since(*failing).as_secs()));
            }
            let hangs = worker.silent().is_some_and(|silent| quiet >= silent);
            hangs.then(|| format!("has done nothing for {} s", quiet.as_secs()))
        };
        let workers = self.workers();
        let faults = workers.iter().filter_map(|(worker, turns)| {
            let problem = fault(*worker, turns)?;
            Some((*worker, problem))
        });
        let mut faults: BTreeMap<_, _> = faults.collect();
        if let Some(problem) = self.kept.problem(FAILING) {
            faults.insert(Worker::Calls, problem);
        }
        faults
    }

    /// Whether its last turn failed.
    #[cfg(test)]
    pub(crate) fn is_failing(&self, worker: Worker) -> bool {
        self.workers().get(&worker).is_some_and(|turns| turns.failing.is_some())
    }

    /// How long ago each worker succeeded last, if it ever did.
    pub(crate) fn successes(&self) -> Vec<(&'static str, Duration)> {
        let now = clock::instant();
        let workers = self.workers();
        let successes = workers.iter().filter_map(|(worker, turns)| {
            Some((worker.as_str(), now.saturating_duration_since(turns.succeeded?)))
        });
        successes.collect()
    }
}

/// Runs a worker until it ends by itself, which it does after `stop`; one that breaks off (a panic)
/// is noticed, counted and started again.
pub(crate) async fn tend<W>(
    app: Arc<App>,
    worker: Worker,
    stop: CancellationToken,
    run: impl Fn() -> W + Send,
) where
    W: Future<Output = ()> + Send + 'static,
{
    app.health.begins(worker);
    let mut pause = PAUSE;
    loop {
        // Dropped with this one, it ends.
        let mut task = JoinSet::new();
        task.spawn(run());
        let problem = match task.join_next().await {
            Some(Err(error)) if error.is_panic() => "it broke off and is started again",
            _ if stop.is_cancelled() => return,
            _ => "it has ended and is started again",
        };
        error!(worker = worker.as_str(), problem, "a worker failed");
        app.health.note(worker, Err(problem));
        app.metrics.worker_restarted(worker.as_str());
        app.alarm.raise(Alarm::Worker {
            worker: worker.as_str(),
            state: State::Failing,
            problem: Some(problem.to_owned()),
        });
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
        pause = (pause * 2).min(PAUSE_AT_MOST);
    }
}

#[cfg(test)]
mod tests;
