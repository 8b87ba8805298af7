//! The place where recordings go, looked at before anybody is rung: there is room on the disk, we
//! can write there, and FreeSWITCH sees the same folder.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use jiff::civil::Date;
use secrecy::ExposeSecret as _;
use tokio::{
    sync::Semaphore,
    time::{MissedTickBehavior, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::{
    alarm::Alarm,
    app::App,
    health::Worker,
    inbound::{Inbound, InboundError},
};

const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How long the door waits for FreeSWITCH's answer at the start.
const FIRST: Duration = Duration::from_secs(5);
/// How long a caller waits for the disk.
const PATIENCE: Duration = Duration::from_secs(5);
/// Looks at once. A server that is gone keeps them all, and not every thread that there is.
const TURNS: usize = 32;
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
    /// FreeSWITCH could not record the last time.
    unrecordable: AtomicBool,
}

impl Default for Place {
    fn default() -> Self {
        let shared = Mutex::new(Shared::Unknown("nobody has looked yet".to_owned()));
        let turns = Arc::new(Semaphore::new(TURNS));
        Self { shared, turns, unrecordable: AtomicBool::new(false) }
    }
}

impl Place {
    fn shared(&self) -> Shared {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a new answer; the old one.
    fn learn(&self, shared: Shared) -> Shared {
        std::mem::replace(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner), shared)
    }
}

/// Notes whether FreeSWITCH could begin a recording; that it cannot is told once.
pub(crate) fn recorded(app: &App, started: bool) {
    if !app.place.unrecordable.swap(!started, Ordering::Relaxed) && !started {
        let problem = format!("FreeSWITCH cannot record into {}", app.switch_recordings);
        app.alarm.raise(Alarm::Folder { problem });
    }
}

/// Whether a recording can be made now; with a date, its folder is made if need be and tried.
///
/// # Errors
/// Why not, and what to do.
pub(crate) async fn ready(app: &App, day: Option<Date>) -> anyhow::Result<()> {
    anyhow::ensure!(app.place.shared() != Shared::No, "{}", elsewhere(&app.switch_recordings));
    let (dir, min_free) = (app.recordings.clone(), app.settings.recordings.min_free.0);
    let looking = async {
        let turn = Arc::clone(&app.place.turns).acquire_owned().await?;
        tokio::task::spawn_blocking(move || {
            let usable = usable(&dir, day, min_free);
            drop(turn);
            usable
        })
        .await?
    };
    timeout(PATIENCE, looking).await.map_err(|_| {
        anyhow::anyhow!("the recordings folder does not answer: is it on a server that is gone?")
    })?
}

fn usable(dir: &Path, day: Option<Date>, min_free: u64) -> anyhow::Result<()> {
    let folder = match day {
        Some(date) => recordings::prepare_day(dir, date)?,
        None => dir.to_owned(),
    };
    let probe = folder.join(probe_name());
    let written = write(&probe);
    // A full disk takes a name, but not what it stands for.
    let removed = match fs::remove_file(&probe) {
        Err(error) if written.is_err() && error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    };
    written.and(removed).with_context(|| {
        format!("{} cannot be written: check its rights and its disk", folder.display())
    })?;
    let free = recordings::free_bytes(&folder).with_context(|| folder.display().to_string())?;
    anyhow::ensure!(
        free >= min_free,
        "only {free} bytes are free on the disk of the recordings, less than recordings.min_free \
         ({min_free}): make room"
    );
    Ok(())
}

/// Random, so that calls at once do not disturb each other, and no file system remembers that
/// there was no such file.
fn probe_name() -> String {
    format!(".ustredna-probe-{}", Uuid::new_v4().simple())
}

fn write(probe: &Path) -> io::Result<()> {
    File::create_new(probe)?.write_all(b"probe")
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
    #[error("recordings.dir cannot be written ({0})")]
    Own(#[from] io::Error),
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
    let name = probe_name();
    let probe = own.join(&name);
    let written = probe.clone();
    tokio::task::spawn_blocking(move || write(&written)).await.map_err(io::Error::other)??;
    let question = format!("file_exists {theirs}/{name}");
    let mut answer = switch.ask(&question).await;
    if answer.as_deref().is_ok_and(|answer| answer.trim() == "false") {
        tokio::time::sleep(AGAIN).await;
        answer = switch.ask(&question).await;
    }
    tokio::fs::remove_file(&probe).await?;
    Ok(match answer?.trim() {
        "true" => Shared::Yes,
        "false" => Shared::No,
        _ => Shared::Unknown("FreeSWITCH does not tell what it sees".to_owned()),
    })
}

async fn ask(app: &App) -> Shared {
    let switch = &app.settings.switch;
    let Some(password) = &switch.password else {
        return Shared::Unknown("there is no switch.password".to_owned());
    };
    let asked = async {
        let mut inbound = Inbound::open(switch.inbound, password.expose_secret()).await?;
        look(&mut inbound, &app.recordings, &app.switch_recordings).await
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
            // Told already: that the disk is low, that FreeSWITCH sees another folder.
            let elsewhere = app.place.shared() == Shared::No;
            let problem = ready(&app, None).await.err().filter(|_| !was_low && !elsewhere);
            if turns(&mut was_unusable, problem.is_some())
                && let Some(problem) = problem
            {
                let problem = format!("{problem:#}");
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
mod tests {
    use super::*;
    use crate::proof::tests::House;

    const MUCH: u64 = u64::MAX;

    const DAY: Option<Date> = Some(jiff::civil::date(2026, 11, 22));

    #[test]
    fn a_folder_with_room_is_usable_and_stays_clean() {
        let dir = tempfile::tempdir().unwrap();
        usable(dir.path(), DAY, 0).unwrap();
        usable(dir.path(), None, 0).unwrap();
        let inside = fs::read_dir(dir.path().join("2026/11/22")).unwrap().count();
        assert_eq!((inside, fs::read_dir(dir.path()).unwrap().count()), (0, 1));
    }

    #[test]
    fn too_little_room_is_told_with_the_setting() {
        let dir = tempfile::tempdir().unwrap();
        let error = usable(dir.path(), DAY, MUCH).unwrap_err().to_string();
        assert!(error.contains("recordings.min_free"), "{error}");
    }

    #[test]
    fn a_disk_that_fills_up_is_told_once_until_there_is_room_again() {
        let mut was = false;
        let told = [false, true, true, false, true].map(|is| turns(&mut was, is));
        assert_eq!(told, [false, true, false, false, true]);
    }

    #[test]
    fn a_day_that_is_a_file_cannot_be_used() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("2026"), "").unwrap();
        assert!(usable(dir.path(), DAY, 0).is_err());
        usable(dir.path(), None, 0).unwrap();
    }

    #[test]
    fn calls_at_once_do_not_take_each_other_s_probe() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..50).for_each(|_| usable(dir.path(), DAY, 0).unwrap()));
            }
        });
    }

    #[tokio::test]
    async fn that_freeswitch_cannot_record_is_told_once_until_it_can() {
        let house = House::with("").await;
        for started in [false, false, true, false] {
            recorded(&house.app, started);
        }
        let told = house.metric("ustredna_alarms_total{kind=\"folder\"}");
        assert!((told - 2.0).abs() < 0.5, "{told}");
    }

    #[tokio::test]
    async fn what_freeswitch_does_not_see_stays_unusable_until_it_says_otherwise() {
        let house = House::with("").await;
        learn(&house.app, Shared::No);
        learn(&house.app, Shared::Unknown("it is started again".to_owned()));
        assert!(ready(&house.app, None).await.is_err());
        learn(&house.app, Shared::Yes);
        ready(&house.app, None).await.unwrap();
    }
}
