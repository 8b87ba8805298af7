use std::{fs, net::SocketAddr, path::PathBuf};

use axum::{Router, body::Bytes, http::StatusCode, routing::post as takes};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::*;

fn script(folder: &TempDir, text: &str) -> Way {
    let path = folder.path().join("alarm");
    // Run by a shell: while another test starts a program, a file just written is "text file busy".
    fs::write(&path, format!("{text}\n")).unwrap();
    Way::Command(["/bin/sh", path.to_str().unwrap(), "two words"].map(str::to_owned).to_vec())
}

fn settings(toml: &str) -> settings::Alarm {
    toml::from_str(toml).unwrap()
}

#[tokio::test]
async fn a_command_reads_the_alarm_and_has_its_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let out: PathBuf = folder.path().join("out");
    let way = script(&folder, &format!("echo \"$1\" > {0}; cat >> {0}", out.display()));
    way.tell("{\"kind\":\"disk\"}\n").await.unwrap();
    assert_eq!(fs::read_to_string(out).unwrap(), "two words\n{\"kind\":\"disk\"}\n");
}

#[tokio::test]
async fn a_command_that_fails_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let problem = script(&folder, "exit 3").tell("{}").await.unwrap_err();
    assert!(problem.contains("exit status: 3"), "{problem}");
    let missing = Way::Command(vec!["/nowhere/at/all".to_owned()]);
    assert!(missing.tell("{}").await.unwrap_err().contains("cannot be run"));
    // More than a pipe holds, and nobody reads it.
    script(&folder, "exit 0").tell(&"x".repeat(1 << 20)).await.unwrap();
}

/// It went to the exchange's own log without an end, and filled the disk.
#[tokio::test]
async fn of_what_a_command_says_the_beginning_is_kept_and_it_never_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alarm");
    for (text, kept) in [
        // More than a pipe holds.
        ("printf 'first %0300000d' 0 >&2; exit 4", SAID),
        // What it leaves running holds its standard error open, and says more.
        ("echo 12345678 >&2; (sleep 20; echo late >&2) & exit 4", 9),
        ("exit 4", 0),
    ] {
        fs::write(&path, text).unwrap();
        let mut command = Command::new("/bin/sh");
        command.arg(&path).stdin(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap();
        let _group = Group(Pid::from_raw(child.id().unwrap().cast_signed()));
        let mut said = Vec::new();
        let ended = timeout(Duration::from_secs(15), tell(&mut child, "{}", &mut said));
        assert_eq!(ended.await.unwrap().unwrap().code(), Some(4), "{text}");
        assert_eq!(said.len(), kept, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_that_hangs_is_ended_with_all_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let way = script(&folder, &format!("sleep 1000 & echo $! > {}; wait", pid.display()));
    // Started by the real time; the timeout then comes by the paused one.
    let telling = tokio::spawn(async move { way.tell("{}").await });
    tokio::task::spawn_blocking({
        let pid = pid.clone();
        move || {
            while fs::read_to_string(&pid).map_or(true, |text| text.is_empty()) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    })
    .await
    .unwrap();
    let problem = telling.await.unwrap().unwrap_err();
    assert!(problem.contains("longer than 30 s"), "{problem}");
    let sleeper = fs::read_to_string(pid).unwrap();
    let stat = format!("/proc/{}/stat", sleeper.trim());
    let over = |stat: &str| fs::read_to_string(stat).map_or(true, |text| text.contains(") Z "));
    let ended = tokio::task::spawn_blocking(move || {
        (0..400).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            over(&stat)
        })
    });
    assert!(ended.await.unwrap(), "what it started lives on");
}

async fn webhook(status: StatusCode) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<Bytes>) {
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let take = move |body: Bytes| async move {
        tell.send(body).unwrap();
        status
    };
    let router = Router::new().route("/hook", takes(take));
    tokio::spawn(async move { axum::serve(socket, router).await });
    (address, told)
}

fn hook(address: SocketAddr) -> Way {
    let url = format!("http://{address}/hook?token=hunter2");
    let mut ways = open(&settings(&format!("webhook = \"{url}\""))).unwrap();
    ways.pop().unwrap()
}

#[tokio::test]
async fn a_webhook_is_posted_to() {
    let (address, mut told) = webhook(StatusCode::NO_CONTENT).await;
    hook(address).tell("{\"kind\":\"disk\"}\n").await.unwrap();
    assert_eq!(told.recv().await.unwrap(), "{\"kind\":\"disk\"}\n");
}

#[tokio::test]
async fn what_a_webhook_refuses_is_a_failure_that_tells_no_token() {
    let (address, _told) = webhook(StatusCode::INTERNAL_SERVER_ERROR).await;
    let problem = hook(address).tell("{}").await.unwrap_err();
    assert!(problem.contains("500"), "{problem}");
    // Nobody listens there; a port that was free a moment ago may be another test's by now.
    let problem = hook(([127, 0, 0, 1], 1).into()).tell("{}").await.unwrap_err();
    assert!(problem.contains("cannot be reached") && !problem.contains("hunter2"), "{problem}");
}

#[test]
fn settings_of_no_use_are_refused_without_showing_them() {
    assert!(check(&settings("")).is_ok());
    assert!(check(&settings("command = [\"/bin/alarm\", \"x\"]")).is_ok());
    let error = check(&settings("command = [\"alarm\"]")).unwrap_err().to_string();
    assert!(error.contains("whole path"), "{error}");
    for url in ["hunter2", "ftp://hunter2@host/", "http://", "https:hunter2"] {
        let checked = check(&settings(&format!("webhook = \"{url}\"")));
        // A special scheme forgives missing slashes.
        if let Err(error) = checked {
            assert!(error.to_string().contains("alarm.webhook"), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        } else {
            assert_eq!(url, "https:hunter2");
        }
    }
}
