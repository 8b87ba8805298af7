//! Whatever is killed, and whenever: each call has its row, each talk its recording, each missed
//! dealer a ticket and one SMS.

mod answer;
mod crowd;
mod ledger;
mod rolling;
mod stages;

use std::{
    fs::{self, DirEntry},
    time::Duration,
};

use crate::{Scenario, process::wait_for, world::World};

pub(crate) fn all() -> Vec<Scenario> {
    [stages::all(), answer::all(), crowd::all(), rolling::all()].into_iter().flatten().collect()
}

/// What is killed with SIGKILL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Victim {
    Exchange,
    Switch,
    Both,
}

impl Victim {
    const ALL: [Self; 3] = [Self::Exchange, Self::Switch, Self::Both];

    fn has_switch(self) -> bool {
        self != Self::Exchange
    }

    /// Kills it; the world goes on without for a moment.
    fn is_killed_in(self, world: &mut World) {
        // The switch last: the exchange must not see it go.
        if self != Self::Switch {
            world.exchange.process().kill();
        }
        if self.has_switch() {
            world.switch.kill();
        }
    }

    /// Starts it again, as a supervisor of services would.
    fn is_restarted_in(self, world: &mut World) {
        if self != Self::Switch {
            world.exchange.start();
        }
        if self.has_switch() {
            world.restart_switch();
        }
        world.exchange.await_ready();
    }
}

/// How long it may take until everything is known: lost calls are looked for every few seconds,
/// and are over when nothing of them has moved for ten.
const SETTLED_WITHIN: Duration = Duration::from_mins(1);

/// Waits until every call detail record has been taken in, every call has ended and every recording
/// has been looked at.
pub(super) fn await_settled(world: &World, calls: usize) {
    wait_for(SETTLED_WITHIN, "every call has its end and its proof", || {
        let listed = world.exchange.list("calls");
        let ended = listed.iter().all(|call| !call["ended_at"].is_null());
        let proven = || {
            let recordings = world.exchange.list("recordings");
            recordings.iter().all(|recording| recording["verdict"] != "pending")
        };
        let is_record = |entry: &DirEntry| entry.path().extension().is_some_and(|e| e == "json");
        let mut records = fs::read_dir(world.dir().join("cdr")).unwrap().map(Result::unwrap);
        let taken_in = !records.any(|entry| is_record(&entry));
        (listed.len() >= calls && ended && taken_in && proven()).then_some(())
    });
}
