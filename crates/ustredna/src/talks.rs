//! The talks under way, and whether their recordings grow.
//!
//! FreeSWITCH says nothing when the disk is full, the folder unmounted or a file deleted: the talk
//! goes on and is lost. So one worker looks at the sizes of all of them.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use exchange::{
    model::{CallId, LegId},
    recording::RecordingPath,
};
use jiff::{Timestamp, tz::TimeZone};
use tokio::time::{MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::{
    alarm::Alarm,
    app::App,
    clock::{self, Clock},
    health::Worker,
};

const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A recording that has not grown for so long is broken: FreeSWITCH writes every 20 ms.
const QUIET: Duration = Duration::from_secs(10);

/// Where the driver puts its talk while two can hear each other.
#[derive(Clone, Default)]
pub(crate) struct Talks(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    under_way: HashMap<LegId, Talk>,
    /// What is known of those that broke, until their proof.
    broken: HashMap<LegId, String>,
}

struct Talk {
    call: CallId,
    path: RecordingPath,
    began: Instant,
    /// At the last look; `None`: it has not been there yet.
    size: Option<u64>,
    grew: Instant,
    broken: CancellationToken,
}

/// A talk under way, for as long as this is not dropped.
pub(crate) struct Watched {
    talks: Talks,
    leg: LegId,
    broken: Option<CancellationToken>,
}

impl Watched {
    /// Cancelled when the recording breaks, until that is dealt with.
    pub(crate) fn broken(&self) -> CancellationToken {
        self.broken.clone().unwrap_or_default()
    }

    /// That the recording broke is dealt with; the talk goes on.
    pub(crate) fn deal_with_it(&mut self) {
        self.broken = None;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.talks.inner().under_way.remove(&self.leg);
    }
}

/// A recording that has just broken.
struct Break {
    leg: LegId,
    call: CallId,
    path: RecordingPath,
    problem: String,
    talk_seconds: f64,
}

impl Talks {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Two have begun to talk; the recording is at `path` below the recordings folder.
    pub(crate) fn watch(&self, call: CallId, leg: LegId, path: RecordingPath) -> Watched {
        let (now, broken) = (clock::instant(), CancellationToken::new());
        let talk = Talk { call, path, began: now, size: None, grew: now, broken: broken.clone() };
        self.inner().under_way.insert(leg, talk);
        Watched { talks: self.clone(), leg, broken: Some(broken) }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.inner().under_way.len()
    }

    /// What went wrong with a recording while the talk went on; forgotten by this.
    pub(crate) fn take_problem(&self, leg: LegId) -> Option<String> {
        self.inner().broken.remove(&leg)
    }

    #[cfg(test)]
    pub(crate) fn note(&self, leg: LegId, problem: &str) {
        self.inner().broken.insert(leg, problem.to_owned());
    }

    /// Those that are still to be looked at.
    fn files(&self) -> Vec<(LegId, RecordingPath)> {
        let inner = self.inner();
        let whole = inner.under_way.iter().filter(|(_, talk)| !talk.broken.is_cancelled());
        whole.map(|(leg, talk)| (*leg, talk.path.clone())).collect()
    }

    /// Compares what was found with the last look.
    fn judge(
        &self,
        found: Vec<(LegId, io::Result<u64>)>,
        now: Instant,
        local: impl Fn(Duration) -> String,
    ) -> Vec<Break> {
        let mut inner = self.inner();
        let mut breaks = Vec::new();
        for (leg, found) in found {
            // It ended meanwhile.
            let Some(talk) = inner.under_way.get_mut(&leg) else { continue };
            let Some(what) = talk.changed(found, now) else { continue };
            let since = now.saturating_duration_since(talk.grew);
            let talked = talk.grew.saturating_duration_since(talk.began).as_secs();
            let problem =
                format!("the recording {what} {}, {talked} s into the talk", local(since));
            talk.broken.cancel();
            breaks.push(Break {
                leg,
                call: talk.call,
                path: talk.path.clone(),
                problem: problem.clone(),
                talk_seconds: now.saturating_duration_since(talk.began).as_secs_f64(),
            });
            inner.broken.insert(leg, problem);
        }
        breaks
    }
}

impl Talk {
    /// What has become of the recording, if it is broken.
    fn changed(&mut self, found: io::Result<u64>, now: Instant) -> Option<String> {
        let quiet = now.saturating_duration_since(self.grew) >= QUIET;
        match (found, self.size) {
            (Ok(size), None) => {
                (self.size, self.grew) = (Some(size), now);
                None
            }
            (Ok(size), Some(before)) if size > before => {
                (self.size, self.grew) = (Some(size), now);
                None
            }
            (Ok(size), Some(before)) if size < before => Some("was cut after".to_owned()),
            (Ok(_), Some(_)) => quiet.then(|| "has not grown since".to_owned()),
            (Err(error), Some(_)) if error.kind() == io::ErrorKind::NotFound => {
                Some("vanished after".to_owned())
            }
            (Err(error), _) => quiet.then(|| format!("cannot be seen ({error}) since")),
        }
    }
}

/// Looks at all recordings under way until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let looking = async {
        loop {
            look.tick().await;
            look_once(&app).await;
            app.health.well(Worker::Talks);
        }
    };
    tokio::select! {
        () = looking => {}
        () = stop.cancelled() => {}
    }
}

async fn look_once(app: &App) {
    let files = app.talks.files();
    if files.is_empty() {
        return;
    }
    let legs: Vec<LegId> = files.iter().map(|(leg, _)| *leg).collect();
    let dir = app.recordings.clone();
    let mut looking = tokio::task::spawn_blocking(move || {
        let size = |path: RecordingPath| path.in_dir(&dir).metadata().map(|found| found.len());
        files.into_iter().map(|(leg, path)| (leg, size(path))).collect::<Vec<_>>()
    });
    match timeout(QUIET, &mut looking).await {
        Ok(Ok(found)) => judge(app, found),
        Ok(Err(error)) => error!(%error, "recordings under way cannot be looked at"),
        // A server that is gone lets everybody wait who asks.
        Err(_) => {
            let silent = |leg| (leg, Err(io::ErrorKind::TimedOut.into()));
            judge(app, legs.into_iter().map(silent).collect());
            // One thread waits for it, not one more every few seconds.
            let _answer = looking.await;
        }
    }
}

fn judge(app: &App, found: Vec<(LegId, io::Result<u64>)>) {
    let zone = &app.settings.exchange.timezone.0;
    let local = |since: Duration| local(&app.clock, zone, since);
    for broken in app.talks.judge(found, clock::instant(), local) {
        let Break { leg, call, path, problem, talk_seconds } = broken;
        warn!(call.id = %call, leg.id = %leg, problem, "a recording broke while the talk goes on");
        app.metrics.recording_broke();
        app.alarm.raise(Alarm::Recording {
            call: call.to_string(),
            path: path.to_string(),
            verdict: recordings::Verdict::Pending.as_str(),
            seconds: None,
            talk_seconds: Some(talk_seconds),
            problem: Some(problem),
        });
    }
}

/// So long ago by the exchange's clock, to the second.
fn local(clock: &Clock, zone: &TimeZone, since: Duration) -> String {
    let at = clock.now().saturating_sub(since).unwrap_or(Timestamp::MIN);
    at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

#[cfg(test)]
mod tests;
