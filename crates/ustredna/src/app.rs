//! What every call and worker shares.

use std::{
    collections::{HashMap, HashSet},
    num::NonZero,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context as _;
use exchange::{facts::Rules, model::CallId, number::PhoneNumber};
use recordings::DiskUse;
use store::{Figures, Store};
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::{
    alarm::Alarms,
    cdr_intake::Waiting,
    clock::Clock,
    health::{Health, Probe},
    metrics::Metrics,
    place::Place,
    ringing::Ringing,
    settings::Settings,
    switch,
    talks::Talks,
    test_call::Tests,
    texts::Texts,
};

/// The running exchange's settings and state.
pub(crate) struct App {
    pub(crate) settings: Settings,
    /// The same for whoever asks what it was started with: see [`Settings::effective`].
    pub(crate) effective: Vec<(String, String)>,
    pub(crate) clock: Clock,
    pub(crate) rules: Rules,
    pub(crate) texts: Texts,
    pub(crate) store: Store,
    /// The recordings folder as FreeSWITCH sees it.
    pub(crate) switch_recordings: String,
    /// The recordings folder as this program sees it.
    pub(crate) recordings: PathBuf,
    /// The prompts folder as FreeSWITCH sees it.
    pub(crate) switch_prompts: String,
    /// The calls that a task looks after; the others with an open row were left to their CDR file.
    pub(crate) live: Live,
    /// The call detail records that wait; held while some are taken in.
    pub(crate) intake: tokio::sync::Mutex<Waiting>,
    /// How full the disk of the recordings is, once somebody has looked.
    pub(crate) disk: watch::Sender<Option<DiskUse>>,
    /// Work that outlives its call: settling, and looking at recordings.
    pub(crate) afterwork: TaskTracker,
    /// The shoppers whose phones ring for dealers.
    pub(crate) ringing: Ringing,
    /// Two who hear each other, and their recording.
    pub(crate) talks: Talks,
    /// What was found out about the recordings folder.
    pub(crate) place: Place,
    /// As many recordings are looked at at once as there are processors.
    pub(crate) looks: Semaphore,
    pub(crate) processors: usize,
    pub(crate) metrics: Metrics,
    pub(crate) alarm: Alarms,
    /// What the workers came to.
    pub(crate) health: Health,
    /// Whether a call could be stored.
    pub(crate) probe: Probe,
    /// What FreeSWITCH was found to be at the last look.
    pub(crate) switch: switch::State,
    /// The test calls of the last minutes.
    pub(crate) tests: Tests,
    /// What waits in the store, once somebody has counted.
    pub(crate) figures: watch::Sender<Option<Figures>>,
    /// Whose number a hotline has, too, if somebody has it.
    pub(crate) hotlines: watch::Sender<Option<String>>,
}

impl App {
    /// Gathers what calls need; nothing is listened on yet.
    pub(crate) fn new(settings: Settings, store: Store, clock: Clock) -> anyhow::Result<Arc<Self>> {
        let recordings = std::path::absolute(&settings.recordings.dir)
            .context("recordings.dir: the current folder cannot be told")?;
        let rules = settings.rules();
        // The numbering plans are read at their first use, which takes a tenth of a second: not
        // the first caller's.
        drop(PhoneNumber::parse(rules.outbound_hotline.as_str(), rules.country));
        let metrics = Metrics::default();
        let name = settings.exchange_name();
        let alarm = Alarms::new(&settings.alarm, name, clock.clone(), metrics.clone())?;
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Ok(Arc::new(Self {
            rules,
            texts: Texts::new(&settings).context("the SMS texts in the settings")?,
            switch_recordings: settings.switch_recordings()?,
            switch_prompts: settings.switch_prompts()?,
            recordings,
            effective: settings.effective(),
            settings,
            clock,
            store,
            live: Live::default(),
            intake: tokio::sync::Mutex::default(),
            disk: watch::Sender::default(),
            afterwork: TaskTracker::new(),
            ringing: Ringing::default(),
            talks: Talks::default(),
            place: Place::default(),
            looks: Semaphore::new(processors),
            processors,
            metrics,
            alarm,
            health: Health::default(),
            probe: Probe::default(),
            switch: switch::State::default(),
            tests: Tests::default(),
            figures: watch::Sender::default(),
            hotlines: watch::Sender::default(),
        }))
    }
}

/// The calls that this process looks after at the moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live(Arc<Mutex<HashMap<CallId, Attention>>>);

/// Who looks after a call.
#[derive(Debug, Default)]
struct Attention {
    /// How many do.
    count: u32,
    /// One of them is the connection that the call is led by.
    is_held: bool,
}

/// Somebody looks after the call for as long as this is not dropped, be it by a panic.
#[derive(Debug)]
pub(crate) struct Attended {
    live: Live,
    call: CallId,
    holds: bool,
}

impl Attended {
    /// Makes this the connection that the call is led by. `false`: another one is. FreeSWITCH has
    /// one for each call, so what a second one tells of the call is not to be believed.
    pub(crate) fn hold(&mut self) -> bool {
        let mut calls = self.live.calls();
        let attention = calls.entry(self.call).or_default();
        if !attention.is_held {
            attention.is_held = true;
            self.holds = true;
        }
        self.holds
    }
}

impl Live {
    pub(crate) fn enter(&self, call: CallId) -> Attended {
        self.calls().entry(call).or_default().count += 1;
        Attended { live: self.clone(), call, holds: false }
    }

    pub(crate) fn all(&self) -> HashSet<CallId> {
        self.calls().keys().copied().collect()
    }

    /// Whether somebody looks after it.
    pub(crate) fn attends(&self, call: CallId) -> bool {
        self.calls().contains_key(&call)
    }

    pub(crate) fn count(&self) -> usize {
        self.calls().len()
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<CallId, Attention>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        // A strange peer may claim a call that another connection has.
        let mut calls = self.live.calls();
        if let Some(attention) = calls.get_mut(&self.call) {
            attention.is_held &= !self.holds;
            attention.count -= 1;
            if attention.count == 0 {
                calls.remove(&self.call);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_call_whose_task_panics_is_looked_after_no_more() {
        let live = Live::default();
        let (call, entered) = (CallId(Uuid::from_u128(1)), live.clone());
        let task = tokio::spawn(async move {
            let _attended = entered.enter(call);
            assert!(entered.all().is_empty(), "this panics");
        });
        assert!(task.await.unwrap_err().is_panic());
        assert!(live.all().is_empty(), "its record would wait for ever");
    }

    #[test]
    fn a_call_claimed_twice_stays_until_both_are_gone() {
        let live = Live::default();
        let call = CallId(Uuid::from_u128(1));
        let (first, second) = (live.enter(call), live.enter(call));
        drop(second);
        assert_eq!((live.count(), live.all().contains(&call)), (1, true));
        drop(first);
        assert_eq!(live.count(), 0);
    }
}
