//! `ustredna demo` as somebody meets it who has just come by: the built program, an empty folder.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

fn demo(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ustredna"));
    command.current_dir(dir).arg("demo").args(arguments).stdin(Stdio::null());
    // A setting of whoever runs the tests must not change the story.
    command.env("USTREDNA_EXCHANGE__COUNTRY", "XX").env_remove("RUST_LOG");
    command
}

fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// Without what differs from one run to the next.
fn lines(told: &str) -> Vec<String> {
    told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn wavs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(wavs(&path));
        } else if path.extension().is_some_and(|end| end == "wav") {
            found.push(path);
        }
    }
    found
}

/// A folder that neither FreeSWITCH nor the URL of a database nor a shell would take as it is.
const AWKWARD: &str = "moje \"ústředna\" č. 1 %41?#";

/// Both at once, for each takes a minute.
#[test]
fn the_story_comes_out_as_the_manual_tells_it() {
    let (czech, english) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let temporary = english.path().join("dočasné soubory");
    fs::create_dir(&temporary).unwrap();
    let mut in_english = demo(english.path(), &["--language", "en"]);
    in_english.env("TMPDIR", &temporary).stdout(Stdio::piped()).stderr(Stdio::piped());
    let in_english = in_english.spawn().unwrap();
    let in_czech = demo(czech.path(), &["--dir", AWKWARD]).output().unwrap();
    let in_english = in_english.wait_with_output().unwrap();
    is_as_the_manual_tells_it(&in_czech, czech.path());
    is_in_english(&in_english, &temporary);
}

fn is_as_the_manual_tells_it(done: &Output, folder: &Path) {
    let (told, problems) = text(done);
    assert_eq!((done.status.code(), problems.as_str()), (Some(0), ""), "{told}");
    assert!(!told.contains('\x1b'), "colours in a pipe");

    // What makes the manual's story, in its order; times and line breaks left out.
    let running = lines(&told).join(" ");
    let mut rest = running.as_str();
    for part in [
        "Jana dials 234 234 399",
        "„Zadejte ID fiktivního čísla",
        "Jana keys 0#",
        "„ID 1 číslo 777 000 111“",
        "„ID 2 číslo 777 000 112“",
        "Jana keys 2#",
        "„Zadejte telefonní číslo, na které chcete volat, a stiskněte křížek.“",
        "(Please enter the phone number you want to call, then press hash.)",
        "Jana keys 234 567 890 #",
        "garage the phone rings and shows 777 000 112",
        "garage answers",
        "_out_420777000112_420234567890_",
        "garage dials 777 000 112",
        "Jana the phone rings and shows 234 234 390",
        "garage hears „Volaný účastník není momentálně dostupný.",
        "gets an SMS: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000112",
        "bank dials 777 000 111",
        "gets an SMS: Zmeskany hovor c. 2 od +420545123456 na Vase cislo 777000111",
        "Jana dials 234 234 390",
        "„Máte 2 nevyřízené hovory“",
        "Jana keys 2#",
        "bank the phone rings and shows 777 000 111",
        "_return_420777000111_420545123456_",
        "garage dials 777 000 112",
        "Jana answers",
        "_back_420777000112_420234567890_",
        "$ ustredna calls",
        "$ ustredna tickets",
        "$ ustredna sms",
        "$ ustredna recordings",
        "Recordings: 3 checked, 3 in order, 0 falling short.",
        "Everything is left in",
    ] {
        let found = rest.split_once(part);
        assert!(found.is_some(), "`{part}` is missing, or in another place:\n{told}");
        rest = found.unwrap().1;
    }
    let story = told.split("$ ustredna").next().unwrap();
    for line in story.lines().filter(|line| !line.contains("wav")) {
        assert!(line.chars().count() <= 80, "{line}");
    }

    // Whoever dials hears that it rings at the other side.
    for (chapter, who) in [
        ("1. Jana calls the garage", "Jana"),
        ("2. The garage calls back", "garage"),
        ("3. A bank calls", "bank"),
        ("4. Jana returns", "Jana"),
        ("5. The garage calls once more", "garage"),
    ] {
        let chapter = story.split("\n\n").find(|text| text.starts_with(chapter)).unwrap();
        assert!(lines(chapter).join(" ").contains(&format!("{who} hears it ring")), "{chapter}");
    }

    // What is left for listening: the shopper on the left, in a low tone, the other on the right.
    let left = folder.join(AWKWARD);
    let wavs = wavs(&left.join("recordings"));
    assert_eq!(wavs.len(), 3);
    for path in &wavs {
        let mut wav = hound::WavReader::open(path).unwrap();
        assert_eq!(wav.spec().channels, 2);
        let samples: Vec<i16> = wav.samples().map(Result::unwrap).collect();
        assert_eq!([pitch(&samples, 0), pitch(&samples, 1)], [330, 520], "{}", path.display());
        assert!(path.with_extension("json").is_file());
    }
    assert!(fs::read_to_string(left.join("ustredna.log")).unwrap().contains("SMS handed over"));

    // Later the same lists can be asked for, as the last line says: it need not be on PATH.
    let again = told.lines().last().unwrap();
    let mut again_by = Command::new("sh");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("USTREDNA_") {
            again_by.env_remove(name);
        }
    }
    let again = again_by.args(["-c", again]).output().unwrap();
    assert_eq!(text(&again).0.lines().count(), 6, "{}", text(&again).1);
    link_is_gone(&left);
}

/// What the switch saw instead of such a folder goes with the demo.
fn link_is_gone(left: &Path) {
    let settings = fs::read_to_string(left.join("ustredna.toml")).unwrap();
    let settings: toml::Table = settings.parse().unwrap();
    let seen = Path::new(settings["recordings"]["switch_dir"].as_str().unwrap());
    let link = seen.parent().unwrap();
    assert_ne!(link, left);
    assert!(link.is_absolute() && link.symlink_metadata().is_err(), "{}", link.display());
}

/// The tone of one side, in tens of Hz: how often it rises through zero while it sounds.
fn pitch(samples: &[i16], side: usize) -> usize {
    let side: Vec<i16> = samples.chunks_exact(2).map(|frame| frame[side]).collect();
    let loud = |sample: &i16| sample.unsigned_abs() > 500;
    let begin = side.iter().position(loud).unwrap();
    let end = side.iter().rposition(loud).unwrap();
    let sounding = &side[begin..end];
    let rises = sounding.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
    (rises * 8000).div_ceil(sounding.len()) / 10 * 10
}

fn is_in_english(done: &Output, folder: &Path) {
    let (told, problems) = text(done);
    assert_eq!((done.status.code(), problems.as_str()), (Some(0), ""), "{told}");
    let running = lines(&told).join(" ");
    assert!(running.contains("“ID 2 number 777 000 112”"), "{told}");
    assert!(running.contains("“You have 2 missed calls”"), "{told}");
    // A dealer is spoken to in the exchange's language.
    assert!(running.contains("„Volaný účastník není momentálně dostupný."), "{told}");
    assert!(running.contains("gets an SMS: Missed call"), "{told}");
    // Without --dir it is left among the temporary files.
    let left = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    assert!(told.contains(left.to_str().unwrap()), "{told}");
    link_is_gone(&left);
}

#[test]
fn a_story_that_breaks_off_says_where() {
    let folder = TempDir::new().unwrap();
    let recordings = folder.path().join("recordings");
    fs::create_dir(&recordings).unwrap();
    // Nothing can be recorded where the folder of the year should be, so no call is connected.
    for year in 2020..2100 {
        fs::write(recordings.join(year.to_string()), "").unwrap();
    }
    let done = demo(folder.path(), &["--dir", "."]).output().unwrap();
    let (told, problems) = text(&done);
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(lines(&told).join(" ").contains("„V tuto chvíli nelze hovor uskutečnit."), "{told}");
    assert!(!told.contains("$ ustredna"), "{told}");
    assert!(problems.starts_with("error: the demo broke off (see "), "{problems}");
    assert!(problems.contains("chapter 1: "), "{problems}");
    assert_eq!(problems.lines().count(), 1, "{problems}");
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("recordings"), "").unwrap();
    let done = demo(folder.path(), &["--dir", "."]).output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(text(&done).1.contains("recordings.dir: "), "{}", text(&done).1);

    // The settings file of the first try is somebody's now.
    let done = demo(folder.path(), &["--dir", "."]).output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(text(&done).1.contains("in use already (ustredna.toml is in it)"), "{}", text(&done).1);

    let done = demo(folder.path(), &["--config", "x.toml"]).output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(text(&done).1.contains("leave --config away"), "{}", text(&done).1);
}

#[test]
fn a_story_that_is_stopped_leaves_nothing_elsewhere() {
    let folder = TempDir::new().unwrap();
    let mut told = demo(folder.path(), &["--dir", AWKWARD]);
    let mut told = told.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let out = BufReader::new(told.stdout.take().unwrap());
    let mut lines = out.lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("Jana      is answered")));
    kill_process(Pid::from_child(&told), Signal::INT).unwrap();
    // Until it ends.
    lines.for_each(drop);
    let done = told.wait_with_output().unwrap();
    let problems = text(&done).1;
    assert_eq!(done.status.code(), Some(1), "{problems}");
    assert!(problems.ends_with(": it was told to stop\n"), "{problems}");
    let left = folder.path().join(AWKWARD);
    link_is_gone(&left);
    let settings = fs::read_to_string(left.join("ustredna.toml")).unwrap();
    assert!(settings.contains("led through a link, which has gone"), "{settings}");
}

#[test]
fn a_full_disk_is_told_before_the_story() {
    let folder = TempDir::new().unwrap();
    // No file may be longer than 1000 blocks, of 512 or 1024 bytes.
    let line = format!(
        "trap '' XFSZ && ulimit -f 1000 && exec {} demo --dir new",
        env!("CARGO_BIN_EXE_ustredna")
    );
    let done = Command::new("sh").args(["-c", &line]).current_dir(folder.path()).output().unwrap();
    let (told, problems) = text(&done);
    assert_eq!((done.status.code(), told.as_str()), (Some(1), ""), "{problems}");
    assert!(problems.contains("new: the demo needs 8 MB there"), "{problems}");
    assert!(problems.contains("File too large"), "{problems}");
    // The same folder will do once there is room.
    assert_eq!(fs::read_dir(folder.path().join("new")).unwrap().count(), 0);
}

#[test]
fn the_keyboard_must_be_one() {
    let folder = TempDir::new().unwrap();
    let done = demo(folder.path(), &["--interactive"]).output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    let (told, problems) = text(&done);
    assert!(told.is_empty());
    assert!(problems.contains("--interactive needs a keyboard and a terminal"), "{problems}");
}

/// `script` gives the program a terminal of its own; what is typed and shown goes through pipes.
struct Terminal {
    script: Child,
    shows: Receiver<String>,
    shown: String,
    /// What was shown before what was waited for last.
    passed: String,
}

impl Terminal {
    /// `None`, and a word about it, where there is no `script`.
    #[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
    fn open(dir: &Path) -> Option<Self> {
        let line = format!(
            "stty -g; {} demo --interactive --dir left; echo left with $?; stty -g",
            env!("CARGO_BIN_EXE_ustredna")
        );
        let mut command = Command::new("script");
        command.args(["-qefc", &line, "/dev/null"]).current_dir(dir);
        command.env("NO_COLOR", "1").env_remove("RUST_LOG");
        let script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut script) = script else {
            println!("skipped: there is no `script` (Debian: bsdutils) to make a terminal with");
            return None;
        };
        let mut out = script.stdout.take().unwrap();
        let (show, shows) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut bytes) {
                if show.send(String::from_utf8_lossy(&bytes[..count]).into_owned()).is_err() {
                    return;
                }
            }
        });
        Some(Self { script, shows, shown: String::new(), passed: String::new() })
    }

    fn types(&mut self, keys: &str) {
        let stdin = self.script.stdin.as_mut().unwrap();
        stdin.write_all(keys.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Waits until it shows this, after whatever was waited for before.
    fn shows(&mut self, text: &str) {
        loop {
            if let Some((passed, rest)) = self.shown.split_once(text) {
                (self.passed, self.shown) = (passed.to_owned(), rest.to_owned());
                return;
            }
            let more = self.shows.recv_timeout(Duration::from_secs(20));
            assert!(more.is_ok(), "`{text}` is not shown:\n{}", self.shown);
            self.shown.push_str(&more.unwrap());
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

/// Both phones are played, then left in the middle of a call.
fn plays_and_leaves(leave: &str) {
    let folder = TempDir::new().unwrap();
    let Some(mut terminal) = Terminal::open(folder.path()) else { return };
    terminal.shows("\r\n");
    let found = terminal.passed.trim().to_owned();
    terminal.shows("Esc: leave");
    terminal.types("o");
    terminal.shows("Zadejte ID");
    terminal.types("1#");
    terminal.shows("keys 1#");
    terminal.shows("Zadejte telefonn");
    terminal.types("234567890#");
    terminal.shows("garage    the phone rings and shows 777 000 111");
    // The help is written anew below every line.
    terminal.shows("q calls you");
    terminal.types("e");
    terminal.shows("garage    is busy");
    terminal.shows("obsazen");
    terminal.types("h");
    terminal.shows("hangs up");
    terminal.types("q");
    terminal.shows("garage    dials 777 000 111");
    terminal.shows("Jana      the phone rings and shows 234 234 390");
    terminal.types("a");
    terminal.shows("Jana      answers");
    terminal.shows("can hear the other side");
    terminal.types("7");
    terminal.shows("garage    hears the key 7");
    // Until both voices are in the recording.
    thread::sleep(Duration::from_secs(1));
    terminal.types(leave);
    terminal.shows("$ ustredna calls");
    terminal.shows("back  601123456  777000111  234567890  answered");
    terminal.shows("out   601123456  777000111  234567890  busy");
    terminal.shows("checked, 1 in order");
    terminal.shows("left with 0\r\n");
    terminal.shows("\r\n");
    assert_eq!(terminal.passed.trim(), found, "the terminal is not as it was found");
}

#[test]
fn a_player_is_shown_a_recording_that_falls_short() {
    let folder = TempDir::new().unwrap();
    let Some(mut terminal) = Terminal::open(folder.path()) else { return };
    terminal.shows("Esc: leave");
    terminal.types("q");
    terminal.shows("Jana      the phone rings");
    terminal.types("a");
    terminal.shows("can hear the other side");
    // A talk of a moment leaves no recording at all.
    thread::sleep(Duration::from_secs(1));
    terminal.types("h");
    terminal.shows("garage    the other side has hung up");
    let recordings = folder.path().join("left/recordings");
    let proven = || {
        let found = wavs(&recordings).into_iter().next()?;
        found.with_extension("json").is_file().then_some(found)
    };
    let found = (0..200).find_map(|_| {
        proven().or_else(|| {
            thread::sleep(Duration::from_millis(100));
            None
        })
    });
    fs::remove_file(found.unwrap()).unwrap();
    terminal.types("\x1b");
    terminal.shows("$ ustredna recordings verify");
    terminal.shows("0 in order, 1 fall");
    terminal.shows("Everything is left in");
    terminal.shows("left with 0\r\n");
}

#[test]
fn escape_leaves() {
    plays_and_leaves("\x1b");
}

#[test]
fn control_c_leaves() {
    plays_and_leaves("\x03");
}
