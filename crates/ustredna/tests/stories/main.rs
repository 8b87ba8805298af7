//! Stories: what people go through with the exchange, told once and played on a simulated
//! FreeSWITCH over real TCP, in virtual time. `tests/e2e` plays the same ones on a real one.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test: what goes wrong ends it, with its reason; what was counted is told"
)]

mod language;
#[path = "../ports/mod.rs"]
mod ports;
mod postgres;
mod simulated;
mod strain;
mod telling;
mod time;

use std::{
    cell::RefCell,
    io,
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use libtest_mimic::{Arguments, Failed, Trial};

use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{LevelFilter, filter_fn},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use language::{Story, Tale, number_in};
use simulated::Simulated;

/// Panics of any task or thread.
static PANICS: AtomicUsize = AtomicUsize::new(0);
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Lines that an operator would see and that hold somebody's number.
static INDISCREET: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Reads the log over the exchange's shoulder.
struct Watch;

impl io::Write for Watch {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        if let Some(number) = number_in(&text) {
            let told = format!("{number} is logged: {text}");
            INDISCREET.lock().unwrap_or_else(PoisonError::into_inner).push(told);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn last_panic() -> String {
    LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// What the watch takes for a number, and what it does not.
fn numbers_in_a_line() -> Result<(), Failed> {
    for line in [
        "INFO call.id=3f2a9c1e-0000-4000-8000-420123456789 ended",
        "WARN only 420123456789 bytes are free",
        "WARN free_bytes=420123456789 days_left=3",
        "{\"free_bytes\":420123456789}",
        "4209998887770 42099988877",
    ] {
        if let Some(number) = number_in(line) {
            return Err(format!("{number} is no number in: {line}").into());
        }
    }
    for line in ["to 420733999111", "gateway/carrier/%2B420733999111", "_out_420733999111_"] {
        if number_in(line).as_deref() != Some("420733999111") {
            return Err(format!("there is a number in: {line}").into());
        }
    }
    Ok(())
}

fn play(tale: &Tale) -> Result<(), Failed> {
    let played = panic::catch_unwind(AssertUnwindSafe(|| {
        let mut stage = Simulated::new(&tale.setup);
        (tale.tell)(&mut Story::new(&mut stage, &tale.setup));
    }));
    played.map_err(|_| PANIC.with(RefCell::take).into())
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // `RUST_LOG=ustredna=debug` shows what the exchange does.
    let shown = fmt::layer().with_test_writer().with_filter(EnvFilter::from_default_env());
    let ours = filter_fn(|event| !event.target().starts_with("fakeswitch"));
    let watched = fmt::layer().with_writer(|| Watch).with_ansi(false);
    let watched = watched.with_filter(ours).with_filter(LevelFilter::INFO);
    tracing_subscriber::registry().with(shown).with(watched).init();
    panic::set_hook(Box::new(|panicked| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        PANIC.with(|text| text.replace(panicked.to_string()));
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panicked.to_string();
    }));
    let stories = telling::all()
        .into_iter()
        .map(|tale| Trial::test(tale.title(), move || play(&tale)))
        .chain([Trial::test("what_looks_like_a_number_is_told_from_one", numbers_in_a_line)])
        .chain(postgres::all())
        .collect();
    let told = libtest_mimic::run(&arguments, stories);
    let alone = Arguments { test_threads: Some(1), ..arguments };
    let borne = libtest_mimic::run(&alone, strain::all());
    let indiscreet = INDISCREET.lock().unwrap_or_else(PoisonError::into_inner);
    indiscreet.iter().for_each(|line| println!("{line}"));
    if told.has_failed() || borne.has_failed() || !indiscreet.is_empty() {
        ExitCode::from(101)
    } else {
        ExitCode::SUCCESS
    }
}
