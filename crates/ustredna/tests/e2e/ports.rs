//! A block of free ports a scenario, so that scenarios can run side by side.

use std::sync::atomic::{AtomicU16, Ordering};

use crate::free_ports;

/// A block of ports that nobody used a moment ago.
pub(crate) struct Ports {
    next: AtomicU16,
    end: u16,
}

impl Ports {
    /// Finds `count` ports in a row.
    pub(crate) fn find(count: u16) -> Self {
        let begin = free_ports::row(count);
        Self { next: AtomicU16::new(begin), end: begin + count }
    }

    /// One port.
    pub(crate) fn one(&self) -> u16 {
        self.row(1)
    }

    /// The first of `count` ports in a row; even, as RTP wants it.
    pub(crate) fn row(&self, count: u16) -> u16 {
        let count = count.next_multiple_of(2);
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        assert!(first + count <= self.end, "the scenario needs a larger block of ports");
        first
    }
}
