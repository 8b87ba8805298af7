//! Service 2: dealers call fictitious numbers.

use std::fs;

use crate::language::{
    CALLBACK, DEALER, FIRST, HALF_A_SECOND, OUTBOUND, SECOND, SHOPPER, Story, Tale, dealer, millis,
    other_dealer, other_shopper, phone, secs, shopper,
};

pub(crate) fn all() -> Vec<Tale> {
    let quick = |name, tell| {
        Tale::new(name, tell)
            .setting("callbacks.ring_timeout", "2s")
            .setting("callbacks.sms_delay", "3s")
            // As if minutes lay between the calls.
            .setting("sms.ticket_gap", "0s")
            .setting("sms.throttle.minute", "0")
    };
    vec![
        quick("missed_calls_become_tickets_and_sms", missed),
        quick("every_way_to_miss_has_its_code", ways_to_miss),
        quick("a_withheld_dealer_is_told_by_sms_alone", withheld),
        quick("a_dealer_who_leaves_in_the_announcement_was_missed", in_announcement),
        Tale::new("a_dealer_calls_back", answered),
        Tale::new("each_number_rings_its_own_shopper", two_shoppers).data(TWO_SHOPPERS),
        Tale::new("a_withheld_dealer_can_talk_too", withheld_talk),
        Tale::new("a_talk_in_time_skips_the_sms", in_time).setting("callbacks.sms_delay", "14s"),
        quick("an_sms_that_cannot_be_sent_is_tried_again", sms_again),
        Tale::new("the_sms_is_sent_after_a_minute", after_a_minute),
        Tale::new("numbers_of_nobody_are_not_in_service", nobody)
            .data("+420601123456,Jana,cs,+420777000111,1,Auto,2020-01-01,2020-12-31"),
        Tale::new("a_shopper_who_calls_their_own_number_is_busy", own_number),
        quick("the_sms_is_in_the_shopper_s_language", english_sms)
            .data("+420601123456,Jane,en,+420777000111,1,Auto,,"),
    ]
}

/// Each with a number of their own.
const TWO_SHOPPERS: &str = "\
+420601123456,Jana,cs,+420777000111,1,Auto,,
+420602222333,Petr,cs,+420777000222,1,Auto,,";

fn two_shoppers(story: &mut Story<'_>) {
    story.act(
        dealer().calls(SECOND).gives_up_ringing(HALF_A_SECOND),
        [shopper().rings_on(), other_shopper().rings_on()],
    );
    story.act(
        dealer().calls(FIRST).gives_up_ringing(HALF_A_SECOND),
        [shopper().rings_on(), other_shopper().rings_on()],
    );
    // Ticket numbers are each shopper's own; and what is returned is one's own.
    story.act(
        other_shopper().calls(CALLBACK).hears("one-missed-call").talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    // Another shopper's number is no destination.
    story.act(
        shopper()
            .calls(OUTBOUND)
            .hears("enter-destination")
            .keys("777000222#")
            .hears("own-exchange-number")
            .hangs_up(),
        [],
    );
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000222: 180 487
    +420602222333 rings, shows +420234234390: 180 487
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420602222333 calls +420234234390: 200
      hears one-missed-call
    +420234567890 rings, shows +420777000222: 180 200
    +420601123456 calls 234234399: 200
      presses 777000222#
      hears enter-destination own-exchange-number
    calls:
      fictitious_number: +420602222333 as +420777000222 with +420234567890: abandoned, ticket 1
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
      callback_hotline: +420602222333 as +420777000222 with +420234567890: answered, talked 2 s, ticket 1, recording 2 s ok
      outbound_hotline: +420601123456 as - with -: refused (exchange_number)
    tickets:
      1 of +420602222333 for +420777000222 from +420234567890: called_back, missed 1, sms skipped
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms queued
    sms:
      to +420602222333 in 1: skipped: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000222 (HH:MM). Volejte zpet 234234390.
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    recordings:
      DAY/TIME_return_420777000222_420234567890_ID.wav
    ");
}

fn answered(story: &mut Story<'_>) {
    story.act(
        dealer().calls(FIRST).asserted(DEALER).talks_until_hangup(),
        [shopper().rings(millis(1500)).answers().talks(secs(3)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 200
    +420601123456 rings, shows +420234234390: 180 200
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: answered, talked 3 s, recording 3 s ok
    recordings:
      DAY/TIME_back_420777000111_420234567890_ID.wav
    ");
}

fn missed(story: &mut Story<'_>) {
    // Not answered in time.
    story.act(dealer().calls(FIRST).listens_until_hangup(), [shopper().rings_on()]);
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 183 480
      hears not-available
    +420601123456 rings, shows +420234234390: 180 487
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: no_answer, ticket 1
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms queued
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
    // Two seconds of ringing and the announcement.
    let lasted = story.lasted();
    assert!((6.5..9.0).contains(&lasted[0]), "{lasted:?} s");
    // Another dealer gives up while it rings.
    story.act(other_dealer().calls(FIRST).gives_up_ringing(millis(800)), [shopper().rings_on()]);
    // The first again, and the shopper is busy. The number has never called them: one SMS is enough.
    story.act(dealer().calls(FIRST).listens_until_hangup(), [shopper().rejects(486)]);
    story.waits(secs(5));
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 183 480
      hears not-available
    +420601123456 rings, shows +420234234390: 180 487
    +420222333444 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420234567890 calls +420777000111: 180 183 486
      hears not-available
    +420601123456 rings, shows +420234234390: 486
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: no_answer, ticket 1
      fictitious_number: +420601123456 as +420777000111 with +420222333444: abandoned, ticket 2
      fictitious_number: +420601123456 as +420777000111 with +420234567890: busy, ticket 1
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 2, sms sent
      2 of +420601123456 for +420777000111 from +420222333444: open, missed 1, sms sent
    sms:
      to +420601123456 in 1: sent: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
      to +420601123456 in 1: sent: Zmeskany hovor c. 2 od +420222333444 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
}

fn ways_to_miss(story: &mut Story<'_>) {
    let calls = |number| phone(number).calls(FIRST).listens_until_hangup();
    story.act(calls("+420222333001"), [shopper().rings(HALF_A_SECOND).then_rejects(603)]);
    story.act(calls("+420222333002"), [shopper().rejects(480)]);
    story.act(calls("+420222333003"), [shopper().rejects(503)]);
    story.act(calls("+420222333004"), [shopper().rejects(404)]);
    story.waits(secs(5));
    insta::assert_snapshot!(story.told(), @"
    +420222333001 calls +420777000111: 180 183 603
      hears not-available
    +420601123456 rings, shows +420234234390: 180 603
    +420222333002 calls +420777000111: 180 183 480
      hears not-available
    +420601123456 rings, shows +420234234390: 480
    +420222333003 calls +420777000111: 180 183 480
      hears not-available
    +420601123456 rings, shows +420234234390: 503
    +420222333004 calls +420777000111: 180 183 480
      hears not-available
    +420601123456 rings, shows +420234234390: 404
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420222333001: rejected, ticket 1
      fictitious_number: +420601123456 as +420777000111 with +420222333002: no_answer, ticket 2
      fictitious_number: +420601123456 as +420777000111 with +420222333003: unreachable, ticket 3
      fictitious_number: +420601123456 as +420777000111 with +420222333004: unreachable, ticket 4
    tickets:
      1 of +420601123456 for +420777000111 from +420222333001: open, missed 1, sms sent
      2 of +420601123456 for +420777000111 from +420222333002: open, missed 1, sms sent
      3 of +420601123456 for +420777000111 from +420222333003: open, missed 1, sms sent
      4 of +420601123456 for +420777000111 from +420222333004: open, missed 1, sms sent
    sms:
      to +420601123456 in 1: sent: Zmeskany hovor c. 1 od +420222333001 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
      to +420601123456 in 1: sent: Zmeskany hovor c. 2 od +420222333002 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
      to +420601123456 in 1: sent: Zmeskany hovor c. 3 od +420222333003 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
      to +420601123456 in 1: sent: Zmeskany hovor c. 4 od +420222333004 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
}

fn withheld(story: &mut Story<'_>) {
    story.act(
        dealer().calls(FIRST).withheld().asserted(DEALER).listens_until_hangup(),
        [shopper().rejects(486)],
    );
    story.waits(secs(5));
    insta::assert_snapshot!(story.told(), @"
    anonymous calls +420777000111: 180 183 486
      hears not-available
    +420601123456 rings, shows +420234234390: 486
    calls:
      fictitious_number: +420601123456 as +420777000111 with -: busy
    sms:
      to +420601123456 in 1: sent: Zmeskany hovor ze skryteho cisla na Vase cislo 777000111 (HH:MM).
    ");
}

fn withheld_talk(story: &mut Story<'_>) {
    story.act(
        dealer().calls(FIRST).withheld().talks_until_hangup(),
        [shopper().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    anonymous calls +420777000111: 180 200
    +420601123456 rings, shows +420234234390: 180 200
    calls:
      fictitious_number: +420601123456 as +420777000111 with -: answered, talked 2 s, recording 2 s ok
    recordings:
      DAY/TIME_back_420777000111_anonymous_ID.wav
    ");
}

fn in_announcement(story: &mut Story<'_>) {
    story.act(
        dealer().calls(FIRST).gives_up_in_announcement(HALF_A_SECOND),
        [shopper().rejects(603)],
    );
    story.waits(secs(5));
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 183 487
      hears not-available
    +420601123456 rings, shows +420234234390: 603
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: rejected, ticket 1
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms sent
    sms:
      to +420601123456 in 1: sent: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
}

fn in_time(story: &mut Story<'_>) {
    story.act(dealer().calls(FIRST).gives_up_ringing(millis(700)), [shopper().rings_on()]);
    // The second time the shopper answers.
    story.act(
        dealer().calls(FIRST).talks_until_hangup(),
        [shopper().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    story.waits(secs(15));
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420234567890 calls +420777000111: 180 200
    +420601123456 rings, shows +420234234390: 180 200
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
      fictitious_number: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, ticket 1, recording 2 s ok
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: reached, missed 1, sms skipped
    sms:
      to +420601123456 in 1: skipped: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    recordings:
      DAY/TIME_back_420777000111_420234567890_ID.wav
    ");
}

fn sms_again(story: &mut Story<'_>) {
    let (spool, away) = (story.folder().join("sms"), story.folder().join("sms-away"));
    fs::rename(&spool, &away).unwrap();
    fs::write(&spool, "").unwrap();
    story.act(dealer().calls(FIRST).gives_up_ringing(millis(700)), [shopper().rings_on()]);
    story.waits(secs(5));
    fs::remove_file(&spool).unwrap();
    fs::rename(&away, &spool).unwrap();
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms queued
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
    story.waits(secs(12));
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

fn after_a_minute(story: &mut Story<'_>) {
    story.act(dealer().calls(FIRST).gives_up_ringing(millis(700)), [shopper().rings_on()]);
    story.waits(secs(50));
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms queued
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
    story.waits(secs(20));
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

fn nobody(story: &mut Story<'_>) {
    // The one was the shopper's once, the other is nobody's: neither rings, no prompt is heard.
    story.act(dealer().calls(FIRST).listens_until_hangup(), [shopper().rings_on()]);
    story.act(dealer().calls(SECOND).listens_until_hangup(), [shopper().rings_on()]);
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 404
    +420234567890 calls +420777000222: 404
    calls:
      fictitious_number: - as +420777000111 with +420234567890: refused (unpaired_number)
      fictitious_number: - as +420777000222 with +420234567890: refused (unpaired_number)
    ");
}

fn own_number(story: &mut Story<'_>) {
    story.act(
        shopper().calls(FIRST).asserted(SHOPPER).listens_until_hangup(),
        [shopper().rings_on()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls +420777000111: 486
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420601123456: refused (own_pairing)
    ");
}

fn english_sms(story: &mut Story<'_>) {
    // The dealer hears the language of the exchange.
    story.act(dealer().calls(FIRST).listens_until_hangup(), [shopper().rejects(486)]);
    story.waits(secs(5));
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 183 486
      hears not-available
    +420601123456 rings, shows +420234234390: 486
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: busy, ticket 1
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms sent
    sms:
      to +420601123456 in 1: sent: Missed call no. 1 from +420234567890 to your number 777000111 (HH:MM). Call back on 234234390.
    ");
}
