//! Tells the exchange's prompts, numbers and ringing apart in what a phone heard.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    audio::{FRAME, alaw, linear},
    language::files::share_of,
    phone::UNDERSTOOD,
};

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

    /// The phrases in what was heard (A-law), in order, without what numbers are read out with.
    pub(crate) fn heard_in(&self, heard: &[u8]) -> Vec<String> {
        let names = self.found_in(heard).into_iter().map(|found| found.name.to_owned());
        names.filter(|name| !is_of_number(word(name))).collect()
    }

    /// All that was said, word by word: phrases whatever their language, numbers, `ringing`.
    pub(crate) fn spoken_in(&self, heard: &[u8]) -> Vec<String> {
        let mut words: Vec<(usize, &str)> =
            self.found_in(heard).iter().map(|found| (found.begin, word(found.name))).collect();
        words.extend(ringing_in(heard).map(|begin| (begin, "ringing")));
        words.sort_unstable();
        let plain = |(_, word): (usize, &str)| word.trim_start_matches(NUMBER).to_owned();
        words.into_iter().map(plain).collect()
    }

    /// Where a phrase begins, in whatever language, if enough of it was heard to understand it.
    pub(crate) fn begins(&self, phrase: &str, heard: &[u8]) -> Option<usize> {
        let found = self.found_in(heard).into_iter().find(|found| word(found.name) == phrase)?;
        let enough = usize::try_from(UNDERSTOOD).unwrap() * 8;
        (heard.len() - found.begin >= enough.min(found.length)).then_some(found.begin)
    }

    /// FreeSWITCH passes a prompt on sample by sample, so it is found by its bytes; of phrases
    /// that begin alike the one that fits longest counts.
    fn found_in(&self, heard: &[u8]) -> Vec<Found<'_>> {
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
        kept.into_iter()
            .map(|((begin, clip), _)| {
                let (name, sound) = &self.clips[clip];
                Found { begin, name, length: sound.len() }
            })
            .collect()
    }
}

/// A phrase in what was heard.
struct Found<'a> {
    /// At which byte.
    begin: usize,
    name: &'a str,
    /// How long all of it would be.
    length: usize,
}

/// How the file of a number begins.
const NUMBER: &str = "number-";

/// A phrase without its language.
fn word(name: &str) -> &str {
    name.trim_start_matches("en/")
}

/// Whether numbers are read out with it.
fn is_of_number(word: &str) -> bool {
    word.starts_with(NUMBER) || word == "plus"
}

/// Where a ringing tone (425 Hz) begins that is heard for 300 ms.
fn ringing_in(heard: &[u8]) -> Option<usize> {
    let mut rings = heard.chunks_exact(FRAME).map(|frame| {
        let samples: Vec<i16> = frame.iter().map(|byte| linear(*byte)).collect();
        samples.iter().any(|sample| sample.unsigned_abs() > 1000) && share_of(&samples, 425) > 0.9
    });
    let mut begin = 0;
    loop {
        begin += rings.by_ref().position(|rings| rings)?;
        let long = rings.by_ref().take_while(|rings| *rings).count() + 1;
        if long >= 15 {
            return Some(begin * FRAME);
        }
        begin += long + 1;
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
