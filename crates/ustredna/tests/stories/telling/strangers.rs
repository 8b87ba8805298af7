//! Robo-calls: strangers call fictitious numbers, and a dealer's call must not drown in theirs.

use crate::language::{
    CALLBACK, Call, DEALER, FIRST, HALF_A_SECOND, OTHER_DEALER, OUTBOUND, Story, Tale, dealer,
    millis, other_dealer, phone, secs, shopper,
};

pub(crate) fn all() -> Vec<Tale> {
    vec![
        Tale::new("strangers_are_told_together_and_a_dealer_by_themselves", told_together)
            .setting("callbacks.strangers", "1")
            .setting("callbacks.sms_delay", "20s")
            .setting("sms.throttle.minute", "0"),
        Tale::new("a_caller_who_calls_again_is_told_once_or_as_often_as_a_dealer", again)
            .setting("callbacks.sms_delay", "3s")
            .setting("sms.ticket_gap", "0s")
            .setting("sms.throttle.minute", "0"),
        Tale::new("a_hundred_and_thirty_strangers_bury_no_dealer", storm)
            .simulated_only("so many phones at once take longer than all other stories"),
    ]
}

/// Calls the dealer in vain: their number is no stranger's any more.
fn tries(story: &mut Story<'_>) {
    story.act(
        shopper()
            .calls(OUTBOUND)
            .hears("enter-destination")
            .keys("234567890#")
            .hears("dealer-busy")
            .hangs_up(),
        [dealer().rejects(486)],
    );
}

fn told_together(story: &mut Story<'_>) {
    tries(story);
    story.act(
        phone("+420222333001").calls(FIRST).gives_up_ringing(HALF_A_SECOND),
        [shopper().rings_on()],
    );
    let withheld =
        || other_dealer().calls(FIRST).withheld().asserted(OTHER_DEALER).listens_until_hangup();
    story.act(
        [withheld(), withheld(), withheld()],
        [shopper().rejects(486), shopper().rejects(486), shopper().rejects(486)],
    );
    story.act(
        phone("+420222333002").calls(FIRST).gives_up_ringing(HALF_A_SECOND),
        [shopper().rings_on()],
    );
    story.act(dealer().calls(FIRST).gives_up_ringing(HALF_A_SECOND), [shopper().rings_on()]);
    story.waits(secs(30));
    story.act(
        shopper().calls(CALLBACK).hears("enter-ticket").keys("0#").hears("listing-from").hangs_up(),
        [],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination dealer-busy
    +420234567890 rings, shows +420777000111: 486
    +420222333001 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    anonymous calls +420777000111: 180 183 486
      hears not-available
    anonymous calls +420777000111: 180 183 486
      hears not-available
    anonymous calls +420777000111: 180 183 486
      hears not-available
    +420601123456 rings, shows +420234234390: 486
    +420601123456 rings, shows +420234234390: 486
    +420601123456 rings, shows +420234234390: 486
    +420222333002 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420601123456 calls +420234234390: 200
      presses 0#
      hears you-have missed-calls-few enter-ticket listing-ticket listing-from
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: busy
      fictitious_number: +420601123456 as +420777000111 with +420222333001: abandoned, ticket 1
      fictitious_number: +420601123456 as +420777000111 with -: busy
      fictitious_number: +420601123456 as +420777000111 with -: busy
      fictitious_number: +420601123456 as +420777000111 with -: busy
      fictitious_number: +420601123456 as +420777000111 with +420222333002: abandoned, ticket 2
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 3
      callback_hotline: +420601123456 as - with -: abandoned
    tickets:
      1 of +420601123456 for +420777000111 from +420222333001: open, missed 1, sms sent
      2 of +420601123456 for +420777000111 from +420222333002: open, missed 1, sms -
      3 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms sent
    sms:
      to +420601123456 in 1: sent: Zmeskany hovor c. 1 od +420222333001 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
      to +420601123456 in 1: sent: Dalsi 4 zmeskane hovory z neznamych cisel na Vase cislo 777000111. Volejte zpet 234234390.
      to +420601123456 in 1: sent: Zmeskany hovor c. 3 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
}

fn again(story: &mut Story<'_>) {
    tries(story);
    for _ in 0..2 {
        for caller in [DEALER, OTHER_DEALER] {
            story.act(
                phone(caller).calls(FIRST).gives_up_ringing(millis(800)),
                [shopper().rings_on()],
            );
        }
        story.waits(secs(6));
    }
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination dealer-busy
    +420234567890 rings, shows +420777000111: 486
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420222333444 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420234567890 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    +420222333444 calls +420777000111: 180 487
    +420601123456 rings, shows +420234234390: 180 487
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: busy
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
      fictitious_number: +420601123456 as +420777000111 with +420222333444: abandoned, ticket 2
      fictitious_number: +420601123456 as +420777000111 with +420234567890: abandoned, ticket 1
      fictitious_number: +420601123456 as +420777000111 with +420222333444: abandoned, ticket 2
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 2, sms sent
      2 of +420601123456 for +420777000111 from +420222333444: open, missed 2, sms sent
    sms:
      to +420601123456 in 1: sent: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
      to +420601123456 in 1: sent: Zmeskany hovor c. 2 od +420222333444 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
      to +420601123456 in 1: sent: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
}

fn storm(story: &mut Story<'_>) {
    tries(story);
    let caller = |number: usize| -> Call {
        phone(format!("+420910{number:06}")).calls(FIRST).listens_until_hangup()
    };
    let calls: Vec<Call> = (0..130).map(caller).collect();
    story.act(calls, (0..130).map(|_| shopper().rejects(486)));
    story.act(dealer().calls(FIRST).listens_until_hangup(), [shopper().rejects(486)]);
    story.waits(secs(600));
    let rows = |story: &mut Story<'_>, list: &str| -> Vec<serde_json::Value> {
        let rows = story.command(&[list, "--json", "--limit", "1000"]);
        rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect()
    };
    let tickets = rows(story, "tickets");
    let dealers: Vec<_> = tickets.iter().filter(|ticket| ticket["dealer"] == DEALER).collect();
    assert_eq!((tickets.len(), dealers.len()), (51, 1), "half of the numbers are left for dealers");
    assert_eq!(dealers[0]["sms"], "sent", "ten minutes later they have been told");
    let sms = rows(story, "sms");
    assert_eq!(sms.len(), 7, "five single strangers, the dealer, and one for all others");
    let texts: Vec<_> = sms.iter().map(|sms| sms["text"].as_str().unwrap()).collect();
    let together = "Dalsich 125 zmeskanych hovoru z neznamych cisel na Vase cislo 777000111. Volejte \
        zpet 234234390.";
    assert_eq!(texts.iter().filter(|text| **text == together).count(), 1, "{texts:?}");
    let calls = rows(story, "calls");
    assert_eq!(calls.iter().filter(|call| call["outcome"] == "busy").count(), 131 + 1);
}
