use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

use serde_json::{Value, json};

use super::{SpoolError, SpoolGateway};
use crate::gateway::{Message, Outcome, SendError};

const AT: &str = "2026-11-22T10:31:45+01:00";

fn message() -> Message {
    Message {
        id: "0199aaaa-0000-7000-8000-000000000001".into(),
        to: "+420601123456".into(),
        text: "Zmeskany hovor c. 2 [€]".into(),
    }
}

fn files(dir: &Path) -> Vec<String> {
    fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_message_is_one_file_that_says_all() {
    let dir = tempfile::tempdir().unwrap();
    let sent = SpoolGateway::new(dir.path()).send(&message(), AT).unwrap();
    assert_eq!(sent, Outcome::Accepted);
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
    let gateway = SpoolGateway::new(dir.path());
    gateway.send(&message(), AT).unwrap();
    let path = dir.path().join(&files(dir.path())[0]);
    let first = fs::read(&path).unwrap();

    let again = gateway.send(&message(), "2026-11-22T10:32:45+01:00").unwrap();
    assert_eq!(again, Outcome::AlreadyAccepted);
    assert_eq!(files(dir.path()).len(), 1);
    assert_eq!(fs::read(&path).unwrap(), first);
}

#[test]
fn attempts_at_the_same_time_are_one_message() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = SpoolGateway::new(dir.path());
    let outcomes: Vec<_> = thread::scope(|scope| {
        let attempts: Vec<_> =
            (0..8).map(|_| scope.spawn(|| gateway.send(&message(), AT).unwrap())).collect();
        attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect()
    });
    let accepted = outcomes.iter().filter(|outcome| **outcome == Outcome::Accepted).count();
    assert_eq!(accepted, 1, "{outcomes:?}");
    assert_eq!(files(dir.path()).len(), 1);
}

#[test]
fn an_id_is_never_used_for_two_texts() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = SpoolGateway::new(dir.path());
    gateway.send(&message(), AT).unwrap();
    let path = dir.path().join(&files(dir.path())[0]);
    let first = fs::read(&path).unwrap();
    for other in [
        Message { text: "Jiny".into(), ..message() },
        Message { to: "+420601123457".into(), ..message() },
    ] {
        assert!(matches!(gateway.send(&other, AT), Err(SendError::Permanent(_))));
    }
    assert_eq!(fs::read(&path).unwrap(), first);
}

#[test]
fn what_nobody_can_send_is_refused_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = SpoolGateway::new(dir.path());
    let mut wrong = Vec::new();
    for id in ["", "../evil", "a/b", "a.json", "a b", &"a".repeat(65)] {
        wrong.push(Message { id: id.into(), ..message() });
    }
    for to in ["", "601123456", "+", "+42060112345a", "+4206011234567890", "+420 601 123 456"] {
        wrong.push(Message { to: to.into(), ..message() });
    }
    wrong.push(Message { text: String::new(), ..message() });
    for message in wrong {
        let refused = gateway.send(&message, AT);
        assert!(matches!(refused, Err(SendError::Permanent(_))), "{message:?}: {refused:?}");
    }
    assert_eq!(files(dir.path()).len(), 0);
}

#[test]
fn a_missing_folder_is_temporary_and_tells_nothing_private() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = SpoolGateway::new(dir.path().join("none"));
    let error = gateway.send(&message(), AT).unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)));
    let shown = format!("{error} {error:?} {:?}", message());
    assert!(!shown.contains("601123456") && !shown.contains("Zmeskany"), "{shown}");
    assert!(shown.contains("0199aaaa"), "{shown}");

    fs::create_dir(gateway.dir()).unwrap();
    assert_eq!(gateway.send(&message(), AT), Ok(Outcome::Accepted));
}

#[test]
fn a_failed_attempt_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    // A folder has the name the message would get.
    fs::create_dir(dir.path().join(format!("{}.json", message().id))).unwrap();
    let error = SpoolGateway::new(dir.path()).send(&message(), AT).unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)), "{error}");
    assert_eq!(files(dir.path()).len(), 1);
}

#[test]
fn the_check_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    SpoolGateway::new(dir.path()).check().unwrap();
    assert_eq!(files(dir.path()).len(), 0);

    let missing = SpoolGateway::new(dir.path().join("none")).check().unwrap_err();
    assert!(missing.to_string().contains("create it"), "{missing}");
    fs::write(dir.path().join("file"), "").unwrap();
    let file = SpoolGateway::new(dir.path().join("file")).check().unwrap_err();
    assert!(file.to_string().contains("set `sms.spool.dir`"), "{file}");
    // Whoever runs the tests, nothing can be created in the kernel's own folder.
    if cfg!(target_os = "linux") {
        let closed = SpoolGateway::new("/proc").check().unwrap_err();
        assert!(matches!(closed, SpoolError::NotWritable { .. }), "{closed}");
    }
}
