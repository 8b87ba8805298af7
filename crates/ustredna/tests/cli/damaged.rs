//! Rows that cannot be read: the lists say so, tell the rest, and `check` names them.

use serde_json::Value;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

use crate::{lists::with_calls, world::World};

/// What a program of ours once took for a number.
const POISON: &str = "+4930909018201820";

fn damage(world: &World, sql: &str) {
    let url = format!("sqlite://{}", world.path("ustredna.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        connection.execute("PRAGMA ignore_check_constraints = ON").await.unwrap();
        connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
        connection.close().await.unwrap();
    });
}

#[test]
fn a_list_tells_the_rest_and_says_what_it_lacks() {
    let world = with_calls();
    damage(&world, &format!("UPDATE tickets SET dealer = '{POISON}'"));
    damage(&world, &format!("UPDATE calls SET caller = '{POISON}' WHERE ended_at > 1795388000000"));
    damage(&world, "UPDATE sms SET segments = 'many'");
    damage(&world, "UPDATE pairings SET valid_to = 253402207201000 WHERE number = 2");
    damage(&world, "UPDATE numbers SET note = CAST(X'c328' AS TEXT) WHERE number LIKE '%113'");
    damage(&world, "UPDATE shoppers SET pin = 'plain' WHERE language = 'en'");
    for (list, left, table) in [
        ("calls", 1, "calls"),
        ("tickets", 0, "tickets"),
        ("sms", 0, "sms"),
        ("recordings", 1, "none"),
        ("pairings", 2, "pairings"),
        ("numbers", 2, "numbers"),
        ("shoppers", 1, "shoppers"),
    ] {
        let json = world.run(&[list, "--json"]);
        assert_eq!(json.code, Some(0), "{}{}", json.out, json.err);
        assert_eq!(json.out.lines().count(), left, "{}{}", json.out, json.err);
        let told = format!("warning: 1 row of the table {table} cannot be read and is left out");
        assert_eq!(json.err.contains(&told), table != "none", "{}", json.err);
        let listed = world.run(&[list]);
        assert_eq!((listed.code, listed.err.contains(&told)), (Some(0), table != "none"));
        assert!(!json.err.contains(POISON) && !json.err.contains("601123456"), "{}", json.err);
    }
    // The recordings are all there, but one cannot tell what they are of.
    let verified = world.run(&["recordings", "verify", "--json"]);
    assert!(
        verified.code == Some(1) && verified.out.contains("table calls"),
        "{}{}",
        verified.out,
        verified.err
    );
    // Nobody else's pairing is kept from being made.
    world.run(&["shoppers", "add", "603111222"]).code.unwrap();
}

#[test]
fn check_names_damaged_rows_and_fails() {
    let world = with_calls();
    let rows = |world: &World| {
        let out = world.run(&["check", "--json"]).out;
        let findings: Vec<Value> =
            out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        findings.into_iter().find(|finding| finding["check"] == "rows").unwrap()
    };
    assert_eq!(rows(&world)["status"], "ok");
    damage(&world, &format!("UPDATE legs SET dealer = '{POISON}'"));
    damage(
        &world,
        "PRAGMA foreign_keys = OFF; UPDATE tickets SET pairing_id = \
        '00000000-0000-0000-0000-000000000001'",
    );
    let found = rows(&world);
    assert_eq!(found["status"], "fail");
    let told = found["detail"].as_str().unwrap();
    assert!(told.contains("2 damaged in legs, for example id "), "{told}");
    assert!(told.contains("(column dealer); 1 damaged in tickets"), "{told}");
    assert!(found["fix"].as_str().unwrap().contains("restore a backup"), "{found}");
    assert!(!told.contains(POISON), "{told}");
}
