//! Whether the chain is whole, and tells the same as the rows.

use std::collections::{BTreeMap, HashMap, HashSet};

use exchange::recording::RecordingPath;

use super::{BEGINNING, ChainDay, ChainLink, append::day_of, history};
use crate::RecordingRow;

/// Something that is not as the program left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainFault {
    /// The day whose chain it is in.
    pub day: String,
    /// The recording that it concerns, if it is one.
    pub recording: Option<FaultyRecording>,
    /// What is wrong.
    pub problem: String,
}

/// Which recording a fault concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultyRecording {
    /// The call.
    pub call: String,
    /// The path, as the chain tells it if it does.
    pub path: RecordingPath,
}

/// Holds all links against each other, against the ends of the days and against all rows.
///
/// Whoever may write the database may also make all of it anew: only a copy of the links, kept where
/// they cannot write, finds that.
pub(crate) fn check_chain(
    days: &[ChainDay],
    links: &[ChainLink],
    rows: &[RecordingRow],
) -> Vec<ChainFault> {
    let mut of_day: BTreeMap<&str, Vec<&ChainLink>> = BTreeMap::new();
    for link in links {
        of_day.entry(&link.day).or_default().push(link);
    }
    let mut faults = Vec::new();
    let mut earlier = HashSet::new();
    for (day, links) in &of_day {
        let tell =
            |problem: String| ChainFault { day: (*day).to_owned(), recording: None, problem };
        faults.extend(within(links, &earlier).into_iter().map(tell));
        faults.extend(end(days.iter().find(|end| end.day == *day), links).map(tell));
        earlier.extend(links.iter().map(|link| link.hash.as_str()));
    }
    for end in days.iter().filter(|end| !of_day.contains_key(end.day.as_str())) {
        let problem = match end.sequence {
            1 => "its only link is gone".to_owned(),
            count => format!("all of its {count} links are gone"),
        };
        faults.push(ChainFault { day: end.day.clone(), recording: None, problem });
    }
    faults.extend(history::impossible(links));
    faults.extend(against_rows(links, rows));
    faults
}

/// What is wrong with the links of one day, in their order.
fn within(links: &[&ChainLink], earlier: &HashSet<&str>) -> Vec<String> {
    let mut problems = Vec::new();
    let mut before: Option<&ChainLink> = None;
    for link in links {
        let number = link.sequence;
        let expected = before.map_or(1, |before| before.sequence.saturating_add(1));
        if number != expected {
            problems.push(format!("link {number} comes where link {expected} should"));
        } else if let Some(before) = before {
            if link.previous != before.hash {
                problems.push(format!("link {number} does not follow link {}", before.sequence));
            }
        } else if link.previous != BEGINNING && !earlier.contains(link.previous.as_str()) {
            problems.push("link 1 follows one of an earlier day that is not there".to_owned());
        }
        if link.hash != link.true_hash() {
            problems.push(format!("link {number} was changed: its hash is not that of its text"));
        }
        before = Some(link);
    }
    problems
}

/// Whether the last link of a day is the one that was added last.
fn end(end: Option<&ChainDay>, links: &[&ChainLink]) -> Option<String> {
    let last = links.last()?;
    let number = last.sequence;
    match end {
        None => Some("nothing tells which link is its last".to_owned()),
        Some(end) if end.sequence != number => {
            Some(format!("its last link should be {}, and is {number}", end.sequence))
        }
        Some(end) if end.hash != last.hash => {
            Some(format!("its last link, {number}, is not the one that was added last"))
        }
        Some(_) => None,
    }
}

fn against_rows(links: &[ChainLink], rows: &[RecordingRow]) -> Vec<ChainFault> {
    // Later ones take the place of earlier ones.
    let mut last: HashMap<&str, &ChainLink> =
        links.iter().map(|link| (link.leg.as_str(), link)).collect();
    let mut faults = Vec::new();
    for row in rows {
        let link = last.remove(row.leg.to_string().as_str());
        let Some(problem) = difference(row, link) else { continue };
        let path = link.map_or(&row.path, |link| &link.path).clone();
        faults.push(ChainFault {
            day: link.map_or_else(|| day_of(row.path.reveal()), |link| link.day.clone()),
            recording: Some(FaultyRecording { call: row.call.to_string(), path }),
            problem,
        });
    }
    let mut orphans: Vec<_> = last.into_values().collect();
    orphans.sort_by_key(|link| (&link.day, link.sequence));
    faults.extend(orphans.into_iter().map(|link| ChainFault {
        day: link.day.clone(),
        recording: Some(FaultyRecording { call: link.call.clone(), path: link.path.clone() }),
        problem: "its row in the database is gone".to_owned(),
    }));
    faults
}

/// What of a row is not as its last link tells it.
pub(crate) fn difference(row: &RecordingRow, link: Option<&ChainLink>) -> Option<String> {
    let Some(link) = link else {
        let unlinked = "it was verified, and the chain has no link of it";
        return (row.verdict != "pending").then(|| unlinked.to_owned());
    };
    let bytes = row.bytes.and_then(|bytes| i64::try_from(bytes).ok());
    let told = [
        ("call", row.call.to_string() == link.call),
        ("path", row.path == link.path),
        ("checksum", row.sha256 == link.sha256),
        ("size", bytes == link.bytes),
        ("verdict", row.verdict == link.verdict),
        ("checksum of the .json", row.sidecar == link.sidecar),
        ("deletion", row.deleted_at.is_some() == (link.step == "deleted")),
    ];
    let differ: Vec<_> = told.iter().filter(|(_, same)| !same).map(|(what, _)| *what).collect();
    let differ = (!differ.is_empty()).then(|| differ.join(", "))?;
    Some(format!("the database was changed: {differ} not as in link {}", link.sequence))
}
