//! What is on disk: that it is what the lists say, and names without days, times and ids.

use std::{
    f64::consts::TAU,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    DEALER_HZ, SHOPPER_HZ,
    told::{Ledger, word},
};

/// Each message that was sent is in the spool, and nothing else.
pub(super) fn assert_spooled(spool: &Path, messages: &[Value]) {
    let read =
        |path: &PathBuf| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let pair = |message: &Value| (word(&message["to"]), word(&message["text"]));
    let mut spooled: Vec<_> =
        below(spool, "json").iter().map(read).map(|message| pair(&message)).collect();
    let is_sent = |message: &&Value| message["status"] == "sent";
    let mut sent: Vec<_> = messages.iter().filter(is_sent).map(pair).collect();
    spooled.sort();
    sent.sort();
    assert_eq!(spooled, sent, "the spool, and what the list says");
}

/// The recordings on disk and their sidecars.
pub(super) fn recordings(folder: &Path, ledger: &Ledger, shoppers: &[String]) -> Vec<String> {
    let file = |wav: &PathBuf| {
        let relative = wav.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        let row = ledger
            .recordings
            .iter()
            .find(|row| row["path"].as_str().is_some_and(|path| relative.ends_with(path)));
        let Some(row) = row else { return format!("{relative}, of which no list knows") };
        let call = ledger.calls.iter().find(|call| call["id"] == row["call"]).unwrap();
        let sound = fs::read(wav).unwrap();
        assert_eq!(row["bytes"], sound.len(), "{relative}");
        let tells = ledger.shopper_in_sidecar;
        assert_sidecar(&wav.with_extension("json"), call, shoppers, tells);
        if row["verdict"] == "ok" {
            assert_sides(&relative, &sound);
        }
        nameless(&relative, call)
    };
    let mut files: Vec<String> = below(folder, "wav").iter().map(file).collect();
    files.sort();
    files
}

/// `2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav` without its day, its
/// time and its id; as it is, if it is not so.
fn nameless(relative: &str, call: &Value) -> String {
    let id: String = word(&call["id"]).chars().take(8).collect();
    let date: String = relative.chars().take(10).filter(|char| *char != '/').collect();
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let middle = (|| {
        let rest = relative.get(10..)?.strip_prefix(&format!("/{date}-"))?;
        let (time, rest) = rest.split_once('_')?;
        let middle = rest.strip_suffix(&format!("_{id}.wav"))?;
        (is_digits(&date) && date.len() == 8 && is_digits(time) && time.len() == 6)
            .then_some(middle)
    })();
    match middle {
        Some(middle) => format!("DAY/TIME_{middle}_ID.wav"),
        None => relative.to_owned(),
    }
}

/// The sidecar tells of the call, and not the shopper's real number unless it is to.
fn assert_sidecar(path: &Path, call: &Value, shoppers: &[String], tells_shopper: bool) {
    let text = fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("no sidecar {}: {error}", path.display()));
    for shopper in shoppers.iter().filter(|_| !tells_shopper) {
        assert!(!text.contains(shopper.trim_start_matches("+420")), "{shopper} is in {text}");
    }
    let sidecar: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(sidecar["call"], call["id"], "{text}");
    let told = if tells_shopper { &call["shopper"] } else { &Value::Null };
    assert_eq!(&sidecar["shopper_phone"], told, "{text}");
    for key in ["service", "fictitious_number", "dealer", "outcome"] {
        assert_eq!(sidecar[key], call[key], "`{key}` of {text}");
    }
}

/// The shopper's tone is on the left and only there, the dealer's on the right.
fn assert_sides(name: &str, wav: &[u8]) {
    let reader = hound::WavReader::new(wav).unwrap_or_else(|error| panic!("{name}: {error}"));
    let format = reader.spec();
    assert_eq!((format.channels, format.sample_rate), (2, 8000), "{name}");
    let samples: Vec<i16> = reader.into_samples().map(Result::unwrap).collect();
    // The ends are left out: a talk begins and ends in the middle of a packet.
    let middle = |first: usize| -> Vec<i16> {
        let side: Vec<i16> = samples.iter().skip(first).step_by(2).copied().collect();
        side[side.len() / 4..side.len() * 3 / 4].to_vec()
    };
    for (side, samples, own, other) in
        [("left", middle(0), SHOPPER_HZ, DEALER_HZ), ("right", middle(1), DEALER_HZ, SHOPPER_HZ)]
    {
        let (own_share, other_share) = (share_of(&samples, own), share_of(&samples, other));
        assert!(
            own_share > 0.8 && other_share < 0.05,
            "{name}, {side}: {own} Hz has {own_share:.2} of the energy, {other} Hz {other_share:.2}"
        );
    }
}

/// How much of the energy of `samples` (8 kHz) is at `hz`, 0 to 1 (Goertzel).
pub(crate) fn share_of(samples: &[i16], hz: u32) -> f64 {
    let coefficient = 2.0 * (TAU * f64::from(hz) / 8000.0).cos();
    let (mut now, mut before, mut energy) = (0.0_f64, 0.0_f64, 0.0_f64);
    for sample in samples {
        let sample = f64::from(*sample);
        energy += sample * sample;
        let next = sample + coefficient * now - before;
        before = now;
        now = next;
    }
    let power = now * now + before * before - coefficient * now * before;
    let count = f64::from(u32::try_from(samples.len().max(1)).unwrap());
    if energy > 0.0 { 2.0 * power / (energy * count) } else { 0.0 }
}

/// Files of this extension in a folder and its folders, sorted.
fn below(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}
