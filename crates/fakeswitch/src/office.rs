//! What all legs and connections of a switch share.

use std::{
    collections::HashMap,
    future::Future,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use tokio::{
    sync::{Notify, mpsc::UnboundedSender, watch},
    task::JoinSet,
};
use uuid::Uuid;

use crate::{
    Callee, Config, Phone, Rung,
    clock::Clock,
    faults::Faults,
    leg::{Direction, Leg},
};

mod audience;
mod connection;

use audience::Listeners;
pub(crate) use connection::Connection;

/// How the switch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// Calls come in.
    Running,
    /// No more do; the event socket is closed.
    Closing,
    /// `fsctl shutdown`: legs are hung up, connections end.
    Stopped,
}

/// Who answers at a number.
#[derive(Debug, Clone)]
pub(crate) enum Line {
    Callee(Callee),
    /// Somebody who takes the phones themselves.
    Attended(UnboundedSender<Phone>),
}

#[derive(Debug)]
pub(crate) struct Office {
    pub(crate) core: Uuid,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
    pub(crate) event_socket: Option<SocketAddr>,
    controllers: Mutex<Vec<SocketAddr>>,
    faults: Mutex<Faults>,
    lines: Mutex<HashMap<String, Line>>,
    rung: Mutex<Vec<Rung>>,
    legs: Mutex<HashMap<Uuid, Arc<Leg>>>,
    listeners: Mutex<Listeners>,
    events: AtomicU64,
    sessions: AtomicU64,
    rate: Mutex<Rate>,
    connections: AtomicUsize,
    tasks: Mutex<JoinSet<()>>,
    life: watch::Sender<Life>,
    /// A leg or a connection has gone.
    pub(crate) gone: Notify,
}

/// What a second has left of `sessions-per-second`.
#[derive(Debug, Default)]
struct Rate {
    second: u64,
    begun: u32,
}

impl Office {
    pub(crate) fn new(config: Config, clock: Clock, event_socket: Option<SocketAddr>) -> Self {
        Self {
            core: Uuid::new_v4(),
            clock,
            event_socket,
            controllers: Mutex::new(config.controllers.clone()),
            faults: Mutex::new(config.faults.clone()),
            config,
            lines: Mutex::default(),
            rung: Mutex::default(),
            legs: Mutex::default(),
            listeners: Mutex::default(),
            events: AtomicU64::new(1),
            sessions: AtomicU64::new(1),
            rate: Mutex::default(),
            connections: AtomicUsize::new(0),
            tasks: Mutex::new(JoinSet::new()),
            life: watch::channel(Life::Running).0,
            gone: Notify::new(),
        }
    }

    /// Runs a task that [`Self::abort`] ends.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    pub(crate) fn life(&self) -> watch::Receiver<Life> {
        self.life.subscribe()
    }

    pub(crate) fn end_listening(&self) {
        self.life.send_if_modified(|life| {
            let runs = *life == Life::Running;
            if runs {
                *life = Life::Closing;
            }
            runs
        });
    }

    pub(crate) fn end(&self) {
        self.life.send_replace(Life::Stopped);
    }

    pub(crate) fn is_running(&self) -> bool {
        *self.life.borrow() == Life::Running
    }

    pub(crate) fn abort(&self) {
        // First, so that the tasks' ends find nothing to break off.
        lock(&self.legs).clear();
        lock(&self.tasks).abort_all();
        *lock(&self.listeners) = Listeners::default();
        self.connections.store(0, Ordering::Relaxed);
        self.gone.notify_waiters();
    }

    pub(crate) fn controllers(&self) -> Vec<SocketAddr> {
        lock(&self.controllers).clone()
    }

    pub(crate) fn set_controllers(&self, controllers: Vec<SocketAddr>) {
        *lock(&self.controllers) = controllers;
    }

    pub(crate) fn faults(&self) -> Faults {
        lock(&self.faults).clone()
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        *lock(&self.faults) = faults;
    }

    pub(crate) fn set_line(&self, number: &str, line: Line) {
        lock(&self.lines).insert(number.to_owned(), line);
    }

    pub(crate) fn clear_lines(&self) {
        lock(&self.lines).clear();
    }

    pub(crate) fn line(&self, number: &str) -> Option<Line> {
        lock(&self.lines).get(number).cloned()
    }

    pub(crate) fn rung(&self) -> Vec<Rung> {
        lock(&self.rung).clone()
    }

    pub(crate) fn ring(&self, rung: Rung) {
        lock(&self.rung).push(rung);
    }

    pub(crate) fn next_session(&self) -> u64 {
        self.sessions.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn sessions(&self) -> u64 {
        self.sessions.load(Ordering::Relaxed) - 1
    }

    /// Whether one more leg may begin (`switch_core_session_request_uuid`). Those that are refused
    /// count for the second's rate as well.
    pub(crate) fn admits(&self, direction: Direction) -> bool {
        let legs = lock(&self.legs).len();
        let most = self.config.max_sessions.unwrap_or(usize::MAX);
        // Before a caller's session is asked for (sofia.c).
        if direction == Direction::Inbound && legs >= most {
            return false;
        }
        if let Some(most) = self.config.sessions_per_second {
            let second = self.clock.uptime().as_secs();
            let mut rate = lock(&self.rate);
            if rate.second != second {
                *rate = Rate { second, begun: 0 };
            }
            rate.begun = rate.begun.saturating_add(1);
            if rate.begun >= most {
                return false;
            }
        }
        match direction {
            // Here the new session is among those counted.
            Direction::Inbound => legs + 1 < most,
            Direction::Outbound => legs < most,
        }
    }

    pub(crate) fn enter(&self, leg: &Arc<Leg>) {
        lock(&self.legs).insert(leg.uuid, Arc::clone(leg));
    }

    /// Whether it was there.
    pub(crate) fn leave(&self, leg: Uuid) -> bool {
        let left = lock(&self.legs).remove(&leg);
        self.gone.notify_waiters();
        left.is_some()
    }

    pub(crate) fn leg(&self, uuid: &str) -> Option<Arc<Leg>> {
        let uuid = Uuid::parse_str(uuid).ok()?;
        lock(&self.legs).get(&uuid).cloned()
    }

    pub(crate) fn legs(&self) -> Vec<Arc<Leg>> {
        lock(&self.legs).values().cloned().collect()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// The file and the function that fire an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin(pub(crate) &'static str, pub(crate) &'static str);

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
