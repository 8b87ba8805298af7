//! Whether the links of each recording tell what can have happened to it. A link that fits at the end of
//! a chain can be added by whoever may write the database: its hash is right, and all links of an export
//! are still there.

use std::collections::BTreeMap;

use super::{ChainFault, ChainLink, FaultyRecording};

/// The first thing in each recording's links that cannot have happened.
pub(super) fn impossible(links: &[ChainLink]) -> Vec<ChainFault> {
    let mut of_leg: BTreeMap<&str, Vec<&ChainLink>> = BTreeMap::new();
    for link in links {
        of_leg.entry(&link.leg).or_default().push(link);
    }
    of_leg
        .into_values()
        .filter_map(|links| {
            let first = links.first()?;
            let problem = begins(first).or_else(|| {
                links.windows(2).find_map(|pair| follows(pair.first()?, pair.get(1)?))
            })?;
            Some(ChainFault {
                day: first.day.clone(),
                recording: Some(FaultyRecording {
                    call: first.call.clone(),
                    path: first.path.clone(),
                }),
                problem,
            })
        })
        .collect()
}

/// What is wrong with a recording's first link.
fn begins(first: &ChainLink) -> Option<String> {
    (!is_origin(first)).then(|| {
        format!(
            "link {} tells that it was {}, and none that it was proven",
            first.sequence, first.step
        )
    })
}

/// What is wrong with a link, seen from the recording's link before it.
fn follows(before: &ChainLink, link: &ChainLink) -> Option<String> {
    let number = link.sequence;
    let archived = link.step == "archived";
    let path = before.path.reveal();
    let same_path = if archived {
        let flac = path.strip_suffix(".wav").map(|stem| format!("{stem}.flac"));
        flac.as_deref() == Some(link.path.reveal())
    } else {
        before.path == link.path
    };
    let problem = if is_origin(link) {
        "proves it for a second time"
    } else if before.day != link.day {
        "is in the chain of another day"
    } else if before.step == "deleted" {
        "comes after its deletion"
    } else if before.call != link.call {
        "is of another call"
    } else if !same_path {
        "is of another file"
    } else if !archived && before.sha256 != link.sha256 {
        "tells another checksum than it was proven with"
    } else if before.verdict == "changed" && link.verdict != "changed" {
        "tells that a changed file is good again"
    } else {
        return None;
    };
    Some(format!("link {number} {problem}: the exchange adds no such link"))
}

fn is_origin(link: &ChainLink) -> bool {
    link.step == "proven" || link.step == "adopted"
}
