//! Exports of the chain that are not what was written, and files whose size alone tells enough.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
};

use crate::{
    evidence::{House, ONE, TWO},
    world::done,
};

#[test]
fn an_export_that_is_not_whole_is_told() {
    let house = House::new();
    let world = &house.world;
    let third = TWO.replace("/22/", "/23/").replace("20261122", "20261123");
    house.adds("2026-11-23T10:31:45Z", &third.replace("4f2a9c1e", "5f2a9c1e"));
    house.adds("2026-11-23T11:31:45Z", &third.replace("113145", "123145"));
    assert_eq!(house.verify(), (Some(0), vec![]));
    for form in [&["--export", "-"][..], &["--export", "-", "--json"]] {
        let whole = world.run(&[&["recordings", "chain"], form].concat()).ok();
        let lines: Vec<&str> = whole.lines().collect();
        let text = |lines: &[&str]| [lines, &[""]].concat().join("\n");
        let against = |export: &str| {
            world.write("export.txt", export);
            world.run(&["recordings", "verify", "--chain", "--against", "export.txt"])
        };
        let good = [
            whole.clone(),
            whole.replace('\n', "\r\n"),
            whole.trim_end().to_owned(),
            text(&lines[..3]),
            text(&lines[2..]),
        ];
        for export in &good {
            let count = export.lines().count();
            let told = against(export).ok();
            assert!(told.contains(&format!("Export: {count} links held against it.")), "{told}");
        }
        let bad = [
            ("cut in its first line", whole[..200].to_owned()),
            ("cut in its last line", whole[..whole.len() - 20].to_owned()),
            ("without its first line", text(&lines[1..])),
            ("without its third line", text(&[lines[0], lines[1], lines[3]])),
            ("doubled", format!("{whole}{whole}")),
            ("a line twice", text(&[lines[0], lines[0], lines[1]])),
            ("turned round", text(&[lines[3], lines[2], lines[1], lines[0]])),
            ("days turned round", text(&[lines[2], lines[3], lines[0], lines[1]])),
        ];
        for (what, export) in bad {
            let error = against(&export).failed();
            assert!(error.contains("export.txt: line "), "{what}: {error}");
            assert!(error.contains("fetch the export again"), "{what}: {error}");
        }
    }
    // A field that was edited, of text that carries its own hash.
    let edited =
        world.run(&["recordings", "chain", "--export", "-"]).ok().replace("\tok\t", "\tshort\t");
    world.write("export.txt", edited);
    world.run(&["recordings", "verify", "--chain", "--against", "export.txt"]).failed();
    // Last links of days are collected day by day, again and again.
    let ends = world.run(&["recordings", "chain", "--json"]).ok();
    world.write("ends.json", format!("{ends}{ends}"));
    world.run(&["recordings", "verify", "--chain", "--against", "ends.json"]).ok();
}

#[test]
fn an_export_is_for_its_owner_alone() {
    let house = House::new();
    let run = |umask: &str, file: &str| {
        let mut shell = std::process::Command::new("sh");
        let script = format!("umask {umask}; exec \"$0\" recordings chain --export {file}");
        shell
            .args(["-c", &script, env!("CARGO_BIN_EXE_ustredna")])
            .current_dir(house.world.path(""));
        done(shell).ok();
        fs::metadata(house.world.path(file)).unwrap().permissions().mode() & 0o777
    };
    for umask in ["000", "022", "077"] {
        assert_eq!(run(umask, &format!("chain{umask}.txt")), 0o600, "{umask}");
    }
    // Whom an earlier one is for its owner has said.
    let group = fs::Permissions::from_mode(0o640);
    fs::set_permissions(house.world.path("chain000.txt"), group).unwrap();
    assert_eq!(run("022", "chain000.txt"), 0o640);
}

/// Files with holes: reading one takes a minute, or many.
#[test]
fn a_file_of_another_size_is_not_read() {
    let house = House::new();
    let grow =
        |path, bytes| File::options().write(true).open(path).unwrap().set_len(bytes).unwrap();
    grow(house.file(ONE), 5_000_000_000);
    grow(house.sidecar(TWO), 5_000_000_000);
    let (code, mut told) = house.verify();
    told.sort();
    let expected = [("changed", ONE), ("sidecar", TWO)];
    let expected = expected.map(|(verdict, path)| (verdict.to_owned(), path.to_owned()));
    assert_eq!((code, told), (Some(1), expected.to_vec()));
    let done = house.world.run(&["recordings", "verify"]);
    let size = "its size is not the one it had when it was verified";
    assert!(done.out.contains("longer than any that the exchange writes"), "{}", done.out);
    // It is changed for good; why is told at each look.
    assert!(done.out.contains(size), "{}", done.out);

    // A WAV beside the FLAC that has taken its place.
    let house = House::old();
    let beside = fs::read(house.sidecar(ONE)).unwrap();
    house.world.run(&["recordings", "archive"]).ok();
    fs::write(house.sidecar(ONE), beside).unwrap();
    File::create(house.file(ONE)).unwrap().set_len(5_000_000_000).unwrap();
    house.tells("sidecar", &ONE.replace(".wav", ".flac"));
}
