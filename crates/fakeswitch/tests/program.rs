//! The program as it is typed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    process::{Command, Output},
    sync::mpsc,
    thread,
    time::Duration,
};

fn call(controllers: &[SocketAddr], rest: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fakeswitch"));
    for controller in controllers {
        command.arg("--controller").arg(controller.to_string());
    }
    command.args(["--from", "+420601123456", "--to", "234234399"]).args(rest).output().unwrap()
}

/// Addresses where nobody listens. Ports that were free a moment ago may be another test's by now.
fn nobody() -> [SocketAddr; 2] {
    [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
}

/// A controller that says this of each call, and closes when it has been answered so many times.
fn controller(says: &'static str, answers: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // Whoever only asks whether it is there has gone.
            let _ = stream.write_all(says.as_bytes());
            for _ in 0..answers {
                if !matches!(stream.read(&mut [0; 4096]), Ok(1..)) {
                    break;
                }
            }
        }
    });
    address
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn nobody_at_the_controllers_addresses_is_an_error() {
    let addresses = nobody();
    for script in ["listens 30s", "hears welcome", "hangs up"] {
        let output = call(&addresses, &["--script", script, "--calls", "3"]);
        let [first, second] = addresses;
        assert_eq!(
            told(&output),
            format!(
                "error: no controller can be reached: {first}: connection refused, \
                 {second}: connection refused\n"
            )
        );
        assert_eq!(output.status.code(), Some(2), "{script}");
    }
}

#[test]
fn a_controller_that_lets_a_call_go_was_there() {
    for (says, answers) in [("", 0), ("connect\n\n", 1)] {
        let there = controller(says, answers);
        let output = call(&[nobody()[0], there], &["--script", "listens 30s"]);
        assert_eq!((told(&output).as_str(), output.status.code()), ("", Some(0)), "{says:?}");
        let report = String::from_utf8(output.stdout).unwrap();
        assert!(report.contains("over: 503 NORMAL_TEMPORARY_FAILURE"), "{report}");
    }
}

#[test]
fn it_ends_whatever_a_controller_says() {
    let lingering = controller("connect\n\nlinger 18446744073709551615\n\n", usize::MAX);
    let (done, ended) = mpsc::channel();
    thread::spawn(move || done.send(call(&[lingering], &["--script", "waits 1s"])));
    let output = ended.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!((told(&output).as_str(), output.status.code()), ("", Some(0)));
}
