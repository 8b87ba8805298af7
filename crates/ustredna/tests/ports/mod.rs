//! Free ports on loopback, for all tests that start an exchange or what it talks to.
//!
//! They are below those that Linux gives to connections and to who asks for port 0: what is found here is
//! not taken by somebody who connects before the exchange listens, nor between a kill and the next start.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    process,
    sync::atomic::{AtomicU16, Ordering},
};

const FIRST: u16 = 16_000;
const LAST: u16 = 32_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// The first of so many ports in a row that nobody used a moment ago. Each caller in this process gets
/// others.
pub(crate) fn row(count: u16) -> u16 {
    // Two runs at once begin at different places.
    let begin = FIRST + u16::try_from(process::id() % 70).unwrap() * 200;
    let _ = NEXT.compare_exchange(0, begin, Ordering::Relaxed, Ordering::Relaxed);
    for _ in 0..LAST - FIRST {
        let mut begin = NEXT.fetch_add(count, Ordering::Relaxed);
        if begin.saturating_add(count) > LAST {
            NEXT.store(FIRST + count, Ordering::Relaxed);
            begin = FIRST;
        }
        if (begin..begin + count).all(is_free) {
            return begin;
        }
    }
    panic!("no {count} free ports in a row between {FIRST} and {LAST}");
}

/// One of them.
pub(crate) fn free() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, row(1)).into()
}

fn is_free(port: u16) -> bool {
    let at = (Ipv4Addr::LOCALHOST, port);
    UdpSocket::bind(at).is_ok() && TcpListener::bind(at).is_ok()
}
