//! The figures of README's operating part. Run with `USTREDNA_E2E_MEASURE=1`, alone:
//! `USTREDNA_E2E_MEASURE=1 cargo test --release -p ustredna --test e2e measure -- --nocapture`.

use std::{env, fs, time::Duration};

use libtest_mimic::Trial;

use super::{A_MOMENT, shopper_calls_out};
use crate::{
    language::{DEALER, Setup},
    phone::{Callees, Steps},
    play,
    process::wait_for,
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
    let build = move |setup: &Setup| World::with_rtp_ports(setup, ports);
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
    let mut shoppers = world.call("many", &caller(15_000).times(AT_ONCE, AT_ONCE));
    let mut most = before;
    wait_for(Duration::from_secs(50), "the calls are over", || {
        most = most.max(resident_kb(pid));
        (!shoppers.is_busy()).then_some(())
    });
    let trace = dealers.stops();
    let talks = trace.invites().into_iter().filter(|leg| trace.leg(leg).answered_at(200).is_some());
    eprintln!(
        "resident: {before} kB with no call, at most {most} kB with {} talks: {:.0} kB a call",
        talks.count(),
        (most - before) / f64::from(AT_ONCE)
    );
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
