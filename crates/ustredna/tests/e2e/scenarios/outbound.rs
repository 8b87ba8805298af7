//! Service 1: shoppers call out.

use serde_json::json;

use super::{A_MOMENT, assert_row, keys_and_talks, shopper_calls_out, talks_and_hangs_up};
use crate::{
    Scenario,
    exchange::Settings,
    phone::{Callees, Phone, Steps},
    world::{DEALER, FIRST, OTHER_DEALER, SECOND, SHOPPER, Setup, TWO, World},
};

pub(crate) fn all() -> Vec<Scenario> {
    let two = || Setup { data: TWO, ..Setup::default() };
    let impatient = Settings { ring_timeout: "2s", ..Settings::default() };
    vec![
        Scenario::with("the_list_of_numbers_is_read_out", two(), list_is_read),
        Scenario::with("three_wrong_ids_end_the_call", two(), three_wrong_ids),
        Scenario::new("three_failed_calls_and_each_is_told", three_failures),
        Scenario::with(
            "every_failure_has_its_outcome",
            Setup { settings: impatient, rtp_ports: 100, ..Setup::default() },
            outcomes,
        ),
        Scenario::new("after_a_busy_dealer_another_number_works", second_number),
        Scenario::with("an_id_picks_the_number", two(), id_picks),
        Scenario::with("a_wrong_id_is_asked_again", two(), wrong_id),
        Scenario::new("a_single_pairing_is_taken_silently", one_pairing),
        Scenario::new("a_shopper_gives_up_while_it_rings", shopper_gives_up),
    ]
}

/// The number that the dealer saw, as number and as name.
#[track_caller]
fn assert_shown(dealer: &Phone, number: &str) {
    let trace = dealer.trace();
    let [invite] = trace.invites()[..] else { panic!("the dealer was not rung once") };
    let from = invite.header("From");
    assert!(
        from.starts_with(&format!("\"{number}\" <sip:{number}@")),
        "the dealer sees {from}, not {number} as name and number"
    );
}

fn one_pairing(world: &mut World) {
    let dealer = world.callees(&Callees::new().answers(DEALER, talks_and_hangs_up()));
    let mut shopper = world.call("shopper", &shopper_calls_out(keys_and_talks("234567890#")));
    shopper.finishes();
    assert_eq!(shopper.heard(World::phrases()), ["enter-destination"], "no ID is asked");
    assert_shown(&dealer, FIRST);
    dealer.stops();
    assert_row(
        &world.only_call(),
        &[
            ("service", json!("outbound_hotline")),
            ("shopper", json!(SHOPPER)),
            ("fictitious_number", json!(FIRST)),
            ("dealer", json!(DEALER)),
            ("outcome", json!("answered")),
            ("ticket", json!(null)),
        ],
    );
}

fn id_picks(world: &mut World) {
    let dealer = world.callees(&Callees::new().answers(DEALER, talks_and_hangs_up()));
    let steps = Steps::new().waits(A_MOMENT).keys("2#").waits(A_MOMENT).keys("234567890#");
    let steps = steps.listens_until_hangup(9000);
    let mut shopper = world.call("shopper", &shopper_calls_out(steps));
    shopper.finishes();
    assert_eq!(shopper.heard(World::phrases()), ["enter-id", "enter-destination"]);
    assert_shown(&dealer, SECOND);
    dealer.stops();
    assert_row(&world.only_call(), &[("fictitious_number", json!(SECOND))]);
}

fn list_is_read(world: &mut World) {
    let dealer = world.callees(&Callees::new().answers(DEALER, talks_and_hangs_up()));
    // One listens to the end and is asked again; the other keys into the reading.
    let patient = Steps::new().waits(A_MOMENT).keys("0#").waits(17_000).keys("2#");
    let patient = patient.waits(A_MOMENT).hangs_up();
    let quick = Steps::new().waits(A_MOMENT).keys("0#").waits(3000).keys("2#").waits(A_MOMENT);
    let quick = quick.keys("234567890#").listens_until_hangup(9000);
    let mut patient = world.call("patient", &shopper_calls_out(patient));
    let mut quick = world.call("quick", &shopper_calls_out(quick));
    quick.finishes();
    let listing = ["listing-id", "listing-number"];
    assert_eq!(
        quick.heard(World::phrases()),
        [&["enter-id"][..], &listing, &["enter-destination"]].concat()
    );
    assert_shown(&dealer, SECOND);
    patient.finishes();
    assert_eq!(
        patient.heard(World::phrases()),
        [&["enter-id"][..], &listing, &listing, &["enter-id", "enter-destination"]].concat()
    );
    dealer.stops();
}

fn wrong_id(world: &mut World) {
    let dealer = world.callees(&Callees::new().answers(DEALER, talks_and_hangs_up()));
    let steps = Steps::new().waits(A_MOMENT).keys("7#").waits(3500).keys("1#").waits(A_MOMENT);
    let steps = steps.keys("234567890#").listens_until_hangup(9000);
    let mut shopper = world.call("shopper", &shopper_calls_out(steps));
    shopper.finishes();
    assert_eq!(
        shopper.heard(World::phrases()),
        ["enter-id", "wrong-id", "enter-id", "enter-destination"]
    );
    assert_shown(&dealer, FIRST);
    dealer.stops();
}

fn three_wrong_ids(world: &mut World) {
    let steps = Steps::new().waits(A_MOMENT).keys("7#").waits(3500).keys("3#").waits(3500);
    let steps = steps.keys("12#").listens_until_hangup(9000);
    let mut shopper = world.call("shopper", &shopper_calls_out(steps));
    shopper.finishes();
    assert_eq!(
        shopper.heard(World::phrases()),
        [
            "enter-id",
            "wrong-id",
            "enter-id",
            "wrong-id",
            "enter-id",
            "wrong-id",
            "too-many-attempts"
        ]
    );
    assert_row(&world.only_call(), &[("outcome", json!("refused")), ("dealer", json!(null))]);
}

fn three_failures(world: &mut World) {
    let dealers = world.callees(
        &Callees::new()
            .refuses("+420222333001", 486)
            .refuses("+420222333002", 603)
            .refuses("+420222333003", 404),
    );
    let steps = Steps::new().waits(A_MOMENT).keys("222333001#").waits(4500).keys("222333002#");
    let steps = steps.waits(5000).keys("222333003#").listens_until_hangup(9000);
    let mut shopper = world.call("shopper", &shopper_calls_out(steps));
    shopper.finishes();
    assert_eq!(
        shopper.heard(World::phrases()),
        [
            "enter-destination",
            "dealer-busy",
            "enter-another",
            "dealer-rejected",
            "enter-another",
            "dealer-unallocated",
            "goodbye",
        ]
    );
    assert_eq!(dealers.stops().invites().len(), 3);
    let call = world.only_call();
    assert_row(&call, &[("outcome", json!("unreachable")), ("recording", json!(null))]);
    assert_eq!(call["attempts"].as_array().unwrap().len(), 3, "{call:#}");
    assert!(world.wav_files().is_empty(), "{:?}", world.wav_files());
}

fn outcomes(world: &mut World) {
    let cases = [
        ("222333001", Some(486), "busy", "dealer-busy"),
        ("222333002", Some(603), "rejected", "dealer-rejected"),
        ("222333003", Some(404), "unreachable", "dealer-unallocated"),
        ("222333004", Some(503), "unreachable", "dealer-unreachable"),
        ("222333005", Some(480), "no_answer", "dealer-no-answer"),
        ("222333006", None, "no_answer", "dealer-no-answer"),
    ];
    let mut dealers = Callees::new();
    for (number, code, ..) in cases {
        let number = format!("+420{number}");
        dealers = match code {
            Some(code) => dealers.refuses(&number, code),
            None => dealers.rings(&number),
        };
    }
    let dealers = world.callees(&dealers);
    let mut shoppers: Vec<Phone> = cases
        .iter()
        .map(|(number, ..)| {
            let keys = format!("{number}#");
            let steps = Steps::new().waits(A_MOMENT).keys(&keys).waits(7500).hangs_up();
            world.call(number, &shopper_calls_out(steps))
        })
        .collect();
    for (shopper, (number, _, _, told)) in shoppers.iter_mut().zip(&cases) {
        shopper.finishes();
        let heard = shopper.heard(World::phrases());
        assert_eq!(heard, ["enter-destination", told, "enter-another"], "{number}");
    }
    dealers.stops();
    for call in world.ended_calls(cases.len()) {
        let dealer = call["dealer"].as_str().unwrap_or_default();
        let (.., outcome, _) = cases.iter().find(|(number, ..)| dealer.ends_with(number)).unwrap();
        assert_row(&call, &[("outcome", json!(outcome)), ("recording", json!(null))]);
        assert_row(&call, &[("answered_at", json!(null)), ("ticket", json!(null))]);
    }
    assert!(world.wav_files().is_empty(), "{:?}", world.wav_files());
}

fn second_number(world: &mut World) {
    let dealers = Callees::new().refuses(DEALER, 486).answers(OTHER_DEALER, talks_and_hangs_up());
    let dealers = world.callees(&dealers);
    let steps = Steps::new().waits(A_MOMENT).keys("234567890#").waits(4000).keys("222333444#");
    let mut shopper = world.call("shopper", &shopper_calls_out(steps.listens_until_hangup(9000)));
    shopper.finishes();
    assert_eq!(
        shopper.heard(World::phrases()),
        ["enter-destination", "dealer-busy", "enter-another"]
    );
    dealers.stops();
    let call = world.only_call();
    assert_row(&call, &[("outcome", json!("answered")), ("dealer", json!(OTHER_DEALER))]);
    assert_eq!(call["attempts"].as_array().unwrap().len(), 2, "{call:#}");
    let [wav] = &world.wav_files()[..] else { panic!("{:?}", world.wav_files()) };
    let name = wav.file_name().unwrap().to_string_lossy();
    assert!(name.contains("_420222333444_"), "{name}");
}

fn shopper_gives_up(world: &mut World) {
    let dealers = world.callees(&Callees::new().rings(DEALER));
    let steps = Steps::new().waits(A_MOMENT).keys("234567890#").waits(1500).hangs_up();
    world.call("shopper", &shopper_calls_out(steps)).finishes();
    // The dealer's phone stops ringing: its script ends with the CANCEL.
    dealers.stops();
    assert_row(
        &world.only_call(),
        &[("outcome", json!("abandoned")), ("recording", json!(null)), ("dealer", json!(DEALER))],
    );
    assert!(world.wav_files().is_empty(), "{:?}", world.wav_files());
    assert!(world.exchange.list("tickets").is_empty(), "only a dealer's missed call is a ticket");
}
