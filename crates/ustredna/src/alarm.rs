//! Alarms: what an operator wants to be told at once, by a command or a webhook of their choice.
//!
//! Whoever raises one goes on at once. Each way tells those of one subject one after the other, and
//! those of several at once, so that what does not work holds up nothing else; what cannot be told is tried again a few times, and then counted and
//! logged.

mod ways;

use std::{
    collections::{BTreeMap, HashMap, VecDeque, hash_map::Entry},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{FutureExt as _, StreamExt as _, future::join_all, stream::FuturesUnordered};
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use self::ways::Way;
use crate::{app::App, clock::Clock, health::Worker, metrics::Metrics, settings};

pub(crate) use ways::check;

/// So many wait at most: an operator with more than that has read the first ones.
const WAITING: usize = 256;
/// Between tries to tell one.
const PAUSES: [Duration; 3] =
    [Duration::from_secs(5), Duration::from_secs(30), Duration::from_mins(2)];

/// What is wrong.
#[derive(Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Alarm {
    /// A recording is missing, short, silent or one-sided, or broke while the talk went on (then
    /// its verdict is `pending`).
    Recording {
        call: String,
        /// Below the recordings folder, without the numbers in its name: whoever pages an operator
        /// need not know them.
        path: String,
        verdict: &'static str,
        /// How long the recording is.
        seconds: Option<f64>,
        talk_seconds: Option<f64>,
        problem: Option<String>,
    },
    /// The disk is filling up.
    Disk { free_bytes: u64, days_left: Option<u64> },
    /// A call ended without a record: FreeSWITCH was killed, or wrote its records elsewhere.
    LostCall { call: String, outcome: String },
    /// A folder that is shared with FreeSWITCH is not as it must be: another one, not mounted, not
    /// readable. Recordings cannot be proven, or calls not completed.
    Folder { problem: String },
    /// Somebody else got hold of a call in FreeSWITCH, and it was ended.
    TakenOver { call: String },
    /// The sound of a call does not come or go as it was agreed with the carrier.
    Media { call: String, problem: String },
    /// Many callers whom a shopper's fictitious numbers have never called were missed within an
    /// hour: robo-calls perhaps.
    Strangers {
        /// The shopper's id.
        shopper: String,
        calls: u32,
    },
    /// FreeSWITCH is gone or not ready, or there again.
    Switch { state: State, problem: Option<String> },
    /// The carrier does not answer, so nobody can be rung; or it does again.
    Gateway { state: State, problem: Option<String> },
    /// A worker of the exchange fails, hangs or broke off, or works again.
    Worker { worker: &'static str, state: State, problem: Option<String> },
    /// SMS are tried in vain for minutes, or go out again.
    Sms { state: State, problem: Option<String> },
}

/// Whom or what an alarm is of: its kind, and the worker if it is of one.
type Subject = (&'static str, &'static str);

/// Whether something has begun to fail, or is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Failing,
    Recovered,
}

impl Alarm {
    /// Every `kind`.
    pub(crate) const KINDS: [&'static str; 11] = [
        "recording",
        "disk",
        "lost_call",
        "folder",
        "strangers",
        "switch",
        "gateway",
        "worker",
        "sms",
        "taken_over",
        "media",
    ];

    fn subject(&self) -> Subject {
        let worker = if let Self::Worker { worker, .. } = self { worker } else { "" };
        (self.kind(), worker)
    }

    fn kind(&self) -> &'static str {
        let [
            recording,
            disk,
            lost_call,
            folder,
            strangers,
            switch,
            gateway,
            worker,
            sms,
            taken_over,
            media,
        ] = Self::KINDS;
        match self {
            Self::Recording { .. } => recording,
            Self::Disk { .. } => disk,
            Self::LostCall { .. } => lost_call,
            Self::Folder { .. } => folder,
            Self::Strangers { .. } => strangers,
            Self::Switch { .. } => switch,
            Self::Gateway { .. } => gateway,
            Self::Worker { .. } => worker,
            Self::Sms { .. } => sms,
            Self::TakenOver { .. } => taken_over,
            Self::Media { .. } => media,
        }
    }
}

/// An alarm as it is told.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    alarm: Alarm,
    at: Timestamp,
    /// The exchange's name.
    exchange: String,
}

/// Takes alarms from everywhere.
pub(crate) struct Alarms {
    lines: Vec<Line>,
    clock: Clock,
    exchange: String,
    metrics: Metrics,
    /// By which way which subject could not be told the last time, and why.
    failing: Mutex<BTreeMap<(&'static str, Subject), String>>,
}

/// A way, and what waits to be told by it.
struct Line {
    way: Way,
    queue: mpsc::Sender<Arc<Told>>,
    /// Until the worker takes it.
    waiting: Mutex<Option<mpsc::Receiver<Arc<Told>>>>,
    metrics: Metrics,
}

impl Alarms {
    pub(crate) fn new(
        settings: &settings::Alarm,
        exchange: String,
        clock: Clock,
        metrics: Metrics,
    ) -> anyhow::Result<Self> {
        let line = |way| {
            let (queue, waiting) = mpsc::channel(WAITING);
            Line { way, queue, waiting: Mutex::new(Some(waiting)), metrics: metrics.clone() }
        };
        let lines = ways::open(settings)?.into_iter().map(line).collect();
        Ok(Self { lines, clock, exchange, metrics, failing: Mutex::default() })
    }

    /// What waits to be told by the first way.
    #[cfg(test)]
    pub(crate) fn raised(&self) -> Vec<serde_json::Value> {
        let mut waiting = self.lines[0].waiting.lock().unwrap();
        let waiting = waiting.as_mut().unwrap();
        let told = std::iter::from_fn(|| waiting.try_recv().ok());
        told.map(|told| serde_json::to_value(&*told).unwrap()).collect()
    }

    fn failing(&self) -> MutexGuard<'_, BTreeMap<(&'static str, Subject), String>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the operator, soon; nobody waits for it. Without a command or a webhook it is only
    /// counted.
    pub(crate) fn raise(&self, alarm: Alarm) {
        let kind = alarm.kind();
        self.metrics.alarm_raised(kind);
        let told = Told { alarm, at: self.clock.now(), exchange: self.exchange.clone() };
        let told = Arc::new(told);
        for line in &self.lines {
            if line.queue.try_send(Arc::clone(&told)).is_err() {
                self.metrics.alarm_failed(kind);
                let way = line.way.setting();
                error!(
                    kind,
                    way, "alarms are raised faster than they can be told; one is only logged"
                );
            }
        }
    }
}

impl Line {
    /// Tells alarms until `stop`, and then those that the last calls raise. Alarms of one subject
    /// come one after the other; one that cannot be told holds up no other subject's.
    async fn serve(&self, app: &App, stop: &CancellationToken) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut waiting) = waiting else { return };
        // Of each subject that is being told, those that come after.
        let mut behind: HashMap<Subject, VecDeque<Arc<Told>>> = HashMap::new();
        let mut telling = FuturesUnordered::new();
        let begin = |told: Arc<Told>| async move {
            let subject = told.alarm.subject();
            let note = |tried: Result<(), &str>| self.note(app, subject, tried);
            // Whatever one alarm does to its way, the others are told.
            let done = AssertUnwindSafe(self.tell(&told, stop, &note)).catch_unwind().await;
            if done.is_err() {
                note(Err("telling it broke off"));
            }
            subject
        };
        loop {
            let is_full =
                telling.len() + behind.values().map(VecDeque::len).sum::<usize>() >= WAITING;
            tokio::select! {
                Some(told) = waiting.recv(), if !is_full => {
                    match behind.entry(told.alarm.subject()) {
                        Entry::Occupied(mut others) => others.get_mut().push_back(told),
                        Entry::Vacant(first) => {
                            first.insert(VecDeque::new());
                            telling.push(begin(told));
                        }
                    }
                }
                Some(subject) = telling.next() => {
                    match behind.get_mut(&subject).and_then(VecDeque::pop_front) {
                        Some(next) => telling.push(begin(next)),
                        None => drop(behind.remove(&subject)),
                    }
                }
                () = stop.cancelled() => break,
            }
        }
        app.afterwork.wait().await;
        while let Ok(told) = waiting.try_recv() {
            behind.entry(told.alarm.subject()).or_default().push_back(told);
        }
        let rest = async |others: VecDeque<Arc<Told>>| {
            for told in others {
                // Told in the log.
                let _failed = self.tell(&told, stop, &|_| ()).await;
            }
        };
        let under_way = async { while telling.next().await.is_some() {} };
        tokio::join!(under_way, join_all(behind.into_values().map(rest)));
    }

    /// Notes what a try came to. The way fails as long as any subject's last try did.
    fn note(&self, app: &App, subject: Subject, tried: Result<(), &str>) {
        let mut failing = app.alarm.failing();
        match tried {
            Ok(()) => failing.remove(&(self.way.setting(), subject)),
            Err(problem) => failing.insert((self.way.setting(), subject), problem.to_owned()),
        };
        let problem = failing.values().next().cloned();
        drop(failing);
        app.health.note(Worker::Alarms, problem.map_or(Ok(()), Err));
    }

    async fn tell(
        &self,
        told: &Told,
        stop: &CancellationToken,
        note: &(dyn Fn(Result<(), &str>) + Sync),
    ) -> Result<(), &'static str> {
        let kind = told.alarm.kind();
        let json = match serde_json::to_string(told) {
            Ok(json) => json + "\n",
            Err(error) => {
                error!(kind, %error, "an alarm cannot be put into words");
                return Err("an alarm cannot be put into words");
            }
        };
        if let Err(problem) = insist(&self.way, &json, stop, note).await {
            self.metrics.alarm_failed(kind);
            error!(kind, problem, "an alarm could not be told");
            return Err("an alarm could not be told");
        }
        debug!(kind, way = self.way.setting(), "alarm told");
        Ok(())
    }
}

/// Tries it again and again; when the exchange stops there are no pauses any more.
async fn insist(
    way: &Way,
    json: &str,
    stop: &CancellationToken,
    note: &(dyn Fn(Result<(), &str>) + Sync),
) -> Result<(), String> {
    let mut pauses = PAUSES.iter();
    loop {
        let tried = way.tell(json).await;
        let tried = tried.map_err(|problem| format!("{}: {problem}", way.setting()));
        note(match &tried {
            Ok(()) => Ok(()),
            Err(problem) => Err(problem.as_str()),
        });
        let Err(problem) = tried else { return Ok(()) };
        let Some(pause) = pauses.next().filter(|_| !stop.is_cancelled()) else {
            return Err(problem);
        };
        debug!(problem, "an alarm could not be told; trying again");
        tokio::select! {
            () = tokio::time::sleep(*pause) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Tells alarms, each way by itself, until `stop` and the last calls are over.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    join_all(app.alarm.lines.iter().map(|line| line.serve(&app, &stop))).await;
}

#[cfg(test)]
mod tests;
