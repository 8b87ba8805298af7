//! Which events a listener wants (`event`, `myevents`, `nixevent`, `filter`, `noevents`).

use std::collections::BTreeSet;

use crate::event::{Event, Format};

/// All that `switch_name_event` knows.
const NAMES: [&str; 92] = [
    "CUSTOM",
    "CLONE",
    "CHANNEL_CREATE",
    "CHANNEL_DESTROY",
    "CHANNEL_STATE",
    "CHANNEL_CALLSTATE",
    "CHANNEL_ANSWER",
    "CHANNEL_HANGUP",
    "CHANNEL_HANGUP_COMPLETE",
    "CHANNEL_EXECUTE",
    "CHANNEL_EXECUTE_COMPLETE",
    "CHANNEL_HOLD",
    "CHANNEL_UNHOLD",
    "CHANNEL_BRIDGE",
    "CHANNEL_UNBRIDGE",
    "CHANNEL_PROGRESS",
    "CHANNEL_PROGRESS_MEDIA",
    "CHANNEL_OUTGOING",
    "CHANNEL_PARK",
    "CHANNEL_UNPARK",
    "CHANNEL_APPLICATION",
    "CHANNEL_ORIGINATE",
    "CHANNEL_UUID",
    "API",
    "LOG",
    "INBOUND_CHAN",
    "OUTBOUND_CHAN",
    "STARTUP",
    "SHUTDOWN",
    "PUBLISH",
    "UNPUBLISH",
    "TALK",
    "NOTALK",
    "SESSION_CRASH",
    "MODULE_LOAD",
    "MODULE_UNLOAD",
    "DTMF",
    "MESSAGE",
    "PRESENCE_IN",
    "NOTIFY_IN",
    "PRESENCE_OUT",
    "PRESENCE_PROBE",
    "MESSAGE_WAITING",
    "MESSAGE_QUERY",
    "ROSTER",
    "CODEC",
    "BACKGROUND_JOB",
    "DETECTED_SPEECH",
    "DETECTED_TONE",
    "PRIVATE_COMMAND",
    "HEARTBEAT",
    "TRAP",
    "ADD_SCHEDULE",
    "DEL_SCHEDULE",
    "EXE_SCHEDULE",
    "RE_SCHEDULE",
    "RELOADXML",
    "NOTIFY",
    "PHONE_FEATURE",
    "PHONE_FEATURE_SUBSCRIBE",
    "SEND_MESSAGE",
    "RECV_MESSAGE",
    "REQUEST_PARAMS",
    "CHANNEL_DATA",
    "GENERAL",
    "COMMAND",
    "SESSION_HEARTBEAT",
    "CLIENT_DISCONNECTED",
    "SERVER_DISCONNECTED",
    "SEND_INFO",
    "RECV_INFO",
    "RECV_RTCP_MESSAGE",
    "SEND_RTCP_MESSAGE",
    "CALL_SECURE",
    "NAT",
    "RECORD_START",
    "RECORD_STOP",
    "PLAYBACK_START",
    "PLAYBACK_STOP",
    "CALL_UPDATE",
    "FAILURE",
    "SOCKET_DATA",
    "MEDIA_BUG_START",
    "MEDIA_BUG_STOP",
    "CONFERENCE_DATA_QUERY",
    "CONFERENCE_DATA",
    "CALL_SETUP_REQ",
    "CALL_SETUP_RESULT",
    "CALL_DETAIL",
    "DEVICE_STATE",
    "TEXT",
    "SHUTDOWN_REQUESTED",
];

/// What `myevents` enables (mod_event_socket.c).
const OWN: [&str; 23] = [
    "CHANNEL_ANSWER",
    "CHANNEL_APPLICATION",
    "CHANNEL_BRIDGE",
    "CHANNEL_CREATE",
    "CHANNEL_DATA",
    "CHANNEL_DESTROY",
    "CHANNEL_EXECUTE",
    "CHANNEL_EXECUTE_COMPLETE",
    "CHANNEL_HANGUP",
    "CHANNEL_HANGUP_COMPLETE",
    "CHANNEL_ORIGINATE",
    "CHANNEL_UUID",
    "CHANNEL_OUTGOING",
    "CHANNEL_PARK",
    "CHANNEL_PROGRESS",
    "CHANNEL_PROGRESS_MEDIA",
    "CHANNEL_STATE",
    "CHANNEL_UNBRIDGE",
    "CHANNEL_UNPARK",
    "DETECTED_SPEECH",
    "DTMF",
    "NOTALK",
    "TALK",
];

/// What one listener has asked for.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) format: Format,
    /// `LFLAG_EVENTS`: without it nothing is sent.
    enabled: bool,
    names: BTreeSet<&'static str>,
    subclasses: BTreeSet<String>,
    /// `LFLAG_MYEVENTS`: the channel's own only.
    pub(crate) own: bool,
    filters: Vec<(String, String)>,
}

impl Subscription {
    pub(crate) fn new() -> Self {
        Self {
            format: Format::Plain,
            enabled: false,
            names: BTreeSet::new(),
            subclasses: BTreeSet::new(),
            own: false,
            filters: Vec::new(),
        }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled
    }

    pub(crate) fn wants(&self, name: &str, uuid: Option<&str>, leg: Option<&str>) -> bool {
        self.enabled && self.names.contains(name) && (!self.own || (leg.is_some() && uuid == leg))
    }

    /// What only the whole event tells.
    pub(crate) fn lets_pass(&self, event: &Event) -> bool {
        if event.name == "CUSTOM"
            && let Some(subclass) = event.header("Event-Subclass")
            && !self.subclasses.contains(subclass)
            && !self.names.contains("ALL")
        {
            return false;
        }
        self.filters.is_empty() || self.filtered(event)
    }

    /// The filter loop of `event_handler` in mod_event_socket.c: any match lets it pass, a match
    /// with a leading minus does not.
    fn filtered(&self, event: &Event) -> bool {
        let mut passes = false;
        for (name, wanted) in &self.filters {
            let Some(value) = event.header(name) else { continue };
            let sign = wanted.trim_start_matches([' ', '+', '-']);
            let positive = !wanted[..wanted.len() - sign.len()].ends_with('-');
            if passes && positive {
                continue;
            }
            if value.eq_ignore_ascii_case(sign) {
                if !positive {
                    return false;
                }
                passes = true;
            }
        }
        passes
    }

    pub(crate) fn my_events(&mut self, arguments: &str) -> String {
        if self.own {
            return "-ERR aready enabled.".to_owned();
        }
        self.names.extend(OWN);
        self.own = true;
        self.enabled = true;
        if arguments.contains("json") || arguments.contains("JSON") {
            self.format = Format::Json;
        }
        if arguments.contains("xml") || arguments.contains("XML") {
            self.format = Format::Xml;
        }
        "+OK Events Enabled".to_owned()
    }

    pub(crate) fn add(&mut self, arguments: &str) -> String {
        let mut known = 0;
        let mut custom = false;
        for (at, word) in arguments.split(' ').enumerate() {
            if at == 0
                && let Some(format) = format_named(word)
            {
                self.format = format;
            } else if custom {
                self.subclasses.insert(word.to_owned());
            } else if word.eq_ignore_ascii_case("ALL") {
                known += 1;
                self.names.extend(NAMES);
                self.names.insert("ALL");
            } else if let Some(name) = name_of(word) {
                known += 1;
                custom = name == "CUSTOM";
                self.names.insert(name);
            }
        }
        if known == 0 {
            return "-ERR no keywords supplied".to_owned();
        }
        self.enabled = true;
        let format = match self.format {
            Format::Plain => "plain",
            Format::Json => "json",
            Format::Xml => "xml",
        };
        format!("+OK event listener enabled {format}")
    }

    pub(crate) fn nix(&mut self, arguments: &str) -> String {
        let mut known = 0;
        let mut custom = false;
        for word in arguments.split(' ') {
            if custom {
                self.subclasses.remove(word);
            } else if word.eq_ignore_ascii_case("ALL") {
                known += 1;
                self.names.clear();
            } else if let Some(name) = name_of(word) {
                known += 1;
                custom = name == "CUSTOM";
                if !custom {
                    self.names.remove("ALL");
                    self.names.remove(name);
                }
            }
        }
        if known == 0 {
            return "-ERR no keywords supplied".to_owned();
        }
        self.enabled = true;
        "+OK events nixed".to_owned()
    }

    pub(crate) fn none(&mut self) -> String {
        if !self.enabled {
            return "-ERR not listening for events".to_owned();
        }
        self.enabled = false;
        self.names.clear();
        self.subclasses.clear();
        "+OK no longer listening for events".to_owned()
    }

    pub(crate) fn filter(&mut self, arguments: &str) -> String {
        let arguments = arguments.trim_start();
        let Some((first, rest)) = arguments.split_once(' ') else {
            return "-ERR invalid syntax".to_owned();
        };
        if first.eq_ignore_ascii_case("delete") {
            let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
            if name.eq_ignore_ascii_case("all") {
                self.filters.clear();
            } else {
                self.filters.retain(|(known, wanted)| {
                    !known.eq_ignore_ascii_case(name)
                        || !(value.is_empty() || wanted.eq_ignore_ascii_case(value))
                });
            }
            return format!("+OK filter deleted. [{name}][{value}]");
        }
        let (name, value) = if first.eq_ignore_ascii_case("add") {
            rest.split_once(' ').unwrap_or((rest, ""))
        } else {
            (first, rest)
        };
        self.filters.push((name.to_owned(), value.to_owned()));
        format!("+OK filter added. [{name}]=[{value}]")
    }
}

pub(crate) fn name_of(word: &str) -> Option<&'static str> {
    NAMES.iter().find(|name| name.eq_ignore_ascii_case(word)).copied()
}

fn format_named(word: &str) -> Option<Format> {
    match word.to_ascii_lowercase().as_str() {
        "plain" => Some(Format::Plain),
        "json" => Some(Format::Json),
        "xml" => Some(Format::Xml),
        _ => None,
    }
}
