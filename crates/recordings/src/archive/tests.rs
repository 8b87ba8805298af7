use std::fs;
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use super::{ArchiveError, archive, compare};
use crate::flac::Samples;
use crate::inspect::{InspectError, inspect};
use crate::media::Media;
use crate::samples::{RATE, forget_sizes, tone, two_tones, write};
use crate::verdict::{Verdict, verify};

fn decoded(flac: &Path) -> Vec<i32> {
    let mut samples = Samples::open(fs::File::open(flac).unwrap()).unwrap();
    std::iter::from_fn(|| samples.next().unwrap()).collect()
}

fn samples(wav: &Path) -> Vec<i32> {
    WavReader::open(wav).unwrap().samples().map(Result::unwrap).collect()
}

fn talk(dir: &Path, frames: u32) -> PathBuf {
    let wav = dir.join("a.wav");
    two_tones(&wav, frames);
    wav
}

/// The whole files in the folder, and what is left of halves.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn every_sample_comes_back_whatever_the_length() {
    // Frames of 4096: none, one short, whole ones, one more.
    for frames in [1, 15, 4095, 4096, 4097, 3 * RATE] {
        let dir = tempfile::tempdir().unwrap();
        let wav = talk(dir.path(), frames);
        let (flac, found) = archive(&wav, None).unwrap();
        assert_eq!(flac, dir.path().join("a.flac"));
        assert_eq!(decoded(&flac), samples(&wav), "{frames} frames");
        assert_eq!(found, inspect(&flac).unwrap());
        assert_eq!(names(dir.path()), ["a.flac", "a.wav"]);
    }
}

#[test]
fn loud_noise_comes_back_as_well_as_the_quietest() {
    let dir = tempfile::tempdir().unwrap();
    let wav = dir.path().join("a.wav");
    let mut state = 1_u32;
    let noise: Vec<i16> = (0..2 * 20_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            i16::from_ne_bytes([state.to_be_bytes()[0], state.to_be_bytes()[1]])
        })
        .collect();
    let at = |frame: u32, channel: u16| match frame {
        0..5000 => [i16::MIN, i16::MAX][usize::from(channel)],
        5000..10_000 => [0, 1][usize::from(channel)],
        _ => noise[(2 * frame + u32::from(channel)) as usize],
    };
    write(&wav, 2, 20_000, at);
    let (flac, _) = archive(&wav, None).unwrap();
    assert_eq!(decoded(&flac), samples(&wav));
}

#[test]
fn one_channel_and_other_widths_come_back_too() {
    let dir = tempfile::tempdir().unwrap();
    let wav = dir.path().join("a.wav");
    write(&wav, 1, 5000, |frame, _| tone(frame, 440.0));
    let (flac, found) = archive(&wav, None).unwrap();
    assert_eq!((decoded(&flac), found.channels), (samples(&wav), 1));

    for bits_per_sample in [8, 24] {
        let sample_format = SampleFormat::Int;
        let spec = WavSpec { channels: 2, sample_rate: 48_000, bits_per_sample, sample_format };
        let mut writer = WavWriter::create(&wav, spec).unwrap();
        for sample in 0..20_000 {
            writer.write_sample((sample % 250) - 125).unwrap();
        }
        writer.finalize().unwrap();
        let (flac, found) = archive(&wav, None).unwrap();
        assert_eq!((decoded(&flac), found.sample_rate), (samples(&wav), 48_000));
        assert_eq!(found.levels, inspect(&wav).unwrap().levels);
    }
}

#[test]
fn what_is_known_of_it_is_the_same_and_it_is_smaller() {
    let dir = tempfile::tempdir().unwrap();
    let wav = talk(dir.path(), 3 * RATE);
    let before = inspect(&wav).unwrap();
    let (flac, after) = archive(&wav, None).unwrap();
    assert_eq!((after.seconds, &after.levels), (before.seconds, &before.levels));
    assert_eq!((after.channels, after.sample_rate), (2, RATE));
    assert!(after.bytes < before.bytes / 2 && after.sha256 != before.sha256, "{}", after.bytes);
    let proof = verify(&flac, Some(std::time::Duration::from_secs(3)), &Media::default()).unwrap();
    assert_eq!((proof.verdict, proof.problem), (Verdict::Ok, None));
}

#[test]
fn a_half_made_one_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let wav = talk(dir.path(), RATE);
    // Killed while writing, and killed after the file had its name.
    fs::write(dir.path().join(".a.flac.part"), "fLaC half").unwrap();
    fs::write(dir.path().join("a.flac"), "fLaC of another time").unwrap();
    let (flac, _) = archive(&wav, None).unwrap();
    assert_eq!(decoded(&flac), samples(&wav));
    assert_eq!(names(dir.path()), ["a.flac", "a.wav"]);
}

#[test]
fn what_cannot_be_put_away_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let wav = talk(dir.path(), RATE);
    forget_sizes(&wav);
    assert!(matches!(archive(&wav, None).unwrap_err(), ArchiveError::Damaged));
    fs::write(&wav, "no recording").unwrap();
    assert!(matches!(archive(&wav, None).unwrap_err(), ArchiveError::Unreadable(_)));
    assert_eq!(names(dir.path()), ["a.wav"]);
    let none = archive(&dir.path().join("none.wav"), None).unwrap_err();
    assert!(matches!(none, ArchiveError::Unreadable(InspectError::Missing)), "{none}");
}

#[test]
fn damage_to_a_flac_is_found_wherever_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (flac, _) = archive(&talk(dir.path(), 2 * RATE), None).unwrap();
    let whole = fs::read(&flac).unwrap();
    let verdict = |bytes: &[u8]| {
        fs::write(&flac, bytes).unwrap();
        let proof = verify(&flac, None, &Media::default()).unwrap();
        assert!(proof.verdict == Verdict::Ok || proof.problem.is_some());
        proof.verdict
    };
    assert_eq!(verdict(&whole), Verdict::Ok);
    for cut in [1, 5, 41, 42, 100, whole.len() / 2, whole.len() - 1] {
        assert_eq!(verdict(&whole[..cut]), Verdict::Missing, "cut to {cut}");
    }
    for at in [50, whole.len() / 3, whole.len() - 3] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        assert_eq!(verdict(&bytes), Verdict::Missing, "byte {at}");
    }
}

#[test]
fn what_is_not_what_was_verified_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let wav = talk(dir.path(), RATE);
    let sha256 = inspect(&wav).unwrap().sha256;
    assert!(matches!(archive(&wav, Some("other")).unwrap_err(), ArchiveError::Changed));
    assert_eq!(names(dir.path()), ["a.wav"]);
    archive(&wav, Some(&sha256)).unwrap();
}

#[test]
fn two_at_a_time_do_not_write_into_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let wav = talk(dir.path(), RATE);
    let other = fs::File::open(&wav).unwrap();
    other.lock().unwrap();
    assert!(matches!(archive(&wav, None).unwrap_err(), ArchiveError::Busy));
    assert_eq!(names(dir.path()), ["a.wav"]);
    drop(other);
    archive(&wav, None).unwrap();
}

#[test]
fn a_copy_that_differs_in_one_sample_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (wav, other) = (talk(dir.path(), 5000), dir.path().join("b.wav"));
    let (flac, _) = archive(&wav, None).unwrap();
    compare(&wav, &flac).unwrap();
    let heard = samples(&wav);
    let cases = [(4999, 1, 5000), (0, 1, 5000), (0, 0, 4999), (0, 0, 5001)];
    for (at, louder, frames) in cases {
        write(&other, 2, frames, |frame, channel| {
            let index = 2 * frame as usize + usize::from(channel);
            let sample = heard.get(index).copied().unwrap_or_default();
            i16::try_from(sample).unwrap() + if frame == at { louder } else { 0 }
        });
        let found = compare(&other, &flac);
        assert!(matches!(found, Err(ArchiveError::Differs)), "{at} {louder} {frames}: {found:?}");
    }
}

/// Where one sample changes under the encoder's hands, the copy is thrown away.
#[test]
fn a_wav_that_changes_meanwhile_stays_alone() {
    let dir = tempfile::tempdir().unwrap();
    let wav = talk(dir.path(), 240 * RATE);
    let part = dir.path().join(".a.flac.part");
    let changing = std::thread::spawn({
        let wav = wav.clone();
        move || {
            // The beginning has been read, and the end has not.
            while !fs::metadata(&part).is_ok_and(|part| part.len() > 20_000) {
                std::thread::yield_now();
            }
            let file = fs::File::options().write(true).open(wav).unwrap();
            std::os::unix::fs::FileExt::write_all_at(&file, &[0x55, 0x55], 44).unwrap();
        }
    });
    assert!(matches!(archive(&wav, None).unwrap_err(), ArchiveError::Differs));
    changing.join().unwrap();
    assert_eq!(names(dir.path()), ["a.wav"]);
}
