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

#[test]
fn a_mistyped_setting_is_told_with_what_was_meant() {
    let world = World::new();
    let failed = |text: &str| {
        world.write("ustredna.toml", text);
        world.run(&["calls"]).failed()
    };
    for (text, told) in [
        (
            "[switch]\nlistn = \"127.0.0.1:8084\"\n",
            "ustredna.toml, line 2, `switch.listn`: there is no such key; did you mean `listen`?",
        ),
        ("[swich]\n", "line 1, `swich`: there is no such section; did you mean `switch`?"),
        ("[switch]\nlisten = \"localhost:8084\"\n", "for example \"127.0.0.1:8084\""),
        ("[switch]\nring_timeout = 40\n", "`switch.ring_timeout`: write a number and its unit"),
        ("[recordings.retention]\ndays = -3\n", "line 2, `recordings.retention.days`: write"),
        ("[switch]\nallow = [\"10.0.0.0/33\"]\n", "0 to 32"),
    ] {
        let error = failed(text);
        assert!(error.contains(told), "{text}: {error}");
    }
}

#[test]
fn a_file_that_cannot_be_settings_is_told() {
    let world = World::new();
    world.write("utf16.toml", b"\xff\xfe[\0s\0w\0i\0t\0c\0h\0]\0");
    let error = world.run(&["calls", "--config", "utf16.toml"]).failed();
    assert!(error.contains("utf16.toml: it is not UTF-8: save it as UTF-8"), "{error}");
    let error = world.run(&["calls", "--config", "."]).failed();
    assert!(error.contains("it is a folder: name the file"), "{error}");
    // Notepad begins UTF-8 with a mark.
    world.write("notepad.toml", "\u{feff}[database]\r\nurl = \"sqlite://notepad.db\"\r\n");
    let error = world.run(&["calls", "--config", "notepad.toml"]).failed();
    assert!(error.contains("notepad.db"), "{error}");
}

#[test]
fn a_variable_that_is_not_utf_8_is_told_if_it_is_a_setting() {
    use std::os::unix::ffi::OsStrExt as _;

    let world = World::imported();
    let latin = std::ffi::OsStr::from_bytes(b"sqlite://\xfast\xf8edna.db");
    let mut command = world.command(&["calls"]);
    let output = command.env("USTREDNA_DATABASE__URL", latin).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("USTREDNA_DATABASE__URL: it is not UTF-8"), "{error}");
    let mut command = world.command(&["calls"]);
    assert!(command.env("OTHER", latin).output().unwrap().status.success());
}
