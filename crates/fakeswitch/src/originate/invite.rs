//! The INVITE: a callee's leg and its phone (mod_sofia.c).

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    Callee, Rung,
    cause::Cause,
    cdr::Profile,
    dial::{DialString, Endpoint},
    leg::{Arriving, Direction, Leg},
    office::Line,
    phone::{Shown, phone},
    session::Session,
    variables::Variables,
};

impl Session {
    /// Makes the callee's leg and hands its phone to whoever answers there.
    pub(super) fn invite(&self, dial: &DialString) -> Result<Arc<Leg>, Cause> {
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
        // "Error Creating Session" (mod_sofia.c).
        if !office.admits(Direction::Outbound) {
            return Err(Cause::DESTINATION_OUT_OF_ORDER);
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
