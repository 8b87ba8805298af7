//! Starting and stopping as systemd sees it, and what becomes of calls meanwhile.

use std::{net::TcpStream, os::unix::net::UnixDatagram, time::Duration};

use crate::{
    peer::{Exchange, Peer},
    shopper_dials,
};

/// The socket on which the exchange tells how it is.
pub(crate) fn heard(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let count = socket.recv(&mut buffer).expect("it says nothing");
    String::from_utf8(buffer[..count].to_vec()).unwrap()
}

#[test]
fn systemd_is_told_when_the_door_is_open_and_when_it_shuts() {
    let folder = tempfile::tempdir().unwrap();
    let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut exchange = Exchange::start_in(folder, "", |command, folder| {
        command.env("NOTIFY_SOCKET", folder.join("notify"));
    });
    let ready = heard(&socket);
    assert!(ready.lines().any(|line| line == "READY=1"), "{ready}");
    let status = format!("STATUS=waiting for FreeSWITCH on {}", exchange.listen());
    assert!(ready.lines().any(|line| line == status), "{ready}");
    drop(TcpStream::connect(exchange.listen()).expect("ready, so the door is open"));
    exchange.terminate();
    let stopping = heard(&socket);
    assert!(stopping.lines().any(|line| line == "STOPPING=1"), "{stopping}");
    assert_eq!(exchange.ended().0, Some(0));
}

/// A shopper who talks to a dealer.
fn talks(exchange: &Exchange) -> Peer {
    let mut shopper = rings(exchange);
    shopper.event("RECORD_START", &[]);
    shopper.event("CHANNEL_BRIDGE", &[]);
    assert_eq!(exchange.wait_for_lines("answered", 1), 1, "{}", exchange.log());
    shopper
}

/// A shopper for whom a dealer's phone rings.
fn rings(exchange: &Exchange) -> Peer {
    let mut shopper = shopper_dials(exchange);
    shopper.keys("234567890", '#');
    assert_eq!(shopper.next_execute().0, "bridge");
    shopper
}

#[test]
fn a_talk_is_left_to_freeswitch_at_once() {
    let mut exchange = Exchange::start("");
    let _talking = talks(&exchange);
    exchange.terminate();
    let (code, took) = exchange.ended();
    assert_eq!(code, Some(0), "{}", exchange.log());
    assert!(took < Duration::from_secs(20), "it waited {took:?} for a talk");
    assert_eq!(exchange.log_lines("the call is left to FreeSWITCH"), 1);
    // Its row is open, for its record.
    let calls = exchange.list("calls");
    assert!(calls[0]["ended_at"].is_null() && !calls[0]["attempts"][0]["answered_at"].is_null());
}

#[test]
fn what_rings_is_waited_for_and_then_left() {
    let mut exchange = Exchange::start("");
    let mut shopper = rings(&exchange);
    exchange.terminate();
    assert_eq!(exchange.wait_for_lines("stopping", 1), 1);
    std::thread::sleep(Duration::from_secs(1));
    assert!(TcpStream::connect(exchange.listen()).is_err(), "the door is shut");
    assert_eq!(exchange.log_lines("left to FreeSWITCH"), 0, "it rings");
    shopper.event("RECORD_START", &[]);
    shopper.event("CHANNEL_BRIDGE", &[]);
    let (code, took) = exchange.ended();
    assert_eq!((code, exchange.log_lines("left to FreeSWITCH")), (Some(0), 1));
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn an_entry_is_waited_for_no_longer_than_drain() {
    let mut exchange = Exchange::start("[exchange]\ndrain = \"1s\"\n");
    let _asked = shopper_dials(&exchange);
    exchange.terminate();
    let (code, took) = exchange.ended();
    assert_eq!(code, Some(0));
    assert!((1..20).contains(&took.as_secs()), "{took:?}");
    assert_eq!(exchange.log_lines("calls go on in FreeSWITCH"), 1);
}
