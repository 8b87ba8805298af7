use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    thread,
};

use serde_json::Value;

use crate::world::{World, record};

/// Addresses that are free now, and no password.
fn check(world: &World, environment: &[(&str, &str)]) -> (Option<i32>, Vec<Value>) {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
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

fn prompts(folder: &Path) {
    for language in ["cs", "en"] {
        std::fs::create_dir_all(folder.join(language)).unwrap();
        for name in exchange::prompt::files() {
            std::fs::write(folder.join(language).join(format!("{name}.wav")), [0; 100]).unwrap();
        }
    }
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
    let page = thread::spawn(move || {
        let (mut stream, _) = health.accept().unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).unwrap();
        let body = r#"{"status":"ok","version":"0.1.0","calls":0}"#;
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        drop(stream);
        // The port stays taken until the program has looked.
        health
    });
    let both = [("USTREDNA_SWITCH__LISTEN", at.as_str()), ("USTREDNA_WEB__LISTEN", web.as_str())];
    let (_, findings) = check(&world, &both);
    drop(page.join().unwrap());
    for port in ["web", "switch port"] {
        let finding = finding(&findings, port);
        assert!(finding.to_string().contains("the exchange is running"), "{finding}");
    }
}

/// Speaks like FreeSWITCH's event socket, as captured.
fn freeswitch(gateway: &'static str) -> String {
    freeswitch_that_sees(gateway, "true")
}

/// One that says so of a file in the recordings folder.
fn freeswitch_that_sees(gateway: &'static str, recordings: &'static str) -> String {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let (stream, _) = socket.accept().unwrap();
        // The end comes when the program hangs up.
        let _ = converse(stream, gateway, recordings);
    });
    at
}

fn converse(mut stream: TcpStream, gateway: &str, recordings: &str) -> std::io::Result<()> {
    const STATUS: &str = "UP 0 years, 0 days, 0 hours, 13 minutes, 0 seconds, 187 milliseconds, 96 microseconds\nFreeSWITCH (Version 1.11.2-release git 3f13ad1 2026-08-09 16:23:10Z 64bit) is ready\n27 session(s) since startup\n0 session(s) - peak 2, last 5min 0 \n0 session(s) per Sec out of max 1000, peak 2, last 5min 0 \n2000 session(s) max\nmin idle cpu 0.00/98.43\nCurrent Stack Size/Max 240K/8192K\n";
    write!(stream, "Content-Type: auth/request\n\n")?;
    loop {
        let mut command = Vec::new();
        while !command.ends_with(b"\n\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            command.extend(byte);
        }
        let body = match std::str::from_utf8(&command).unwrap().trim() {
            "auth ClueCon" => {
                write!(stream, "Content-Type: command/reply\nReply-Text: +OK accepted\n\n")?;
                continue;
            }
            other if other.starts_with("auth ") => {
                write!(stream, "Content-Type: command/reply\nReply-Text: -ERR invalid\n\n")?;
                return Ok(());
            }
            "api status" => STATUS,
            "api sofia status gateway carrier" => gateway,
            other => {
                assert!(other.starts_with("api file_exists /"), "{other}");
                if other.contains("probe") { recordings } else { "true" }
            }
        };
        write!(stream, "Content-Type: api/response\nContent-Length: {}\n\n{body}", body.len())?;
    }
}

const UP: &str =
    "=====\nName    \tcarrier\nProfile \ttrunk\nState   \tNOREG\nStatus  \tUP\n=====\n";

fn ask_freeswitch(world: &World, at: &str, password: &str) -> (Option<i32>, Vec<Value>) {
    check(world, &[("USTREDNA_SWITCH__INBOUND", at), ("USTREDNA_SWITCH__PASSWORD", password)])
}

#[test]
fn all_is_ready_when_freeswitch_is() {
    let world = World::imported();
    prompts(&world.path("freeswitch-conf/sounds"));
    for folder in ["recordings", "sms", "cdr"] {
        std::fs::create_dir(world.path(folder)).unwrap();
    }
    let (code, findings) = ask_freeswitch(&world, &freeswitch(UP), "ClueCon");
    assert_eq!(code, Some(0), "{findings:?}");
    // There is nobody to be told of an alarm, which is the operator's own business.
    let (alarm, others): (Vec<_>, Vec<_>) =
        findings.iter().partition(|finding| finding["check"] == "alarm");
    assert_eq!(alarm[0]["status"], "skipped");
    assert!(others.iter().all(|finding| finding["status"] == "ok"), "{findings:?}");
    let told = finding(&findings, "freeswitch").to_string();
    assert!(told.contains("1.11.2-release") && told.contains("1000 calls at once"), "{told}");
    assert!(finding(&findings, "gateway").to_string().contains("carrier is up (NOREG)"));
}

#[test]
fn troubles_with_freeswitch_are_told() {
    let world = World::imported();
    let (_, findings) = ask_freeswitch(&world, &freeswitch(UP), "hunter2");
    assert_fails(&findings, "freeswitch", "refuses the password");
    assert!(!format!("{findings:?}").contains("hunter2"));
    let (_, findings) = ask_freeswitch(&world, &freeswitch("Invalid Gateway!\n"), "ClueCon");
    assert_fails(&findings, "gateway", "switch.gateway");
    let down = "Name    \tcarrier\nState   \tFAIL_WAIT\nStatus  \tDOWN (ping)\n";
    let (_, findings) = ask_freeswitch(&world, &freeswitch(down), "ClueCon");
    assert_fails(&findings, "gateway", "carrier is down (FAIL_WAIT)");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (_, findings) = ask_freeswitch(&world, &nobody, "ClueCon");
    assert_fails(&findings, "freeswitch", "start FreeSWITCH");
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
    let at = freeswitch_that_sees(UP, "false");
    let (_, findings) = ask_freeswitch(&world, &at, "ClueCon");
    assert_fails(&findings, "its folders", "recordings.switch_dir");
    // The file that it was asked for is gone.
    assert_eq!(std::fs::read_dir(world.path("recordings")).unwrap().count(), 0);
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
