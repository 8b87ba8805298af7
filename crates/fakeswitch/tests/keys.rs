//! Keys: what is entered, and what the other side hears of them.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use common::{Controller, DEALER, HOTLINE, LEG, SHOPPER, dial, execute, switch};
use fakeswitch::{Invite, Sight};

mod common;

const SECOND: Duration = Duration::from_secs(1);

/// What `play_and_get_digits` leaves, as tried on FreeSWITCH: the variable, `read_result` and
/// `read_terminator_used`.
#[tokio::test(start_paused = true)]
async fn digits_end_as_on_freeswitch() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let uuid = phone.leg().to_string();
    let mut line = controller.accept().await;
    line.take_over().await;
    line.execute("answer", "", "a").await;
    line.completed("a").await;
    for (at, (keys, digits, result, terminator)) in [
        ("123#", Some("123"), "success", Some("#")),
        ("12*", Some("12"), "success", Some("*")),
        ("45", Some("45"), "timeout", None),
        ("#", None, "failure", Some("#")),
        ("*", None, "failure", Some("*")),
        ("", None, "failure", None),
        ("12345", Some("123"), "success", None),
        // The surplus of the entry before.
        ("", Some("45"), "timeout", None),
    ]
    .into_iter()
    .enumerate()
    {
        let max = if keys == "12345" { 3 } else { 20 };
        let gather =
            format!("1 {max} 1 3000 #* silence_stream://500 silence_stream://10 g ^[0-9]+$ 1500");
        let id = format!("g{at}");
        let clear = format!("api uuid_setvar {uuid} read_terminator_used\n\n");
        line.send(&format!("{clear}{}", execute("play_and_get_digits", &gather, &id))).await;
        line.event("CHANNEL_EXECUTE").await;
        for key in keys.chars() {
            phone.press(key);
        }
        let done = line.completed(&id).await;
        assert_eq!(done.variable("g"), digits, "{keys}");
        assert_eq!(done.variable("read_result"), Some(result), "{keys}");
        assert_eq!(done.variable("read_terminator_used"), terminator, "{keys}");
    }
    line.execute(
        "play_and_get_digits",
        "1 9 1 3000 # /no/such.wav silence_stream://10 g [0-9]+ 1500",
        "m",
    )
    .await;
    let done = line.completed("m").await;
    assert_eq!((done.variable("g"), done.variable("read_result")), (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_hangup_in_mid_entry_leaves_the_digits_and_says_success() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let mut line = controller.accept().await;
    line.take_over().await;
    line.execute(
        "play_and_get_digits",
        "1 9 1 3000 # silence_stream://10 silence_stream://10 g [0-9]+ 1500",
        "g",
    )
    .await;
    line.event("CHANNEL_EXECUTE").await;
    phone.press('1');
    phone.press('2');
    phone.hang_up();
    line.event("CHANNEL_HANGUP").await;
    let done = line.completed("g").await;
    assert_eq!(done.get("Answer-State"), Some("hangup"));
    assert_eq!((done.variable("g"), done.variable("read_result")), (Some("12"), Some("success")));
    for name in [
        "CHANNEL_UNPARK",
        "CHANNEL_EXECUTE_COMPLETE",
        "CHANNEL_STATE",
        "CHANNEL_STATE",
        "CHANNEL_HANGUP_COMPLETE",
    ] {
        assert_eq!(line.frame().await.event().name(), name);
    }
    let notice = line.frame().await;
    assert_eq!(
        (notice.kind(), notice.header("Content-Disposition")),
        ("text/disconnect-notice", "linger")
    );
    let notice = line.frame().await;
    assert_eq!(notice.header("Content-Disposition"), "disconnect");
    assert_eq!(notice.body.len(), 67);
    assert!(line.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn keys_pass_in_a_bridge_unless_they_are_sensitive() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let mut phones = switch.attend(DEALER);
    let mut phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let mut line = controller.accept().await;
    line.take_over().await;
    line.execute("answer", "", "a").await;
    line.execute("bridge", &dial(LEG, ""), "b").await;
    let mut dealer = phones.recv().await.unwrap();
    assert_eq!(dealer.shown().unwrap().number, "+420777000111");
    // While it rings it is thrown away; the dialplan's `execute_on_pre_bridge` ends that.
    phone.press('1');
    dealer.answer();
    line.event("CHANNEL_BRIDGE").await;
    let mut done = line.event("CHANNEL_EXECUTE_COMPLETE").await;
    while done.get("Application") != Some("execute_extension") {
        done = line.event("CHANNEL_EXECUTE_COMPLETE").await;
    }
    phone.press('2');
    assert_eq!(line.event("DTMF").await.get("DTMF-Digit"), Some("2"));
    dealer.press('#');
    let mut heard = Vec::new();
    while heard.last() != Some(&Sight::Key('2')) {
        heard.push(dealer.next().await.unwrap().sight);
    }
    assert!(!heard.contains(&Sight::Key('1')));
    while phone.next().await.unwrap().sight != Sight::Key('#') {}
    dealer.hang_up();
    line.event("CHANNEL_HANGUP_COMPLETE").await;
}

/// A key that a callee presses right with the answer is heard when the two are connected.
#[tokio::test(start_paused = true)]
async fn keys_between_answer_and_bridge_are_not_held_back() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let mut phones = switch.attend(DEALER);
    let mut phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let mut line = controller.accept().await;
    line.take_over().await;
    line.execute("answer", "", "a").await;
    line.execute("bridge", &dial(LEG, ""), "b").await;
    let dealer = phones.recv().await.unwrap();
    dealer.answer();
    dealer.press('5');
    line.event("CHANNEL_BRIDGE").await;
    let heard = async { while phone.next().await.unwrap().sight != Sight::Key('5') {} };
    tokio::time::timeout(SECOND, heard).await.expect("the key passes at once");
}

/// Until `clear_digit_action`; what waits already is `flush_dtmf`'s.
#[tokio::test(start_paused = true)]
async fn swallowed_keys_leave_a_mark_and_nothing_else() {
    let controller = Controller::start().await;
    let switch = switch(&controller, None).await;
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let mut line = controller.accept().await;
    line.take_over().await;
    line.execute("answer", "", "a").await;
    line.execute("bind_digit_action", "early,=~.~~k,key", "s").await;
    line.completed("s").await;
    phone.press('1');
    line.execute("sleep", "400", "w").await;
    let done = line.completed("w").await;
    assert_eq!(done.variable("last_matching_digits"), Some("k"));
    line.execute("clear_digit_action", "all", "c").await;
    line.completed("c").await;
    let gather = "1 9 1 3000 # silence_stream://10 silence_stream://10 g [0-9]+ 1500";
    line.execute("play_and_get_digits", gather, "g").await;
    line.event("CHANNEL_EXECUTE").await;
    phone.press('2');
    phone.press('#');
    assert_eq!(line.completed("g").await.variable("g"), Some("2"));
    phone.hang_up();
    line.event("CHANNEL_HANGUP_COMPLETE").await;
}
