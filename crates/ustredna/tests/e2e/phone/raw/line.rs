//! A phone's sound: what it says and hears, and from where.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{loopback, number};
use crate::{
    audio::{Media, Piece},
    ear::Ear,
    ports::Ports,
    process::now,
};

/// See the module. Says nothing until it is told to; falls silent when dropped.
pub(crate) struct Line {
    ear: Ear,
    address: SocketAddr,
    mouth: Arc<Mutex<Mouth>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What is to be said.
struct Mouth {
    media: Media,
    to: SocketAddr,
    /// The tone and how many ms of it are in a packet.
    tone: Option<(u32, u32)>,
    /// One of so many packets gets lost; 0: none.
    lost: usize,
    sung: usize,
    /// Keys, with when each of their packets is due.
    keys: VecDeque<(Instant, Vec<u8>)>,
    /// No sound meanwhile, as on a real phone.
    busy_until: Instant,
    next: Instant,
    begins: bool,
}

impl Line {
    /// On a port of its own.
    pub(crate) fn at(ip: IpAddr, ports: &Ports) -> Self {
        let address = SocketAddr::new(ip, ports.row(2));
        let ear = Ear::listen_at(address);
        let mouth = Arc::new(Mutex::new(Mouth {
            media: Media::new(0x5241_0000 + number()),
            to: loopback(1, 9),
            tone: None,
            lost: 0,
            sung: 0,
            keys: VecDeque::new(),
            busy_until: now(),
            next: now(),
            begins: true,
        }));
        let stop = Arc::<AtomicBool>::default();
        let (speaker, speech, until) = (ear.clone(), Arc::clone(&mouth), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                let (due, to) = speech.lock().unwrap().due(now());
                for packet in due {
                    speaker.send(&packet, to);
                }
                thread::sleep(Duration::from_millis(2));
            }
        });
        Self { ear, address, mouth, stop, thread: Some(thread) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn ear(&self) -> &Ear {
        &self.ear
    }

    /// Where its sound goes.
    pub(crate) fn to(&self) -> SocketAddr {
        self.mouth.lock().unwrap().to
    }

    /// From now on its sound goes there.
    pub(crate) fn speaks_to(&self, to: SocketAddr) {
        self.mouth.lock().unwrap().to = to;
    }

    /// Sings from now on.
    pub(crate) fn sings(&self, hz: u32) {
        self.sings_in(hz, 20);
    }

    /// Sings from now on, so many ms in a packet.
    pub(crate) fn sings_in(&self, hz: u32, ms: u32) {
        let mut mouth = self.mouth.lock().unwrap();
        (mouth.tone, mouth.next, mouth.begins) = (Some((hz, ms)), now(), true);
    }

    /// Sends nothing from now on, but keys.
    pub(crate) fn falls_silent(&self) {
        self.mouth.lock().unwrap().tone = None;
    }

    /// From now on one of so many of its packets gets lost.
    pub(crate) fn loses_one_of(&self, packets: usize) {
        self.mouth.lock().unwrap().lost = packets;
    }

    /// Sings another tone, so many ms in a packet, in the same stream: as when a switch puts a call through.
    pub(crate) fn goes_on_in(&self, hz: u32, ms: u32) {
        self.mouth.lock().unwrap().tone = Some((hz, ms));
    }

    /// From now on it speaks by this payload type.
    pub(crate) fn speaks(&self, payload_type: u8) {
        self.mouth.lock().unwrap().media.payload_type = payload_type;
    }

    /// Presses keys; goes on at once. They take 180 ms each.
    pub(crate) fn keys(&self, keys: &str) {
        self.presses(keys, 5, false);
    }

    /// Sends keys in one go, as a memory key does, or a network that was held up.
    pub(crate) fn bursts(&self, keys: &str) {
        self.presses(keys, 5, true);
    }

    /// Holds a key down for so many ms; goes on at once.
    pub(crate) fn holds(&self, key: &str, ms: u16) {
        self.presses(key, ms / 20, false);
    }

    /// Presses keys that sound as tones; goes on at once. They take 180 ms each.
    pub(crate) fn tones(&self, keys: &str) {
        let mut mouth = self.mouth.lock().unwrap();
        let piece = mouth.media.tones(keys);
        mouth.plays(piece);
    }

    fn presses(&self, keys: &str, steps: u16, at_once: bool) {
        let mut mouth = self.mouth.lock().unwrap();
        let mut piece = mouth.media.held_keys(keys, steps);
        if at_once {
            piece.ms = 0;
            piece.packets.iter_mut().for_each(|(ms, _)| *ms = 0);
        }
        mouth.plays(piece);
    }
}

impl Mouth {
    fn plays(&mut self, piece: Piece) {
        let begin = self.busy_until.max(now());
        for (ms, packet) in piece.packets {
            self.keys.push_back((begin + Duration::from_millis(ms.into()), packet));
        }
        self.busy_until = begin + Duration::from_millis(piece.ms.into());
    }

    fn due(&mut self, now: Instant) -> (Vec<Vec<u8>>, SocketAddr) {
        let mut due = Vec::new();
        while let Some((_, packet)) = self.keys.pop_front_if(|(at, _)| *at <= now) {
            due.push(packet);
        }
        if let Some((hz, ms)) = self.tone
            && now >= self.busy_until.max(self.next)
        {
            let packet = self.media.frame(hz, ms, self.begins);
            self.sung += 1;
            if self.lost == 0 || !self.sung.is_multiple_of(self.lost) {
                due.push(packet);
            }
            self.begins = false;
            self.next = self.next.max(self.busy_until) + Duration::from_millis(ms.into());
        }
        (due, self.to)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed; here nothing more can be done.
            drop(thread.join());
        }
    }
}
