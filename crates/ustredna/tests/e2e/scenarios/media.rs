//! What phones and carriers do with media in a talk: other codecs, holds, other addresses, offers that
//! come late.

use super::{Service, keys::hears, misses};
use crate::{
    Scenario,
    exchange::get,
    language::{DEALER_HZ, OUTBOUND, SHOPPER_HZ, Setup},
    phone::raw::{ALAW, Call, Invite, Line, RawPhone, loopback, pause, sdp},
    process::now,
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("a_codec_that_is_refused_costs_little_of_the_talk", refused),
        Scenario::new("a_codec_that_is_refused_in_a_prompt_costs_no_key", refused_in_a_prompt),
        Scenario::new("a_hold_is_ended_by_an_invite_without_sdp", holds),
        Scenario::new("media_are_moved_to_the_carrier_alone", moved).in_world(carrier_alone),
        Scenario::new("an_invite_without_sdp_is_a_call", late),
    ]
}

const CALLER_HZ: u32 = SHOPPER_HZ;
const CALLED_HZ: u32 = DEALER_HZ;

/// A talk, both singing.
struct Talk<'a> {
    service: Service,
    call: Call<'a>,
    called: Call<'a>,
}

impl<'a> Talk<'a> {
    fn begins(world: &World, service: Service, phones: [&'a RawPhone; 2]) -> Self {
        Self::begins_by(&service.invite(), world, service, phones)
    }

    fn begins_by(
        invite: &Invite,
        world: &World,
        service: Service,
        phones: [&'a RawPhone; 2],
    ) -> Self {
        let (mut call, called) = service.rings_by(invite, world, phones[0], phones[1]);
        call.line.sings(CALLER_HZ);
        called.line.sings(CALLED_HZ);
        called.answers();
        service.is_answered(&mut call);
        Self { service, call, called }
    }

    /// Both ways, in the last so many ms, for most of the time.
    fn is_heard(&self, ms: u32, what: &str) {
        let begin = now();
        pause(ms);
        let enough = f64::from(ms) / 1000.0 * 0.7;
        let caller = self.called.line.ear().seconds_of(CALLER_HZ, begin);
        let other = self.call.line.ear().seconds_of(CALLED_HZ, begin);
        let service = self.service;
        assert!(caller > enough, "{what}, {service:?}: the caller is heard for {caller} s");
        assert!(other > enough, "{what}, {service:?}: the called one is heard for {other} s");
    }

    fn side(&mut self, is_called: bool) -> &mut Call<'a> {
        if is_called { &mut self.called } else { &mut self.call }
    }
}

/// Talks of both services, one for each side that does something.
fn talks<'a>(world: &World, phones: [&'a RawPhone; 2]) -> Vec<(bool, Talk<'a>)> {
    let of = |service| [true, false].map(|is_called| (is_called, service));
    let both = [of(Service::Out), of(Service::Back)].concat();
    both.into_iter()
        .map(|(is_called, service)| (is_called, Talk::begins(world, service, phones)))
        .collect()
}

fn refused(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let mut talks = talks(world, [&phone, &carrier]);
    pause(500);
    for (index, (is_called, talk)) in talks.iter_mut().enumerate() {
        let side = talk.side(*is_called);
        let at = side.line.address();
        let sound = sdp(at, ALAW, "sendrecv");
        let offer = match index {
            0 => sdp(at, &["9 G722/8000"], "sendrecv"),
            1 => sound.replace(&format!("m=audio {}", at.port()), "m=audio 0"),
            2 => sound.replace("m=audio", "m=video"),
            _ => sdp(at, &["18 G729/8000"], "sendrecv"),
        };
        let answer = side.asks("INVITE", "", &offer);
        assert_eq!(answer.code(), 488, "{}", answer.text);
        // FreeSWITCH asks once more for what was agreed.
        let asked = side.is_asked("INVITE");
        side.replies(&asked, 200, &sdp(side.line.address(), ALAW, "sendrecv"));
    }
    pause(1500);
    for (_, talk) in &talks {
        talk.is_heard(800, "after a codec was refused");
    }
    for (_, talk) in talks {
        talk.called.hangs_up_and(&talk.call);
    }
    world.rows("calls", 4, |call| !call["ended_at"].is_null());
}

/// In a prompt, before the first key.
fn refused_in_a_prompt(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let mut call = hears(world, &phone, OUTBOUND);
    call.line.sings(CALLER_HZ);
    let offer = sdp(call.line.address(), &["9 G722/8000"], "sendrecv");
    assert_eq!(call.asks("INVITE", "", &offer).code(), 488);
    let asked = call.is_asked("INVITE");
    call.replies(&asked, 200, &sdp(call.line.address(), ALAW, "sendrecv"));
    pause(500);
    call.line.keys("234567890#");
    let called = carrier.is_called(carrier.line(world.ports()));
    called.line.sings(CALLED_HZ);
    called.answers();
    let talk = Talk { service: Service::Out, call, called };
    pause(300);
    talk.is_heard(800, "after a codec was refused in a prompt");
    talk.called.hangs_up_and(&talk.call);
    world.rows("calls", 1, |call| call["outcome"] == "answered");
}

fn holds(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let mut talks = talks(world, [&phone, &carrier]);
    for (is_called, talk) in &mut talks {
        let side = talk.side(*is_called);
        let offer = sdp(side.line.address(), ALAW, "sendonly");
        assert_eq!(side.asks("INVITE", "", &offer).code(), 200);
        pause(300);
        let held = now();
        pause(300);
        assert_eq!(side.line.ear().packets(held), 0, "who holds hears the other side");
        let offer = side.asks("INVITE", "", "");
        assert!(!offer.text.contains("a=recvonly"), "{}", offer.text);
    }
    for (_, talk) in &talks {
        talk.is_heard(800, "after a hold");
    }
    for (_, talk) in talks {
        talk.called.hangs_up_and(&talk.call);
    }
    world.rows("recordings", 4, |recording| recording["verdict"] == "ok");
}

fn carrier_alone(setup: &Setup) -> World {
    World::with_switch(setup, &[("CARRIER_MEDIA", "127.0.0.1/32")])
}

fn moved(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let mut talks = talks(world, [&phone, &carrier]);
    for (is_called, talk) in &mut talks {
        // To another port of the carrier's: an ordinary thing.
        let side = talk.side(*is_called);
        let other = Line::at(loopback(1, 0).ip(), world.ports());
        other.speaks_to(side.line.to());
        let offer = sdp(other.address(), ALAW, "sendrecv");
        // Not before the answer: FreeSWITCH 1.11.2 hears no SIP of a leg which gets RTP from elsewhere alone.
        assert_eq!(side.asks("INVITE", "", &offer).code(), 200);
        other.sings(if *is_called { CALLED_HZ } else { CALLER_HZ });
        side.line = other;
    }
    for (_, talk) in &talks {
        talk.is_heard(800, "after media were moved");
    }
    for (is_called, talk) in &mut talks {
        let stranger = Line::at(loopback(9, 0).ip(), world.ports());
        let offer = sdp(stranger.address(), ALAW, "sendrecv");
        let begin = now();
        talk.side(*is_called).asks("INVITE", "", &offer);
        talk.call.ends();
        talk.called.ends();
        let packets = stranger.ear().packets(begin);
        assert!(packets < 3, "a stranger gets {packets} packets of the talk");
    }
    world.rows("calls", 4, |call| !call["ended_at"].is_null());
    let metrics = get(world.exchange.web, "/metrics").unwrap();
    assert!(metrics.contains("ustredna_alarms_total{kind=\"media\"} 4"), "{metrics}");
}

fn late(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    misses(world, &phone, &carrier);
    for service in [Service::Return, Service::Out, Service::Back] {
        let invite = service.invite().late();
        let (mut call, called) = service.rings_by(&invite, world, &phone, &carrier);
        called.says(180);
        pause(300);
        if service == Service::Back {
            assert_eq!(
                call.trace().codes(false),
                [180],
                "a dealer is answered by the shopper alone"
            );
        }
        call.line.sings(CALLER_HZ);
        called.line.sings(CALLED_HZ);
        called.answers();
        service.is_answered(&mut call);
        let talk = Talk { service, call, called };
        pause(300);
        talk.is_heard(1200, "by an INVITE without SDP");
        talk.called.hangs_up_and(&talk.call);
    }
    world.rows("recordings", 3, |recording| recording["verdict"] == "ok");
}
