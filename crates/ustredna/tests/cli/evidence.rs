//! What becomes of recordings, sidecars and rows that somebody has changed after they were proven.

use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    path::PathBuf,
};

use exchange::model::Service;
use serde_json::Value;

use crate::world::{PastCall, World, record};

pub(crate) const ONE: &str =
    "2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav";
pub(crate) const TWO: &str =
    "2026/11/22/20261122-113145_out_420777000111_420234567890_4f2a9c1e.wav";

/// Two proven talks, looked at with `--chain` and found in order.
pub(crate) struct House {
    pub(crate) world: World,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    pub(crate) fn with(settings: &str) -> Self {
        Self::made(settings, None)
    }

    /// Of calls that ended long ago.
    pub(crate) fn old() -> Self {
        Self::made(ARCHIVE, Some("UPDATE calls SET ended_at = 1000000000000"))
    }

    fn made(settings: &str, before_proof: Option<&'static str>) -> Self {
        let world = World::imported();
        world.write("ustredna.toml", settings);
        for (at, recording, loudness) in
            [("2026-11-22T09:31:45Z", ONE, 1.0), ("2026-11-22T10:31:45Z", TWO, 0.7)]
        {
            let (at, service) = (at.parse().unwrap(), Service::OutboundHotline);
            let past = PastCall { service, at, talk_seconds: Some(3), recording };
            world.call("+420601123456", 1, &past);
            record(&world.path("recordings").join(recording), 3, [loudness, loudness]);
        }
        if let Some(sql) = before_proof {
            world.sql(sql);
        }
        let house = Self { world };
        assert_eq!(house.verify(), (Some(0), vec![]));
        house
    }

    /// Another talk of three seconds.
    pub(crate) fn adds(&self, at: &str, recording: &str) {
        let (at, service) = (at.parse().unwrap(), Service::OutboundHotline);
        let past = PastCall { service, at, talk_seconds: Some(3), recording };
        self.world.call("+420601123456", 1, &past);
        record(&self.file(recording), 3, [0.9, 0.9]);
    }

    pub(crate) fn file(&self, recording: &str) -> PathBuf {
        self.world.path("recordings").join(recording)
    }

    pub(crate) fn sidecar(&self, recording: &str) -> PathBuf {
        self.file(recording).with_extension("json")
    }

    /// The exit code, and verdict and path of whatever falls short.
    pub(crate) fn verify(&self) -> (Option<i32>, Vec<(String, String)>) {
        let done = self.world.run(&["recordings", "verify", "--chain", "--json"]);
        assert_eq!(done.err, "");
        let told = done.out.lines().map(|line| {
            let told: Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| told[key].as_str().unwrap().to_owned();
            (text("verdict"), text("path"))
        });
        (done.code, told.collect())
    }

    #[track_caller]
    pub(crate) fn tells(&self, verdict: &str, path: &str) {
        assert_eq!(self.verify(), (Some(1), vec![(verdict.to_owned(), path.to_owned())]));
    }

    fn row(&self, call: usize) -> Value {
        self.world.json(&["recordings"]).remove(1 - call)
    }

    pub(crate) fn told_beside(&self, recording: &str) -> Value {
        serde_json::from_slice(&fs::read(self.sidecar(recording)).unwrap()).unwrap()
    }
}

/// Someone does this to the first file, or to its bytes.
type Deed = fn(&[u8]) -> Vec<u8>;

fn forget_sizes(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[4..8].copy_from_slice(&36_u32.to_le_bytes());
    bytes[40..44].fill(0);
    bytes
}

#[test]
fn a_file_that_was_changed_is_changed_for_good() {
    let deeds: [(&str, Deed); 7] = [
        ("other sound under sizes of 0", |file| {
            let mut bytes = forget_sizes(file.to_vec());
            bytes[44..].reverse();
            bytes
        }),
        ("the same sound under sizes of 0", |file| forget_sizes(file.to_vec())),
        ("cut by 0.4 s", |file| file[..file.len() - 12_800].to_vec()),
        ("overwritten, a byte short", |file| {
            let mut bytes = file[..file.len() - 1].to_vec();
            bytes[44..].fill(0x20);
            bytes
        }),
        ("one bit", |file| {
            let mut bytes = file.to_vec();
            bytes[5000] ^= 1;
            bytes
        }),
        ("emptied", |_| Vec::new()),
        ("garbage", |file| vec![0x55; file.len()]),
    ];
    for (what, deed) in deeds {
        let house = House::new();
        let (path, before, sidecar) = (house.file(ONE), house.row(0), house.told_beside(ONE));
        let proven = fs::read(&path).unwrap();
        let bytes = deed(&proven);
        fs::write(&path, &bytes).unwrap();
        for _ in 0..2 {
            house.tells("changed", ONE);
        }
        assert_eq!(fs::read(&path).unwrap(), bytes, "{what}: nobody repairs it");
        let after = house.row(0);
        assert_eq!(after["verdict"], "changed", "{what}");
        for kept in ["sha256", "bytes", "seconds", "levels"] {
            assert_eq!(after[kept], before[kept], "{what}: {kept}");
        }
        let told = house.told_beside(ONE);
        assert_eq!(told["recording"]["verdict"], "changed", "{what}");
        assert_eq!(told["recording"]["sha256"], sidecar["recording"]["sha256"], "{what}");
        // Taking the proven file out of a backup does not undo that it was changed.
        fs::write(&path, &proven).unwrap();
        house.tells("changed", ONE);
        fs::remove_file(&path).unwrap();
        house.tells("changed", ONE);
    }
}

#[test]
fn what_is_missing_keeps_its_checksum_and_may_come_back() {
    let house = House::new();
    let (path, before) = (house.file(ONE), house.row(0));
    let proven = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    for _ in 0..2 {
        house.tells("missing", ONE);
        let row = house.row(0);
        assert_eq!((&row["sha256"], &row["verdict"]), (&before["sha256"], &"missing".into()));
        assert_eq!(row["problem"], "there is no such file");
        assert_eq!(house.told_beside(ONE)["recording"]["sha256"], before["sha256"]);
    }
    fs::write(&path, &proven).unwrap();
    assert_eq!(house.verify(), (Some(0), vec![]));
    let back = house.row(0);
    assert_eq!((&back["sha256"], &back["verdict"]), (&before["sha256"], &"ok".into()));
    assert_eq!(back["problem"], Value::Null);

    // Another one in its place.
    fs::remove_file(&path).unwrap();
    house.tells("missing", ONE);
    record(&path, 3, [0.5, 0.5]);
    house.tells("changed", ONE);
    assert_eq!(house.row(0)["sha256"], before["sha256"]);
}

#[test]
fn what_was_missing_comes_back_as_what_it_was() {
    let world = World::imported();
    let (at, service) = ("2026-11-22T09:31:45Z".parse().unwrap(), Service::OutboundHotline);
    world.call(
        "+420601123456",
        1,
        &PastCall { service, at, talk_seconds: Some(3), recording: ONE },
    );
    let house = House { world };
    record(&house.file(ONE), 3, [1.0, 1.0]);
    let bytes = forget_sizes(fs::read(house.file(ONE)).unwrap());
    fs::write(house.file(ONE), bytes).unwrap();
    assert_eq!(house.verify(), (Some(0), vec![]));
    let repaired = fs::read(house.file(ONE)).unwrap();
    fs::remove_file(house.file(ONE)).unwrap();
    house.tells("missing", ONE);
    fs::write(house.file(ONE), repaired).unwrap();
    assert_eq!(house.verify(), (Some(0), vec![]));
    assert_eq!(house.world.json(&["recordings"])[0]["verdict"], "repaired");
}

#[test]
fn why_a_missing_recording_broke_is_not_forgotten() {
    let world = World::imported();
    let (at, service) = ("2026-11-22T09:31:45Z".parse().unwrap(), Service::OutboundHotline);
    world.call(
        "+420601123456",
        1,
        &PastCall { service, at, talk_seconds: Some(9), recording: ONE },
    );
    let house = House { world };
    record(&house.file(ONE), 3, [1.0, 1.0]);
    house.tells("short", ONE);
    // It is known since the talk alone.
    let why = "the recording has not grown since 10:31:46, 1 s into the talk";
    house.world.note_problem(ONE, why);
    let bytes = fs::read(house.file(ONE)).unwrap();
    fs::remove_file(house.file(ONE)).unwrap();
    house.tells("missing", ONE);
    house.tells("missing", ONE);
    assert_eq!(
        house.world.json(&["recordings"])[0]["problem"],
        format!("{why}; there is no such file")
    );
    fs::write(house.file(ONE), bytes).unwrap();
    house.tells("short", ONE);
    assert_eq!(house.world.json(&["recordings"])[0]["problem"], why);
}

#[test]
fn a_file_where_there_was_none_proves_nothing() {
    let world = World::imported();
    let (at, service) = ("2026-11-22T09:31:45Z".parse().unwrap(), Service::OutboundHotline);
    world.call(
        "+420601123456",
        1,
        &PastCall { service, at, talk_seconds: Some(3), recording: ONE },
    );
    let house = House { world };
    fs::create_dir_all(house.file(ONE).parent().unwrap()).unwrap();
    house.tells("missing", ONE);
    record(&house.file(ONE), 3, [1.0, 1.0]);
    for _ in 0..2 {
        house.tells("changed", ONE);
    }
    assert_eq!(house.world.json(&["recordings"])[0]["sha256"], Value::Null);
}

#[test]
fn another_file_of_the_same_size_and_age_a_link_and_two_that_were_swapped_are_changes() {
    let house = House::new();
    let (one, two) = (house.file(ONE), house.file(TWO));
    let age = fs::metadata(&one).unwrap().modified().unwrap();
    record(&one, 3, [0.5, 0.5]);
    File::options().write(true).open(&one).unwrap().set_modified(age).unwrap();
    house.tells("changed", ONE);

    let house = House::new();
    let (one, elsewhere) = (house.file(ONE), house.world.path("elsewhere.wav"));
    fs::rename(&one, &elsewhere).unwrap();
    symlink(&elsewhere, &one).unwrap();
    house.tells("changed", ONE);
    drop(two);

    let house = House::new();
    let (one, two) = (house.file(ONE), house.file(TWO));
    let between = house.world.path("between.wav");
    fs::rename(&one, &between).unwrap();
    fs::rename(&two, &one).unwrap();
    fs::rename(&between, &two).unwrap();
    let both = [ONE, TWO].map(|path| ("changed".to_owned(), path.to_owned()));
    let (code, mut told) = house.verify();
    told.sort();
    assert_eq!((code, told), (Some(1), both.to_vec()));
}

#[test]
fn a_sidecar_that_is_not_the_one_that_was_written_is_told() {
    let house = House::new();
    let (sidecar, other) = (house.sidecar(ONE), house.sidecar(TWO));
    let written = fs::read(&sidecar).unwrap();
    let text = String::from_utf8(written.clone()).unwrap();
    let sha256 = house.row(0)["sha256"].as_str().unwrap().to_owned();
    let edited: [(&str, Vec<u8>, &str); 6] = [
        ("another dealer", text.replace("+420234567890", "+420234567891").into(), "changed since"),
        ("another verdict", text.replace("\"ok\"", "\"short\"").into(), "changed since"),
        ("a blank more", format!("{text} ").into(), "changed since"),
        ("another checksum", text.replace(&sha256, &"0".repeat(64)).into(), "another checksum"),
        ("of another call", fs::read(other).unwrap(), "another call"),
        ("no sidecar", b"{}".to_vec(), "not a sidecar"),
    ];
    let problem = || {
        let done = house.world.run(&["recordings", "verify", "--json"]);
        let told: Value = serde_json::from_str(done.out.lines().next().unwrap()).unwrap();
        told["problem"].as_str().unwrap().to_owned()
    };
    for (what, bytes, why) in edited {
        fs::write(&sidecar, &bytes).unwrap();
        for _ in 0..2 {
            house.tells("sidecar", ONE);
        }
        assert!(problem().contains(why), "{what}: {}", problem());
        assert_eq!(fs::read(&sidecar).unwrap(), bytes, "{what}: it is evidence, too");
    }
    fs::remove_file(&sidecar).unwrap();
    house.tells("sidecar", ONE);
    assert!(problem().contains("is gone"), "{}", problem());
    assert!(!sidecar.exists());
    fs::write(&sidecar, written).unwrap();
    assert_eq!(house.verify(), (Some(0), vec![]));
    assert_eq!(house.row(0)["verdict"], "ok", "the recording itself was in order");
}

#[test]
fn a_proof_without_a_sidecar_gets_one() {
    let house = House::new();
    let told = house.told_beside(ONE);
    assert_eq!(told["dealer"], "+420234567890");
    assert_eq!((&told["project"], &told["talk_seconds"]), (&"Banks".into(), &3.0.into()));
    assert_eq!(told["recording"]["sha256"], house.row(0)["sha256"]);
    assert!(!told.to_string().contains("601123456"), "{told}");
}

#[test]
fn a_row_that_was_changed_is_told_by_the_chain() {
    let deeds: [(&str, &str); 7] = [
        ("UPDATE recordings SET verdict = 'short' WHERE path LIKE '%_3f2a9c1e.wav'", "verdict"),
        (
            "UPDATE recordings SET call_id = (SELECT call_id FROM recordings WHERE path LIKE '%_4f2a9c1e.wav')",
            "call",
        ),
        ("UPDATE recordings SET deleted_at = 1 WHERE path LIKE '%_3f2a9c1e.wav'", "deletion"),
        ("DELETE FROM recordings WHERE path LIKE '%_3f2a9c1e.wav'", "row in the database is gone"),
        ("DELETE FROM recording_links WHERE sequence = 1", "should"),
        ("DELETE FROM recording_links WHERE sequence = 2", "its last link should be 2"),
        ("UPDATE recording_links SET sha256 = 'ab' WHERE sequence = 1", "link 1 was changed"),
    ];
    for (sql, why) in deeds {
        let house = House::new();
        house.world.sql(sql);
        // A look without the chain makes nothing of it that the chain would take for true.
        house.world.run(&["recordings", "verify"]);
        let done = house.world.run(&["recordings", "verify", "--chain"]);
        assert_eq!(done.code, Some(1), "{sql}");
        assert!(done.out.contains("chain") && done.out.contains(why), "{sql}: {}", done.out);
    }
}

#[test]
fn a_row_made_to_fit_another_file_does_not_make_it_good() {
    let house = House::new();
    let before = house.row(0)["sha256"].clone();
    record(&house.file(ONE), 3, [0.5, 0.5]);
    // As if nobody had looked yet: it is neither repaired nor proven anew.
    house.world.sql("UPDATE recordings SET verdict = 'pending', sha256 = NULL, sidecar = NULL WHERE path LIKE '%_3f2a9c1e.wav'");
    let (code, told) = house.verify();
    assert_eq!(code, Some(1));
    for verdict in ["changed", "chain"] {
        assert!(told.contains(&(verdict.to_owned(), ONE.to_owned())), "{told:?}");
    }
    assert_ne!(before, Value::Null);

    // As if it had been that file from the beginning.
    let house = House::new();
    record(&house.file(ONE), 3, [0.5, 0.5]);
    fs::copy(house.file(ONE), house.file(TWO)).unwrap();
    house.world.sql("UPDATE recordings SET sha256 = 'ab' WHERE path LIKE '%_3f2a9c1e.wav'");
    let (code, told) = house.verify();
    assert_eq!(code, Some(1));
    assert!(told.contains(&("chain".to_owned(), ONE.to_owned())), "{told:?}");

    // A row that was moved to another day, with its files.
    let house = House::new();
    let elsewhere = ONE.replace("2026/11/22/", "2026/11/23/");
    fs::create_dir_all(house.file(&elsewhere).parent().unwrap()).unwrap();
    fs::rename(house.file(ONE), house.file(&elsewhere)).unwrap();
    fs::rename(house.sidecar(ONE), house.sidecar(&elsewhere)).unwrap();
    house.world.sql("UPDATE recordings SET path = replace(path, '/22/', '/23/') WHERE path LIKE '%_3f2a9c1e.wav'");
    let (code, told) = house.verify();
    assert_eq!(code, Some(1));
    for told_of in [("chain", ONE), ("unknown", elsewhere.as_str())] {
        assert!(told.contains(&(told_of.0.to_owned(), told_of.1.to_owned())), "{told:?}");
    }
}

#[test]
fn an_export_finds_what_the_database_alone_cannot() {
    let house = House::new();
    let world = &house.world;
    let ends = world.run(&["recordings", "chain", "--json"]).ok();
    let end: Value = serde_json::from_str(&ends).unwrap();
    assert_eq!((&end["day"], &end["sequence"]), (&"2026-11-22".into(), &2.into()));
    world.write("ends.json", &ends);
    world.run(&["recordings", "chain", "--export", "chain.txt"]).ok();
    let links = fs::read_to_string(world.path("chain.txt")).unwrap();
    assert_eq!(world.run(&["recordings", "chain", "--export", "-"]).ok(), links);
    assert_eq!(
        world.run(&["recordings", "chain", "--day", "2026-11-21", "--export", "-"]).ok(),
        ""
    );
    assert_eq!(world.json(&["recordings", "chain", "--export", "-"]).len(), 2);
    let table = world.run(&["recordings", "chain"]).ok();
    assert!(table.contains(end["hash"].as_str().unwrap()), "{table}");
    for export in ["chain.txt", "ends.json"] {
        let done = world.run(&["recordings", "verify", "--chain", "--against", export]).ok();
        assert!(done.contains("Chain: 2 links of 1 day."), "{done}");
    }

    // Somebody makes all of it anew, which no program on this machine can find out.
    world.sql("DELETE FROM recording_links");
    world.sql("DELETE FROM recording_days");
    world.sql("DELETE FROM recordings");
    fs::remove_dir_all(world.path("recordings/2026")).unwrap();
    assert_eq!(house.verify(), (Some(0), vec![]));
    for (export, count) in [("chain.txt", 2), ("ends.json", 1)] {
        let done = world.run(&["recordings", "verify", "--chain", "--json", "--against", export]);
        assert_eq!((done.code, done.out.lines().count()), (Some(1), count), "{export}");
        assert!(done.out.contains("link 2 of the export is gone"), "{}", done.out);
    }
    world.write("letter.txt", "Dear sirs\n");
    let error = world.run(&["recordings", "verify", "--chain", "--against", "letter.txt"]).failed();
    assert!(error.contains("letter.txt") && error.contains("line 1"), "{error}");
}

/// By coreutils, as the documentation tells it.
#[test]
fn an_export_can_be_checked_by_other_means() {
    let house = House::new();
    house.world.run(&["recordings", "chain", "--export", "chain.txt"]).ok();
    let script = "cut -f 2- chain.txt | while IFS= read -r line; do printf '%s\\n' \"$line\" | sha256sum; \
        done | cut -c -64 > sums && cut -f 1 chain.txt | cmp - sums && \
        cut -f 2 chain.txt | tail -n +2 > previous && head -n -1 sums | cmp - previous && \
        cd recordings && awk -F '\\t' '{print $10 \"  \" $9}' ../chain.txt | sha256sum --quiet -c";
    let done = std::process::Command::new("sh")
        .args(["-c", script])
        .current_dir(house.world.path(""))
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

const ARCHIVE: &str =
    "[recordings.archive]\nafter_days = 1\n[recordings.retention.projects]\nBanks = 1\n";

#[test]
fn an_archived_recording_is_held_to_its_flac() {
    let house = House::old();
    house.world.run(&["recordings", "archive"]).ok();
    assert_eq!(house.verify(), (Some(0), vec![]));
    let flac = ONE.replace(".wav", ".flac");
    let row = house.row(0);
    assert_eq!(row["path"], flac.as_str());
    let bytes = fs::read(house.file(&flac)).unwrap();
    for changed in [bytes[..bytes.len() - 1].to_vec(), bytes[..1000].to_vec(), vec![0; 10]] {
        let house = House::old();
        house.world.run(&["recordings", "archive"]).ok();
        let before = house.row(0)["sha256"].clone();
        fs::write(house.file(&flac), changed).unwrap();
        house.tells("changed", &flac);
        assert_eq!(house.row(0)["sha256"], before);
    }
    fs::remove_file(house.file(&flac)).unwrap();
    house.tells("missing", &flac);
    // A WAV of other sound beside it, or in its place, proves nothing.
    record(&house.file(ONE), 3, [0.5, 0.5]);
    fs::rename(house.file(ONE), house.file(&flac)).unwrap();
    house.tells("changed", &flac);
}

#[test]
fn a_changed_recording_is_not_archived_and_an_edited_sidecar_not_made_good() {
    let house = House::old();
    record(&house.file(ONE), 3, [0.5, 0.5]);
    house.tells("changed", ONE);
    let edited = fs::read_to_string(house.sidecar(TWO)).unwrap().replace("567890", "567891");
    fs::write(house.sidecar(TWO), &edited).unwrap();
    house.world.run(&["recordings", "archive"]).ok();
    let flac = TWO.replace(".wav", ".flac");
    assert!(house.file(ONE).exists() && house.file(&flac).exists());
    let (code, mut told) = house.verify();
    told.sort();
    let expected = [("changed".to_owned(), ONE.to_owned()), ("sidecar".to_owned(), flac)];
    assert_eq!((code, told), (Some(1), expected.to_vec()));
    assert_eq!(fs::read_to_string(house.sidecar(TWO)).unwrap(), edited);
}

#[test]
fn what_is_deleted_by_its_age_leaves_the_chain_whole() {
    let house = House::old();
    house.world.run(&["recordings", "chain", "--export", "before.txt"]).ok();
    assert_eq!(house.world.json(&["recordings", "purge"]).len(), 2);
    let done =
        house.world.run(&["recordings", "verify", "--chain", "--against", "before.txt"]).ok();
    assert!(done.contains("Chain: 4 links of 1 day."), "{done}");
    house.world.sql("UPDATE recordings SET deleted_at = NULL");
    let (code, told) = house.verify();
    let kinds: Vec<_> = told.iter().map(|(verdict, _)| verdict.as_str()).collect();
    assert!(code == Some(1) && kinds.contains(&"chain") && kinds.contains(&"missing"), "{told:?}");
}

#[test]
fn what_an_earlier_version_has_proven_is_adopted() {
    let house = House::new();
    let world = &house.world;
    world.sql("DELETE FROM recording_links");
    world.sql("DELETE FROM recording_days");
    world.sql("UPDATE recordings SET unchained = 1, sidecar = NULL");
    let done = world.run(&["recordings", "verify", "--chain"]).ok();
    let told = "Chain: 2 links of 1 day, 2 of recordings proven before there was one.";
    assert!(done.contains(told), "{done}");
    assert_eq!(house.verify(), (Some(0), vec![]));
    let edited = fs::read_to_string(house.sidecar(TWO)).unwrap().replace("567890", "567891");
    fs::write(house.sidecar(TWO), edited).unwrap();
    house.tells("sidecar", TWO);
}
