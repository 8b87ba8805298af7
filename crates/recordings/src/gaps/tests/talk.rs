//! Talks as FreeSWITCH 1.11.2 records them, made up: who sends what, packet by packet, in G.711.

use crate::media::{Counted, Held, Media, Side};
use crate::trace::Trace;

/// Samples in a packet of 20 ms.
const PACKET: usize = 160;
/// Packets in a second.
pub(super) const SECOND: usize = 50;

/// Numbers as good as random, the same in every run.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66);
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub(super) fn between(&mut self, from: usize, to: usize) -> usize {
        from + self.below(to - from)
    }

    /// So many times of a hundred.
    pub(super) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Up to this much, either way.
    fn noise(&mut self, most: i32) -> i32 {
        i32::try_from(self.below(usize::try_from(2 * most + 1).unwrap())).unwrap() - most
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Law {
    A,
    Mu,
}

impl Law {
    /// What is left of a sample, in as many steps as matter here.
    fn of(self, sample: i32) -> i32 {
        let (sign, size) = (if sample < 0 { -1 } else { 1 }, sample.abs());
        let coarse = |size: i32| (31 - size.max(1).leading_zeros().cast_signed() - 4).max(0);
        match self {
            // −1 … −8 are the smallest negative value, 0 … 7 the smallest positive one.
            Self::A => {
                let size = if sample < 0 { (size - 8).max(0) } else { size };
                let step = 1 << coarse(size).max(4);
                sign * (size / step * step + step / 2)
            }
            Self::Mu => {
                let size = size + 132;
                let step = 1 << coarse(size).max(3);
                sign * (size / step * step + step / 2 - 132).max(0)
            }
        }
    }

    /// What FreeSWITCH's −1 is behind the called leg's codec.
    fn filling(self) -> i32 {
        match self {
            Self::A => -8,
            Self::Mu => 0,
        }
    }
}

/// What a phone sends for 20 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packet {
    Speech,
    Music,
    Room,
    /// The samples of a muted phone.
    Mute,
    /// A key, in place of sound.
    Key,
    /// Nothing.
    None,
    /// Sent, and lost on the way.
    Lost,
}

/// A phone of this talk.
pub(super) struct Phone {
    pub(super) law: Law,
    pub(super) sends: Vec<Packet>,
    /// Sends nothing while it is quiet, and one packet of comfort noise before.
    saves: bool,
    /// Its muted packets are `55`, not `D5`.
    idles_low: bool,
    room: i32,
    offset: i32,
    /// Waited for in prompts before the talk.
    before: usize,
    pub(super) held: Vec<Held>,
}

impl Phone {
    /// A phone in a talk of so many packets, as ordinary as they come.
    fn ordinary(dice: &mut Dice, length: usize, is_caller: bool, most_lost: usize) -> Self {
        let law = if dice.percent(75) { Law::A } else { Law::Mu };
        let saves = dice.percent(15);
        let mut sends = Vec::with_capacity(length);
        while sends.len() < length {
            let (what, most) = match dice.below(20) {
                0 => (Packet::Music, 10 * SECOND),
                1 => (Packet::Mute, 12 * SECOND),
                2 => (Packet::Key, 8),
                3..=8 => (Packet::Room, 6 * SECOND),
                _ => (Packet::Speech, 4 * SECOND),
            };
            if what == Packet::Key {
                // A number keyed into a menu.
                for _ in 0..dice.between(1, 12) {
                    sends.extend([Packet::Key; 6]);
                    sends.extend(std::iter::repeat_n(Packet::Room, dice.between(3, 20)));
                }
            } else {
                let long = dice.between(5, most);
                sends.extend(std::iter::repeat_n(what, long));
            }
        }
        sends.truncate(length);
        // The first packets come late, the last ones are cut off, and some get lost on the way.
        for packet in sends.iter_mut().take(dice.below(20)) {
            *packet = Packet::None;
        }
        for packet in sends.iter_mut().rev().take(dice.below(20)) {
            *packet = Packet::None;
        }
        let held = if dice.percent(15) { Self::holds(dice, &mut sends) } else { Vec::new() };
        let lost = dice.below(most_lost);
        for packet in &mut sends {
            if dice.below(1000) < lost {
                *packet = Packet::Lost;
            }
        }
        if saves {
            for packet in &mut sends {
                if matches!(packet, Packet::Room | Packet::Mute) {
                    *packet = Packet::None;
                }
            }
        }
        Self {
            law,
            sends,
            saves,
            idles_low: dice.percent(15),
            room: [0, 3, 10, 40, 200][dice.below(5)],
            offset: dice.noise(12),
            before: if is_caller { dice.below(200) } else { 0 },
            held,
        }
    }

    /// Puts on hold once or twice, and says so; sends nothing meanwhile, or music.
    fn holds(dice: &mut Dice, sends: &mut [Packet]) -> Vec<Held> {
        let mut held = Vec::new();
        let mut begin = dice.between(SECOND, sends.len() / 2);
        for _ in 0..dice.between(1, 3) {
            let end = begin + dice.between(SECOND / 2, 8 * SECOND);
            let what = if dice.percent(70) { Packet::None } else { Packet::Music };
            // It stops before it says so, and goes on after.
            let (first, last) = (begin - dice.below(30), end + dice.below(30));
            sends.iter_mut().take(last).skip(first).for_each(|packet| *packet = what);
            let seconds = |packets: usize| u32::try_from(packets).map(f64::from).unwrap() / 50.0;
            held.push(Held { from: seconds(begin), to: seconds(end) });
            begin = end + dice.between(2 * SECOND, 5 * SECOND);
        }
        held
    }

    /// Whether what is missing can be told from what it sends: neither pauses nor muted packets of
    /// its own look like FreeSWITCH's filling.
    pub(super) fn is_plain(&self, is_caller: bool) -> bool {
        !self.saves
            && self.held.is_empty()
            && (is_caller || (self.law == Law::A && !self.idles_low && self.offset > 0))
    }

    pub(super) fn counted(&self) -> Counted {
        let count = |of: &[Packet]| self.sends.iter().filter(|packet| of.contains(packet)).count();
        let seconds = |packets: usize| u32::try_from(packets).map(f64::from).unwrap() / 50.0;
        Counted {
            missing: seconds(count(&[Packet::Key, Packet::None, Packet::Lost]) + self.before),
            comfort_noise: u32::from(self.saves),
            keys: seconds(count(&[Packet::Key]) * 4 / 3),
            held: self.held.clone(),
        }
    }

    fn trace(&self, dice: &mut Dice, is_caller: bool) -> Trace {
        let mut trace = Trace::new(8000, 16);
        for (at, packet) in self.sends.iter().enumerate() {
            for index in 0..PACKET {
                let sample = match packet {
                    Packet::Key | Packet::None | Packet::Lost if is_caller => -1,
                    Packet::Key | Packet::None | Packet::Lost => self.law.filling(),
                    Packet::Mute => match (self.law, self.idles_low) {
                        (Law::Mu, _) => 0,
                        (Law::A, true) => -8,
                        (Law::A, false) => 8,
                    },
                    Packet::Room => self.law.of(dice.noise(self.room) + self.offset),
                    Packet::Speech => self.law.of(dice.noise(3000) + self.offset),
                    Packet::Music => {
                        let wave = i32::try_from((at * PACKET + index) % 40).unwrap() * 200 - 4000;
                        self.law.of(wave)
                    }
                };
                trace.add(sample);
            }
        }
        trace
    }
}

/// Two phones; left, right.
pub(super) struct Talk {
    pub(super) phones: [Phone; 2],
    pub(super) caller: usize,
}

impl Talk {
    /// Of a thousand packets fewer than `most_lost` get lost on the way.
    pub(super) fn ordinary(dice: &mut Dice, most_lost: usize) -> Self {
        let length = dice.between(12 * SECOND, 40 * SECOND);
        let caller = usize::from(dice.percent(30));
        let phones = [0, 1].map(|side| Phone::ordinary(dice, length, side == caller, most_lost));
        Self { phones, caller }
    }

    pub(super) fn media(&self) -> Media {
        let [shopper, dealer] = [0, 1].map(|side| Some(self.phones[side].counted()));
        Media { caller: Side::BOTH[self.caller], shopper, dealer }
    }

    pub(super) fn traces(&self, dice: &mut Dice) -> [Trace; 2] {
        [0, 1].map(|side| self.phones[side].trace(dice, side == self.caller))
    }
}
