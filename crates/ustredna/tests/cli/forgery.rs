//! A forger who may write the database and the files, and adds to the chain as the exchange does. An
//! export has all its links still.

use std::fs;

use serde_json::Value;
use sqlx::Connection as _;
use store::{ChainLink, Store};

use crate::{
    evidence::{House, ONE, TWO},
    world::record,
};

/// The forger's SQL and the chain as it is.
struct Forger<'h>(&'h House);

impl Forger<'_> {
    fn with<T>(&self, work: impl AsyncFnOnce(Store, sqlx::SqliteConnection) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let url = format!("sqlite://{}", self.0.world.path("ustredna.db").display());
            let connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
            work(Store::open(&url).await.unwrap(), connection).await
        })
    }

    /// Other sound in the first recording, a `.json` that tells its checksum, and a row that tells both.
    fn forges_file_sidecar_and_row(&self) -> (String, String) {
        let house = self.0;
        record(&house.file(ONE), 3, [0.5, 0.5]);
        let sha256 = recordings::checksum(&house.file(ONE)).unwrap();
        let mut sidecar = house.told_beside(ONE);
        sidecar["recording"]["sha256"] = sha256.clone().into();
        fs::write(house.sidecar(ONE), sidecar.to_string()).unwrap();
        let beside = recordings::checksum(&house.sidecar(ONE)).unwrap();
        let told = (sha256.clone(), beside.clone());
        self.with(async |_, mut sql| {
            sqlx::query("UPDATE recordings SET sha256 = $1, sidecar = $2, verdict = 'ok' WHERE path LIKE '%_3f2a9c1e.wav'")
                .bind(sha256)
                .bind(beside)
                .execute(&mut sql)
                .await
                .unwrap();
        });
        told
    }

    /// Adds a link as the exchange would, with the right hash.
    fn adds_link(&self, forge: impl FnOnce(&mut ChainLink)) {
        self.with(async |store, mut sql| {
            let links = store.chain(None).await.unwrap();
            let of_first = |link: &&ChainLink| link.path.reveal().contains("3f2a9c1e");
            let mut link = links.iter().rfind(of_first).unwrap().clone();
            forge(&mut link);
            let before = links.iter().rfind(|other| other.day <= link.day).unwrap();
            link.previous.clone_from(&before.hash);
            link.sequence = if before.day == link.day { before.sequence + 1 } else { 1 };
            link.hash = link.true_hash();
            sqlx::query(
                "INSERT INTO recording_links (day, sequence, previous, step, at, call_id, leg_id, path, \
                 sha256, bytes, verdict, sidecar, hash) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            )
            .bind(&link.day)
            .bind(link.sequence)
            .bind(&link.previous)
            .bind(&link.step)
            .bind(link.at_ms)
            .bind(&link.call)
            .bind(&link.leg)
            .bind(link.path.reveal())
            .bind(&link.sha256)
            .bind(link.bytes)
            .bind(&link.verdict)
            .bind(&link.sidecar)
            .bind(&link.hash)
            .execute(&mut sql)
            .await
            .unwrap();
            sqlx::query(
                "INSERT INTO recording_days (day, sequence, hash) VALUES ($1, $2, $3) \
                 ON CONFLICT (day) DO UPDATE SET sequence = $2, hash = $3",
            )
            .bind(&link.day)
            .bind(link.sequence)
            .bind(&link.hash)
            .execute(&mut sql)
            .await
            .unwrap();
        });
    }
}

/// What `verify --chain` says against an export from before.
fn verified(house: &House) -> (Option<i32>, String) {
    let done = house.world.run(&["recordings", "verify", "--chain", "--against", "before.txt"]);
    (done.code, done.out)
}

#[test]
fn a_link_with_the_right_hash_makes_no_forgery_good() {
    type Forge = fn(&mut ChainLink);
    let forgeries: [(&str, &str, Forge); 6] = [
        ("another checksum than it was proven with", "judged", |_| {}),
        ("proves it for a second time", "proven", |_| {}),
        ("proves it for a second time", "adopted", |_| {}),
        ("is of another file", "archived", |_| {}),
        ("is in the chain of another day", "judged", |link| link.day = "2026-11-23".to_owned()),
        ("proves it for a second time", "proven", |link| link.day = "other".to_owned()),
    ];
    for (why, step, forge) in forgeries {
        let house = House::new();
        house.world.run(&["recordings", "chain", "--export", "before.txt"]).ok();
        let forger = Forger(&house);
        let (sha256, sidecar) = forger.forges_file_sidecar_and_row();
        forger.adds_link(|link| {
            step.clone_into(&mut link.step);
            (link.sha256, link.sidecar) = (Some(sha256), Some(sidecar));
            forge(link);
        });
        let (code, told) = verified(&house);
        assert!(code == Some(1) && told.contains(why), "{step}: {told}");
    }
}

#[test]
fn a_changed_file_is_not_made_good_by_a_link() {
    let house = House::new();
    house.world.run(&["recordings", "chain", "--export", "before.txt"]).ok();
    let proven = fs::read(house.file(ONE)).unwrap();
    record(&house.file(ONE), 3, [0.5, 0.5]);
    house.tells("changed", ONE);
    fs::write(house.file(ONE), proven).unwrap();
    let forger = Forger(&house);
    house.world.sql(
        "UPDATE recordings SET verdict = 'ok', problem = NULL WHERE path LIKE '%_3f2a9c1e.wav'",
    );
    forger.adds_link(|link| "ok".clone_into(&mut link.verdict));
    let (code, told) = verified(&house);
    assert!(code == Some(1) && told.contains("a changed file is good again"), "{told}");
}

#[test]
fn a_deleted_recording_has_no_further_links() {
    let house = House::old();
    house.world.run(&["recordings", "chain", "--export", "before.txt"]).ok();
    assert_eq!(house.world.json(&["recordings", "purge"]).len(), 2);
    assert_eq!(verified(&house).0, Some(0));
    record(&house.file(ONE), 3, [1.0, 1.0]);
    house.world.sql("UPDATE recordings SET deleted_at = NULL, deleted_because = NULL WHERE path LIKE '%_3f2a9c1e.wav'");
    Forger(&house).adds_link(|link| "judged".clone_into(&mut link.step));
    let (code, told) = verified(&house);
    assert!(code == Some(1) && told.contains("comes after its deletion"), "{told}");
}

/// The exchange itself would have put it into the chain as proven before there was one.
#[test]
fn a_row_that_says_it_is_older_than_the_chain_is_not_adopted() {
    let house = House::new();
    house.world.run(&["recordings", "chain", "--export", "before.txt"]).ok();
    Forger(&house).forges_file_sidecar_and_row();
    house.world.sql("UPDATE recordings SET unchained = 1");
    for _ in 0..2 {
        let (code, told) = verified(&house);
        assert_eq!(code, Some(1), "{told}");
        assert!(told.contains("checksum") && told.contains("not as in link"), "{told}");
        assert!(told.contains("Chain: 2 links of 1 day."), "{told}");
    }
}

#[test]
fn a_recording_of_a_call_that_was_made_to_go_on_is_looked_at() {
    let house = House::new();
    record(&house.file(ONE), 3, [0.5, 0.5]);
    house.world.sql("UPDATE calls SET ended_at = NULL, outcome = NULL");
    let done = house.world.run(&["recordings", "verify"]);
    assert_eq!(done.code, Some(1), "{}", done.out);
    assert!(done.out.contains("changed") && done.out.contains("2 checked"), "{}", done.out);
}

#[test]
fn a_planted_wav_hides_no_edited_sidecar() {
    let house = House::old();
    let (wav, beside) = (fs::read(house.file(ONE)).unwrap(), fs::read(house.sidecar(ONE)).unwrap());
    house.world.run(&["recordings", "archive"]).ok();
    let flac = ONE.replace(".wav", ".flac");
    let renewed = fs::read_to_string(house.sidecar(ONE)).unwrap();
    // Killed while it was archived: the WAV and its `.json` are there still.
    fs::write(house.file(ONE), &wav).unwrap();
    fs::write(house.sidecar(ONE), &beside).unwrap();
    assert_eq!(house.verify(), (Some(0), vec![]));
    let edited = renewed.replace("567890", "567891");
    fs::write(house.sidecar(ONE), &edited).unwrap();
    house.tells("sidecar", &flac);
    // Another WAV and the old `.json`.
    record(&house.file(ONE), 3, [0.5, 0.5]);
    fs::write(house.sidecar(ONE), &beside).unwrap();
    house.tells("sidecar", &flac);
}

#[test]
fn an_export_without_links_proves_nothing() {
    let house = House::new();
    for empty in ["", "\n"] {
        house.world.write("before.txt", empty);
        let done = house.world.run(&["recordings", "verify", "--chain", "--against", "before.txt"]);
        assert!(done.failed().contains("it holds no link"), "{empty:?}");
    }
}

/// The same bytes are the same evidence, wherever they lie; what is written through another name is found.
#[test]
fn a_file_with_two_names_or_with_holes_is_what_its_bytes_are() {
    let house = House::new();
    let elsewhere = house.world.path("elsewhere.wav");
    fs::rename(house.file(ONE), &elsewhere).unwrap();
    house.tells("missing", ONE);
    fs::hard_link(&elsewhere, house.file(ONE)).unwrap();
    assert_eq!(house.verify(), (Some(0), vec![]));
    let mut bytes = fs::read(&elsewhere).unwrap();
    bytes[1000] ^= 1;
    fs::write(&elsewhere, bytes).unwrap();
    house.tells("changed", ONE);
    // As long, and nothing in it.
    let length = fs::metadata(house.file(TWO)).unwrap().len();
    fs::File::create(house.file(TWO)).unwrap().set_len(length).unwrap();
    let (code, mut told) = house.verify();
    told.sort();
    let changed = |path: &str| ("changed".to_owned(), path.to_owned());
    assert_eq!((code, told), (Some(1), vec![changed(ONE), changed(TWO)]));
}

/// Recordings of earlier days are proven later, as after a crash, and about midnight.
#[test]
fn days_may_be_proven_in_any_order() {
    let house = House::new();
    for (at, path) in [
        (
            "2026-11-23T09:31:45Z",
            TWO.replace("2026/11/22", "2026/11/23").replace("20261122", "20261123"),
        ),
        (
            "2026-11-20T22:59:45Z",
            TWO.replace("2026/11/22", "2026/11/20").replace("20261122-113145", "20261120-235945"),
        ),
        (
            "2026-10-25T00:30:00Z",
            TWO.replace("2026/11/22", "2026/10/25").replace("20261122-113145", "20261025-023000"),
        ),
        (
            "2026-10-25T01:30:00Z",
            TWO.replace("2026/11/22", "2026/10/25").replace("20261122-113145", "20261025-023001"),
        ),
    ] {
        let path = path.replace("4f2a9c1e", &at.replace([':', '-', 'T', 'Z'], "")[4..12]);
        house.adds(at, &path);
        assert_eq!(house.verify(), (Some(0), vec![]), "{at}");
    }
    let days = house.world.json(&["recordings", "chain"]);
    let days: Vec<_> = days.iter().map(|day| (day["day"].as_str(), &day["sequence"])).collect();
    let one = Value::from(1);
    let two = Value::from(2);
    let expected = [
        (Some("2026-10-25"), &two),
        (Some("2026-11-20"), &one),
        (Some("2026-11-22"), &two),
        (Some("2026-11-23"), &one),
    ];
    assert_eq!(days, expected);
}

/// An older database beside newer files, and the other way round.
#[test]
fn a_restored_backup_is_told_by_files_and_export() {
    let house = House::new();
    house.world.run(&["backup", "older.db"]).ok();
    let later = TWO.replace("2026/11/22", "2026/11/23").replace("20261122", "20261123");
    let later = later.replace("4f2a9c1e", "5f2a9c1e");
    house.adds("2026-11-23T09:31:45Z", &later);
    assert_eq!(house.verify(), (Some(0), vec![]));
    house.world.run(&["recordings", "chain", "--export", "before.txt"]).ok();
    for end in ["", "-wal", "-shm"] {
        fs::remove_file(house.world.path(&format!("ustredna.db{end}"))).ok();
    }
    fs::rename(house.world.path("older.db"), house.world.path("ustredna.db")).unwrap();
    let unknown = [later.replace(".wav", ".json"), later].map(|path| ("unknown".to_owned(), path));
    assert_eq!(house.verify(), (Some(1), unknown.to_vec()));
    let (code, told) = verified(&house);
    assert!(code == Some(1) && told.contains("link 1 of the export is gone"), "{told}");
}
