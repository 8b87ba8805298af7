use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use serde_json::Value;

use crate::{
    ports,
    switch::{Mistake, PASSWORD, Switch, UP, mistakes, prompts, ready, today},
    world::{World, record},
};

/// Addresses that are free now, and no password.
fn check(world: &World, environment: &[(&str, &str)]) -> (Option<i32>, Vec<Value>) {
    let free = || ports::free().to_string();
    let mut command = world.command(&["check", "--json"]);
    command.env("USTREDNA_WEB__LISTEN", free()).env("USTREDNA_SWITCH__LISTEN", free());
    let output = command.envs(environment.iter().copied()).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    (output.status.code(), out.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[track_caller]
fn finding<'a>(findings: &'a [Value], check: &str) -> &'a Value {
    let found = findings.iter().find(|finding| finding["check"] == check);
    found.unwrap_or_else(|| panic!("no {check} in {findings:?}"))
}

#[track_caller]
fn assert_fails(findings: &[Value], check: &str, says: &str) {
    let finding = finding(findings, check);
    assert_eq!(finding["status"], "fail", "{finding}");
    assert!(finding.to_string().contains(says), "no {says:?} in {finding}");
}

#[test]
fn an_empty_folder_is_told_what_it_needs() {
    let world = World::new();
    let (code, findings) = check(&world, &[]);
    assert_eq!(code, Some(1));
    assert_fails(&findings, "prompts", "set prompts.dir");
    assert_fails(&findings, "freeswitch", "USTREDNA_SWITCH__PASSWORD");
    for ready in [
        "settings",
        "sms texts",
        "database",
        "recordings",
        "cdr",
        "sms gateway",
        "web",
        "switch port",
    ] {
        assert_eq!(finding(&findings, ready)["status"], "ok", "{findings:?}");
    }
    assert!(finding(&findings, "database").to_string().contains("will be created"));
    // It only looks.
    assert_eq!(std::fs::read_dir(world.path("")).unwrap().count(), 0);

    let done = world.run(&["check"]);
    assert_eq!(done.code, Some(1));
    let failures = done.out.lines().filter(|line| line.starts_with("FAIL "));
    assert!(failures.count() == 2 && done.out.contains("\nOK    database "), "{}", done.out);
}

#[test]
fn missing_prompts_are_named() {
    let world = World::imported();
    prompts(&world.path("freeswitch-conf/sounds"));
    assert_eq!(finding(&check(&world, &[]).1, "prompts")["status"], "ok");
    std::fs::remove_file(world.path("freeswitch-conf/sounds/en/not-available.wav")).unwrap();
    assert_fails(&check(&world, &[]).1, "prompts", "en/not-available.wav");
}

#[test]
fn wrong_settings_and_texts_are_told() {
    let world = World::new();
    world.write("ustredna.toml", "[sms.texts]\nmissed = \"Volejte {nikdo}\"\n");
    let (code, findings) = check(&world, &[]);
    assert_eq!(code, Some(1));
    assert_fails(&findings, "sms texts", "sms.texts.missed");
    world.write("ustredna.toml", "[sms]\ngatewya = \"spool\"\n");
    let (code, findings) = check(&world, &[]);
    assert_eq!((code, findings.len()), (Some(1), 1));
    assert_fails(&findings, "settings", "gatewya");
}

#[test]
fn a_file_that_is_no_database_is_told() {
    let world = World::new();
    world.write("ustredna.db", "this is not a database, whatever its name says".repeat(100));
    assert_fails(&check(&world, &[]).1, "database", "not a database");
}

#[test]
fn a_taken_port_is_told_unless_the_exchange_has_it() {
    let world = World::imported();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = other.local_addr().unwrap().to_string();
    let (_, findings) = check(&world, &[("USTREDNA_SWITCH__LISTEN", &at)]);
    assert_fails(&findings, "switch port", "switch.listen");

    let health = TcpListener::bind("127.0.0.1:0").unwrap();
    let web = health.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in health.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).unwrap();
            let body = r#"{"status":"ok","version":"0.1.0","calls":0,"ready":false,"switch":"no answer","workers":{"outbox":"has failed for 20 s: locked"},"warnings":["an SMS is old"]}"#;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            write!(stream, "{head}{body}").unwrap();
        }
    });
    let both = [("USTREDNA_SWITCH__LISTEN", at.as_str()), ("USTREDNA_WEB__LISTEN", web.as_str())];
    let (_, findings) = check(&world, &both);
    for port in ["web", "switch port"] {
        let finding = finding(&findings, port);
        assert!(finding.to_string().contains("the exchange is running"), "{finding}");
    }
    // What it says of itself is told.
    let told: Vec<_> = findings.iter().filter(|finding| finding["check"] == "exchange").collect();
    let status: Vec<_> = told.iter().map(|finding| finding["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["fail", "fail", "warn", "warn"], "{told:?}");
    assert!(told[1].to_string().contains("outbox has failed for 20 s: locked"), "{told:?}");
    assert!(told[3].to_string().contains("it is of another version"), "{told:?}");
}

/// What `check` finds with this FreeSWITCH, which hands its calls to this exchange.
fn ask_freeswitch(
    world: &World,
    switch: &Switch,
    environment: &[(&str, &str)],
) -> (Option<i32>, Vec<Value>) {
    let controller = ports::free().to_string();
    let mut switch = switch.clone();
    switch.0.push(("global_getvar controllers", controller.clone()));
    let at = switch.start();
    let mut all = vec![
        ("USTREDNA_SWITCH__INBOUND", at.as_str()),
        ("USTREDNA_SWITCH__PASSWORD", PASSWORD),
        ("USTREDNA_SWITCH__LISTEN", &controller),
    ];
    all.extend(environment);
    check(world, &all)
}

#[test]
fn all_is_ready_when_freeswitch_is() {
    let world = ready();
    let (code, findings) = ask_freeswitch(&world, &Switch::default(), &[]);
    assert_eq!(code, Some(0), "{findings:?}");
    // There is nobody to be told of an alarm, which is the operator's own business.
    let (alarm, others): (Vec<_>, Vec<_>) =
        findings.iter().partition(|finding| finding["check"] == "alarm");
    assert_eq!(alarm[0]["status"], "skipped");
    assert!(others.iter().all(|finding| finding["status"] == "ok"), "{findings:?}");
    let told = finding(&findings, "version").to_string();
    assert!(told.contains("1.11.2-release"), "{told}");
    let told = finding(&findings, "capacity").to_string();
    assert!(told.contains("1000 calls at once"), "{told}");
    let told = finding(&findings, "gateway").to_string();
    assert!(told.contains("carrier is up (NOREG), calls go to 127.0.0.1:5090"), "{told}");
}

fn assert_told(
    world: &World,
    switch: &Switch,
    environment: &[(&str, &str)],
    check: &str,
    says: &str,
) {
    let (code, findings) = ask_freeswitch(world, switch, environment);
    assert_eq!(code, Some(1), "{check} {says}: {findings:?}");
    assert_fails(&findings, check, says);
    assert!(!format!("{findings:?}").contains("hunter2"), "{findings:?}");
}

#[test]
fn every_planted_mistake_is_told() {
    let good = ready();
    // Mostly they wait.
    thread::scope(|scope| {
        for mistake in mistakes() {
            let good = &good;
            scope.spawn(move || {
                let Mistake { switch, setting, plant, check, says, .. } = mistake;
                // With so many the one database is locked too long for a look into it.
                let own = (plant.is_some() || check == "hotlines").then(ready);
                if let (Some(plant), Some(world)) = (plant, &own) {
                    plant(&world.path(""));
                }
                let world = own.as_ref().unwrap_or(good);
                assert_told(world, &switch, setting.as_slice(), check, says);
            });
        }
    });
}

#[test]
fn what_is_not_watched_or_only_unwise_does_not_fail_and_is_told() {
    let silent = UP.replace("PingFreq\t15", "PingFreq\t0");
    let switch = Switch::default()
        .with("sofia status gateway", silent)
        .with("global_getvar log_level", "debug")
        .with("strepoch", "1000")
        .with("acl 127.0.0.1 carrier", "false");
    let (code, findings) = ask_freeswitch(&ready(), &switch, &[]);
    assert_eq!(code, Some(0), "{findings:?}");
    for (check, status, says) in [
        ("gateway", "skipped", "CARRIER_PING=15"),
        ("its log", "warn", "LOG_LEVEL=warning"),
        ("its clock", "warn", "behind"),
        ("proxy", "warn", "127.0.0.1/32 or its network in CARRIER_CIDR"),
    ] {
        let found = finding(&findings, check);
        assert_eq!(found["status"], status, "{found}");
        assert!(found.to_string().contains(says), "{found}");
    }
}

#[test]
fn records_of_which_nothing_could_be_made_are_counted() {
    let world = World::new();
    std::fs::create_dir_all(world.path("cdr/unmatched")).unwrap();
    world.write("cdr/unmatched/a_1.cdr.json", "{");
    let (_, findings) = check(&world, &[]);
    let cdr = finding(&findings, "cdr");
    assert_eq!(cdr["status"], "ok", "it hinders no call");
    assert!(cdr.to_string().contains("; 1 of which nothing could be made"), "{cdr}");
}

#[test]
fn a_disk_that_is_filling_up_is_told_with_what_to_do() {
    let world = World::new();
    assert_eq!(finding(&check(&world, &[]).1, "disk")["status"], "skipped");
    let dir = world.path("recordings");
    let recording = |day: u32| {
        let day = format!("2024/01/0{day}/2024010{day}-103145_out_420777000111_anonymous_3f2a9c1e");
        dir.join(format!("{day}.wav"))
    };
    for day in 1..=2 {
        record(&recording(day), 1, [1.0, 1.0]);
    }
    let (_, findings) = check(&world, &[]);
    let disk = finding(&findings, "disk");
    assert_eq!(disk["status"], "ok", "{disk}");
    assert!(disk["detail"].as_str().unwrap().contains("recordings take 64.0 kB"), "{disk}");
    assert!(disk["detail"].as_str().unwrap().contains("not known yet"), "{disk}");

    record(&recording(3), 1, [1.0, 1.0]);
    let (_, findings) = check(&world, &[]);
    let disk = finding(&findings, "disk")["detail"].as_str().unwrap();
    assert!(disk.contains("a day with calls takes 32.0 kB: full in "), "{disk}");

    let findings = check(&world, &[("USTREDNA_RECORDINGS__MIN_FREE", "9000000TB")]).1;
    assert_fails(&findings, "disk", "recordings.min_free (9000000.0 TB)");
    // Days so large that the disk lasts for few of them; a hole takes no room here.
    for day in 1..=3 {
        let file = std::fs::File::options().write(true).open(recording(day)).unwrap();
        file.set_len(1 << 42).unwrap();
    }
    let (code, findings) = check(&world, &[]);
    assert_eq!(code, Some(1));
    assert_fails(&findings, "disk", "a larger disk, or recordings.retention");
}

#[test]
fn a_folder_of_the_same_name_elsewhere_is_not_the_same() {
    let world = World::imported();
    prompts(&world.path("freeswitch-conf/sounds"));
    std::fs::create_dir(world.path("recordings")).unwrap();
    let at = format!("file_exists {}", world.path("recordings").display());
    let switch = Switch::default().with(at.leak(), "false");
    let (_, findings) = ask_freeswitch(&world, &switch, &[]);
    assert_fails(&findings, "its folders", "recordings.switch_dir");
    // The file that it was asked for is gone.
    assert_eq!(std::fs::read_dir(world.path("recordings")).unwrap().count(), 0);

    // Today's is a disk of its own, say, and that FreeSWITCH does not have.
    let day = today(&world.path(""), 2);
    std::fs::create_dir(&day).unwrap();
    let at = format!("file_exists {}", day.display());
    let switch = Switch::default().with(at.leak(), "false");
    let (_, findings) = ask_freeswitch(&world, &switch, &[]);
    assert_fails(&findings, "its folders", "recordings.switch_dir");
}

#[test]
fn an_alarm_that_nobody_would_hear_is_told() {
    let world = World::new();
    world.write("ustredna.toml", "[alarm]\ncommand = [\"/nowhere/alarm\"]\n");
    assert_fails(&check(&world, &[]).1, "alarm", "executable");
    world.write("ustredna.toml", "[alarm]\ncommand = [\"/bin/sh\", \"-c\", \"exit\"]\n");
    let (_, findings) = check(&world, &[("USTREDNA_ALARM__WEBHOOK", "https://x.example/hunter2")]);
    let told = finding(&findings, "alarm").to_string();
    assert!(told.contains("\"ok\"") && told.contains("webhook"), "{told}");
    assert!(!format!("{findings:?}").contains("hunter2"));
}
