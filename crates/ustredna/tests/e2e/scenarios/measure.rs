//! The figures of README's operating part. Run with `USTREDNA_E2E_MEASURE=1`, alone:
//! `USTREDNA_E2E_MEASURE=1 cargo test --release -p ustredna --test e2e measure -- --nocapture`.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use jiff::Timestamp;
use libtest_mimic::Trial;

use super::{A_MOMENT, shopper_calls_out};
use crate::{
    exchange::Row,
    language::{DEALER, Setup},
    phone::{Callees, Steps},
    play,
    process::{now, wait_for},
    switch::PASSWORD,
    world::World,
};

/// Calls one after another, for the times.
const CALLS: u32 = 40;
/// Calls at once, for the memory.
const AT_ONCE: u32 = 100;

/// The trial, if it is asked for.
pub(crate) fn measure() -> Option<Trial> {
    env::var_os("USTREDNA_E2E_MEASURE")?;
    let ports = 4 * u16::try_from(AT_ONCE).unwrap() + 20;
    let build = move |setup: &Setup| World::with_ports(setup, ports, 20);
    Some(Trial::test("measure", move || play(build, &Setup::default(), look)))
}

fn look(world: &mut World) {
    let mut dealer = world.callees(&Callees::new().refuses(DEALER, 486));
    let keyed = "234567890#";
    let caller =
        |wait| shopper_calls_out(Steps::new().waits(A_MOMENT).keys(keyed).waits(wait).hangs_up());
    let (mut to_answer, mut to_invite) = (Vec::new(), Vec::new());
    let mut shopper = world.call("timed", &caller(700).times(CALLS, 1));
    wait_for(Duration::from_mins(5), "the timed calls are over", || {
        (!shopper.is_busy()).then_some(())
    });
    let (calls, rung) = (shopper.finishes(), dealer.stops());
    for (call, rung) in calls.invites().into_iter().zip(rung.invites()) {
        let leg = calls.leg(call);
        to_answer.push((leg.answered_at(200).unwrap() - call.at) * 1000.0);
        // The last key is let go 80 ms before the wait that follows it begins.
        let keys = f64::from(u32::try_from(keyed.len()).unwrap());
        let keyed_in = f64::from(A_MOMENT) / 1000.0 + keys * 0.18 - 0.08;
        to_invite.push((rung.at - leg.request_at("ACK").unwrap() - keyed_in) * 1000.0);
    }
    eprintln!("INVITE to 200 OK: {:.1} ms at the median of {CALLS} calls", median(&mut to_answer));
    eprintln!("end of the last # to the dealer's INVITE: {:.1} ms", median(&mut to_invite));

    let pid = world.exchange.process().pid();
    let before = resident_kb(pid);
    let listens = Steps::new().listens_until_hangup(60_000);
    let mut dealers = world.callees(&Callees::new().answers(DEALER, listens));
    let steps = Steps::new().waits(A_MOMENT).keys(keyed).listens_until_hangup(60_000);
    let mut shoppers = world.call("many", &shopper_calls_out(steps).times(AT_ONCE, AT_ONCE));
    let mut most = before;
    let mut all_talk_since = None;
    wait_for(Duration::from_secs(50), "all talk for a while", || {
        most = most.max(resident_kb(pid));
        let talking = dealers.trace().messages().iter().filter(|m| m.is_answer(200)).count();
        if talking >= usize::try_from(AT_ONCE).unwrap() {
            let since = *all_talk_since.get_or_insert_with(now);
            return (now() > since + Duration::from_secs(5)).then_some(());
        }
        None
    });
    hang_up_all(world.addresses().event_socket);
    wait_for(Duration::from_secs(20), "the calls are over", || (!shoppers.is_busy()).then_some(()));
    let trace = dealers.stops();
    let talks = trace.invites().into_iter().filter(|leg| trace.leg(leg).answered_at(200).is_some());
    eprintln!(
        "resident: {before} kB with no call, at most {most} kB with {} talks: {:.0} kB a call",
        talks.count(),
        (most - before) / f64::from(AT_ONCE)
    );
    let proofs = proofs(world);
    let late = proofs[proofs.len() * 99 / 100 - 1];
    eprintln!(
        "hang-up to proof, {AT_ONCE} calls ending at once: {:.2} s at the median, {late:.2} s at the 99th percentile",
        proofs[proofs.len() / 2]
    );
    assert!(late < 5.0, "recordings are proven late");
}

/// All calls end in one moment.
fn hang_up_all(event_socket: u16) {
    let mut socket = TcpStream::connect(("127.0.0.1", event_socket)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    write!(socket, "auth {PASSWORD}\n\napi hupall NORMAL_CLEARING\n\n").unwrap();
    let mut answer = String::new();
    let mut bytes = [0; 512];
    while !answer.contains("+OK hangup all") {
        let read = socket.read(&mut bytes).unwrap();
        assert!(read > 0, "FreeSWITCH closed it: {answer}");
        answer.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
}

/// From the end of each of the last calls to the proof of its recording, in s, the shortest first.
fn proofs(world: &World) -> Vec<f64> {
    let time = |row: &Row, key: &str| row[key].as_str().map(|t| t.parse::<Timestamp>().unwrap());
    let recordings = world.rows("recordings", usize::try_from(AT_ONCE).unwrap(), |recording| {
        recording["verdict"] != "pending"
    });
    let calls = world.exchange.list("calls");
    let mut all: Vec<f64> = recordings
        .iter()
        .map(|recording| {
            let call = calls.iter().find(|call| call["id"] == recording["call"]).unwrap();
            let (ended, proven) = (time(call, "ended_at"), time(recording, "verified_at"));
            proven.unwrap().duration_since(ended.unwrap()).as_secs_f64()
        })
        .collect();
    all.sort_by(f64::total_cmp);
    all
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn resident_kb(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
