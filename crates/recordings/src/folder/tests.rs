use std::fs;
use std::path::Path;

use jiff::civil::date;

use super::{FolderError, check_writable, prepare_day, scan};

const MORNING: &str = "2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav";
const NOON: &str = "2026/11/22/20261122-120000_back_420777000111_anonymous_11111111.wav";
const NEXT_YEAR: &str = "2027/01/01/20270101-000001_return_420777000111_420234567890_22222222.wav";

fn put(dir: &Path, relative: &str) {
    let path = dir.join(relative);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "x").unwrap();
}

#[test]
fn a_good_folder_is_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    check_writable(dir.path()).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_bad_folder_is_told_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let missing = check_writable(&dir.path().join("none")).unwrap_err();
    assert!(matches!(missing, FolderError::Missing(_)));
    assert!(missing.to_string().contains("create it"), "{missing}");

    put(dir.path(), "file");
    let file = check_writable(&dir.path().join("file")).unwrap_err();
    assert!(file.to_string().contains("set `recordings.dir`"), "{file}");

    // Whoever runs the tests, nothing can be created in the kernel's own folder.
    if cfg!(target_os = "linux") {
        let closed = check_writable(Path::new("/proc")).unwrap_err();
        assert!(matches!(closed, FolderError::NotWritable { .. }), "{closed}");
        assert!(closed.to_string().contains("right to write"), "{closed}");
    }
}

#[test]
fn a_day_gets_its_folders_and_may_have_them_already() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let day = prepare_day(dir.path(), date(2026, 1, 2)).unwrap();
        assert_eq!(day, dir.path().join("2026/01/02"));
        assert!(day.is_dir());
    }
}

#[test]
fn a_folder_that_would_swallow_recordings_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("2026/01/02/8000")).unwrap();
    let error = prepare_day(dir.path(), date(2026, 1, 2)).unwrap_err();
    assert!(matches!(error, FolderError::RateFolder(_)), "{error}");
}

#[test]
fn the_walk_finds_every_recording_in_order_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    for relative in [NEXT_YEAR, NOON, MORNING] {
        put(dir.path(), relative);
    }
    for other in [
        MORNING.replace(".wav", ".json"),
        MORNING.replace("2026/11/22/", "2026/11/22/8000/2026/11/22/"),
        format!("8000/{MORNING}"),
        format!("16000/{MORNING}"),
        MORNING.replace("2026", "8000"),
        MORNING.replace("2026/11/22/", "2026/11/23/"),
        "2026/notes.txt".into(),
        "old/2026.wav".into(),
    ] {
        put(dir.path(), &other);
    }
    fs::create_dir_all(dir.path().join(MORNING.replace("3f2a9c1e", "33333333"))).unwrap();

    let found: Vec<_> = scan(dir.path()).map(Result::unwrap).collect();
    let names: Vec<_> = found.iter().map(|(name, _)| name.relative()).collect();
    assert_eq!(names, [MORNING, NOON, NEXT_YEAR]);
    assert_eq!(found[0].1, dir.path().join(MORNING));
}

#[test]
fn a_missing_folder_is_one_error_not_an_empty_walk() {
    let dir = tempfile::tempdir().unwrap();
    let mut walk = scan(&dir.path().join("none"));
    assert!(matches!(walk.next(), Some(Err(FolderError::Missing(_)))));
    assert!(walk.next().is_none());
}

/// The first calls of a day come at once, and no folder of it is there yet.
#[test]
fn a_day_s_folder_that_others_make_at_the_same_time_is_in_nobody_s_way() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..300 {
        let start = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    prepare_day(folder.path(), date(2026, 11, 27)).unwrap();
                });
            }
        });
        fs::remove_dir_all(folder.path().join("2026")).unwrap();
    }
}
