//! What strangers try: to take media over, to take calls over.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::A_MOMENT;
use crate::{
    Scenario,
    exchange::get,
    language::{DEALER, DEALER_HZ, FIRST, OUTBOUND, SHOPPER, SHOPPER_HZ, Setup},
    phone::raw::{ALAW, Call, Invite, Line, RawPhone, Request, loopback, pause, sdp},
    process::now,
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("media_go_to_no_address_but_the_agreed_one", media),
        Scenario::new("media_come_from_elsewhere_if_the_operator_says_so", nat).in_world(from_nat),
        Scenario::new("a_talk_is_moved_to_no_stranger", moved).in_world(two_addresses),
        Scenario::new("calls_of_strangers_keep_no_call_out", flood).in_world(as_shipped),
        Scenario::new("a_talk_outlives_what_nobody_asked_for", unasked),
        Scenario::new("a_talk_that_was_taken_over_is_ended", unlocked).in_world(without_lock),
        Scenario::new("a_talk_cannot_be_taken_over", replaces),
        Scenario::new("a_call_that_rings_cannot_be_taken_over", replaces_early),
    ]
}

/// The tone of strangers.
const STRANGE_HZ: u32 = 650;

fn dials<'a>(world: &World, phone: &'a RawPhone, from: &str, to: &str) -> Call<'a> {
    phone.dials(&Invite::new(from, to), world.sip(), phone.line(world.ports()))
}

/// The shopper's call out, until the dealer's phone is rung.
fn calls_out<'a>(
    world: &World,
    shopper: &'a RawPhone,
    dealer: &'a RawPhone,
) -> (Call<'a>, Call<'a>) {
    let mut call = dials(world, shopper, SHOPPER, OUTBOUND);
    call.gets(200);
    pause(A_MOMENT);
    call.line.keys("234567890#");
    let called = dealer.is_called(dealer.line(world.ports()));
    called.says(180);
    (call, called)
}

/// Strangers that sing to where this call's media go: at another address, and at another port of
/// the phone's own.
fn strangers(world: &World, call: &Call<'_>) -> [Line; 2] {
    [9, 1].map(|last| {
        let stranger = Line::at(loopback(last, 0).ip(), world.ports());
        stranger.speaks_to(call.media());
        stranger.sings(STRANGE_HZ);
        stranger
    })
}

fn media(world: &mut World) {
    let begin = now();
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    // The caller's phone has not sent anything yet, while the greeting is played.
    let mut call = dials(world, &phone, SHOPPER, OUTBOUND);
    call.gets(200);
    let near = strangers(world, &call);
    pause(A_MOMENT);
    for stranger in &near {
        stranger.keys("222333444#");
    }
    pause(2500);
    call.line.keys("234567890#");
    // Nor has the called one's, when it is answered.
    let called = carrier.is_called(carrier.line(world.ports()));
    called.answers();
    let far = strangers(world, &called);
    call.line.sings(SHOPPER_HZ);
    pause(1500);
    called.line.sings(DEALER_HZ);
    pause(2500);
    let called = called.hangs_up_and(&call);
    for stranger in near.iter().chain(&far) {
        assert_eq!(stranger.ear().packets(begin), 0, "a stranger hears");
    }
    let (here, there) = (call.line.ear(), called.line.ear());
    assert!(here.seconds_of(STRANGE_HZ, begin) < 0.01, "a stranger is heard by the caller");
    assert!(there.seconds_of(STRANGE_HZ, begin) < 0.01, "a stranger is heard by the called");
    assert!(there.seconds_of(SHOPPER_HZ, begin) > 3.0, "the caller is heard");
    assert!(here.seconds_of(DEALER_HZ, begin) > 2.0, "the called one is heard");
    assert_eq!(there.keys(None), "", "a stranger's keys");
    assert_eq!(carrier.trace().invites().len(), 1, "a stranger's keys");
    let first = carrier.trace().invites()[0].first_line().to_owned();
    assert!(first.contains(DEALER), "{first}");
}

/// A stranger who knows the dialog's ids would have the media: the call is ended instead.
fn two_addresses(setup: &Setup) -> World {
    World::with_switch(setup, &[("CARRIER_CIDR", "127.0.0.1/32,127.0.0.3/32")])
}

fn moved(world: &mut World) {
    let begin = now();
    let (phone, carrier, stranger) = (world.raw_phone(1), world.raw_callee(), world.raw_phone(9));
    for of_called in [true, false] {
        let (mut call, mut called) = calls_out(world, &phone, &carrier);
        called.answers();
        call.line.sings(SHOPPER_HZ);
        called.line.sings(DEALER_HZ);
        pause(500);
        // From another address of the carrier's and from the one that it came from it is obeyed.
        let colleague = world.raw_phone(3);
        for side in [&mut call, &mut called] {
            let same = sdp(side.line.address(), ALAW, "sendrecv");
            let answer = side.is_asked_by(&colleague, "INVITE", "", &same);
            assert_eq!(answer.map(|answer| answer.code()), Some(200));
            let answer = side.asks("INVITE", "", &same);
            assert_eq!(answer.code(), 200, "{}", answer.text);
        }
        pause(500);
        assert!(!call.is_over() && !called.is_over(), "the talk goes on");
        let strange = stranger.line(world.ports());
        let offer = sdp(strange.address(), ALAW, "sendrecv");
        strange.speaks_to(call.media());
        strange.sings(STRANGE_HZ);
        let side = if of_called { &mut called } else { &mut call };
        let update = side.is_asked_by(&stranger, "UPDATE", "", &offer);
        assert_eq!(update.map(|answer| answer.code()), Some(405));
        let moved = side.is_asked_by(&stranger, "INVITE", "", &offer);
        assert_ne!(moved.map(|answer| answer.code()), Some(200));
        // The BYE of that leg goes to the stranger, whose Contact FreeSWITCH has noted.
        if of_called {
            call.ends();
        } else {
            called.ends();
        }
        assert_eq!(strange.ear().packets(begin), 0, "a stranger hears");
        assert!(call.line.ear().seconds_of(STRANGE_HZ, begin) < 0.01, "a stranger is heard");
        assert!(called.line.ear().seconds_of(STRANGE_HZ, begin) < 0.01, "a stranger is heard");
    }
    assert_eq!(world.rows("calls", 2, |call| call["outcome"] == "answered").len(), 2);
    let metrics = get(world.exchange.web, "/metrics").unwrap();
    assert!(metrics.contains("ustredna_alarms_total{kind=\"taken_over\"} 2"), "{metrics}");
}

/// With the rate of new calls that the configuration ships.
fn as_shipped(setup: &Setup) -> World {
    World::with_switch(setup, &[("SESSIONS_PER_SECOND", "1000")])
}

/// Calls the exchange a hundred times a second until it is dropped.
struct Flood {
    over: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<u32>>,
}

impl Flood {
    fn begin(sip: SocketAddr) -> Self {
        let over = Arc::<AtomicBool>::default();
        let until = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let socket = UdpSocket::bind(loopback(9, 0)).unwrap();
            let mut sent = 0;
            while !until.load(Ordering::Relaxed) {
                let request = Request::new("INVITE", FIRST, sip);
                let (text, _) = request.text(socket.local_addr().unwrap(), sip);
                socket.send_to(text.replace('\n', "\r\n").as_bytes(), sip).unwrap();
                sent += 1;
                pause(10);
            }
            sent
        });
        Self { over, thread: Some(thread) }
    }

    /// How many calls there were.
    fn ends(&mut self) -> u32 {
        self.over.store(true, Ordering::Relaxed);
        self.thread.take().map_or(0, |thread| thread.join().unwrap())
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// A hundred calls a second from an address that is not the carrier's.
fn flood(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let mut flood = Flood::begin(world.sip());
    pause(1500);
    let codes: Vec<u16> = (0..20)
        .map(|_| {
            let mut call = dials(world, &phone, SHOPPER, OUTBOUND);
            let code = call.final_code();
            if code == 200 {
                call.gets(200);
                call.hangs_up();
            }
            code
        })
        .collect();
    assert_eq!(codes, [200; 20]);
    // And one whose dealer is rung.
    let (call, called) = calls_out(world, &phone, &carrier);
    called.answers();
    called.hangs_up_and(&call);
    let sent = flood.ends();
    assert!(sent > 100, "{sent} calls of a stranger");
    assert_eq!(world.rows("calls", 21, |call| !call["ended_at"].is_null()).len(), 21);
}

/// A NOTIFY in a talk, where nobody has subscribed to anything. The README of `freeswitch-conf` names
/// those that end it all the same; none is an alarm.
fn unasked(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let frag = "Content-Type: message/sipfrag;version=2.0\n";
    let active = "Subscription-State: active;expires=60\n";
    let over = "Subscription-State: terminated;reason=noresource\n";
    let asks = |headers: &str, body: &str, of_called: bool| {
        let (mut call, mut called) = calls_out(world, &phone, &carrier);
        called.answers();
        pause(300);
        for event in ["hold", "message-summary", "keep-alive", "dialog", "conference"] {
            let side = if of_called { &mut called } else { &mut call };
            side.asks("NOTIFY", &format!("Event: {event}\n{active}"), "");
        }
        let side = if of_called { &mut called } else { &mut call };
        side.asks("NOTIFY", headers, body);
        pause(1200);
        let goes_on = !call.is_over() && !called.is_over();
        // Whose phone ended its dialog so is gone, while the other one still talks.
        if !called.is_over() {
            called.hangs_up();
        }
        goes_on
    };
    for of_called in [true, false] {
        for told in ["SIP/2.0 100 Trying", "SIP/2.0 200 OK", "SIP/2.0 503 Gone"] {
            let headers = format!("Event: refer\n{active}{frag}");
            assert!(asks(&headers, told, of_called), "{told}, of the called one: {of_called}");
        }
    }
    for headers in [format!("Event: refer\n{over}{frag}"), format!("Event: talk\n{active}")] {
        asks(&headers, "SIP/2.0 200 OK", false);
    }
    world.rows("calls", 8, |call| call["outcome"] == "answered");
    let metrics = get(world.exchange.web, "/metrics").unwrap();
    assert!(metrics.contains("ustredna_alarms_total{kind=\"taken_over\"} 0"), "{metrics}");
}

fn from_nat(setup: &Setup) -> World {
    World::with_switch(setup, &[("RTP_STRICT", "false")])
}

/// The carrier's SDP names another port than its media come from.
fn nat(world: &mut World) {
    let begin = now();
    let (shopper, dealer) = (world.raw_phone(1), world.raw_callee());
    let (call, called) = calls_out(world, &shopper, &dealer);
    called.answers();
    let translated = Line::at(loopback(1, 0).ip(), world.ports());
    translated.speaks_to(called.media());
    translated.sings(DEALER_HZ);
    call.line.sings(SHOPPER_HZ);
    pause(2500);
    called.hangs_up_and(&call);
    assert!(call.line.ear().seconds_of(DEALER_HZ, begin) > 1.5, "the dealer is heard");
    assert!(translated.ear().seconds_of(SHOPPER_HZ, begin) > 1.5, "the shopper is heard");
}

/// An INVITE from a carrier's address that would replace this call's other side.
fn takes_over<'a>(
    world: &World,
    stranger: &'a RawPhone,
    call: &Call<'_>,
    header: &str,
) -> Call<'a> {
    let invite = Invite::new("+420608999888", OUTBOUND);
    let invite = invite.header(&format!("{header}: {}", call.dialog()));
    let taken = stranger.dials(&invite, world.sip(), stranger.line(world.ports()));
    taken.line.sings(STRANGE_HZ);
    taken
}

fn replaces(world: &mut World) {
    let begin = now();
    let (phone, carrier, stranger) = (world.raw_phone(1), world.raw_callee(), world.raw_phone(1));
    let (call, mut called) = calls_out(world, &phone, &carrier);
    called.answers();
    call.line.sings(SHOPPER_HZ);
    called.line.sings(DEALER_HZ);
    pause(1000);
    let mut taken = Vec::new();
    for side in [&called, &call] {
        taken.push(takes_over(world, &stranger, side, "Replaces"));
        pause(1200);
    }
    // A talk is no conference, and nobody is sent elsewhere.
    taken.push(takes_over(world, &stranger, &called, "Join"));
    for headers in ["", &format!("Replaces: {}\n", call.dialog())] {
        let to = format!("Refer-To: <sip:+420608999888@{}>\n{headers}", carrier.address());
        let answer = called.asks("REFER", &to, "");
        assert!(answer.code() >= 400, "REFER: {}", answer.text);
    }
    pause(1500);
    assert!(!call.is_over() && !called.is_over(), "the talk goes on");
    let called = called.hangs_up_and(&call);
    for (side, hz) in [(&called, SHOPPER_HZ), (&call, DEALER_HZ)] {
        assert!(side.line.ear().seconds_of(hz, begin) > 4.5, "the other side is heard throughout");
        assert!(side.line.ear().seconds_of(STRANGE_HZ, begin) < 0.01, "a stranger is heard");
    }
    for taken in &taken {
        assert!(taken.line.ear().seconds_of(SHOPPER_HZ, begin) < 0.01, "a stranger hears");
        assert!(taken.line.ear().seconds_of(DEALER_HZ, begin) < 0.01, "a stranger hears");
    }
    assert_eq!(carrier.trace().invites().len(), 1, "nobody else is called");
    let recordings = world.rows("recordings", 1, |recording| recording["verdict"] == "ok");
    assert!(recordings[0]["seconds"].as_f64().unwrap() > 4.5, "{recordings:?}");
}

fn replaces_early(world: &mut World) {
    let begin = now();
    let (phone, carrier, stranger) = (world.raw_phone(1), world.raw_callee(), world.raw_phone(1));
    // While the greeting is played FreeSWITCH gives the caller up, but to nobody.
    let mut call = dials(world, &phone, SHOPPER, OUTBOUND);
    call.gets(200);
    pause(500);
    let mut taken = vec![takes_over(world, &stranger, &call, "Replaces")];
    call.ends();
    // Who is rung, and who waits for them, in calls out and back.
    let (out, dealer) = calls_out(world, &phone, &carrier);
    let mut back = dials(world, &phone, DEALER, FIRST);
    back.gets(180);
    let shopper = carrier.is_called(carrier.line(world.ports()));
    shopper.says(180);
    for side in [&dealer, &out, &shopper, &back] {
        taken.push(takes_over(world, &stranger, side, "Replaces"));
        pause(300);
    }
    pause(1000);
    for (mut call, called) in [(out, dealer), (back, shopper)] {
        call.line.sings(SHOPPER_HZ);
        called.line.sings(DEALER_HZ);
        called.answers();
        call.gets(200);
        pause(1500);
        let called = called.hangs_up_and(&call);
        let (of_call, there) = (call.line.ear(), called.line.ear());
        assert!(of_call.seconds_of(DEALER_HZ, begin) > 1.0, "the called one is heard");
        assert!(there.seconds_of(SHOPPER_HZ, begin) > 1.0, "the caller is heard");
        assert!(there.seconds_of(STRANGE_HZ, begin) < 0.01, "a stranger is heard");
    }
    for taken in &taken {
        assert_eq!(taken.line.ear().packets(begin), 0, "a stranger hears");
        assert!(taken.is_over(), "a stranger is still there");
    }
    assert_eq!(carrier.trace().invites().len(), 2, "nobody else is called");
}

/// A FreeSWITCH that lets calls be taken over: should there be another way than we know.
fn without_lock(setup: &Setup) -> World {
    World::with_switch_without(setup, "freeswitch.xml", "execute_on_answer_by_any_way")
}

fn unlocked(world: &mut World) {
    let (phone, carrier, stranger) = (world.raw_phone(1), world.raw_callee(), world.raw_phone(1));
    for of_called in [true, false] {
        let (call, called) = calls_out(world, &phone, &carrier);
        called.answers();
        call.line.sings(SHOPPER_HZ);
        called.line.sings(DEALER_HZ);
        pause(1500);
        let side = if of_called { &called } else { &call };
        let taken = takes_over(world, &stranger, side, "Replaces");
        // One is pushed out by FreeSWITCH, the other one and the stranger by the exchange.
        for leg in [&call, &called, &taken] {
            leg.ends();
        }
    }
    let calls = world.rows("calls", 2, |call| !call["ended_at"].is_null());
    let metrics = get(world.exchange.web, "/metrics").unwrap();
    assert!(metrics.contains("ustredna_alarms_total{kind=\"taken_over\"} 2"), "{metrics}");
    for recording in world.rows("recordings", 2, |recording| recording["verdict"] != "pending") {
        let call = calls.iter().find(|call| call["id"] == recording["call"]).unwrap();
        let (file, talk) = (&recording["seconds"], &call["talk_seconds"]);
        let is_longer = file.as_f64().unwrap() > talk.as_f64().unwrap() + 2.0;
        let verdict = if is_longer { "broken" } else { "ok" };
        assert_eq!(recording["verdict"], verdict, "{file} s of a talk of {talk} s: {recording:#}");
    }
}
