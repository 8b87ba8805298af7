//! The database's file: copied, kept from others, read by those who may only read.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    process::{Command, Stdio},
};

use crate::world::{Done, SHEET, World, done};

/// A user with no rights.
const NOBODY: u32 = 65_534;

fn mode(world: &World, file: &str) -> u32 {
    fs::metadata(world.path(file)).unwrap().permissions().mode() & 0o777
}

fn allow(world: &World, file: &str, mode: u32) {
    fs::set_permissions(world.path(file), fs::Permissions::from_mode(mode)).unwrap();
}

/// The program, run by another user.
fn as_nobody(world: &World, arguments: &[&str]) -> Command {
    // Whoever builds it may have done so where nobody else can look.
    let program = world.path("program");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_ustredna"), &program).unwrap();
        allow(world, "program", 0o755);
    }
    allow(world, ".", 0o755);
    let mut command = Command::new(program);
    command.args(arguments).current_dir(world.path(".")).env_clear().stdin(Stdio::null());
    command.uid(NOBODY).gid(NOBODY);
    command
}

#[test]
fn nobody_but_the_exchange_makes_a_database_of_an_empty_file() {
    let world = World::new();
    fs::write(world.path("ustredna.db"), "").unwrap();
    for command in ["calls", "tickets", "sms", "recordings", "shoppers", "pairings"] {
        let Done { code, out, err } = world.run(&[command]);
        let told = out + &err;
        assert_eq!(code, Some(1), "{command}: {told}");
        assert!(told.contains("has no tables"), "{command}: {told}");
        assert_eq!(fs::metadata(world.path("ustredna.db")).unwrap().len(), 0, "{command}");
    }
    drop(world.run(&["check"]));
    assert_eq!(fs::metadata(world.path("ustredna.db")).unwrap().len(), 0);
}

/// Such as one that another program has open, or was killed with: its WAL lies beside it.
#[test]
fn a_database_without_tables_is_begun_by_an_import_alone() {
    let world = World::new();
    world.write("ustredna.db", "");
    world.write("ustredna.db-wal", "");
    world.write("shoppers.csv", SHEET);
    for command in ["calls", "tickets", "sms", "recordings", "shoppers", "pairings", "check"] {
        let Done { code, out, err } = world.run(&[command]);
        let told = out + &err;
        assert_eq!(code, Some(1), "{command}: {told}");
        assert!(told.contains("has no tables"), "{command}: {told}");
    }
    world.run(&["import", "shoppers.csv", "--dry-run"]).ok();
    assert!(world.run(&["shoppers"]).failed().contains("has no tables"));
    world.run(&["import", "shoppers.csv"]).ok();
    assert_eq!(world.json(&["shoppers"]).len(), 2);
}

#[test]
fn after_each_command_the_database_is_one_whole_file() {
    let world = World::imported();
    for command in [
        &["shoppers"][..],
        &["calls"],
        &["numbers", "add", "777000119"],
        &["import", "shoppers.csv"],
        &["check"],
        &["numbers", "add", "777000119"],
    ] {
        world.run(command);
        let left = ["ustredna.db-wal", "ustredna.db-shm"].map(|file| world.path(file).exists());
        assert_eq!(left, [false, false], "{command:?}");
    }
    let elsewhere = World::new();
    fs::copy(world.path("ustredna.db"), elsewhere.path("ustredna.db")).unwrap();
    assert_eq!(elsewhere.json(&["shoppers"]).len(), 2);
    assert_eq!(elsewhere.json(&["numbers"]).len(), 4);
}

#[test]
fn a_backup_is_a_database_that_nobody_else_may_read() {
    let world = World::imported();
    let told = world.run(&["backup", "copy.db"]).ok();
    let bytes = fs::metadata(world.path("copy.db")).unwrap().len();
    assert_eq!(told, format!("copy.db: {bytes} bytes\n"));
    assert_eq!(mode(&world, "copy.db"), 0o600);
    let there = world.run(&["backup", "copy.db"]).failed();
    assert!(there.contains("copy.db: there is such a file already"), "{there}");
    let nowhere = world.run(&["backup", "nowhere/copy.db"]).failed();
    assert!(nowhere.contains("nowhere/copy.db"), "{nowhere}");
    let itself = world.run(&["backup", "ustredna.db"]).failed();
    assert!(itself.contains("there is such a file already"), "{itself}");
    let elsewhere = World::new();
    fs::rename(world.path("copy.db"), elsewhere.path("ustredna.db")).unwrap();
    assert_eq!(elsewhere.json(&["shoppers"]), world.json(&["shoppers"]));
    assert!(World::new().run(&["backup", "copy.db"]).failed().contains("no database"));
}

#[test]
fn whatever_the_umask_the_database_is_this_user_s_alone() {
    let world = World::new();
    world.write("shoppers.csv", crate::world::SHEET);
    let mut command = Command::new("sh");
    command.args(["-c", "umask 0; exec \"$0\" import shoppers.csv"]);
    command.arg(env!("CARGO_BIN_EXE_ustredna")).current_dir(world.path(".")).env_clear();
    done(command).ok();
    assert_eq!(mode(&world, "ustredna.db"), 0o600);
}

#[test]
fn who_may_only_read_can_list() {
    let world = World::imported();
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can run a program as another user");
        return;
    }
    let refused = done(as_nobody(&world, &["shoppers"])).failed();
    assert!(refused.contains("cannot be opened"), "{refused}");
    allow(&world, "ustredna.db", 0o644);
    for list in ["shoppers", "numbers", "pairings", "calls", "tickets", "sms", "recordings"] {
        let told = done(as_nobody(&world, &[list, "--json"])).ok();
        assert_eq!(told.is_empty(), !["shoppers", "numbers", "pairings"].contains(&list), "{list}");
    }
    // To change something is another matter.
    let change = as_nobody(&world, &["numbers", "add", "777000119"]);
    let refused = done(change).failed();
    assert!(refused.contains("read-only"), "{refused}");
    // While somebody else has it open and writes, too.
    world.while_open("+420777000555", || {
        let told = done(as_nobody(&world, &["numbers"])).ok();
        assert!(told.contains("777000555"), "the latest change: {told}");
    });
    // A killed exchange leaves a WAL that only its own user can bring in.
    world.while_open("+420777000556", || {
        for end in ["", "-wal"] {
            fs::copy(
                world.path(&format!("ustredna.db{end}")),
                world.path(&format!("left.db{end}")),
            )
            .unwrap();
            chown(world.path(&format!("left.db{end}")), Some(0), Some(0)).unwrap();
            allow(&world, &format!("left.db{end}"), 0o644);
        }
    });
    for end in ["", "-wal"] {
        fs::rename(world.path(&format!("left.db{end}")), world.path(&format!("ustredna.db{end}")))
            .unwrap();
    }
    let refused = done(as_nobody(&world, &["numbers"])).failed();
    assert!(refused.contains("was killed"), "{refused}");
    world.run(&["numbers"]).ok();
    done(as_nobody(&world, &["numbers"])).ok();
}

#[test]
fn a_backup_that_is_broken_off_does_not_look_like_one() {
    let world = World::imported();
    assert!(fs::metadata(world.path("ustredna.db")).unwrap().len() > 60_000);
    let program = env!("CARGO_BIN_EXE_ustredna");
    // The process ends in the middle of the copy, by a signal or by an error.
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(format!("ulimit -f 100; exec {program} backup copy.db"));
    let ended = shell.current_dir(world.path("")).output().unwrap();
    assert!(!ended.status.success());
    assert!(!world.path("copy.db").exists());
    world.run(&["backup", "copy.db"]).ok();
}

#[test]
fn what_only_looks_leaves_another_programs_database_alone() {
    let world = World::imported();
    world.write("empty.db", "");
    world.write("letter.db", "Dear sirs");
    for name in ["empty.db", "letter.db"] {
        let before = fs::read(world.path(name)).unwrap();
        for arguments in [&["check"][..], &["calls"], &["import", "shoppers.csv", "--dry-run"]] {
            let mut command = world.command(arguments);
            command.env("USTREDNA_DATABASE__URL", format!("sqlite://{name}"));
            command.output().unwrap();
            assert!(fs::read(world.path(name)).unwrap() == before, "{name} {arguments:?}");
        }
    }
}

#[test]
fn one_shopper_is_no_shoppers() {
    let world = World::new();
    world.run(&["shoppers", "add", "601123456"]).ok();
    world.run(&["numbers", "add", "777000111"]).ok();
    let told = world.run(&["check"]).out;
    assert!(told.contains("1 active shopper, 1 fictitious number, 0 paired"), "{told}");
}
