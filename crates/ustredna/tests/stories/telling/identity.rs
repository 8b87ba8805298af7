//! Who is recognised, and in which language they are spoken to.

use crate::language::{
    CALLBACK, Call, FIRST, HALF_A_SECOND, ONE, OUTBOUND, SHOPPER, STRANGER, Story, Tale, dealer,
    phone, secs, shopper, stranger,
};

pub(crate) fn all() -> Vec<Tale> {
    vec![
        Tale::new("three_wrong_pins_lock_the_shopper_out", pin),
        Tale::new("a_lock_is_over_after_a_while", lock_over).setting("pin.lock", "30s"),
        Tale::new("strangers_and_withheld_numbers_are_turned_away", strangers),
        Tale::new("a_number_is_known_however_it_is_written", written),
        Tale::new("a_caller_id_that_is_no_number_is_as_good_as_withheld", no_number),
        Tale::new("a_shopper_without_a_number_is_told_so", no_pairing)
            .data("+420601123456,Jana,cs,+420777000111,1,Auto,2020-01-01,2020-12-31"),
        Tale::new("a_phone_forwarded_to_the_exchange_does_not_reach_it", forwarded),
        Tale::new("a_shopper_s_phone_rings_for_four_at_once", ringing)
            .simulated_only("its phones ring for forty seconds"),
        Tale::new("an_inactive_shopper_is_a_stranger", inactive).data(ONE),
        Tale::new("an_english_shopper_hears_english", english)
            .data("+420601123456,Jane,en,+420777000111,1,Auto,,"),
    ]
}

/// The shopper's network carries on what the exchange calls by, be it as From alone or with the shopper
/// as who forwards.
fn forwarded(story: &mut Story<'_>) {
    let listens = Call::listens_until_hangup;
    story.act(
        [
            listens(phone(CALLBACK).calls(FIRST)),
            listens(phone("+420234234399").calls(FIRST)),
            listens(phone(FIRST).calls(FIRST)),
            listens(phone(CALLBACK).calls(OUTBOUND).asserted(SHOPPER)),
            listens(phone(FIRST).calls(CALLBACK).asserted(SHOPPER)),
            listens(phone(CALLBACK).calls(CALLBACK)),
        ],
        [shopper().rings_on()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420234234390 calls +420777000111: 486
    +420234234399 calls +420777000111: 486
    +420777000111 calls +420777000111: 486
    +420234234390 calls 234234399: 486
    +420777000111 calls +420234234390: 486
    +420234234390 calls +420234234390: 486
    calls:
      callback_hotline: - as - with -: refused (forwarded_to_exchange)
      callback_hotline: - as - with -: refused (forwarded_to_exchange)
      fictitious_number: - as +420777000111 with -: refused (forwarded_to_exchange)
      fictitious_number: - as +420777000111 with -: refused (forwarded_to_exchange)
      fictitious_number: - as +420777000111 with -: refused (forwarded_to_exchange)
      outbound_hotline: - as - with -: refused (forwarded_to_exchange)
    ");
}

fn ringing(story: &mut Story<'_>) {
    let dealer =
        |number: u32| phone(format!("+42022233300{number}")).calls(FIRST).listens_until_hangup();
    story.act((1..=5).map(dealer).collect::<Vec<_>>(), (1..=5).map(|_| shopper().rings_on()));
    let outcomes = |story: &mut Story<'_>| {
        let calls = story.command(&["calls", "--json"]);
        let outcome = |call: &str| {
            let call: serde_json::Value = serde_json::from_str(call).unwrap();
            assert!(call["ticket"].is_number(), "whoever was not rung for is missed, too: {call}");
            call["outcome"].as_str().unwrap().to_owned()
        };
        let mut outcomes: Vec<_> = calls.lines().map(outcome).collect();
        outcomes.sort();
        outcomes
    };
    let four = ["no_answer"; 4];
    assert_eq!(outcomes(story), [&["busy"][..], &four].concat());
    // It rings again.
    story.act(dealer(6), [shopper().rings_on()]);
    assert_eq!(outcomes(story), [&["busy"][..], &four, &["no_answer"]].concat());
}

fn strangers(story: &mut Story<'_>) {
    let listens = Call::listens_until_hangup;
    story.act(
        [
            listens(stranger().calls(OUTBOUND)),
            listens(stranger().calls(CALLBACK)),
            // A real shopper who withheld the number: the carrier knows it, we may not use it.
            listens(shopper().calls(OUTBOUND).withheld().asserted(SHOPPER)),
            listens(shopper().calls(OUTBOUND).privacy("id")),
            listens(phone("anonymous").calls(OUTBOUND)),
            // From is what the caller claims; the carrier asserts otherwise.
            listens(shopper().calls(OUTBOUND).asserted(STRANGER)),
        ],
        [],
    );
    // And the other way round: asserted by the carrier, whatever From says.
    story.act(
        stranger().calls(OUTBOUND).asserted(SHOPPER).hears("enter-destination").hangs_up(),
        [],
    );
    insta::assert_snapshot!(story.told(), @"
    +420608999888 calls 234234399: 200
      hears unknown-caller
    +420608999888 calls +420234234390: 200
      hears unknown-caller
    anonymous calls 234234399: 200
      hears unknown-caller
    +420601123456 calls 234234399: 200
      hears unknown-caller
    anonymous calls 234234399: 200
      hears unknown-caller
    +420601123456 calls 234234399: 200
      hears unknown-caller
    +420608999888 calls 234234399: 200
      hears enter-destination
    calls:
      callback_hotline: - as - with -: refused (unknown_caller)
      outbound_hotline: - as - with -: refused (unknown_caller)
      outbound_hotline: - as - with -: refused (unknown_caller)
      outbound_hotline: - as - with -: refused (unknown_caller)
      outbound_hotline: - as - with -: refused (unknown_caller)
      outbound_hotline: - as - with -: refused (unknown_caller)
      outbound_hotline: +420601123456 as - with -: abandoned
    ");
}

fn written(story: &mut Story<'_>) {
    let calls =
        |number| phone(number).who_shops().calls(OUTBOUND).hears("enter-destination").hangs_up();
    story.act([calls("601123456"), calls("420601123456"), calls("00420601123456")], []);
    insta::assert_snapshot!(story.told(), @"
    601123456 calls 234234399: 200
      hears enter-destination
    420601123456 calls 234234399: 200
      hears enter-destination
    00420601123456 calls 234234399: 200
      hears enter-destination
    calls:
      outbound_hotline: +420601123456 as - with -: abandoned
      outbound_hotline: +420601123456 as - with -: abandoned
      outbound_hotline: +420601123456 as - with -: abandoned
    ");
}

/// Sixteen digits that the numbering plans hold a German number, and more than anybody can hold.
fn no_number(story: &mut Story<'_>) {
    let strange = ["+4930909018201820", "00420930123456789", "1234567890123456789012345"];
    for number in strange {
        // The shopper is rung all the same, and told what they missed.
        story.act(phone(number).calls(FIRST).listens_until_hangup(), [shopper().rejects(486)]);
    }
    story.act(strange.map(|number| phone(number).calls(OUTBOUND).listens_until_hangup()), []);
    story.act(phone(strange[0]).calls(CALLBACK).listens_until_hangup(), []);
    // Nobody else's calls are the worse for it.
    story.act(dealer().calls(FIRST).listens_until_hangup(), [shopper().rejects(486)]);
    story.act(
        shopper().calls(CALLBACK).talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    story.act(
        shopper()
            .calls(OUTBOUND)
            .hears("enter-destination")
            .keys("234567890#")
            .talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +4930909018201820 calls +420777000111: 180 183 486
      hears not-available
    +420601123456 rings, shows +420234234390: 486
    00420930123456789 calls +420777000111: 180 183 486
      hears not-available
    +420601123456 rings, shows +420234234390: 486
    1234567890123456789012345 calls +420777000111: 180 183 486
      hears not-available
    +420601123456 rings, shows +420234234390: 486
    +4930909018201820 calls 234234399: 200
      hears unknown-caller
    00420930123456789 calls 234234399: 200
      hears unknown-caller
    1234567890123456789012345 calls 234234399: 200
      hears unknown-caller
    +4930909018201820 calls +420234234390: 200
      hears unknown-caller
    +420234567890 calls +420777000111: 180 183 486
      hears not-available
    +420601123456 rings, shows +420234234390: 486
    +420601123456 calls +420234234390: 200
      hears one-missed-call
    +420234567890 rings, shows +420777000111: 180 200
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    calls:
      fictitious_number: +420601123456 as +420777000111 with -: busy
      fictitious_number: +420601123456 as +420777000111 with -: busy
      fictitious_number: +420601123456 as +420777000111 with -: busy
      outbound_hotline: - as - with -: refused (unknown_caller)
      outbound_hotline: - as - with -: refused (unknown_caller)
      outbound_hotline: - as - with -: refused (unknown_caller)
      callback_hotline: - as - with -: refused (unknown_caller)
      fictitious_number: +420601123456 as +420777000111 with +420234567890: busy, ticket 1
      callback_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, ticket 1, recording 2 s ok
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, recording 2 s ok
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: called_back, missed 1, sms skipped
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor ze skryteho cisla na Vase cislo 777000111 (HH:MM).
      to +420601123456 in 1: queued: Zmeskany hovor ze skryteho cisla na Vase cislo 777000111 (HH:MM).
      to +420601123456 in 1: queued: Zmeskany hovor ze skryteho cisla na Vase cislo 777000111 (HH:MM).
      to +420601123456 in 1: skipped: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
      DAY/TIME_return_420777000111_420234567890_ID.wav
    ");
}

fn no_pairing(story: &mut Story<'_>) {
    story.act(
        [
            shopper().calls(OUTBOUND).listens_until_hangup(),
            shopper().calls(CALLBACK).listens_until_hangup(),
        ],
        [],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      hears no-number-assigned
    +420601123456 calls +420234234390: 200
      hears no-missed-calls
    calls:
      callback_hotline: +420601123456 as - with -: refused (no_ticket)
      outbound_hotline: +420601123456 as - with -: refused (no_pairing)
    ");
}

fn inactive(story: &mut Story<'_>) {
    story.command(&["shoppers", "set", "601123456", "--inactive"]);
    story.act(
        [
            shopper().calls(OUTBOUND).listens_until_hangup(),
            dealer().calls(FIRST).listens_until_hangup(),
        ],
        [shopper().rings_on()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      hears unknown-caller
    +420234567890 calls +420777000111: 404
    calls:
      fictitious_number: - as +420777000111 with +420234567890: refused (unpaired_number)
      outbound_hotline: +420601123456 as - with -: refused (inactive_shopper)
    ");
}

/// Keys this PIN when asked for it.
fn keys_pin(digits: &'static str) -> Call {
    shopper().calls(OUTBOUND).hears("enter-pin").keys(digits)
}

fn three_wrong() -> Call {
    keys_pin("1234#")
        .hears("wrong-pin")
        .hears("enter-pin")
        .keys("12345678#")
        .hears("wrong-pin")
        .hears("enter-pin")
        .keys("0000#")
        .listens_until_hangup()
}

fn pin(story: &mut Story<'_>) {
    story.command_reading(&["shoppers", "set", "601123456", "--pin-stdin"], "4711\n");
    story.act(keys_pin("4711#").hears("enter-destination").hangs_up(), []);
    story.act(three_wrong(), []);
    // Locked: the right one is not even asked, whichever hotline it is.
    story.act(
        [
            shopper().calls(OUTBOUND).listens_until_hangup(),
            shopper().calls(CALLBACK).listens_until_hangup(),
        ],
        [],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 4711#
      hears enter-pin enter-destination
    +420601123456 calls 234234399: 200
      presses 1234# 12345678# 0000#
      hears enter-pin wrong-pin enter-pin wrong-pin enter-pin pin-locked
    +420601123456 calls 234234399: 200
      hears pin-locked
    +420601123456 calls +420234234390: 200
      hears pin-locked
    calls:
      outbound_hotline: +420601123456 as - with -: abandoned
      outbound_hotline: +420601123456 as - with -: refused (pin_locked)
      callback_hotline: +420601123456 as - with -: refused (pin_locked)
      outbound_hotline: +420601123456 as - with -: refused (pin_locked)
    ");
}

fn lock_over(story: &mut Story<'_>) {
    story.command_reading(&["shoppers", "set", "601123456", "--pin-stdin"], "4711\n");
    story.act(three_wrong(), []);
    story.waits(secs(5));
    story.act(shopper().calls(OUTBOUND).listens_until_hangup(), []);
    story.waits(secs(31));
    story.act(keys_pin("4711#").hears("enter-destination").hangs_up(), []);
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 1234# 12345678# 0000#
      hears enter-pin wrong-pin enter-pin wrong-pin enter-pin pin-locked
    +420601123456 calls 234234399: 200
      hears pin-locked
    +420601123456 calls 234234399: 200
      presses 4711#
      hears enter-pin enter-destination
    calls:
      outbound_hotline: +420601123456 as - with -: refused (pin_locked)
      outbound_hotline: +420601123456 as - with -: refused (pin_locked)
      outbound_hotline: +420601123456 as - with -: abandoned
    ");
}

fn english(story: &mut Story<'_>) {
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
      hears en/enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, recording 2 s ok
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}
