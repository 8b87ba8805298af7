use crate::world::World;

#[test]
fn a_wrong_key_is_named_with_its_line() {
    let world = World::new();
    world.write("ustredna.toml", "[exchange]\ncountry = \"CZ\"\ncolour = \"red\"\n");
    let error = world.run(&["calls"]).failed();
    for told in ["ustredna.toml", "line 3", "colour", "timezone"] {
        assert!(error.contains(told), "no {told:?} in:\n{error}");
    }
}

#[test]
fn a_named_file_must_be_there() {
    let world = World::imported();
    let error = world.run(&["calls", "--config", "other.toml"]).failed();
    assert!(error.contains("other.toml"), "{error}");
    // In any place, and it counts.
    world.write("other.toml", "[database]\nurl = \"sqlite://other.db\"\n");
    for arguments in [
        &["--config", "other.toml", "shoppers", "list"][..],
        &["shoppers", "--config", "other.toml", "list"],
        &["shoppers", "list", "--config", "other.toml"],
    ] {
        let error = world.run(arguments).failed();
        assert!(error.contains("other.db"), "{error}");
    }
}

#[test]
fn the_environment_counts_more_than_the_file() {
    let world = World::imported();
    let mut command = world.command(&["calls"]);
    let output = command.env("USTREDNA_DATABASE__URL", "sqlite://env.db").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("env.db"));
}
