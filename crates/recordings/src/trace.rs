//! Where in a channel FreeSWITCH wrote something of its own since nothing had come.
//!
//! Seen on 1.11.2 (`switch_core_media_bug.c`, `switch_core_io.c`), with A-law and µ-law on either leg:
//! whenever the leg that is recorded on sends nothing, its channel is filled with samples of −1, which no
//! G.711 byte stands for. When the other leg sends nothing, the same −1 goes through its codec, and
//! −8 (A-law) or 0 (µ-law) is in its channel. A muted phone's packets are 8 (A-law, `D5`), rarely
//! −8 (`55`), or 0 (µ-law): for the other leg the counted packets have to tell, and where it begins and
//! ends: FreeSWITCH fills whole packets.

/// In a second.
pub(crate) const SLOTS: u32 = 100;

/// What FreeSWITCH fills are whole packets. So many samples before or after them are no chance: the
/// phone itself has sent silence.
const EDGE: u32 = 8;

/// What 10 ms of a channel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Something came.
    Sound,
    /// Nothing came.
    Nothing,
    /// Nothing came, or A-law's smallest negative value.
    Alaw,
    /// Nothing came, or µ-law's zero.
    Ulaw,
}

/// A channel in slots of 10 ms, two bits each: 90 kB for an hour.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Trace {
    /// Samples in a slot; 0 where nothing can be told, as in another format than FreeSWITCH's.
    length: u32,
    at: u32,
    first: i32,
    same: bool,
    last: i32,
    /// How many samples before this one were like the last one, itself included.
    alike: u32,
    packed: Vec<u8>,
    count: u32,
}

impl Trace {
    pub(crate) fn new(sample_rate: u32, bits: u16) -> Self {
        let fits = bits == 16 && sample_rate.is_multiple_of(SLOTS);
        Self { length: if fits { sample_rate / SLOTS } else { 0 }, ..Self::default() }
    }

    pub(crate) fn add(&mut self, sample: i32) {
        if self.length == 0 {
            return;
        }
        if self.at == 0 {
            (self.first, self.same) = (sample, true);
        } else {
            self.same &= sample == self.first;
        }
        if sample != self.last {
            self.look_at_edges();
            (self.last, self.alike) = (sample, 0);
        }
        self.alike = self.alike.saturating_add(1);
        self.at += 1;
        if self.at == self.length {
            self.close();
        }
    }

    /// A pause between words is no filling: it begins and ends within packets. One of a second and
    /// longer may be a pause in which the media stopped.
    fn look_at_edges(&mut self) {
        let is_pause = (2 * self.length..SLOTS * self.length).contains(&self.alike);
        if !is_pause || !matches!(self.last, -8 | 0) {
            return;
        }
        let after = self.at;
        let whole = (self.alike - after) / self.length;
        let before = self.alike - after - whole * self.length;
        if before >= EDGE || after >= EDGE {
            for slot in self.count.saturating_sub(whole)..self.count {
                if let Some(four) = self.packed.get_mut(slot as usize / 4) {
                    *four &= !(3 << (slot % 4 * 2));
                }
            }
        }
    }

    fn close(&mut self) {
        let bits: u8 = match (self.same, self.first) {
            (true, -1) => 1,
            (true, -8) => 2,
            (true, 0) => 3,
            _ => 0,
        };
        let shift = self.count % 4 * 2;
        if shift == 0 {
            self.packed.push(bits);
        } else if let Some(last) = self.packed.last_mut() {
            *last |= bits << shift;
        }
        self.count += 1;
        self.at = 0;
    }

    /// How many slots there are.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// From the beginning; what is left at the end and shorter than a slot is not told.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> {
        let four = |byte: &u8| [0, 2, 4, 6].map(|shift| (byte >> shift) & 3);
        self.packed.iter().flat_map(four).take(self.count as usize).map(|bits| match bits {
            1 => Slot::Nothing,
            2 => Slot::Alaw,
            3 => Slot::Ulaw,
            _ => Slot::Sound,
        })
    }
}

#[cfg(test)]
mod tests;
