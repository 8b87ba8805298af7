//! Who talked with whom and when: the rows of a call and its leg, held against the `.json` that was
//! written beside the recording and against the recording's name, which the chain holds.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use exchange::{call::Direction, model::Outcome, number::PhoneNumber};
use jiff::{Timestamp, civil::DateTime, tz::Offset};
use recordings::{LocalTime, RecordingName, Sidecar};
use store::{AttemptRow, CallRow, ChainLink, Filter, Store};
use tokio::task::spawn_blocking;

use super::{Shortcoming, chain::told};
use crate::sidecars;

/// Sidecars tell finer times than the rows.
const TALK_TOLERANCE: f64 = 0.002;
/// No zone is further from UTC, and no call that is this long has had its name since it began.
const ZONES: i64 = 27 * 3600;

/// What of a talk in `links` the rows tell otherwise than what was written down of it.
pub(super) async fn check(
    store: &Store,
    dir: &Path,
    links: Vec<ChainLink>,
) -> anyhow::Result<Vec<Shortcoming>> {
    // Read after the links: a call that has one is over.
    let calls = store.calls(&Filter::default()).await?;
    let dir = dir.to_owned();
    Ok(spawn_blocking(move || {
        let calls: HashMap<String, CallRow> =
            calls.into_iter().map(|call| (call.id.to_string(), call)).collect();
        // Later ones take the place of earlier ones.
        let last: BTreeMap<String, ChainLink> =
            links.into_iter().map(|link| (link.leg.clone(), link)).collect();
        let mut short = Vec::new();
        for link in last.into_values() {
            let problems = problems(&dir, &link, calls.get(&link.call));
            let path = link.path.into_revealed();
            let call = Some(link.call);
            short.extend(problems.into_iter().map(|why| told(call.clone(), path.clone(), why)));
        }
        short
    })
    .await?)
}

fn problems(dir: &Path, link: &ChainLink, call: Option<&CallRow>) -> Vec<String> {
    let Some(call) = call else {
        return vec!["its call in the database is gone, or cannot be read".to_owned()];
    };
    let Some(leg) = call.attempts.iter().find(|leg| leg.id.to_string() == link.leg) else {
        return vec!["its leg in the database is gone, or cannot be read".to_owned()];
    };
    let name = RecordingName::parse(Path::new(link.path.reveal()));
    let sources = [
        (
            beside(dir, link).map(|beside| by_sidecar(&beside, call, leg)),
            "as in the .json beside it",
        ),
        (name.map(|name| by_name(&name, call, leg)), "as in the name of the file"),
        (Some(by_each_other(link, call, leg)), "the same in call and leg"),
    ];
    let mut problems = Vec::new();
    for (facts, place) in sources {
        let differ: Vec<_> =
            facts.into_iter().flatten().filter(|(_, same)| !same).map(|(what, _)| what).collect();
        if !differ.is_empty() {
            problems.push(format!("the database was changed: {} not {place}", differ.join(", ")));
        }
    }
    problems
}

/// The `.json`, if it is the one that the link tells of; another one is told as `sidecar`.
fn beside(dir: &Path, link: &ChainLink) -> Option<Sidecar> {
    let written = link.sidecar.as_ref()?;
    let path = link.path.in_dir(dir).with_extension("json");
    let found = sidecars::checksum(&path).ok()?;
    if found == *written { Sidecar::read(&path).ok() } else { None }
}

type Facts = Vec<(&'static str, bool)>;

fn by_sidecar(told: &Sidecar, call: &CallRow, leg: &AttemptRow) -> Facts {
    let dealer = leg.dealer.as_ref().map(PhoneNumber::as_str);
    let shopper = call.shopper_id.map(|shopper| shopper.to_string());
    let outcome = leg.outcome.map_or("", Outcome::as_str);
    vec![
        ("service", call.service.as_str() == told.service),
        ("direction", direction(leg) == told.direction),
        ("fictitious number", leg.fictitious_number.as_str() == told.fictitious_number),
        ("dealer", dealer == told.dealer.as_deref()),
        ("project", call.project == told.project),
        ("shopper", shopper == told.shopper_id),
        ("start", same_time(Some(call.started_at), Some(told.started_at))),
        ("answer", same_time(leg.answered_at, told.answered_at)),
        ("end", same_time(call.ended_at, told.ended_at)),
        ("talk", same_talk(leg.talk_seconds, told.talk_seconds.unwrap_or_default().max(0.0))),
        ("outcome", outcome == told.outcome),
        ("hangup cause", call.hangup_cause == told.hangup_cause),
    ]
}

/// All that is left of a recording that was deleted by its age.
fn by_name(name: &RecordingName, call: &CallRow, leg: &AttemptRow) -> Facts {
    let digits = |number: &str| number.trim_start_matches('+').to_owned();
    let dealer = leg.dealer.as_ref().map(|dealer| digits(dealer.as_str()));
    vec![
        ("direction", direction(leg) == name.direction()),
        (
            "fictitious number",
            Some(digits(leg.fictitious_number.as_str())).as_deref() == name.fictitious(),
        ),
        ("dealer", dealer.as_deref() == name.dealer()),
        ("day", same_day(call.started_at, name.local()) && same_day(leg.started_at, name.local())),
    ]
}

/// What both rows tell.
fn by_each_other(link: &ChainLink, call: &CallRow, leg: &AttemptRow) -> Facts {
    let talk: f64 = call.attempts.iter().map(|leg| leg.talk_seconds).sum();
    let between = match (leg.answered_at, leg.ended_at) {
        (Some(answered), Some(ended)) => ended.duration_since(answered).as_secs_f64().max(0.0),
        _ => 0.0,
    };
    let recording = leg.recording.as_ref().map(|path| stem(path.reveal()));
    let mut facts = vec![
        ("talk", same_talk(call.talk_seconds, talk) && same_talk(leg.talk_seconds, between)),
        ("outcome", leg.outcome == Some(Outcome::Answered)),
        ("recording", recording == Some(stem(link.path.reveal()))),
    ];
    // The call tells of its last leg.
    if call.attempts.last().is_some_and(|last| last.id == leg.id) {
        facts.extend([
            ("fictitious number", call.fictitious_number.as_ref() == Some(&leg.fictitious_number)),
            ("dealer", call.dealer == leg.dealer),
            ("direction", Direction::of(call.service) == leg.direction),
            ("answer", call.answered_at == leg.answered_at),
            ("outcome", call.outcome == Some(Outcome::Answered)),
        ]);
    }
    facts.sort_by_key(|(what, same)| (*what, *same));
    facts.dedup_by_key(|(what, _)| *what);
    facts
}

/// Without `.wav` or `.flac`: a recording may be archived in this moment.
fn stem(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(stem, _)| stem)
}

fn direction(leg: &AttemptRow) -> recordings::Direction {
    match leg.direction {
        Direction::Out => recordings::Direction::Out,
        Direction::Back => recordings::Direction::Back,
        Direction::Return => recordings::Direction::Return,
    }
}

fn same_time(row: Option<Timestamp>, told: Option<LocalTime>) -> bool {
    row.map(Timestamp::as_millisecond) == told.map(|at| at.timestamp().as_millisecond())
}

fn same_talk(one: f64, other: f64) -> bool {
    (one - other).abs() < TALK_TOLERANCE
}

/// Whether that can be the clock on some wall, whatever the zone was when the file was named.
fn same_day(row: Timestamp, wall: DateTime) -> bool {
    let wall = Offset::UTC.to_timestamp(wall);
    wall.is_ok_and(|wall| (wall.as_second() - row.as_second()).abs() <= ZONES)
}
