//! Free ports on loopback, a block a scenario, so that scenarios can run side by side.

use std::{
    net::{TcpListener, UdpSocket},
    process,
    sync::atomic::{AtomicU16, Ordering},
};

/// Where blocks are taken from: below the ports that Linux gives to outgoing connections.
const FIRST: u16 = 16_000;
const LAST: u16 = 32_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A block of ports that nobody used a moment ago.
pub(crate) struct Ports {
    next: AtomicU16,
    end: u16,
}

impl Ports {
    /// Finds `count` ports in a row.
    pub(crate) fn find(count: u16) -> Self {
        // Two runs of the suite at once begin at different places.
        let _ = NEXT.compare_exchange(
            0,
            FIRST + u16::try_from(process::id() % 70).unwrap() * 200,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        for _ in 0..500 {
            let mut begin = NEXT.fetch_add(count, Ordering::Relaxed);
            if begin.saturating_add(count) > LAST {
                NEXT.store(FIRST + count, Ordering::Relaxed);
                begin = FIRST;
            }
            if (begin..begin + count).all(is_free) {
                return Self { next: AtomicU16::new(begin), end: begin + count };
            }
        }
        panic!("no {count} free ports in a row between {FIRST} and {LAST}");
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

fn is_free(port: u16) -> bool {
    UdpSocket::bind(("127.0.0.1", port)).is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok()
}
