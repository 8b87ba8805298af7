//! A block of free ports a scenario, so that scenarios can run side by side.

use std::sync::atomic::{AtomicU16, Ordering};

use crate::free_ports::{Claim, claim};

/// A block of ports that nobody used a moment ago, and that is this scenario's to its end: most of
/// them are used late, by phones and talks.
pub(crate) struct Ports {
    claim: Claim,
    next: AtomicU16,
}

impl Ports {
    /// Finds `count` ports in a row.
    pub(crate) fn find(count: u16) -> Self {
        let claim = claim(count);
        Self { next: AtomicU16::new(claim.begin), claim }
    }

    /// One port.
    pub(crate) fn one(&self) -> u16 {
        self.row(1)
    }

    /// The first of `count` ports in a row; even, as RTP wants it.
    pub(crate) fn row(&self, count: u16) -> u16 {
        let count = count.next_multiple_of(2);
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        assert!(first + count <= self.claim.end, "the scenario needs a larger block of ports");
        first
    }
}
