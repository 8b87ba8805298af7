//! What rows of calls and legs are made to tell by somebody who may write the database alone: the
//! `.json` beside the recording and the file's name tell something else.

use std::fs;

use crate::evidence::{House, ONE, TWO};

#[track_caller]
fn told(house: &House) -> String {
    let done = house.world.run(&["recordings", "verify", "--chain"]);
    assert_eq!((done.code, done.err.as_str()), (Some(1), ""), "{}", done.out);
    done.out
}

#[test]
fn a_call_that_is_made_to_tell_otherwise_is_told() {
    let deeds = [
        ("UPDATE calls SET dealer = '+420234999999'", "dealer not the same in call and leg"),
        ("UPDATE calls SET dealer = NULL", "dealer not the same in call and leg"),
        ("UPDATE calls SET fictitious_number = '+420777000112'", "fictitious number not the same"),
        ("UPDATE calls SET service = 'callback_hotline'", "service not as in the .json"),
        ("UPDATE calls SET project = 'Cars'", "project not as in the .json"),
        (
            "UPDATE calls SET shopper_id = (SELECT id FROM shoppers WHERE phone = '+420602654321')",
            "shopper not as in the .json",
        ),
        ("UPDATE calls SET started_at = started_at - 86400000", "start not as in the .json"),
        ("UPDATE calls SET started_at = started_at + 1", "start not as in the .json"),
        ("UPDATE calls SET answered_at = answered_at + 60000", "answer not the same"),
        ("UPDATE calls SET answered_at = NULL", "answer not the same"),
        ("UPDATE calls SET ended_at = ended_at + 1000", "end not as in the .json"),
        ("UPDATE calls SET ended_at = NULL, outcome = NULL", "end not as in the .json"),
        ("UPDATE calls SET talk_ms = 600000", "talk not the same"),
        ("UPDATE calls SET outcome = 'busy'", "outcome not the same"),
        ("UPDATE calls SET hangup_cause = 'USER_BUSY'", "hangup cause not as in the .json"),
        ("UPDATE legs SET dealer = '+420234999999'", "dealer not as in the .json"),
        (
            "UPDATE legs SET fictitious_number = '+420777000112'",
            "fictitious number not as in the .json",
        ),
        ("UPDATE legs SET direction = 'back'", "direction not as in the .json"),
        ("UPDATE legs SET started_at = started_at - 864000000", "day not as in the name"),
        ("UPDATE legs SET answered_at = NULL", "answer not as in the .json"),
        ("UPDATE legs SET talk_ms = 1, answered_at = NULL", "answer, talk not as in the .json"),
        ("UPDATE legs SET talk_ms = 2000", "talk not as in the .json"),
        ("UPDATE legs SET ended_at = ended_at + 1000", "talk not the same"),
        ("UPDATE legs SET outcome = 'busy'", "outcome not as in the .json"),
        (
            "UPDATE legs SET recording = replace(recording, '45_out', '46_out')",
            "recording not the same",
        ),
        ("PRAGMA foreign_keys = off; DELETE FROM calls", "its call in the database is gone"),
        ("PRAGMA foreign_keys = off; DELETE FROM legs", "its leg in the database is gone"),
    ];
    let house = House::new();
    let kept = || {
        let kept = [house.world.path("ustredna.db"), house.sidecar(ONE), house.sidecar(TWO)];
        kept.map(|path| (fs::read(&path).unwrap(), path))
    };
    let before = kept();
    for (sql, why) in deeds {
        house.world.sql(sql);
        let out = told(&house);
        for path in [ONE, TWO] {
            let line = out.lines().find(|line| line.starts_with("chain") && line.contains(path));
            assert!(line.is_some(), "{sql}: {path}: {out}");
        }
        assert!(out.contains(why), "{sql}: {out}");
        for (bytes, path) in &before {
            fs::write(path, bytes).unwrap();
        }
    }
    // Whoever looks again finds it again: the `.json` is not made to tell the same.
    let (sql, why) = deeds[0];
    house.world.sql(sql);
    told(&house);
    assert!(told(&house).contains(why));
}

/// Whoever changes call and leg alike is told by the proven `.json`, and by the file's name when it was
/// deleted by its age.
#[test]
fn a_talk_that_is_moved_whole_to_another_dealer_and_day_is_told() {
    let forge = |house: &House| {
        house.world.sql(
            "UPDATE calls SET dealer = '+420234999999', fictitious_number = '+420777000112', \
             started_at = started_at - 864000000",
        );
        house.world.sql(
            "UPDATE legs SET dealer = '+420234999999', dialled = '+420234999999', \
             shown = '+420777000112', fictitious_number = '+420777000112'",
        );
    };
    let house = House::new();
    forge(&house);
    let out = told(&house);
    assert!(out.contains("fictitious number, dealer, start not as in the .json"), "{out}");
    assert!(out.contains("fictitious number, dealer, day not as in the name"), "{out}");

    let house = House::old();
    assert_eq!(house.world.json(&["recordings", "purge"]).len(), 2);
    assert_eq!(house.verify(), (Some(0), vec![]));
    forge(&house);
    let out = told(&house);
    assert!(out.contains("fictitious number, dealer, day not as in the name"), "{out}");
    // Of a call that is gone with its files nothing else would be told.
    let house = House::old();
    house.world.json(&["recordings", "purge"]);
    house.world.sql("PRAGMA foreign_keys = off; DELETE FROM calls");
    assert!(told(&house).contains("its call in the database is gone"));
}

/// An import may give the pairing another project before the first look: the call keeps its own.
#[test]
fn a_pairing_that_changes_its_project_changes_no_call() {
    let house = House::new();
    let later = TWO.replace("113145", "123145").replace("4f2a9c1e", "5f2a9c1e");
    house.adds("2026-11-22T11:31:45Z", &later);
    house.world.sql("UPDATE pairings SET project = 'Trains' WHERE number = 1");
    assert_eq!(house.verify(), (Some(0), vec![]));
    assert_eq!(house.told_beside(&later)["project"], "Banks");
    // Another `.json` is no witness, and is told by itself.
    fs::write(house.sidecar(&later), "{}").unwrap();
    house.tells("sidecar", &later);
}
