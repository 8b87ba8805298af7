//! `ustredna recordings verify --chain`: the database against its chain, and the chain against an
//! export.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use anyhow::Context as _;
use serde::Deserialize;
use store::{ChainLink, Store};

use super::{Shortcoming, facts};
use crate::settings::unreadable;

/// The word for what was changed in the database.
pub(super) const TAMPERED: &str = "chain";

/// What there is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Links {
    pub(super) count: usize,
    /// Links of recordings that had been proven before there was a chain.
    pub(super) adopted: usize,
    pub(super) days: usize,
}

pub(super) async fn check(
    store: &Store,
    dir: &Path,
    against: Option<&Path>,
) -> anyhow::Result<(Links, Vec<Shortcoming>)> {
    let kept = against.map(|file| {
        std::fs::read_to_string(file).map_err(|error| {
            anyhow::anyhow!("cannot read {}: {}", file.display(), unreadable(&error))
        })
    });
    let kept = kept.transpose()?;
    let (links, faults) = store.checked_chain().await?;
    let mut short: Vec<_> = faults
        .into_iter()
        .map(|fault| match fault.recording {
            Some(recording) => {
                told(Some(recording.call), recording.path.into_revealed(), fault.problem)
            }
            None => told(None, fault.day, fault.problem),
        })
        .collect();
    if let (Some(kept), Some(file)) = (&kept, against) {
        short.extend(compare(kept, &links).with_context(|| file.display().to_string())?);
    }
    let days: HashSet<&str> = links.iter().map(|link| link.day.as_str()).collect();
    let adopted = links.iter().filter(|link| link.step == "adopted").count();
    let told = Links { count: links.len(), adopted, days: days.len() };
    short.extend(facts::check(store, dir, links).await?);
    Ok((told, short))
}

pub(super) fn told(call: Option<String>, path: String, problem: String) -> Shortcoming {
    Shortcoming { call, path, verdict: TAMPERED, problem: Some(problem) }
}

/// A link that somebody has written down. Its hash stands for all that it says, and for all links
/// before it.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Kept {
    day: String,
    sequence: i64,
    hash: String,
}

impl Kept {
    /// A line of `recordings chain`, in whatever form.
    fn read(line: &str) -> Option<Self> {
        if line.starts_with('{') {
            return serde_json::from_str(line).ok();
        }
        let fields: Vec<_> = line.split('\t').collect();
        let &[hash, _, day, sequence, ..] = fields.as_slice() else { return None };
        Some(Self { day: day.to_owned(), sequence: sequence.parse().ok()?, hash: hash.to_owned() })
    }
}

/// The links of an export that the chain does not have any more.
fn compare(export: &str, links: &[ChainLink]) -> anyhow::Result<Vec<Shortcoming>> {
    let now: HashMap<(&str, i64), &str> =
        links.iter().map(|link| ((link.day.as_str(), link.sequence), link.hash.as_str())).collect();
    anyhow::ensure!(!export.trim().is_empty(), "it holds no link: nothing can be held against it");
    let mut short = Vec::new();
    for (number, line) in (1..).zip(export.lines()) {
        let kept = Kept::read(line).with_context(|| {
            format!("line {number} is none that `ustredna recordings chain` writes")
        })?;
        let problem = match now.get(&(kept.day.as_str(), kept.sequence)) {
            None => format!("link {} of the export is gone", kept.sequence),
            Some(hash) if **hash != *kept.hash => {
                format!("link {} is not the one of the export", kept.sequence)
            }
            Some(_) => continue,
        };
        short.push(told(None, kept.day, problem));
    }
    Ok(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_in_every_form_that_is_written() {
        let kept = Kept { day: "2026-11-22".into(), sequence: 3, hash: "ab".into() };
        for line in [
            "ab\tcd\t2026-11-22\t3\tproven\t…",
            r#"{"day":"2026-11-22","sequence":3,"hash":"ab"}"#,
            r#"{"hash":"ab","previous":"cd","day":"2026-11-22","sequence":3,"step":"proven"}"#,
        ] {
            assert_eq!(Kept::read(line).as_ref(), Some(&kept), "{line}");
        }
        for line in ["", "ab", "ab\tcd\t2026-11-22\tthree", "{}"] {
            assert_eq!(Kept::read(line), None, "{line}");
        }
    }
}
