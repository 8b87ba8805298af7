//! What is said and written, word by word: numbers, languages, texts of one's own.

use crate::language::{
    CALLBACK, Callee, FIRST, HALF_A_SECOND, OUTBOUND, Person, Story, TWO, Tale, dealer, millis,
    other_dealer, secs, shopper, stranger,
};

const ENGLISH: &str = "\
+420601123456,Jane,en,+420777000111,1,Auto,,
+420601123456,Jane,en,+420777000222,2,Banky,,";

pub(crate) fn all() -> Vec<Tale> {
    vec![
        Tale::new("missed_calls_are_read_out", missed_calls),
        Tale::new("an_english_shopper_hears_numbers_in_english", english).data(ENGLISH),
        Tale::new("an_english_exchange_speaks_english_to_others", english_exchange)
            .data(TWO)
            .setting("exchange.language", "en"),
        Tale::new("starting_an_entry_again_costs_no_try", stars),
        Tale::new("a_returned_call_is_told_why_it_failed", returned),
        Tale::new("the_callback_hotline_asks_for_the_pin", pin),
        Tale::new("an_operator_writes_the_sms", template)
            .setting("callbacks.sms_delay", "1s")
            .setting("sms.texts.missed", "Volal {dealer}, cislo {ticket}."),
        Tale::new("a_sidecar_may_tell_the_shopper", sidecar)
            .setting("recordings.shopper_in_sidecar", "true"),
    ]
}

/// Rings until the dealer gives up.
fn misses(story: &mut Story<'_>, dealer: Person) {
    let phones: [Callee; 1] = [shopper().rings_on()];
    story.act(dealer.calls(FIRST).gives_up_ringing(millis(400)), phones);
}

fn missed_calls(story: &mut Story<'_>) {
    misses(story, dealer());
    misses(story, other_dealer());
    story.act(
        shopper().calls(CALLBACK).hears("enter-ticket").keys("0#").hears("enter-ticket").hangs_up(),
        [],
    );
    story.assert_spoken(
        0,
        "you-have 2 missed-calls-few enter-ticket \
         listing-ticket 1 listing-from 2 3 4 5 6 7 8 9 0 \
         listing-ticket 2 listing-from 2 2 2 3 3 3 4 4 4 enter-ticket",
    );
}

fn english(story: &mut Story<'_>) {
    story.act(
        shopper()
            .calls(OUTBOUND)
            .hears("enter-id")
            .keys("0#")
            .hears("enter-id")
            .keys("2#")
            .hears("enter-destination")
            .hangs_up(),
        [],
    );
    story.assert_spoken(
        0,
        "enter-id listing-id 1 listing-number 7 7 7 0 0 0 1 1 1 \
         listing-id 2 listing-number 7 7 7 0 0 0 2 2 2 enter-id enter-destination",
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 0# 2#
      hears en/enter-id en/listing-id en/listing-number en/listing-id en/listing-number en/enter-id en/enter-destination
    calls:
      outbound_hotline: +420601123456 as - with -: abandoned
    ");
}

fn english_exchange(story: &mut Story<'_>) {
    story.act(stranger().calls(OUTBOUND).listens_until_hangup(), []);
    story.act(dealer().calls(FIRST).listens_until_hangup(), [shopper().rejects(486)]);
    insta::assert_snapshot!(story.told(), @"
    +420608999888 calls 234234399: 200
      hears en/unknown-caller
    +420234567890 calls +420777000111: 180 183 486
      hears en/not-available
    +420601123456 rings, shows +420234234390: 486
    calls:
      outbound_hotline: - as - with -: refused (unknown_caller)
      fictitious_number: +420601123456 as +420777000111 with +420234567890: busy, ticket 1
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms queued
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
}

fn stars(story: &mut Story<'_>) {
    story.act(
        shopper()
            .calls(OUTBOUND)
            .hears("enter-destination")
            .keys("9*")
            .hears("enter-destination")
            .keys("99*")
            .hears("enter-destination")
            .keys("*")
            .hears("enter-destination")
            .keys("234567890#")
            .talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 9* 99* * 234567890#
      hears enter-destination enter-destination enter-destination enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, recording 2 s ok
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}

fn returned(story: &mut Story<'_>) {
    misses(story, dealer());
    for code in [480, 503, 404] {
        story.act(shopper().calls(CALLBACK).listens_until_hangup(), [dealer().rejects(code)]);
    }
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420601123456 calls +420234234390: 200
      hears one-missed-call dealer-no-answer
    +420234567890 rings, shows +420777000111: 480
    +420601123456 calls +420234234390: 200
      hears one-missed-call dealer-unreachable
    +420234567890 rings, shows +420777000111: 503
    +420601123456 calls +420234234390: 200
      hears one-missed-call dealer-unallocated
    +420234567890 rings, shows +420777000111: 404
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
      callback_hotline: +420601123456 as +420777000111 with +420234567890: no_answer, ticket 1
      callback_hotline: +420601123456 as +420777000111 with +420234567890: unreachable, ticket 1
      callback_hotline: +420601123456 as +420777000111 with +420234567890: unreachable, ticket 1
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms queued
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
}

fn pin(story: &mut Story<'_>) {
    story.command_reading(&["shoppers", "set", "601123456", "--pin"], "4711\n");
    story.act(
        shopper()
            .calls(CALLBACK)
            .hears("enter-pin")
            .keys("1234#")
            .hears("wrong-pin")
            .hears("enter-pin")
            .keys("4711#")
            .listens_until_hangup(),
        [],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls +420234234390: 200
      presses 1234# 4711#
      hears enter-pin wrong-pin enter-pin no-missed-calls
    calls:
      callback_hotline: +420601123456 as - with -: refused (no_ticket)
    ");
}

fn template(story: &mut Story<'_>) {
    misses(story, dealer());
    story.waits(secs(3));
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms sent
    sms:
      to +420601123456 in 1: sent: Volal +420234567890, cislo 1.
    ");
}

fn sidecar(story: &mut Story<'_>) {
    story.act(
        shopper()
            .calls(OUTBOUND)
            .hears("enter-destination")
            .keys("234567890#")
            .talks_until_hangup(),
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
}
