//! What lies in the recordings folder and is none of the exchange's.

use std::{fs, os::unix::fs::symlink};

use crate::evidence::{House, ONE, TWO};

#[test]
fn whatever_else_lies_there_is_named() {
    let house = House::new();
    let stem = ONE.rsplit('/').next().unwrap();
    let strange = [
        "2026/11/22/.hidden.wav".to_owned(),
        ONE.replace("3f2a9c1e.wav", "3f2a9c1e.WAV"),
        ONE.replace("3f2a9c1e.wav", "5f2a9c1e.json"),
        ONE.replace("3f2a9c1e.wav", "5f2a9c1e.mp3"),
        "2026/11/22/x.wav".to_owned(),
        format!("2026/11/28/{stem}"),
        format!("2031/{stem}"),
        "notes.txt".to_owned(),
        "stray.wav".to_owned(),
    ];
    for path in &strange {
        let path = house.file(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(house.file(ONE), path).unwrap();
    }
    symlink("22", house.file("2026/11/link")).unwrap();
    // These are ours: a probe of an exchange that was killed, a `.json` half written, a test call.
    fs::write(house.file(".ustredna-probe-17"), "probe").unwrap();
    fs::write(house.sidecar(&ONE.replace("22/2026", "22/.2026")).with_extension("json.part"), "{")
        .unwrap();
    fs::write(house.file("2026/11/22/test-0123.wav"), "RIFF").unwrap();
    let mut expected = [strange.to_vec(), vec!["2026/11/link".to_owned()]].concat();
    expected.sort();
    let (code, told) = house.verify();
    assert!(code == Some(1) && told.iter().all(|(verdict, _)| verdict == "unknown"), "{told:?}");
    let mut told: Vec<_> = told.into_iter().map(|(_, path)| path).collect();
    told.sort();
    assert_eq!(told, expected);
    // A name may hold what would move the cursor.
    let done = house.world.run(&["recordings", "verify"]);
    fs::write(house.file("a\u{1b}[31m\n.wav"), "x").unwrap();
    let more = house.world.run(&["recordings", "verify"]);
    assert!(!more.out.contains('\u{1b}'), "{}", more.out);
    assert_eq!(more.out.lines().count(), done.out.lines().count() + 1);
}

#[test]
fn folders_of_the_settings_and_a_file_that_came_back() {
    let house = House::old();
    house.world.write(
        "ustredna.toml",
        "[recordings.retention]\ndays = 1\n[cdr]\ndir = \"recordings/cdr\"\n",
    );
    let beside = fs::read(house.sidecar(TWO)).unwrap();
    fs::create_dir_all(house.file("cdr")).unwrap();
    fs::write(house.file("cdr/a_0123.cdr.json"), "{}").unwrap();
    assert_eq!(house.verify(), (Some(0), vec![]));
    assert_eq!(house.world.json(&["recordings", "purge"]).len(), 2);
    assert_eq!(house.verify(), (Some(0), vec![]));
    fs::create_dir_all(house.sidecar(TWO).parent().unwrap()).unwrap();
    fs::write(house.sidecar(TWO), beside).unwrap();
    house.tells("came_back", &TWO.replace(".wav", ".json"));
}
