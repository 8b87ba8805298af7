use serde_json::{Value, json};

use crate::world::{SHEET, World};

fn ids(world: &World, arguments: &[&str]) -> Vec<Value> {
    let pairings = world.json(&[&["pairings"], arguments].concat());
    pairings.iter().map(|p| json!([p["id"], p["fictitious_number"], p["state"]])).collect()
}

#[test]
fn ending_a_pairing_keeps_the_other_ids() {
    let world = World::imported();
    world.run(&["pairings", "end", "601123456", "1"]).ok();
    let jana = ["--shopper", "601123456"];
    assert_eq!(ids(&world, &jana), [json!([2, "+420777000112", "active"])]);
    assert_eq!(ids(&world, &["--shopper", "601123456", "--ended"]).len(), 2);
    // The next one comes after the highest.
    let out = world.run(&["pairings", "add", "601123456", "777000111"]).ok();
    assert!(out.contains("as ID 3"), "{out}");
    // One that was ended is not given to another number while it may stand on somebody's paper.
    world.run(&["pairings", "end", "601123456", "3"]).ok();
    world.run(&["numbers", "add", "777000119"]).ok();
    let out = world.run(&["pairings", "add", "601123456", "777000119"]).ok();
    assert!(out.contains("as ID 4"), "{out}");
    world.run(&["pairings", "end", "601123456", "4"]).ok();
    world.write("more.csv", SHEET.replace("777 000 112", "777000118"));
    world.run(&["import", "more.csv"]).ok();
    let told = ids(&world, &jana);
    assert!(told.contains(&json!([6, "+420777000118", "active"])), "{told:?}");
    // Whoever asks for it gets it.
    let out = world.run(&["pairings", "add", "601123456", "777000119", "--id", "4"]).ok();
    assert!(out.contains("as ID 4"), "{out}");
    let error = world.run(&["pairings", "end", "601123456", "1"]).failed();
    assert!(error.contains("no such pairing"), "{error}");
}

#[test]
fn a_pairing_is_added_and_changed() {
    let world = World::imported();
    world.run(&["numbers", "add", "777 000 119"]).ok();
    let add = ["pairings", "add", "602654321", "777000119", "--id", "9", "--to", "2036-12-31"];
    world.run(&add).ok();
    let table = world.run(&["pairings", "--shopper", "602654321"]).ok();
    assert!(table.contains("2036-12-31"), "the last day is told as it was given:\n{table}");
    world.run(&["pairings", "set", "602654321", "9", "--project", "Cars", "--no-to"]).ok();
    let pairing = &world.json(&["pairings", "--shopper", "602654321"])[1];
    assert_eq!(pairing["project"], "Cars");
    assert!(pairing["valid_to"].is_null());
    let error = world.run(&add).failed();
    assert!(error.contains("777000119: this fictitious number is already paired"), "{error}");
    world.run(&["pairings", "set", "602654321", "9", "--from", "2036-01-01"]).ok();
    assert_eq!(ids(&world, &["--shopper", "602654321"])[1][2], "not_yet");
}

#[test]
fn a_shopper_is_added_and_changed() {
    let world = World::new();
    world.run(&["shoppers", "add", "601 123 456", "--name", "Jana"]).ok();
    let shopper = &world.json(&["shoppers", "list"])[0];
    assert_eq!(shopper["phone"], "+420601123456");
    assert_eq!(shopper["language"], "cs");
    assert_eq!((&shopper["active"], &shopper["pin"]), (&json!(true), &json!(false)));

    let set = |more: &[&'static str]| [&["shoppers", "set", "601123456"], more].concat();
    world.run(&set(&["--inactive", "--language", "en", "--no-name"])).ok();
    let shopper = &world.json(&["shoppers"])[0];
    assert_eq!(shopper["language"], "en");
    assert_eq!((&shopper["active"], &shopper["name"]), (&json!(false), &Value::Null));
    world.run(&set(&["--active", "--phone", "602 654 321"])).ok();
    let shopper = &world.json(&["shoppers"])[0];
    assert_eq!((&shopper["phone"], &shopper["active"]), (&json!("+420602654321"), &json!(true)));

    let error = world.run(&set(&["--active"])).failed();
    assert!(error.contains("shopper 601123456: no such shopper"), "{error}");
    let error = world.run(&["shoppers", "add", "602654321"]).failed();
    assert!(error.contains("exists already"), "{error}");
    let error = world.run(&["shoppers", "add", "234234399"]).failed();
    assert!(error.contains("outbound hotline"), "{error}");
}

#[test]
fn a_pin_comes_over_standard_input_alone() {
    let world = World::imported();
    world.run_with(&["shoppers", "set", "601123456", "--pin-stdin"], "1234\n").ok();
    assert_eq!(world.json(&["shoppers"])[0]["pin"], true);
    let error = world.run_with(&["shoppers", "set", "601123456", "--pin"], "12a4\n").failed();
    assert!(error.contains("4 to 8 digits") && !error.contains("12a4"), "{error}");
    world.run(&["shoppers", "set", "601123456", "--no-pin"]).ok();
    assert_eq!(world.json(&["shoppers"])[0]["pin"], false);
    // Every user of the machine sees arguments.
    assert_eq!(world.run(&["shoppers", "set", "601123456", "--pin", "1234"]).code, Some(2));
}

#[test]
fn a_number_is_added_and_changed() {
    let world = World::new();
    world.run(&["numbers", "add", "777000111", "--note", "second rack"]).ok();
    world.run(&["numbers", "set", "777000111", "--inactive", "--note", "broken"]).ok();
    let number = &world.json(&["numbers"])[0];
    assert_eq!(number["number"], "+420777000111");
    assert_eq!((&number["active"], &number["note"]), (&json!(false), &json!("broken")));
    assert!(number["shopper"].is_null() && number["id"].is_null());
    let error = world.run(&["numbers", "add", "+420234234390"]).failed();
    assert!(error.contains("callback hotline"), "{error}");
    let error = world.run(&["numbers", "set", "777000112", "--active"]).failed();
    assert!(error.contains("no such fictitious number"), "{error}");
}

#[test]
fn what_is_changed_must_be_known() {
    let world = World::imported();
    for (arguments, told) in [
        (&["shoppers", "set", "601123457", "--inactive"][..], "did you mean 601123456?"),
        (&["numbers", "set", "777000911", "--inactive"], "did you mean 777000111"),
        (&["pairings", "add", "601123465", "777000111"], "did you mean 601123456?"),
        (&["pairings", "add", "601123456", "777000121"], "no such fictitious number; did you mean"),
        (&["pairings", "end", "601123456", "9"], "no such pairing; the shopper has the IDs 1, 2"),
        (&["pairings", "set", "602654321", "1", "--no-to"], "the shopper has ID 7 alone"),
        (&["pairings", "end", "733999888", "1"], "no such shopper (see"),
    ] {
        let error = world.run(arguments).failed();
        assert!(error.contains(told), "{arguments:?}: {error}");
    }
}

#[test]
fn a_pairing_of_somebody_inactive_is_not_active() {
    let world = World::imported();
    let states = || {
        let told = |p: &Value| json!([p["id"], p["state"], p["inactive"]]);
        world.json(&["pairings"]).iter().map(told).collect::<Vec<_>>()
    };
    world.run(&["numbers", "set", "777000112", "--inactive"]).ok();
    let bob = json!([7, "active", null]);
    assert_eq!(states(), [json!([1, "active", null]), json!([2, "inactive", "number"]), bob]);
    world.run(&["shoppers", "set", "601123456", "--inactive"]).ok();
    let both = json!([2, "inactive", "shopper and number"]);
    assert_eq!(states()[..2], [json!([1, "inactive", "shopper"]), both]);
    let table = world.run(&["pairings"]).ok();
    assert!(table.contains("inactive shopper and number"), "{table}");
    // What is over is over, whoever is inactive.
    world.run(&["pairings", "set", "601123456", "1", "--to", "2020-01-01"]).ok();
    assert_eq!(states()[0], json!([1, "over", null]));
}

#[test]
fn mistyped_commands_end_with_2() {
    let world = World::imported();
    for arguments in [
        &["pairings", "end", "601123456", "1000"][..],
        &["pairings", "set", "601123456", "1"],
        &["shoppers", "set", "601123456"],
        &["numbers", "set", "777000111", "--active", "--inactive"],
        &["calls", "--limit", "0"],
        &["shoppers", "--json", "add", "603111222"],
        &["recordings", "--json", "verify"],
        &["dial"],
    ] {
        let done = world.run(arguments);
        assert_eq!(done.code, Some(2), "{arguments:?}: {}", done.err);
    }
}

#[test]
fn every_command_has_examples() {
    let world = World::new();
    for command in [
        "serve",
        "check",
        "import",
        "shoppers",
        "numbers",
        "pairings",
        "calls",
        "tickets",
        "sms",
        "recordings",
    ] {
        let help = world.run(&[command, "--help"]).ok();
        assert!(help.contains(&format!("Examples:\n  ustredna {command}")), "{help}");
    }
    assert!(world.run(&["--help"]).ok().contains("ustredna import shoppers.csv"));
}
