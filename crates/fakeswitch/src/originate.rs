//! Dialling out (switch_ivr_originate.c).

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    Callee, Rung,
    cause::{Cause, phrase},
    cdr::Profile,
    dial::{DialString, Endpoint},
    leg::{Arriving, CallState, Direction, Leg},
    office::Line,
    phone::{Shown, Sight, phone},
    session::{Session, is_past},
    variables::Variables,
};

/// The ring timeout when the dial string has none.
const TIMEOUT: u64 = 60;

impl Session {
    /// Dials, and waits until the callee's leg is answered, or as good as that.
    pub(crate) async fn originate(&mut self, dial: &DialString) -> Result<Arc<Leg>, Cause> {
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
                ringback = self.ring_back(ringing || early);
            }
            if ringing {
                self.progress();
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

    /// The callee's ringing is the caller's progress.
    fn progress(&self) {
        let now = self.leg.office.clock.micros();
        let answered = {
            let mut state = self.leg.lock();
            if state.times.progress == 0 {
                state.times.progress = now;
            }
            state.answered
        };
        if answered {
            self.leg.set_call_state(CallState::RingWait);
        }
    }

    /// What the caller hears while it rings; `true` when a tone plays.
    fn ring_back(&self, ringing: bool) -> bool {
        let caller = &self.leg;
        let tone = if caller.is_answered() { "transfer_ringback" } else { "ringback" };
        if let Some(tone) = caller.variable(tone)
            && (caller.has_media() || ringing)
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
        variables.set("DIALSTATUS", status);
        if let Some(dialled) = dialled {
            let each = failed.map_or("NONE", Cause::name);
            variables.set("originate_causes", &format!("{};{each}", dialled.uuid));
        }
        match failed {
            Some(cause) => variables.set("originate_failed_cause", cause.name()),
            None => variables.unset("originate_signal_bond"),
        }
        cause
    }

    /// Makes the callee's leg and hands its phone to whoever answers there.
    fn invite(&self, dial: &DialString) -> Result<Arc<Leg>, Cause> {
        let caller = &self.leg;
        let office = &caller.office;
        let Endpoint::Gateway { name, number } = &dial.endpoint else {
            return Err(Cause::CHAN_NOT_IMPLEMENTED);
        };
        if *name != office.config.gateway {
            return Err(Cause::INVALID_GATEWAY);
        }
        if !office.is_running() {
            return Err(Cause::MANAGER_REQUEST);
        }
        let uuid = dial.variable("origination_uuid").and_then(|text| Uuid::parse_str(text).ok());
        let uuid = uuid.unwrap_or_else(Uuid::new_v4);
        if office.leg(&uuid.to_string()).is_some() {
            return Err(Cause::DESTINATION_OUT_OF_ORDER);
        }
        let (calling, call_uuid) = {
            let state = caller.lock();
            (state.profile.clone(), state.call_uuid)
        };
        let shown = Shown {
            number: dial
                .variable("origination_caller_id_number")
                .unwrap_or(&calling.caller_id_number)
                .to_owned(),
            name: dial
                .variable("origination_caller_id_name")
                .unwrap_or(&calling.caller_id_name)
                .to_owned(),
        };
        let profile = Profile {
            username: calling.username.clone(),
            caller_id_name: shown.name.clone(),
            caller_id_number: shown.number.clone(),
            ani: calling.ani.clone(),
            destination_number: number.clone(),
            uuid,
            chan_name: format!("sofia/trunk/{number}"),
        };
        let arriving = Arriving {
            uuid,
            direction: Direction::Outbound,
            variables: self.callee_variables(dial, &profile, name),
            profile,
            hides: false,
            call_uuid,
            owner: Some(Arc::clone(caller)),
        };
        let (held, handset) = phone(uuid, Some(shown.clone()));
        let dialled = Leg::new(office, arriving, handset.display);
        office.ring(Rung {
            leg: uuid,
            number: number.clone(),
            shown,
            variables: dial.variables.clone(),
        });
        {
            let mut state = caller.lock();
            let named = ("Outbound Call".to_owned(), number.clone());
            dialled.lock().other_profile = Some(calling);
            state.callee = Some(named);
            state.variables.set("originate_signal_bond", &uuid.to_string());
            state.variables.set("originated_legs", &format!("{uuid};Outbound Call;{number}"));
        }
        dialled.fire("CHANNEL_CREATE", &[]);
        dialled.fire("CHANNEL_OUTGOING", &[]);
        dialled.fire("CHANNEL_ORIGINATE", &[]);
        office.spawn(Self::new(Arc::clone(&dialled), handset.acts).serve());
        match office.line(number) {
            Some(Line::Callee(who)) => office.spawn(who.hold(held)),
            // Nobody takes the phone any more: it is dropped, and so hangs up.
            Some(Line::Attended(desk)) => drop(desk.send(held)),
            None => office.spawn(Callee::unallocated().hold(held)),
        }
        Ok(dialled)
    }

    fn callee_variables(&self, dial: &DialString, profile: &Profile, gateway: &str) -> Variables {
        let caller = &self.leg;
        let number = &profile.destination_number;
        let from = &profile.caller_id_number;
        let originator = caller.uuid.to_string();
        let mut variables = Variables::default();
        let mut set = |name: &str, value: &str| variables.set(name, value);
        set("direction", "outbound");
        set("is_outbound", "true");
        set("uuid", &profile.uuid.to_string());
        set("session_id", &caller.office.next_session().to_string());
        set("sip_gateway_name", gateway);
        set("sip_profile_name", "gateway");
        set("text_media_flow", "disabled");
        set("channel_name", &profile.chan_name);
        set("sip_destination_url", &format!("sip:{number}@127.0.0.1:5090"));
        set("max_forwards", "69");
        set("originator_codec", "PCMA@8000h@20i");
        set("originator", &originator);
        set("switch_m_sdp", crate::leg::OFFER);
        for (name, value) in &dial.variables {
            set(name, value);
        }
        set("originate_early_media", "false");
        set("originating_leg_uuid", &originator);
        set("originate_endpoint", "sofia");
        set("audio_media_flow", "sendrecv");
        set("video_media_flow", "inactive");
        set("sip_req_uri", &format!("{number}@127.0.0.1:5090"));
        set("sofia_profile_name", "trunk");
        set("recovery_profile_name", "trunk");
        set("sofia_profile_url", "sip:mod_sofia@127.0.0.1:5060");
        set("sip_local_network_addr", "127.0.0.1");
        set("sip_network_ip", "127.0.0.1");
        set("sip_network_port", "5090");
        set("sip_from_display", &profile.caller_id_name);
        set("sip_from_user", from);
        set("sip_from_uri", &format!("{from}@127.0.0.1"));
        set("sip_from_host", "127.0.0.1");
        set("sip_to_user", number);
        set("sip_to_port", "5090");
        set("sip_to_uri", &format!("{number}@127.0.0.1:5090"));
        set("sip_to_host", "127.0.0.1");
        set("call_uuid", &caller.lock().call_uuid.to_string());
        variables
    }
}
