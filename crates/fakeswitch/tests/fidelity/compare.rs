//! Where two runs differ.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    common::{Event, Frame},
    replay::key,
};

/// What controllers read of events and replies; their values must be the same.
const READ: [&str; 52] = [
    "Event-Name",
    "Unique-ID",
    "Channel-State",
    "Channel-State-Number",
    "Channel-Call-State",
    "Answer-State",
    "Hangup-Cause",
    "Call-Direction",
    "Channel-HIT-Dialplan",
    "Channel-Call-UUID",
    "Application",
    "Application-Data",
    "Application-Response",
    "Bridge-A-Unique-ID",
    "Bridge-B-Unique-ID",
    "Other-Type",
    "Other-Leg-Unique-ID",
    "Other-Leg-Caller-ID-Number",
    "Other-Leg-Destination-Number",
    "Caller-Caller-ID-Number",
    "Caller-Destination-Number",
    "Caller-Callee-ID-Number",
    "Caller-Privacy-Hide-Number",
    "Record-File-Path",
    "Record-Completion-Cause",
    "DTMF-Digit",
    "Socket-Mode",
    "Control",
    "Reply-Text",
    "variable_sip_from_user",
    "variable_sip_req_user",
    "variable_sip_P-Asserted-Identity",
    "variable_originate_disposition",
    "variable_originate_failed_cause",
    "variable_originate_causes",
    "variable_DIALSTATUS",
    "variable_bridge_hangup_cause",
    "variable_last_bridge_hangup_cause",
    "variable_bridge_uuid",
    "variable_hangup_cause",
    "variable_read_result",
    "variable_read_terminator_used",
    "variable_fict",
    "variable_dest",
    "variable_again",
    "variable_record_completion_cause",
    "variable_endpoint_disposition",
    "variable_digits_dialed",
    "Job-UUID",
    "Job-Command",
    "Job-Command-Arg",
    "_body",
];

/// Differences by what they are, each with the captures that show it.
pub(crate) type Differences = BTreeMap<String, BTreeSet<String>>;

/// Compares replies and events, each in their own order: which of two threads of FreeSWITCH writes
/// first is nobody's promise.
pub(crate) fn compare(capture: &str, real: &[Frame], ours: &[Frame], found: &mut Differences) {
    let mut note = |what: String| {
        found.entry(what).or_default().insert(capture.to_owned());
    };
    let is_event = |frame: &&Frame| frame.kind().starts_with("text/event");
    for events in [true, false] {
        let pick = |frames: &[Frame]| -> Vec<Frame> {
            frames.iter().filter(|frame| is_event(frame) == events).cloned().collect()
        };
        let (real, ours) = (pick(real), pick(ours));
        for (real, ours) in align(&real, &ours) {
            match (real, ours) {
                (Some(real), None) => note(format!("no {}", key(real))),
                (None, Some(ours)) => note(format!("another {}", key(ours))),
                (Some(real), Some(ours)) => frame(real, ours, &mut note),
                (None, None) => {}
            }
        }
    }
    durations(real, ours, &mut note);
}

fn frame(real: &Frame, ours: &Frame, note: &mut impl FnMut(String)) {
    let kind = key(real);
    if real.kind() == "api/response" && mask(&real.text()) != mask(&ours.text()) {
        let begins: String = real.text().chars().take(10).collect();
        return note(format!("text of api/response {begins}"));
    }
    let (real, ours) = (real.event(), ours.event());
    for name in READ {
        let (real, ours) = (real.get(name), ours.get(name));
        if real.map(mask) != ours.map(mask) && real.is_some() && ours.is_some() {
            note(format!("value of {name} in {kind}"));
        }
    }
    names(&real, &ours, note);
}

/// Headers that only one has, and those in another order.
fn names(real: &Event, ours: &Event, note: &mut impl FnMut(String)) {
    let list =
        |event: &Event| -> Vec<String> { event.0.iter().map(|(name, _)| name.clone()).collect() };
    let (real, ours) = (list(real), list(ours));
    for name in &real {
        if !ours.contains(name) {
            note(format!("no {name}"));
        }
    }
    for name in &ours {
        if !real.contains(name) {
            note(format!("another {name}"));
        }
    }
    let shared = |names: &[String], others: &[String]| -> Vec<String> {
        names.iter().filter(|name| others.contains(name)).cloned().collect()
    };
    let (real, ours) = (shared(&real, &ours), shared(&ours, &real));
    // The channel's own headers are in a fixed order; variables move when they are set again.
    let fixed = |names: &[String]| -> Vec<String> {
        names.iter().filter(|name| !name.starts_with("variable_")).cloned().collect()
    };
    if fixed(&real) != fixed(&ours) {
        let (real, ours) = (fixed(&real), fixed(&ours));
        let at = real.iter().zip(&ours).position(|(real, ours)| real != ours).unwrap();
        note(format!("order of {}", real[at]));
    }
}

/// UUIDs that the switch made up, and what the time of day makes of numbers in texts.
fn mask(text: &str) -> String {
    text.split_inclusive([' ', ';', '\n', ','])
        .map(|word| {
            let bare = word.trim_end_matches([' ', ';', '\n', ',']);
            if uuid::Uuid::parse_str(bare).is_ok() { "UUID".to_owned() } else { word.to_owned() }
        })
        .collect()
}

/// How long applications ran that nothing but the clock ended.
fn durations(real: &[Frame], ours: &[Frame], note: &mut impl FnMut(String)) {
    let (real, ours) = (lengths(real), lengths(ours));
    for (uuid, (application, length)) in &real {
        if let Some((_, other)) = ours.get(uuid)
            && length.abs_diff(*other) > 60_000
        {
            note(format!("length of {application}"));
        }
    }
}

/// From CHANNEL_EXECUTE to its completion in microseconds, by the application's UUID, if no key
/// and no hang-up came between.
fn lengths(frames: &[Frame]) -> BTreeMap<String, (String, u64)> {
    let events: Vec<Event> = frames
        .iter()
        .filter(|frame| frame.kind().starts_with("text/event"))
        .map(Frame::event)
        .collect();
    let mut lengths = BTreeMap::new();
    for (at, event) in events.iter().enumerate() {
        let Some(uuid) = event.get("Application-UUID") else { continue };
        let application = event.get("Application").unwrap();
        if event.name() != "CHANNEL_EXECUTE" || application == "bridge" {
            continue;
        }
        for later in &events[at + 1..] {
            if matches!(later.name(), "DTMF" | "CHANNEL_HANGUP") {
                break;
            }
            if later.get("Application-UUID") == Some(uuid) {
                let length = later.time() - event.time();
                lengths.insert(uuid.to_owned(), (application.to_owned(), length));
                break;
            }
        }
    }
    lengths
}

type Pair<'a> = (Option<&'a Frame>, Option<&'a Frame>);

/// The longest common subsequence by kind of frame, and what is in only one.
fn align<'a>(real: &'a [Frame], ours: &'a [Frame]) -> Vec<Pair<'a>> {
    let (rows, columns) = (real.len(), ours.len());
    let keys = |frames: &[Frame]| -> Vec<String> { frames.iter().map(key).collect() };
    let (left, right) = (keys(real), keys(ours));
    let mut longest = vec![vec![0_usize; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            longest[row][column] = if left[row] == right[column] {
                longest[row + 1][column + 1] + 1
            } else {
                longest[row + 1][column].max(longest[row][column + 1])
            };
        }
    }
    let mut pairs = Vec::new();
    let (mut row, mut column) = (0, 0);
    while row < rows || column < columns {
        if row < rows && column < columns && left[row] == right[column] {
            pairs.push((Some(&real[row]), Some(&ours[column])));
            row += 1;
            column += 1;
        } else if column == columns
            || (row < rows && longest[row + 1][column] >= longest[row][column + 1])
        {
            pairs.push((Some(&real[row]), None));
            row += 1;
        } else {
            pairs.push((None, Some(&ours[column])));
            column += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests;
