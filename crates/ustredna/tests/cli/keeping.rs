//! What becomes of old recordings: deleted, held, archived.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use exchange::model::Service;
use serde_json::{Value, json};

use crate::world::{PastCall, World, free, record};

const OLD: &str = "2024/01/10/20240110-103145_out_420777000111_420234567890_3f2a9c1e.wav";
const OLDER: &str = "2024/01/09/20240109-103145_out_420777000111_420234567890_4f2a9c1e.wav";
const YOUNG: &str = "2099/01/10/20990110-103145_out_420777000111_420234567890_5f2a9c1e.wav";

/// Three verified talks of project Banks, one of which is young in any year.
fn world(settings: &str) -> World {
    let world = World::imported();
    world.write("ustredna.toml", settings);
    for (at, recording) in [
        ("2024-01-10T09:31:45Z", OLD),
        ("2024-01-09T09:31:45Z", OLDER),
        ("2099-01-10T09:31:45Z", YOUNG),
    ] {
        let (at, service) = (at.parse().unwrap(), Service::OutboundHotline);
        let past = PastCall { service, at, talk_seconds: Some(3), recording };
        let call = world.call("+420601123456", 1, &past);
        let path = world.path("recordings").join(recording);
        record(&path, 3, [1.0, 0.5]);
        let sidecar = json!({
            "call": call, "service": "outbound_hotline", "direction": "out",
            "fictitious_number": "+420777000111", "started_at": "2024-01-10T10:31:45+01:00",
            "outcome": "answered", "project": "Banks",
            "recording": {
                "file": "x.wav", "verdict": "pending", "seconds": 0.0, "bytes": 0, "channels": 0,
                "sample_rate": 0, "shopper_channel": "left", "dealer_channel": "right",
                "levels": [],
            },
        });
        fs::write(path.with_extension("json"), sidecar.to_string()).unwrap();
    }
    assert_eq!(verify(&world), (Some(0), vec![]));
    world
}

fn verify(world: &World) -> (Option<i32>, Vec<Value>) {
    let done = world.run(&["recordings", "verify", "--json"]);
    (done.code, done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// The recording at `path`, as the list tells it.
fn row(world: &World, path: &str) -> Value {
    let rows = world.json(&["recordings"]);
    rows.into_iter().find(|row| row["path"] == path).unwrap()
}

fn there(world: &World, path: &str) -> bool {
    world.path("recordings").join(path).exists()
}

const NINETY: &str = "[recordings.retention]\ndays = 90\n";
const ARCHIVE: &str = "[recordings.archive]\nafter_days = 30\n";

#[test]
fn the_list_tells_all_that_is_known() {
    let world = world("");
    let row = row(&world, OLD);
    assert_eq!(row["levels"][0], json!({"rms_dbfs": -6.2, "peak_dbfs": -6.2}));
    assert_eq!(row["levels"].as_array().unwrap().len(), 2);
    assert!(row["verified_at"].is_string(), "{row}");
    for none in ["problem", "archived_at", "held", "deleted"] {
        assert_eq!(row[none], Value::Null, "{none}");
    }
}

#[test]
fn nothing_is_deleted_unless_it_is_set() {
    let world = world("");
    let told = world.run(&["recordings", "purge"]).ok();
    assert!(told.contains("for ever"), "{told}");
    assert!(there(&world, OLDER));
}

#[test]
fn what_is_too_old_goes_and_is_told_ever_after() {
    let world = world(NINETY);
    let told = world.run(&["recordings", "purge", "--dry-run"]).ok();
    assert!(told.contains(OLD) && told.contains("2 would be deleted"), "{told}");
    assert!(there(&world, OLD) && there(&world, OLDER));

    let told = world.json(&["recordings", "purge"]);
    let paths: Vec<_> = told.iter().map(|told| told["path"].as_str().unwrap()).collect();
    assert_eq!(paths, [OLDER, OLD], "the oldest first");
    assert!(told.iter().all(|told| told["deleted"] == true && told["problem"].is_null()));
    for gone in [OLD, OLDER] {
        assert!(!there(&world, gone) && !there(&world, &gone.replace(".wav", ".json")));
        assert_eq!(row(&world, gone)["deleted"]["because"], "older than 90 days");
    }
    assert!(there(&world, YOUNG) && there(&world, &YOUNG.replace(".wav", ".json")));
    assert_eq!(row(&world, YOUNG)["deleted"], Value::Null);

    let deleted = world.json(&["recordings", "--deleted"]);
    assert_eq!(deleted.len(), 2);
    let table = world.run(&["recordings", "--deleted"]).ok();
    assert!(table.contains("older than 90 days") && table.contains(OLD), "{table}");
    assert!(!table.contains(YOUNG), "{table}");
    assert_eq!(world.json(&["recordings", "purge"]), Vec::<Value>::new());
    assert_eq!(verify(&world), (Some(0), vec![]), "what was deleted is not missing");
}

#[test]
fn a_project_may_have_a_time_of_its_own() {
    let forever =
        world("[recordings.retention]\ndays = 90\n[recordings.retention.projects]\nBanks = 0\n");
    assert_eq!(forever.json(&["recordings", "purge"]), Vec::<Value>::new());
    let own = world("[recordings.retention.projects]\nBanks = 30\n");
    let told = own.json(&["recordings", "purge"]);
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["because"], "older than 30 days (project Banks)");
    let others = world("[recordings.retention.projects]\nCars = 30\n");
    assert_eq!(others.json(&["recordings", "purge"]), Vec::<Value>::new());
}

#[test]
fn a_mistyped_project_deletes_nothing() {
    let world =
        world("[recordings.retention]\ndays = 90\n[recordings.retention.projects]\nbanks = 0\n");
    let told = world.run(&["recordings", "purge"]);
    assert_eq!(told.code, Some(1));
    assert!(told.err.contains("`banks`") && told.err.contains("`Banks`"), "{}", told.err);
    assert!(there(&world, OLDER) && there(&world, OLD));
    let checked = world.run(&["check"]).out;
    let told = "FAIL  retention    recordings.retention.projects: no pairing has the project `banks` (did you \
                mean `Banks`?)";
    assert!(checked.contains(told), "{checked}");
}

/// It may not have begun yet, or nobody will ever have it.
#[test]
fn a_project_that_nobody_has_is_told() {
    let world = world("[recordings.retention.projects]\nBnks = 90\nTrains = 0\n");
    let checked = world.run(&["check"]).out;
    let told = "WARN  retention    recordings.retention.projects: no pairing has the project `Bnks` (did you \
                mean `Banks`?) or `Trains`";
    assert!(checked.contains(told), "{checked}");
}

#[test]
fn a_hold_has_a_reason() {
    let world = world("");
    let told = world.run(&["recordings", "hold", OLD, "--because", "  "]);
    assert_eq!(told.code, Some(2));
    assert!(told.err.contains("say why"), "{}", told.err);
}

#[test]
fn what_is_held_stays_until_it_is_released() {
    let world = world(&format!("{NINETY}{ARCHIVE}"));
    let call = row(&world, OLD)["call"].as_str().unwrap().to_owned();
    let told = world.run(&["recordings", "hold", &call, "--because", "complaint 17"]).ok();
    assert_eq!(told, "Recordings held: 1.\n");
    let held = row(&world, OLD)["held"].clone();
    assert_eq!(held["because"], "complaint 17");
    // By its path on this disk, too.
    let path = world.path("recordings").join(OLDER);
    world.run(&["recordings", "hold", path.to_str().unwrap(), "--because", "so"]).ok();
    let table = world.run(&["recordings"]).ok();
    assert_eq!(table.matches("held").count(), 2, "{table}");

    assert_eq!(world.json(&["recordings", "purge"]), Vec::<Value>::new());
    let told = world.run(&["recordings", "archive"]).ok();
    assert!(told.contains("0 archived"), "{told}");
    assert!(there(&world, OLD) && there(&world, OLDER));

    world.run(&["recordings", "release", OLD]).ok();
    assert_eq!(row(&world, OLD)["held"], Value::Null);
    assert_eq!(world.json(&["recordings", "purge"]).len(), 1);
    assert!(!there(&world, OLD) && there(&world, OLDER));

    for (arguments, why) in [
        (&["hold", OLD, "--because", "too late"][..], "deleted already"),
        (&["release", YOUNG], "is not held"),
        (&["release", "0f8b2a4e"], "the whole id"),
    ] {
        let error = world.run(&[&["recordings"], arguments].concat()).failed();
        assert!(error.contains(why), "{error}");
    }
    assert_eq!(world.run(&["recordings", "hold", OLDER]).code, Some(2), "a reason is asked for");
}

#[test]
fn what_was_not_looked_at_is_not_deleted() {
    let world = World::imported();
    world.write("ustredna.toml", NINETY);
    let (at, service) = ("2024-01-10T09:31:45Z".parse().unwrap(), Service::OutboundHotline);
    let call = PastCall { service, at, talk_seconds: Some(3), recording: OLD };
    world.call("+420601123456", 1, &call);
    record(&world.path("recordings").join(OLD), 3, [1.0, 1.0]);
    assert_eq!(row(&world, OLD)["verdict"], "pending");
    assert_eq!(world.json(&["recordings", "purge"]), Vec::<Value>::new());
    assert!(there(&world, OLD));
}

#[test]
fn a_deletion_that_was_cut_short_is_finished() {
    let world = world(NINETY);
    // As killed between the file and the row.
    fs::remove_file(world.path("recordings").join(OLD)).unwrap();
    assert_eq!(world.json(&["recordings", "purge"]).len(), 2);
    let because = "older than 90 days; there was no file any more";
    assert_eq!(row(&world, OLD)["deleted"]["because"], because);
    assert_eq!(row(&world, OLDER)["deleted"]["because"], "older than 90 days");
    assert!(!there(&world, &OLD.replace(".wav", ".json")));
}

#[test]
fn a_disk_that_is_not_mounted_is_not_taken_for_an_empty_one() {
    let world = world(NINETY);
    let dir = world.path("recordings");
    fs::rename(&dir, world.path("elsewhere")).unwrap();
    fs::create_dir(&dir).unwrap();
    let done = world.run(&["recordings", "purge"]);
    assert_eq!(done.code, Some(1));
    assert!(done.out.contains("is mounted") && done.out.contains("2 could not"), "{}", done.out);
    assert_eq!(row(&world, OLD)["deleted"], Value::Null);
}

#[test]
fn a_recording_that_came_back_is_named() {
    let world = world(NINETY);
    world.run(&["recordings", "purge"]).ok();
    record(&world.path("recordings").join(OLD), 3, [1.0, 1.0]);
    let (code, found) = verify(&world);
    assert_eq!((code, found.len()), (Some(1), 1));
    assert_eq!((&found[0]["verdict"], &found[0]["path"]), (&json!("came_back"), &json!(OLD)));
    assert_eq!(row(&world, OLD)["verdict"], "ok", "the row keeps what it was");
}

fn flac(path: &str) -> String {
    path.replace(".wav", ".flac")
}

#[test]
fn old_recordings_become_flac_and_stay_proven() {
    let world = world(ARCHIVE);
    let told = world.run(&["recordings", "archive", "--dry-run"]).ok();
    assert!(told.contains(OLD) && told.contains("2 would be"), "{told}");
    assert!(there(&world, OLD) && !there(&world, &flac(OLD)));

    let told = world.run(&["recordings", "archive"]).ok();
    assert!(told.starts_with("Recordings: 2 archived (192.0 kB became "), "{told}");
    for path in [OLD, OLDER] {
        assert!(!there(&world, path) && there(&world, &flac(path)));
        let row = row(&world, &flac(path));
        assert!(row["archived_at"].is_string() && row["verdict"] == "ok", "{row}");
        let size = fs::metadata(world.path("recordings").join(flac(path))).unwrap().len();
        assert_eq!(row["bytes"], size);
        let sidecar = world.path("recordings").join(path.replace(".wav", ".json"));
        let sidecar: Value = serde_json::from_slice(&fs::read(sidecar).unwrap()).unwrap();
        let name = flac(path).rsplit('/').next().unwrap().to_owned();
        assert_eq!(sidecar["recording"]["file"], name);
        assert_eq!(sidecar["recording"]["sha256"], row["sha256"]);
        assert_eq!(sidecar["recording"]["levels"][1]["peak_dbfs"], -12.2);
    }
    assert!(there(&world, YOUNG) && !there(&world, &flac(YOUNG)));
    assert_eq!(verify(&world), (Some(0), vec![]));
    let calls = world.json(&["calls"]);
    assert_eq!(calls[1]["recording"], flac(OLD), "the list of calls knows, too");
    let told = world.run(&["recordings", "archive"]).ok();
    assert!(told.contains("0 archived"), "{told}");

    world.write("ustredna.toml", NINETY);
    assert_eq!(world.json(&["recordings", "purge"]).len(), 2);
    assert!(!there(&world, &flac(OLD)));
}

#[test]
fn an_archiving_that_was_cut_short_is_finished() {
    let world = world(ARCHIVE);
    let dir = world.path("recordings");
    let keep = |path: &str| fs::read(dir.join(path)).unwrap();
    let (old, older) = (keep(OLD), keep(OLDER));
    // As killed when the FLAC had its name and the row did not know.
    fs::write(dir.join(flac(OLDER)), "half").unwrap();
    assert_eq!(verify(&world), (Some(0), vec![]), "the row's own file is in order");
    world.run(&["recordings", "archive"]).ok();
    assert!(!there(&world, OLDER));
    // As killed when the row knew and the WAV was still there.
    fs::write(dir.join(OLD), &old).unwrap();
    assert_eq!(verify(&world), (Some(0), vec![]));
    let told = world.run(&["recordings", "archive"]).ok();
    assert!(told.contains("1 archived"), "{told}");
    assert!(!there(&world, OLD) && there(&world, &flac(OLD)));
    // A FLAC that is not what the row says gets no WAV removed, and holds up no other.
    fs::write(dir.join(OLDER), &older).unwrap();
    fs::write(dir.join(flac(OLDER)), "half").unwrap();
    fs::write(dir.join(OLD), &old).unwrap();
    let done = world.run(&["recordings", "archive"]);
    assert_eq!(done.code, Some(1));
    assert!(done.out.contains("1 archived") && done.out.contains("1 could not"), "{}", done.out);
    assert!(there(&world, OLDER) && !there(&world, OLD));
    // Whole, but of another talk.
    let other = world.path("other.wav");
    record(&other, 1, [0.2, 0.2]);
    fs::copy(recordings::archive(&other, None).unwrap().0, dir.join(flac(OLDER))).unwrap();
    let done = world.run(&["recordings", "archive"]);
    assert!(done.code == Some(1) && done.out.contains("has changed since"), "{}", done.out);
    assert!(there(&world, OLDER));
}

#[test]
fn what_has_changed_is_not_archived() {
    let world = world(ARCHIVE);
    record(&world.path("recordings").join(OLD), 3, [0.2, 0.2]);
    let done = world.run(&["recordings", "archive"]);
    assert_eq!(done.code, Some(1));
    assert!(
        done.out.contains("has changed since") && done.out.contains("1 archived"),
        "{}",
        done.out
    );
    assert!(there(&world, OLD) && !there(&world, &flac(OLD)));
    assert!(there(&world, &flac(OLDER)));
}

/// An exchange that runs; killed when dropped.
struct Serving {
    process: Child,
    log: mpsc::Receiver<String>,
}

impl Serving {
    fn start(world: &World, settings: &[(&str, &str)]) -> Self {
        let mut command = world.command(&["serve"]);
        let [switch, web] = free();
        command.env("USTREDNA_SWITCH__LISTEN", switch).env("USTREDNA_WEB__LISTEN", web);
        command.envs(settings.iter().copied()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (line, log) = mpsc::channel();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|text| line.send(text)));
        Self { process, log }
    }

    /// The next line of its log with this in it.
    fn says(&self, text: &str) -> String {
        let next = || self.log.recv_timeout(Duration::from_mins(1)).ok();
        let said = std::iter::from_fn(next).find(|line| line.contains(text));
        said.unwrap_or_else(|| panic!("the log does not say: {text}"))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn the_exchange_itself_makes_room_and_tells_how_full_it_is() {
    let set =
        "[recordings.retention.projects]\nBanks = 700\n[recordings.archive]\nafter_days = 30\n";
    let world = world(set);
    // Too old, too; but held.
    world.run(&["recordings", "hold", OLD, "--because", "complaint 17"]).ok();
    let exchange = Serving::start(&world, &[("USTREDNA_RECORDINGS__MIN_FREE", "9000000TB")]);
    let deleted = exchange.says("a recording was deleted");
    let full = exchange.says("the disk of the recordings is filling up");
    drop(exchange);
    assert!(deleted.contains("older than 700 days (project Banks)"), "{deleted}");
    assert!(full.contains("free_bytes=") && full.contains("used_bytes="), "{full}");
    assert!(!deleted.contains("420234567890") && !full.contains("420234567890"));
    assert!(!there(&world, OLDER) && there(&world, OLD) && there(&world, YOUNG));
}

#[test]
fn the_exchange_itself_archives() {
    let world = world(ARCHIVE);
    let exchange = Serving::start(&world, &[]);
    let archived = exchange.says("recordings archived");
    drop(exchange);
    assert!(archived.contains("count=2"), "{archived}");
    assert!(there(&world, &flac(OLD)) && !there(&world, OLD) && there(&world, YOUNG));
    assert_eq!(verify(&world), (Some(0), vec![]));
}
