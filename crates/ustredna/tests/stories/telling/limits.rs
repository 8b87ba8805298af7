//! What one shopper may use.

use crate::language::{Call, HALF_A_SECOND, OUTBOUND, Story, Tale, dealer, millis, secs, shopper};

pub(crate) fn all() -> Vec<Tale> {
    vec![
        Tale::new("so_many_calls_a_day", calls_a_day).setting("limits.calls_per_day", "1"),
        Tale::new("so_many_minutes_a_day", minutes_a_day).setting("limits.minutes_per_day", "1"),
        Tale::new("so_many_calls_at_once", calls_at_once).setting("limits.calls_at_once", "1"),
    ]
}

fn calls_the_dealer() -> Call {
    shopper().calls(OUTBOUND).hears("enter-destination").keys("234567890#")
}

fn calls_a_day(story: &mut Story<'_>) {
    for _ in 0..2 {
        story.act(
            calls_the_dealer().talks_until_hangup(),
            [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
        );
    }
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination limit-calls-day
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, recording 2 s ok
      outbound_hotline: +420601123456 as - with -: refused (calls_per_day)
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}

fn minutes_a_day(story: &mut Story<'_>) {
    for _ in 0..2 {
        story.act(
            calls_the_dealer().talks_until_hangup(),
            [dealer().rings(HALF_A_SECOND).answers().talks(secs(62)).hangs_up()],
        );
    }
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination limit-minutes-day
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 62 s, recording 62 s ok
      outbound_hotline: +420601123456 as - with -: refused (minutes_per_day)
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}

fn calls_at_once(story: &mut Story<'_>) {
    let late = shopper().calls(OUTBOUND).hears("enter-destination").waits(millis(3000));
    story.act(
        [calls_the_dealer().talks_until_hangup(), late.keys("222333444#").listens_until_hangup()],
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(6)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination
    +420601123456 calls 234234399: 200
      presses 222333444#
      hears enter-destination limit-concurrent
    +420234567890 rings, shows +420777000111: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 6 s, recording 6 s ok
      outbound_hotline: +420601123456 as - with -: refused (calls_at_once)
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}
