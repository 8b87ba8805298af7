//! Service 3: shoppers return missed calls.

use serde_json::json;

use super::{A_MOMENT, assert_row, connected::assert_recorded, talks_and_hangs_up};
use crate::{
    Scenario,
    phone::{Callees, Caller, SHOPPER_HZ, Steps},
    world::{CALLBACK, DEALER, FIRST, OTHER_DEALER, SECOND, SHOPPER, Setup, TWO, World},
};

pub(crate) fn all() -> Vec<Scenario> {
    let two = || Setup { data: TWO, ..Setup::default() };
    vec![
        Scenario::with("of_two_missed_calls_one_is_chosen", two(), two_tickets),
        Scenario::new("a_returned_call_that_fails_stays_open", stays_open),
        Scenario::new("a_single_missed_call_is_returned", one_ticket),
        Scenario::new("an_ended_pairing_ends_its_tickets", ended_pairing),
        Scenario::new("without_missed_calls_it_says_so", none),
    ]
}

fn shopper_returns(steps: Steps) -> Caller {
    Caller::new(SHOPPER, CALLBACK).answered(steps)
}

/// A dealer calls the fictitious number and gives up while it rings.
fn miss(world: &World, dealer: &str, fictitious: &str) {
    let shopper = world.callees(&Callees::new().rings(SHOPPER));
    let caller = Caller::new(dealer, fictitious).gives_up(180, 400);
    world.call("misses", &caller).finishes();
    shopper.stops();
    world.rows("tickets", 1, |ticket| ticket["dealer"] == dealer && ticket["status"] == "open");
}

fn none(world: &mut World) {
    let listens = Steps::new().listens_until_hangup(9000);
    let mut shopper = world.call("shopper", &shopper_returns(listens));
    shopper.finishes();
    assert_eq!(shopper.heard(World::phrases()), ["no-missed-calls"]);
    let call = world.only_call();
    assert_row(&call, &[("service", json!("callback_hotline")), ("outcome", json!("refused"))]);
}

fn one_ticket(world: &mut World) {
    miss(world, DEALER, FIRST);
    let dealer = world.callees(&Callees::new().answers(DEALER, talks_and_hangs_up()));
    let sings = Steps::new().sings_until_hangup(SHOPPER_HZ, 15_000);
    let mut shopper = world.call("shopper", &shopper_returns(sings));
    shopper.finishes();
    assert_eq!(shopper.heard(World::phrases()), ["one-missed-call"]);
    let trace = dealer.stops();
    let from = trace.invites()[0].header("From");
    assert!(from.starts_with(&format!("\"{FIRST}\" <sip:{FIRST}@")), "{from}");
    trace.assert_never_shown(SHOPPER);
    let calls = world.rows("calls", 1, |call| call["service"] == "callback_hotline");
    assert_row(&calls[0], &[("outcome", json!("answered")), ("ticket", json!(1))]);
    assert_recorded(world, &calls[0], "return_420777000111_420234567890", &trace);
    assert_row(&world.exchange.list("tickets")[0], &[("status", json!("called_back"))]);
}

fn two_tickets(world: &mut World) {
    miss(world, DEALER, FIRST);
    miss(world, OTHER_DEALER, SECOND);
    let dealers = world.callees(&Callees::new().answers(OTHER_DEALER, talks_and_hangs_up()));
    // A wrong number, then the list, then keys over the list.
    let steps = Steps::new().waits(2000).keys("9#").waits(5500).keys("0#").waits(2500).keys("2#");
    let steps = steps.sings_until_hangup(SHOPPER_HZ, 15_000);
    let mut shopper = world.call("shopper", &shopper_returns(steps));
    shopper.finishes();
    let heard = shopper.heard(World::phrases());
    assert_eq!(
        heard,
        [
            "you-have",
            "missed-calls-few",
            "wrong-ticket",
            "enter-ticket",
            "listing-ticket",
            "listing-from"
        ]
    );
    let trace = dealers.stops();
    let invites = trace.invites();
    assert_eq!(invites.len(), 1);
    let from = invites[0].header("From");
    assert!(from.starts_with(&format!("\"{SECOND}\" <sip:{SECOND}@")), "{from}");
    let tickets = world.rows("tickets", 2, |_| true);
    for (dealer, number, status) in [(DEALER, 1, "open"), (OTHER_DEALER, 2, "called_back")] {
        let ticket = tickets.iter().find(|ticket| ticket["dealer"] == dealer).unwrap();
        assert_row(ticket, &[("number", json!(number)), ("status", json!(status))]);
    }
}

fn stays_open(world: &mut World) {
    miss(world, DEALER, FIRST);
    let dealer = world.callees(&Callees::new().refuses(DEALER, 486));
    let listens = Steps::new().waits(A_MOMENT).listens_until_hangup(15_000);
    let mut shopper = world.call("shopper", &shopper_returns(listens));
    shopper.finishes();
    assert_eq!(shopper.heard(World::phrases()), ["one-missed-call", "dealer-busy"]);
    dealer.stops();
    assert_row(
        &world.exchange.list("tickets")[0],
        &[("status", json!("open")), ("missed", json!(1))],
    );
    assert!(world.wav_files().is_empty());
    let calls = world.rows("calls", 1, |call| call["service"] == "callback_hotline");
    assert_row(&calls[0], &[("outcome", json!("busy")), ("recording", json!(null))]);
}

fn ended_pairing(world: &mut World) {
    miss(world, DEALER, FIRST);
    let ended = world.exchange.run(&["pairings", "end", "601123456", "1"]);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let nobody = world.callees(&Callees::new().rings(DEALER));
    let listens = Steps::new().listens_until_hangup(9000);
    let mut shopper = world.call("shopper", &shopper_returns(listens));
    shopper.finishes();
    assert_eq!(shopper.heard(World::phrases()), ["no-missed-calls"]);
    assert!(nobody.stops().invites().is_empty(), "the number is not the shopper's any more");
    assert_row(&world.exchange.list("tickets")[0], &[("status", json!("cancelled"))]);
}
