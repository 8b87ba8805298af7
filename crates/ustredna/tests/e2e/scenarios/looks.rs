//! What a dealer's network and strangers see of the machine: as little of a switch as its settings
//! allow. freeswitch-conf/README.md lists what they do not.

use std::fs;

use super::A_MOMENT;
use crate::{
    Scenario,
    language::{DEALER, FIRST, OUTBOUND, SHOPPER},
    phone::raw::{Invite, RawPhone, Request, pause},
    sip_trace::Message,
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("a_dealer_s_network_sees_no_switch", dealers),
        Scenario::new("strangers_are_told_nothing", strangers),
    ]
}

/// What no message may hold, in small letters.
fn telling() -> Vec<String> {
    let mut telling: Vec<String> = [
        "freeswitch",
        "sofia",
        "signalwire",
        "ustredna",
        "x-fs",
        "server:",
        "gw+",
        "silencesupp",
        "reason:",
        "remote-party-id",
        "p-asserted",
        "p-preferred",
        "call-info",
        "date:",
        "organization",
    ]
    .map(str::to_owned)
    .to_vec();
    let host = fs::read_to_string("/etc/hostname").unwrap_or_default().trim().to_lowercase();
    // A short one may stand anywhere by chance.
    telling.extend((host.len() > 4 && host != "localhost").then_some(host));
    telling
}

fn assert_plain(phone: &RawPhone) {
    for message in phone.trace().messages().iter().filter(|message| !message.sent) {
        let small = message.without_tags().to_lowercase();
        for word in telling() {
            assert!(!small.contains(&word), "{word} in\n{}", message.text);
        }
    }
}

fn dealers(world: &mut World) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    // Called by a shopper, talking, asked within the talk; and hung up.
    let mut call =
        phone.dials(&Invite::new(SHOPPER, OUTBOUND), world.sip(), phone.line(world.ports()));
    call.gets(200);
    pause(A_MOMENT);
    call.line.keys("234567890#");
    let mut called = carrier.is_called(carrier.line(world.ports()));
    called.answers();
    for method in ["OPTIONS", "INFO", "UPDATE", "REFER", "SUBSCRIBE", "FOO"] {
        called.asks(method, "", "");
    }
    // A random UUID, of which nothing stays the same in the next call.
    let id = called.invite().header("Call-ID").to_owned();
    let version = uuid::Uuid::parse_str(&id).unwrap().get_version_num();
    assert_eq!(version, 4, "{id} tells the network card's address");
    called.hangs_up_and(&call);
    // Calling back: busy, given no number, and with nothing but a codec that is not spoken.
    let mut back = phone.dials(&Invite::new(DEALER, FIRST), world.sip(), phone.line(world.ports()));
    let busy = carrier.is_called(carrier.line(world.ports()));
    busy.says(486);
    back.gets(183);
    back.gets(486);
    let unknown = Invite::new(DEALER, "+420777000999");
    phone.dials(&unknown, world.sip(), phone.line(world.ports())).gets(404);
    let offer =
        "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 18\n";
    let request = Request::new("INVITE", FIRST, world.sip()).body("application/sdp", offer);
    let answer = phone.asks(&request, world.sip());
    assert_eq!(answer.map(|answer| answer.code()), Some(488), "{offer}");
    assert_plain(&phone);
    assert_plain(&carrier);
}

fn strangers(world: &mut World) {
    let stranger = world.raw_phone(9);
    let asks = |method: &str| -> Option<Message> {
        let request = Request::new(method, FIRST, world.sip());
        let request = request.header("Event: presence").header("Expires: 60");
        stranger.asks(&request.header("Refer-To: <sip:1@127.0.0.1>"), world.sip())
    };
    for (method, code) in [
        ("INVITE", 403),
        ("REGISTER", 405),
        ("SUBSCRIBE", 405),
        ("PUBLISH", 405),
        ("REFER", 405),
        ("NOTIFY", 481),
        ("UPDATE", 405),
        ("BYE", 481),
        ("CANCEL", 481),
        ("FOO", 501),
        // Which no setting changes.
        ("OPTIONS", 200),
        ("INFO", 200),
        ("MESSAGE", 202),
    ] {
        let answer = asks(method);
        let got = answer.as_ref().map(Message::code);
        assert_eq!(got, Some(code), "{method}: {:?}", answer.map(|answer| answer.text));
    }
    assert_plain(&stranger);
    assert!(world.exchange.list("calls").is_empty(), "a stranger's call");
}
