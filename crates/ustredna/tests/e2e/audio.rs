//! What phones send: G.711 A-law in RTP, keys as RFC 4733 events.

use std::{f64::consts::TAU, fs, path::Path};

/// Samples in one packet of 20 ms.
pub(crate) const FRAME: usize = 160;
/// The payload type that the phones offer for keys.
pub(crate) const KEY_PAYLOAD: u8 = 101;
/// G.711's payload types (RFC 3551).
pub(crate) const ALAW_PAYLOAD: u8 = 8;
pub(crate) const ULAW_PAYLOAD: u8 = 0;

/// ITU-T G.711 A-law, one sample, rounded as FreeSWITCH does it (`linear_to_alaw`, g711.h).
pub(crate) fn alaw(sample: i16) -> u8 {
    let mut value = i32::from(sample);
    let mask: u8 = if value >= 0 {
        0xD5
    } else {
        value = (-value - 8).max(0);
        0x55
    };
    let segment = u32::try_from(value | 0xFF).unwrap().ilog2() - 7;
    let shift = if segment == 0 { 4 } else { segment + 3 };
    let code =
        (u8::try_from(segment).unwrap() << 4) | u8::try_from((value >> shift) & 0x0F).unwrap();
    code ^ mask
}

/// The sample that an A-law byte stands for.
pub(crate) fn linear(byte: u8) -> i16 {
    let code = byte ^ 0x55;
    let segment = (code & 0x70) >> 4;
    let mut value = (i16::from(code & 0x0F) << 4) + 8;
    if segment > 0 {
        value = (value + 0x100) << (segment - 1);
    }
    if code & 0x80 == 0 { -value } else { value }
}

/// ITU-T G.711 u-law, one sample.
pub(crate) fn ulaw(sample: i16) -> u8 {
    let magnitude = i32::from(sample).abs().min(32_635) + 132;
    let segment = u32::try_from(magnitude).unwrap().ilog2().max(7) - 7;
    let sign = if sample < 0 { 0x80 } else { 0 };
    let mantissa = u8::try_from((magnitude >> (segment + 3)) & 0x0F).unwrap();
    !(sign | (u8::try_from(segment).unwrap() << 4) | mantissa)
}

/// The sample that a byte of this payload type stands for.
pub(crate) fn decoded(payload_type: u8, byte: u8) -> i16 {
    if payload_type != ULAW_PAYLOAD {
        return linear(byte);
    }
    let code = !byte;
    let value = (((i16::from(code & 0x0F) << 3) + 132) << ((code & 0x70) >> 4)) - 132;
    if code & 0x80 == 0 { value } else { -value }
}

/// The two tones of a key (ITU-T Q.23).
pub(crate) fn tones_of(key: char) -> (u32, u32) {
    let at = "123456789*0#".find(key).unwrap();
    ([697, 770, 852, 941][at / 3], [1209, 1336, 1477][at % 3])
}

/// A phone's outgoing media: numbers and time stamps go on from one piece to the next, as they
/// do on a real phone. Without that FreeSWITCH would take a later key for an echo of an earlier.
pub(crate) struct Media {
    sequence: u16,
    stamp: u32,
    source: u32,
    tone_at: u32,
    /// Of its sound.
    pub(crate) payload_type: u8,
}

/// One piece of media, ready to be played by SIPp: packets and when they leave, in ms.
pub(crate) struct Piece {
    pub(crate) packets: Vec<(u32, Vec<u8>)>,
    /// How long it takes.
    pub(crate) ms: u32,
}

impl Media {
    pub(crate) fn new(source: u32) -> Self {
        Self { sequence: 100, stamp: 16_000, source, tone_at: 0, payload_type: ALAW_PAYLOAD }
    }

    fn packet(&mut self, payload_type: u8, marker: bool, stamp: u32, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x80, payload_type | if marker { 0x80 } else { 0 }];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(stamp.to_be_bytes());
        packet.extend(self.source.to_be_bytes());
        packet.extend(payload);
        self.sequence = self.sequence.wrapping_add(1);
        packet
    }

    /// One packet of a tone, so many ms long.
    pub(crate) fn frame(&mut self, hz: u32, ms: u32, begins: bool) -> Vec<u8> {
        let count = ms * 8;
        let frame: Vec<u8> = (0..count)
            .map(|index| {
                let phase = TAU * f64::from(hz) * f64::from(self.tone_at + index) / 8000.0;
                #[expect(clippy::cast_possible_truncation, reason = "at most 8000")]
                let sample = (phase.sin() * 8000.0) as i16;
                if self.payload_type == ULAW_PAYLOAD { ulaw(sample) } else { alaw(sample) }
            })
            .collect();
        self.tone_at += count;
        let packet = self.packet(self.payload_type, begins, self.stamp, &frame);
        self.stamp += count;
        packet
    }

    /// A tone.
    pub(crate) fn tone(&mut self, hz: u32, ms: u32) -> Piece {
        let frames = (0..ms).step_by(20);
        let packets = frames.map(|at| (at, self.frame(hz, 20, at == 0))).collect();
        self.stamp += 8000;
        Piece { packets, ms }
    }

    /// Keys in tones, 100 ms each with pauses of 80 ms.
    pub(crate) fn tones(&mut self, keys: &str) -> Piece {
        let mut packets = Vec::new();
        for (at, key) in (0..).step_by(180).zip(keys.chars()) {
            let (low, high) = tones_of(key);
            for step in 0..9 {
                let loud = if step < 5 { 6000.0 } else { 0.0 };
                let frame: Vec<u8> = (step * 160..(step + 1) * 160)
                    .map(|index| {
                        let wave = |hz: u32| {
                            (TAU * f64::from(hz) * f64::from(index) / 8000.0).sin() * loud
                        };
                        #[expect(clippy::cast_possible_truncation, reason = "at most 12000")]
                        alaw((wave(low) + wave(high)) as i16)
                    })
                    .collect();
                let packet = self.packet(ALAW_PAYLOAD, false, self.stamp, &frame);
                self.stamp += 160;
                packets.push((at + step * 20, packet));
            }
        }
        let ms = u32::try_from(packets.len()).unwrap() * 20;
        Piece { packets, ms }
    }

    /// Keys, 100 ms each with pauses of 80 ms: a quick hand.
    pub(crate) fn keys(&mut self, keys: &str) -> Piece {
        self.held_keys(keys, 5)
    }

    /// Keys held for so many packets each, with pauses of 80 ms.
    pub(crate) fn held_keys(&mut self, keys: &str, steps: u16) -> Piece {
        let mut packets = Vec::new();
        let mut at = 0;
        for key in keys.chars() {
            let event = match key {
                '*' => 10,
                '#' => 11,
                digit => u8::try_from(digit.to_digit(10).unwrap()).unwrap(),
            };
            let start = self.stamp;
            for step in 1..=steps {
                let [high, low] = (step * 160).to_be_bytes();
                let packet = self.packet(KEY_PAYLOAD, step == 1, start, &[event, 10, high, low]);
                packets.push((at, packet));
                at += 20;
            }
            // RFC 4733: the end is said three times, in case one or two are lost.
            let [high, low] = (steps * 160).to_be_bytes();
            for later in [0, 20, 40] {
                let packet = self.packet(KEY_PAYLOAD, false, start, &[event, 0x8A, high, low]);
                packets.push((at + later, packet));
            }
            at += 80;
            self.stamp += u32::from(steps) * 160 + 80 * 8;
        }
        self.stamp += 8000;
        Piece { packets, ms: at }
    }
}

impl Piece {
    /// Writes a capture file for SIPp's `play_pcap_audio`, which takes nothing but the UDP
    /// payloads and their times.
    pub(crate) fn write_pcap(&self, path: &Path) {
        let mut file: Vec<u8> = Vec::new();
        file.extend(0xA1B2_C3D4_u32.to_le_bytes());
        file.extend([2_u16, 4].map(u16::to_le_bytes).concat());
        file.extend([0_u32, 0, 65_535, 1].map(u32::to_le_bytes).concat());
        for (ms, rtp) in &self.packets {
            let udp = u16::try_from(8 + rtp.len()).unwrap();
            let mut frame = vec![0; 12];
            frame.extend([0x08, 0x00, 0x45, 0]);
            frame.extend((udp + 20).to_be_bytes());
            frame.extend([0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
            frame.extend([4000_u16, 4000, udp, 0].map(u16::to_be_bytes).concat());
            frame.extend(rtp);
            let length = u32::try_from(frame.len()).unwrap();
            let (seconds, micros) = (1_000_000 + ms / 1000, ms % 1000 * 1000);
            file.extend([seconds, micros, length, length].map(u32::to_le_bytes).concat());
            file.extend(frame);
        }
        fs::write(path, file).unwrap();
    }
}
