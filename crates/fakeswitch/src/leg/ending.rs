//! How a leg ends, in FreeSWITCH's order (switch_core_state_machine.c).

use std::time::Duration;

use super::{CallState, ChannelState, Direction, Leg, Stage};
use crate::{
    cause::Cause,
    cdr::{self, Extension, Media},
    phone::Sight,
};

impl Leg {
    /// Runs the states from CS_HANGUP on. The channel has been hung up.
    pub(crate) fn finish(&self, dialplan: &[(String, String)], step: usize) {
        let cause = self.hangup_cause().unwrap_or(Cause::NORMAL_CLEARING);
        {
            let mut state = self.lock();
            state.running = ChannelState::Hangup;
        }
        self.fire("CHANNEL_STATE", &[]);
        self.lock().times.hungup = self.office.clock.micros();
        self.reach(Stage::Down);
        self.let_go();
        self.stop_all_recordings();
        self.lock().running = ChannelState::Reporting;
        self.set_call_state(CallState::Hangup);
        self.fire("CHANNEL_STATE", &[]);
        self.report(cause, dialplan, step);
        self.fire_with("CHANNEL_HANGUP_COMPLETE", &[("Hangup-Cause", cause.name())], &[]);
        self.reach(Stage::Over);
        let code = self.final_status(cause);
        self.display.show(Sight::Ended { code, cause: cause.name().to_owned() });
        self.fire("CHANNEL_DESTROY", &[]);
        self.office.leave(self.uuid);
        // What points back at the other leg would keep both.
        self.lock().owner = None;
    }

    /// What SIP ends the call with at this phone.
    fn final_status(&self, cause: Cause) -> u16 {
        let state = self.lock();
        match (state.answered, self.direction, state.refused) {
            (true, _, _) => 200,
            (false, Direction::Outbound, Some(status)) => status,
            // CANCEL.
            (false, Direction::Outbound, None) => 487,
            (false, Direction::Inbound, _) => cause.sip(),
        }
    }

    /// The variables that only the report has, and the CDR file.
    fn report(&self, cause: Cause, dialplan: &[(String, String)], step: usize) {
        let mut state = self.lock();
        let state = &mut *state;
        let by_phone = state.by_phone;
        state.variables.set("hangup_cause", cause.name());
        state.variables.set("hangup_cause_q850", &cause.q850().to_string());
        let found = state.times.variables(&state.dialed, state.applied.last(), &state.profile);
        for (name, value) in found {
            state.variables.set(&name, &value);
        }
        let disposition = match (state.answered, self.direction, by_phone) {
            (true, _, true) => "recv_bye",
            (true, _, false) => "send_bye",
            (false, Direction::Inbound, true) => "recv_cancel",
            (false, Direction::Inbound, false) => "send_refuse",
            (false, Direction::Outbound, true) => "recv_refuse",
            (false, Direction::Outbound, false) => "send_cancel",
        };
        if state.variables.get("sip_hangup_disposition").is_none() {
            state.variables.set("sip_hangup_disposition", disposition);
        }
        let media = (state.answered || state.early).then(|| {
            let talk = match state.times.bridged {
                0 => 0,
                bridged => state.times.hungup.saturating_sub(bridged),
            };
            let (spoke, heard) = (Duration::from_micros(talk), Duration::from_micros(talk));
            Media { spoke, heard, keys: state.dialed.len() as u64 }
        });
        if let Some(media) = &media {
            for (name, value) in media.variables() {
                state.variables.set(&name, &value);
            }
        }
        let Some(dir) = &self.office.config.cdr_dir else { return };
        let extension = (self.direction == Direction::Inbound).then(|| Extension {
            name: "exchange",
            number: &state.profile.destination_number,
            applications: dialplan,
            current: step,
        });
        let leg = cdr::Leg {
            core: self.office.core,
            uuid: self.uuid,
            caller_leg: self.direction == Direction::Inbound,
            variables: state.variables.as_slice(),
            applications: &state.applied,
            extension,
            profile: &state.profile,
            peer: state.other_profile.as_ref(),
            times: &state.times,
            media: media.as_ref(),
        };
        // mod_json_cdr logs it and goes on, too.
        let _ = cdr::write(dir, &leg);
    }

    /// The leg's task has gone, by a panic, before the call was over. Nothing is reported, only let
    /// go: events, a CDR or a recording's end could panic again.
    pub(crate) fn break_off(&self) {
        if !self.office.leave(self.uuid) {
            return;
        }
        let (cause, recordings, others) = {
            let mut state = self.lock();
            let cause = *state.hangup.get_or_insert(Cause::NORMAL_TEMPORARY_FAILURE);
            let others = [state.owner.take(), state.peer.take()];
            (cause, std::mem::take(&mut state.recordings), others)
        };
        for attached in recordings {
            attached.abandon();
        }
        for other in others.into_iter().flatten() {
            other.wake.notify_one();
        }
        self.reach(Stage::Over);
        let code = self.final_status(cause);
        self.display.show(Sight::Ended { code, cause: cause.name().to_owned() });
    }

    /// The switch is killed: nothing is written any more, and files stay as they are.
    pub(crate) fn abandon(&self) {
        self.record();
        let recordings = {
            let mut state = self.lock();
            // What points back at the other leg would keep both, and their phones would never end.
            state.owner = None;
            state.peer = None;
            std::mem::take(&mut state.recordings)
        };
        for attached in recordings {
            attached.abandon();
        }
    }
}
