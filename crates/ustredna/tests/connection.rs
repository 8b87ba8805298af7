//! The connection from FreeSWITCH, played by a peer that says whatever a test wants: garbage,
//! silence, strangers, and a whole call while the database is locked or gone.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

#[path = "connection/claims.rs"]
mod claims;
#[path = "connection/crowds.rs"]
mod crowds;
mod peer;
mod ports;
#[path = "connection/signals.rs"]
mod signals;
#[path = "connection/stopping.rs"]
mod stopping;

use std::{fs, io::Read as _, net::TcpStream, time::Duration};

use jiff::Timestamp;
use peer::{Exchange, Peer};

#[test]
fn a_malformed_frame_closes_that_connection_with_one_line_and_no_other() {
    let exchange = Exchange::start("");
    let mut good = Peer::connect(&exchange);
    for garbage in [
        "Content-Type: text/event-plain\nContent-Length: many\n\n",
        "no header at all\n\n",
        "Content-Type: text/surprise\n\n",
        "Content-Type: command/reply\nReply-Text: +OK\n\nContent-Type: api/response\nContent-Length: 2\n\nhi",
    ] {
        let before = exchange.log_lines("connection dropped");
        let mut bad = Peer::connect(&exchange);
        bad.say(garbage);
        bad.expect_end();
        assert_eq!(
            exchange.wait_for_lines("connection dropped", before + 1),
            before + 1,
            "{garbage}"
        );
    }
    // The one opened first is as good as ever.
    good.arrives("777000999", "+420234567890");
    assert_eq!(good.next_execute(), ("hangup".to_owned(), "UNALLOCATED_NUMBER".to_owned()));
}

#[test]
fn a_silent_peer_holds_up_nobody() {
    let exchange = Exchange::start("");
    let silent: Vec<TcpStream> = (0..20).map(|_| exchange.dial()).collect();
    let mut caller = Peer::connect(&exchange);
    caller.arrives("777000999", "+420234567890");
    assert_eq!(caller.next_execute().0, "hangup");
    drop(silent);
}

#[test]
fn a_stranger_gets_nothing() {
    let exchange = Exchange::start("[switch]\nallow = [\"192.0.2.0/24\"]\n");
    let mut stranger = exchange.dial();
    let mut heard = Vec::new();
    // Closed at once: by an end or by a reset.
    drop(stranger.read_to_end(&mut heard));
    assert!(heard.is_empty());
    assert_eq!(exchange.wait_for_lines("not in switch.allow", 1), 1);
}

#[test]
fn calls_beyond_max_calls_are_refused_in_order() {
    let exchange = Exchange::start("[switch]\nmax_calls = 1\n");
    let mut first = Peer::connect_as(&exchange, 1);
    first.arrives("234234399", "+420601123456");
    first.next_execute();
    let mut second = Peer::connect_as(&exchange, 2);
    second.arrives("234234399", "+420601123456");
    assert_eq!(second.next_execute(), ("hangup".to_owned(), "SWITCH_CONGESTION".to_owned()));

    // A dealer who calls back has called all the same.
    exchange.import("601123456,,cs,777000111,,,,");
    let mut dealer = Peer::connect_as(&exchange, 3);
    dealer.arrives("777000111", "+420234567890");
    assert_eq!(dealer.next_execute().1, "SWITCH_CONGESTION");
    dealer.hangs_up("");
    exchange.calls();
    assert_eq!(exchange.list("tickets")[0]["dealer"], "+420234567890");
}

#[test]
fn what_cannot_be_used_is_said_at_the_start_with_what_to_do() {
    let running = Exchange::start("");
    let blocked = running.folder().join("blocked");
    fs::write(&blocked, "a file").unwrap();
    let blocked = blocked.to_str().unwrap();
    for (settings, told) in [
        (format!("[switch]\nlisten = \"{}\"\n", running.listen()), "switch.listen"),
        (format!("[web]\nlisten = \"{}\"\n", running.listen()), "web.listen"),
        (format!("[database]\nurl = \"sqlite://{blocked}/u.db\"\n"), "database.url"),
        (format!("[database]\nurl = \"sqlite://{blocked}\"\n"), "database.url"),
        (format!("[recordings]\ndir = \"{blocked}\"\n"), "recordings.dir"),
        (format!("[sms.spool]\ndir = \"{blocked}\"\n"), "sms.spool.dir"),
    ] {
        let (status, log) = Exchange::fails(&settings);
        assert_eq!(status, Some(1), "{settings}\n{log}");
        assert!(log.contains(told), "{settings} does not name {told}:\n{log}");
    }
}

#[test]
fn while_the_database_is_locked_nobody_is_rung_and_nothing_is_half_stored() {
    let exchange = Exchange::start("");
    exchange.import("601123456,,cs,777000111,,,,");
    let mut shopper = Peer::connect(&exchange);
    shopper.arrives("234234399", "+420601123456");
    assert_eq!(shopper.next_execute().0, "answer");
    shopper.complete(&[]);
    let (entry, arguments) = shopper.next_execute();
    assert_eq!(entry, "play_and_get_digits");
    assert!(arguments.contains("/cs/enter-destination.wav"), "{arguments}");

    let lock = exchange.lock_database();
    shopper.keys("234567890", '#');
    // The busy timeout passes, and then the shopper is told; no `bridge` came before.
    let (app, prompt) = shopper.next_execute_within(Duration::from_secs(20));
    assert_eq!(app, "playback");
    assert!(prompt.ends_with("/cs/calls-not-possible.wav"), "{prompt}");
    shopper.complete(&[("Application-Response", "FILE PLAYED")]);
    assert_eq!(shopper.next_execute().0, "hangup");
    assert!(exchange.wait_for_lines("database is locked", 1) > 0, "the log says why");
    drop(lock);
    shopper.hangs_up("NORMAL_CLEARING");

    let calls = exchange.calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(calls[0]["outcome"], "refused");
    assert_eq!(calls[0]["attempts"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_shopper_who_calls_another_one_s_number_stays_unknown_to_them() {
    let exchange = Exchange::start("");
    exchange.import("601123456,,cs,777000111,,,,\n602222333,,cs,777000222,,,,");
    let mut other = Peer::connect(&exchange);
    other.arrives("777000111", "+420602222333");
    other.next_execute();
    other.complete(&[]);
    assert_eq!(other.next_execute().0, "bridge");
    other.hangs_up("ORIGINATOR_CANCEL");
    exchange.calls();
    assert!(exchange.list("tickets").is_empty(), "there is nobody to call back");
    let sms = exchange.list("sms");
    assert!(sms.len() == 1 && !sms[0]["text"].to_string().contains("602222333"), "{sms:?}");
}

/// A shopper who is asked for a destination.
fn shopper_dials(exchange: &Exchange) -> Peer {
    exchange.import("601123456,,cs,777000111,,,,");
    let mut shopper = Peer::connect(exchange);
    shopper.arrives("234234399", "+420601123456");
    assert_eq!(shopper.next_execute().0, "answer");
    shopper.complete(&[]);
    assert_eq!(shopper.next_execute().0, "play_and_get_digits");
    shopper
}

#[test]
fn without_a_recording_nobody_is_rung() {
    let exchange = Exchange::start("");
    let mut shopper = shopper_dials(&exchange);
    shopper.cannot_record = true;
    shopper.keys("234567890", '#');
    let (app, prompt) = shopper.next_execute();
    assert!(app == "playback" && prompt.ends_with("/cs/calls-not-possible.wav"), "{app} {prompt}");
    shopper.complete(&[("Application-Response", "FILE PLAYED")]);
    assert_eq!(shopper.next_execute().0, "hangup");
    shopper.hangs_up("NORMAL_CLEARING");
    let call = &exchange.calls()[0];
    assert_eq!((&call["outcome"], &call["refusal"]), (&"refused".into(), &"not_recordable".into()));
    assert!(exchange.wait_for_lines("FreeSWITCH cannot record", 1) > 0);
}

#[test]
fn a_talk_that_is_not_recorded_is_ended() {
    let exchange = Exchange::start("");
    exchange.import("601123456,,cs,777000111,,,,");
    for (call, recorded) in [(1, false), (2, true)] {
        let mut dealer = Peer::connect_as(&exchange, call);
        dealer.arrives("777000111", "+420234567890");
        dealer.next_execute();
        dealer.complete(&[]);
        assert_eq!(dealer.next_execute().0, "bridge");
        // Should it not begin, FreeSWITCH ends the call before anybody else could.
        let set = |_| dealer.next_api("uuid_setvar_multi ");
        let set = (0..3).map(set).find(|set| set.contains("RECORD_STEREO_SWAP=true")).unwrap();
        assert!(set.contains("RECORD_HANGUP_ON_ERROR=true"), "{set}");
        dealer.event("CHANNEL_ANSWER", &[]);
        if recorded {
            dealer.event("RECORD_START", &[]);
        }
        dealer.event("CHANNEL_BRIDGE", &[]);
        if recorded {
            assert_eq!(exchange.wait_for_lines("answered", 2), 2);
            assert_eq!(exchange.log_lines("is not being recorded"), 1, "only the first time");
        } else {
            assert!(dealer.next_api("uuid_kill ").ends_with("NORMAL_CLEARING"));
        }
    }
}

#[test]
fn a_dealer_who_gives_up_while_it_rings_is_a_missed_call() {
    let exchange = Exchange::start("[callbacks]\nsms_delay = \"1h\"\n");
    exchange.import("601123456,,cs,777000111,,,,");
    let mut dealer = Peer::connect(&exchange);
    dealer.arrives("777000111", "+420234567890");
    assert_eq!(dealer.next_execute().0, "ring_ready");
    dealer.complete(&[]);
    let (app, dial) = dealer.next_execute();
    assert_eq!(app, "bridge");
    assert!(dial.ends_with("}sofia/gateway/carrier/+420601123456"), "{dial}");
    assert!(dial.contains("origination_caller_id_number=+420234234390,"), "{dial}");
    assert!(!dial.contains("234567890"), "the dealer's number is not the shopper's to see: {dial}");
    dealer.hangs_up("ORIGINATOR_CANCEL");

    let calls = exchange.calls();
    assert_eq!(calls[0]["outcome"], "abandoned");
    let tickets = exchange.list("tickets");
    assert_eq!((&tickets[0]["number"], &tickets[0]["missed"]), (&1.into(), &1.into()));
    assert_eq!(tickets[0]["dealer"], "+420234567890");
    assert_eq!(exchange.list("sms")[0]["status"], "queued");
}

/// FreeSWITCH's clock tells when a leg ended, ours when the call did.
#[test]
fn a_call_ends_no_sooner_than_its_last_leg() {
    let exchange = Exchange::start("");
    let mut shopper = shopper_dials(&exchange);
    shopper.keys("234567890", '#');
    assert_eq!(shopper.next_execute().0, "bridge");
    // As far ahead as two clocks may be without being taken for set.
    let ahead = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap() + Duration::from_secs(4);
    let at = ahead.as_micros().to_string();
    shopper.event("CHANNEL_HANGUP", &[("Hangup-Cause", "ORIGINATOR_CANCEL")]);
    shopper.complete(&[
        ("variable_originate_disposition", "ORIGINATOR_CANCEL"),
        ("Event-Date-Timestamp", &at),
    ]);
    shopper.event("CHANNEL_HANGUP_COMPLETE", &[("Hangup-Cause", "ORIGINATOR_CANCEL")]);
    let call = &exchange.calls()[0];
    let at = |row: &serde_json::Value| row["ended_at"].as_str().unwrap().parse::<Timestamp>();
    let (call_ended, leg_ended) = (at(call).unwrap(), at(&call["attempts"][0]).unwrap());
    assert!(call_ended >= leg_ended, "{call}");
}

#[test]
fn a_dealer_whose_call_is_lost_with_freeswitch_is_a_missed_call() {
    let exchange = Exchange::start("[callbacks]\nring_timeout = \"1s\"\nsms_delay = \"1h\"\n");
    exchange.import("601123456,,cs,777000111,,,,");
    let mut dealer = Peer::connect(&exchange);
    dealer.arrives("777000111", "+420234567890");
    dealer.next_execute();
    dealer.complete(&[]);
    assert_eq!(dealer.next_execute().0, "bridge");
    // Killed: no hang-up, no record, and nobody at its own port any more.
    drop(dealer);
    assert_eq!(exchange.wait_for_lines("left to FreeSWITCH and its records", 1), 1);
    assert!(exchange.list("tickets").is_empty(), "its phone may still ring");
    assert_eq!(exchange.wait_for_lines("closed with what is known", 1), 1, "{}", exchange.log());
    assert_eq!(exchange.calls()[0]["hangup_cause"], "LOST");
    assert_eq!(exchange.list("tickets")[0]["dealer"], "+420234567890");
    assert_eq!(exchange.list("sms").len(), 1);
}

#[test]
fn a_dealer_who_called_while_no_exchange_ran_is_a_missed_call() {
    let exchange = Exchange::start("[callbacks]\nsms_delay = \"1h\"\n");
    exchange.import("601123456,,cs,777000111,,,,");
    let fixture = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/cdr/dealer_callback_missed.a.cdr.json"
    );
    let path = exchange.folder().join("cdr/a_c4eb32eb-3fec-4654-9259-81a3e0044e8f.cdr.json");
    let mut record: serde_json::Value =
        serde_json::from_slice(&fs::read(fixture).unwrap()).unwrap();
    // Now, by the clock that files have: after the import.
    fs::write(path.with_extension("new"), "").unwrap();
    let now = fs::metadata(path.with_extension("new")).unwrap().modified().unwrap();
    let now = now.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_micros();
    for name in ["start_uepoch", "end_uepoch"] {
        record["variables"][name] = now.to_string().into();
    }
    // Renamed when whole, so that it is not read by halves.
    fs::write(path.with_extension("new"), record.to_string()).unwrap();
    fs::rename(path.with_extension("new"), &path).unwrap();
    let calls = exchange.calls();
    assert_eq!((calls.len(), &calls[0]["service"]), (1, &"fictitious_number".into()));
    assert_eq!(calls[0]["outcome"], "unreachable");
    assert_eq!(exchange.list("tickets")[0]["dealer"], "+420234567890");
    assert_eq!(exchange.list("sms").len(), 1);
    // Taken in once, and gone.
    assert_eq!(fs::read_dir(exchange.folder().join("cdr")).unwrap().count(), 0);
}

#[test]
fn a_destination_and_a_pin_leave_no_trace_in_the_log() {
    let exchange = Exchange::start("[log]\nlevel = \"info\"\n");
    exchange.import("601123456,,cs,777000111,,,,");
    let mut shopper = Peer::connect(&exchange);
    shopper.arrives("234234399", "+420601123456");
    shopper.next_execute();
    shopper.complete(&[]);
    shopper.next_execute();
    shopper.keys("234567890", '#');
    let (app, _) = shopper.next_execute();
    assert_eq!(app, "bridge");
    shopper.hangs_up("NORMAL_CLEARING");
    assert_eq!(exchange.calls()[0]["dealer"], "+420234567890");
    let log = exchange.log();
    for number in ["234567890", "601123456", "777000111"] {
        assert!(!log.contains(number), "{number} in the log:\n{log}");
    }
}

/// Nothing of a call may be lost in its end, or with the exchange: what that takes is said before
/// anything else.
#[test]
fn a_call_begins_with_what_its_end_depends_on() {
    let exchange = Exchange::start("");
    let mut peer = Peer::connect(&exchange);
    peer.arrives("234234399", "+420608999888");
    assert_eq!(peer.taken(), "linger 10", "else CHANNEL_HANGUP_COMPLETE may be lost");
    assert_eq!(peer.taken(), "myevents");
    let unread = peer.taken();
    assert!(unread.starts_with("nixevent ") && unread.contains("CHANNEL_STATE"), "{unread}");
    assert!(!unread.contains("HANGUP") && !unread.contains("EXECUTE_COMPLETE"), "{unread}");
    assert_eq!(peer.taken(), "event plain RECORD_START");
    let cleared = peer.taken();
    assert!(
        cleared.starts_with("api uuid_setvar_multi ")
            && cleared.ends_with(" socket_resume=;exchange_attends=true")
    );
    for application in ["answer", "playback"] {
        let command = peer.taken();
        assert!(command.contains(&format!("execute-app-name: {application}\n")), "{command}");
        // Else it would run nested in the one before.
        assert!(command.contains("event-lock: true"), "{command}");
    }
}
