//! Who is calling, who is recognised, and what neither side may see.

use std::{io::Write as _, process::Stdio};

use serde_json::json;

use super::{A_MOMENT, assert_row, keys_and_talks, shopper_calls_out, talks_and_hangs_up};
use crate::{
    Scenario,
    audio::Phrases,
    phone::{Callees, Caller, Steps},
    switch::conf,
    world::{CALLBACK, DEALER, FIRST, OUTBOUND, SECOND, SHOPPER, Setup, World},
};

pub(crate) fn all() -> Vec<Scenario> {
    let unpaired = Setup {
        data: "+420601123456,Jana,cs,+420777000111,1,Auto,2020-01-01,2020-12-31",
        ..Setup::default()
    };
    let english =
        Setup { data: "+420601123456,Jane,en,+420777000111,1,Auto,,", ..Setup::default() };
    vec![
        Scenario::new("no_message_shows_the_shopper_s_number", nothing_leaks),
        Scenario::with(
            "strangers_and_withheld_numbers_are_turned_away",
            Setup::default(),
            strangers,
        ),
        Scenario::with("a_shopper_without_a_number_is_told_so", unpaired, no_pairing),
        Scenario::new("three_wrong_pins_lock_the_shopper_out", pin),
        Scenario::with("an_english_shopper_hears_english", english, hears_english),
    ]
}

fn nothing_leaks(world: &mut World) {
    let dealer = world.callees(&Callees::new().answers(DEALER, talks_and_hangs_up()));
    let caller = shopper_calls_out(keys_and_talks("234567890#"))
        .shows("\"Jana 601123456\" <sip:+420601123456@127.0.0.1>")
        .header("P-Asserted-Identity: \"601123456\" <sip:+420601123456@carrier.example>")
        .header("P-Preferred-Identity: <sip:601123456@carrier.example>")
        .header("Remote-Party-ID: \"Jana\" <sip:00420601123456@carrier.example>;party=calling;privacy=off")
        .header("Diversion: <sip:420601123456@carrier.example>;reason=unconditional")
        .header("History-Info: <sip:+420601123456@carrier.example>;index=1")
        .header("Call-Info: <http://carrier.example/601123456.png>;purpose=icon")
        .header("Identity: 601123456")
        .header("User-to-User: 601123456")
        .header("P-Charge-Info: <sip:601123456@carrier.example>")
        .header("Subject: 601 123 456")
        .header("X-Real-Number: +420601123456")
        .header("X-Caller: 601123456");
    let mut shopper = world.call("shopper", &caller);
    shopper.finishes();
    let trace = dealer.stops();
    assert_eq!(trace.invites().len(), 1);
    trace.assert_never_shown(SHOPPER);
    for message in trace.messages().iter().filter(|message| !message.sent) {
        assert!(!message.text.contains("Jana"), "the shopper's name:\n{}", message.text);
    }
    assert_row(&world.only_call(), &[("shopper", json!(SHOPPER)), ("outcome", json!("answered"))]);
    // Nor is the number in the log of the exchange, which people read.
    assert!(!world.exchange.log().contains("601123456"), "the log tells the shopper's number");
}

fn strangers(world: &mut World) {
    let listens = || Steps::new().listens_until_hangup(15_000);
    let asserted = "P-Asserted-Identity: <sip:+420601123456@127.0.0.1>";
    let callers = [
        Caller::new("+420608999888", OUTBOUND),
        Caller::new("+420608999888", CALLBACK),
        // A real shopper who withheld the number: the carrier knows it, we may not use it.
        Caller::new(SHOPPER, OUTBOUND)
            .shows("\"Anonymous\" <sip:anonymous@anonymous.invalid>")
            .header(asserted)
            .header("Privacy: id"),
        Caller::new(SHOPPER, OUTBOUND).header("Privacy: id"),
        Caller::new("anonymous", OUTBOUND),
        // From is what the caller claims; the carrier asserts otherwise.
        Caller::new(SHOPPER, OUTBOUND).header("P-Asserted-Identity: <sip:+420608999888@127.0.0.1>"),
    ];
    let mut phones: Vec<_> = callers
        .into_iter()
        .enumerate()
        .map(|(index, caller)| world.call(&format!("stranger{index}"), &caller.answered(listens())))
        .collect();
    for (index, phone) in phones.iter_mut().enumerate() {
        phone.finishes();
        assert_eq!(phone.heard(World::phrases()), ["unknown-caller"], "stranger {index}");
    }
    // And the other way round: asserted by the carrier, whatever From says.
    let caller = Caller::new("+420608999888", OUTBOUND).header(asserted);
    let known = Steps::new().waits(1500).hangs_up();
    let mut known = world.call("asserted", &caller.answered(known));
    known.finishes();
    assert_eq!(known.heard(World::phrases()), ["enter-destination"]);
    let calls = world.ended_calls(7);
    assert_eq!(calls.iter().filter(|call| call["outcome"] == "refused").count(), 6, "{calls:#?}");
    assert_eq!(calls.iter().filter(|call| call["shopper"] == SHOPPER).count(), 1, "{calls:#?}");
}

fn no_pairing(world: &mut World) {
    let listens = Steps::new().listens_until_hangup(15_000);
    let mut shopper = world.call("shopper", &shopper_calls_out(listens));
    // Nor does a call to the number that was theirs ring them.
    let nobody = world.callees(&Callees::new());
    let mut over = world.call("over", &Caller::new(DEALER, FIRST).fails(404));
    let mut never = world.call("never", &Caller::new(DEALER, SECOND).fails(404));
    for dealer in [&mut over, &mut never] {
        let trace = dealer.finishes();
        assert!(trace.answered_at(183).is_none() && trace.answered_at(180).is_none());
    }
    shopper.finishes();
    assert_eq!(shopper.heard(World::phrases()), ["no-number-assigned"]);
    assert!(nobody.stops().invites().is_empty());
    for call in world.ended_calls(3) {
        assert_row(&call, &[("outcome", json!("refused")), ("answered_at", json!(null))]);
    }
    assert!(world.exchange.list("tickets").is_empty() && world.exchange.list("sms").is_empty());
}

fn pin(world: &mut World) {
    let mut set = world.exchange.command();
    set.args(["shoppers", "set", "601123456", "--pin"]).stdin(Stdio::piped());
    let mut set = set.args(["--config", "ustredna.toml"]).spawn().unwrap();
    // Long enough not to stand in a log by chance, as a part of some time stamp.
    set.stdin.take().unwrap().write_all(b"47114711\n").unwrap();
    assert!(set.wait().unwrap().success());

    let right = Steps::new().waits(A_MOMENT).keys("47114711#").waits(1500).hangs_up();
    let mut right = world.call("right", &shopper_calls_out(right));
    right.finishes();
    assert_eq!(right.heard(World::phrases()), ["enter-pin", "enter-destination"]);

    let wrong = Steps::new().waits(A_MOMENT).keys("1234#").waits(3200).keys("12345678#");
    let wrong = wrong.waits(3200).keys("0000#").listens_until_hangup(12_000);
    let mut wrong = world.call("wrong", &shopper_calls_out(wrong));
    wrong.finishes();
    let again = ["wrong-pin", "enter-pin"];
    assert_eq!(
        wrong.heard(World::phrases())[..5],
        [&["enter-pin"][..], &again, &again].concat(),
        "three tries"
    );
    // Locked: the right one is not even asked.
    let locked = Steps::new().listens_until_hangup(12_000);
    let mut locked = world.call("locked", &shopper_calls_out(locked));
    locked.finishes();
    assert_eq!(locked.heard(World::phrases()), ["pin-locked"]);
    // FreeSWITCH's records of the calls do not hold it.
    for record in world.switch_files() {
        assert!(!record.contains("47114711"), "a PIN on disk:\n{record}");
    }
    assert!(!world.exchange.log().contains("47114711"), "a PIN in the log");
}

fn hears_english(world: &mut World) {
    let dealer = world.callees(&Callees::new().answers(DEALER, talks_and_hangs_up()));
    let mut shopper = world.call("shopper", &shopper_calls_out(keys_and_talks("234567890#")));
    shopper.finishes();
    dealer.stops();
    let english = Phrases::read(&conf().join("sounds"), "en");
    assert_eq!(shopper.heard(&english), ["enter-destination"]);
    assert_eq!(shopper.heard(World::phrases()), [""; 0]);
}
