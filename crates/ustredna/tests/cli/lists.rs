use std::{fmt::Write as _, io::Read as _, process::Stdio};

use exchange::model::Service;

use crate::world::{PastCall, World, assert_keys};

const OUT: &str = "2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav";

pub(crate) fn with_calls() -> World {
    let world = World::imported();
    let answered = PastCall {
        service: Service::OutboundHotline,
        at: "2026-11-22T09:31:45Z".parse().unwrap(),
        talk_seconds: Some(65),
        recording: OUT,
    };
    world.call("+420601123456", 1, &answered);
    let missed = PastCall {
        service: Service::FictitiousNumber,
        at: "2026-11-22T23:30:00Z".parse().unwrap(),
        talk_seconds: None,
        recording: "2026/11/23/20261123-003000_back_420777000112_420234567890_4f2a9c1e.wav",
    };
    world.call("+420601123456", 2, &missed);
    world
}

#[test]
fn calls_have_the_promised_keys() {
    let calls = with_calls().json(&["calls"]);
    assert_eq!(calls.len(), 2);
    for call in &calls {
        assert_keys(
            call,
            "id service shopper fictitious_number dealer started_at answered_at ended_at \
             talk_seconds outcome hangup_cause recording ticket attempts",
        );
    }
    // The newest first.
    let (missed, answered) = (&calls[0], &calls[1]);
    assert_eq!(answered["service"], "outbound_hotline");
    assert_eq!(answered["outcome"], "answered");
    assert_eq!(answered["shopper"], "+420601123456");
    assert_eq!(answered["started_at"], "2026-11-22T09:31:45Z");
    assert_eq!(answered["talk_seconds"], 65.0);
    assert_eq!(answered["recording"], OUT);
    assert_eq!(answered["attempts"][0]["direction"], "out");
    assert_eq!(missed["service"], "fictitious_number");
    assert_eq!(missed["outcome"], "abandoned");
    assert_eq!(missed["ticket"], 1);
    assert!(missed["recording"].is_null() && missed["answered_at"].is_null());
}

#[test]
fn tickets_sms_and_recordings_have_the_promised_keys() {
    let world = with_calls();
    let tickets = world.json(&["tickets"]);
    assert_keys(
        &tickets[0],
        "shopper number dealer fictitious_number status missed first_missed_at last_missed_at sms",
    );
    assert_eq!(tickets[0]["status"], "open");
    assert_eq!(tickets[0]["sms"], "queued");
    let sms = world.json(&["sms"]);
    assert_keys(&sms[0], "id to text segments status attempts not_before sent_at error");
    assert_eq!(sms[0]["to"], "+420601123456");
    assert_eq!(sms[0]["text"], "Zmeskany hovor");
    world.lease_sms();
    assert_eq!(world.json(&["sms"])[0]["status"], "sending");
    assert_eq!(world.json(&["tickets"])[0]["sms"], "queued", "tickets know no `sending`");
    let recordings = world.json(&["recordings"]);
    assert_keys(&recordings[0], "call path seconds bytes channels sha256 verdict");
    assert_eq!(recordings[0]["path"], OUT);
    assert_eq!(recordings[0]["verdict"], "pending");
}

#[test]
fn lists_are_narrowed() {
    let world = with_calls();
    let count = |arguments: &[&str]| world.json(&[&["calls"], arguments].concat()).len();
    assert_eq!(count(&["--shopper", "601 123 456"]), 2);
    assert_eq!(count(&["--shopper", "602654321"]), 0);
    assert_eq!(count(&["--project", "Banks"]), 1);
    assert_eq!(count(&["--limit", "1"]), 1);
    // In Prague the missed call came half an hour after midnight.
    assert_eq!(count(&["--since", "2026-11-23"]), 1);
    assert_eq!(count(&["--until", "2026-11-22"]), 1);
    assert_eq!(count(&["--since", "2026-11-22", "--until", "2026-11-23"]), 2);
    assert_eq!(count(&["--since", "2026-11-22T23:30:00Z"]), 1);
    let error = world.run(&["calls", "--since", "soon"]).failed();
    assert!(error.contains("`soon`") && error.contains("2h"), "{error}");
    let error = world.run(&["calls", "--shopper", "112"]).failed();
    assert!(error.contains("`112`"), "{error}");
}

#[test]
fn tables_are_for_people() {
    let world = with_calls();
    let table = world.run(&["calls"]).ok();
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("STARTED"), "{table}");
    // Local time, numbers as they are dialled at home, no colours.
    assert!(lines[2].starts_with("2026-11-22 10:31:45"), "{table}");
    assert!(lines[2].contains("601123456") && lines[2].contains("1:05"), "{table}");
    assert!(!table.contains('\u{1b}'), "{table}");
    assert!(world.run(&["tickets"]).ok().contains("open"));
    assert!(world.run(&["sms"]).ok().contains("Zmeskany hovor"));
    assert!(world.run(&["recordings"]).ok().contains(OUT));
    assert_eq!(world.run(&["calls", "--until", "2020-01-01"]).ok(), "No such calls.\n");
}

#[test]
fn names_cannot_steer_the_terminal() {
    let world = World::imported();
    // Such a name cannot be typed any more; it may be there all the same.
    world.sql("UPDATE shoppers SET name = char(27) || '[2J' || char(8238)");
    assert!(!world.run(&["shoppers"]).ok().contains(['\u{1b}', '\u{202e}']));
}

#[test]
fn without_a_database_a_list_says_what_to_do() {
    let world = World::new();
    for list in ["calls", "tickets", "sms", "recordings", "shoppers", "numbers", "pairings"] {
        let error = world.run(&[list]).failed();
        assert!(error.contains("ustredna serve") && error.contains("ustredna import"), "{error}");
    }
    assert!(!world.path("ustredna.db").exists());
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let world = World::imported();
    let mut sheet = String::from(
        "shopper_phone,shopper_name,language,fictitious_number,id,project,valid_from,valid_to\n",
    );
    // More than a pipe holds.
    for number in 0..900 {
        let name = "x".repeat(200);
        writeln!(sheet, "603{number:06},{name},,778{number:06},,,,").unwrap();
    }
    world.write("many.csv", sheet);
    world.run(&["import", "many.csv"]).ok();
    let mut command = world.command(&["shoppers", "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn messages_are_cancelled_and_sent_again() {
    let world = World::imported();
    world.call(
        "+420601123456",
        1,
        &PastCall {
            service: Service::FictitiousNumber,
            at: "2026-11-22T09:00:00Z".parse().unwrap(),
            talk_seconds: None,
            recording: "a.wav",
        },
    );
    let id = world.json(&["sms"])[0]["id"].as_str().unwrap().to_owned();
    let ending = &id[28..];
    assert!(world.run(&["sms"]).ok().contains(ending), "the table tells how to name it");
    let still = world.run(&["sms", "retry", ending]).failed();
    assert!(still.contains("it still waits"), "{still}");
    assert!(world.run(&["sms", "cancel", ending]).ok().contains("is cancelled"));
    let sms = &world.json(&["sms"])[0];
    assert_eq!((&sms["status"], &sms["error"]), (&"skipped".into(), &"cancelled".into()));
    assert!(world.run(&["sms", "cancel", ending]).failed().contains("cancelled"));
    assert!(world.run(&["sms", "retry", &id]).ok().contains("sent again"));
    assert_eq!(world.json(&["sms"])[0]["status"], "queued");
    let none = world.run(&["sms", "retry", "--failed"]).ok();
    assert!(none.contains("None have failed"), "{none}");
    assert!(
        world
            .run(&["sms", "cancel", "ffffffff"])
            .failed()
            .contains("`ffffffff`: no message has an id that ends so; `ustredna sms`")
    );
    assert_eq!(world.run(&["sms", "retry"]).code, Some(2));
    assert_eq!(world.run(&["sms", "--json", "cancel", ending]).code, Some(2));
}

#[test]
fn a_preview_tells_what_every_text_costs() {
    let world = World::new();
    world.write(
        "ustredna.toml",
        "[sms]\ncharset = \"ucs2\"\n[sms.texts.cs]\nwithheld = \"Zmeškaný hovor na {number}\"\n",
    );
    let samples = world.json(&["sms", "preview"]);
    assert_eq!(samples.len(), 10);
    for sample in &samples {
        assert_keys(sample, "language kind text alphabet units segments longest_segments");
    }
    let czech = samples.iter().find(|s| s["language"] == "cs" && s["kind"] == "withheld").unwrap();
    assert_eq!(czech["text"], "Zmeškaný hovor na 777000111");
    assert_eq!((&czech["alphabet"], &czech["units"]), (&"ucs2".into(), &27.into()));
    let missed = samples.iter().find(|s| s["language"] == "en" && s["kind"] == "missed").unwrap();
    assert_eq!((&missed["alphabet"], &missed["segments"]), (&"gsm7".into(), &1.into()));
    let digest = samples.iter().find(|s| s["language"] == "cs" && s["kind"] == "digest").unwrap();
    let told = "Dalších 12 zmeškaných hovorů z neznámých čísel na Vaše číslo 777000111. Volejte zpět \
        234234390.";
    assert_eq!((&digest["text"], &digest["longest_segments"]), (&told.into(), &2.into()));
    let table = world.run(&["sms", "preview"]).ok();
    assert!(table.contains("Zmeškaný hovor na 777000111") && table.contains("ALPHABET"), "{table}");
}

#[test]
fn a_preview_warns_of_a_gateway_that_would_not_start() {
    let world = World::new();
    world.write(
        "ustredna.toml",
        "[sms]\ngateway = \"http\"\n[sms.http]\nurl = \"https://sms.example/{tu}\"\n",
    );
    let preview = world.run(&["sms", "preview"]);
    assert_eq!(preview.code, Some(0), "the texts are right");
    assert!(preview.err.contains("a placeholder is unknown"), "{}", preview.err);
}

const LISTS: [&str; 4] = ["calls", "tickets", "sms", "recordings"];

#[test]
fn times_between_which_nothing_lies_are_told() {
    let world = with_calls();
    for list in LISTS {
        let failed = |times: &[&'static str]| world.run(&[&[list], times].concat()).failed();
        for times in [
            &["--since", "2026-11-22", "--until", "2026-11-20"][..],
            &["--since", "1h", "--until", "2h"],
            &["--since", "2026-11-22T10:00:00Z", "--until", "2026-11-22T10:00:00Z", "--json"],
        ] {
            let error = failed(times);
            assert!(
                error.contains("is not before --until") && error.contains("exchange"),
                "{error}"
            );
        }
        let error = failed(&["--since", "2099-01-01"]);
        assert!(error.contains("--since `2099-01-01` is in the future"), "{error}");
        world.run(&[list, "--since", "2020-11-22", "--until", "2020-11-22"]).ok();
        world.run(&[list, "--until", "2099-01-01"]).ok();
    }
    let error = world.run(&["sms", "retry", "--failed", "--since", "2099-01-01"]).failed();
    assert!(error.contains("in the future"), "{error}");
    let error = world.run(&["calls", "--until", "never"]).failed();
    assert!(error.contains("--until") && error.contains("`never`"), "{error}");
}

#[test]
fn whom_nobody_knows_is_told_with_who_may_be_meant() {
    let world = with_calls();
    for list in ["calls", "tickets", "sms", "recordings", "pairings"] {
        let error = world.run(&[list, "--shopper", "601123457"]).failed();
        let told = "shopper 601123457: no such shopper; did you mean 601123456?";
        assert!(error.contains(told), "{error}");
        let error = world.run(&[list, "--shopper", "733999888", "--json"]).failed();
        assert!(error.contains("no such shopper (see `ustredna shoppers`)"), "{error}");
        let error = world.run(&[list, "--project", "Bankz"]).failed();
        assert!(error.contains("no pairing has this project; did you mean `Banks`?"), "{error}");
        let error = world.run(&[list, "--project", "Insurance"]).failed();
        assert!(error.contains("there are `Banks`, `Cars`"), "{error}");
    }
}
