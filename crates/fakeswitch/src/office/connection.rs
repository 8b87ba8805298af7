//! How many connections there are.

use std::sync::{Arc, atomic::Ordering};

use super::Office;
use crate::listener::Listener;

/// A connection of an event socket, counted for as long as it is kept. A task that panics lets go of
/// it as well, so that nobody waits for a connection that is gone.
#[derive(Debug)]
pub(crate) struct Connection {
    office: Arc<Office>,
    listener: Option<Arc<Listener>>,
}

impl Connection {
    pub(crate) fn begun(office: &Arc<Office>) -> Self {
        office.connections.fetch_add(1, Ordering::Relaxed);
        Self { office: Arc::clone(office), listener: None }
    }

    /// Whom events reach until it ends.
    pub(crate) fn serves(&mut self, listener: &Arc<Listener>) {
        self.listener = Some(Arc::clone(listener));
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(listener) = &self.listener {
            self.office.withdraw(listener);
        }
        // After a kill none is counted any more.
        let less = |count: usize| count.checked_sub(1);
        let _ = self.office.connections.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        self.office.gone.notify_waiters();
    }
}
