//! Virtual time that waits for the world outside the runtime.
//!
//! tokio's own paused clock jumps to the next timer whenever the runtime has nothing to do, even
//! while the database's threads work or bytes are under way in a socket. Here the clock moves by one
//! frame of FreeSWITCH (20 ms) each time the runtime has had nothing to do for a moment of real
//! time, and the database is not at work.

use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::Notify,
};

/// By how much the clock moves.
const FRAME: Duration = Duration::from_millis(20);
/// How long the runtime must have been idle: a reply over loopback or from SQLite comes sooner.
const QUIET: Duration = Duration::from_micros(150);
const LOOK_EVERY: Duration = Duration::from_micros(50);

type Busy = Box<dyn Fn() -> bool + Send + Sync>;

/// What is at work for the runtime outside of it. Time stands still meanwhile.
#[derive(Clone, Default)]
pub(crate) struct Outside {
    busy: Arc<Mutex<Option<Busy>>>,
    still: Arc<AtomicBool>,
    slow: Arc<AtomicBool>,
}

impl Outside {
    /// This tells.
    pub(crate) fn told_by(&self, busy: impl Fn() -> bool + Send + Sync + 'static) {
        *self.busy.lock().unwrap() = Some(Box::new(busy));
    }

    /// Lets time stand still while this is done.
    pub(crate) async fn hold<T>(&self, work: impl Future<Output = T>) -> T {
        self.still.store(true, Ordering::Release);
        let done = work.await;
        self.still.store(false, Ordering::Release);
        done
    }

    /// Lets time pass no faster than the real one while this is done: nobody tells when it is at work
    /// outside, and its limits are those of real work.
    pub(crate) async fn slowly<T>(&self, work: impl Future<Output = T>) -> T {
        self.slow.store(true, Ordering::Release);
        let done = work.await;
        self.slow.store(false, Ordering::Release);
        done
    }

    /// How long the runtime must have been idle before the clock moves.
    fn quiet(&self) -> Duration {
        if self.slow.load(Ordering::Acquire) { FRAME } else { QUIET }
    }

    fn is_busy(&self) -> bool {
        self.still.load(Ordering::Acquire)
            || self.busy.lock().unwrap().as_ref().is_some_and(|busy| busy())
    }
}

/// A runtime of one thread whose clock is moved from outside.
pub(crate) struct VirtualTime {
    runtime: Option<Runtime>,
    ended: Arc<AtomicBool>,
    outside: Outside,
}

impl VirtualTime {
    pub(crate) fn new() -> Self {
        let began = real_now();
        // Nanoseconds since `began` at which the runtime became idle; 0: it is at work.
        let idle_since = Arc::new(AtomicU64::new(0));
        let (parks, unparks) = (Arc::clone(&idle_since), Arc::clone(&idle_since));
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .on_thread_park(move || parks.store(nanos(began), Ordering::Release))
            .on_thread_unpark(move || unparks.store(0, Ordering::Release))
            .build()
            .unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let due = Arc::new(Notify::new());
        let outside = Outside::default();
        let (over, tick, others) = (Arc::clone(&ended), Arc::clone(&due), outside.clone());
        // tokio does not move a paused clock by itself as long as a blocking task runs.
        runtime.spawn_blocking(move || {
            while !over.load(Ordering::Acquire) {
                thread::sleep(LOOK_EVERY);
                let since = idle_since.load(Ordering::Acquire);
                let quiet = u64::try_from(others.quiet().as_nanos()).unwrap();
                if since > 0 && nanos(began).saturating_sub(since) >= quiet && !others.is_busy() {
                    // Not again before the runtime has been at work.
                    idle_since.store(0, Ordering::Release);
                    tick.notify_one();
                }
            }
        });
        runtime.spawn(async move {
            loop {
                due.notified().await;
                tokio::time::advance(FRAME).await;
            }
        });
        Self { runtime: Some(runtime), ended, outside }
    }

    pub(crate) fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Runs this to its end; between two runs time stands still.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.as_ref().expect("it is there until dropped").block_on(future)
    }

    /// How many tasks are alive, its own not counted.
    pub(crate) fn tasks(&self) -> usize {
        let runtime = self.runtime.as_ref().expect("it is there until dropped");
        runtime.metrics().num_alive_tasks().saturating_sub(1)
    }
}

impl Drop for VirtualTime {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }
}

fn nanos(since: Instant) -> u64 {
    // Never 0, which stands for "at work".
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
}

#[expect(clippy::disallowed_methods, reason = "virtual time is moved by the real one")]
pub(crate) fn real_now() -> Instant {
    Instant::now()
}
