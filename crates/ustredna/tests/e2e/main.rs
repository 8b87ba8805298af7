//! End-to-end tests: the built `ustredna` behind a real FreeSWITCH with the project's own
//! configuration; SIPp plays shoppers and dealers with real RTP and real keys.
//!
//! The stories of `tests/stories` are played here too, and come to the same; beside them are
//! scenarios about what the simulated switch does not have: SIP messages, processes, ports.
//!
//! Without `freeswitch` or `sipp` on PATH every scenario is reported as ignored, and why; with
//! `USTREDNA_E2E_REQUIRED=1` that is a failure.
//! `USTREDNA_E2E_MEASURE=1` adds the scenario that measures.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test: what goes wrong ends it, with its reason"
)]

mod audio;
mod clock;
mod database;
mod disk;
mod ear;
mod exchange;
#[path = "../ports/mod.rs"]
mod free_ports;
#[path = "../stories/language.rs"]
mod language;
mod phone;
mod phrases;
mod ports;
mod postgres;
mod process;
mod recorded;
mod scenarios;
mod sip_trace;
mod stage;
mod switch;
#[path = "../stories/telling.rs"]
mod telling;
mod world;

use std::{
    cell::RefCell,
    env, fs,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
};

use libtest_mimic::{Arguments, Failed, Trial};

use language::{Setup, Stages, Story, Tale};
use stage::RealStage;
use world::World;

/// A scenario: what it needs, and what happens.
struct Scenario {
    name: String,
    setup: Setup,
    build: Box<dyn Fn(&Setup) -> World + Send>,
    run: Box<dyn Fn(&mut World) + Send>,
    /// What this machine lacks for it.
    lacks: Option<String>,
}

impl Scenario {
    fn new(name: impl Into<String>, run: impl Fn(&mut World) + Send + 'static) -> Self {
        Self::with(name, Setup::default(), run)
    }

    fn with(
        name: impl Into<String>,
        setup: Setup,
        run: impl Fn(&mut World) + Send + 'static,
    ) -> Self {
        let (build, run) = (Box::new(World::new), Box::new(run));
        Self { name: name.into(), setup, build, run, lacks: None }
    }

    /// In a world of this kind.
    fn in_world(mut self, build: impl Fn(&Setup) -> World + Send + 'static) -> Self {
        self.build = Box::new(build);
        self
    }

    /// Skipped where something is missing, which is told.
    fn unless(mut self, lacks: Option<String>) -> Self {
        self.lacks = lacks;
        self
    }

    fn into_trial(self) -> Trial {
        let Self { name, setup, build, run, lacks } = self;
        if let Some(reason) = &lacks {
            eprintln!("{name} skipped: {reason}");
        }
        Trial::test(name, move || play(build, &setup, run)).with_ignored_flag(lacks.is_some())
    }
}

/// A story as a trial. One for the simulator alone is listed as ignored.
fn story(tale: Tale) -> Trial {
    let title = tale.title();
    let Tale { setup, stages, tell, .. } = tale;
    let is_played = matches!(stages, Stages::Both);
    let run = move |setup: &Setup| {
        play(World::new, setup, |world| {
            tell(&mut Story::new(&mut RealStage::new(world, setup), setup));
        })
    };
    Trial::test(title, move || run(&setup)).with_kind("story").with_ignored_flag(!is_played)
}

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs a scenario in a world of its own; whatever happens, the world ends with it.
fn play(
    build: impl Fn(&Setup) -> World,
    setup: &Setup,
    run: impl Fn(&mut World),
) -> Result<(), Failed> {
    let caught = |run: &mut dyn FnMut()| {
        panic::catch_unwind(AssertUnwindSafe(run)).map_err(|_| PANIC.with(RefCell::take))
    };
    let mut world = None;
    caught(&mut || world = Some(build(setup)))?;
    let Some(mut world) = world else { return Err("no world".into()) };
    caught(&mut || {
        world.await_ready(setup);
        run(&mut world);
        world.assert_discreet();
    })
    .map_err(|failure| format!("{failure}\n{}\n===== again: {failure}", world.report()).into())
}

/// Why nothing can be tested here, if so.
fn missing() -> Option<String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &str| env::split_paths(&path).any(|dir| dir.join(name).is_file());
    for (program, package) in
        [("freeswitch", "FreeSWITCH 1.10 or later"), ("sipp", "Debian: sip-tester")]
    {
        if !is_there(program) {
            return Some(format!("`{program}` is not on PATH ({package})"));
        }
    }
    // SIPp sends its media through raw sockets: capability CAP_NET_RAW, bit 13.
    let status = fs::read_to_string(PathBuf::from("/proc/self/status")).unwrap_or_default();
    let bits = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let bits = bits.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or_default();
    (bits & (1 << 13) == 0).then(|| "SIPp needs raw sockets for its media: run as root".to_owned())
}

fn main() {
    let mut arguments = Arguments::from_args();
    // More at once than the machine carries, and speech is late; a scenario takes a processor for little
    // more than a second, and waits for ten times as long.
    arguments.test_threads.get_or_insert(12);
    let stories = telling::all().into_iter().map(story);
    let scenarios = scenarios::all().into_iter().map(Scenario::into_trial);
    // The stories are short, and fill the time until the last scenario has ended.
    let mut trials: Vec<Trial> = scenarios.chain(stories).chain(scenarios::measure()).collect();
    if let Some(reason) = missing() {
        if env::var_os("USTREDNA_E2E_REQUIRED").is_some() {
            eprintln!("error: USTREDNA_E2E_REQUIRED is set, and {reason}");
            std::process::exit(1);
        }
        eprintln!("end-to-end tests skipped: {reason}");
        trials = trials.into_iter().map(|trial| trial.with_ignored_flag(true)).collect();
        arguments.ignored = false;
        arguments.include_ignored = false;
    }
    panic::set_hook(Box::new(|panicked| {
        PANIC.with(|text| text.replace(panicked.to_string()));
    }));
    libtest_mimic::run(&arguments, trials).exit();
}
