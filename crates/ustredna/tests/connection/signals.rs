//! Signals other than SIGTERM, a terminal that is closed, and a log that nobody reads.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::net::UnixDatagram,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    peer::{Exchange, Peer},
    shopper_dials,
    stopping::heard,
};

/// INT, QUIT, ILL, TRAP, ABRT, BUS, FPE, KILL, SEGV, TERM, STOP, PWR, SYS; and the two real-time
/// signals that the C library keeps for itself and nobody can catch.
const FATAL: [u8; 15] = [2, 3, 4, 5, 6, 7, 8, 9, 11, 15, 19, 30, 31, 32, 33];

fn is_answered(exchange: &Exchange, call: u8) {
    let mut peer = Peer::connect_as(exchange, call);
    peer.arrives("234234399", "+420608999888");
    assert_eq!(peer.next_execute().0, "answer");
}

#[test]
fn signals_that_mean_nothing_here_end_nothing() {
    let mut exchange = Exchange::start("");
    let mut shopper = shopper_dials(&exchange);
    let pid = exchange.pid().to_string();
    for (call, number) in (1..=64_u8).filter(|number| !FATAL.contains(number)).enumerate() {
        // Not every number has a name that a library knows.
        let sent = Command::new("/bin/sh").args(["-c", &format!("kill -{number} {pid}")]).status();
        assert!(sent.unwrap().success(), "{number}");
        if [20, 21, 22].contains(&number) {
            exchange.signal(Signal::CONT);
        }
        if number % 8 == 0 {
            is_answered(&exchange, 100 + u8::try_from(call).unwrap());
        }
    }
    // HUP, USR1, USR2, ALRM, STKFLT, VTALRM, PROF, IO and the real-time ones.
    let ignored = 8 + (34..=64).count();
    assert_eq!(exchange.wait_for_lines("is ignored", ignored), ignored);
    assert_eq!(exchange.wait_for_lines("ulimit -f", 1), 1);
    assert_eq!(exchange.wait_for_lines("ulimit -t", 1), 1);
    is_answered(&exchange, 2);
    shopper.keys("234567890", '#');
    assert_eq!(shopper.next_execute().0, "bridge");
    shopper.hangs_up("ORIGINATOR_CANCEL");
    exchange.signal(Signal::QUIT);
    assert_eq!(exchange.ended().0, Some(0));
    assert_eq!(exchange.log_lines("stopping: no new calls are taken"), 1);
}

#[test]
fn calls_end_in_order_when_the_power_fails() {
    let mut exchange = Exchange::start("");
    let mut shopper = shopper_dials(&exchange);
    exchange.signal(Signal::POWER);
    assert_eq!(exchange.wait_for_lines("stopping: no new calls are taken", 1), 1);
    shopper.keys("234567890", '#');
    assert_eq!(shopper.next_execute().0, "bridge");
    shopper.hangs_up("ORIGINATOR_CANCEL");
    assert_eq!(exchange.ended().0, Some(0));
}

/// `script` gives the program a terminal of its own, and takes it away when it is killed.
#[test]
fn a_terminal_that_is_closed_lets_calls_end() {
    if Command::new("script").arg("--version").output().is_err() {
        return println!("skipped: there is no `script` (Debian: bsdutils)");
    }
    for (before, stops) in [("", true), ("trap '' HUP; ", false)] {
        let program = env!("CARGO_BIN_EXE_ustredna");
        let line = format!("{before}echo $$ > pid; exec {program} serve 2>> log");
        let folder = tempfile::tempdir().unwrap();
        let mut script = Command::new("script");
        script.args(["-qefc", &line, "/dev/null"]).current_dir(folder.path());
        script.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut exchange = Exchange::start_by(script, folder, "[exchange]\ndrain = \"60s\"\n");
        let mut shopper = shopper_dials(&exchange);
        exchange.signal(Signal::KILL);
        exchange.ended();
        if stops {
            assert_eq!(exchange.wait_for_lines("stopping: no new calls are taken", 1), 1);
            assert_eq!(exchange.wait_for_lines("the terminal is gone", 1), 1);
        } else {
            thread::sleep(Duration::from_secs(1));
            is_answered(&exchange, 2);
            assert_eq!(exchange.log_lines("stopping"), 0);
        }
        // Who is asked for a number can still key it.
        shopper.keys("234567890", '#');
        assert_eq!(shopper.next_execute().0, "bridge");
        shopper.hangs_up("ORIGINATOR_CANCEL");
        exchange.calls();
        if stops {
            assert_eq!(exchange.wait_for_lines("all calls have ended", 1), 1);
        } else {
            let pid = fs::read_to_string(exchange.folder().join("pid")).unwrap();
            let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
            kill_process(pid, Signal::KILL).unwrap();
        }
    }
}

#[test]
fn a_log_that_nobody_reads_holds_up_no_call() {
    // Gone after a line, and there but not reading.
    for reads_on in [false, true] {
        let (mut exchange, log) = Exchange::start_read("[log]\nlevel = \"trace\"\n");
        let mut reader = BufReader::new(log);
        let mut line = String::new();
        while !line.contains("waiting for FreeSWITCH") {
            line.clear();
            assert!(reader.read_line(&mut line).unwrap() > 0, "it ended");
        }
        let reader = reads_on.then_some(reader);
        // Several times what a pipe takes.
        for call in 0..200 {
            is_answered(&exchange, call);
        }
        // A slow disk takes its time for them, and nobody is rung while it does.
        exchange.wait_for_ends(200);
        let mut shopper = shopper_dials(&exchange);
        shopper.keys("234567890", '#');
        assert_eq!(shopper.next_execute().0, "bridge");
        shopper.hangs_up("ORIGINATOR_CANCEL");
        exchange.terminate();
        let (code, took) = exchange.ended();
        assert_eq!(code, Some(0));
        assert!(took < Duration::from_secs(20), "{took:?}");
        drop(reader);
    }
}

#[test]
fn systemd_is_told_that_it_lives() {
    let folder = tempfile::tempdir().unwrap();
    let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let exchange = Exchange::start_in(folder, "", |command, folder| {
        command.env("NOTIFY_SOCKET", folder.join("notify")).env("WATCHDOG_USEC", "600000");
    });
    assert!(heard(&socket).contains("READY=1"));
    assert_eq!(
        [heard(&socket), heard(&socket)],
        ["WATCHDOG=1", "WATCHDOG=1"].map(|s| format!("{s}\n"))
    );
    drop(exchange);
}
