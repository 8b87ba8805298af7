//! What every call and worker shares.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context as _;
use exchange::{facts::Rules, model::CallId, number::PhoneNumber};
use store::Store;
use tokio_util::task::TaskTracker;

use crate::{clock::Clock, settings::Settings, texts::Texts};

/// The running exchange's settings and state.
pub(crate) struct App {
    pub(crate) settings: Settings,
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
    /// Held while call detail records are taken in.
    pub(crate) intake: tokio::sync::Mutex<()>,
    /// Work that outlives its call: settling, and looking at recordings.
    pub(crate) afterwork: TaskTracker,
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
        Ok(Arc::new(Self {
            rules,
            texts: Texts::new(&settings).context("the SMS texts in the settings")?,
            switch_recordings: settings.switch_recordings()?,
            switch_prompts: settings.switch_prompts()?,
            recordings,
            settings,
            clock,
            store,
            live: Live::default(),
            intake: tokio::sync::Mutex::new(()),
            afterwork: TaskTracker::new(),
        }))
    }
}

/// The calls that this process looks after at the moment.
#[derive(Debug, Default)]
pub(crate) struct Live(Mutex<HashSet<CallId>>);

impl Live {
    pub(crate) fn enter(&self, call: CallId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(call);
    }

    pub(crate) fn leave(&self, call: CallId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&call);
    }

    pub(crate) fn all(&self) -> HashSet<CallId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
