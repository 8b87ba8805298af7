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
    /// Links of the export, if there is one.
    pub(super) exported: Option<usize>,
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
    let mut exported = None;
    if let (Some(kept), Some(file)) = (&kept, against) {
        let (count, found) = compare(kept, &links).with_context(|| file.display().to_string())?;
        exported = Some(count);
        short.extend(found);
    }
    let days: HashSet<&str> = links.iter().map(|link| link.day.as_str()).collect();
    let adopted = links.iter().filter(|link| link.step == "adopted").count();
    let told = Links { count: links.len(), adopted, days: days.len(), exported };
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
    /// `None` if it is told only as the last one of its day.
    #[serde(default)]
    previous: Option<String>,
}

impl Kept {
    /// A line of `recordings chain`, in whatever form.
    fn read(line: &str) -> Option<Self> {
        if line.starts_with('{') {
            return serde_json::from_str(line).ok();
        }
        let (hash, text) = line.split_once('\t')?;
        let fields: Vec<_> = text.split('\t').collect();
        let &[previous, day, sequence, _, _, _, _, _, _, _, _, _] = fields.as_slice() else {
            return None;
        };
        (hash == ChainLink::hash_of(&format!("{text}\n"))).then_some(())?;
        Some(Self {
            day: day.to_owned(),
            sequence: sequence.parse().ok()?,
            hash: hash.to_owned(),
            previous: Some(previous.to_owned()),
        })
    }

    /// Whether an export goes on so. The last links of days may be collected as one likes.
    fn follows(&self, before: Option<&Self>) -> bool {
        let Some(previous) = &self.previous else { return true };
        match before.filter(|before| before.day == self.day) {
            Some(before) => {
                before.sequence.checked_add(1) == Some(self.sequence) && before.hash == *previous
            }
            None => self.sequence == 1 && before.is_none_or(|before| before.day < self.day),
        }
    }
}

/// The links of an export that the chain does not have any more, and how many there are in all.
fn compare(export: &str, links: &[ChainLink]) -> anyhow::Result<(usize, Vec<Shortcoming>)> {
    let now: HashMap<(&str, i64), &str> =
        links.iter().map(|link| ((link.day.as_str(), link.sequence), link.hash.as_str())).collect();
    anyhow::ensure!(!export.trim().is_empty(), "it holds no link: nothing can be held against it");
    let (mut count, mut short) = (0, Vec::new());
    let mut before: Option<Kept> = None;
    for (number, line) in (1..).zip(export.lines()) {
        let kept = Kept::read(line).with_context(|| {
            format!(
                "line {number} is none that `ustredna recordings chain` writes, or it was cut off or \
                 edited: fetch the export again"
            )
        })?;
        anyhow::ensure!(
            kept.follows(before.as_ref()),
            "line {number} does not follow the one before it: links are missing, doubled or in another \
             order; fetch the export again"
        );
        count += 1;
        let kept = before.insert(kept);
        let problem = match now.get(&(kept.day.as_str(), kept.sequence)) {
            None => format!("link {} of the export is gone", kept.sequence),
            Some(hash) if **hash != *kept.hash => {
                format!("link {} is not the one of the export", kept.sequence)
            }
            Some(_) => continue,
        };
        short.push(told(None, kept.day.clone(), problem));
    }
    Ok((count, short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_in_every_form_that_is_written() {
        let text = "cd\t2026-11-22\t3\tproven\t-\t-\t-\t-\t-\t-\tok\t-";
        let hash = ChainLink::hash_of(&format!("{text}\n"));
        let kept = |hash: &str, previous: Option<&str>| Kept {
            day: "2026-11-22".into(),
            sequence: 3,
            hash: hash.into(),
            previous: previous.map(str::to_owned),
        };
        assert_eq!(Kept::read(&format!("{hash}\t{text}")), Some(kept(&hash, Some("cd"))));
        for (line, previous) in [
            (r#"{"day":"2026-11-22","sequence":3,"hash":"ab"}"#, None),
            (
                r#"{"hash":"ab","previous":"cd","day":"2026-11-22","sequence":3,"step":"proven"}"#,
                Some("cd"),
            ),
        ] {
            assert_eq!(Kept::read(line), Some(kept("ab", previous)), "{line}");
        }
        let cut = format!("{hash}\t{}", &text[..text.len() - 1]);
        let edited = format!("{hash}\t{}", text.replace("ok", "short"));
        for line in ["", "ab", "ab\tcd\t2026-11-22\tthree", "{}", &cut, &edited, text] {
            assert_eq!(Kept::read(line), None, "{line}");
        }
    }
}
