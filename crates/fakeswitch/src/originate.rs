//! Dialling out (switch_ivr_originate.c).

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    cause::{Cause, phrase},
    dial::DialString,
    leg::{CallState, Leg},
    phone::Sight,
    session::{Session, is_past},
};

mod invite;

/// The ring timeout when the dial string has none.
const TIMEOUT: u64 = 60;

impl Session {
    /// Dials, and waits until the callee's leg is answered, or as good as that.
    pub(crate) async fn originate(&mut self, dial: &DialString) -> Result<Arc<Leg>, Cause> {
        self.run_hooks("execute_on_pre_originate").await;
        let result = self.ring_out(dial).await;
        self.run_hooks("execute_on_post_originate").await;
        result
    }

    async fn ring_out(&mut self, dial: &DialString) -> Result<Arc<Leg>, Cause> {
        let caller = Arc::clone(&self.leg);
        caller.set("originate_disposition", "failure");
        caller.set("DIALSTATUS", "INVALIDARGS");
        let dialled = match self.invite(dial) {
            Ok(dialled) => dialled,
            Err(cause) => return Err(self.originated(None, Some(cause))),
        };
        let seconds = dial.variable("originate_timeout").and_then(|text| text.parse().ok());
        let until = self.timeout(seconds.unwrap_or(TIMEOUT));
        let ignores_media =
            dial.variable("ignore_early_media").is_some_and(crate::variables::is_true);
        let mut ringback = false;
        let result = loop {
            if !caller.is_ready() {
                dialled.hang_up(Cause::ORIGINATOR_CANCEL);
                break Err(Cause::ORIGINATOR_CANCEL);
            }
            let (hangup, answered, early, ringing) = {
                let state = dialled.lock();
                (state.hangup, state.answered, state.early, state.ringing)
            };
            if let Some(cause) = hangup {
                break Err(cause);
            }
            if answered || (early && !ignores_media) {
                break Ok(());
            }
            if is_past(Some(until)) {
                dialled.hang_up(Cause::NO_ANSWER);
                break Err(Cause::NO_ANSWER);
            }
            if !ringback && (ringing || early || caller.is_true("instant_ringback")) {
                ringback = self.ring_back(ringing, early);
            }
            if ringing && caller.is_answered() {
                caller.set_call_state(CallState::RingWait);
            }
            self.wait(Some(until)).await;
        };
        if ringback {
            caller.display.show(Sight::Quiet);
        }
        let result = match result {
            Ok(()) => self.connect_caller(&dialled).await,
            Err(cause) => Err(cause),
        };
        match result {
            Ok(()) => {
                self.originated(Some(&dialled), None);
                Ok(dialled)
            }
            Err(cause) => Err(self.originated(Some(&dialled), Some(cause))),
        }
    }

    /// FreeSWITCH compares whole seconds of the time of day, so that it gives up to a second less.
    fn timeout(&self, seconds: u64) -> Instant {
        let part = self.leg.office.clock.micros() % 1_000_000;
        Instant::now()
            + Duration::from_secs(seconds.min(86_400)).saturating_sub(Duration::from_micros(part))
    }

    /// What the caller hears while it rings; `true` when a tone plays. A callee's early media that
    /// are ignored start the tone, and are no ringing: an unanswered caller is told nothing of them.
    fn ring_back(&self, ringing: bool, early: bool) -> bool {
        let caller = &self.leg;
        let tone = if caller.is_answered() { "transfer_ringback" } else { "ringback" };
        if let Some(tone) = caller.variable(tone)
            && (caller.has_media() || ringing || early)
        {
            caller.pre_answer();
            let tone = tone.strip_prefix("tone_stream://").unwrap_or(&tone);
            caller.display.show(Sight::HearsTone(tone.to_owned()));
            return true;
        }
        if ringing && !caller.has_media() {
            caller.ring();
        }
        false
    }

    /// An unanswered caller is answered when the callee answers.
    async fn connect_caller(&mut self, dialled: &Arc<Leg>) -> Result<(), Cause> {
        let caller = Arc::clone(&self.leg);
        for (name, value) in [
            ("switch_m_sdp", crate::leg::OFFER),
            ("video_media_flow", "inactive"),
            ("text_media_flow", "inactive"),
            ("audio_media_flow", "sendrecv"),
        ] {
            caller.set(name, value);
        }
        if caller.is_answered() {
            caller.set_call_state(CallState::Active);
            self.tick().await;
        } else if dialled.is_answered() {
            caller.answer();
            self.run_answer_hooks().await;
        } else {
            caller.pre_answer();
        }
        if !caller.is_ready() {
            dialled.hang_up(Cause::NORMAL_CLEARING);
            return Err(Cause::ORIGINATOR_CANCEL);
        }
        // A callee who has hung up again within the frame was answered all the same.
        Ok(())
    }

    /// Leaves the result in the caller's variables.
    fn originated(&self, dialled: Option<&Arc<Leg>>, failed: Option<Cause>) -> Cause {
        let cause = failed.unwrap_or(Cause::NORMAL_CLEARING);
        let caller = &self.leg;
        if caller.is_up() && caller.is_answered() {
            caller.set_call_state(CallState::Active);
        }
        let status = dialled.and_then(|dialled| dialled.lock().refused);
        let variables = &mut caller.lock().variables;
        if failed.is_some()
            && let Some(status) = status
        {
            variables.set("sip_invite_failure_status", &status.to_string());
            variables.set("sip_invite_failure_phrase", phrase(status));
            variables.set("sip_hangup_phrase", phrase(status));
        }
        if failed.is_some() && dialled.is_some() && cause != Cause::ORIGINATOR_CANCEL {
            variables.set("last_bridge_hangup_cause", cause.name());
        }
        if failed.is_some()
            && let Some(status) = status
        {
            variables.set("last_bridge_proto_specific_hangup_cause", &format!("sip:{status}"));
        }
        let (disposition, status) = match failed {
            Some(cause) => (cause.name(), cause.dial_status()),
            None => ("SUCCESS", "SUCCESS"),
        };
        variables.set("originate_disposition", disposition);
        if let Some(dialled) = dialled {
            variables.set("DIALSTATUS", status);
            let each = failed.map_or("NONE", Cause::name);
            variables.set("originate_causes", &format!("{};{each}", dialled.uuid));
        }
        match failed {
            Some(cause) => variables.set("originate_failed_cause", cause.name()),
            None => variables.unset("originate_signal_bond"),
        }
        cause
    }
}
