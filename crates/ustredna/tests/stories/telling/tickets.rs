//! Ticket numbers, and how tickets come to their end.

use std::time::Duration;

use crate::language::{
    CALLBACK, Call, DEALER, FIRST, HALF_A_SECOND, OUTBOUND, Person, STRANGER, Story, Tale, dealer,
    other_dealer, phone, secs, shopper,
};

pub(crate) fn all() -> Vec<Tale> {
    vec![
        Tale::new("a_ticket_number_is_not_given_again_soon", numbers),
        Tale::new("tickets_expire", expiry)
            .setting("callbacks.ticket_ttl", "30s")
            .setting("callbacks.sms_delay", "1s")
            // As if minutes lay between the calls.
            .setting("sms.throttle.minute", "0"),
        Tale::new("who_may_not_be_called_is_told_without_a_ticket", uncallable)
            .setting("destinations.deny", "[\"+420608\"]"),
        Tale::new("a_ticket_that_cannot_be_returned_any_more_says_so", overtaken),
        Tale::new("ticket_numbers_begin_anew_after_99", around)
            .simulated_only("a hundred calls at once, and a week of waiting"),
    ]
}

fn misses(story: &mut Story<'_>, dealer: Person) {
    story.act(dealer.calls(FIRST).gives_up_ringing(HALF_A_SECOND), [shopper().rings_on()]);
}

fn numbers(story: &mut Story<'_>) {
    misses(story, dealer());
    story.act(
        shopper().calls(CALLBACK).hears("one-missed-call").talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    // An SMS that still tells number 1 must not lead to somebody else.
    misses(story, other_dealer());
    misses(story, dealer());
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420601123456 calls +420234234390: 200
      hears one-missed-call
    +420234567890 rings, shows +420777000111: 180 200
    +420222333444 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
      callback_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, ticket 1, recording 2 s ok
      fictitious_number: +420601123456 as +420777000111 with +420222333444: abandoned, ticket 2
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 3
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: called_back, missed 1, sms skipped
      2 of +420601123456 for +420777000111 from +420222333444: open, missed 1, sms queued
      3 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms queued
    sms:
      to +420601123456 in 1: skipped: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
      to +420601123456 in 1: queued: Zmeskany hovor c. 2 od +420222333444 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
      to +420601123456 in 1: queued: Zmeskany hovor c. 3 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    recordings:
      DAY/TIME_return_420777000111_420234567890_ID.wav
    ");
}

fn expiry(story: &mut Story<'_>) {
    misses(story, dealer());
    story.waits(secs(20));
    misses(story, other_dealer());
    story.waits(secs(12));
    story.act(
        shopper().calls(CALLBACK).hears("one-missed-call").talks_until_hangup(),
        [other_dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    // Old ones are looked for every half a minute.
    story.waits(secs(31));
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420222333444 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420601123456 calls +420234234390: 200
      hears one-missed-call
    +420222333444 rings, shows +420777000111: 180 200
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
      fictitious_number: +420601123456 as +420777000111 with +420222333444: abandoned, ticket 2
      callback_hotline: +420601123456 as +420777000111 with +420222333444: answered, talked 2 s, ticket 2, recording 2 s ok
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: expired, missed 1, sms sent
      2 of +420601123456 for +420777000111 from +420222333444: called_back, missed 1, sms sent
    sms:
      to +420601123456 in 1: sent: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
      to +420601123456 in 1: sent: Zmeskany hovor c. 2 od +420222333444 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    recordings:
      DAY/TIME_return_420777000111_420222333444_ID.wav
    ");
}

/// Abroad, premium-rate, forbidden by a prefix.
fn uncallable(story: &mut Story<'_>) {
    for caller in ["+4930901820", "+420906471147", STRANGER] {
        misses(story, phone(caller));
    }
    story.act(shopper().calls(CALLBACK).listens_until_hangup(), []);
    insta::assert_snapshot!(story.told(), @"
    +4930901820 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420906471147 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420608999888 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420601123456 calls +420234234390: 200
      hears no-missed-calls
    calls:
      fictitious_number: +420601123456 as +420777000111 with +4930901820: abandoned
      fictitious_number: +420601123456 as +420777000111 with +420906471147: abandoned
      fictitious_number: +420601123456 as +420777000111 with +420608999888: abandoned
      callback_hotline: +420601123456 as - with -: refused (no_ticket)
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor od +4930901820 na Vase cislo 777000111 (HH:MM). Pres ustrednu zpet zavolat nelze.
      to +420601123456 in 1: queued: Zmeskany hovor od +420906471147 na Vase cislo 777000111 (HH:MM). Pres ustrednu zpet zavolat nelze.
      to +420601123456 in 1: queued: Zmeskany hovor od +420608999888 na Vase cislo 777000111 (HH:MM). Pres ustrednu zpet zavolat nelze.
    ");
}

/// What the rules, or the list of fictitious numbers, forbid only later.
fn overtaken(story: &mut Story<'_>) {
    misses(story, dealer());
    story.command(&["numbers", "add", DEALER]);
    let told = story.command(&["tickets"]);
    assert!(told.contains("open, refused: exchange number"), "{told}");
    assert_eq!(story.list("tickets")[0]["refusal"], "exchange_number");
    story.act(shopper().calls(CALLBACK).listens_until_hangup(), [dealer().rings_on()]);
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420601123456 calls +420234234390: 200
      hears one-missed-call own-exchange-number
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
      callback_hotline: +420601123456 as - with -: refused (exchange_number)
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms queued
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
}

fn around(story: &mut Story<'_>) {
    // A hundred dealers whom the shopper has called.
    let tries = |index| {
        shopper()
            .calls(OUTBOUND)
            .hears("enter-destination")
            .keys(format!("222333{index:03}#").leak())
            .hears("dealer-busy")
            .hangs_up()
    };
    let busy = |index| phone(format!("+420222333{index:03}")).rejects(486);
    story.act((0..100).map(tries).collect::<Vec<_>>(), (0..100).map(busy));
    // All of them call back at once: there are numbers for 99, and SMS for 30; one tells the rest.
    let calls: Vec<Call> = (0..100)
        .map(|index| phone(format!("+420222333{index:03}")).calls(FIRST))
        .map(|call| call.gives_up_ringing(HALF_A_SECOND))
        .collect();
    story.act(calls, [shopper().rings_on()]);
    let mut numbers: Vec<Option<u64>> =
        story.list("tickets").iter().map(|ticket| ticket["number"].as_u64()).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq((1..=99).map(Some)), "{numbers:?}");
    let messages = story.list("sms");
    assert_eq!(messages.len(), 31);
    let together = "Dalsich 70 zmeskanych hovoru na Vase cislo 777000111. Volejte zpet 234234390.";
    assert!(messages.iter().any(|sms| sms["text"] == together), "{messages:#?}");
    // When all have expired their numbers are not given again for a day.
    story.waits(Duration::from_hours(7 * 24 + 1));
    misses(story, dealer());
    assert_eq!(story.list("tickets").len(), 99, "a number is given again too soon");
    story.waits(Duration::from_hours(24));
    misses(story, dealer());
    let mut open = story.list("tickets");
    open.retain(|ticket| ticket["status"] == "open");
    assert_eq!(open[0]["number"], 1, "{open:#?}");
}
