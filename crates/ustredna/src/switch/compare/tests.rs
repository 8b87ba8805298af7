use super::*;
use crate::finding;

fn settings(text: &str) -> Settings {
    toml::from_str(text).unwrap()
}

fn status(version: &str, sessions: u32, per_second: u32) -> Status {
    Status {
        version: version.to_owned(),
        is_ready: true,
        sessions: Some(0),
        max_sessions: Some(sessions),
        per_second: Some(per_second),
    }
}

fn is(finding: &Finding) -> finding::Status {
    finding.status
}

use finding::Status::{Fail, Ok as Good, Skipped, Warn};

#[test]
fn versions_are_compared_as_numbers() {
    for (version, expected) in [
        ("1.10.12-release", Good),
        ("1.11.2-release+git~2026", Good),
        ("1.10.9-release", Fail),
        ("1.8.7", Fail),
        ("2.0.0-dev", Good),
        ("unknown", Skipped),
    ] {
        assert_eq!(is(&super::version(&status(version, 0, 0))), expected, "{version}");
    }
}

#[test]
fn as_many_legs_and_ports_are_needed_as_calls_have() {
    let hundred = settings("switch.max_calls = 100");
    let found =
        |sessions, rate, ports| is(&capacity(&hundred, &status("1", sessions, rate), ports));
    assert_eq!(found(200, 30, Some((16384, 32768))), Good);
    assert_eq!(found(199, 30, None), Fail);
    assert_eq!(found(200, 1, None), Fail);
    assert_eq!(found(200, 30, Some((20000, 20398))), Fail, "99 calls");
    assert_eq!(found(200, 30, Some((20000, 20399))), Good);
    assert_eq!(found(200, 30, Some((5, 1))), Fail);
    // What is shipped agrees with what is set where nothing is.
    let ports = (shipped("rtp_start_port"), shipped("rtp_end_port"));
    let status = status("1", shipped("max_sessions"), shipped("sessions_per_second"));
    assert_eq!(is(&capacity(&Settings::default(), &status, Some(ports))), Good);
}

/// What the shipped configuration sets where nobody sets anything.
fn shipped(name: &str) -> u32 {
    let shipped = include_str!("../../../../../freeswitch-conf/freeswitch.xml");
    let (_, rest) = shipped.split_once(&format!("cmd=\"set\" data=\"{name}=")).unwrap();
    rest.split_once('"').unwrap().0.parse().unwrap()
}

#[test]
fn the_carrier_is_watched_unless_somebody_turns_it_off() {
    assert!((1..=60).contains(&shipped("carrier_ping")), "seconds between two OPTIONS");
}

#[tokio::test]
async fn one_controller_must_be_this_exchange() {
    // A bare system has no /etc/hosts, and does not know even this name.
    let localhost = if lookup_host("localhost:1").await.is_ok() { Good } else { Skipped };
    let ours = settings("switch.listen = \"127.0.0.1:8084\"");
    let everywhere = settings(
        "switch = { listen = \"0.0.0.0:8084\", inbound = \"10.0.0.7:8021\", allow = [\"10.0.0.0/8\"] }",
    );
    let strict = settings("switch.allow = [\"10.0.0.0/8\"]");
    for (settings, told, expected) in [
        (&ours, Some("127.0.0.1:8084"), Good),
        (&ours, Some("10.0.0.1:8084|127.0.0.1:8084"), Good),
        (&ours, Some("localhost:8084"), localhost),
        (&ours, Some("127.0.0.1:8085"), Fail),
        (&ours, Some("127.0.0.2:8084"), Fail),
        (&ours, Some("nonsense"), Fail),
        (&ours, Some("no.such.host.invalid:8084"), Skipped),
        (&ours, None, Skipped),
        (&everywhere, Some("10.0.0.9:8084"), Good),
        (&everywhere, Some("10.0.0.9:8085"), Fail),
        (&strict, Some("127.0.0.1:8084"), Fail),
    ] {
        let found = controllers(settings, told).await;
        assert_eq!(is(&found), expected, "{told:?}: {found:?}");
    }
}

#[test]
fn networks_that_let_strangers_in_or_nobody_are_told() {
    for good in ["127.0.0.0/8", "198.51.100.0/28,203.0.113.7/32", "2001:db8::/32"] {
        assert_eq!(unsafe_networks(good), None);
    }
    for bad in
        ["0.0.0.0/0", "198.51.100.0/28, 0.0.0.0/1", "::/0", "198.51.100.7", "sip.example", ""]
    {
        assert!(unsafe_networks(bad).is_some(), "{bad}");
    }
}

#[test]
fn a_log_with_numbers_and_clocks_apart_are_warned_of() {
    assert!(log(Some("warning")).is_none() && log(None).is_none());
    assert_eq!(log(Some("DEBUG")).map(|found| is(&found)), Some(Warn));
    let now = Clock::SYSTEM.now().as_second();
    assert!(apart(&now.to_string()).is_none() && apart("-ERR no such thing").is_none());
    assert_eq!(apart(&(now - 90).to_string()).map(|found| is(&found)), Some(Warn));
}

#[test]
fn the_password_that_everybody_knows_is_told_and_not_shown() {
    let known = password(&settings("switch.password = \"ClueCon\"")).unwrap();
    assert_eq!(is(&known), Fail);
    assert!(!format!("{known:?}").contains("ClueCon"));
    assert!(password(&settings("switch.password = \"another\"")).is_none());
}
