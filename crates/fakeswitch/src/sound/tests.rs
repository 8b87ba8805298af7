use std::{fs, path::Path, time::Duration};

use super::{NotFound, Part, Sound, open};

fn part(sound: Sound, ms: u64) -> Part {
    Part { sound, length: Duration::from_millis(ms) }
}

/// Of 16 bits, mono, so many samples long.
fn write(path: &Path, rate: u32, samples: u32) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec).unwrap();
    for _ in 0..samples {
        wav.write_sample(0_i16).unwrap();
    }
    wav.finalize().unwrap();
}

#[test]
fn a_file_lasts_as_long_as_its_samples_whatever_their_rate() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("enter-id.wav");
    let spec = path.to_str().unwrap();
    write(&path, 8000, 10_000);
    assert_eq!(open(spec), Ok(vec![part(Sound::File(spec.to_owned()), 1250)]));
    write(&path, 16_000, 8000);
    assert_eq!(open(spec), Ok(vec![part(Sound::File(spec.to_owned()), 500)]), "replaced");
    fs::remove_file(&path).unwrap();
    assert_eq!(open(spec), Err(NotFound), "removed");
}

#[test]
fn what_is_no_sound_is_not_found() {
    let dir = tempfile::tempdir().unwrap();
    let noise = dir.path().join("noise.wav");
    fs::write(&noise, b"RIFF and nothing else").unwrap();
    for spec in [
        "",
        "/nowhere/prompt.wav",
        dir.path().to_str().unwrap(),
        noise.to_str().unwrap(),
        "silence_stream://0",
        "silence_stream://soon",
        "file_string://",
        "file_string:///nowhere/a.wav!silence_stream://0",
    ] {
        assert_eq!(open(spec), Err(NotFound), "{spec}");
    }
}

#[test]
fn a_file_string_begins_with_silence_and_skips_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("2.wav");
    let here = path.to_str().unwrap();
    write(&path, 8000, 4000);
    let file = || part(Sound::File(here.to_owned()), 500);
    assert_eq!(
        open(&format!("file_string://{here}!silence_stream://300!/nowhere/x.wav!{here}")),
        Ok(vec![part(Sound::Silence, 250), file(), part(Sound::Silence, 300), file()])
    );
    assert_eq!(
        open(&format!("file_string:///nowhere/x.wav!{here}")),
        Ok(vec![file()]),
        "no silence when the first is missing"
    );
}

#[test]
fn silence_and_tones_last_as_long_as_they_say() {
    let tone = |spec: &str, ms| part(Sound::Tone(spec.to_owned()), ms);
    for (spec, expected) in [
        ("silence_stream://250", part(Sound::Silence, 250)),
        ("silence_stream://250,1400", part(Sound::Silence, 250)),
        ("tone_stream://%(300,100,400)", tone("%(300,100,400)", 400)),
        ("tone_stream://%(300,100,400);loops=2", tone("%(300,100,400)", 800)),
        ("tone_stream://%(300,100,400);loops=0", tone("%(300,100,400)", 400)),
        ("tone_stream://v=-7;%(100,0,941,1336)", tone("v=-7;%(100,0,941,1336)", 100)),
        ("tone_stream://%(100,0,400)%(50,50,500)", tone("%(100,0,400)%(50,50,500)", 200)),
        (
            "tone_stream://L=3;l=2;%(100,0,400);%(50,0,500)",
            tone("L=3;l=2;%(100,0,400);%(50,0,500)", 750),
        ),
        ("tone_stream://nonsense", tone("nonsense", 0)),
        ("tone_stream://%(-1000,", tone("%(-1000,", 0)),
    ] {
        assert_eq!(open(spec), Ok(vec![expected]), "{spec}");
    }
}

#[test]
fn some_do_not_end() {
    for spec in
        ["silence_stream://-1", "tone_stream://%(1000,4000,425);loops=-1", "%(1000,4000,425)"]
    {
        assert_eq!(open(spec).unwrap()[0].length, Duration::MAX, "{spec}");
    }
}
