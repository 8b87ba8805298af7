//! The task of a leg: it runs the dialplan and the applications, and sees to the phone meanwhile.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant, sleep_until},
};

use crate::{
    cause::Cause,
    leg::{Direction, Leg},
    phone::Act,
};

mod execute;

/// A frame of media: what is queued is looked at this often.
const FRAME: Duration = Duration::from_millis(20);

/// A leg and the hand that holds it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) leg: Arc<Leg>,
    acts: UnboundedReceiver<Act>,
    /// Somebody still holds the phone.
    held: bool,
    /// CF_EVENT_LOCK: what is queued waits until the running application has ended.
    locks: u32,
    /// The instant of a frame; the others follow every 20 ms.
    began: Instant,
}

impl Session {
    pub(crate) fn new(leg: Arc<Leg>, acts: UnboundedReceiver<Act>) -> Self {
        Self { leg, acts, held: true, locks: 0, began: Instant::now() }
    }

    /// Runs a dialplan's actions and then the end of the call.
    pub(crate) async fn run(mut self, dialplan: Vec<(String, String)>) {
        self.leg.fire("CHANNEL_CREATE", &[]);
        self.leg.fire("CHANNEL_STATE", &[]);
        let mut step = 0;
        for (application, data) in &dialplan {
            if !self.leg.is_up() {
                break;
            }
            step += 1;
            let data = (!data.is_empty()).then_some(data.as_str());
            // An unknown one hangs up.
            let _ = self.execute(application, data, None).await;
            // CS_RESET is over as soon as what ran has ended: CS_EXECUTE goes on behind it.
            self.leg.lock().reset = false;
        }
        // The dialplan has ended (switch_core_state_machine.c).
        self.leg.hang_up(Cause::NORMAL_CLEARING);
        self.leg.finish(&dialplan, step);
    }

    /// A dialled leg: its phone does what it does until the call ends.
    pub(crate) async fn serve(mut self) {
        while self.leg.is_up() {
            self.wait(None).await;
            if self.leg.lock().peer.is_some() {
                self.leg.pass_keys();
            }
            self.run_answer_hooks().await;
            self.run_queue().await;
        }
        // A recording that was told to end with the talk has been fed until now.
        self.leg.finish(&[], 0);
    }

    /// The next frame's instant.
    pub(crate) fn next_frame(&self) -> Instant {
        let past = self.began.elapsed().as_micros() / FRAME.as_micros();
        let frames = u32::try_from(past).unwrap_or(u32::MAX).saturating_add(1);
        self.began + FRAME * frames
    }

    /// Waits until something happens or the time has come, and lets the phone act.
    pub(crate) async fn wait(&mut self, until: Option<Instant>) {
        let timer = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            act = self.acts.recv(), if self.held => self.act(act),
            () = self.leg.wake.notified() => {}
            () = timer => {}
        }
    }

    /// Waits inside an application: until the time has come, a key is pressed, or the channel is
    /// no longer ready. Commands without event-lock run meanwhile, nested in the application.
    pub(crate) async fn pause(&mut self, until: Option<Instant>) {
        loop {
            if !self.leg.is_ready() || self.leg.has_keys() || is_past(until) {
                return;
            }
            self.wait(until).await;
            if self.locks == 0 && !self.leg.lock().queue.is_empty() {
                self.tick().await;
                self.run_queue().await;
            }
        }
    }

    /// Lets a frame pass, whatever happens.
    pub(crate) async fn tick(&mut self) {
        let frame = self.next_frame();
        while Instant::now() < frame && self.leg.is_ready() {
            self.wait(Some(frame)).await;
        }
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.locks > 0
    }

    fn act(&mut self, act: Option<Act>) {
        let outbound = self.leg.direction == Direction::Outbound;
        match act {
            // A phone that is dropped hangs up.
            None => {
                self.held = false;
                self.phone_hangs_up();
            }
            Some(Act::HangUp) => self.phone_hangs_up(),
            Some(Act::Press(key)) => self.leg.press(key),
            Some(Act::Voice(hz)) => self.leg.speak(hz),
            Some(Act::Ring) if outbound => self.leg.ring(),
            Some(Act::EarlyMedia) if outbound => self.leg.pre_answer(),
            Some(Act::Answer) if outbound => self.leg.answer(),
            Some(Act::Reject(status)) if outbound && !self.leg.is_answered() => {
                self.refuse(status);
            }
            // A caller's phone neither rings nor answers.
            Some(Act::Ring | Act::EarlyMedia | Act::Answer | Act::Reject(_)) => {}
        }
    }

    fn phone_hangs_up(&mut self) {
        if self.leg.direction == Direction::Outbound && !self.leg.is_answered() {
            return self.refuse(487);
        }
        self.leg.lock().by_phone = true;
        let answered = self.leg.is_answered();
        self.leg.hang_up(if answered { Cause::NORMAL_CLEARING } else { Cause::ORIGINATOR_CANCEL });
        self.leg.set("sip_hangup_disposition", if answered { "recv_bye" } else { "recv_cancel" });
    }

    fn refuse(&mut self, status: u16) {
        if self.leg.is_up() {
            {
                let mut state = self.leg.lock();
                state.by_phone = true;
                state.refused = Some(status);
            }
            self.leg.hang_up(Cause::of_sip(status));
        }
    }
}

impl Drop for Session {
    /// A task that panics leaves no leg behind that others would wait for.
    fn drop(&mut self) {
        self.leg.break_off();
    }
}

pub(crate) fn is_past(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() >= until)
}
