use serde_json::json;

use crate::world::{SHEET, World};

const HEADER: &str =
    "shopper_phone,shopper_name,language,fictitious_number,id,project,valid_from,valid_to\n";

#[test]
fn a_table_becomes_shoppers_numbers_and_pairings() {
    let world = World::new();
    world.write("shoppers.csv", SHEET);
    let out = world.run(&["import", "shoppers.csv"]).ok();
    assert!(out.contains("3 lines imported") && out.contains("Pairings: 3 created"), "{out}");

    let pairings = world.json(&["pairings"]);
    let told: Vec<_> = pairings
        .iter()
        .map(|p| json!([p["shopper"], p["id"], p["fictitious_number"], p["project"]]))
        .collect();
    assert_eq!(
        told,
        [
            json!(["+420601123456", 1, "+420777000111", "Banks"]),
            json!(["+420601123456", 2, "+420777000112", "Cars"]),
            json!(["+420602654321", 7, "+420777000113", null]),
        ]
    );
    // From midnight to midnight in Prague, the last day included.
    assert_eq!(pairings[1]["valid_from"], "2025-12-31T23:00:00Z");
    assert_eq!(pairings[1]["valid_to"], "2036-12-31T23:00:00Z");
    let shoppers = world.json(&["shoppers"]);
    assert_eq!(shoppers[0]["name"], "Jana Nová");
    assert_eq!(shoppers[1]["language"], "en");
}

#[test]
fn one_line_is_a_line() {
    let world = World::new();
    world.write("one.csv", format!("{HEADER}601123456,,,777000111,,,,\n"));
    assert!(world.run(&["import", "one.csv"]).ok().starts_with("1 line imported."));
}

#[test]
fn the_same_table_again_changes_nothing() {
    let world = World::imported();
    let again = &world.json(&["import", "shoppers.csv"])[0];
    assert_eq!(
        *again,
        json!({
            "dry_run": false, "rows": 3, "shoppers_created": 0, "shoppers_updated": 0,
            "numbers_created": 0, "pairings_created": 0, "pairings_updated": 0,
            "pairings_unchanged": 3,
        })
    );
}

#[test]
fn a_rehearsal_counts_and_leaves_no_trace() {
    let world = World::new();
    world.write("shoppers.csv", SHEET);
    let summary = &world.json(&["import", "shoppers.csv", "--dry-run"])[0];
    assert_eq!(summary["pairings_created"], 3);
    assert!(!world.path("ustredna.db").exists());

    let world = World::imported();
    world.write("more.csv", format!("{HEADER}603111222,,,777000114,,,,\n"));
    let summary = &world.json(&["import", "more.csv", "--dry-run"])[0];
    assert_eq!(summary["pairings_created"], 1);
    assert_eq!(world.json(&["pairings"]).len(), 3);
}

#[test]
fn every_bad_line_is_named_and_nothing_is_changed() {
    let world = World::imported();
    let before = world.run(&["pairings", "--json"]).ok();
    world.write(
        "bad.csv",
        format!(
            "{HEADER}\
             603111222,,,777000114,,,,\n\
             603111222x,,de,777000115,0,,yesterday,\n\
             \n\
             604111222,,,234234390,,,,\n\
             605111222,,,777000111,,,,\n\
             606111222,,,777000116\n\
             607111222,,,777000117,,,2026-11-22,2026-11-21\n"
        ),
    );
    let error = world.run(&["import", "bad.csv"]).failed();
    for told in [
        "nothing was imported",
        "line 3: shopper_phone `603111222x`",
        "line 3: language `de`: it must be cs, en or empty",
        "line 3: id `0`",
        "line 3: valid_from `yesterday`",
        "line 5: fictitious_number `234234390`: this is the callback hotline",
        "line 6: the fictitious number +420777000111 is already paired",
        "line 7: it has 4 columns instead of 8",
        "line 8: valid_to is not after valid_from",
    ] {
        assert!(error.contains(told), "no {told:?} in:\n{error}");
    }
    assert!(!error.contains("line 2:"), "{error}");
    assert_eq!(world.run(&["pairings", "--json"]).ok(), before);
}

#[test]
fn a_number_that_can_be_nobodys_is_refused_with_its_line() {
    let world = World::new();
    world.write(
        "bad.csv",
        format!(
            "{HEADER}\
             +4930909018201820,,,777000114,,,,\n\
             603111222,,,930123456789,,,,\n\
             +420960123456,,,609123456,,,,\n\
             604111222,,,955559550,,,,\n"
        ),
    );
    let error = world.run(&["import", "bad.csv"]).failed();
    for told in [
        "line 2: shopper_phone `+4930909018201820`: no such number in its country's numbering plan",
        "line 3: fictitious_number `930123456789`: no such number",
        "line 4: shopper_phone `+420960123456`: no such number",
        "line 4: fictitious_number `609123456`: no such number",
    ] {
        assert!(error.contains(told), "no {told:?} in:\n{error}");
    }
    assert!(!error.contains("line 5:") && !world.path("ustredna.db").exists(), "{error}");
    // By hand neither.
    for command in [
        ["shoppers", "add", "+4930909018201820"],
        ["numbers", "add", "930123456789"],
        ["shoppers", "add", "960123456"],
    ] {
        let error = world.run(&command).failed();
        assert!(error.contains("numbering plan"), "{error}");
    }
}

#[test]
fn a_bad_table_leaves_no_database_behind() {
    let world = World::new();
    world.write("bad.csv", format!("{HEADER}601,,,777000111,,,,\n"));
    world.run(&["import", "bad.csv"]).failed();
    world.write(
        "twice.csv",
        format!("{HEADER}601123456,,,777000111,,,,\n602654321,,,777000111,,,,\n"),
    );
    let error = world.run(&["import", "twice.csv"]).failed();
    assert!(
        error.contains("line 3: the fictitious number +420777000111 stands in line 2"),
        "{error}"
    );
    assert!(!world.path("ustredna.db").exists());
}

#[test]
fn spreadsheets_of_czech_computers_are_read() {
    let world = World::new();
    let sheet = SHEET.replace(',', ";").replace("2026-01-01", "1. 1. 2026").replace('\n', "\r\n");
    world.write("excel.csv", format!("\u{feff}{sheet};;;;;;;\r\n"));
    world.run(&["import", "excel.csv"]).ok();
    let pairings = world.json(&["pairings"]);
    assert_eq!(pairings.len(), 3);
    assert_eq!(pairings[1]["valid_from"], "2025-12-31T23:00:00Z");
}

#[test]
fn another_header_or_encoding_is_told() {
    let world = World::new();
    world.write("other.csv", "phone,number\n601123456,777000111\n");
    let error = world.run(&["import", "other.csv"]).failed();
    assert!(
        error.contains("other.csv: line 1: the header must be exactly shopper_phone,"),
        "{error}"
    );
    world.write("latin2.csv", [HEADER.as_bytes(), b"601123456,Nov\xe1,,777000111,,,,\n"].concat());
    let error = world.run(&["import", "latin2.csv"]).failed();
    assert!(error.contains("line 2: it is not UTF-8"), "{error}");
    world.write("empty.csv", "");
    assert!(world.run(&["import", "empty.csv"]).failed().contains("empty"));
    assert!(world.run(&["import", "none.csv"]).failed().contains("cannot read none.csv"));
}
