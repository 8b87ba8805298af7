//! Whether all is ready, as `ustredna check`, its test call, `/readyz`, `/metrics` and alarms tell
//! it: in a good world, and with FreeSWITCH set up wrongly, gone, or recording elsewhere.

use std::{fs, thread, time::Duration};

use serde_json::Value;

use crate::{
    Scenario,
    exchange::{Row, get},
    language::Setup,
    phone::raw::{ALAW, RawPhone, Request, loopback, sdp},
    process::{now, wait_for},
    world::{World, files_below},
};

pub(crate) fn all() -> Vec<Scenario> {
    let setup = Setup {
        settings: vec![
            // As many as there are ports for.
            ("switch.max_calls", "20"),
            ("alarm.command", "[\"/bin/sh\", \"-c\", \"cat >> alarms\"]"),
        ],
        ..Setup::default()
    };
    vec![
        Scenario::with("a_test_call_goes_through_and_leaves_nothing", setup.clone(), test_call),
        Scenario::with("the_test_profile_answers_nobody_but_a_test", setup.clone(), test_profile),
        Scenario::with("a_switch_set_up_wrongly_is_not_ready", setup.clone(), wrong_switch),
        Scenario::with("the_death_of_the_switch_is_seen_within_seconds", setup, death),
    ]
}

/// What `check` came to, with this on its command line and in its environment.
fn check(world: &World, arguments: &[&str], environment: &[(&str, &str)]) -> (bool, Vec<Row>) {
    let mut command = world.exchange.command();
    command.args(["check", "--json", "--config", "ustredna.toml"]).args(arguments);
    let output = command.envs(environment.iter().copied()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.success(), rows)
}

#[track_caller]
fn fails(findings: &[Row], check: &str, says: &str) {
    let found: Vec<&Row> = findings.iter().filter(|found| found["check"] == check).collect();
    let told = |found: &&&Row| found["status"] == "fail" && found.to_string().contains(says);
    assert!(found.iter().any(|found| told(&found)), "{check} {says}: {findings:#?}");
}

/// Its status and what it says.
fn readyz(world: &World) -> (u16, Value) {
    let answer = get(world.exchange.web, "/readyz").unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
}

#[track_caller]
fn becomes(world: &World, within: Duration, status: u16) -> Value {
    wait_for(within, &format!("/readyz says {status}"), || {
        let (found, told) = readyz(world);
        (found == status).then_some(told)
    })
}

fn metric(world: &World, line: &str) -> bool {
    get(world.exchange.web, "/metrics").unwrap().lines().any(|told| told == line)
}

fn alarms(world: &World) -> Vec<Value> {
    let told = fs::read_to_string(world.dir().join("alarms")).unwrap_or_default();
    told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Another FreeSWITCH in the place of this one, with these settings.
fn restart(world: &mut World, settings: &[(&'static str, &'static str)]) {
    world.switch.kill();
    world.set_switch(settings);
    world.restart_switch();
}

fn test_call(world: &mut World) {
    becomes(world, Duration::from_secs(10), 200);
    let (good, findings) = check(world, &["--call"], &[]);
    assert!(good, "{findings:#?}");
    let call = findings.last().unwrap();
    assert!(call["check"] == "call" && call["status"] == "ok", "{call}");
    // What is not watched does not pass for well.
    let gateway = findings.iter().find(|found| found["check"] == "gateway").unwrap();
    assert_eq!(gateway["status"], "skipped", "{gateway}");

    // Two at once, and beside them the door is open for others.
    thread::scope(|scope| {
        let calls: Vec<_> =
            (0..2).map(|_| scope.spawn(|| check(world, &["--call"], &[]))).collect();
        for call in calls {
            let (good, findings) = call.join().unwrap();
            assert!(good, "{findings:#?}");
        }
    });

    // It leaves nothing: no row, no ticket, no message, no recording, and soon no record.
    for noun in ["calls", "tickets", "sms", "recordings"] {
        assert_eq!(world.exchange.list(noun), Vec::<Row>::new(), "{noun}");
    }
    assert!(!get(world.exchange.web, "/metrics").unwrap().contains("ustredna_calls_total{"));
    assert_eq!(files_below(&world.dir().join("recordings"), "wav").len(), 0);
    let cdr = world.dir().join("cdr");
    wait_for(Duration::from_secs(30), "the test's records are gone", || {
        files_below(&cdr, "json").is_empty().then_some(())
    });
    assert_eq!(alarms(world), Vec::<Value>::new());

    // Who does not know the password gets nowhere, though the call reaches the exchange.
    let (good, findings) = check(world, &["--call"], &[("USTREDNA_SWITCH__PASSWORD", "another")]);
    assert!(!good);
    fails(&findings, "call", "refuses the password");

    // The folder as FreeSWITCH sees it is another one: found without a call being lost on it.
    let elsewhere = world.dir().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    world.exchange.process().kill();
    let (good, findings) = check(world, &["--call"], &[]);
    assert!(!good);
    fails(&findings, "call", "start `ustredna serve`");
    let toml = world.dir().join("ustredna.toml");
    let settings = fs::read_to_string(&toml).unwrap();
    let other =
        format!("recordings.switch_dir = {:?}\n{settings}", elsewhere.display().to_string());
    fs::write(&toml, other).unwrap();
    world.exchange.start();
    world.exchange.await_ready();
    let (good, findings) = check(world, &["--call"], &[]);
    assert!(!good);
    fails(&findings, "call", "recordings.switch_dir");
    fails(&findings, "its folders", "recordings.switch_dir");
    assert_eq!(readyz(world).0, 503);
    assert_eq!(world.exchange.list("calls"), Vec::<Row>::new());
}

/// Whom FreeSWITCH's profile for test calls lets in, which anybody on the machine can dial.
fn test_profile(world: &mut World) {
    becomes(world, Duration::from_secs(10), 200);
    let (good, findings) = check(world, &["--call"], &[]);
    assert!(good, "{findings:#?}");
    // Its port and a name that was good: both stand in the record.
    let record = |key: &str| -> String {
        let records =
            world.switch_files().into_iter().filter(|text| text.contains("ustredna_test"));
        let records = records.filter_map(|text| serde_json::from_str::<Value>(&text).ok());
        let values = records.map(|record| record["variables"][key].clone());
        values.into_iter().find_map(|value| value.as_str().map(str::to_owned)).unwrap()
    };
    let (port, used) = (record("sip_req_port").parse().unwrap(), record("ustredna_test"));
    let to = loopback(1, port);
    let strangers = [1, 2, 9].map(|last| world.raw_phone(last));
    let offer = sdp(loopback(9, world.ports().one()), ALAW, "sendrecv");
    let dials = |user: &str| -> Vec<u16> {
        let dial = |phone: &RawPhone| {
            let request = Request::new("INVITE", user, to).body("application/sdp", &offer);
            phone.asks(&request, to).map_or(0, |answer| answer.code())
        };
        strangers.iter().map(dial).collect()
    };
    // As fresh as that one, with another proof.
    let forged = format!("{}{}", &used[..8], &"0123456789abcdef".repeat(4)[8..]);
    let refused = || {
        for part in ["call", "phone"] {
            for token in [&forged, &used, &used.to_uppercase(), &format!("{used}0")] {
                assert_eq!(dials(&format!("{part}-{token}")), [404; 3], "{part}-{token}");
            }
        }
        for odd in ["phone-", "phone", "call-${uuid}", "777000111", "234234399", "999"] {
            assert_eq!(dials(odd), [404; 3], "{odd}");
        }
    };
    refused();
    // While a test goes on as well, which they leave alone.
    thread::scope(|scope| {
        let call = scope.spawn(|| check(world, &["--call"], &[]));
        while !call.is_finished() {
            refused();
        }
        let (good, findings) = call.join().unwrap();
        assert!(good, "{findings:#?}");
    });
    // Nor did any of it come to the exchange.
    assert_eq!(world.exchange.log().matches("proves nothing").count(), 0);
    assert_eq!(world.exchange.list("calls"), Vec::<Row>::new());
}

/// Many mistakes in one start of FreeSWITCH: each has a line of its own.
fn wrong_switch(world: &mut World) {
    becomes(world, Duration::from_secs(10), 200);
    let wrong = [
        ("CONTROLLERS", "127.0.0.1:9|localhost:9"),
        ("CDR_DIR", "/var/tmp"),
        ("MAX_SESSIONS", "30"),
        ("CARRIER_CIDR", "0.0.0.0/0"),
        // Nobody is behind the carrier's address.
        ("CARRIER_PING", "5"),
        ("LOG_LEVEL", "debug"),
    ];
    restart(world, &wrong);
    let told = wait_for(Duration::from_mins(1), "/readyz tells of all", || {
        let (status, told) = readyz(world);
        let misfits = told["switch_settings"].as_array()?.len();
        (status == 503 && misfits == 4 && told["gateway"].is_string()).then_some(told)
    });
    for says in ["controllers", "its records", "capacity", "carrier"] {
        assert!(told["switch_settings"].to_string().contains(says), "{says}: {told}");
    }
    let (good, findings) = check(world, &["--call"], &[]);
    assert!(!good);
    fails(&findings, "controllers", "CONTROLLERS=127.0.0.1:");
    fails(&findings, "its records", "CDR_DIR=/");
    fails(&findings, "capacity", "MAX_SESSIONS=40");
    fails(&findings, "carrier", "strangers");
    fails(&findings, "gateway", "carrier is down");
    fails(&findings, "exchange", "the gateway carrier is down");
    fails(&findings, "call", "did not get the test call");
    let log = findings.iter().find(|found| found["check"] == "its log").unwrap();
    assert_eq!(log["status"], "warn", "{log}");
    assert!(metric(world, "ustredna_gateway_up{} 0"));

    // The calls come, the records go elsewhere: that alone fails, at the end of the call.
    restart(world, &[("CDR_DIR", "/var/tmp")]);
    let (good, findings) = check(world, &["--call"], &[]);
    assert!(!good);
    fails(&findings, "call", "CDR_DIR");
    for file in files_below(std::path::Path::new("/var/tmp"), "json") {
        let is_record = file.to_string_lossy().ends_with(".cdr.json");
        let is_test = is_record && fs::read_to_string(&file).unwrap().contains("ustredna_test");
        if is_test {
            fs::remove_file(file).unwrap();
        }
    }

    // Sound comes to no machine's address, records lie in FreeSWITCH's log folder, and it is its own
    // carrier, which answers its OPTIONS.
    let proxy: &str = format!("127.0.0.1:{};transport=udp", world.sip().port()).leak();
    restart(world, &[("RTP_IP", "192.0.2.7"), ("CDR_DIR", "cdr"), ("CARRIER_PROXY", proxy)]);
    let told = wait_for(Duration::from_mins(1), "/readyz tells of all", || {
        let (status, told) = readyz(world);
        (status == 503 && told["switch_settings"].as_array()?.len() == 3).then_some(told)
    });
    assert!(told["gateway"].is_null(), "{told}");
    let (good, findings) = check(world, &["--call"], &[]);
    assert!(!good);
    fails(&findings, "media", "192.0.2.7, which is no address of this machine");
    fails(&findings, "its records", "takes CDR_DIR=cdr for a folder in its log folder");
    fails(&findings, "proxy", "is FreeSWITCH's own profile trunk");
    fails(&findings, "call", "RTP_IP");

    restart(world, &[]);
    becomes(world, Duration::from_mins(1), 200);
    assert!(check(world, &["--call"], &[]).0);
}

fn death(world: &mut World) {
    becomes(world, Duration::from_secs(10), 200);
    assert!(metric(world, "ustredna_switch_up{} 1"));
    let killed = now();
    world.switch.kill();
    let told = becomes(world, Duration::from_secs(5), 503);
    let seen = killed.elapsed();
    // Its connection breaks off first, and then it cannot be reached.
    assert!(told["switch"].as_str().unwrap().starts_with("FreeSWITCH at"), "{told}");
    assert!(metric(world, "ustredna_switch_up{} 0"));
    let (good, findings) = check(world, &[], &[]);
    assert!(!good);
    fails(&findings, "exchange", "FreeSWITCH at");
    wait_for(Duration::from_secs(20), "an alarm", || (alarms(world).len() == 1).then_some(()));
    let failing = &alarms(world)[0];
    assert!(failing["kind"] == "switch" && failing["state"] == "failing", "{failing}");

    world.restart_switch();
    let back = now();
    becomes(world, Duration::from_secs(10), 200);
    eprintln!(
        "FreeSWITCH's death was seen after {seen:.1?}, its return after {:.1?}",
        back.elapsed()
    );
    assert!(metric(world, "ustredna_switch_up{} 1"));
    wait_for(Duration::from_secs(20), "its end is told", || {
        (alarms(world).len() == 2).then_some(())
    });
    let over = &alarms(world)[1];
    assert!(over["kind"] == "switch" && over["state"] == "recovered", "{over}");
    thread::sleep(Duration::from_secs(12));
    assert_eq!(alarms(world).len(), 2, "told once each");
}
