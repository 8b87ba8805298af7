//! The place where recordings go, looked at before anybody is rung: there is room on the disk, we
//! can write there, and FreeSWITCH sees the same folder.

pub(crate) mod probe;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp, civil::Date};
use secrecy::ExposeSecret as _;
use tokio::{
    sync::Semaphore,
    time::{MissedTickBehavior, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    alarm::Alarm,
    app::App,
    clock,
    health::Worker,
    inbound::{Inbound, InboundError},
    settings::Settings,
};

const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How long the door waits for FreeSWITCH's answer at the start.
const FIRST: Duration = Duration::from_secs(5);
/// How long a caller waits for the disk.
const PATIENCE: Duration = Duration::from_secs(5);
/// Looks at once. A server that is gone keeps them all, and not every thread that there is.
const TURNS: usize = 32;
/// How long a recording that FreeSWITCH could not make counts.
const REMEMBERED: Duration = Duration::from_mins(1);
/// So long before midnight the next day's folder counts as today's.
const SOON: SignedDuration = SignedDuration::from_mins(5);
/// Before FreeSWITCH is asked again that does not see a file: a network's file systems need it.
const AGAIN: Duration = Duration::from_secs(1);

/// What FreeSWITCH says of our recordings folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shared {
    /// It cannot be asked, or cannot tell; and why.
    Unknown(String),
    Yes,
    No,
}

/// What was found at the last look.
pub(crate) struct Place {
    shared: Mutex<Shared>,
    turns: Arc<Semaphore>,
    /// Since FreeSWITCH could not record the last time, if it has not recorded after that.
    unrecordable: Mutex<Option<Instant>>,
}

impl Default for Place {
    fn default() -> Self {
        let shared = Mutex::new(Shared::Unknown("nobody has looked yet".to_owned()));
        let turns = Arc::new(Semaphore::new(TURNS));
        Self { shared, turns, unrecordable: Mutex::default() }
    }
}

impl Place {
    fn shared(&self) -> Shared {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what a recording's beginning came to; whether it is another thing than the last time.
    fn records(&self, started: bool) -> bool {
        let mut since = self.unrecordable.lock().unwrap_or_else(PoisonError::into_inner);
        let was_well = since.is_none();
        *since = (!started).then(clock::instant);
        was_well != started
    }

    /// Whether FreeSWITCH could not record a short while ago, and has not since. Longer than that it
    /// must not keep calls away, for they alone show that it can.
    fn is_unrecordable(&self) -> bool {
        let since = *self.unrecordable.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|at| clock::instant().saturating_duration_since(at) < REMEMBERED)
    }

    /// Takes a new answer; the old one.
    fn learn(&self, shared: Shared) -> Shared {
        std::mem::replace(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner), shared)
    }
}

/// Notes whether FreeSWITCH could begin a recording; that it cannot is told once.
pub(crate) fn recorded(app: &App, started: bool) {
    if app.place.records(started) && !started {
        app.alarm.raise(Alarm::Folder { problem: unrecordable(app) });
    }
}

fn unrecordable(app: &App) -> String {
    format!("FreeSWITCH cannot record into {}", app.switch_recordings)
}

/// Whether a call of that day can be recorded; its folder is made if need be.
///
/// # Errors
/// Why not, and what to do.
pub(crate) async fn ready(app: &App, day: Date) -> anyhow::Result<()> {
    anyhow::ensure!(app.place.shared() != Shared::No, "{}", elsewhere(&app.switch_recordings));
    on_disk(app, move |dir, min_free| probe::prepare(dir, day, min_free)).await?
}

/// What keeps calls from being recorded.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// Now, or within minutes.
    pub(crate) now: Option<String>,
    /// From midnight on.
    pub(crate) ahead: Option<String>,
}

/// How it stands, for whoever asks without a call.
pub(crate) async fn standing(app: &App) -> Standing {
    let told = match app.place.shared() {
        Shared::No => Some(elsewhere(&app.switch_recordings)),
        Shared::Unknown(_) | Shared::Yes => None,
    };
    let told = told.or_else(|| app.place.is_unrecordable().then(|| unrecordable(app)));
    let found = days(app).await;
    Standing { now: told.or(found.now), ahead: found.ahead }
}

/// The same of our own side alone: today's folder, and tomorrow's.
async fn days(app: &App) -> Standing {
    let (zone, now) = (app.settings.exchange.timezone.0.clone(), app.clock.now());
    let today = now.to_zoned(zone.clone()).date();
    let soon = now.saturating_add(SOON).unwrap_or(now).to_zoned(zone).date();
    let tried = on_disk(app, move |dir, min_free| {
        let told = |tried: anyhow::Result<()>| tried.err().map(|error| format!("{error:#}"));
        let now = told(probe::try_day(dir, today, min_free));
        let tomorrow = today.tomorrow().ok().filter(|_| now.is_none());
        let ahead = tomorrow.and_then(|day| told(probe::try_day(dir, day, 0)));
        Standing { now, ahead }
    });
    match tried.await {
        Ok(Standing { now: None, ahead }) if soon != today => Standing { now: ahead, ahead: None },
        Ok(found) => found,
        Err(error) => Standing { now: Some(format!("{error:#}")), ahead: None },
    }
}

/// Does something with `recordings.dir` and `recordings.min_free` that blocks.
async fn on_disk<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Path, u64) -> T + Send + 'static,
) -> anyhow::Result<T> {
    let (dir, min_free) = (app.recordings.clone(), app.settings.recordings.min_free.0);
    let working = async {
        let turn = Arc::clone(&app.place.turns).acquire_owned().await?;
        let work = tokio::task::spawn_blocking(move || {
            let done = work(&dir, min_free);
            drop(turn);
            done
        });
        anyhow::Ok(work.await?)
    };
    timeout(PATIENCE, working).await.map_err(|_| {
        anyhow::anyhow!("the recordings folder does not answer: is it on a server that is gone?")
    })?
}

fn elsewhere(switch_dir: &str) -> String {
    format!(
        "FreeSWITCH does not see in {switch_dir} what is written to recordings.dir: \
         set recordings.switch_dir to the same folder as FreeSWITCH sees it"
    )
}

/// Why a look came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookError {
    /// Our own side cannot be written.
    #[error("{} cannot be written ({error})", .dir.display())]
    Own {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// FreeSWITCH did not answer.
    #[error(transparent)]
    Switch(#[from] InboundError),
}

/// Writes a file with a random name into `own` and asks FreeSWITCH whether it is in `theirs`.
pub(crate) async fn look(
    switch: &mut Inbound,
    own: &Path,
    theirs: &str,
) -> Result<Shared, LookError> {
    let name = probe::name();
    let probe = own.join(&name);
    let written = probe.clone();
    let closed = |error| LookError::Own { dir: own.to_owned(), error };
    let writing = tokio::task::spawn_blocking(move || probe::write(&written));
    writing.await.map_err(io::Error::other).flatten().map_err(closed)?;
    let question = format!("file_exists {theirs}/{name}");
    let mut answer = switch.ask(&question).await;
    if answer.as_deref().is_ok_and(|answer| answer.trim() == "false") {
        tokio::time::sleep(AGAIN).await;
        answer = switch.ask(&question).await;
    }
    tokio::fs::remove_file(&probe).await.map_err(closed)?;
    Ok(match answer?.trim() {
        "true" => Shared::Yes,
        "false" => Shared::No,
        _ => Shared::Unknown("FreeSWITCH does not tell what it sees".to_owned()),
    })
}

/// The same where a recording of today goes: a folder of a day, a month or a year may be a disk or a
/// link of its own, which FreeSWITCH does not have.
pub(crate) async fn look_today(
    switch: &mut Inbound,
    settings: &Settings,
    own: &Path,
    theirs: &str,
    now: Timestamp,
) -> Result<Shared, LookError> {
    let today = now.to_zoned(settings.exchange.timezone.0.clone()).date();
    let dir = own.to_owned();
    let found = tokio::task::spawn_blocking(move || recordings::find_day(&dir, today)).await;
    // What is in the way is told by whoever tries to write there.
    let below = found.ok().and_then(Result::ok).map(|found| found.below).unwrap_or_default();
    let theirs = Path::new(theirs).join(&below);
    look(switch, &own.join(&below), theirs.to_string_lossy().trim_end_matches('/')).await
}

async fn ask(app: &App) -> Shared {
    let switch = &app.settings.switch;
    let Some(password) = &switch.password else {
        return Shared::Unknown("there is no switch.password".to_owned());
    };
    let asked = async {
        let mut inbound = Inbound::open(switch.inbound, password.expose_secret()).await?;
        let now = app.clock.now();
        look_today(&mut inbound, &app.settings, &app.recordings, &app.switch_recordings, now).await
    };
    asked.await.unwrap_or_else(|error: LookError| Shared::Unknown(error.to_string()))
}

/// Looks once, before the door is opened; a FreeSWITCH that does not answer is not waited for.
pub(crate) async fn first_look(app: &App) {
    let found = timeout(FIRST, ask(app)).await;
    learn(app, found.unwrap_or_else(|_| Shared::Unknown("FreeSWITCH does not answer".to_owned())));
}

/// Looks again and again until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    look.tick().await;
    // What is low at the start is told by the disk's own worker.
    let mut was_low = free_bytes(&app).await.is_some_and(|free| is_low(&app, free));
    let mut was_unusable = false;
    let looking = async {
        loop {
            look.tick().await;
            learn(&app, ask(&app).await);
            if let Some(free_bytes) = free_bytes(&app).await {
                let low = is_low(&app, free_bytes);
                if turns(&mut was_low, low) {
                    error!(free_bytes, "less than recordings.min_free is left: make room");
                    app.alarm.raise(Alarm::Disk { free_bytes, days_left: None });
                }
            }
            let Standing { now, ahead } = days(&app).await;
            let ahead = ahead.map(|problem| format!("from midnight on: {problem}"));
            // That the disk is low is told already.
            let problem = now.filter(|_| !was_low).or(ahead);
            if turns(&mut was_unusable, problem.is_some())
                && let Some(problem) = problem
            {
                error!(problem, "nothing can be recorded");
                app.alarm.raise(Alarm::Folder { problem });
            }
            // What it found is told by itself.
            app.health.well(Worker::Folder);
        }
    };
    tokio::select! {
        () = looking => {}
        () = stop.cancelled() => {}
    }
}

/// `None`: the disk does not tell.
async fn free_bytes(app: &App) -> Option<u64> {
    let dir = app.recordings.clone();
    let asked = tokio::task::spawn_blocking(move || recordings::free_bytes(&dir));
    timeout(PATIENCE, asked).await.ok()?.ok()?.ok()
}

fn is_low(app: &App, free_bytes: u64) -> bool {
    free_bytes < app.settings.recordings.min_free.0
}

/// Whether it has just become true.
fn turns(was: &mut bool, is: bool) -> bool {
    !std::mem::replace(was, is) && is
}

/// Says what has changed. FreeSWITCH's saying no stands until it says yes: while it restarts,
/// nothing has become better.
fn learn(app: &App, found: Shared) {
    let before = app.place.shared();
    if found == before || (before == Shared::No && found != Shared::Yes) {
        return;
    }
    match &found {
        Shared::Yes => info!("FreeSWITCH sees the recordings folder"),
        Shared::No => {
            let problem = elsewhere(&app.switch_recordings);
            if app.settings.recordings.required {
                error!(problem, "no recording can be proven, so calls are refused");
            } else {
                error!(problem, "no recording can be proven");
            }
            app.alarm.raise(Alarm::Folder { problem });
        }
        Shared::Unknown(why) => {
            warn!(why, "whether FreeSWITCH sees the recordings folder was not checked");
        }
    }
    app.place.learn(found);
}

#[cfg(test)]
mod tests;
