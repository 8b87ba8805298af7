//! Who answered elsewhere than early media came from is asked by a re-INVITE, and may refuse it, or be
//! about to send one too. The talk is with who answered all the same, or there is none.

use super::Service;
use crate::{
    Scenario,
    exchange::get,
    language::{DEALER_HZ, SHOPPER_HZ},
    phone::raw::{ALAW, Call, pause, sdp},
    process::now,
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("a_talk_is_with_who_answers_whoever_asks_first", asked),
        Scenario::new("a_talk_is_with_who_answers_when_both_ask_in_calls_back", asked_back),
        Scenario::new("a_call_whose_media_are_never_agreed_ends", never),
    ]
}

const CALLER_HZ: u32 = SHOPPER_HZ;
const CALLED_HZ: u32 = DEALER_HZ;
/// Of who sends early media.
const EARLY_HZ: u32 = 650;

/// What the called side does when FreeSWITCH asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Refuses by this, and asks itself after so many ms.
    Refuses { code: u16, asks_after: u32 },
    /// Has 491 for FreeSWITCH and gets it, and nobody asks again but FreeSWITCH.
    Crosses,
    /// The same, and asks for another port in the end.
    Moves,
    /// Always refuses, and never asks.
    Never,
}

/// A call whose called side goes over to another line, and does this. Whether there is a talk.
fn talks(world: &World, service: Service, order: Order) {
    let (phone, carrier) = (world.raw_phone(1), world.raw_callee());
    let (mut call, mut called) = service.rings(world, &phone, &carrier);
    call.line.sings(CALLER_HZ);
    // An announcement may go on behind the answer, and mostly does not.
    if service == Service::Out {
        called.line.sings(EARLY_HZ);
    }
    called.progresses();
    pause(300);
    let mut early = vec![called.goes_over_to(carrier.line(world.ports()), "raw-called")];
    called.line.sings(CALLED_HZ);
    let answered = now();
    called.answers();
    let own = |called: &Call<'_>| sdp(called.line.address(), ALAW, "sendrecv");
    let asked = called.is_asked("INVITE");
    match order {
        Order::Refuses { code, asks_after } => {
            called.replies(&asked, code, "");
            pause(asks_after);
            let offer = own(&called);
            assert_eq!(called.asks("INVITE", "", &offer).code(), 200);
        }
        Order::Crosses => {
            let offer = own(&called);
            assert_eq!(called.asks("INVITE", "", &offer).code(), 491);
            called.replies(&asked, 491, "");
        }
        Order::Moves => {
            called.replies(&asked, 491, "");
            early.push(called.goes_over_to(carrier.line(world.ports()), "raw-called"));
            called.line.sings(CALLED_HZ);
            let offer = own(&called);
            assert_eq!(called.asks("INVITE", "", &offer).code(), 200);
        }
        Order::Never => {
            let begin = now();
            while !called.is_over() && begin.elapsed().as_secs() < 10 {
                for asked in called.unanswered("INVITE") {
                    called.replies(&asked, 491, "");
                }
                pause(50);
            }
        }
    }
    if order == Order::Never {
        called.ends();
        if service == Service::Back {
            call.ends();
        }
    } else {
        let asked = called.is_asked("INVITE");
        called.replies(&asked, 200, &own(&called));
        service.is_answered(&mut call);
        pause(2000);
        called = called.hangs_up_and(&call);
    }
    let (here, there) = (call.line.ear(), called.line.ear());
    let heard = (there.seconds_of(CALLER_HZ, answered), here.seconds_of(CALLED_HZ, answered));
    let is_talk = if order == Order::Never {
        heard.0 < 0.01 && heard.1 < 0.01
    } else {
        heard.0 > 1.2 && heard.1 > 1.2
    };
    assert!(
        is_talk,
        "{service:?}, {order:?}: the caller is heard for {} s, who answered for {} s",
        heard.0, heard.1
    );
    for early in early {
        assert_eq!(early.ear().packets(answered), 0, "{service:?}, {order:?}: another line hears");
    }
    let strange = here.seconds_of(EARLY_HZ, answered);
    assert!(strange < 0.01, "{service:?}, {order:?}: the announcement is heard for {strange} s");
}

const ORDERS: [Order; 5] = [
    Order::Refuses { code: 491, asks_after: 50 },
    Order::Refuses { code: 491, asks_after: 500 },
    Order::Refuses { code: 488, asks_after: 300 },
    Order::Crosses,
    Order::Moves,
];

fn are_talks(world: &World, service: Service) {
    for order in ORDERS {
        talks(world, service, order);
    }
    world.rows("recordings", ORDERS.len(), |row| row["verdict"] == "ok");
}

fn asked(world: &mut World) {
    are_talks(world, Service::Out);
}

fn asked_back(world: &mut World) {
    are_talks(world, Service::Back);
}

fn never(world: &mut World) {
    for service in [Service::Out, Service::Back] {
        talks(world, service, Order::Never);
    }
    let metrics = get(world.exchange.web, "/metrics").unwrap();
    assert!(metrics.contains("ustredna_alarms_total{kind=\"media\"} 2"), "{metrics}");
}
