//! Keys where no telephone-event was agreed: in tones, and by SIP INFO.

use super::{A_MOMENT, keys::WAIT};
use crate::{
    Scenario,
    language::{DEALER, FIRST, OUTBOUND, SHOPPER},
    phone::raw::{ALAW, Call, Invite, RawPhone, pause, sdp},
    process::now,
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("keys_in_tones_are_understood_and_never_doubled", in_tones),
        Scenario::new("keys_in_tones_are_understood_after_a_late_offer", late),
        Scenario::new("keys_by_info_are_understood", by_info),
        Scenario::new("tones_and_info_before_the_answer_never_pass", early),
        Scenario::new("who_knows_no_events_gets_keys_as_tones", to_tones),
    ]
}

/// G.711 alone.
const TONES: &[&str] = &["8 PCMA/8000"];

fn dials<'a>(world: &World, phone: &'a RawPhone, from: &str, to: &str) -> Call<'a> {
    let invite = Invite::new(from, to).offers(TONES);
    let call = phone.dials(&invite, world.sip(), phone.line(world.ports()));
    call.line.sings(650);
    call
}

fn picks_up(called: &Call<'_>, codecs: &[&str]) {
    called.line.sings(650);
    called.answers_with("", &sdp(called.line.address(), codecs, "sendrecv"));
}

fn in_tones(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let mut call = dials(world, &phone, SHOPPER, OUTBOUND);
    call.gets(200);
    pause(A_MOMENT);
    // Over the prompt.
    call.line.tones("234567890#");
    let mut called = carrier.is_called(carrier.line(world.ports()));
    assert!(called.invite().first_line().contains(DEALER), "{}", called.invite().first_line());
    called.says(180);
    call.line.tones("55");
    pause(1000);
    let answered = now();
    picks_up(&called, ALAW);
    pause(1000);
    call.line.tones("12");
    called.line.keys("34");
    pause(2000);
    let (here, there) = (call.line.ear(), called.line.ear());
    assert_eq!(there.tones(answered), "12", "tones are heard as they are");
    assert_eq!(there.keys(None), "", "and are no events besides");
    assert_eq!(here.tones(answered), "34", "events become tones");
    called.hangs_up();
    call.ends();
}

fn late(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let invite = Invite::new(SHOPPER, OUTBOUND).offers(TONES).late();
    let mut call = phone.dials(&invite, world.sip(), phone.line(world.ports()));
    call.line.sings(650);
    call.gets(200);
    pause(A_MOMENT);
    call.line.tones("234567890#");
    let mut called = carrier.is_called(carrier.line(world.ports()));
    assert!(called.invite().first_line().contains(DEALER), "{}", called.invite().first_line());
    picks_up(&called, ALAW);
    called.hangs_up();
    call.ends();
}

/// A key by INFO, and the pause after it.
fn tells(call: &mut Call<'_>, kind: &str, body: &str) {
    let answer = call.asks("INFO", &format!("Content-Type: application/{kind}\n"), body);
    assert_eq!(answer.code(), 200, "{}", answer.text);
    pause(120);
}

fn by_info(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let relay = |key: char| format!("Signal={key}\nDuration=160\n");
    let mut call = dials(world, &phone, SHOPPER, OUTBOUND);
    call.gets(200);
    pause(A_MOMENT);
    for key in "23456".chars() {
        tells(&mut call, "dtmf-relay", &relay(key));
    }
    for key in ["7", "8", "9", "0", "11"] {
        tells(&mut call, "dtmf", key);
    }
    let mut called = carrier.is_called(carrier.line(world.ports()));
    assert!(called.invite().first_line().contains(DEALER), "{}", called.invite().first_line());
    called.says(180);
    tells(&mut call, "dtmf-relay", &relay('5'));
    picks_up(&called, ALAW);
    pause(1000);
    tells(&mut call, "dtmf-relay", &relay('1'));
    pause(1500);
    assert_eq!(called.line.ear().keys(None), "1");
    called.hangs_up();
    call.ends();
}

/// Whether a phone got a key by INFO.
fn is_told(call: &Call<'_>) -> bool {
    call.trace().messages().iter().any(|message| !message.sent && message.is_request("INFO"))
}

/// Neither side knows telephone-event, and both key while it rings.
fn early(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let relay = |key: char| format!("Signal={key}\nDuration=160\n");
    for (from, to, keys) in [(SHOPPER, OUTBOUND, "234567890#"), (DEALER, FIRST, "")] {
        let begin = now();
        let mut call = dials(world, &phone, from, to);
        if !keys.is_empty() {
            call.gets(200);
            pause(A_MOMENT);
            call.line.tones(keys);
        }
        let mut called = carrier.is_called(carrier.line(world.ports()));
        called.line.sings(650);
        called.progresses_with(&sdp(called.line.address(), TONES, "sendrecv"));
        if keys.is_empty() {
            call.gets(180);
        }
        call.line.tones("55");
        called.line.tones("66");
        tells(&mut call, "dtmf-relay", &relay('7'));
        tells(&mut called, "dtmf-relay", &relay('8'));
        pause(800);
        picks_up(&called, TONES);
        call.gets(200);
        pause(WAIT);
        let (here, there) = (call.line.ear().clone(), called.line.ear().clone());
        assert_eq!((there.tones(begin), here.tones(begin)), (String::new(), String::new()));
        tells(&mut call, "dtmf-relay", &relay('1'));
        tells(&mut called, "dtmf-relay", &relay('2'));
        pause(1500);
        assert_eq!((there.tones(begin).as_str(), here.tones(begin).as_str()), ("1", "2"));
        assert_eq!((there.keys(None).as_str(), here.keys(None).as_str()), ("", ""));
        assert!(!is_told(&call) && !is_told(&called), "a key came by INFO");
        called.hangs_up();
        call.ends();
    }
}

fn to_tones(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let mut call = super::keys::dials(world, &phone, SHOPPER, OUTBOUND);
    call.gets(200);
    pause(A_MOMENT);
    call.line.keys("234567890#");
    let mut called = carrier.is_called(carrier.line(world.ports()));
    let answered = now();
    picks_up(&called, TONES);
    pause(1000);
    // A dealer's menu.
    call.line.keys("19#");
    pause(2500);
    assert_eq!(called.line.ear().tones(answered), "19#");
    assert!(!is_told(&called), "INFO is a switch's way");
    called.hangs_up();
    call.ends();
    // And a dealer who calls.
    let mut call = dials(world, &phone, DEALER, FIRST);
    let mut called = carrier.is_called(carrier.line(world.ports()));
    let answered = now();
    picks_up(&called, ALAW);
    call.gets(200);
    pause(1000);
    call.line.tones("8");
    called.line.keys("27");
    pause(2000);
    assert_eq!(call.line.ear().tones(answered), "27");
    assert_eq!(called.line.ear().tones(answered), "8");
    assert_eq!(called.line.ear().keys(None), "");
    called.hangs_up();
    call.ends();
}
