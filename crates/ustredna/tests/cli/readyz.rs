//! What a running exchange says of itself, beside a FreeSWITCH that is set up wrongly.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::{
    ports,
    switch::{Mistake, NO_START, PASSWORD, Switch, mistakes, ready, today},
    world::{Done, World, done},
};

/// It starts, looks at FreeSWITCH and compares, while others do so too; well below the half minute
/// between two comparisons.
const SOON: Duration = Duration::from_secs(25);

/// What must last for a quarter of a minute before it is told.
const LATE: Duration = Duration::from_mins(1);

/// A running exchange.
pub(crate) struct Serve {
    pub(crate) process: Child,
    web: SocketAddr,
    pub(crate) world: World,
    /// Its settings, as it got them from the environment.
    settings: Vec<(&'static str, String)>,
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Since the epoch.
pub(crate) fn now() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap()
}

impl Serve {
    /// With a FreeSWITCH that hands it its calls, unless it says otherwise.
    pub(crate) fn beside(
        switch: &Arc<Mutex<Switch>>,
        setting: Option<(&'static str, &str)>,
    ) -> Self {
        Self::planted(switch, setting, None)
    }

    fn planted(
        switch: &Arc<Mutex<Switch>>,
        setting: Option<(&'static str, &str)>,
        plant: Option<fn(&Path)>,
    ) -> Self {
        let (world, web, controller) = (ready(), ports::free(), ports::free().to_string());
        switch.lock().unwrap().0.push(("global_getvar controllers", controller.clone()));
        let mut settings = vec![
            ("USTREDNA_WEB__LISTEN", web.to_string()),
            ("USTREDNA_SWITCH__LISTEN", controller),
            ("USTREDNA_SWITCH__INBOUND", Switch::start_changing(switch)),
            ("USTREDNA_SWITCH__PASSWORD", PASSWORD.to_owned()),
        ];
        settings.extend(setting.map(|(name, value)| (name, value.to_owned())));
        if let Some(plant) = plant {
            plant(&world.path(""));
        }
        let mut command = world.command(&["serve"]);
        command.envs(settings.clone()).stdout(Stdio::null()).stderr(Stdio::piped());
        Self { process: command.spawn().unwrap(), web, world, settings }
    }

    /// What a command with the same settings leaves behind, and how long it takes.
    pub(crate) fn beside_it(&self, arguments: &[&str]) -> (Done, Duration) {
        let began = now();
        let done = self.beside_it_with(arguments, &[]);
        (done, now().saturating_sub(began))
    }

    /// The same with some other settings.
    pub(crate) fn beside_it_with(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Done {
        let mut command = self.world.command(arguments);
        command.envs(self.settings.clone()).envs(settings.iter().copied());
        done(command)
    }

    /// The status of `/readyz` and what it says; `None`: nobody answers.
    pub(crate) fn readyz(&self) -> Option<(String, Value)> {
        self.page("/readyz")
    }

    /// The same of another page.
    pub(crate) fn page(&self, path: &str) -> Option<(String, Value)> {
        let mut stream = TcpStream::connect(self.web).ok()?;
        stream.set_read_timeout(Some(SOON)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1).unwrap().to_owned();
        Some((status, serde_json::from_str(body).unwrap()))
    }

    #[track_caller]
    pub(crate) fn comes_to(&self, status: &str, says: &str) {
        self.comes_within(SOON, status, says);
    }

    #[track_caller]
    fn comes_within(&self, time: Duration, status: &str, says: &str) {
        let end = now() + time;
        loop {
            let told = self.readyz();
            if let Some((code, body)) = &told
                && code == status
                && body.to_string().contains(says)
            {
                assert!(!body.to_string().contains("hunter2"), "{body}");
                return;
            }
            assert!(now() < end, "{status} {says:?} is expected: {told:?}");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Ready now, and after it has had the time to look around.
    #[track_caller]
    fn stays_ready(&self) {
        self.comes_to("200", "\"switch\":null");
        for _ in 0..50 {
            let (status, body) = self.readyz().unwrap();
            assert_eq!(status, "200", "{body}");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// It ends by itself; what it says.
    fn ends(mut self) -> String {
        let mut told = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        assert_eq!(self.process.wait().unwrap().code(), Some(1), "{told}");
        told
    }
}

/// All that `check` fails for and a running exchange can know of.
#[test]
fn every_planted_mistake_makes_it_unready() {
    let waiting = Mutex::new(mistakes());
    let next = || waiting.lock().unwrap().pop();
    thread::scope(|scope| {
        // Not thirty of them at once.
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(Mistake { switch, setting, plant, readyz, .. }) = next() {
                    let switch = Arc::new(Mutex::new(switch));
                    let serve = Serve::planted(&switch, setting, plant);
                    match readyz {
                        NO_START => {
                            let told = serve.ends();
                            assert!(told.contains("database.url"), "{told}");
                        }
                        told => serve.comes_within(LATE, "503", told),
                    }
                }
            });
        }
    });
}

/// The disk of a day is back, and so is the exchange, without a restart.
#[test]
fn a_day_whose_folder_is_put_right_is_recorded_again() {
    let serve = Serve::beside(&Arc::new(Mutex::new(Switch::default())), None);
    serve.comes_to("200", "\"recordings\":null");
    let day = today(&serve.world.path(""), 2);
    std::fs::write(&day, "").unwrap();
    serve.comes_to("503", "is in the way of the folder for recordings");
    std::fs::remove_file(&day).unwrap();
    serve.comes_to("200", "\"recordings\":null");
    assert!(!day.exists(), "who only looks makes nothing");
}

/// A FreeSWITCH that is started again with other settings is compared at once, not half a minute
/// later.
#[test]
fn it_is_ready_beside_a_good_switch_only() {
    let switch = Arc::new(Mutex::new(Switch::default()));
    let serve = Serve::beside(&switch, None);
    serve.stays_ready();
    // A prompt that is missing ends no call, and is told.
    std::fs::remove_file(serve.world.path("freeswitch-conf/sounds/cs/goodbye.wav")).unwrap();
    serve.comes_to("200", "cs/goodbye.wav");
    let good = switch.lock().unwrap().clone();
    *switch.lock().unwrap() = good.clone().with("module_exists mod_spandsp", "false");
    let began = now();
    serve.comes_to("503", "modules: not loaded: mod_spandsp");
    *switch.lock().unwrap() = good;
    serve.comes_to("200", "\"switch\":null");
    assert!(now() < began + Duration::from_secs(20), "not at once");
}
