//! A call that FreeSWITCH is about to pass on to another exchange, or has passed on.

use std::time::Duration;

use crate::peer::{Exchange, Peer};

const WATCHED: &str = "variable_last_sched_id: 7\n";

#[test]
fn who_takes_a_call_first_keeps_it_from_being_passed_on() {
    let exchange = Exchange::start("");
    let mut peer = Peer::connect(&exchange);
    peer.scheduled = 1;
    peer.arrives_with(WATCHED, "234234399", "+420608999888");
    assert!(peer.taken().starts_with("api sched_del "), "before anything else");
    assert_eq!(peer.taken(), "linger 10");
    assert_eq!(peer.next_execute().0, "answer");
}

#[test]
fn who_comes_too_late_leaves_the_call_alone() {
    let exchange = Exchange::start("");
    exchange.import("601123456,,cs,777000111,,,,");
    // Passed on in this moment, taken by another, ended with the apology.
    let taken = "variable_exchange_attends: true\n";
    let ended = "variable_exchange_given_up: true\n";
    for (variables, commands) in [(WATCHED, 1), (taken, 0), (ended, 0)] {
        let mut peer = Peer::connect(&exchange);
        peer.arrives_with(variables, "777000111", "+420234567890");
        for _ in 0..commands {
            assert!(peer.taken().starts_with("api sched_del "));
        }
        peer.expect_end();
    }
    assert!(exchange.list("calls").is_empty() && exchange.list("tickets").is_empty());
}

#[test]
fn a_caller_who_hangs_up_at_once_has_called_all_the_same() {
    let exchange = Exchange::start("");
    exchange.import("601123456,,cs,777000111,,,,");
    let mut dealer = Peer::connect(&exchange);
    dealer.arrives_with(WATCHED, "777000111", "+420234567890");
    drop(dealer);
    assert_eq!(exchange.calls()[0]["dealer"], "+420234567890");
    assert_eq!(exchange.list("tickets").len(), 1);
}

#[test]
fn whom_a_silent_exchange_came_before_says_that_it_holds_the_call() {
    let exchange = Exchange::start("");
    exchange.import("601123456,,cs,777000111,,,,");
    let mut peer = Peer::connect(&exchange);
    peer.scheduled = 1;
    peer.arrives_with(
        "variable_last_sched_id: 7\nvariable_controller_silent: true\n",
        "234234399",
        "+420601123456",
    );
    // In whosever turn: the channel is led to where it can be commanded, and nothing is asked of it
    // until it is there.
    assert!(peer.next_api("sched_del ").len() > 10);
    assert!(peer.next_api("uuid_transfer ").ends_with(" held XML held"));
    assert!(peer.is_left_alone(Duration::from_millis(300)), "before the channel is there");
    peer.event("CHANNEL_PARK", &[("Caller-Context", "held")]);
    assert_eq!(peer.next_execute().0, "answer");
    peer.complete(&[]);
    assert_eq!(peer.next_execute().0, "play_and_get_digits");
    assert!(peer.next_api("sched_del ").len() > 10);
    peer.event("CHANNEL_PARK", &[("Caller-Context", "held")]);
    assert!(peer.next_api("sched_del ").len() > 10);
    // And goes on.
    peer.keys("234567890", '#');
    assert_eq!(peer.next_execute().0, "bridge");
}

#[test]
fn a_second_connection_of_a_call_is_not_believed() {
    let exchange = Exchange::start("");
    exchange.import("601123456,,cs,777000111,,,,");
    let mut dealer = Peer::connect(&exchange);
    dealer.arrives("777000111", "+420234567890");
    while dealer.next_execute().0 != "bridge" {
        dealer.complete(&[]);
    }
    let mut stranger = Peer::connect(&exchange);
    stranger.arrives("234234399", "+420601123456");
    stranger.expect_end();
    let call = &exchange.list("calls")[0];
    assert!(call["ended_at"].is_null() && call["dealer"] == "+420234567890", "{call}");
    dealer.hangs_up("ORIGINATOR_CANCEL");
    let calls = exchange.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0]["service"], "fictitious_number");
    assert_eq!(exchange.list("tickets").len(), 1);
    assert_eq!(exchange.log_lines("another one has this call"), 1);
}
