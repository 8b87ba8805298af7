//! An exchange in this process: started in order, and stopped in order.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use store::Store;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{error, warn};

use crate::{
    app::App,
    cdr_intake, cli,
    clock::Clock,
    listener,
    listener::Listener,
    reconcile, settings,
    settings::{Settings, SmsGateway},
    sms_gateway, sms_reports, sms_worker, web,
};

/// How long the last rows and recordings may take after the last call.
const AFTERWORK: Duration = Duration::from_secs(10);

/// A running exchange. `serve` runs one until it is told to stop; the demo and the stories run one
/// beside a simulated switch.
pub struct Running {
    app: Arc<App>,
    address: SocketAddr,
    drain: CancellationToken,
    stop: CancellationToken,
    doorman: Option<JoinHandle<()>>,
    calls: TaskTracker,
    workers: [JoinHandle<()>; 4],
    health: JoinHandle<std::io::Result<()>>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Running {
    /// Starts an exchange by a settings file alone, whatever the environment says; it takes the
    /// time of day from `clock`.
    ///
    /// # Errors
    /// When the file is not in order, or something that a call needs is not there.
    pub async fn open(config: &Path, clock: Clock) -> anyhow::Result<Self> {
        Self::start(settings::load(config, true, [])?, clock).await
    }

    /// Starts everything; what a call needs is there before the door is opened.
    pub(crate) async fn start(settings: Settings, clock: Clock) -> anyhow::Result<Self> {
        let store = Store::open(settings.database.url.expose_secret())
            .await
            .context("database.url: the database cannot be opened")?;
        let app = App::new(settings, store, clock)?;
        prepare_folders(&app).await?;
        cdr_intake::take_in(&app).await.context("call detail records of earlier calls")?;
        reconcile::prove_unproven(&app).await.context("recordings of earlier calls")?;

        let (reports, receipts) = mpsc::unbounded_channel();
        let gateway = sms_gateway::open(&app.settings.sms, reports)?;
        let drain = CancellationToken::new();
        let stop = CancellationToken::new();
        let web_socket = listener::bind(app.settings.web.listen, "web.listen")?;
        let door = Listener::open(Arc::clone(&app))?;
        let address = door.address();
        let (drain_web, stop_web) = (drain.clone(), stop.clone());
        let health = tokio::spawn(web::run(web_socket, Arc::clone(&app), drain_web, stop_web));
        let workers = [
            tokio::spawn(sms_worker::run(Arc::clone(&app), gateway, stop.clone())),
            tokio::spawn(sms_reports::run(Arc::clone(&app), receipts, stop.clone())),
            tokio::spawn(cdr_intake::run(Arc::clone(&app), stop.clone())),
            tokio::spawn(reconcile::run(Arc::clone(&app), stop.clone())),
        ];
        let calls = door.calls();
        let doorman = Some(tokio::spawn(door.run(drain.clone(), stop.clone())));
        Ok(Self { app, address, drain, stop, doorman, calls, workers, health })
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
    /// go on.
    ///
    /// # Errors
    /// When the door had failed.
    pub async fn shut_door(&mut self) -> anyhow::Result<()> {
        self.drain.cancel();
        if let Some(doorman) = self.doorman.take() {
            doorman.await.context("the listener failed")?;
        }
        Ok(())
    }

    /// Resolves when no call is under way and the door is shut.
    pub async fn calls_ended(&self) {
        self.calls.wait().await;
    }

    /// Tells whether the database is at work, for those who move its clock: what takes the database
    /// a moment must not take the callers minutes.
    pub fn storing(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let store = self.app.store.clone();
        move || store.is_busy()
    }

    /// How many calls are under way.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Stops: calls under way are left to FreeSWITCH, what has ended is written down.
    ///
    /// # Errors
    /// When a part of it has failed.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.shut_door().await?;
        self.stop.cancel();
        self.calls_ended().await;
        self.app.afterwork.close();
        if tokio::time::timeout(AFTERWORK, self.app.afterwork.wait()).await.is_err() {
            error!(
                "some ends of calls were not stored; their CDR files complete them at the next start"
            );
        }
        for mut worker in self.workers {
            // What it was at is done again after the next start.
            match tokio::time::timeout(AFTERWORK, &mut worker).await {
                Ok(ended) => ended.context("a worker failed")?,
                Err(_) => worker.abort(),
            }
        }
        if let Ok(ended) = tokio::time::timeout(AFTERWORK, self.health).await {
            ended.context("the health page failed")??;
        } else {
            warn!("the health page was still being read");
        }
        self.app.store.clone().close().await;
        Ok(())
    }
}

/// Checks that what a call needs can be written, before the first one comes.
async fn prepare_folders(app: &App) -> anyhow::Result<()> {
    let recordings = app.recordings.clone();
    let spool =
        (app.settings.sms.gateway == SmsGateway::Spool).then(|| app.settings.sms.spool.dir.clone());
    let form = app.settings.sms.spool.form;
    let cdr = app.settings.cdr.dir.clone();
    tokio::task::spawn_blocking(move || {
        let folders = [
            ("recordings.dir", Some(&recordings)),
            ("sms.spool.dir", spool.as_ref()),
            ("cdr.dir", Some(&cdr)),
        ];
        for (setting, folder) in folders {
            let Some(folder) = folder else { continue };
            std::fs::create_dir_all(folder)
                .with_context(|| format!("{setting}: {} cannot be made", folder.display()))?;
        }
        recordings::check_writable(&recordings).context("recordings.dir")?;
        match spool {
            Some(dir) => sms::SpoolGateway::new(dir, form).probe().context("sms.spool.dir"),
            None => Ok(()),
        }
    })
    .await?
}
