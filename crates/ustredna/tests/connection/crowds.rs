//! Crowds at both ports: whoever comes in whatever number takes nothing from the calls.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use crate::peer::{Exchange, Peer, now};

/// Within which an ordinary call is answered, however busy the machine is; who finds no place waits
/// until the first of the crowd are let go, after 20 s.
const USUAL: Duration = Duration::from_secs(12);

fn dial(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    stream
}

/// Everything that the other side says until it closes.
fn heard(mut stream: TcpStream) -> String {
    let mut heard = Vec::new();
    // Closed with an end or with a reset.
    drop(stream.read_to_end(&mut heard));
    String::from_utf8_lossy(&heard).into_owned()
}

fn asked(exchange: &Exchange, path: &str) -> String {
    let mut stream = dial(exchange.web());
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    heard(stream)
}

/// A shopper calls and a dealer is rung.
fn a_call_goes_through(exchange: &Exchange) {
    let began = now();
    let mut shopper = Peer::connect(exchange);
    shopper.arrives("234234399", "+420601123456");
    assert_eq!(shopper.next_execute().0, "answer");
    shopper.complete(&[]);
    assert_eq!(shopper.next_execute().0, "play_and_get_digits");
    shopper.keys("234567890", '#');
    assert_eq!(shopper.next_execute().0, "bridge");
    assert!(began.elapsed() < USUAL, "{:?}", began.elapsed());
    shopper.hangs_up("ORIGINATOR_CANCEL");
    exchange.calls();
}

#[test]
fn four_hundred_unfinished_requests_take_no_file_from_a_call() {
    let exchange = Exchange::start_after("ulimit -n 256", "");
    exchange.import("601123456,,cs,777000111,,,,");
    let unfinished = |_| {
        let mut stream = dial(exchange.web());
        // Those who find no seat are told so, or closed.
        drop(stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n"));
        stream
    };
    let crowd: Vec<TcpStream> = (0..400).map(unfinished).collect();
    a_call_goes_through(&exchange);
    assert_eq!(exchange.log_lines("could not be accepted"), 0, "{}", exchange.log());
    // Who says what they want is served: the silent ones make room.
    thread::sleep(Duration::from_millis(300));
    for path in ["/healthz", "/metrics"] {
        let answer = asked(&exchange, path);
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
    drop(crowd);
}

#[test]
fn bodies_that_trickle_and_readers_who_do_not_read_are_let_go() {
    let reports = "[sms.reports]\nsecret = \"sixteen-characters\"\nid = \"id\"\nstatus = \"status\"\n\
                   delivered = [\"DELIVRD\"]\nfailed = [\"UNDELIV\"]\n";
    let exchange = Exchange::start_after("ulimit -n 256", reports);
    exchange.import("601123456,,cs,777000111,,,,");
    let posted = |query: &str| {
        let mut stream = dial(exchange.web());
        let head = format!(
            "POST /sms/reports{query} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nid"
        );
        drop(stream.write_all(head.as_bytes()));
        stream
    };
    // Who has no secret does not get as far as to be read.
    let began = now();
    assert!(heard(posted("")).starts_with("HTTP/1.1 401"));
    assert!(began.elapsed() < USUAL, "{:?}", began.elapsed());
    let bodies: Vec<TcpStream> = (0..60).map(|_| posted("?secret=sixteen-characters")).collect();
    let pipelined = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
    let unread = |_| {
        let mut stream = dial(exchange.web());
        drop(stream.write_all(pipelined.as_bytes()));
        stream
    };
    let readers: Vec<TcpStream> = (0..60).map(unread).collect();
    a_call_goes_through(&exchange);
    // The first ones got seats, and lose them with the time.
    let answer = heard(bodies.into_iter().next().unwrap());
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(asked(&exchange, "/healthz").starts_with("HTTP/1.1 200"));
    drop(readers);
}

#[test]
fn what_is_no_request_is_closed_at_once_and_what_is_idle_after_a_while() {
    let exchange = Exchange::start("");
    let huge = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: x\r\n".repeat(1000));
    // A browser that was told https, another protocol, garbage.
    let tls: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    for said in
        [huge.as_bytes(), many.as_bytes(), tls, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0\0\0\n"]
    {
        let mut stream = dial(exchange.web());
        drop(stream.write_all(said));
        let began = now();
        heard(stream);
        assert!(
            began.elapsed() < USUAL,
            "{}",
            String::from_utf8_lossy(&said[..20.min(said.len())])
        );
    }
    let silent = dial(exchange.web());
    let mut kept = dial(exchange.web());
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut trickling = dial(exchange.web());
    trickling.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").unwrap();
    let began = now();
    assert!(heard(kept).starts_with("HTTP/1.1 200"));
    assert_eq!((heard(silent), heard(trickling)), (String::new(), String::new()));
    let took = began.elapsed();
    assert!((15..40).contains(&took.as_secs()), "{took:?}");
}

#[test]
fn those_who_never_say_that_they_are_freeswitch_take_no_call_s_place() {
    let exchange = Exchange::start("[switch]\nmax_calls = 2\n");
    exchange.import("601123456,,cs,777000111,,,,");
    let silent: Vec<TcpStream> = (0..300).map(|_| exchange.dial()).collect();
    thread::sleep(Duration::from_millis(300));
    a_call_goes_through(&exchange);
    drop(silent);
}

#[test]
fn a_crowd_does_not_hold_up_the_end() {
    let mut exchange = Exchange::start("");
    let _crowd: Vec<TcpStream> = (0..50)
        .map(|at| {
            let mut stream = dial(exchange.web());
            if at % 2 == 0 {
                stream.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
            }
            stream
        })
        .collect();
    assert!(asked(&exchange, "/healthz").starts_with("HTTP/1.1 200"));
    exchange.terminate();
    let (code, took) = exchange.ended();
    assert_eq!(code, Some(0));
    assert!(took < USUAL, "{took:?}");
}

#[test]
fn too_few_files_for_any_call_are_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let line = "ulimit -n 60 && exec \"$0\" serve";
    let told = std::process::Command::new("sh")
        .args(["-c", line, env!("CARGO_BIN_EXE_ustredna")])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.contains("ulimit -n") && told.contains("LimitNOFILE"), "{told}");
}
