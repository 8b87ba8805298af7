//! `bridge` (mod_dptools.c, switch_ivr_bridge.c).

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    cause::Cause,
    dial::DialString,
    leg::{ChannelState, Leg},
    session::Session,
};

/// How often a recording is written to the disk while nothing changes.
const WRITE: Duration = Duration::from_secs(1);

impl Session {
    pub(super) async fn bridge(&mut self, data: &str) {
        match self.originate(&DialString::parse(data)).await {
            Ok(dialled) => self.talk(&dialled).await,
            Err(cause) => self.fail(cause),
        }
    }

    /// Without `continue_on_fail` the caller is hung up with the callee's cause. It may name the
    /// causes that do not.
    fn fail(&self, cause: Cause) {
        let goes_on = self.leg.variable("continue_on_fail").is_some_and(|value| {
            crate::variables::is_true(&value)
                || value.split(',').any(|name| name.trim().eq_ignore_ascii_case(cause.name()))
        });
        // A channel that is being reset is not hung up on account of its own cancelling.
        if !goes_on && self.leg.is_ready() {
            self.leg.hang_up(cause);
        }
    }

    async fn talk(&mut self, dialled: &Arc<Leg>) {
        let caller = Arc::clone(&self.leg);
        let (own, other) = (caller.uuid.to_string(), dialled.uuid.to_string());
        dialled.lock().running = ChannelState::ExchangeMedia;
        dialled.set("signal_bond", &own);
        caller.set("signal_bond", &other);
        Self::introduce(&caller, dialled);
        caller.connect(dialled);
        let ends = [("Bridge-A-Unique-ID", own.as_str()), ("Bridge-B-Unique-ID", other.as_str())];
        caller.fire_with("CHANNEL_BRIDGE", &ends, &[]);
        Self::remember(&caller, dialled);
        Self::remember(dialled, &caller);
        // FreeSWITCH passes keys on for ten frames before it runs these.
        caller.pass_keys();
        self.run_hooks("execute_on_pre_bridge").await;
        while caller.is_ready() && dialled.is_up() {
            caller.pass_keys();
            if dialled.is_answered() && !caller.is_answered() {
                caller.answer();
                self.run_answer_hooks().await;
                continue;
            }
            let until = [&caller, dialled].iter().filter_map(|leg| leg.next_write(WRITE)).min();
            self.wait_or_run(until).await;
            caller.record();
            dialled.record();
        }
        caller.disconnect(dialled);
        self.part(dialled, &ends);
    }

    async fn wait_or_run(&mut self, until: Option<Instant>) {
        self.wait(until).await;
        if !self.is_locked() && !self.leg.lock().queue.is_empty() {
            self.tick().await;
            self.run_queue().await;
        }
    }

    /// The talk is over: each side's cause is told to the other.
    fn part(&self, dialled: &Arc<Leg>, ends: &[(&str, &str)]) {
        let caller = &self.leg;
        let its_cause = dialled.hangup_cause();
        if its_cause.is_none() {
            dialled.hang_up(caller.hangup_cause().unwrap_or(Cause::NORMAL_CLEARING));
        }
        let cause = its_cause.unwrap_or(Cause::NORMAL_CLEARING);
        {
            let by_phone = dialled.lock().by_phone;
            let variables = &mut caller.lock().variables;
            if by_phone {
                variables.set("sip_hangup_phrase", "OK");
                variables.set("last_bridge_hangup_cause", cause.name());
                variables.set("last_bridge_proto_specific_hangup_cause", "sip:200");
            } else {
                variables.set("last_bridge_hangup_cause", cause.name());
            }
            variables.set("bridge_hangup_cause", cause.name());
        }
        caller.fire_with("CHANNEL_UNBRIDGE", ends, &[]);
        // A channel that is being reset goes on to the dialplan's next action.
        if dialled.is_answered() && caller.is_ready() && caller.is_true("hangup_after_bridge") {
            caller.hang_up(cause);
        }
    }

    /// Each leg's events list the other's profile from now on.
    fn introduce(caller: &Arc<Leg>, dialled: &Arc<Leg>) {
        let named = caller.lock().callee.clone();
        dialled.lock().callee = named;
        let (of_dialled, of_caller) =
            (dialled.as_other("originatee"), caller.as_other("originator"));
        let profile = dialled.lock().profile.clone();
        let mut state = caller.lock();
        state.other = of_dialled;
        state.other_profile = Some(profile);
        drop(state);
        dialled.lock().other = of_caller;
    }

    fn remember(leg: &Arc<Leg>, other: &Arc<Leg>) {
        let (name, number) = {
            let state = other.lock();
            match (&state.callee, other.direction) {
                (Some((name, number)), crate::leg::Direction::Outbound) => {
                    (name.clone(), number.clone())
                }
                _ => (state.profile.caller_id_name.clone(), state.profile.caller_id_number.clone()),
            }
        };
        let uuid = other.uuid.to_string();
        let variables = &mut leg.lock().variables;
        for (key, value) in [
            ("last_bridge_to", uuid.as_str()),
            ("bridge_channel", &other.name),
            ("bridge_uuid", &uuid),
            ("signal_bond", &uuid),
            ("last_sent_callee_id_name", &name),
            ("last_sent_callee_id_number", &number),
        ] {
            variables.set(key, value);
        }
    }
}
