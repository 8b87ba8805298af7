//! The talk itself: either side ends it, keys get through, it is recorded.

use std::{fs, os::unix::fs::symlink};

use crate::language::{
    Call, FIRST, HALF_A_SECOND, OUTBOUND, Story, Tale, dealer, millis, secs, shopper,
};

pub(crate) fn all() -> Vec<Tale> {
    vec![
        Tale::new("either_side_may_hang_up", either_side),
        Tale::new("keys_in_the_talk_reach_the_other_side", keys_get_through),
        Tale::new("recordings_are_verified_and_a_lost_one_is_told", verified),
        Tale::new("a_silent_side_is_told", one_sided),
        Tale::new("without_a_recording_nobody_is_connected", not_recordable),
        Tale::new("recordings_may_be_dispensable", dispensable)
            .setting("recordings.required", "false"),
    ]
}

fn calls_the_dealer() -> Call {
    shopper().calls(OUTBOUND).hears("enter-destination").keys("234567890#")
}

fn either_side(story: &mut Story<'_>) {
    story.act(
        calls_the_dealer().talks(secs(3)).hangs_up(),
        [dealer().rings(HALF_A_SECOND).answers().talks_until_hangup()],
    );
    story.act(
        dealer().calls(FIRST).talks(secs(2)).hangs_up(),
        [shopper().rings(HALF_A_SECOND).answers().talks_until_hangup()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    +420234567890 calls +420777000111: 180 200
    +420601123456 rings, shows +420234234390: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 3 s, recording 3 s ok
      fictitious_number: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, recording 2 s ok
    recordings:
      DAY/TIME_back_420777000111_420234567890_ID.wav
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}

fn keys_get_through(story: &mut Story<'_>) {
    // A call centre's menu; then the shopper's phone is the one that was called.
    story.act(
        calls_the_dealer().talks(HALF_A_SECOND).keys("5*0#").talks(millis(5800)).hangs_up(),
        [dealer().rings(HALF_A_SECOND).answers().talks_until_hangup()],
    );
    story.act(
        dealer().calls(FIRST).talks_until_hangup(),
        [shopper()
            .rings(HALF_A_SECOND)
            .answers()
            .talks(HALF_A_SECOND)
            .keys("42*#")
            .talks(millis(5800))
            .hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890# 5*0#
      hears enter-destination
    +420234567890 rings, shows +420777000111: 180 200
      hears the keys 5*0#
    +420234567890 calls +420777000111: 180 200
      hears the keys 42*#
    +420601123456 rings, shows +420234234390: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 7 s, recording 7 s ok
      fictitious_number: +420601123456 as +420777000111 with +420234567890: answered, talked 7 s, recording 7 s ok
    recordings:
      DAY/TIME_back_420777000111_420234567890_ID.wav
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}

fn verified(story: &mut Story<'_>) {
    story.act(
        calls_the_dealer().talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, recording 2 s ok
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
    story.command(&["recordings", "verify"]);
    let path = story.list("recordings")[0]["path"].as_str().unwrap().to_owned();
    let file = story.folder().join("recordings").join(&path);
    fs::remove_file(file).unwrap();
    let told = story.refused_command(&["recordings", "verify"]);
    assert!(told.contains(&path), "which one is missing? {told}");
}

fn one_sided(story: &mut Story<'_>) {
    story.act(
        calls_the_dealer().listens_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(3)).hangs_up()],
    );
    story.act(
        calls_the_dealer().talks(secs(3)).hangs_up(),
        [dealer().rings(HALF_A_SECOND).answers().listens_until_hangup()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 3 s, recording 3 s one_sided
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 3 s, recording 3 s one_sided
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}

fn dispensable(story: &mut Story<'_>) {
    // The disk that the folder is on is gone.
    let recordings = story.folder().join("recordings");
    fs::remove_dir_all(&recordings).unwrap();
    symlink("/nowhere/at/all", &recordings).unwrap();
    story.act(
        calls_the_dealer().talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    story.act(
        dealer().calls(FIRST).talks_until_hangup(),
        [shopper().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    +420234567890 calls +420777000111: 180 200
    +420601123456 rings, shows +420234234390: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, recording 0 s missing
      fictitious_number: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, recording 0 s missing
    ");
}

fn not_recordable(story: &mut Story<'_>) {
    // A file where the folder of recordings should be.
    let recordings = story.folder().join("recordings");
    fs::remove_dir_all(&recordings).unwrap();
    fs::write(&recordings, "").unwrap();
    story.act(
        calls_the_dealer().listens_until_hangup(),
        [dealer().rings_on(), shopper().rings_on()],
    );
    story.act(dealer().calls(FIRST).listens_until_hangup(), [shopper().rings_on()]);
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination calls-not-possible
    +420234567890 calls +420777000111: 183 480
      hears not-available
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: refused (not_recordable)
      fictitious_number: +420601123456 as +420777000111 with +420234567890: unreachable, ticket 1
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms queued
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
}
