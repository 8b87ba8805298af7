use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

use serde_json::{Value, json};

use super::{SpoolError, SpoolForm, SpoolGateway};
use crate::gateway::{Accepted, Gateway as _, Message, SendError};

const AT: &str = "2026-11-22T10:31:45+01:00";

fn message() -> Message {
    Message {
        id: "0199aaaa-0000-7000-8000-000000000001".into(),
        to: "+420601123456".into(),
        text: "Zmeskany hovor c. 2 [€]".into(),
        created_at: AT.into(),
    }
}

fn json(dir: &Path) -> SpoolGateway {
    SpoolGateway::new(dir, SpoolForm::Json)
}

fn taken(again: bool) -> Accepted {
    Accepted { again, ..Accepted::default() }
}

fn files(dir: &Path) -> Vec<String> {
    fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_message_is_one_file_that_says_all() {
    let dir = tempfile::tempdir().unwrap();
    let sent = json(dir.path()).write(&message()).unwrap();
    assert_eq!(sent, taken(false));
    assert_eq!(files(dir.path()), ["0199aaaa-0000-7000-8000-000000000001.json"]);

    let path = dir.path().join(&files(dir.path())[0]);
    let written: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(
        written,
        json!({
            "id": "0199aaaa-0000-7000-8000-000000000001",
            "to": "+420601123456",
            "text": "Zmeskany hovor c. 2 [€]",
            "segments": 1,
            "alphabet": "gsm7",
            "created_at": AT,
        })
    );
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o137, 0, "others can read it: {mode:o}");
}

#[test]
fn a_second_attempt_is_not_a_second_message() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = json(dir.path());
    gateway.write(&message()).unwrap();
    let path = dir.path().join(&files(dir.path())[0]);
    let first = fs::read(&path).unwrap();

    let again = gateway
        .write(&Message { created_at: "2026-11-22T10:32:45+01:00".into(), ..message() })
        .unwrap();
    assert_eq!(again, taken(true));
    assert_eq!(files(dir.path()).len(), 1);
    assert_eq!(fs::read(&path).unwrap(), first);
}

#[test]
fn attempts_at_the_same_time_are_one_message() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = json(dir.path());
    let outcomes: Vec<_> = thread::scope(|scope| {
        let attempts: Vec<_> =
            (0..8).map(|_| scope.spawn(|| gateway.write(&message()).unwrap())).collect();
        attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect()
    });
    let accepted = outcomes.iter().filter(|outcome| **outcome == taken(false)).count();
    assert_eq!(accepted, 1, "{outcomes:?}");
    assert_eq!(files(dir.path()).len(), 1);
}

#[test]
fn an_id_is_never_used_for_two_texts() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = json(dir.path());
    gateway.write(&message()).unwrap();
    let path = dir.path().join(&files(dir.path())[0]);
    let first = fs::read(&path).unwrap();
    for other in [
        Message { text: "Jiny".into(), ..message() },
        Message { to: "+420601123457".into(), ..message() },
    ] {
        assert!(matches!(gateway.write(&other), Err(SendError::Permanent(_))));
    }
    assert_eq!(fs::read(&path).unwrap(), first);
}

#[test]
fn what_nobody_can_send_is_refused_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = json(dir.path());
    let mut wrong = Vec::new();
    for id in ["", "../evil", "a/b", "a.json", "a b", &"a".repeat(65)] {
        wrong.push(Message { id: id.into(), ..message() });
    }
    for to in ["", "601123456", "+", "+42060112345a", "+4206011234567890", "+420 601 123 456"] {
        wrong.push(Message { to: to.into(), ..message() });
    }
    wrong.push(Message { text: String::new(), ..message() });
    for message in wrong {
        let refused = gateway.write(&message);
        assert!(matches!(refused, Err(SendError::Permanent(_))), "{message:?}: {refused:?}");
    }
    assert_eq!(files(dir.path()).len(), 0);
}

#[test]
fn a_missing_folder_is_temporary_and_tells_nothing_private() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = json(&dir.path().join("none"));
    let error = gateway.write(&message()).unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)));
    let shown = format!("{error} {error:?} {:?}", message());
    assert!(!shown.contains("601123456") && !shown.contains("Zmeskany"), "{shown}");
    assert!(shown.contains("0199aaaa"), "{shown}");

    fs::create_dir(gateway.dir()).unwrap();
    assert_eq!(gateway.write(&message()), Ok(taken(false)));
}

#[test]
fn a_failed_attempt_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    // A folder has the name the message would get.
    fs::create_dir(dir.path().join(format!("{}.json", message().id))).unwrap();
    let error = json(dir.path()).write(&message()).unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)), "{error}");
    assert_eq!(files(dir.path()).len(), 1);
}

#[test]
fn a_file_that_is_there_may_have_been_picked_up_though_the_disk_fails() {
    let dir = tempfile::tempdir().unwrap();
    let failing =
        SpoolGateway { sync: |_| Err(std::io::Error::other("disk gone")), ..json(dir.path()) };
    // New, and lying there from the attempt before.
    for _ in 0..2 {
        let error = failing.write(&message()).unwrap_err();
        assert!(matches!(&error, SendError::Unknown(why) if why.contains("disk gone")), "{error}");
        assert_eq!(files(dir.path()).len(), 1);
    }
    assert_eq!(json(dir.path()).write(&message()), Ok(taken(true)));
}

#[test]
fn the_check_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    json(dir.path()).probe().unwrap();
    assert_eq!(files(dir.path()).len(), 0);

    let missing = json(&dir.path().join("none")).probe().unwrap_err();
    assert!(missing.to_string().contains("create it"), "{missing}");
    fs::write(dir.path().join("file"), "").unwrap();
    let file = json(&dir.path().join("file")).probe().unwrap_err();
    assert!(file.to_string().contains("set `sms.spool.dir`"), "{file}");
    // Whoever runs the tests, nothing can be created in the kernel's own folder.
    if cfg!(target_os = "linux") {
        let closed = json(Path::new("/proc")).probe().unwrap_err();
        assert!(matches!(closed, SpoolError::NotWritable { .. }), "{closed}");
    }
}

#[tokio::test]
async fn the_trait_is_the_same_spool() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = json(dir.path());
    gateway.check().await.unwrap();
    assert_eq!(gateway.send(&message()).await, Ok(taken(false)));
    assert_eq!(gateway.send(&message()).await, Ok(taken(true)));
    assert_eq!(files(dir.path()).len(), 1);
    let none = json(&dir.path().join("none")).check().await.unwrap_err();
    assert!(none.to_string().contains("create it"), "{none}");
}

/// A file as smsd would read it: header lines, an empty line, the text.
fn smstools(text: &str) -> (String, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let gateway = SpoolGateway::new(dir.path(), SpoolForm::Smstools);
    let message = Message { text: text.into(), ..message() };
    assert_eq!(gateway.write(&message), Ok(taken(false)));
    assert_eq!(gateway.write(&message), Ok(taken(true)));
    let other = Message { text: "Jiny".into(), ..message.clone() };
    assert!(matches!(gateway.write(&other), Err(SendError::Permanent(_))));
    assert_eq!(files(dir.path()), [message.id]);
    let file = fs::read(dir.path().join(&files(dir.path())[0])).unwrap();
    let end = file.windows(2).position(|two| two == b"\n\n").unwrap();
    (String::from_utf8(file[..end].to_vec()).unwrap(), file[end + 2..].to_vec())
}

#[test]
fn a_modem_daemon_can_read_it() {
    let (head, text) = smstools("Zmeskany hovor c. 2 od +420234567890 @ü");
    assert_eq!(head, "To: 420601123456\nAlphabet: ISO\nId: 0199aaaa-0000-7000-8000-000000000001");
    assert_eq!(text, b"Zmeskany hovor c. 2 od +420234567890 @\xfc");
    // Letters that are not in ISO-8859-1, or mean something else to some versions.
    for text in ["hovor č. 2", "5 €", "¤", "Δ"] {
        let (head, octets) = smstools(text);
        assert!(head.contains("\nAlphabet: UCS2\n"), "{text}: {head}");
        let units: Vec<u16> =
            octets.chunks(2).map(|pair| u16::from_be_bytes(pair.try_into().unwrap())).collect();
        assert_eq!(String::from_utf16(&units).unwrap(), text);
    }
}

/// What smsd would send: `getfile` of SMS Server Tools 3 takes any file but folders, its locks, what is
/// locked and what it could not remove (`LOCKED…`). A dot before the name means nothing to it.
fn taken_by_smsd(dir: &Path) -> Vec<String> {
    const LOCK: &str = ".LOCK";
    let mut names = files(dir);
    let all = names.clone();
    names.retain(|name| {
        !dir.join(name).is_dir()
            && !name.ends_with(LOCK)
            && !name.starts_with("LOCKED")
            && !all.contains(&format!("{name}{LOCK}"))
    });
    names
}

#[test]
fn smsd_never_takes_what_is_not_finished() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = SpoolGateway::new(dir.path(), SpoolForm::Smstools);
    // Killed between the last octet and the name.
    gateway.written(&gateway.form.content(&message()).unwrap()).unwrap().keep().unwrap();
    assert_eq!((files(dir.path()).len(), taken_by_smsd(dir.path()).len()), (1, 0));

    let probing = gateway.written(b"probe").unwrap();
    assert_eq!(taken_by_smsd(dir.path()).len(), 0, "nor a probe");
    // Written again, smsd gets it once; and its own lock of that file is not ours to touch.
    assert_eq!(gateway.write(&message()), Ok(taken(false)));
    assert_eq!(taken_by_smsd(dir.path()), [message().id]);
    fs::write(dir.path().join(format!("{}.LOCK", message().id)), "7\n").unwrap();
    assert_eq!(gateway.write(&message()), Ok(taken(true)));

    // At the next start what was left goes; what somebody is at stays, and so does what is not ours.
    fs::write(dir.path().join(".other.LOCK"), "").unwrap();
    gateway.probe().unwrap();
    let mut left = files(dir.path());
    left.sort();
    let unfinished = probing.path().file_name().unwrap().to_str().unwrap();
    let locked = format!("{}.LOCK", message().id);
    assert_eq!(left, [".other.LOCK", unfinished, &message().id, &locked]);
}

#[test]
fn smsd_looking_all_the_time_gets_each_message_once_and_whole() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = SpoolGateway::new(dir.path(), SpoolForm::Smstools);
    let got = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 0..200 {
                gateway.probe().unwrap();
                let id = format!("{number:04}");
                gateway.write(&Message { id, ..message() }).unwrap();
            }
        });
        let mut got = Vec::new();
        loop {
            let last = writer.is_finished();
            for name in taken_by_smsd(dir.path()) {
                let path = dir.path().join(&name);
                // One that is seen here and gone again was never to be seen.
                let text = fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
                assert!(text.ends_with(b"]"), "{name}: {text:?}");
                fs::remove_file(path).unwrap();
                got.push(name);
            }
            if last {
                return got;
            }
        }
    });
    let all: Vec<_> = (0..200).map(|number| format!("{number:04}")).collect();
    let mut sorted = got;
    sorted.sort();
    assert_eq!(sorted, all);
}

#[test]
fn a_start_clears_away_what_a_killed_program_left() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = json(dir.path());
    gateway.written(b"{}").unwrap().keep().unwrap();
    gateway.write(&message()).unwrap();
    gateway.probe().unwrap();
    assert_eq!(files(dir.path()), [format!("{}.json", message().id)]);
}
