//! Whether a call could be stored now. All that one writes is rehearsed every few seconds, and when
//! somebody asks: what keeps a call out may be a lock on one table, or a trigger.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use store::StoreError;
use tokio::{
    sync::watch::{self, Receiver},
    time::{MissedTickBehavior, timeout},
};
use tokio_util::sync::CancellationToken;

use super::Worker;
use crate::{app::App, clock};

const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long who asks waits for an answer.
const SOON: Duration = Duration::from_millis(700);
/// A rehearsal that takes longer has failed, whatever comes of it.
const LATE: Duration = Duration::from_secs(2);

type Answer = Option<Result<(), StoreError>>;

/// The rehearsals: one at a time, however many ask.
#[derive(Debug, Default)]
pub(crate) struct Probe(Mutex<Looks>);

#[derive(Debug, Default)]
struct Looks {
    /// When it began, and what will come of it.
    under_way: Option<(Instant, Receiver<Answer>)>,
    last: Option<StoreError>,
    /// What the latest one that went well was written down as.
    at: Option<Timestamp>,
}

impl Probe {
    /// What the last one came to, or that the one under way takes too long.
    fn problem(&self) -> Option<String> {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = looks
            .under_way
            .as_ref()
            .map(|(began, _)| clock::instant().saturating_duration_since(*began));
        match (&looks.last, waits) {
            (Some(error), _) => Some(error.to_string()),
            (None, Some(waits)) if waits >= LATE => Some(StoreError::NoAnswer.to_string()),
            (None, _) => None,
        }
    }

    /// When it was last found that a call could be stored; the database holds the same time.
    pub(crate) fn at(&self) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).at
    }

    /// Whether nothing can be stored, as far as is known.
    pub(crate) fn fails(&self) -> bool {
        self.problem().is_some()
    }

    /// The rehearsal that is under way, or a new one.
    fn rehearsal(app: &Arc<App>) -> Receiver<Answer> {
        let mut looks = app.probe.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, under_way)) = &looks.under_way
            // Should it have broken off, nobody would ever answer.
            && under_way.has_changed().is_ok()
        {
            return under_way.clone();
        }
        let (tell, told) = watch::channel(None);
        looks.under_way = Some((clock::instant(), told.clone()));
        let shared = Arc::clone(app);
        tokio::spawn(async move {
            let at = shared.clock.now();
            let done = shared.store.rehearse(at).await;
            shared.health.note(Worker::Database, done.as_ref().map(drop));
            {
                let mut looks = shared.probe.0.lock().unwrap_or_else(PoisonError::into_inner);
                looks.under_way = None;
                looks.last = done.as_ref().err().cloned();
                if done.is_ok() {
                    looks.at = Some(at);
                }
            }
            // Nobody may be waiting.
            drop(tell.send(Some(done)));
        });
        told
    }

    /// Why no call can be stored at this moment; the answer comes within a second.
    pub(crate) async fn ask(app: &Arc<App>) -> Option<String> {
        let mut told = Self::rehearsal(app);
        match timeout(SOON, told.wait_for(Option::is_some)).await {
            Ok(Ok(answer)) => {
                answer.as_ref().and_then(|done| Some(done.as_ref().err()?.to_string()))
            }
            Ok(Err(_)) | Err(_) => app.probe.problem(),
        }
    }
}

/// Rehearses again and again until `stop`.
pub(crate) async fn watch(app: Arc<App>, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => {}
            () = stop.cancelled() => return,
        }
        let mut told = Probe::rehearsal(&app);
        if timeout(LOOK_EVERY, told.wait_for(Option::is_some)).await.is_err() {
            app.health.note(Worker::Database, Err(StoreError::NoAnswer));
        }
    }
}
