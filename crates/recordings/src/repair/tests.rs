use std::fs::{self, File};
use std::io::Write;

use super::{RepairError, repair};
use crate::inspect::inspect;
use crate::samples::{RATE, forget_sizes, two_tones};

#[test]
fn a_player_hears_all_samples_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    two_tones(&path, RATE);
    let sound = fs::read(&path).unwrap();
    forget_sizes(&path);
    assert_eq!(hound::WavReader::open(&path).unwrap().samples::<i16>().count(), 0);

    let found = repair(&path).unwrap();
    assert!(found.repaired && !found.header_damaged);
    assert_eq!(fs::read(&path).unwrap(), sound);
    let samples: Result<Vec<i16>, _> =
        hound::WavReader::open(&path).unwrap().into_samples().collect();
    assert_eq!(samples.unwrap().len(), 2 * 8000);
}

#[test]
fn an_incomplete_last_frame_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    two_tones(&path, 100);
    let sound = fs::read(&path).unwrap();
    forget_sizes(&path);
    File::options().append(true).open(&path).unwrap().write_all(&[1, 2, 3]).unwrap();

    repair(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), sound);
}

#[test]
fn a_file_that_was_cut_says_what_it_still_has() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    two_tones(&path, 100);
    let sound = fs::read(&path).unwrap();
    fs::write(&path, &sound[..=44 + 4 * 60]).unwrap();

    repair(&path).unwrap();
    assert_eq!(hound::WavReader::open(&path).unwrap().duration(), 60);
}

#[test]
fn a_sound_file_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    two_tones(&path, 100);
    let sound = fs::read(&path).unwrap();
    assert!(!repair(&path).unwrap().repaired);
    assert_eq!(fs::read(&path).unwrap(), sound);
}

#[test]
fn titles_behind_the_samples_survive_a_wrong_outer_size() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    two_tones(&path, 100);
    let mut titled = fs::read(&path).unwrap();
    titled.extend(b"LIST\x0a\x00\x00\x00INFOINAM\x00\x00");
    fs::write(&path, &titled).unwrap();

    assert!(repair(&path).unwrap().repaired);
    let repaired = fs::read(&path).unwrap();
    assert_eq!(repaired.len(), titled.len());
    assert_eq!(repaired[8..], titled[8..]);
    assert!(!inspect(&path).unwrap().header_damaged);
}

#[test]
fn a_header_of_another_shape_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    two_tones(&path, 100);
    forget_sizes(&path);
    let plain = fs::read(&path).unwrap();
    let mut other = plain[..36].to_vec();
    other.extend(b"LIST\x04\x00\x00\x00INFO");
    other.extend(&plain[36..]);
    fs::write(&path, &other).unwrap();

    assert!(matches!(repair(&path), Err(RepairError::NotCanonical { data_at: 56 })));
    assert_eq!(fs::read(&path).unwrap(), other);
}
