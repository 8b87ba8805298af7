//! The exchange starts, stops, is killed, and outlives its switch.

use crate::language::{
    Act, Call, Event, FIRST, HALF_A_SECOND, Moment, OUTBOUND, Story, Tale, dealer, phone, secs,
    shopper,
};

pub(crate) fn all() -> Vec<Tale> {
    vec![
        Tale::new("a_killed_switch_leaves_a_proven_recording", killed_switch),
        Tale::new("a_dealer_whose_switch_was_killed_was_missed", killed_switch_ringing),
        Tale::new("with_both_killed_a_dealer_was_missed", both_killed),
        Tale::new("a_killed_exchange_does_not_end_the_talk", killed),
        Tale::new("a_call_back_to_a_killed_exchange_is_a_missed_one", killed_ringing)
            .setting("callbacks.ring_timeout", "4s"),
        Tale::new("an_sms_outlives_the_exchange", sms_outlives)
            .setting("callbacks.sms_delay", "2s"),
        Tale::new("a_dealer_s_call_at_overload_is_missed", overload)
            .setting("switch.max_calls", "1"),
        Tale::new("stopping_lets_talks_end", stopping),
        Tale::new("killed_while_keys_are_awaited_an_apology_follows", killed_in_prompt),
        Tale::new("no_exchange_there_the_caller_hears_an_apology", no_exchange).without_exchange(),
    ]
}

fn calls_the_dealer() -> Call {
    shopper().calls(OUTBOUND).hears("enter-destination").keys("234567890#")
}

fn no_exchange(story: &mut Story<'_>) {
    story.act(shopper().calls(OUTBOUND).listens_until_hangup(), []);
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 183 503
      hears apology
    ");
}

fn killed(story: &mut Story<'_>) {
    story.play(
        &Act::new(
            calls_the_dealer().talks_until_hangup(),
            [dealer().rings(HALF_A_SECOND).answers().talks(secs(6)).hangs_up()],
        )
        .when(Moment::Talking, Event::ExchangeKilled),
    );
    // The next start completes the call from FreeSWITCH's records.
    story.happens(Event::ExchangeStarts);
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 6 s, recording 6 s ok
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}

fn killed_ringing(story: &mut Story<'_>) {
    story.play(
        &Act::new(dealer().calls(FIRST).listens_until_hangup(), [shopper().rings_on()])
            .when(Moment::Ringing, Event::ExchangeKilled),
    );
    story.happens(Event::ExchangeStarts);
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 183 503
      hears apology
    +420601123456 rings, shows +420234234390: 180 487
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: no_answer, ticket 1
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms queued
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
}

fn sms_outlives(story: &mut Story<'_>) {
    story.act(dealer().calls(FIRST).gives_up_ringing(HALF_A_SECOND), [shopper().rings_on()]);
    story.happens(Event::ExchangeKilled);
    story.waits(secs(3));
    story.happens(Event::ExchangeStarts);
    story.waits(secs(2));
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms sent
    sms:
      to +420601123456 in 1: sent: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
}

fn overload(story: &mut Story<'_>) {
    story.act(
        [
            calls_the_dealer().talks_until_hangup(),
            phone("+420222333001").calls(FIRST).listens_until_hangup(),
        ],
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(8)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination
    +420222333001 calls +420777000111: 503
    +420234567890 rings, shows +420777000111: 180 200
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420222333001: unreachable (overload), ticket 1
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 8 s, recording 8 s ok
    tickets:
      1 of +420601123456 for +420777000111 from +420222333001: open, missed 1, sms queued
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420222333001 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}

fn stopping(story: &mut Story<'_>) {
    // FreeSWITCH finds nobody to take a new call.
    story.play(
        &Act::new(
            calls_the_dealer().talks_until_hangup(),
            [dealer().rings(HALF_A_SECOND).answers().talks(secs(4)).hangs_up()],
        )
        .when(Moment::Talking, Event::ExchangeStops)
        .then(shopper().calls(OUTBOUND).listens_until_hangup()),
    );
    story.happens(Event::ExchangeStarts);
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination
    +420601123456 calls 234234399: 183 503
      hears apology
    +420234567890 rings, shows +420777000111: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 4 s, recording 4 s ok
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}

/// FreeSWITCH is killed in a talk: no record of the call will ever come, but the exchange knows
/// that it was dialled and answered, and the samples are in the file.
fn killed_switch(story: &mut Story<'_>) {
    story.play(
        &Act::new(
            calls_the_dealer().talks(secs(20)).hangs_up(),
            [dealer().rings(HALF_A_SECOND).answers().talks(secs(20)).hangs_up()],
        )
        .when(Moment::Talking, Event::SwitchKilled),
    );
    story.waits(secs(16));
    insta::assert_snapshot!(story.told_roughly(), @"
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked some s, recording some s repaired
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}

fn killed_switch_ringing(story: &mut Story<'_>) {
    story.play(
        &Act::new(dealer().calls(FIRST).listens_until_hangup(), [shopper().rings_on()])
            .when(Moment::Ringing, Event::SwitchKilled),
    );
    story.waits(secs(16));
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180
    +420601123456 rings, shows +420234234390: 180
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms queued
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
}

/// The next start finds the call open, and nobody who knows it.
fn both_killed(story: &mut Story<'_>) {
    story.play(
        &Act::new(dealer().calls(FIRST).listens_until_hangup(), [shopper().rings_on()])
            .when(Moment::Ringing, Event::SwitchKilled),
    );
    story.happens(Event::ExchangeKilled);
    story.happens(Event::ExchangeStarts);
    story.waits(secs(40));
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180
    +420601123456 rings, shows +420234234390: 180
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms queued
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
}

fn killed_in_prompt(story: &mut Story<'_>) {
    story.play(
        &Act::new(shopper().calls(OUTBOUND).listens_until_hangup(), [])
            .when(Moment::Asked, Event::ExchangeKilled),
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      hears enter-destination apology
    ");
}
