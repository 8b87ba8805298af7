//! Which events a listener wants (`event`, `myevents`, `nixevent`, `filter`, `noevents`).

use std::collections::BTreeSet;

use crate::event::{Event, Format};

mod names;

pub(crate) use names::name_of;
use names::{NAMES, OWN};

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
    /// `LFLAG_LOG`.
    pub(crate) logs: bool,
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
            logs: false,
        }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// `own`: whether the event is of the listener's own channel.
    pub(crate) fn wants(&self, name: &str, own: bool) -> bool {
        self.enabled && (own || !self.own) && self.names.contains(name)
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

fn format_named(word: &str) -> Option<Format> {
    match word.to_ascii_lowercase().as_str() {
        "plain" => Some(Format::Plain),
        "json" => Some(Format::Json),
        "xml" => Some(Format::Xml),
        _ => None,
    }
}
