//! `ustredna serve`: starts everything, and stops it in order.
//!
//! On SIGTERM or Ctrl-C the door is shut first, so that FreeSWITCH takes new calls to the next
//! controller in its list. Calls under way get [`DRAIN`] to end; what is left then goes on in
//! FreeSWITCH, and its CDR files complete the rows at the next start. A second signal ends at once.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use store::Store;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{error, info, warn};

use crate::{
    app::App,
    cdr_intake, listener,
    listener::Listener,
    logging, reconcile,
    settings::{LogLevel, Settings},
    sms_worker, web,
};

/// How long calls may take to end when the exchange stops.
const DRAIN: Duration = Duration::from_secs(30);
/// How long the last rows and recordings may take after that.
const AFTERWORK: Duration = Duration::from_secs(10);

/// Runs the exchange until it is told to stop.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    logging::start(&settings.log)?;
    if settings.log.level as u8 >= LogLevel::Debug as u8 {
        warn!("at this log level numbers of shoppers may be logged");
    }
    let store = Store::open(settings.database.url.expose_secret())
        .await
        .context("database.url: the database cannot be opened")?;
    let app = App::new(settings, store)?;
    prepare_folders(&app).await?;
    cdr_intake::take_in(&app).await.context("call detail records of earlier calls")?;
    reconcile::prove_unproven(&app).await.context("recordings of earlier calls")?;

    let mut signals = Signals::new()?;
    let drain = CancellationToken::new();
    let stop = CancellationToken::new();
    let web_socket = listener::bind(app.settings.web.listen, "web.listen").await?;
    let door = Listener::open(Arc::clone(&app)).await?;

    let health = tokio::spawn(web::run(web_socket, Arc::clone(&app), drain.clone(), stop.clone()));
    let workers = [
        tokio::spawn(sms_worker::run(Arc::clone(&app), stop.clone())),
        tokio::spawn(cdr_intake::run(Arc::clone(&app), stop.clone())),
        tokio::spawn(reconcile::run(Arc::clone(&app), stop.clone())),
    ];
    let mut doorman = tokio::spawn(door.run(drain.clone(), stop.clone()));

    let calls = tokio::select! {
        () = signals.next() => {
            info!("stopping: no new calls are taken");
            drain.cancel();
            (&mut doorman).await.context("the listener failed")?
        }
        ended = &mut doorman => ended.context("the listener failed")?,
    };
    tokio::select! {
        () = calls.wait() => info!("all calls have ended"),
        () = tokio::time::sleep(DRAIN) => {
            info!(calls = calls.len(), "calls go on in FreeSWITCH");
        }
        () = signals.next() => warn!("stopping now"),
    }
    stop.cancel();
    tokio::select! {
        finished = finish(&app, &calls, workers, health) => finished,
        () = signals.next() => {
            warn!("stopping without waiting for anything");
            Ok(())
        }
    }
}

/// Lets what is under way come to its end, for a limited time.
async fn finish(
    app: &App,
    calls: &TaskTracker,
    workers: [JoinHandle<()>; 3],
    health: JoinHandle<std::io::Result<()>>,
) -> anyhow::Result<()> {
    calls.wait().await;
    app.afterwork.close();
    if tokio::time::timeout(AFTERWORK, app.afterwork.wait()).await.is_err() {
        error!(
            "some ends of calls were not stored; their CDR files complete them at the next start"
        );
    }
    for mut worker in workers {
        // What it was at is done again after the next start.
        match tokio::time::timeout(AFTERWORK, &mut worker).await {
            Ok(ended) => ended.context("a worker failed")?,
            Err(_) => worker.abort(),
        }
    }
    if let Ok(ended) = tokio::time::timeout(AFTERWORK, health).await {
        ended.context("the health page failed")??;
    } else {
        warn!("the health page was still being read");
    }
    app.store.clone().close().await;
    Ok(())
}

/// Checks that what a call needs can be written, before the first one comes.
async fn prepare_folders(app: &App) -> anyhow::Result<()> {
    let recordings = app.recordings.clone();
    let spool = app.settings.sms.spool.dir.clone();
    let cdr = app.settings.cdr.dir.clone();
    tokio::task::spawn_blocking(move || {
        for (setting, folder) in
            [("recordings.dir", &recordings), ("sms.spool.dir", &spool), ("cdr.dir", &cdr)]
        {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("{setting}: {} cannot be made", folder.display()))?;
        }
        recordings::check_writable(&recordings).context("recordings.dir")?;
        sms::SpoolGateway::new(spool).check().context("sms.spool.dir")
    })
    .await?
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("SIGINT")?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
