use uuid::Uuid;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn one() -> (Talks, Watched, LegId, Instant) {
    let talks = Talks::default();
    let leg = LegId(Uuid::from_u128(1));
    let began = clock::instant();
    let watched =
        talks.watch(CallId(Uuid::from_u128(2)), leg, RecordingPath::new("2026/11/22/x.wav"));
    (talks, watched, leg, began)
}

fn look(talks: &Talks, leg: LegId, found: io::Result<u64>, now: Instant) -> Option<String> {
    let mut breaks = talks.judge(vec![(leg, found)], now, |since| format!("-{}s", since.as_secs()));
    assert!(breaks.len() < 2);
    breaks.pop().map(|broken| broken.problem)
}

fn gone() -> io::Result<u64> {
    Err(io::ErrorKind::NotFound.into())
}

#[tokio::test(start_paused = true)]
async fn a_recording_that_grows_is_whole_however_long() {
    let (talks, watched, leg, began) = one();
    for second in 0..3600 {
        let size = 44 + u64::from(second) * 32_000;
        assert_eq!(look(&talks, leg, Ok(size), began + SECOND * second), None);
    }
    assert!(!watched.broken().is_cancelled());
    drop(watched);
    assert_eq!((talks.count(), talks.take_problem(leg)), (0, None));
}

#[tokio::test(start_paused = true)]
async fn one_that_stops_growing_is_broken_after_ten_seconds_and_told_once() {
    let (talks, watched, leg, began) = one();
    assert_eq!(look(&talks, leg, Ok(44), began), None);
    assert_eq!(look(&talks, leg, Ok(96_044), began + SECOND * 3), None);
    assert_eq!(look(&talks, leg, Ok(96_044), began + SECOND * 12), None);
    assert!(!watched.broken().is_cancelled());
    let told = look(&talks, leg, Ok(96_044), began + SECOND * 13).unwrap();
    assert_eq!(told, "the recording has not grown since -10s, 3 s into the talk");
    assert!(watched.broken().is_cancelled());
    assert!(talks.files().is_empty(), "it is not looked at again");
    drop(watched);
    // The proof comes after the talk.
    assert_eq!(talks.take_problem(leg), Some(told));
    assert_eq!(talks.take_problem(leg), None);
}

#[tokio::test(start_paused = true)]
async fn one_that_vanishes_is_broken_at_once_but_may_be_late_to_come() {
    let (talks, _watched, leg, began) = one();
    assert_eq!(look(&talks, leg, gone(), began + SECOND), None, "FreeSWITCH just opens it");
    assert_eq!(look(&talks, leg, Ok(44), began + SECOND * 2), None);
    let told = look(&talks, leg, gone(), began + SECOND * 4).unwrap();
    assert_eq!(told, "the recording vanished after -2s, 2 s into the talk");
}

#[tokio::test(start_paused = true)]
async fn one_that_never_comes_or_cannot_be_seen_is_broken() {
    let (talks, _watched, leg, began) = one();
    assert_eq!(look(&talks, leg, gone(), began + SECOND * 9), None);
    assert!(look(&talks, leg, gone(), began + SECOND * 10).unwrap().contains("cannot be seen"));
    let (talks, _watched, leg, began) = one();
    look(&talks, leg, Ok(5000), began);
    assert!(look(&talks, leg, Ok(4000), began + SECOND).unwrap().contains("was cut"));
}
