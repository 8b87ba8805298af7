//! What phones send and hear: G.711 A-law in RTP, keys as RFC 4733 events, and the ears that tell
//! tones, keys and the exchange's own prompts apart.

use std::{
    collections::HashMap,
    f64::consts::TAU,
    fs,
    path::{Path, PathBuf},
};

/// Samples in one packet of 20 ms.
pub(crate) const FRAME: usize = 160;
/// The payload type that the phones offer for keys.
pub(crate) const KEY_PAYLOAD: u8 = 101;
const ALAW_PAYLOAD: u8 = 8;

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

/// A phone's outgoing media: numbers and time stamps go on from one piece to the next, as they
/// do on a real phone. Without that FreeSWITCH would take a later key for an echo of an earlier.
pub(crate) struct Media {
    sequence: u16,
    stamp: u32,
    source: u32,
    tone_at: u32,
}

/// One piece of media, ready to be played by SIPp: packets and when they leave, in ms.
pub(crate) struct Piece {
    packets: Vec<(u32, Vec<u8>)>,
    /// How long it takes.
    pub(crate) ms: u32,
}

impl Media {
    pub(crate) fn new(source: u32) -> Self {
        Self { sequence: 100, stamp: 16_000, source, tone_at: 0 }
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

    /// A tone.
    pub(crate) fn tone(&mut self, hz: u32, ms: u32) -> Piece {
        let mut packets = Vec::new();
        for at in (0..ms).step_by(20) {
            let frame: Vec<u8> = (0..160)
                .map(|index| {
                    let phase = TAU * f64::from(hz) * f64::from(self.tone_at + index) / 8000.0;
                    #[expect(clippy::cast_possible_truncation, reason = "at most 8000")]
                    alaw((phase.sin() * 8000.0) as i16)
                })
                .collect();
            self.tone_at += 160;
            packets.push((at, self.packet(ALAW_PAYLOAD, at == 0, self.stamp, &frame)));
            self.stamp += 160;
        }
        self.stamp += 8000;
        Piece { packets, ms }
    }

    /// Keys, 100 ms each with pauses of 80 ms: a quick hand.
    pub(crate) fn keys(&mut self, keys: &str) -> Piece {
        let mut packets = Vec::new();
        let mut at = 0;
        for key in keys.chars() {
            let event = match key {
                '*' => 10,
                '#' => 11,
                digit => u8::try_from(digit.to_digit(10).unwrap()).unwrap(),
            };
            let start = self.stamp;
            for step in 1..=5_u16 {
                let [high, low] = (step * 160).to_be_bytes();
                let packet = self.packet(KEY_PAYLOAD, step == 1, start, &[event, 10, high, low]);
                packets.push((at, packet));
                at += 20;
            }
            // RFC 4733: the end is said three times, in case one or two are lost.
            let [high, low] = 800_u16.to_be_bytes();
            for later in [0, 20, 40] {
                let packet = self.packet(KEY_PAYLOAD, false, start, &[event, 0x8A, high, low]);
                packets.push((at + later, packet));
            }
            at += 80;
            self.stamp += 180 * 8;
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

/// 40 ms: long enough to be found once, short enough to fit between barge-ins.
const WINDOW: usize = 320;
/// How far apart the windows are that are looked for.
const STEP: usize = 160;

/// The exchange's phrases, as they sound in A-law.
pub(crate) struct Phrases {
    clips: Vec<(String, Vec<u8>)>,
    /// By its first bytes: a window's clip and its place in it.
    windows: HashMap<[u8; 8], Vec<(usize, usize)>>,
}

impl Phrases {
    /// Reads `<sounds>/<language>/*.wav`; English ones are named as `en/enter-id`.
    pub(crate) fn read(sounds: &Path) -> Self {
        let mut paths: Vec<PathBuf> = ["cs", "en"]
            .iter()
            .flat_map(|language| fs::read_dir(sounds.join(language)).unwrap())
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "wav"))
            .collect();
        paths.sort();
        let clips: Vec<(String, Vec<u8>)> = paths
            .iter()
            .map(|path| {
                let samples = hound::WavReader::open(path).unwrap().into_samples::<i16>();
                let stem = path.file_stem().unwrap().to_string_lossy();
                let prefix = if path.parent().unwrap().ends_with("en") { "en/" } else { "" };
                (format!("{prefix}{stem}"), samples.map(|sample| alaw(sample.unwrap())).collect())
            })
            .collect();
        let mut windows: HashMap<[u8; 8], Vec<(usize, usize)>> = HashMap::new();
        for (index, (_, clip)) in clips.iter().enumerate() {
            for offset in (0..clip.len().saturating_sub(WINDOW)).step_by(STEP) {
                let window = &clip[offset..offset + WINDOW];
                if speaks(window) {
                    windows.entry(key(window)).or_default().push((index, offset));
                }
            }
        }
        Self { clips, windows }
    }

    /// The phrases in what was heard (A-law), in order, digits read out left aside. FreeSWITCH
    /// passes a prompt on sample by sample, so it is found by its bytes; of phrases that begin
    /// alike the one that fits longest counts.
    pub(crate) fn heard_in(&self, heard: &[u8]) -> Vec<String> {
        // How many windows of a clip fit, when it begins there.
        let mut fits: HashMap<(usize, usize), usize> = HashMap::new();
        for (place, bytes) in heard.windows(WINDOW).enumerate() {
            for &(clip, offset) in self.windows.get(&key(bytes)).into_iter().flatten() {
                if self.clips[clip].1[offset..offset + WINDOW] == *bytes && place >= offset {
                    *fits.entry((place - offset, clip)).or_default() += 1;
                }
            }
        }
        // 120 ms of speech at least.
        let mut found: Vec<_> = fits.into_iter().filter(|(_, count)| *count >= 5).collect();
        found.sort_by_key(|(at, count)| (std::cmp::Reverse(*count), *at));
        let mut kept: Vec<((usize, usize), usize)> = Vec::new();
        for ((begin, clip), count) in found {
            let end = begin + count * STEP;
            if kept.iter().all(|((other, _), n)| end <= *other || other + n * STEP <= begin) {
                kept.push(((begin, clip), count));
            }
        }
        kept.sort_unstable();
        kept.iter()
            .map(|((_, clip), _)| self.clips[*clip].0.clone())
            .filter(|name| {
                let name = name.trim_start_matches("en/");
                !name.starts_with("number-") && name != "plus"
            })
            .collect()
    }

    /// How long a Czech phrase is, in ms.
    pub(crate) fn ms(&self, phrase: &str) -> u32 {
        let clip = self.clips.iter().find(|(name, _)| name == phrase);
        let (_, clip) = clip.unwrap_or_else(|| panic!("there is no phrase {phrase}"));
        u32::try_from(clip.len() / 8).unwrap()
    }
}

fn key(window: &[u8]) -> [u8; 8] {
    [0, 1, 2, 3, 4, 5, 6, 7].map(|index| window[index])
}

/// Whether there is more than silence or a hum in it.
fn speaks(window: &[u8]) -> bool {
    let (mut least, mut most) = (i16::MAX, i16::MIN);
    for byte in window.iter().step_by(3) {
        let sample = linear(*byte);
        least = least.min(sample);
        most = most.max(sample);
    }
    i32::from(most) - i32::from(least) > 1500
}
