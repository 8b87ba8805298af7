//! `freeswitch-conf` as this version ships it, held against what FreeSWITCH runs with.
//!
//! The files are read at build time, so there is no list that could be forgotten: what is in them
//! and not from the environment must be so in FreeSWITCH. More than that may be there.

use std::collections::BTreeMap;

/// Values that an operator may choose: none of them shows or believes a number.
const FREE: [&str; 12] = [
    "param inbound-codec-prefs",
    "param outbound-codec-prefs",
    "variable absolute_codec_string",
    "param session-timeout",
    "param minimum-session-expires",
    "variable media_timeout",
    "set media_timeout",
    "set transfer_ringback",
    "set instant_ringback",
    "param dtmf-duration",
    "param rtp-timer-name",
    "param dump-cores",
];

/// A file of it, or what of it FreeSWITCH can be asked for at once.
pub(super) struct Part {
    /// As it is told.
    name: &'static str,
    file: &'static str,
    /// The element of the file, with its name.
    root: (&'static str, &'static str),
    /// What gives the same of a running FreeSWITCH.
    pub(super) question: &'static str,
}

macro_rules! part {
    ($file:literal, $tag:literal, $name:literal, $section:literal) => {
        Part {
            name: $file,
            file: include_str!(concat!("../../../../freeswitch-conf/", $file)),
            root: ($tag, $name),
            question: concat!("xml_locate ", $section, " ", $tag, " name ", $name),
        }
    };
}

pub(super) const PARTS: [Part; 11] = [
    part!("sofia.xml", "configuration", "sofia.conf", "configuration"),
    part!("dialplan.xml", "context", "public", "dialplan"),
    part!("dialplan.xml", "context", "answered", "dialplan"),
    part!("dialplan.xml", "context", "keys", "dialplan"),
    part!("dialplan.xml", "context", "media", "dialplan"),
    part!("dialplan.xml", "context", "reinvited", "dialplan"),
    part!("dialplan.xml", "context", "test", "dialplan"),
    part!("acl.xml", "configuration", "acl.conf", "configuration"),
    part!("event_socket.xml", "configuration", "event_socket.conf", "configuration"),
    part!("json_cdr.xml", "configuration", "json_cdr.conf", "configuration"),
    part!("switch.xml", "configuration", "switch.conf", "configuration"),
];

/// What is otherwise.
pub(super) struct Difference {
    pub(super) told: String,
    /// By an operator's choice, perhaps.
    pub(super) is_free: bool,
}

impl Part {
    /// What of it is otherwise in `running`, whose gateway is called so.
    pub(super) fn differences(&self, running: &str, gateway: &str) -> Vec<Difference> {
        let running = facts(running, self.root);
        let carrier = "gateway(carrier)";
        let named = format!("gateway({gateway})");
        facts(self.file, self.root)
            .into_iter()
            // What comes from the environment is compared by what it means.
            .filter(|(_, value)| !value.contains("$$"))
            .filter_map(|((path, key), value)| {
                let path = path.replace(carrier, &named);
                let found = running.get(&(path, key.clone()));
                (found != Some(&value)).then(|| Difference {
                    told: format!("{}: {key} is not {value:?}", self.name),
                    is_free: FREE.contains(&key.as_str()),
                })
            })
            .collect()
    }
}

/// What a `param` of a configuration is set to.
pub(super) fn param(xml: &str, root: (&str, &str), name: &str) -> Option<String> {
    let key = format!("param {name}");
    facts(xml, root).into_iter().find_map(|((_, found), value)| (found == key).then_some(value))
}

/// The global variables that are set and not from the environment.
pub(super) fn globals() -> BTreeMap<String, String> {
    let main = include_str!("../../../../freeswitch-conf/freeswitch.xml");
    let mut globals = BTreeMap::new();
    for tag in tags(main).into_iter().filter(|tag| tag.name == "X-PRE-PROCESS") {
        let get = |name: &str| tag.attributes.get(name).map(String::as_str).unwrap_or_default();
        let Some((name, value)) = get("data").split_once('=') else { continue };
        match get("cmd") {
            "set" if !value.contains("$$") => globals.insert(name.to_owned(), value.to_owned()),
            _ => globals.remove(name),
        };
    }
    globals
}

/// The modules that are loaded.
pub(super) fn modules() -> Vec<String> {
    let switch = include_str!("../../../../freeswitch-conf/switch.xml");
    let loads = tags(switch).into_iter().filter(|tag| tag.name == "load");
    loads.filter_map(|tag| tag.attributes.get("module").cloned()).collect()
}

/// Each value by where it stands and what it is called. Where FreeSWITCH reads one name twice, the
/// last one holds.
fn facts(xml: &str, root: (&str, &str)) -> BTreeMap<(String, String), String> {
    let mut facts = BTreeMap::new();
    let mut path: Vec<String> = Vec::new();
    let mut inside = false;
    for tag in tags(xml) {
        if tag.is_end {
            path.pop();
            inside &= !path.is_empty();
            continue;
        }
        let get = |name: &str| tag.attributes.get(name).map(String::as_str);
        let name = get("name").unwrap_or_default();
        if !inside && (tag.name.as_str(), name) == root {
            inside = true;
            path.clear();
        }
        if inside {
            let fact = match tag.name.as_str() {
                "param" | "variable" => {
                    Some((format!("{} {name}", tag.name), get("value").unwrap_or_default()))
                }
                // Variables are told apart by their names.
                "action" | "anti-action" => {
                    match (get("application"), get("data").unwrap_or_default()) {
                        (Some("set"), data) => data
                            .split_once('=')
                            .map(|(variable, value)| (format!("set {variable}"), value)),
                        (Some(application), data) => Some((application.to_owned(), data)),
                        (None, _) => None,
                    }
                }
                "list" => Some((format!("list {name}"), get("default").unwrap_or_default())),
                "condition" => Some((
                    format!("condition {}", get("field").unwrap_or_default()),
                    get("expression").unwrap_or_default(),
                )),
                _ => None,
            };
            if let Some((key, value)) = fact {
                facts.insert((path.join("/"), key), value.to_owned());
            }
        }
        if !tag.is_empty && inside {
            let named = if name.is_empty() { tag.name } else { format!("{}({name})", tag.name) };
            path.push(named);
        }
    }
    facts
}

/// `<name a="b">`, `<name/>` or `</name>`.
struct Tag {
    name: String,
    attributes: BTreeMap<String, String>,
    is_empty: bool,
    is_end: bool,
}

/// The tags of a text that FreeSWITCH itself has read or written: well-formed, without `>` in its
/// attributes. What is not yields fewer tags, never an error.
fn tags(xml: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = xml;
    while let Some((_, begun)) = rest.split_once('<') {
        if let Some(comment) = begun.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some((inner, after)) = begun.split_once('>') else { break };
        rest = after;
        if inner.starts_with(['?', '!']) {
            continue;
        }
        let (inner, is_end) = inner.strip_prefix('/').map_or((inner, false), |name| (name, true));
        let (inner, is_empty) =
            inner.strip_suffix('/').map_or((inner, false), |inner| (inner, true));
        let (name, mut text) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
        let mut attributes = BTreeMap::new();
        while let Some((key, begun)) = text.split_once("=\"") {
            let Some((value, after)) = begun.split_once('"') else { break };
            attributes.insert(key.trim().to_owned(), unescaped(value));
            text = after;
        }
        tags.push(Tag { name: name.to_owned(), attributes, is_empty, is_end });
    }
    tags
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[cfg(test)]
mod tests;
