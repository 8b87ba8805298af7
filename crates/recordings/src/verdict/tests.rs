use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{Verdict, judge, verify, verify_again};
use crate::archive::archive;
use crate::gaps::Gap;
use crate::inspect::{checksum, inspect};
use crate::media::{Counted, Held, Hold, Media, Side};
use crate::samples::{RATE, forget_sizes, tone, two_tones, write};

fn verdict_of(path: &Path, talk: Option<u64>) -> Verdict {
    verify(path, talk.map(Duration::from_millis), &Media::default()).unwrap().verdict
}

fn recorded(channels: u16, sample: impl Fn(u32, u16) -> i16) -> Verdict {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    write(&path, channels, 2 * RATE, sample);
    verdict_of(&path, Some(2000))
}

#[test]
fn both_sides_heard_is_ok() {
    assert_eq!(recorded(2, |frame, _| tone(frame, 440.0)), Verdict::Ok);
}

#[test]
fn a_silent_side_is_told_whichever_it_is() {
    for dead in [0, 1] {
        let heard = |frame, channel| if channel == dead { 0 } else { tone(frame, 440.0) };
        assert_eq!(recorded(2, heard), Verdict::OneSided, "channel {dead}");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wav");
        write(&path, 2, 2 * RATE, heard);
        let proof = verify(&path, None, &Media::default()).unwrap();
        let whose = ["shopper", "dealer"][usize::from(dead)];
        assert_eq!(proof.problem.unwrap(), format!("nothing is heard of the {whose}"));
    }
}

#[test]
fn an_idle_line_is_silence() {
    // What A-law makes of an idle line.
    let idle = |frame: u32| if frame.is_multiple_of(2) { 8 } else { -8 };
    assert_eq!(recorded(2, |frame, _| idle(frame)), Verdict::Silent);
    assert_eq!(recorded(2, |_, _| 0), Verdict::Silent);
    let one = |frame, channel| if channel == 0 { idle(frame) } else { tone(frame, 440.0) };
    assert_eq!(recorded(2, one), Verdict::OneSided);
}

#[test]
fn a_side_that_speaks_a_word_in_a_long_talk_is_heard() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    // 0.04 s at -35 dBFS in two minutes: the RMS is below the threshold, the peak is not.
    let frames = 120 * RATE;
    write(&path, 2, frames, |frame, channel| match channel {
        0 if frame < RATE / 25 => tone(frame, 440.0) / 28,
        0 => 0,
        _ => tone(frame, 620.0),
    });
    let found = inspect(&path).unwrap();
    assert!(found.levels[0].rms_dbfs < super::SILENT_RMS_DBFS, "{:?}", found.levels);
    assert_eq!(judge(&found, None, Some(&Media::default())), Verdict::Ok);
}

#[test]
fn both_sides_in_one_channel_prove_neither() {
    assert_eq!(recorded(1, |frame, _| tone(frame, 440.0)), Verdict::OneSided);
    assert_eq!(recorded(1, |_, _| 0), Verdict::Silent);
}

#[test]
fn half_a_second_may_be_missing_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    two_tones(&path, 2 * RATE);
    assert_eq!(verdict_of(&path, Some(2500)), Verdict::Ok);
    assert_eq!(verdict_of(&path, Some(2501)), Verdict::Short);
    assert_eq!(verdict_of(&path, None), Verdict::Ok);
}

#[test]
fn a_forgotten_header_is_repaired_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    two_tones(&path, 2 * RATE);
    forget_sizes(&path);
    let damaged = inspect(&path).unwrap();
    assert_eq!(
        judge(&damaged, Some(Duration::from_secs(2)), Some(&Media::default())),
        Verdict::Short
    );

    assert_eq!(verdict_of(&path, Some(2000)), Verdict::Repaired);
    assert_eq!(verdict_of(&path, Some(2000)), Verdict::Ok);
}

#[test]
fn a_repaired_file_can_still_be_short_or_silent() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    two_tones(&path, 2 * RATE);
    forget_sizes(&path);
    assert_eq!(verdict_of(&path, Some(4000)), Verdict::Short);
    write(&path, 2, RATE, |_, _| 0);
    forget_sizes(&path);
    assert_eq!(verdict_of(&path, Some(4000)), Verdict::Silent);
}

#[test]
fn what_is_no_recording_is_missing_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    let proof = verify(&path, None, &Media::default()).unwrap();
    assert_eq!((proof.verdict, proof.inspection), (Verdict::Missing, None));
    assert_eq!(proof.problem.unwrap(), "there is no such file");
    fs::write(&path, "").unwrap();
    assert_eq!(
        verify(&path, None, &Media::default()).unwrap().problem.unwrap(),
        "the file is empty"
    );
    fs::write(&path, vec![0x55; 4096]).unwrap();
    assert_eq!(verdict_of(&path, None), Verdict::Missing);
}

#[test]
fn a_proven_file_is_never_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    two_tones(&path, 2 * RATE);
    let proven = fs::read(&path).unwrap();
    let sha256 =
        verify(&path, Some(Duration::from_secs(2)), &Media::default()).unwrap().sha256.unwrap();
    let again = || {
        verify_again(&path, Some(Duration::from_secs(2)), Some(&Media::default()), Some(&sha256))
            .unwrap()
    };
    assert_eq!(again().verdict, Verdict::Ok);

    let cut = proven.len() - 4 * 3200;
    let mut last_byte = proven.clone();
    last_byte[proven.len() - 1] ^= 1;
    let mut other = proven.clone();
    other[44..].fill(7);
    other[4..8].fill(0);
    other[40..44].fill(0);
    let cases: [(&str, Vec<u8>); 6] = [
        ("other sound under sizes of 0", other),
        ("cut by 0.4 s", proven[..cut].to_vec()),
        ("overwritten, a byte short", vec![1; proven.len() - 1]),
        ("one bit", last_byte),
        ("empty", Vec::new()),
        ("a header alone", proven[..44].to_vec()),
    ];
    for (what, bytes) in cases {
        fs::write(&path, &bytes).unwrap();
        let found = again();
        assert_eq!(found.verdict, Verdict::Changed, "{what}");
        assert_eq!((found.inspection, found.sha256), (None, None), "{what}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "{what}: nothing is repaired");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(again().verdict, Verdict::Missing);
    fs::write(&path, &proven).unwrap();
    assert_eq!(again().verdict, Verdict::Ok, "it is back");
}

#[test]
fn a_link_in_its_place_is_a_change_even_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (path, elsewhere) = (dir.path().join("a.wav"), dir.path().join("b.wav"));
    two_tones(&path, RATE);
    let sha256 = verify(&path, None, &Media::default()).unwrap().sha256.unwrap();
    fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert_eq!(
        verify_again(&path, None, Some(&Media::default()), Some(&sha256)).unwrap().verdict,
        Verdict::Changed
    );
    let first = verify(&path, None, &Media::default()).unwrap();
    assert_eq!((first.verdict, first.sha256), (Verdict::Missing, None));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(
        verify_again(&path, None, Some(&Media::default()), Some(&sha256)).unwrap().verdict,
        Verdict::Changed
    );
}

#[test]
fn what_comes_where_nothing_was_is_no_proof() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    assert_eq!(
        verify_again(&path, None, Some(&Media::default()), None).unwrap().verdict,
        Verdict::Missing
    );
    two_tones(&path, RATE);
    assert_eq!(
        verify_again(&path, None, Some(&Media::default()), None).unwrap().verdict,
        Verdict::Changed
    );
}

#[test]
fn garbage_has_a_checksum_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    fs::write(&path, vec![0x55; 4096]).unwrap();
    let sha256 = verify(&path, None, &Media::default()).unwrap().sha256.unwrap();
    assert_eq!(sha256, checksum(&path).unwrap());
    assert_eq!(
        verify_again(&path, None, Some(&Media::default()), Some(&sha256)).unwrap().verdict,
        Verdict::Missing
    );
    two_tones(&path, RATE);
    assert_eq!(
        verify_again(&path, None, Some(&Media::default()), Some(&sha256)).unwrap().verdict,
        Verdict::Changed
    );
}

#[test]
fn a_folder_in_its_place_is_no_recording() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(verdict_of(dir.path(), None), Verdict::Missing);
}

#[test]
fn the_words_are_those_of_the_interface() {
    for (verdict, word) in [
        (Verdict::Ok, "ok"),
        (Verdict::Silent, "silent"),
        (Verdict::OneSided, "one_sided"),
        (Verdict::Short, "short"),
        (Verdict::Repaired, "repaired"),
        (Verdict::Changed, "changed"),
        (Verdict::Missing, "missing"),
        (Verdict::Pending, "pending"),
    ] {
        assert_eq!(verdict.as_str(), word);
        assert_eq!(serde_json::to_value(verdict).unwrap(), word);
    }
}

#[test]
fn a_recording_longer_than_the_talk_is_broken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    write(&path, 2, 10 * RATE, |frame, _| tone(frame, 440.0));
    for (talk, verdict) in [
        (10_000, Verdict::Ok),
        // Within the tolerance.
        (8_050, Verdict::Ok),
        (7_900, Verdict::Broken),
        (1, Verdict::Broken),
    ] {
        assert_eq!(verdict_of(&path, Some(talk)), verdict, "a talk of {talk} ms");
    }
    let proof = verify(&path, Some(Duration::from_secs(6)), &Media::default()).unwrap();
    assert_eq!(proof.problem.as_deref(), Some("the recording is 4.0 s longer than the talk"));
    assert_eq!(verdict_of(&path, None), Verdict::Ok, "how long the talk was is not known");
}

#[test]
fn from_when_to_when_a_side_is_missing_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    // The dealer's leg as FreeSWITCH fills it, behind A-law, when nothing comes; the shopper's mute.
    let hole = 2 * RATE..5 * RATE;
    write(&path, 2, 6 * RATE, |frame, channel| match channel {
        0 if hole.contains(&frame) => 8,
        1 if hole.contains(&frame) => -8,
        _ => tone(frame, 440.0),
    });
    let gap = Gap { side: Side::Dealer, from: 2.0, to: 5.0, missing: 3.0 };
    for path in [path.clone(), archive(&path, None).unwrap().0] {
        let proof = verify(&path, Some(Duration::from_secs(6)), &Media::default()).unwrap();
        assert_eq!((proof.verdict, proof.gaps), (Verdict::Broken, vec![gap]));
        let told = "nothing came from the dealer from 0:02.0 to 0:05.0";
        assert_eq!(proof.problem.as_deref(), Some(told));
    }
    // The packets came: the dealer's phone was mute.
    let counted = Counted { missing: 0.04, ..Counted::default() };
    let media = Media { dealer: Some(counted), ..Media::default() };
    assert_eq!(verify(&path, None, &media).unwrap().verdict, Verdict::Ok);
    // Comfort noise was sent instead.
    let counted = Counted { missing: 3.04, comfort_noise: 4, ..Counted::default() };
    let media = Media { dealer: Some(counted), ..Media::default() };
    assert_eq!(verify(&path, None, &media).unwrap().verdict, Verdict::Ok);
}

#[test]
fn what_is_missing_behind_the_end_is_missing_of_both() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    two_tones(&path, 2 * RATE);
    let proof = verify(&path, Some(Duration::from_secs(4)), &Media::default()).unwrap();
    let behind = |side| Gap { side, from: 2.0, to: 4.0, missing: 2.0 };
    assert_eq!(proof.gaps, [Side::Shopper, Side::Dealer].map(behind));
    let told = "the recording is 2.0 s shorter than the talk";
    assert_eq!((proof.verdict, proof.problem.as_deref()), (Verdict::Short, Some(told)));
}

#[test]
fn what_was_judged_before_anybody_looked_for_gaps_keeps_its_verdict() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    let hole = 2 * RATE..5 * RATE;
    write(&path, 2, 6 * RATE, |frame, channel| {
        if channel == 0 && hole.contains(&frame) { -1 } else { tone(frame, 440.0) }
    });
    let proof = verify(&path, None, &Media::default()).unwrap();
    assert_eq!(proof.verdict, Verdict::Broken);
    let media = Media::default();
    let again = |media| verify_again(&path, None, media, proof.sha256.as_deref()).unwrap();
    assert_eq!(again(Some(&media)).verdict, Verdict::Broken);
    let old = again(None);
    assert_eq!((old.verdict, old.gaps, old.problem), (Verdict::Ok, Vec::new(), None));
}

#[test]
fn a_hold_is_told_within_the_recording() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    write(&path, 2, 6 * RATE, |frame, channel| {
        if channel == 0 && frame >= 2 * RATE { -1 } else { tone(frame, 440.0) }
    });
    let held = vec![Held { from: 1.987_654, to: 6.3 }];
    let shopper = Some(Counted { held, ..Counted::default() });
    let proof = verify(&path, None, &Media { shopper, ..Media::default() }).unwrap();
    assert_eq!((proof.verdict, proof.gaps), (Verdict::Ok, Vec::new()));
    assert_eq!(proof.holds, [Hold { side: Side::Shopper, from: 1.99, to: 6.0 }]);
}
