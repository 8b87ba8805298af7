use std::{fs, io::ErrorKind, path::Path, time::Duration};

use recordings::{Media, Verdict, verify};

use super::Recording;
use crate::faults::RecordingFault;

const SECOND: Duration = Duration::from_secs(1);

fn samples(path: &Path) -> (u16, Vec<i16>) {
    let mut wav = hound::WavReader::open(path).unwrap();
    assert_eq!((wav.spec().sample_rate, wav.spec().bits_per_sample), (8000, 16));
    (wav.spec().channels, wav.samples().map(Result::unwrap).collect())
}

/// How often the tone rises through zero.
fn hz(samples: impl IntoIterator<Item = i16>) -> usize {
    let samples: Vec<_> = samples.into_iter().collect();
    samples.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count()
}

#[test]
fn both_sides_are_apart_and_proven() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("2026/11/22/talk.wav");
    let mut recording = Recording::start(&path, true, None).unwrap();
    recording.append(Some(400), Some(900), SECOND).unwrap();
    recording.append(None, Some(900), SECOND).unwrap();
    assert_eq!(recording.samples(), 16_000);
    recording.finish().unwrap();

    let (channels, all) = samples(&path);
    assert_eq!(channels, 2);
    let side = |from: usize, first: usize| {
        hz(all.iter().skip(first * 16_000 + from).step_by(2).take(8000).copied())
    };
    assert!((398..=400).contains(&side(0, 0)));
    assert!((898..=900).contains(&side(1, 0)));
    assert_eq!(side(0, 1), 0);
    let proof = verify(&path, Some(2 * SECOND), &Media::default()).unwrap();
    assert_eq!(proof.verdict, Verdict::Ok);
    assert!(proof.inspection.unwrap().levels.iter().all(|level| level.rms_dbfs > -20.0));
}

#[test]
fn short_pieces_make_the_same_tone_as_a_long_one() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, pieces: u32| {
        let path = dir.path().join(name);
        let mut recording = Recording::start(&path, false, None).unwrap();
        for _ in 0..pieces {
            recording.append(Some(441), None, 3 * SECOND / pieces).unwrap();
        }
        recording.finish().unwrap();
        samples(&path)
    };
    assert_eq!(write("one.wav", 1), write("many.wav", 1875));
}

#[test]
fn a_mono_recording_mixes_the_sides() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mono.WAV");
    let mut recording = Recording::start(&path, false, None).unwrap();
    recording.append(Some(400), None, SECOND).unwrap();
    recording.append(None, Some(900), SECOND).unwrap();
    recording.finish().unwrap();
    let (channels, all) = samples(&path);
    assert_eq!(channels, 1);
    assert!((398..=400).contains(&hz(all[..8000].iter().copied())));
    assert!((898..=900).contains(&hz(all[8000..].iter().copied())));
}

#[test]
fn what_was_there_is_gone_with_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("talk.wav");
    fs::write(&path, vec![1; 1000]).unwrap();
    let recording = Recording::start(&path, true, None).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 44);
    assert_eq!(recording.size(), 44);
    recording.finish().unwrap();
    assert_eq!(samples(&path), (2, vec![]));
}

#[test]
fn a_discarded_one_is_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("talk.wav");
    let mut recording = Recording::start(&path, true, None).unwrap();
    recording.append(Some(400), None, SECOND).unwrap();
    recording.discard().unwrap();
    assert!(!path.exists());
}

#[test]
fn a_killed_one_says_it_is_empty_and_can_be_repaired() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("talk.wav");
    let mut recording = Recording::start(&path, true, None).unwrap();
    recording.append(Some(400), Some(900), SECOND).unwrap();
    recording.abandon();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes.len(), 44 + 32_000);
    assert_eq!((&bytes[4..8], &bytes[40..44]), (&[36, 0, 0, 0][..], &[0, 0, 0, 0][..]));
    assert_eq!(verify(&path, Some(SECOND), &Media::default()).unwrap().verdict, Verdict::Repaired);
}

#[test]
fn a_full_disk_keeps_what_fits() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("talk.wav");
    let fault = RecordingFault::DiskFull { after_bytes: 44 + 16_003 };
    let mut recording = Recording::start(&path, true, Some(fault)).unwrap();
    let error = recording.append(Some(400), Some(900), SECOND).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert_eq!(recording.append(None, None, SECOND).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(recording.samples(), 4000);
    recording.finish().unwrap();
    assert_eq!(samples(&path).1.len(), 8000);
    assert_eq!(fs::metadata(&path).unwrap().len(), 44 + 16_000, "whole frames");
    assert_eq!(verify(&path, Some(2 * SECOND), &Media::default()).unwrap().verdict, Verdict::Short);
}

#[test]
fn some_cannot_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let folder = dir.path().join("folder.wav");
    fs::create_dir(&folder).unwrap();
    let talk = dir.path().join("talk.wav");
    for (path, fault) in [
        (file.join("talk.wav"), None),
        (folder, None),
        (dir.path().join("talk.xyz"), None),
        (dir.path().join("talk"), None),
        (talk.clone(), Some(RecordingFault::CannotStart)),
    ] {
        assert!(Recording::start(&path, true, fault).is_err(), "{}", path.display());
    }
    assert!(!talk.exists());
}
