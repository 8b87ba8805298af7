//! Free ports on loopback, for all tests that start an exchange or what it talks to. No other test has
//! them, in this run or in another one on the same machine.

use std::{
    net::{SocketAddr, TcpListener, UdpSocket},
    os::{linux::net::SocketAddrExt as _, unix::net},
    process,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
};

/// Below those that systems give to connections and to whoever binds port 0: one of these could have
/// a port before the program listens there, or between its end and its next start.
const FIRST: u16 = 16_000;
const LAST: u16 = 32_000;
/// So many are claimed together.
const CHUNK: u16 = 20;
const CHUNKS: u16 = (LAST - FIRST) / CHUNK;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// Ports in a row, claimed until this is dropped: other tests find the name taken.
pub(crate) struct Claim {
    pub(crate) begin: u16,
    pub(crate) end: u16,
    _names: Vec<net::UnixListener>,
}

/// Claims so many ports in a row, free ones.
pub(crate) fn claim(count: u16) -> Claim {
    let chunks = count.div_ceil(CHUNK);
    for _ in 0..CHUNKS {
        // Other runs begin elsewhere.
        let start = u16::try_from(process::id().wrapping_mul(37) % u32::from(CHUNKS)).unwrap();
        let chunk = (start + NEXT.fetch_add(chunks, Ordering::Relaxed) % CHUNKS) % CHUNKS;
        if chunk + chunks > CHUNKS {
            continue;
        }
        let Some(names) = (chunk..chunk + chunks).map(name).collect() else { continue };
        let begin = FIRST + chunk * CHUNK;
        let end = begin + chunks * CHUNK;
        if (begin..end).all(is_free) {
            return Claim { begin, end, _names: names };
        }
    }
    panic!("no {count} free ports in a row between {FIRST} and {LAST}");
}

/// A name that one program has, and loses by its end.
fn name(chunk: u16) -> Option<net::UnixListener> {
    let name = net::SocketAddr::from_abstract_name(format!("ustredna-test-ports-{chunk}")).unwrap();
    net::UnixListener::bind_addr(&name).ok()
}

fn is_free(port: u16) -> bool {
    UdpSocket::bind(("127.0.0.1", port)).is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// Claimed by [`free`], and how many of the last ones were given away.
static CLAIMED: Mutex<(Vec<Claim>, u16)> = Mutex::new((Vec::new(), 0));

/// One that is given to nobody else as long as these tests run.
pub(crate) fn free() -> SocketAddr {
    let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
    let (claims, given) = &mut *claimed;
    let port = match claims.last() {
        Some(last) if last.begin + *given < last.end => last.begin + *given,
        Some(_) | None => {
            let claim = claim(1);
            let begin = claim.begin;
            claims.push(claim);
            *given = 0;
            begin
        }
    };
    *given += 1;
    ([127, 0, 0, 1], port).into()
}
