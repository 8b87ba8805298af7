//! Watches FreeSWITCH over a connection of its own, so that its death, or its carrier's, is known
//! within seconds.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Gateway, Status, compare};
use crate::{
    app::App,
    clock, finding,
    health::Worker,
    inbound::{Inbound, InboundError},
    prompts,
    settings::Settings,
};

const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Between two comparisons of its settings with ours.
const COMPARE_EVERY: Duration = Duration::from_secs(30);

/// Whether something of FreeSWITCH works.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nobody has looked yet.
    #[default]
    NotYet,
    /// Nobody can look, and why.
    NotWatched(String),
    Up,
    Down(String),
}

impl Known {
    pub(crate) fn problem(&self) -> Option<String> {
        match self {
            Self::Down(problem) => Some(problem.clone()),
            Self::NotYet | Self::NotWatched(_) | Self::Up => None,
        }
    }

    pub(crate) fn not_watched(&self) -> Option<&str> {
        match self {
            Self::NotWatched(why) => Some(why),
            Self::NotYet | Self::Up | Self::Down(_) => None,
        }
    }

    /// As a metric: `None` while it is not known.
    pub(crate) fn is_up(&self) -> Option<bool> {
        match self {
            Self::Up => Some(true),
            Self::Down(_) => Some(false),
            Self::NotYet | Self::NotWatched(_) => None,
        }
    }
}

/// What was found at the last look.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub(crate) switch: Known,
    pub(crate) gateway: Known,
    /// FreeSWITCH's legs.
    pub(crate) sessions: Option<u64>,
    /// How it is not set up for this exchange.
    pub(crate) misfits: Vec<String>,
}

/// The same, shared.
#[derive(Debug, Default)]
pub(crate) struct State(Mutex<Found>);

impl State {
    pub(crate) fn known(&self) -> Found {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn learn(&self, change: impl FnOnce(&mut Found)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Looks again and again until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let switch = &app.settings.switch;
    let Some(password) = &switch.password else {
        let why = "there is no switch.password";
        app.switch.learn(|found| {
            found.switch = Known::NotWatched(why.to_owned());
            found.gateway = Known::NotWatched(why.to_owned());
        });
        app.health.well(Worker::Switch);
        info!("FreeSWITCH is not watched: {why}");
        // What does nothing does not hang.
        return idle(&app, &stop).await;
    };
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut line = Line { at: switch.inbound, password, connection: None };
    let mut compared: Option<Instant> = None;
    let looking = async {
        loop {
            look.tick().await;
            let looked = look_once(&app, &mut line).await;
            // It is the same to this worker whether FreeSWITCH is well: it has looked.
            app.health.well(Worker::Switch);
            let Ok(status) = looked else {
                // It may come back with other settings.
                compared = None;
                continue;
            };
            let since = |at: Instant| clock::instant().saturating_duration_since(at);
            if compared.is_none_or(|at| since(at) >= COMPARE_EVERY)
                && fits(&app, &status, &mut line).await.is_ok()
            {
                compared = Some(clock::instant());
            }
        }
    };
    tokio::select! {
        () = looking => {}
        () = stop.cancelled() => {}
    }
}

async fn idle(app: &App, stop: &CancellationToken) {
    let mut turn = tokio::time::interval(COMPARE_EVERY);
    loop {
        tokio::select! {
            _ = turn.tick() => app.health.well(Worker::Switch),
            () = stop.cancelled() => return,
        }
    }
}

/// The connection, opened again when it has broken.
struct Line<'a> {
    at: SocketAddr,
    password: &'a SecretString,
    connection: Option<Inbound>,
}

impl Line<'_> {
    async fn open(&mut self) -> Result<&mut Inbound, InboundError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Inbound::open(self.at, self.password.expose_secret()).await?,
        };
        Ok(self.connection.insert(connection))
    }

    async fn ask(&mut self, question: &str) -> Result<String, InboundError> {
        let answer = self.open().await?.ask(question).await;
        if answer.is_err() {
            self.connection = None;
        }
        answer
    }
}

async fn look_once(app: &App, line: &mut Line<'_>) -> Result<Status, ()> {
    let name = &app.settings.switch.gateway.0;
    let asked = async {
        let status = line.ask("status").await?;
        let gateway = line.ask(&format!("sofia status gateway {name}")).await?;
        Ok::<_, InboundError>((status, gateway))
    };
    let (switch, gateway, status) = match asked.await {
        Ok((status, answer)) => {
            let status = Status::read(&status);
            (judge(status.as_ref()), judge_gateway(name, &Gateway::read(&answer)), status)
        }
        // What the carrier does is not known then.
        Err(error) => (
            Known::Down(format!("FreeSWITCH at {}: {error}", line.at)),
            Known::NotWatched("FreeSWITCH cannot be asked".to_owned()),
            None,
        ),
    };
    let before = app.switch.known();
    changed("FreeSWITCH", &before.switch, &switch);
    changed("the gateway", &before.gateway, &gateway);
    app.switch.learn(|found| {
        found.sessions = status.as_ref().and_then(|status| status.sessions);
        (found.switch, found.gateway) = (switch, gateway);
    });
    status.ok_or(())
}

fn judge(status: Option<&Status>) -> Known {
    match status {
        Some(status) if status.is_ready => Known::Up,
        Some(_) => Known::Down("FreeSWITCH is not ready for calls".to_owned()),
        None => Known::Down("what answers at switch.inbound is no FreeSWITCH".to_owned()),
    }
}

fn judge_gateway(name: &str, gateway: &Gateway) -> Known {
    match gateway {
        Gateway::Missing => Known::Down(format!("FreeSWITCH has no gateway {name}")),
        Gateway::Untold => Known::NotWatched("FreeSWITCH does not tell of its gateways".to_owned()),
        Gateway::There { up: false, state, .. } => {
            Known::Down(format!("the gateway {name} is down ({state}): nobody can be rung"))
        }
        Gateway::There { up: true, watched: false, .. } => {
            Known::NotWatched(format!("nobody asks whether {name} answers (CARRIER_PING is 0)"))
        }
        Gateway::There { up: true, watched: true, .. } => Known::Up,
    }
}

fn changed(what: &str, before: &Known, now: &Known) {
    match now {
        Known::Up if matches!(before, Known::Down(_)) => info!("{what} is back"),
        Known::Down(problem) if !matches!(before, Known::Down(_)) => {
            warn!(problem, "{what} does not work");
        }
        Known::NotYet | Known::NotWatched(_) | Known::Up | Known::Down(_) => {}
    }
}

async fn look_around(
    settings: &Settings,
    status: &Status,
    switch: &mut Inbound,
) -> Result<(Vec<finding::Finding>, Option<String>), InboundError> {
    let findings = compare(settings, status, switch).await?;
    Ok((findings, prompts::unseen(settings, switch).await?))
}

/// Compares its settings with ours.
async fn fits(app: &App, status: &Status, line: &mut Line<'_>) -> Result<(), InboundError> {
    let settings: &Settings = &app.settings;
    let found = match line.open().await {
        Ok(connection) => look_around(settings, status, connection).await,
        Err(error) => Err(error),
    };
    let (findings, unseen) = match found {
        Ok(found) => found,
        Err(error) => {
            line.connection = None;
            return Err(error);
        }
    };
    let failed = findings.into_iter().filter(|found| found.status == finding::Status::Fail);
    let mut misfits: Vec<String> =
        failed.map(|found| format!("{}: {}", found.check, found.detail)).collect();
    misfits.extend(unseen.map(|file| format!("prompts: FreeSWITCH does not see {file}")));
    if misfits != app.switch.known().misfits {
        for misfit in &misfits {
            warn!(misfit, "FreeSWITCH is not set up for this exchange: see `ustredna check`");
        }
        app.switch.learn(|found| found.misfits = misfits);
    }
    Ok(())
}
