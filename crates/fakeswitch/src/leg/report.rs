//! A channel's events, their headers in FreeSWITCH's order (switch_channel.c,
//! `switch_channel_event_set_data`).

use super::{CallState, ChannelState, Direction, Leg, State};
use crate::{cause::Cause, event::Event, office::Origin};

impl ChannelState {
    fn name(self) -> &'static str {
        match self {
            Self::Execute => "CS_EXECUTE",
            Self::ConsumeMedia => "CS_CONSUME_MEDIA",
            Self::ExchangeMedia => "CS_EXCHANGE_MEDIA",
            Self::Hangup => "CS_HANGUP",
            Self::Reporting => "CS_REPORTING",
        }
    }

    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Execute => 4,
            Self::ExchangeMedia => 5,
            Self::ConsumeMedia => 7,
            Self::Hangup => 10,
            Self::Reporting => 11,
        }
    }
}

impl CallState {
    fn name(self) -> &'static str {
        match self {
            Self::Down => "DOWN",
            Self::Ringing => "RINGING",
            Self::Early => "EARLY",
            Self::Active => "ACTIVE",
            Self::RingWait => "RING_WAIT",
            Self::Hangup => "HANGUP",
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Down => 0,
            Self::Ringing => 2,
            Self::Early => 3,
            Self::Active => 4,
            Self::RingWait => 7,
            Self::Hangup => 8,
        }
    }
}

impl Direction {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

/// Where FreeSWITCH fires an event from; some tools print it.
fn origin(name: &str) -> Origin {
    match name {
        "CHANNEL_EXECUTE" | "CHANNEL_EXECUTE_COMPLETE" => {
            Origin("switch_core_session.c", "switch_core_session_exec")
        }
        "CHANNEL_PARK" | "CHANNEL_UNPARK" => Origin("switch_ivr.c", "switch_ivr_park"),
        "CHANNEL_BRIDGE" | "CHANNEL_UNBRIDGE" => {
            Origin("switch_ivr_bridge.c", "switch_ivr_multi_threaded_bridge")
        }
        "RECORD_START" | "RECORD_STOP" => Origin("switch_ivr_async.c", "record_callback"),
        "CHANNEL_HANGUP_COMPLETE" => {
            Origin("switch_core_state_machine.c", "switch_core_session_reporting_state")
        }
        _ => Origin("switch_channel.c", "switch_channel_perform"),
    }
}

/// Those that carry no variables (`switch_channel_event_set_extended_data`).
fn is_terse(name: &str) -> bool {
    matches!(name, "DTMF" | "CHANNEL_STATE" | "CHANNEL_CALLSTATE" | "CHANNEL_DESTROY")
}

impl Leg {
    /// Fires an event, with headers of its own behind the channel's.
    pub(crate) fn fire(&self, name: &'static str, behind: &[(&str, &str)]) {
        self.fire_with(name, &[], behind);
    }

    /// Fires an event, with headers of its own before and behind the channel's.
    pub(crate) fn fire_with(
        &self,
        name: &'static str,
        before: &[(&str, &str)],
        behind: &[(&str, &str)],
    ) {
        let audience = self.office.audience(name, Some(self.uuid));
        if audience.is_empty() {
            return;
        }
        let mut event = self.office.event(name, origin(name));
        for (name, value) in before {
            event.add_some(name, value);
        }
        self.describe(&mut event);
        for (name, value) in behind {
            event.add_some(name, value);
        }
        for listener in audience {
            listener.offer(&event);
        }
    }

    pub(super) fn fire_call_state(&self, was: CallState) {
        let number = self.lock().call.number().to_string();
        self.fire(
            "CHANNEL_CALLSTATE",
            &[("Original-Channel-Call-State", was.name()), ("Channel-Call-State-Number", &number)],
        );
    }

    /// What `connect` is answered with: the profile a first time, under another prefix.
    pub(crate) fn connect_data(&self) -> Event {
        let mut event =
            self.office.event("CHANNEL_DATA", Origin("mod_event_socket.c", "parse_command"));
        self.describe_profile(&self.lock(), "Channel", &mut event);
        self.describe(&mut event);
        event.add("Content-Type", "command/reply");
        event.add("Reply-Text", "+OK\n");
        event.add("Socket-Mode", "async");
        event.add("Control", "full");
        event
    }

    /// `uuid_dump` shows the same.
    pub(crate) fn data(&self) -> Event {
        let mut event =
            self.office.event("CHANNEL_DATA", Origin("mod_commands.c", "uuid_dump_function"));
        self.describe(&mut event);
        event
    }

    fn describe(&self, event: &mut Event) {
        let state = self.lock();
        self.describe_channel(&state, event);
        self.describe_profile(&state, "Caller", event);
        for (name, value) in &state.other {
            event.add(name.as_str(), value.as_str());
        }
        if !is_terse(event.name) {
            for (name, value) in state.variables.as_slice() {
                event.add(format!("variable_{name}"), value.as_str());
            }
        }
    }

    fn describe_channel(&self, state: &State, event: &mut Event) {
        // The name is that of the state whose handlers run, the number that of the state set.
        let number = if state.hangup.is_some() && state.running.number() < 10 {
            ChannelState::Hangup.number()
        } else {
            state.running.number()
        };
        let direction = self.direction.name();
        event.add("Channel-State", state.running.name());
        event.add("Channel-Call-State", state.call.name());
        event.add("Channel-State-Number", number.to_string());
        event.add("Channel-Name", self.name.as_str());
        event.add("Unique-ID", self.uuid.to_string());
        event.add("Call-Direction", direction);
        event.add("Presence-Call-Direction", direction);
        event.add(
            "Channel-HIT-Dialplan",
            if self.direction == Direction::Inbound { "true" } else { "false" },
        );
        event.add("Channel-Call-UUID", state.call_uuid.to_string());
        let answer = match (state.hangup, state.answered, state.early) {
            (Some(_), _, _) => "hangup",
            (None, true, _) => "answered",
            (None, false, true) => "early",
            (None, false, false) => "ringing",
        };
        event.add("Answer-State", answer);
        if let Some(cause) = state.hangup {
            event.add("Hangup-Cause", cause.name());
        }
        for side in ["Read", "Write"] {
            event.add(format!("Channel-{side}-Codec-Name"), "PCMA");
            event.add(format!("Channel-{side}-Codec-Rate"), "8000");
            event.add(format!("Channel-{side}-Codec-Bit-Rate"), "64000");
        }
    }

    /// `switch_caller_profile_event_set_data`.
    fn describe_profile(&self, state: &State, prefix: &str, event: &mut Event) {
        for (name, value) in self.profile_headers(state, prefix) {
            event.add(name, value);
        }
    }

    fn profile_headers(&self, state: &State, prefix: &str) -> Vec<(String, String)> {
        let profile = &state.profile;
        let direction = self.direction.name().to_owned();
        let mut headers = Vec::with_capacity(36);
        let mut add = |name: &str, value: String| headers.push((format!("{prefix}-{name}"), value));
        add("Direction", direction);
        add("Logical-Direction", "inbound".to_owned());
        add("Username", profile.username.clone());
        add("Dialplan", "XML".to_owned());
        add("Caller-ID-Name", profile.caller_id_name.clone());
        add("Caller-ID-Number", profile.caller_id_number.clone());
        add("Orig-Caller-ID-Name", profile.username.clone());
        add("Orig-Caller-ID-Number", profile.ani.clone());
        if let Some((name, number)) = &state.callee {
            add("Callee-ID-Name", name.clone());
            add("Callee-ID-Number", number.clone());
        }
        add("Network-Addr", "127.0.0.1".to_owned());
        add("ANI", profile.ani.clone());
        add("Destination-Number", profile.destination_number.clone());
        add("Unique-ID", profile.uuid.to_string());
        add("Source", "mod_sofia".to_owned());
        add("Context", "public".to_owned());
        add("Channel-Name", profile.chan_name.clone());
        if prefix != "Other-Leg" {
            add("Profile-Index", "1".to_owned());
        }
        let times = &state.times;
        for (name, time) in [
            ("Profile-Created", times.created),
            ("Channel-Created", times.created),
            ("Channel-Answered", times.answered),
            ("Channel-Progress", times.progress),
            ("Channel-Progress-Media", times.progress_media),
            ("Channel-Hangup", times.hungup),
            ("Channel-Transfer", 0),
            ("Channel-Resurrect", 0),
            ("Channel-Bridged", times.bridged),
        ] {
            add(&format!("{name}-Time"), time.to_string());
        }
        add("Channel-Last-Hold", "0".to_owned());
        add("Channel-Hold-Accum", "0".to_owned());
        add("Screen-Bit", "true".to_owned());
        let hides = state.hides.to_string();
        add("Privacy-Hide-Name", hides.clone());
        add("Privacy-Hide-Number", hides);
        headers
    }

    /// This leg's profile as the other leg's events list it.
    pub(crate) fn as_other(&self, role: &str) -> Vec<(String, String)> {
        let mut headers = vec![("Other-Type".to_owned(), role.to_owned())];
        headers.extend(self.profile_headers(&self.lock(), "Other-Leg"));
        headers
    }

    pub(crate) fn hangup_cause(&self) -> Option<Cause> {
        self.lock().hangup
    }
}
