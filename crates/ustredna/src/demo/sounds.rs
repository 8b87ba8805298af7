//! Sound files for a switch that plays to nobody's ears: silence, as long as each sentence takes.
//!
//! The simulated switch takes nothing but their length from them, and the demo tells what is said
//! in words. So it needs no files beside the program, wherever it is started.

use std::{fs, io::Write as _, path::Path};

use anyhow::Context as _;
use exchange::model::Language;

use super::words::Words;

/// Samples a second; 16 bits each, one channel.
const RATE: u32 = 8000;
/// How long a letter takes to say, in the voices of the real prompts.
const LETTER_MS: u32 = 75;
/// Around each file.
const BREATH_MS: u32 = 150;

/// Writes `<folder>/<language>/<name>.wav` for every prompt.
pub(super) fn write(folder: &Path, words: &Words) -> anyhow::Result<()> {
    for language in Language::ALL {
        let folder = folder.join(language.as_str());
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        for (name, sentence) in words.all(*language) {
            let path = folder.join(format!("{name}.wav"));
            silence(&path, sentence).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

fn silence(path: &Path, sentence: &str) -> std::io::Result<()> {
    let letters = u32::try_from(sentence.chars().count()).unwrap_or(u32::MAX).min(1000);
    let bytes = (BREATH_MS + letters * LETTER_MS) * (RATE / 1000) * 2;
    let mut file = fs::File::create_new(path)?;
    file.write_all(&header(bytes))?;
    // What was never written reads as zeros, and takes no place on most disks.
    file.set_len(44 + u64::from(bytes))
}

/// The canonical header of a WAV file: PCM, 16 bit, mono.
fn header(bytes: u32) -> Vec<u8> {
    let mut header = Vec::with_capacity(44);
    header.extend(b"RIFF");
    header.extend((36 + bytes).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16_u32.to_le_bytes());
    header.extend(1_u16.to_le_bytes()); // PCM
    header.extend(1_u16.to_le_bytes()); // channels
    header.extend(RATE.to_le_bytes());
    header.extend((RATE * 2).to_le_bytes()); // bytes a second
    header.extend(2_u16.to_le_bytes()); // bytes a frame
    header.extend(16_u16.to_le_bytes()); // bits a sample
    header.extend(b"data");
    header.extend(bytes.to_le_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prompt_lasts_as_long_as_its_sentence() {
        let folder = tempfile::TempDir::new().unwrap();
        write(folder.path(), &Words::read().unwrap()).unwrap();
        for name in exchange::prompt::files() {
            for language in ["cs", "en"] {
                let path = folder.path().join(format!("{language}/{name}.wav"));
                let wav = hound::WavReader::open(&path).unwrap();
                assert_eq!((wav.spec().channels, wav.spec().sample_rate), (1, RATE));
                let real = Path::new(env!("CARGO_MANIFEST_DIR"))
                    .join("../../freeswitch-conf/sounds")
                    .join(format!("{language}/{name}.wav"));
                let real = hound::WavReader::open(real).unwrap();
                let (ours, theirs) = (f64::from(wav.duration()), f64::from(real.duration()));
                assert!(
                    (0.4..=2.5).contains(&(ours / theirs)),
                    "{language} {name}: {ours} {theirs}"
                );
            }
        }
    }
}
