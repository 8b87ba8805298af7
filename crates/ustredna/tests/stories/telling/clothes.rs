//! Numbers as carriers write them, and where they write the one that was dialled.

use crate::language::{
    CALLBACK, Call, FIRST, HALF_A_SECOND, OUTBOUND, SHOPPER, Story, Tale, dealer, phone, secs,
    shopper,
};

pub(crate) fn all() -> Vec<Tale> {
    vec![
        Tale::new("a_number_is_reached_in_whatever_clothes", clothes),
        Tale::new("the_dialled_number_may_be_in_to", in_to).setting("switch.dialled_in", "to"),
        Tale::new("the_dialled_number_may_be_in_p_called_party_id", in_called_party)
            .setting("switch.dialled_in", "p_called_party_id"),
        Tale::new("the_dialled_number_may_be_in_diversion", in_diversion)
            .setting("switch.dialled_in", "diversion"),
        Tale::new("the_dialled_number_may_be_in_history_info", in_history)
            .setting("switch.dialled_in", "history_info"),
    ]
}

fn clothes(story: &mut Story<'_>) {
    for dialled in [
        "+420777000111;npdi;rn=+420910000001",
        "777000111;phone-context=+420",
        "+420-777-000-111;cpc=ordinary",
        "+420(777).000.111",
        "%2B420777000111",
    ] {
        story.act(dealer().calls(dialled).listens_until_hangup(), [shopper().rejects(486)]);
    }
    let hotline = |from: &str, dialled| {
        phone(from).who_shops().calls(dialled).hears("enter-destination").hangs_up()
    };
    story.act(
        [
            hotline("+420601123456;cpc=ordinary", "+420-234-234-399"),
            hotline("601123456;phone-context=+420", "234234399;npdi"),
            // An account's name is asserted, and the number stands in From alone.
            hotline(SHOPPER, OUTBOUND).asserted("trunk-17"),
        ],
        [],
    );
    story.act(
        shopper().calls("+420234234390;npdi;rn=+420910000001").talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420234567890 calls +420777000111;npdi;rn=+420910000001: 180 183 486
      hears not-available
    +420601123456 rings, shows +420234234390: 486
    +420234567890 calls 777000111;phone-context=+420: 180 183 486
      hears not-available
    +420601123456 rings, shows +420234234390: 486
    +420234567890 calls +420-777-000-111;cpc=ordinary: 180 183 486
      hears not-available
    +420601123456 rings, shows +420234234390: 486
    +420234567890 calls +420(777).000.111: 180 183 486
      hears not-available
    +420601123456 rings, shows +420234234390: 486
    +420234567890 calls %2B420777000111: 180 183 486
      hears not-available
    +420601123456 rings, shows +420234234390: 486
    +420601123456;cpc=ordinary calls +420-234-234-399: 200
      hears enter-destination
    601123456;phone-context=+420 calls 234234399;npdi: 200
      hears enter-destination
    +420601123456 calls 234234399: 200
      hears enter-destination
    +420601123456 calls +420234234390;npdi;rn=+420910000001: 200
      hears one-missed-call
    +420234567890 rings, shows +420777000111: 180 200
    calls:
      fictitious_number: +420601123456 as +420777000111 with +420234567890: busy, ticket 1
      fictitious_number: +420601123456 as +420777000111 with +420234567890: busy, ticket 1
      fictitious_number: +420601123456 as +420777000111 with +420234567890: busy, ticket 1
      fictitious_number: +420601123456 as +420777000111 with +420234567890: busy, ticket 1
      fictitious_number: +420601123456 as +420777000111 with +420234567890: busy, ticket 1
      outbound_hotline: +420601123456 as - with -: abandoned
      outbound_hotline: +420601123456 as - with -: abandoned
      outbound_hotline: +420601123456 as - with -: abandoned
      callback_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, ticket 1, recording 2 s ok
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: called_back, missed 5, sms skipped
    sms:
      to +420601123456 in 1: skipped: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    recordings:
      DAY/TIME_return_420777000111_420234567890_ID.wav
    ");
}

/// A trunk whose request URI holds its account: all three services, and what such a header lacks.
fn elsewhere(story: &mut Story<'_>, dialled: fn(Call, &str) -> Call) {
    let account = "trunk-17";
    let fictitious = "+420777000111;npdi;rn=+420910000001";
    let answers = || [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()];
    story.act(
        dialled(dealer().calls(account), fictitious).listens_until_hangup(),
        [shopper().rejects(486)],
    );
    story.act(
        dialled(shopper().calls(account), CALLBACK).hears("one-missed-call").talks_until_hangup(),
        answers(),
    );
    story.act(
        dialled(shopper().calls(account), "+420-234-234-399")
            .hears("enter-destination")
            .keys("234567890#")
            .talks_until_hangup(),
        answers(),
    );
    // What is no number there, or is not there at all: the request URI counts.
    story.act(
        dialled(dealer().calls(FIRST), "voicemail").listens_until_hangup(),
        [shopper().rejects(486)],
    );
    story.act(
        dealer().calls(FIRST).to("<sip:trunk@carrier.example>").listens_until_hangup(),
        [shopper().rejects(486)],
    );
    // No number anywhere.
    story.act(dialled(dealer().calls(account), "voicemail").listens_until_hangup(), []);
    insta::allow_duplicates! {
        insta::assert_snapshot!(story.told(), @"
        +420234567890 calls trunk-17: 180 183 486
          hears not-available
        +420601123456 rings, shows +420234234390: 486
        +420601123456 calls trunk-17: 200
          hears one-missed-call
        +420234567890 rings, shows +420777000111: 180 200
        +420601123456 calls trunk-17: 200
          presses 234567890#
          hears enter-destination
        +420234567890 rings, shows +420777000111: 180 200
        +420234567890 calls +420777000111: 180 183 486
          hears not-available
        +420601123456 rings, shows +420234234390: 486
        +420234567890 calls +420777000111: 180 183 486
          hears not-available
        +420601123456 rings, shows +420234234390: 486
        +420234567890 calls trunk-17: 404
        calls:
          fictitious_number: +420601123456 as +420777000111 with +420234567890: busy, ticket 1
          callback_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, ticket 1, recording 2 s ok
          outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, recording 2 s ok
          fictitious_number: +420601123456 as +420777000111 with +420234567890: busy, ticket 2
          fictitious_number: +420601123456 as +420777000111 with +420234567890: busy, ticket 2
          fictitious_number: - as - with -: refused (unknown_number)
        tickets:
          1 of +420601123456 for +420777000111 from +420234567890: called_back, missed 1, sms skipped
          2 of +420601123456 for +420777000111 from +420234567890: open, missed 2, sms queued
        sms:
          to +420601123456 in 1: skipped: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
          to +420601123456 in 1: queued: Zmeskany hovor c. 2 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
        recordings:
          DAY/TIME_out_420777000111_420234567890_ID.wav
          DAY/TIME_return_420777000111_420234567890_ID.wav
        ");
    }
}

fn in_to(story: &mut Story<'_>) {
    elsewhere(story, |call, number| {
        call.to(&format!("\"Dealer, our\" <sip:{number}@carrier.example;user=phone>"))
    });
}

fn in_called_party(story: &mut Story<'_>) {
    elsewhere(story, |call, number| {
        call.header("P-Called-Party-ID", &format!("<sip:{number}@carrier.example;user=phone>"))
    });
}

fn in_diversion(story: &mut Story<'_>) {
    elsewhere(story, |call, number| {
        let list = format!("<sip:+420910000001@x>;reason=follow-me, <sip:{number}@x>;counter=1");
        call.header("Diversion", if number == "voicemail" { "<sip:voicemail@x>" } else { &list })
    });
}

fn in_history(story: &mut Story<'_>) {
    elsewhere(story, |call, number| {
        let then = "<sip:trunk-17@x?Reason=SIP%3Bcause%3D302>;index=1.1";
        call.header("History-Info", &format!("<sip:{number}@x>;index=1, {then}"))
    });
}
