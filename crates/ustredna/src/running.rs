//! An exchange in this process: started in order, and stopped in order.

use std::{
    future::Future,
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use sms::{Gateway, Receipt};
use store::{Store, StoreError};
use tokio::{
    sync::{mpsc, mpsc::UnboundedReceiver},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{error, warn};

use crate::{
    alarm,
    app::App,
    cdr_intake, cli,
    clock::{self, Clock},
    disk,
    files::Files,
    folders, health,
    health::{Sparse, Worker},
    listener::{Closing, Listener, Reserved},
    place, proof, reconcile, settings,
    settings::Settings,
    sms_gateway, sms_reports, sms_worker, switch, talks,
    texts::Texts,
    web,
};

/// How long the last rows, recordings and messages may take after the last call.
const AFTERWORK: Duration = Duration::from_secs(10);
/// The same while the database takes nothing.
const IN_VAIN: Duration = Duration::from_secs(2);
/// How often is looked which of them it is.
const LAST_LOOK: Duration = Duration::from_millis(100);
/// How long the last alarms may take, from the stop on and at least.
const LAST_ALARMS: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(1)];
const LAST_STATEMENTS: Duration = Duration::from_secs(1);
/// Before a database is tried again at the start.
const AGAIN: Duration = Duration::from_secs(1);

/// A running exchange. `serve` runs one until it is told to stop; the demo and the stories run one
/// beside a simulated switch.
pub struct Running {
    app: Arc<App>,
    address: SocketAddr,
    closing: Closing,
    doorman: Option<JoinHandle<()>>,
    calls: TaskTracker,
    workers: Vec<JoinHandle<()>>,
    alarms: JoinHandle<()>,
    health: JoinHandle<()>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Looks for rows that cannot be read, once: the log names them, a metric counts them. Nobody waits
/// for it.
async fn look_for_damage(app: Arc<App>, stop: CancellationToken) {
    let looked = async {
        if let Err(error) = app.store.damaged_rows().await {
            error!(%error, "the database cannot be looked through for damaged rows");
        }
    };
    stop.run_until_cancelled(looked).await;
}

impl Running {
    /// Starts an exchange by a settings file alone, whatever the environment says; it takes the
    /// time of day from `clock`.
    ///
    /// # Errors
    /// When the file is not in order, or something that a call needs is not there.
    pub async fn open(config: &Path, clock: Clock) -> anyhow::Result<Self> {
        Self::start(settings::load_alone(config)?, clock).await
    }

    /// Starts everything; what a call needs is there before the door is opened.
    pub(crate) async fn start(settings: Settings, clock: Clock) -> anyhow::Result<Self> {
        let files = Files::claim(&settings)?;
        // What cannot be had must not leave a database behind, nor bring another exchange's up to
        // date beside it.
        let door = Reserved::new(settings.switch.listen, "switch.listen")?;
        let web_port = Reserved::new(settings.web.listen, "web.listen")?;
        Texts::new(&settings).context("the SMS texts in the settings")?;
        if let Some(fault) = sms_gateway::fault(&settings.sms) {
            return Err(fault);
        }
        folders::prepare(&settings).await?;
        let store = open(settings.database.url.expose_secret())
            .await
            .context("database.url: the database cannot be opened")?
            .of_exchange(&settings.exchange_name());
        let app = App::new(settings, store, clock)?;
        place::first_look(&app).await;
        // Before records are taken in: the calls they complete are proven by themselves.
        let unproven = app.store.unproven_calls().await.context("recordings of earlier calls")?;
        // The oldest ones; however many there are, callers do not wait for all of them.
        if let Err(error) = cdr_intake::take_first(&app).await {
            error!(error = %format!("{error:#}"), "call detail records cannot be taken in");
        }

        let (reports, receipts) = mpsc::unbounded_channel();
        let gateway = sms_gateway::open(&app.settings.sms, reports)?;
        let closing = Closing::default();
        let stop = &closing.stop;
        let web_socket = web_port.open()?;
        let door = Listener::open(Arc::clone(&app), door, files)?;
        let address = door.address();
        let (drain_web, stop_web) = (closing.drain.clone(), stop.clone());
        let health = web::run(web_socket, Arc::clone(&app), files.web, drain_web, stop_web);
        let health = tokio::spawn(health);
        let mut workers = workers(&app, gateway, receipts, stop);
        workers.push(tokio::spawn(proof::adopt(Arc::clone(&app), stop.clone())));
        let proving = reconcile::prove_unproven(Arc::clone(&app), unproven, stop.clone());
        workers.push(tokio::spawn(proving));
        let alarms = tokio::spawn(alarm::run(Arc::clone(&app), stop.clone()));
        workers.push(tokio::spawn(look_for_damage(Arc::clone(&app), stop.clone())));
        workers.push(tokio::spawn(health::run(Arc::clone(&app), stop.clone())));
        let calls = door.calls();
        let doorman = Some(tokio::spawn(door.run(closing.clone())));
        Ok(Self { app, address, closing, doorman, calls, workers, alarms, health })
    }

    /// Where FreeSWITCH's `socket` application finds it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs a command of the command line on this exchange's state: `["calls", "--json"]`.
    ///
    /// # Errors
    /// When the command is mistyped or fails; a command that ends with another status than 0
    /// fails.
    pub async fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        cli::answer(arguments, &self.app.settings, self.app.clock.now()).await
    }

    /// Resolves should the door have shut by itself, which is a fault.
    pub(crate) async fn door_failed(&mut self) -> anyhow::Error {
        let Some(doorman) = &mut self.doorman else { return std::future::pending().await };
        let ended = doorman.await;
        self.doorman = None;
        match ended {
            Ok(()) => anyhow::anyhow!("the listener has ended"),
            Err(error) => anyhow::Error::new(error).context("the listener failed"),
        }
    }

    /// Shuts the door, so that FreeSWITCH goes to the next controller in its list; calls under way
    /// go on, and those that talk are left to FreeSWITCH and its records.
    ///
    /// # Errors
    /// When the door had failed.
    pub async fn shut_door(&mut self) -> anyhow::Result<()> {
        self.closing.drain.cancel();
        if let Some(doorman) = self.doorman.take() {
            doorman.await.context("the listener failed")?;
        }
        Ok(())
    }

    /// Resolves when no call is under way and the door is shut.
    pub async fn calls_ended(&self) {
        self.calls.wait().await;
    }

    /// Tells whether the database is at work or recordings are looked at, for those who move its
    /// clock: what takes those a moment must not take the callers minutes.
    pub fn storing(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let app = Arc::clone(&self.app);
        move || app.store.is_busy() || app.looks.available_permits() < app.processors
    }

    /// How many calls are under way.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Stops: calls under way are left to FreeSWITCH, what has ended is written down.
    ///
    /// While the database takes nothing there is no use in waiting for it: within five seconds this is
    /// over, and the calls' records complete them after the next start.
    ///
    /// # Errors
    /// When a part of it has failed.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.shut_door().await?;
        self.closing.stop.cancel();
        let began = clock::instant();
        let app = Arc::clone(&self.app);
        // A folder on a server that is gone may hold a call up for ever.
        if in_time(&app, began, self.calls_ended()).await.is_none() {
            error!(
                calls = self.calls(),
                "some calls cannot be let go; their records complete them"
            );
        }
        self.app.afterwork.close();
        if in_time(&app, began, self.app.afterwork.wait()).await.is_none() {
            error!(
                "some ends of calls were not stored or some recordings not proven; the next start does it"
            );
        }
        for mut worker in self.workers {
            // What it was at is done again after the next start.
            match in_time(&app, began, &mut worker).await {
                Some(ended) => ended.context("a worker failed")?,
                None => worker.abort(),
            }
        }
        let mut alarms = self.alarms;
        let [in_all, at_least] = LAST_ALARMS;
        let passed = clock::instant().saturating_duration_since(began);
        let limit = in_all.saturating_sub(passed).max(at_least);
        if let Ok(ended) = timeout(limit, &mut alarms).await {
            ended.context("the alarms failed")?;
        } else {
            warn!("an alarm was still being told");
            alarms.abort();
        }
        if let Some(ended) = in_time(&app, began, self.health).await {
            ended.context("the health page failed")?;
        } else {
            warn!("the health page was still being read");
        }
        if timeout(LAST_STATEMENTS, self.app.store.clone().close()).await.is_err() {
            warn!("the database was left open; what is not in its file is in its WAL");
        }
        Ok(())
    }
}

/// What comes of the work, unless it takes too long for a stop that began then.
async fn in_time<T>(app: &App, began: Instant, work: impl Future<Output = T>) -> Option<T> {
    let too_late = async {
        loop {
            let limit = if app.probe.fails() { IN_VAIN } else { AFTERWORK };
            if clock::instant().saturating_duration_since(began) >= limit {
                return;
            }
            tokio::time::sleep(LAST_LOOK).await;
        }
    };
    tokio::select! {
        biased;
        done = work => Some(done),
        () = too_late => None,
    }
}

/// Opens the database. One that is locked or has no room will be there again: whoever starts the
/// exchange after a crash in such a moment might give up before that.
async fn open(url: &str) -> Result<Store, StoreError> {
    let lines = Sparse::default();
    loop {
        match Store::open(url).await {
            Err(
                problem @ (StoreError::Locked
                | StoreError::NoAnswer
                | StoreError::Full
                | StoreError::Disk(_)),
            ) => {
                if lines.is_due() {
                    error!(%problem, "the exchange waits for its database");
                }
                tokio::time::sleep(AGAIN).await;
            }
            opened => return opened,
        }
    }
}

/// Starts the workers that are started again should they break off.
fn workers(
    app: &Arc<App>,
    gateway: Arc<dyn Gateway>,
    receipts: UnboundedReceiver<Receipt>,
    stop: &CancellationToken,
) -> Vec<JoinHandle<()>> {
    let receipts = Arc::new(tokio::sync::Mutex::new(receipts));
    macro_rules! tended {
        ($worker:ident, $run:path $(, $own:ident)?) => {{
            let (shared, token) = (Arc::clone(app), stop.clone());
            let run = move || $run(Arc::clone(&shared), $(Arc::clone(&$own),)? token.clone());
            tokio::spawn(health::tend(Arc::clone(app), Worker::$worker, stop.clone(), run))
        }};
    }
    vec![
        tended!(Database, health::watch),
        tended!(Outbox, sms_worker::run, gateway),
        tended!(Tickets, sms_worker::sweep),
        tended!(Reports, sms_reports::run, receipts),
        tended!(Intake, cdr_intake::run),
        tended!(Reconciliation, reconcile::run),
        tended!(Talks, talks::run),
        tended!(Folder, place::run),
        tended!(Disk, disk::run),
        tended!(Switch, switch::run),
    ]
}
