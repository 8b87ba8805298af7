//! Service 3: shoppers return missed calls.

use crate::language::{
    CALLBACK, Call, FIRST, HALF_A_SECOND, OUTBOUND, Person, SECOND, Story, TWO, Tale, dealer,
    other_dealer, phone, secs, shopper,
};

pub(crate) fn all() -> Vec<Tale> {
    vec![
        Tale::new("the_manual_s_example", manual)
            .data(TWO)
            .setting("callbacks.sms_delay", "2s")
            .setting("switch.ring_timeout", "2s"),
        Tale::new("of_two_missed_calls_one_is_chosen", two_tickets).data(TWO),
        Tale::new("three_wrong_ticket_numbers_end_the_call", wrong_tickets).data(TWO),
        Tale::new("five_missed_calls_are_counted_in_good_czech", five_tickets),
        Tale::new("a_returned_call_that_fails_stays_open", stays_open),
        Tale::new("a_single_missed_call_is_returned", one_ticket),
        Tale::new("a_talk_some_other_way_closes_the_ticket", other_way),
        Tale::new("a_talk_under_another_number_closes_no_ticket", other_number).data(TWO),
        Tale::new("an_ended_pairing_ends_its_tickets", ended_pairing),
        Tale::new("a_premium_number_is_not_called_back", premium),
        Tale::new("without_missed_calls_it_says_so", none),
    ]
}

/// The shopper calls the callback hotline.
fn returns() -> Call {
    shopper().calls(CALLBACK)
}

/// A dealer calls the fictitious number and gives up while it rings.
fn misses(story: &mut Story<'_>, dealer: Person, number: &str) {
    story.act(dealer.calls(number).gives_up_ringing(HALF_A_SECOND), [shopper().rings_on()]);
}

fn none(story: &mut Story<'_>) {
    story.act(returns().listens_until_hangup(), []);
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls +420234234390: 200
      hears no-missed-calls
    calls:
      callback_hotline: +420601123456 as - with -: refused (no_ticket)
    ");
}

fn one_ticket(story: &mut Story<'_>) {
    misses(story, dealer(), FIRST);
    story.act(
        returns().hears("one-missed-call").talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(3)).hangs_up()],
    );
    // It is closed now.
    story.act(returns().listens_until_hangup(), []);
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420601123456 calls +420234234390: 200
      hears one-missed-call
    +420234567890 rings, shows +420777000111: 180 200
    +420601123456 calls +420234234390: 200
      hears no-missed-calls
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
      callback_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 3 s, ticket 1, recording 3 s ok
      callback_hotline: +420601123456 as - with -: refused (no_ticket)
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: called_back, missed 1, sms skipped
    sms:
      to +420601123456 in 1: skipped: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    recordings:
      DAY/TIME_return_420777000111_420234567890_ID.wav
    ");
}

fn two_tickets(story: &mut Story<'_>) {
    misses(story, dealer(), FIRST);
    misses(story, other_dealer(), SECOND);
    // A wrong number, then the list, then keys over the list.
    story.act(
        returns()
            .hears("you-have")
            .waits(secs(4))
            .keys("9#")
            .hears("wrong-ticket")
            .hears("enter-ticket")
            .keys("0#")
            .hears("listing-ticket")
            .waits(secs(3))
            .keys("2#")
            .talks_until_hangup(),
        [other_dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420222333444 calls +420777000222: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420601123456 calls +420234234390: 200
      presses 9# 0# 2#
      hears you-have missed-calls-few enter-ticket wrong-ticket enter-ticket listing-ticket listing-from
    +420222333444 rings, shows +420777000222: 180 200
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
      fictitious_number: +420601123456 as +420777000222 with +420222333444: abandoned, ticket 2
      callback_hotline: +420601123456 as +420777000222 with +420222333444: answered, talked 2 s, ticket 2, recording 2 s ok
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms queued
      2 of +420601123456 for +420777000222 from +420222333444: called_back, missed 1, sms skipped
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
      to +420601123456 in 1: skipped: Zmeskany hovor c. 2 od +420222333444 na Vase cislo 777000222 (HH:MM). Volejte zpet 234234390.
    recordings:
      DAY/TIME_return_420777000222_420222333444_ID.wav
    ");
}

fn wrong_tickets(story: &mut Story<'_>) {
    misses(story, dealer(), FIRST);
    misses(story, other_dealer(), SECOND);
    story.act(
        returns()
            .hears("you-have")
            .keys("9#")
            .hears("wrong-ticket")
            .keys("3#")
            .hears("wrong-ticket")
            .keys("12#")
            .listens_until_hangup(),
        [dealer().rings_on(), other_dealer().rings_on()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420222333444 calls +420777000222: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420601123456 calls +420234234390: 200
      presses 9# 3# 12#
      hears you-have wrong-ticket wrong-ticket wrong-ticket too-many-attempts
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
      fictitious_number: +420601123456 as +420777000222 with +420222333444: abandoned, ticket 2
      callback_hotline: +420601123456 as - with -: refused (wrong_ticket)
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms queued
      2 of +420601123456 for +420777000222 from +420222333444: open, missed 1, sms queued
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
      to +420601123456 in 1: queued: Zmeskany hovor c. 2 od +420222333444 na Vase cislo 777000222 (HH:MM). Volejte zpet 234234390.
    ");
}

fn five_tickets(story: &mut Story<'_>) {
    for number in
        ["+420222333001", "+420222333002", "+420222333003", "+420222333004", "+420222333005"]
    {
        misses(story, phone(number), FIRST);
    }
    story.act(
        returns().hears("enter-ticket").keys("5#").talks_until_hangup(),
        [phone("+420222333005").rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    story.assert_spoken(0, "you-have 5 missed-calls-many enter-ticket ringing");
    insta::assert_snapshot!(story.told(), @"
    +420222333001 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420222333002 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420222333003 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420222333004 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420222333005 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420601123456 calls +420234234390: 200
      presses 5#
      hears you-have missed-calls-many enter-ticket
    +420222333005 rings, shows +420777000111: 180 200
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420222333001: abandoned, ticket 1
      fictitious_number: +420601123456 as +420777000111 with +420222333002: abandoned, ticket 2
      fictitious_number: +420601123456 as +420777000111 with +420222333003: abandoned, ticket 3
      fictitious_number: +420601123456 as +420777000111 with +420222333004: abandoned, ticket 4
      fictitious_number: +420601123456 as +420777000111 with +420222333005: abandoned, ticket 5
      callback_hotline: +420601123456 as +420777000111 with +420222333005: answered, talked 2 s, ticket 5, recording 2 s ok
    tickets:
      1 of +420601123456 for +420777000111 from +420222333001: open, missed 1, sms queued
      2 of +420601123456 for +420777000111 from +420222333002: open, missed 1, sms queued
      3 of +420601123456 for +420777000111 from +420222333003: open, missed 1, sms queued
      4 of +420601123456 for +420777000111 from +420222333004: open, missed 1, sms queued
      5 of +420601123456 for +420777000111 from +420222333005: called_back, missed 1, sms skipped
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420222333001 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
      to +420601123456 in 1: queued: Zmeskany hovor c. 2 od +420222333002 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
      to +420601123456 in 1: queued: Zmeskany hovor c. 3 od +420222333003 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
      to +420601123456 in 1: queued: Zmeskany hovor c. 4 od +420222333004 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
      to +420601123456 in 1: skipped: Zmeskany hovor c. 5 od +420222333005 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    recordings:
      DAY/TIME_return_420777000111_420222333005_ID.wav
    ");
}

fn stays_open(story: &mut Story<'_>) {
    misses(story, dealer(), FIRST);
    story.act(returns().listens_until_hangup(), [dealer().rejects(486)]);
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420601123456 calls +420234234390: 200
      hears one-missed-call dealer-busy
    +420234567890 rings, shows +420777000111: 486
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
      callback_hotline: +420601123456 as +420777000111 with +420234567890: busy, ticket 1
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms queued
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
}

fn other_way(story: &mut Story<'_>) {
    misses(story, dealer(), FIRST);
    // They talk another way: the shopper calls out.
    story.act(
        shopper()
            .calls(OUTBOUND)
            .hears("enter-destination")
            .keys("234567890#")
            .talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, ticket 1, recording 2 s ok
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: reached, missed 1, sms skipped
    sms:
      to +420601123456 in 1: skipped: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}

fn other_number(story: &mut Story<'_>) {
    misses(story, dealer(), FIRST);
    story.act(
        shopper()
            .calls(OUTBOUND)
            .hears("enter-id")
            .keys("2#")
            .hears("enter-destination")
            .keys("234567890#")
            .talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420601123456 calls 234234399: 200
      presses 2# 234567890#
      hears enter-id enter-destination
    +420234567890 rings, shows +420777000222: 180 200
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
      outbound_hotline: +420601123456 as +420777000222 with +420234567890: answered, talked 2 s, recording 2 s ok
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms queued
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    recordings:
      DAY/TIME_out_420777000222_420234567890_ID.wav
    ");
}

fn ended_pairing(story: &mut Story<'_>) {
    misses(story, dealer(), FIRST);
    story.command(&["pairings", "end", "601123456", "1"]);
    // The number is not the shopper's any more.
    story.act(returns().listens_until_hangup(), [dealer().rings_on()]);
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420601123456 calls +420234234390: 200
      hears no-missed-calls
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
      callback_hotline: +420601123456 as - with -: refused (no_ticket)
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: cancelled, missed 1, sms skipped
    sms:
      to +420601123456 in 1: skipped: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
}

fn premium(story: &mut Story<'_>) {
    // Whoever calls may show any number.
    misses(story, phone("+420900123456"), FIRST);
    story.act(returns().listens_until_hangup(), [phone("+420900123456").rings_on()]);
    insta::assert_snapshot!(story.told(), @"
    +420900123456 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420601123456 calls +420234234390: 200
      hears no-missed-calls
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420900123456: abandoned
      callback_hotline: +420601123456 as - with -: refused (no_ticket)
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor od +420900123456 na Vase cislo 777000111 (HH:MM). Pres ustrednu zpet zavolat nelze.
    ");
}

/// What the manual tells shoppers.
fn manual(story: &mut Story<'_>) {
    // The dealer does not pick up, and sees a missed call from the fictitious number.
    story.act(
        shopper()
            .calls(OUTBOUND)
            .hears("enter-id")
            .keys("2#")
            .hears("enter-destination")
            .keys("234567890#")
            .hears("dealer-no-answer")
            .hangs_up(),
        [dealer().rings_on()],
    );
    // The dealer calls back, and the shopper does not pick up.
    misses(story, dealer(), SECOND);
    story.waits(secs(4));
    // The number of the SMS connects the two.
    story.act(
        returns().hears("one-missed-call").talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(3)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 2# 234567890#
      hears enter-id enter-destination dealer-no-answer
    +420234567890 rings, shows +420777000222: 180 487
    +420234567890 calls +420777000222: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420601123456 calls +420234234390: 200
      hears one-missed-call
    +420234567890 rings, shows +420777000222: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000222 with +420234567890: no_answer
      fictitious_number: +420601123456 as +420777000222 with +420234567890: abandoned, ticket 1
      callback_hotline: +420601123456 as +420777000222 with +420234567890: answered, talked 3 s, ticket 1, recording 3 s ok
    tickets:
      1 of +420601123456 for +420777000222 from +420234567890: called_back, missed 1, sms sent
    sms:
      to +420601123456 in 1: sent: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000222 (HH:MM). Volejte zpet 234234390.
    recordings:
      DAY/TIME_return_420777000222_420234567890_ID.wav
    ");
}
