//! Writes down what came of a story, without ids, dates and times, so that it is the same
//! whenever and wherever it is played.

use std::{fmt::Write as _, path::Path};

use serde_json::Value;

use super::{Act, Call, PhoneAccount, Step, files};

/// The accounts of an act's phones, callers first.
pub(super) fn phones(act: &Act, accounts: Vec<PhoneAccount>) -> String {
    let late = act.meanwhile.iter().flat_map(|meanwhile| &meanwhile.late);
    let calls: Vec<&Call> = act.calls.iter().chain(late).collect();
    let (mut rung, made): (Vec<_>, Vec<_>) =
        accounts.into_iter().partition(|account| account.called);
    assert_eq!(made.len(), calls.len(), "an account for every call made");
    if calls.len() > 1 {
        // Which of several callers is put through first is a matter of milliseconds.
        rung.sort_by(|one, other| (&one.number, &one.shown).cmp(&(&other.number, &other.shown)));
    }
    let mut text = String::new();
    for (call, account) in calls.iter().zip(&made) {
        writeln!(text, "{} calls {}: {}", call.from, call.dials, codes(account)).unwrap();
        let pressed = |step: &Step| if let Step::Keys(keys) = step { Some(*keys) } else { None };
        let keys: Vec<&str> = call.steps.iter().filter_map(pressed).collect();
        detail(&mut text, "presses", &keys.join(" "));
        heard(&mut text, account);
    }
    for account in &rung {
        let (number, name) = account.shown.clone().unwrap_or_default();
        let shown = if number == name { number } else { format!("{number} {name:?}") };
        writeln!(text, "{} rings, shows {shown}: {}", account.number, codes(account)).unwrap();
        heard(&mut text, account);
    }
    text
}

fn codes(account: &PhoneAccount) -> String {
    let codes: Vec<String> = account.codes.iter().map(ToString::to_string).collect();
    codes.join(" ")
}

fn heard(text: &mut String, account: &PhoneAccount) {
    detail(text, "hears", &account.heard.join(" "));
    detail(text, "hears the keys", &account.keys);
}

fn detail(text: &mut String, what: &str, of: &str) {
    if !of.is_empty() {
        writeln!(text, "  {what} {of}").unwrap();
    }
}

/// What the exchange lists at the end.
pub(super) struct Ledger {
    pub(super) calls: Vec<Value>,
    /// How many of the calls were made in each act.
    pub(super) acts: Vec<usize>,
    pub(super) tickets: Vec<Value>,
    pub(super) sms: Vec<Value>,
    pub(super) recordings: Vec<Value>,
    /// Whether sidecars tell the shopper's real number.
    pub(super) shopper_in_sidecar: bool,
}

impl Ledger {
    /// All of it, and what is on disk. Checks that the files are what the lists say.
    pub(super) fn told(&self, folder: &Path, shoppers: &[String]) -> String {
        let mut text = String::new();
        section(&mut text, "calls", &self.calls());
        section(&mut text, "tickets", &self.tickets.iter().map(ticket).collect::<Vec<_>>());
        section(&mut text, "sms", &self.sms.iter().map(message).collect::<Vec<_>>());
        files::assert_spooled(&folder.join("sms"), &self.sms);
        let files = files::recordings(&folder.join("recordings"), self, shoppers);
        section(&mut text, "recordings", &files);
        text
    }

    /// Act by act. Which of several calls at once came first is a matter of milliseconds.
    fn calls(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.calls.iter().map(|call| self.call(call)).collect();
        let mut rest = &mut lines[..];
        for calls in &self.acts {
            let (act, later) = rest.split_at_mut((*calls).min(rest.len()));
            act.sort();
            rest = later;
        }
        lines
    }

    fn call(&self, call: &Value) -> String {
        let mut line = format!(
            "{}: {} as {} with {}: {}",
            word(&call["service"]),
            word(&call["shopper"]),
            word(&call["fictitious_number"]),
            word(&call["dealer"]),
            outcome(call),
        );
        if !call["refusal"].is_null() {
            write!(line, " ({})", word(&call["refusal"])).unwrap();
        }
        let attempts = call["attempts"].as_array().map(Vec::as_slice).unwrap_or_default();
        if attempts.len() > 1 {
            let told: Vec<String> = attempts
                .iter()
                .map(|attempt| {
                    format!("{} {}", word(&attempt["dealer"]), word(&attempt["outcome"]))
                })
                .collect();
            write!(line, " after {}", told.join(", ")).unwrap();
        }
        if !call["ticket"].is_null() {
            write!(line, ", ticket {}", call["ticket"]).unwrap();
        }
        for recording in self.recordings.iter().filter(|row| row["call"] == call["id"]) {
            let recorded = recording["seconds"].as_f64().unwrap_or_default();
            write!(line, ", recording {recorded:.0} s {}", word(&recording["verdict"])).unwrap();
        }
        line
    }
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        writeln!(text, "{title}:\n  {}", lines.join("\n  ")).unwrap();
    }
}

/// A JSON string as it is, and `-` for nothing.
pub(super) fn word(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn outcome(call: &Value) -> String {
    let outcome =
        if call["ended_at"].is_null() { "in progress".to_owned() } else { word(&call["outcome"]) };
    match call["talk_seconds"].as_f64() {
        Some(talked) if talked > 0.0 => format!("{outcome}, talked {talked:.0} s"),
        _ => outcome,
    }
}

fn ticket(ticket: &Value) -> String {
    format!(
        "{} of {} for {} from {}: {}, missed {}, sms {}",
        ticket["number"],
        word(&ticket["shopper"]),
        word(&ticket["fictitious_number"]),
        word(&ticket["dealer"]),
        word(&ticket["status"]),
        ticket["missed"],
        word(&ticket["sms"]),
    )
}

fn message(message: &Value) -> String {
    let text = without_time(&word(&message["text"]));
    format!(
        "to {} in {}: {}: {text}",
        word(&message["to"]),
        message["segments"],
        word(&message["status"])
    )
}

/// `10:31` as `HH:MM`.
fn without_time(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let is_time = |at: usize| {
        chars.get(at..at + 5).is_some_and(|time| {
            time.iter()
                .enumerate()
                .all(|(index, char)| if index == 2 { *char == ':' } else { char.is_ascii_digit() })
        })
    };
    match (0..chars.len()).find(|at| is_time(*at)) {
        Some(at) => format!(
            "{}HH:MM{}",
            chars[..at].iter().collect::<String>(),
            chars[at + 5..].iter().collect::<String>()
        ),
        None => text.to_owned(),
    }
}
