//! A folder with an exchange and a simulated switch in it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use fakeswitch::{Config, Switch};
use jiff::Timestamp;
use tempfile::TempDir;
use toml::{Table, Value};
use ustredna::{Clock, Running};

use crate::{
    language::{Event, HEADER, Setup},
    ports,
    time::Outside,
};

/// When every story begins: half past ten in Prague, far from midnight.
const BEGIN: &str = "2026-11-22T10:30:00+01:00";
const PASSWORD: &str = "story-password";

pub(crate) struct Place {
    switch: Switch,
    exchange: Option<Running>,
    /// It has shut its door, and ends with its calls.
    stopping: bool,
    clock: Clock,
    outside: Outside,
    // Last: removed when nobody writes to it any more.
    folder: TempDir,
}

impl Place {
    /// Starts the switch; the exchange is not there yet.
    pub(crate) async fn new(setup: &Setup, outside: &Outside) -> Self {
        let began: Timestamp = BEGIN.parse().unwrap();
        // In memory where there is such a folder: what is synchronised to disk takes real time.
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("ustredna-story").tempdir_in(root).unwrap();
        let switch = Switch::start(Config {
            event_socket: Some(([127, 0, 0, 1], 0).into()),
            password: PASSWORD.to_owned(),
            cdr_dir: Some(folder.path().join("cdr")),
            apology: Some(sounds().join("cs/apology.wav")),
            // Twice as many as `switch.max_calls` is in any story.
            max_sessions: Some(10_000),
            started_at: Some(SystemTime::from(began)),
            ..Config::default()
        })
        .await
        .unwrap();
        let settings = settings(folder.path(), &switch, setup);
        fs::write(folder.path().join("ustredna.toml"), settings.to_string()).unwrap();
        let clock = Clock::steered(began);
        Self { switch, exchange: None, stopping: false, clock, outside: outside.clone(), folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn switch(&self) -> &Switch {
        &self.switch
    }

    pub(crate) fn is_running(&self) -> bool {
        self.exchange.is_some()
    }

    pub(crate) async fn start_exchange(&mut self) {
        let config = self.folder.path().join("ustredna.toml");
        // Nobody tells yet whether its database is at work, and it may wait for FreeSWITCH.
        let opening = Box::pin(Running::open(&config, self.clock.clone()));
        let running = self.outside.slowly(opening).await.unwrap();
        self.switch.set_controllers(vec![running.address()]);
        self.outside.told_by(running.storing());
        self.exchange = Some(running);
    }

    /// Imports lines of a table.
    pub(crate) async fn import(&self, lines: &str) {
        let table = self.folder.path().join("import.csv");
        fs::write(&table, format!("{HEADER}\n{lines}\n")).unwrap();
        self.command(&["import", "import.csv"]).await.unwrap();
    }

    /// The objects of a list, such as `calls`.
    pub(crate) async fn list(&self, noun: &str) -> Vec<serde_json::Value> {
        let told = self.command(&[noun, "--json"]).await.unwrap();
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Calls that the exchange looks after.
    pub(crate) fn calls(&self) -> usize {
        self.exchange.as_ref().map_or(0, Running::calls)
    }

    /// Runs a command on the state of the running exchange. Files are those of the folder.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Result<String, String> {
        let in_folder = |(place, argument): (usize, &&str)| {
            let path = self.folder.path().join(argument);
            let is_file = place > 0 && path.is_file();
            if is_file { path.display().to_string() } else { (*argument).to_owned() }
        };
        let arguments: Vec<String> = arguments.iter().enumerate().map(in_folder).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let running = self.exchange.as_ref().expect("the exchange runs");
        let told = self.outside.hold(running.command(&arguments)).await;
        told.map_err(|error| format!("{error:#}"))
    }

    /// Runs a command as a process of its own. The exchange goes on meanwhile, though no time passes
    /// for it: broken off in the middle of a transaction it would keep the database locked.
    pub(crate) async fn run(&self, arguments: &[&str], input: &str) -> Result<String, String> {
        let folder = self.folder.path().to_owned();
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let input = input.to_owned();
        let run = move || super::run(&folder, &arguments, &input);
        self.outside.hold(tokio::task::spawn_blocking(run)).await.unwrap()
    }

    pub(crate) async fn happens(&mut self, event: Event) {
        match event {
            Event::ExchangeStarts => self.start_exchange().await,
            Event::ExchangeStops => {
                self.exchange.as_mut().expect("the exchange runs").shut_door().await.unwrap();
                self.stopping = true;
            }
            // Within one process nothing can be killed. It leaves its calls and closes their
            // connections at once, as on a second SIGTERM.
            Event::ExchangeKilled => {
                self.exchange.take().expect("the exchange runs").stop().await.unwrap();
            }
            Event::SwitchKilled => {
                self.switch.kill();
                self.date_recordings();
            }
        }
    }

    /// Lets an exchange that was told to stop come to its end.
    pub(crate) async fn finish_stopping(&mut self) {
        if std::mem::take(&mut self.stopping)
            && let Some(exchange) = self.exchange.take()
        {
            exchange.calls_ended().await;
            exchange.stop().await.unwrap();
        }
    }

    pub(crate) async fn close(&mut self) {
        self.switch.kill();
        if let Some(exchange) = self.exchange.take() {
            // A story that has failed already is not to fail again in its end.
            drop(exchange.stop().await);
        }
    }

    /// The system dates files by the real time; the exchange compares them with its own clock.
    fn date_recordings(&self) {
        let now = SystemTime::from(self.clock.now());
        for wav in wavs(&self.folder.path().join("recordings")) {
            File::options().append(true).open(wav).unwrap().set_modified(now).unwrap();
        }
    }

    /// Lets time pass. Of a long time all but the end is skipped: what is looked after every few
    /// seconds would be looked after some hundred thousand times a week.
    pub(crate) async fn passes(&self, time: Duration) {
        let lived = time.min(Duration::from_mins(2));
        let skipped = time.saturating_sub(lived);
        self.clock.skip(skipped.try_into().unwrap());
        self.switch.skip(skipped);
        tokio::time::sleep(lived).await;
    }
}

fn sounds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../freeswitch-conf/sounds")
        .canonicalize()
        .unwrap()
}

fn settings(folder: &Path, switch: &Switch, setup: &Setup) -> Table {
    let path = |name: &str| folder.join(name).display().to_string();
    let inbound = switch.event_socket().expect("it was asked to listen");
    let mut settings: Table = toml::from_str(&format!(
        "exchange = {{ language = \"cs\", timezone = \"Europe/Prague\" }}\n\
         database = {{ url = \"sqlite://{}\" }}\n\
         switch = {{ listen = \"{}\", inbound = \"{inbound}\", password = \"{PASSWORD}\", ring_timeout = \"20s\" }}\n\
         callbacks = {{ ring_timeout = \"20s\", sms_delay = \"60s\" }}\n\
         recordings = {{ dir = \"{}\", min_free = 0 }}\ncdr = {{ dir = \"{}\" }}\nprompts = {{ dir = \"{}\" }}\n\
         sms = {{ spool = {{ dir = \"{}\" }} }}\nweb = {{ listen = \"{}\" }}\n",
        path("ustredna.db"),
        ports::free(),
        path("recordings"),
        path("cdr"),
        sounds().display(),
        path("sms"),
        ports::free(),
    ))
    .unwrap();
    lay_over(&mut settings, toml::from_str(&setup.toml()).unwrap());
    settings
}

/// Keys of `own` replace those of the same name.
fn lay_over(settings: &mut Table, own: Table) {
    for (key, value) in own {
        match (settings.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => lay_over(below, above),
            (_, value) => {
                settings.insert(key, value);
            }
        }
    }
}

/// Every WAV below a folder.
fn wavs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(wavs(&path));
        } else if path.extension().is_some_and(|extension| extension == "wav") {
            found.push(path);
        }
    }
    found
}
