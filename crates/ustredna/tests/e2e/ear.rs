//! The ear of a phone: the socket to which the exchange sends its RTP.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    audio::{ALAW_PAYLOAD, KEY_PAYLOAD, ULAW_PAYLOAD, decoded, tones_of},
    language::files::share_of,
    process::now,
};

/// Packets, when they came and from which port.
type Packets = Vec<(Instant, u16, Vec<u8>)>;

/// Listens until dropped. A clone hears the same.
#[derive(Clone)]
pub(crate) struct Ear {
    heard: Arc<Mutex<Packets>>,
    socket: Arc<UdpSocket>,
    _listener: Arc<Listener>,
}

struct Listener {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ear {
    pub(crate) fn listen(port: u16) -> Self {
        Self::listen_at((Ipv4Addr::LOCALHOST, port).into())
    }

    /// At an address of its own, as a stranger has it.
    pub(crate) fn listen_at(address: SocketAddr) -> Self {
        let socket = Arc::new(UdpSocket::bind(address).unwrap());
        let own = Arc::clone(&socket);
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (to, until) = (Arc::clone(&heard), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let mut buffer = [0; 2000];
            while !until.load(Ordering::Relaxed) {
                match socket.recv_from(&mut buffer) {
                    Ok((length, from)) => {
                        let packet = buffer[..length].to_vec();
                        to.lock().unwrap().push((now(), from.port(), packet));
                    }
                    Err(error)
                        if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                    Err(_) => return,
                }
            }
        });
        Self { heard, socket: own, _listener: Arc::new(Listener { stop, thread: Some(thread) }) }
    }

    /// Sends a packet from where it listens.
    pub(crate) fn send(&self, packet: &[u8], to: SocketAddr) {
        // Nobody may be there any more, which the next call of this socket is told.
        drop(self.socket.send_to(packet, to));
    }

    /// How many packets of sound came from `since` on.
    pub(crate) fn packets(&self, since: Instant) -> usize {
        self.sound().iter().filter(|(at, ..)| *at >= since).count()
    }

    /// Packets of sound, by their payload types, with when they came.
    fn sound(&self) -> Vec<(Instant, Vec<i16>)> {
        let mut sound: Vec<_> = [ALAW_PAYLOAD, ULAW_PAYLOAD]
            .into_iter()
            .flat_map(|kind| {
                let decode = move |(at, _, packet): (Instant, u16, Vec<u8>)| {
                    (at, packet[8..].iter().map(|byte| decoded(kind, *byte)).collect())
                };
                self.payloads(kind).into_iter().map(decode)
            })
            .collect();
        sound.sort_by_key(|(at, _)| *at);
        sound
    }

    /// RTP payloads of one type, with when they came.
    fn payloads(&self, payload_type: u8) -> Packets {
        let heard = self.heard.lock().unwrap();
        let payload = |(at, from, packet): &(Instant, u16, Vec<u8>)| {
            (packet.len() > 12 && packet[1] & 0x7F == payload_type)
                .then(|| (*at, *from, packet[4..].to_vec()))
        };
        heard.iter().filter_map(payload).collect()
    }

    /// All speech so far, in A-law; from one port, or from all.
    pub(crate) fn speech(&self, port: Option<u16>) -> Vec<u8> {
        let is_meant = |from: u16| port.is_none_or(|port| port == from);
        let payloads = self.payloads(8).into_iter().filter(|(_, from, _)| is_meant(*from));
        payloads.flat_map(|(.., packet)| packet[8..].to_vec()).collect()
    }

    /// The keys that were pressed at the other end (RFC 4733), one a time stamp; from one port, or
    /// from all.
    pub(crate) fn keys(&self, port: Option<u16>) -> String {
        self.events(port).into_iter().map(|(_, key)| key).collect()
    }

    /// The same, each with when it began.
    pub(crate) fn events(&self, port: Option<u16>) -> Vec<(Instant, char)> {
        let mut keys = Vec::new();
        let mut last = None;
        for (at, from, packet) in self.payloads(KEY_PAYLOAD) {
            if port.is_some_and(|port| port != from) {
                continue;
            }
            let stamp = packet[..4].to_vec();
            if last.as_ref() != Some(&stamp) {
                let key = match packet[8] {
                    10 => '*',
                    11 => '#',
                    digit => char::from(b'0' + digit.min(9)),
                };
                keys.push((at, key));
                last = Some(stamp);
            }
        }
        keys
    }

    /// The keys that were heard in tones, one for each time they sounded.
    pub(crate) fn tones(&self, since: Instant) -> String {
        let mut keys = String::new();
        let mut last = None;
        for (_, samples) in self.sound().into_iter().filter(|(at, _)| *at >= since) {
            let sounds = |key: &char| {
                let (low, high) = tones_of(*key);
                share_of(&samples, low) > 0.25 && share_of(&samples, high) > 0.25
            };
            let loud = samples.iter().any(|sample| sample.unsigned_abs() > 1000);
            let key = "123456789*0#".chars().filter(|_| loud).find(sounds);
            if key != last {
                keys.extend(key);
            }
            last = key;
        }
        keys
    }

    /// For how many seconds a tone was heard from `since` on.
    pub(crate) fn seconds_of(&self, hz: u32, since: Instant) -> f64 {
        self.seconds_where(since, |samples| share_of(samples, hz) > 0.8)
    }

    /// For how many seconds anything was heard from `since` on.
    pub(crate) fn seconds_of_sound(&self, since: Instant) -> f64 {
        self.seconds_where(since, |_| true)
    }

    /// How many seconds of packets came from `since` on, silent ones too.
    pub(crate) fn seconds_of_all(&self, since: Instant) -> f64 {
        let packets = self.sound().into_iter().filter(|(at, _)| *at >= since);
        packets.map(|(_, samples)| f64::from(u32::try_from(samples.len()).unwrap()) / 8000.0).sum()
    }

    fn seconds_where(&self, since: Instant, accepts: impl Fn(&[i16]) -> bool) -> f64 {
        let packets = self.sound().into_iter().filter(|(at, _)| *at >= since);
        packets
            .filter(|(_, samples)| samples.iter().any(|sample| sample.unsigned_abs() > 2000))
            .filter(|(_, samples)| accepts(samples))
            .map(|(_, samples)| f64::from(u32::try_from(samples.len()).unwrap()) / 8000.0)
            .sum()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the listener has been printed; here nothing more can be done.
            drop(thread.join());
        }
    }
}
