//! Who gets an event, and what each event begins with.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use uuid::Uuid;

use super::{Office, Origin, lock};
use crate::{clock, event::Event, listener::Listener};

/// Those with `myevents` by their channel, so that an event of one call does not ask all others.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    own: HashMap<Uuid, Vec<Arc<Listener>>>,
    all: Vec<Arc<Listener>>,
}

impl Office {
    /// After each change of what a listener wants.
    pub(crate) fn enlist(&self, listener: &Arc<Listener>) {
        self.withdraw(listener);
        let (enabled, own) = {
            let subscription = listener.subscription();
            (subscription.is_enabled(), subscription.own)
        };
        if !enabled {
            return;
        }
        let mut listeners = lock(&self.listeners);
        match listener.leg() {
            Some(leg) if own => listeners.own.entry(leg).or_default().push(Arc::clone(listener)),
            Some(_) | None => listeners.all.push(Arc::clone(listener)),
        }
    }

    pub(super) fn withdraw(&self, listener: &Arc<Listener>) {
        let mut listeners = lock(&self.listeners);
        listeners.all.retain(|known| !Arc::ptr_eq(known, listener));
        if let Some(leg) = listener.leg()
            && let Some(own) = listeners.own.get_mut(&leg)
        {
            own.retain(|known| !Arc::ptr_eq(known, listener));
            if own.is_empty() {
                listeners.own.remove(&leg);
            }
        }
    }

    /// Who wants such an event; asked before it is put together, since most are read by nobody.
    pub(crate) fn audience(&self, name: &str, leg: Option<Uuid>) -> Vec<Arc<Listener>> {
        let listeners = lock(&self.listeners);
        let own = leg.and_then(|leg| listeners.own.get(&leg)).map_or(&[][..], Vec::as_slice);
        own.iter()
            .chain(&listeners.all)
            .filter(|listener| listener.wants(name, leg))
            // A channel is destroyed when its own controller's connection has let go of it.
            .filter(|listener| name != "CHANNEL_DESTROY" || listener.leg() != leg)
            .cloned()
            .collect()
    }

    /// An event with the core's headers (`switch_event_prep_for_delivery_detailed`).
    pub(crate) fn event(&self, name: &'static str, origin: Origin) -> Event {
        let micros = self.clock.micros();
        let mut event = Event::new(name);
        let headers = &mut event.headers;
        headers.add("Event-Name", name);
        headers.add_shown("Core-UUID", self.core);
        headers.add("FreeSWITCH-Hostname", "fakeswitch");
        headers.add("FreeSWITCH-Switchname", "fakeswitch");
        headers.add("FreeSWITCH-IPv4", "127.0.0.1");
        headers.add("FreeSWITCH-IPv6", "::1");
        headers.add("Event-Date-Local", &clock::local(micros));
        headers.add("Event-Date-GMT", &clock::gmt(micros));
        headers.add_shown("Event-Date-Timestamp", micros);
        headers.add("Event-Calling-File", origin.0);
        headers.add("Event-Calling-Function", origin.1);
        headers.add("Event-Calling-Line-Number", "1");
        headers.add_shown("Event-Sequence", self.events.fetch_add(1, Ordering::Relaxed));
        event
    }
}
