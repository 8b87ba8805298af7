//! Who answers is not always who sent early media: an announcement server, or another phone of a
//! carrier that forks calls. The talk is with who answered, and with nobody else.

use std::time::Instant;

use super::{Service, misses};
use crate::{
    Scenario,
    audio::{ALAW_PAYLOAD, ULAW_PAYLOAD},
    exchange::get,
    language::{DEALER_HZ, SHOPPER_HZ},
    phone::raw::{ALAW, Call, Line, RawPhone, pause, sdp},
    process::now,
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("a_talk_is_with_who_answers_and_not_with_early_media", forked),
        Scenario::new("a_talk_is_with_who_answers_in_the_other_services", forked_back),
        Scenario::new("a_talk_is_with_who_answers_when_the_exchange_is_gone", dies),
        Scenario::new("a_talk_is_with_who_answers_or_ends", refused),
        Scenario::new("who_was_never_connected_was_not_reached", unconnected),
    ]
}

const CALLER_HZ: u32 = SHOPPER_HZ;
const CALLED_HZ: u32 = DEALER_HZ;
/// Of who sends early media.
const EARLY_HZ: u32 = 650;
const ULAW: &[&str] = &["0 PCMU/8000", "101 telephone-event/8000"];

/// An announcement, and then somebody else picks up; who played the announcement goes on singing.
#[derive(Clone, Copy)]
struct Fork {
    /// The laws of the two.
    early: u8,
    answer: u8,
    /// To's tag in the answer; the announcement's is `raw-called`.
    tag: &'static str,
}

const OTHER: Fork = Fork { early: ALAW_PAYLOAD, answer: ALAW_PAYLOAD, tag: "raw-other" };
const SAME: Fork = Fork { tag: "raw-called", ..OTHER };

fn codecs(payload_type: u8) -> &'static [&'static str] {
    if payload_type == ALAW_PAYLOAD { ALAW } else { ULAW }
}

/// `other` is the line of who picks up.
fn talks(fork: Fork, service: Service, call: &mut Call<'_>, mut called: Call<'_>, other: Line) {
    call.line.sings(CALLER_HZ);
    called.line.speaks(fork.early);
    called.line.sings(EARLY_HZ);
    called.progresses_with(&sdp(called.line.address(), codecs(fork.early), "sendrecv"));
    pause(600);
    let early = called.goes_over_to(other, fork.tag);
    called.line.speaks(fork.answer);
    called.line.sings(CALLED_HZ);
    let answered = now();
    let answer = sdp(called.line.address(), codecs(fork.answer), "sendrecv");
    called.answers_with("", &answer);
    // FreeSWITCH asks whoever answered, and not who played the announcement.
    let asked = called.is_asked("INVITE");
    let to = asked.header("To");
    assert!(to.contains(&format!(";tag={}", fork.tag)), "{to}");
    // A mobile phone's network takes its time.
    pause(300);
    assert_eq!(called.line.ear().packets(answered), 0, "before it is known where to");
    called.replies(&asked, 200, &answer);
    service.is_answered(call);
    pause(2000);
    let called = called.hangs_up_and(call);
    let (here, there) = (call.line.ear(), called.line.ear());
    let heard = (there.seconds_of(CALLER_HZ, answered), here.seconds_of(CALLED_HZ, answered));
    assert!(heard.0 > 1.2, "the caller is heard for {} s", heard.0);
    assert!(heard.1 > 1.2, "who answered is heard for {} s", heard.1);
    assert_eq!(early.ear().packets(answered), 0, "the announcement server hears the talk");
    let strange = here.seconds_of(EARLY_HZ, answered);
    assert!(strange < 0.01, "the announcement is heard in the talk for {strange} s");
}

fn is_forked(world: &World, service: Service, fork: Fork, phones: [&RawPhone; 2]) {
    let (mut call, called) = service.rings(world, phones[0], phones[1]);
    talks(fork, service, &mut call, called, phones[1].line(world.ports()));
}

/// Each is recorded as it was heard.
fn are_recorded(world: &World, services: &[Service]) {
    let recordings = world.rows("recordings", services.len(), |row| row["verdict"] == "ok");
    let mut by_path: Vec<_> = recordings.iter().collect();
    by_path.sort_by_key(|row| row["path"].to_string());
    for (recording, service) in by_path.into_iter().zip(services) {
        let recorded = world.recorded(recording);
        let (near, far) = service.sides(&recorded);
        let early = far.seconds_of(EARLY_HZ);
        let (near, far) = (near.seconds_of(CALLER_HZ), far.seconds_of(CALLED_HZ));
        assert!(near > 1.2 && far > 1.2, "{service:?}: {near} s, {far} s: {recording:#}");
        assert!(early < 0.01, "{service:?}: {early} s of the announcement");
    }
}

fn forked(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    is_forked(world, Service::Out, SAME, [&phone, &carrier]);
    let to_alaw = Fork { early: ULAW_PAYLOAD, ..OTHER };
    is_forked(world, Service::Out, to_alaw, [&phone, &carrier]);
    are_recorded(world, &[Service::Out; 2]);
}

fn forked_back(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    misses(world, &phone, &carrier);
    let to_ulaw = Fork { answer: ULAW_PAYLOAD, ..OTHER };
    is_forked(world, Service::Return, to_ulaw, [&phone, &carrier]);
    is_forked(world, Service::Back, OTHER, [&phone, &carrier]);
    are_recorded(world, &[Service::Return, Service::Back]);
}

fn dies(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let (mut call, called) = Service::Out.rings(world, &phone, &carrier);
    world.exchange.process().kill();
    talks(OTHER, Service::Out, &mut call, called, carrier.line(world.ports()));
}

fn refused(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    misses(world, &phone, &carrier);
    // The shopper is told, and may go on; a dealer has been answered, and is hung up.
    for service in [Service::Out, Service::Return, Service::Back] {
        is_refused(world, service, [&phone, &carrier]);
    }
    world.rows("calls", 4, |call| !call["ended_at"].is_null() && call["outcome"] != "answered");
    // Nobody has been reached, and a dealer was missed once more.
    world.rows("tickets", 1, |ticket| ticket["status"] == "open" && ticket["missed"] == 2);
    let metrics = get(world.exchange.web, "/metrics").unwrap();
    assert!(metrics.contains("ustredna_alarms_total{kind=\"media\"} 3"), "{metrics}");
}

fn is_refused(world: &World, service: Service, phones: [&RawPhone; 2]) {
    let (mut call, called, early, answered) = is_picked_up(world, service, phones);
    let asked = called.is_asked("INVITE");
    called.replies(&asked, 488, "");
    service.is_answered(&mut call);
    called.ends();
    if service == Service::Back {
        call.ends();
    } else {
        pause(2000);
        assert!(!call.is_over(), "{service:?}: the shopper is told");
        assert!(call.line.ear().packets(answered) > 50, "{service:?}: the shopper is told");
        call.hangs_up();
    }
    assert_eq!(early.ear().packets(answered), 0, "the announcement server hears the talk");
    for hz in [EARLY_HZ, CALLED_HZ] {
        assert!(call.line.ear().seconds_of(hz, answered) < 0.01, "{hz} Hz is heard");
    }
}

/// The called side picks up elsewhere than its announcement came from.
fn is_picked_up<'a>(
    world: &World,
    service: Service,
    phones: [&'a RawPhone; 2],
) -> (Call<'a>, Call<'a>, Line, Instant) {
    let (call, mut called) = service.rings(world, phones[0], phones[1]);
    call.line.sings(CALLER_HZ);
    called.line.sings(EARLY_HZ);
    called.progresses();
    pause(300);
    let early = called.goes_over_to(phones[1].line(world.ports()), "raw-other");
    called.line.sings(CALLED_HZ);
    let answered = now();
    called.answers();
    (call, called, early, answered)
}

/// Who answers is hung up, or hangs up, or the exchange dies, before the two are connected.
fn unconnected(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    misses(world, &phone, &carrier);
    for service in [Service::Return, Service::Back] {
        let (mut call, mut called, ..) = is_picked_up(world, service, [&phone, &carrier]);
        called.is_asked("INVITE");
        called.hangs_up();
        service.is_answered(&mut call);
        if service == Service::Back {
            call.ends();
        } else {
            pause(500);
            call.hangs_up();
        }
    }
    world.rows("calls", 3, |call| !call["ended_at"].is_null() && call["outcome"] != "answered");
    world.rows("tickets", 1, |ticket| ticket["status"] == "open" && ticket["missed"] == 2);
    let (mut call, called, ..) = is_picked_up(world, Service::Back, [&phone, &carrier]);
    let asked = called.is_asked("INVITE");
    world.exchange.process().kill();
    called.replies(&asked, 488, "");
    call.gets(200);
    called.ends();
    call.ends();
    world.exchange.start();
    world.rows("calls", 4, |call| !call["ended_at"].is_null() && call["outcome"] != "answered");
    world.rows("tickets", 1, |ticket| ticket["status"] == "open" && ticket["missed"] == 3);
}
