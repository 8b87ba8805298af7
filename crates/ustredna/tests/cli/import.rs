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
            "dry_run": false, "encoding": "UTF-8", "rows": 3, "shoppers_created": 0, "shoppers_updated": 0,
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
fn another_header_is_told() {
    let world = World::new();
    let failed = |header: &str| {
        world.write("other.csv", format!("{header}\n601123456,777000111\n"));
        world.run(&["import", "other.csv"]).failed()
    };
    let error =
        failed("phone,shopper_nam,language,fictitious_number,id,project,valid_from,valid_to,vip");
    for told in [
        "other.csv: line 1: ",
        "there is no column `phone`",
        "there is no column `shopper_nam` (did you mean `shopper_name`?)",
        "there is no column `vip`",
        "missing: `shopper_phone`, `shopper_name`",
        "in any order: shopper_phone,shopper_name,",
    ] {
        assert!(error.contains(told), "no {told:?} in {error}");
    }
    let error = failed(&format!("{},id", HEADER.trim()));
    assert!(error.contains("the column `id` is there twice"), "{error}");
    world.write("empty.csv", "\n\n");
    assert!(world.run(&["import", "empty.csv"]).failed().contains("empty"));
    world.write("header.csv", HEADER);
    assert!(world.run(&["import", "header.csv"]).failed().contains("no lines"));
}

#[test]
fn a_file_that_is_no_table_is_told() {
    let world = World::new();
    let failed = |name: &str| world.run(&["import", name]).failed();
    assert!(failed("none.csv").contains("cannot read none.csv: there is no such file"));
    assert!(failed(".").contains("it is a folder: name the file"));
    world.write("book.csv", b"PK\x03\x04\x14\0");
    assert!(failed("book.csv").contains("a workbook (Excel or LibreOffice), not a table of text"));
    world.write("iso.csv", [HEADER.as_bytes(), b"601123456,Ma\xb9a,,777000111,,,,\n"].concat());
    assert!(failed("iso.csv").contains("save the table as \"CSV UTF-8\""));
    assert!(failed("/dev/zero").contains("no table"));
    assert!(!world.path("ustredna.db").exists());
}

/// The names of [`SHEET`]'s shoppers, once its text in some clothes was imported.
#[track_caller]
fn imported_in(clothes: impl AsRef<[u8]>) {
    let world = World::new();
    world.write("table.csv", clothes);
    world.run(&["import", "table.csv"]).ok();
    let pairings = world.json(&["pairings"]);
    let told: Vec<_> = pairings
        .iter()
        .map(|p| json!([p["shopper"], p["shopper_name"], p["id"], p["fictitious_number"]]))
        .collect();
    assert_eq!(
        told,
        [
            json!(["+420601123456", "Jana Nová", 1, "+420777000111"]),
            json!(["+420601123456", "Jana Nová", 2, "+420777000112"]),
            json!(["+420602654321", "Bob", 7, "+420777000113"]),
        ]
    );
}

#[test]
fn tables_are_read_however_spreadsheets_write_them() {
    let windows = SHEET.replace('\n', "\r\n");
    imported_in(windows.replace(',', ";"));
    imported_in(SHEET.replace(',', "\t"));
    imported_in(SHEET.replace(',', "|"));
    imported_in(SHEET.replace('\n', "\r"));
    imported_in(format!("\u{feff}sep=;\r\n{}", windows.replace(',', ";")));
    imported_in(format!("\"sep=,\"\r\n{windows}"));
    imported_in(format!("sep=\t\n{}", SHEET.replace(',', "\t")));
    let utf16 = |mark: &[u8], unit: fn(u16) -> [u8; 2]| {
        let text = windows.replace(',', "\t");
        [mark, &text.encode_utf16().flat_map(unit).collect::<Vec<_>>()].concat()
    };
    imported_in(utf16(b"\xff\xfe", u16::to_le_bytes));
    imported_in(utf16(b"\xfe\xff", u16::to_be_bytes));
    imported_in(utf16(b"", u16::to_le_bytes));
    // Columns without a name, empty lines, quotation marks, upper case.
    imported_in(SHEET.replace('\n', ",,\n,,,,,,,,,\n\n"));
    let quoted = |line: &str| format!("\"{}\"\n", line.replace(',', "\",\""));
    imported_in(SHEET.lines().map(quoted).collect::<String>());
    imported_in(SHEET.replace("shopper_phone", "Shopper_Phone").replace(",cs,", ",CS,"));
    // What cannot be seen, and what Excel and others make of numbers.
    imported_in(SHEET.replace("601 123 456", "\u{202a}601\u{a0}123\u{202f}456\u{202c}"));
    imported_in(SHEET.replace("777000111", "'777000111").replace(",7,", ",7.0,"));
    imported_in(SHEET.replace("00420602654321", "420602654321.0"));
    imported_in(SHEET.replace("Jana Nová", "Jana\u{a0}Nová\u{200b}"));
}

#[test]
fn columns_come_in_any_order() {
    let order = [3, 0, 7, 1, 6, 2, 4, 5];
    let turned = |line: &str| {
        let fields: Vec<_> = line.split(',').collect();
        order.map(|at| fields[at]).join(",") + "\n"
    };
    imported_in(SHEET.lines().map(turned).collect::<String>());
}

#[test]
fn windows_1250_is_read_and_told() {
    let world = World::new();
    let line = b"601123456,\x8eofie Nov\xe1,,777000111,,,,\n";
    world.write("1250.csv", [HEADER.as_bytes(), line].concat());
    let out = world.run(&["import", "1250.csv"]).ok();
    assert!(out.contains("The table is Windows-1250"), "{out}");
    assert_eq!(world.json(&["shoppers"])[0]["name"], "Žofie Nová");
    assert_eq!(world.json(&["import", "1250.csv"])[0]["encoding"], "Windows-1250");
}

#[test]
fn a_table_comes_over_standard_input_too() {
    let world = World::new();
    let out = world.run_with(&["import", "-", "--dry-run"], SHEET).ok();
    assert!(out.contains("3 lines would be imported"), "{out}");
    world.run_with(&["import", "-"], SHEET).ok();
    assert_eq!(world.json(&["pairings"]).len(), 3);
    let error = world.run_with(&["import", "-"], "nothing").failed();
    assert!(error.contains("standard input: line 1: "), "{error}");
}

#[test]
fn what_a_spreadsheet_spoilt_is_named() {
    let world = World::new();
    world.write(
        "spoilt.csv",
        format!(
            "{HEADER}\
             4.20601E+11,,,777000111,,,,\n\
             601123456,,,\"7,77E+08\",,,,\n\
             601123456,,,777000112,,,46348,\n\
             601123456,,,777000113,,,22/11/2026,31.2.2026\n\
             601123456,,,777000114,,,,22.11.26\n\
             601123456,,,777000115,1.5,,,\n\
             601123456,\"Jana,,777000116,,,,\n"
        ),
    );
    let error = world.run(&["import", "spoilt.csv"]).failed();
    for told in [
        "spoilt.csv: nothing was imported",
        "line 2: shopper_phone `4.20601E+11`: this is how Excel shows a long number",
        "line 3: fictitious_number `7,77E+08`: this is how Excel",
        "line 4: valid_from `46348`: this is how Excel keeps a date",
        "line 5: valid_from `22/11/2026`: write 2026-11-22, 22.11.2026",
        "line 5: valid_to `31.2.2026`: write",
        "line 6: valid_to `22.11.26`: write",
        "line 7: id `1.5`: it must be a number from 1 to 999",
        "line 8: a field goes on in the next line: is a quotation mark not closed?",
    ] {
        assert!(error.contains(told), "no {told:?} in:\n{error}");
    }
}

#[test]
fn a_line_that_is_there_twice_is_named() {
    let world = World::new();
    world.write("twice.csv", format!("{SHEET}601 123 456,Jana Nová,cs,777000111,,Banks,,\n"));
    let error = world.run(&["import", "twice.csv"]).failed();
    assert!(error.contains("line 5: it says the same as line 2: remove one of the two"), "{error}");
    assert_eq!(error.lines().count(), 2, "{error}");
}

/// What is imported is what is typed elsewhere: else a project would be two.
#[test]
fn names_and_projects_are_the_same_typed_and_imported() {
    let world = World::new();
    world.write("dash.csv", format!("{HEADER}601123456,Jana–Marie,,777000111,,Škoda – Praha,,\n"));
    world.run(&["import", "dash.csv"]).ok();
    assert_eq!(world.json(&["shoppers"])[0]["name"], "Jana–Marie");
    assert_eq!(world.json(&["pairings", "--project", "Škoda – Praha"]).len(), 1);
    world
        .run(&["pairings", "set", "601123456", "1", "--project", " Škoda\u{a0}– Praha\u{200b}"])
        .ok();
    assert_eq!(world.json(&["import", "dash.csv"])[0]["pairings_unchanged"], 1);
    for wrong in ["", " ", "a\nb", "\u{1b}[2J", "\u{202e}"] {
        assert_eq!(
            world.run(&["pairings", "set", "601123456", "1", "--project", wrong]).code,
            Some(2)
        );
        assert_eq!(world.run(&["shoppers", "set", "601123456", "--name", wrong]).code, Some(2));
        assert_eq!(world.run(&["numbers", "set", "777000111", "--note", wrong]).code, Some(2));
    }
}

/// Copied from a web page, a contact list or a text in two directions: they are in no column's way, and
/// of a name nothing stays but what is seen.
#[test]
fn what_cannot_be_seen_is_in_no_column_s_way() {
    let unseen = ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}').chain([
        '\u{200b}', '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{2060}', '\u{feff}',
        '\u{ad}', '\u{61c}', '\u{2028}', '\u{180e}',
    ]);
    let spaces = ['\u{a0}', '\u{2009}', '\u{202f}', '\u{2007}', '\u{3000}', ' '];
    let world = World::new();
    let mut lines = vec![HEADER.replace("_name", "_n\u{ad}a\u{200e}me\u{feff}")];
    let mut row = |c: char, between: char| {
        let number = 9 + lines.len();
        lines.push(format!(
            "{c}601{between}100{between}0{number}{c},{c}Jana{between}Nová{c},{c}c{c}s,\
             77{c}7{between}100 0{number},{c}7{c},Ško{c}da{between}A{c},{c}2026\u{2011}01{c}-01,3{c}1.{between}12.{between}2036{c}\n"
        ));
    };
    for c in unseen.clone() {
        row(c, ' ');
    }
    for space in spaces {
        row('\u{200b}', space);
    }
    let rows = lines.len() - 1;
    world.write("unseen.csv", lines.concat());
    world.run(&["import", "unseen.csv"]).ok();
    let pairings = world.json(&["pairings"]);
    assert_eq!(pairings.len(), rows);
    for (number, pairing) in (10..).zip(&pairings) {
        assert_eq!(pairing["shopper"], format!("+4206011000{number}"));
        assert_eq!(pairing["shopper_name"], "Jana Nová");
        assert_eq!(pairing["fictitious_number"], format!("+4207771000{number}"));
        assert_eq!((&pairing["id"], &pairing["project"]), (&json!(7), &json!("Škoda A")));
        assert_eq!(pairing["valid_from"], "2025-12-31T23:00:00Z");
        assert_eq!(pairing["valid_to"], "2036-12-31T23:00:00Z");
    }
    // The same project, however it is typed.
    for c in unseen {
        let typed = format!("Š{c}koda A{c}");
        assert_eq!(world.json(&["pairings", "--project", &typed]).len(), rows, "{c:?}");
    }
    // A hyphen that does not break is one in a number.
    world
        .write("dash.csv", format!("{HEADER}602\u{2011}654\u{2011}321,,,777\u{2011}200-300,,,,\n"));
    world.run(&["import", "dash.csv"]).ok();
}
