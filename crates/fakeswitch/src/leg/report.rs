//! A channel's events, their headers in FreeSWITCH's order (switch_channel.c,
//! `switch_channel_event_set_data`).

use super::{CallState, ChannelState, Direction, Leg, State};
use crate::{
    cause::Cause,
    event::{Event, Headers},
    listener::Listener,
    office::Origin,
};

/// What the headers of the other leg's profile begin with.
const OTHER: &str = "Other-Leg-";

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
            event.headers.add_some(name, value);
        }
        self.describe(&mut event);
        for (name, value) in behind {
            event.headers.add_some(name, value);
        }
        Listener::offer(&audience, &event);
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
        self.describe_profile(&self.lock(), "Channel-", &mut event.headers);
        self.describe(&mut event);
        event.headers.add("Content-Type", "command/reply");
        event.headers.add("Reply-Text", "+OK\n");
        event.headers.add("Socket-Mode", "async");
        event.headers.add("Control", "full");
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
        let terse = is_terse(event.name);
        let headers = &mut event.headers;
        self.describe_channel(&state, headers);
        self.describe_profile(&state, "Caller-", headers);
        headers.extend(&state.other);
        if !terse {
            for (name, value) in state.variables.as_slice() {
                headers.add_under("variable_", name, value);
            }
        }
    }

    fn describe_channel(&self, state: &State, headers: &mut Headers) {
        // The name is that of the state whose handlers run, the number that of the state set.
        let number = if state.hangup.is_some() && state.running.number() < 10 {
            ChannelState::Hangup.number()
        } else {
            state.running.number()
        };
        let direction = self.direction.name();
        headers.add("Channel-State", state.running.name());
        headers.add("Channel-Call-State", state.call.name());
        headers.add_shown("Channel-State-Number", number);
        headers.add("Channel-Name", &self.name);
        headers.add_shown("Unique-ID", self.uuid);
        headers.add("Call-Direction", direction);
        headers.add("Presence-Call-Direction", direction);
        headers.add_shown("Channel-HIT-Dialplan", self.direction == Direction::Inbound);
        headers.add_shown("Channel-Call-UUID", state.call_uuid);
        let answer = match (state.hangup, state.answered, state.early) {
            (Some(_), _, _) => "hangup",
            (None, true, _) => "answered",
            (None, false, true) => "early",
            (None, false, false) => "ringing",
        };
        headers.add("Answer-State", answer);
        if let Some(cause) = state.hangup {
            headers.add("Hangup-Cause", cause.name());
        }
        for side in ["Channel-Read-Codec-", "Channel-Write-Codec-"] {
            headers.add_under(side, "Name", "PCMA");
            headers.add_under(side, "Rate", "8000");
            headers.add_under(side, "Bit-Rate", "64000");
        }
    }

    /// `switch_caller_profile_event_set_data`.
    fn describe_profile(&self, state: &State, prefix: &str, headers: &mut Headers) {
        let profile = &state.profile;
        let mut add = |name: &str, value: &str| headers.add_under(prefix, name, value);
        add("Direction", self.direction.name());
        add("Logical-Direction", "inbound");
        add("Username", &profile.username);
        add("Dialplan", "XML");
        add("Caller-ID-Name", &profile.caller_id_name);
        add("Caller-ID-Number", &profile.caller_id_number);
        add("Orig-Caller-ID-Name", &profile.username);
        add("Orig-Caller-ID-Number", &profile.ani);
        if let Some((name, number)) = &state.callee {
            add("Callee-ID-Name", name);
            add("Callee-ID-Number", number);
        }
        add("Network-Addr", "127.0.0.1");
        add("ANI", &profile.ani);
        add("Destination-Number", &profile.destination_number);
        headers.add_shown_under(prefix, "Unique-ID", profile.uuid);
        let mut add = |name: &str, value: &str| headers.add_under(prefix, name, value);
        add("Source", "mod_sofia");
        add("Context", "public");
        add("Channel-Name", &profile.chan_name);
        if prefix != OTHER {
            add("Profile-Index", "1");
        }
        let times = &state.times;
        for (name, time) in [
            ("Profile-Created-Time", times.created),
            ("Channel-Created-Time", times.created),
            ("Channel-Answered-Time", times.answered),
            ("Channel-Progress-Time", times.progress),
            ("Channel-Progress-Media-Time", times.progress_media),
            ("Channel-Hangup-Time", times.hungup),
            ("Channel-Transfer-Time", 0),
            ("Channel-Resurrect-Time", 0),
            ("Channel-Bridged-Time", times.bridged),
        ] {
            headers.add_shown_under(prefix, name, time);
        }
        let hides = if state.hides { "true" } else { "false" };
        for (name, value) in [
            ("Channel-Last-Hold", "0"),
            ("Channel-Hold-Accum", "0"),
            ("Screen-Bit", "true"),
            ("Privacy-Hide-Name", hides),
            ("Privacy-Hide-Number", hides),
        ] {
            headers.add_under(prefix, name, value);
        }
    }

    /// This leg's profile as the other leg's events list it.
    pub(crate) fn as_other(&self, role: &str) -> Headers {
        let mut headers = Headers::default();
        headers.add("Other-Type", role);
        self.describe_profile(&self.lock(), OTHER, &mut headers);
        headers
    }

    pub(crate) fn hangup_cause(&self) -> Option<Cause> {
        self.lock().hangup
    }
}
