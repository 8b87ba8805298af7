//! Stories on a real FreeSWITCH: SIPp plays the phones, time is real.

mod score;

use std::{path::Path, thread, time::Duration};

use rustix::process::Signal;

use crate::{
    language::{Act, Call, Event, Moment, PhoneAccount, SHOPPER_HZ, Setup, Stage},
    phone::Phone,
    process::wait_for,
    sip_trace::{Message, Trace},
    world::World,
};
use score::Score;

/// A world in which a story is played.
pub(crate) struct RealStage<'a> {
    world: &'a mut World,
    score: Score,
    /// Real numbers of shoppers, in national form.
    shoppers: Vec<String>,
    switch_is_dead: bool,
}

impl<'a> RealStage<'a> {
    pub(crate) fn new(world: &'a mut World, setup: &Setup) -> Self {
        let shoppers = setup.shoppers();
        let shoppers = shoppers.iter().map(|n| n.trim_start_matches("+420").to_owned()).collect();
        Self { world, score: Score::new(setup), shoppers, switch_is_dead: false }
    }

    fn start(&self, index: usize, call: &Call, act: &Act) -> Phone {
        let phone = self.world.call(&format!("caller{index}"), &self.score.caller(call, act));
        // In order: the next one calls when the exchange has heard of this one.
        wait_for(Duration::from_secs(10), "SIPp calls", || {
            (!phone.trace().invites().is_empty()).then_some(())
        });
        phone
    }

    /// Waits for this moment of the act.
    fn await_moment(moment: Moment, act: &Act, caller: &Phone, rung: &Phone) {
        let voice = act.calls.first().map_or(SHOPPER_HZ, |call| call.voice);
        wait_for(Duration::from_secs(20), &format!("{moment:?}"), || {
            match moment {
                Moment::Asked => caller.ear().speech(None).len() > 8000,
                Moment::Talking => rung.ear().seconds_of(voice, caller.started()) > 1.0,
                Moment::Ringing => rung.trace().answered_at(180).is_some(),
            }
            .then_some(())
        });
        if moment == Moment::Ringing {
            thread::sleep(Duration::from_secs(1));
        }
    }

    fn end(&self, phone: &mut Phone) -> Trace {
        if self.switch_is_dead { phone.breaks() } else { phone.finishes() }
    }

    /// No message to somebody who is no shopper tells a shopper's number.
    fn assert_discreet(&self, trace: &Trace) {
        for number in &self.shoppers {
            trace.assert_never_shown(number);
        }
    }

    fn made(&self, call: &Call, phone: &Phone, trace: &Trace) -> PhoneAccount {
        if call.voice != SHOPPER_HZ {
            self.assert_discreet(trace);
        }
        PhoneAccount {
            number: call.from.clone(),
            called: false,
            shown: None,
            codes: trace.codes(false),
            heard: phone.heard(World::phrases()),
            spoken: World::phrases().spoken_in(&phone.ear().speech(None)),
            keys: phone.ear().keys(None),
        }
    }

    fn rung(&self, act: &Act, phone: &Phone, invite: &Message, trace: &Trace) -> PhoneAccount {
        let leg = trace.leg(invite);
        let dialled = invite.user("INVITE ");
        let number = format!("+{}", dialled.trim_start_matches('+'));
        let called = act.phones.iter().find(|callee| callee.number == number);
        if called.is_none_or(|callee| callee.voice != SHOPPER_HZ) {
            self.assert_discreet(&leg);
        }
        // All legs come to one port; the exchange sends each from a port of its own.
        let port = Some(invite.media_port());
        PhoneAccount {
            number,
            called: true,
            shown: Some((invite.user("From:"), invite.display_name())),
            codes: leg.codes(true),
            heard: World::phrases().heard_in(&phone.ear().speech(port)),
            spoken: World::phrases().spoken_in(&phone.ear().speech(port)),
            keys: phone.ear().keys(port),
        }
    }
}

impl Stage for RealStage<'_> {
    fn act(&mut self, act: &Act) -> Vec<PhoneAccount> {
        let mut called = self.world.callees(&self.score.callees(act));
        let mut callers: Vec<(&Call, Phone)> = Vec::new();
        for call in &act.calls {
            callers.push((call, self.start(callers.len(), call, act)));
        }
        if let Some(meanwhile) = &act.meanwhile {
            Self::await_moment(meanwhile.when, act, &callers[0].1, &called);
            self.begins(meanwhile.event);
            for call in &meanwhile.late {
                callers.push((call, self.start(callers.len(), call, act)));
            }
        }
        let mut accounts = Vec::new();
        for (call, phone) in &mut callers {
            let trace = self.end(phone);
            accounts.push(self.made(call, phone, &trace));
        }
        let trace = if self.switch_is_dead { called.breaks() } else { called.stops() };
        for invite in trace.invites() {
            accounts.push(self.rung(act, &called, invite, &trace));
        }
        if let Some(meanwhile) = &act.meanwhile {
            self.ends(meanwhile.event);
        }
        accounts
    }

    fn command(&mut self, arguments: &[&str], input: &str) -> Result<String, String> {
        self.world.exchange.answer(arguments, input)
    }

    fn waits(&mut self, time: Duration) {
        thread::sleep(time);
    }

    fn happens(&mut self, event: Event) {
        self.begins(event);
        self.ends(event);
    }

    fn folder(&self) -> &Path {
        self.world.dir()
    }
}

impl RealStage<'_> {
    fn begins(&mut self, event: Event) {
        match event {
            Event::ExchangeStarts => self.world.exchange.start(),
            Event::ExchangeStops => self.world.exchange.process().signal(Signal::TERM),
            Event::ExchangeKilled => self.world.exchange.process().kill(),
            Event::SwitchKilled => {
                self.world.switch.kill();
                self.switch_is_dead = true;
            }
        }
    }

    fn ends(&mut self, event: Event) {
        match event {
            Event::ExchangeStarts => self.world.exchange.await_ready(),
            Event::ExchangeStops => {
                let status = self.world.exchange.process().wait(Duration::from_secs(15));
                assert!(status.success(), "ustredna ended with {status}");
            }
            Event::ExchangeKilled | Event::SwitchKilled => {}
        }
    }
}
