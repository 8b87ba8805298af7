//! Many calls, and more than there may be.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use common::{Controller, DEALER, HOTLINE, LEG, SHOPPER, dial, rest, switch};
use fakeswitch::{Callee, Config, Invite, Script, Sight, Switch};

mod common;

/// What a caller sees for whom there is no room.
fn refused() -> [Sight; 1] {
    [Sight::Ended { code: 503, cause: String::new() }]
}

/// As tried on FreeSWITCH: a caller needs room for two legs, a callee for one.
#[tokio::test(start_paused = true)]
async fn beyond_max_sessions_callers_get_503_and_bridges_fail() {
    let controller = Controller::start().await;
    let controllers = vec![controller.address()];
    let config = Config { controllers, max_sessions: Some(3), ..Config::default() };
    let switch = Switch::start(config).await.unwrap();
    switch.set_phone(DEALER, Callee::answers(Duration::from_mins(1)));
    let first = switch.call(Invite::new(SHOPPER, HOTLINE));
    let second = switch.call(Invite::new(SHOPPER, HOTLINE));
    assert_eq!(rest(switch.call(Invite::new(SHOPPER, HOTLINE))).await, refused());
    let mut lines = [controller.accept().await, controller.accept().await];
    for line in &mut lines {
        line.take_over().await;
        line.execute("answer", "", "a").await;
        line.completed("a").await;
    }
    let [first_line, second_line] = &mut lines;
    first_line.execute("bridge", &dial(LEG, ""), "b").await;
    first_line.event("CHANNEL_BRIDGE").await;
    let bridge = dial("6a0c6f0e-9c0d-4e0f-8a0b-0123456789ab", "");
    second_line.execute("bridge", &bridge, "b").await;
    let done = second_line.completed("b").await;
    assert_eq!(done.variable("originate_disposition"), Some("DESTINATION_OUT_OF_ORDER"));
    assert_eq!(done.variable("DIALSTATUS"), Some("INVALIDARGS"));
    assert_eq!(done.variable("originate_causes"), None);
    assert_eq!(done.get("Answer-State"), Some("answered"));
    assert_eq!(switch.rung().len(), 1);
    drop((first, second));
}

/// As tried on FreeSWITCH: of `sessions-per-second` legs the last is refused.
#[tokio::test(start_paused = true)]
async fn beyond_sessions_per_second_callers_get_503_until_the_next_one() {
    let controller = Controller::start().await;
    let controllers = vec![controller.address()];
    let config = Config { controllers, sessions_per_second: Some(3), ..Config::default() };
    let switch = Switch::start(config).await.unwrap();
    for _ in 0..2 {
        let phones = [(); 2].map(|()| switch.call(Invite::new(SHOPPER, HOTLINE)));
        assert_eq!(rest(switch.call(Invite::new(SHOPPER, HOTLINE))).await, refused());
        assert_eq!(switch.legs(), 2);
        for _ in &phones {
            controller.accept().await;
        }
        drop(phones);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// A thousand calls at once, and nothing of them stays.
#[tokio::test(start_paused = true)]
async fn a_thousand_calls_at_once_go_through() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    switch.set_phone(DEALER, Callee::answers(Duration::from_secs(5)));
    let mut calls = Vec::new();
    for _ in 0..1000 {
        let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
        let mut line = controller.accept().await;
        calls.push(tokio::spawn(async move {
            let script = Script::new().talks(Duration::from_mins(1)).run(phone);
            let shopper = tokio::spawn(script);
            line.send("connect\n\nmyevents\n\n").await;
            line.execute("answer", "", "a").await;
            line.execute(
                "bridge",
                "{ignore_early_media=true}sofia/gateway/carrier/+420234567890",
                "b",
            )
            .await;
            line.completed("b").await;
            shopper.await.unwrap().ended().map(|(code, _)| code)
        }));
    }
    for call in calls {
        assert_eq!(call.await.unwrap(), Some(200));
    }
    switch.stop().await;
    assert_eq!((switch.legs(), switch.connections(), switch.rung().len()), (0, 0, 1000));
}
