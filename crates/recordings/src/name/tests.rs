use std::path::Path;

use jiff::Zoned;

use super::{Direction, Format, RecordingName};

fn at(local: &str) -> Zoned {
    local.parse().unwrap()
}

fn example() -> RecordingName {
    RecordingName::new(
        &at("2026-11-22T10:31:45.678+01:00[Europe/Prague]"),
        Direction::Out,
        "+420777000111",
        Some("+420234567890"),
        "3f2a9c1e-77aa-4bbb-8ccc-1234567890ab",
    )
}

#[test]
fn the_name_is_where_supervisors_look() {
    let name = example();
    assert_eq!(
        name.relative(),
        "2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav"
    );
    assert_eq!(
        name.sidecar(),
        "2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e.json"
    );
    assert_eq!(name.in_dir(Path::new("rec")), Path::new("rec").join(name.relative()));
}

#[test]
fn the_day_is_the_local_one() {
    // 23:30 UTC of the 21st is past midnight in Prague.
    let local = at("2026-11-21T23:30:00+00:00[UTC]")
        .with_time_zone(jiff::tz::TimeZone::fixed(jiff::tz::offset(1)));
    let name = RecordingName::new(&local, Direction::Back, "+420777000111", None, "3f2a9c1e");
    assert_eq!(
        name.relative(),
        "2026/11/22/20261122-003000_back_420777000111_anonymous_3f2a9c1e.wav"
    );
}

#[test]
fn whatever_it_is_built_from_the_path_is_harmless() {
    for hostile in
        ["../../etc", "${version()}", "a b\r\nc", "+420 1/2", "", "žluť", "_____", "3F2A9C1E"]
    {
        let local = at("2026-01-02T03:04:05+01:00[Europe/Prague]");
        let name = RecordingName::new(&local, Direction::Return, hostile, Some(hostile), hostile);
        let path = name.relative();
        assert!(
            path.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_./-".contains(&b)),
            "{path}"
        );
        assert!(!path.contains(".."), "{path}");
        assert_eq!(RecordingName::parse(Path::new(&path)), Some(name));
    }
}

#[test]
fn a_name_is_read_back_from_its_path() {
    let name = example();
    let parsed = RecordingName::parse(&name.in_dir(Path::new("some/folder"))).unwrap();
    assert_eq!(parsed, name);
    assert_eq!(parsed.direction(), Direction::Out);
    assert_eq!(parsed.fictitious(), Some("420777000111"));
    assert_eq!(parsed.dealer(), Some("420234567890"));
    assert_eq!(parsed.call_prefix(), "3f2a9c1e");
    assert_eq!(parsed.local().to_string(), "2026-11-22T10:31:45");
}

#[test]
fn other_files_are_not_recordings() {
    for other in [
        "",
        "2026/11/22",
        "2026/11/22/notes.wav",
        "2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e.json",
        "2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav.part",
        "2026/11/22/20261122-103145_in_420777000111_420234567890_3f2a9c1e.wav",
        "2026/11/22/20261122-103145_out_420777000111_420234567890.wav",
        "2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e_2.wav",
        "2026/11/22/20261122-103145_out_+420777000111_420234567890_3f2a9c1e.wav",
        "2026/11/22/20261322-103145_out_420777000111_420234567890_3f2a9c1e.wav",
        "2026/11/22/20261122-1031_out_420777000111_420234567890_3f2a9c1e.wav",
        // in another day's folder, and in none
        "2026/11/23/20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav",
        "20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav",
    ] {
        assert_eq!(RecordingName::parse(Path::new(other)), None, "{other}");
    }
}

#[test]
fn debug_tells_no_number() {
    let debug = format!("{:?}", example());
    assert!(debug.contains("3f2a9c1e"), "{debug}");
    assert!(!debug.contains("777000111") && !debug.contains("234567890"), "{debug}");
}

#[test]
fn an_archived_one_has_the_same_name_but_for_its_end() {
    let (wav, flac) = (example(), example().in_format(Format::Flac));
    assert_eq!(flac.relative(), wav.relative().replace(".wav", ".flac"));
    assert_eq!(flac.sidecar(), wav.sidecar());
    assert_eq!(RecordingName::parse(Path::new(&flac.relative())), Some(flac.clone()));
    assert_eq!((flac.format(), flac.in_format(Format::Wav)), (Format::Flac, wav.clone()));
    for other in ["mp3", "flac.part", "WAV", ""] {
        let path = wav.relative().replace("wav", other);
        assert_eq!(RecordingName::parse(Path::new(&path)), None, "{path}");
    }
}
