use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{InspectError, Level, SILENCE_FLOOR_DBFS, inspect};
use crate::samples::{RATE, forget_sizes, two_tones, write};

fn sha256_of(path: &Path) -> String {
    let hash: [u8; 32] = Sha256::digest(fs::read(path).unwrap()).into();
    let (high, low) = hash.split_at(16);
    let half = |half: &[u8]| format!("{:032x}", u128::from_be_bytes(half.try_into().unwrap()));
    half(high) + &half(low)
}

#[test]
fn a_sound_recording_is_measured_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    two_tones(&path, 3 * RATE);

    let found = inspect(&path).unwrap();
    assert_eq!((found.channels, found.sample_rate), (2, 8000));
    assert!((found.seconds - 3.0).abs() < 1e-9, "{}", found.seconds);
    assert_eq!(found.bytes, 44 + 3 * 8000 * 4);
    assert!(!found.header_damaged && !found.repaired);
    // Half of full scale: 20 log10(0.5) peak, 3 dB less RMS for a sine.
    let expected = Level { rms_dbfs: -9.0, peak_dbfs: -6.0 };
    assert_eq!(found.levels, [expected, expected]);
    assert_eq!(found.sha256, sha256_of(&path));
}

#[test]
fn each_channel_has_its_own_level() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    // A square wave at the limit on the right.
    write(&path, 2, 800, |frame, channel| match (channel, frame % 2) {
        (0, _) => 0,
        (_, 0) => i16::MIN,
        _ => -i16::MAX,
    });
    let levels = inspect(&path).unwrap().levels;
    let floor = SILENCE_FLOOR_DBFS;
    assert_eq!(levels[0], Level { rms_dbfs: floor, peak_dbfs: floor });
    assert_eq!(levels[1], Level { rms_dbfs: 0.0, peak_dbfs: 0.0 });
    assert!(levels[1].rms_dbfs.is_sign_positive(), "{levels:?}");
}

#[test]
fn a_damaged_header_hides_no_sample_and_the_hash_is_of_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    two_tones(&path, RATE);
    let sound = inspect(&path).unwrap();
    forget_sizes(&path);

    let found = inspect(&path).unwrap();
    assert!(found.header_damaged);
    assert!((found.seconds - 1.0).abs() < 1e-9, "{}", found.seconds);
    assert_eq!(found.levels, sound.levels);
    assert_ne!(found.sha256, sound.sha256);
}

#[test]
fn silence_after_a_forgotten_size_is_samples_not_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    write(&path, 2, 80, |_, _| 0);
    forget_sizes(&path);
    let found = inspect(&path).unwrap();
    assert!(found.header_damaged);
    assert!((found.seconds - 0.01).abs() < 1e-9, "{}", found.seconds);
}

#[test]
fn chunks_around_the_samples_are_not_samples() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    two_tones(&path, 80);
    let plain = fs::read(&path).unwrap();
    let title = b"LIST\x0a\x00\x00\x00INFOINAM\x00\x00";
    let mut titled = plain[..36].to_vec();
    titled.extend(title);
    titled.extend(&plain[36..]);
    titled.extend(title);
    let riff = u32::try_from(titled.len() - 8).unwrap();
    titled[4..8].copy_from_slice(&riff.to_le_bytes());
    fs::write(&path, titled).unwrap();

    let found = inspect(&path).unwrap();
    assert!(!found.header_damaged);
    assert!((found.seconds - 0.01).abs() < 1e-9, "{}", found.seconds);
    assert_eq!(found.sha256, sha256_of(&path));
}

#[test]
fn what_is_no_recording_is_said_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    assert!(matches!(inspect(&path), Err(InspectError::Missing)));
    fs::write(&path, b"").unwrap();
    assert!(matches!(inspect(&path), Err(InspectError::Empty)));
    fs::write(&path, b"not a wave file, but long enough for a header of forty-four").unwrap();
    assert!(matches!(inspect(&path), Err(InspectError::NotWav(_))));
    fs::write(&path, b"RIFF\0\0\0\0WAVE").unwrap();
    assert!(matches!(inspect(&path), Err(InspectError::NotWav(_))));
}

#[test]
fn a_file_cut_at_any_length_gives_what_is_left_or_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    two_tones(&path, 64);
    let whole = fs::read(&path).unwrap();
    for length in 0..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        match inspect(&path) {
            Ok(found) => {
                assert!(length >= 44, "{length}");
                let frames = u32::try_from((length - 44) / 4).unwrap();
                let expected = f64::from(frames) / f64::from(RATE);
                assert!((found.seconds - expected).abs() < 1e-9, "{length}: {}", found.seconds);
                assert_eq!(found.header_damaged, length != whole.len(), "{length}");
            }
            Err(error) => assert!(length < 44, "{length}: {error}"),
        }
    }
}

#[test]
fn no_byte_of_the_header_can_make_it_panic() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    two_tones(&path, 8);
    let whole = fs::read(&path).unwrap();
    for at in 0..44 {
        for value in [0, 1, 2, 3, 7, 16, 0x7f, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            fs::write(&path, &bytes).unwrap();
            if let Ok(found) = inspect(&path) {
                assert!(found.seconds.is_finite(), "byte {at} = {value}");
            }
        }
    }
}
