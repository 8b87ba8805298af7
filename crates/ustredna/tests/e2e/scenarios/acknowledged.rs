//! An INVITE without SDP leaves it to the ACK where media go. Anybody who knows the call's ids may send
//! one: it is the carrier's, or the call ends.

use super::{Service, misses};
use crate::{
    Scenario,
    exchange::get,
    language::{DEALER_HZ, SHOPPER_HZ, Setup},
    phone::raw::{ALAW, Call, Line, RawPhone, Via, pause, sdp},
    process::now,
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("a_call_is_acknowledged_by_no_stranger", first).in_world(two_addresses),
        Scenario::new("a_talk_is_acknowledged_by_no_stranger", later).in_world(two_addresses),
    ]
}

/// The tone of strangers.
const STRANGE_HZ: u32 = 650;

fn two_addresses(setup: &Setup) -> World {
    World::with_switch(setup, &[("CARRIER_CIDR", "127.0.0.1/32,127.0.0.3/32")])
}

/// A stranger is faster than who should acknowledge.
fn acknowledges(world: &World, stranger: &RawPhone, call: &Call<'_>, via: Via) -> Line {
    let line = stranger.line(world.ports());
    line.speaks_to(call.media());
    line.sings(STRANGE_HZ);
    call.is_acknowledged_by(stranger, &sdp(line.address(), ALAW, "sendrecv"), via);
    pause(50);
    call.acknowledges(true);
    line
}

fn first(world: &mut World) {
    let begin = now();
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let (stranger, colleague) = (world.raw_phone(9), world.raw_phone(3));
    misses(world, &phone, &carrier);
    for (service, via) in [
        (Service::Out, Via::Own),
        (Service::Out, Via::OfPhone),
        (Service::Out, Via::Received),
        (Service::Out, Via::Quoted),
        (Service::Return, Via::Own),
    ] {
        let invite = service.invite().late();
        let mut call = phone.dials(&invite, world.sip(), phone.line(world.ports()));
        call.gets_alone(200);
        let line = acknowledges(world, &stranger, &call, via);
        call.ends();
        assert_eq!(line.ear().packets(begin), 0, "{service:?}, {via:?}: a stranger hears");
    }
    let invite = Service::Back.invite().late();
    let (mut call, called) = Service::Back.rings_by(&invite, world, &phone, &carrier);
    called.answers();
    call.gets_alone(200);
    let line = acknowledges(world, &stranger, &call, Via::Own);
    call.ends();
    called.ends();
    assert_eq!(line.ear().packets(begin), 0, "a stranger hears");
    assert!(called.line.ear().seconds_of(STRANGE_HZ, begin) < 0.01, "a stranger is heard");
    // Another address of the carrier's.
    let mut call =
        phone.dials(&Service::Out.invite().late(), world.sip(), phone.line(world.ports()));
    call.gets_alone(200);
    call.is_acknowledged_by(&colleague, &sdp(call.line.address(), ALAW, "sendrecv"), Via::Own);
    call.line.keys("234567890#");
    let called = carrier.is_called(carrier.line(world.ports()));
    called.answers();
    talk_is_heard(&call, &called);
    called.hangs_up_and(&call);
    world.rows("calls", 8, |call| !call["ended_at"].is_null());
    let metrics = get(world.exchange.web, "/metrics").unwrap();
    assert!(metrics.contains("ustredna_alarms_total{kind=\"taken_over\"} 6"), "{metrics}");
}

/// Both ways.
fn talk_is_heard(call: &Call<'_>, called: &Call<'_>) {
    call.line.sings(SHOPPER_HZ);
    called.line.sings(DEALER_HZ);
    pause(300);
    let begin = now();
    pause(1000);
    let there = called.line.ear().seconds_of(SHOPPER_HZ, begin);
    let here = call.line.ear().seconds_of(DEALER_HZ, begin);
    assert!(
        there > 0.7 && here > 0.7,
        "the caller is heard for {there} s, the called for {here} s"
    );
}

fn later(world: &mut World) {
    let begin = now();
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let (stranger, colleague) = (world.raw_phone(9), world.raw_phone(3));
    for (service, of_called, via) in [
        (Service::Out, true, Via::Own),
        (Service::Out, false, Via::OfPhone),
        (Service::Back, true, Via::Received),
        (Service::Back, false, Via::Quoted),
    ] {
        let (mut call, mut called) = service.rings(world, &phone, &carrier);
        called.answers();
        service.is_answered(&mut call);
        talk_is_heard(&call, &called);
        let side = if of_called { &mut called } else { &mut call };
        assert_eq!(side.asks_alone("INVITE", "", "").code(), 200);
        let same = sdp(side.line.address(), ALAW, "sendrecv");
        side.is_acknowledged_by(&colleague, &same, Via::Own);
        talk_is_heard(&call, &called);
        let side = if of_called { &mut called } else { &mut call };
        assert_eq!(side.asks_alone("INVITE", "", "").code(), 200);
        let line = acknowledges(world, &stranger, side, via);
        call.ends();
        called.ends();
        let packets = line.ear().packets(begin);
        assert!(packets < 3, "{service:?}, {via:?}: a stranger gets {packets} packets");
        for side in [&call, &called] {
            assert!(side.line.ear().seconds_of(STRANGE_HZ, begin) < 0.01, "a stranger is heard");
        }
    }
    world.rows("recordings", 4, |row| row["verdict"] == "ok");
    let metrics = get(world.exchange.web, "/metrics").unwrap();
    assert!(metrics.contains("ustredna_alarms_total{kind=\"taken_over\"} 4"), "{metrics}");
}
