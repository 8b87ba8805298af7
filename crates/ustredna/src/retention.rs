//! Recordings that are older than they may be kept are deleted, with a record of when and why.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use recordings::{Deleted, Deletions, RecordingName};
use store::{RecordingRow, SettledRecording, Store};
use tokio::task::spawn_blocking;

use crate::{counted::counted, settings::Retention, text};

/// A recording that is too old.
pub(crate) struct Due {
    pub(crate) recording: RecordingRow,
    /// The rule that it is deleted by.
    pub(crate) because: String,
}

/// What became of one.
pub(crate) enum Fate {
    /// It is deleted.
    Deleted(Deleted),
    /// Somebody held, moved or deleted it meanwhile.
    Kept,
}

impl Retention {
    /// How many days a recording of the project is kept; `None`: for ever.
    fn days(&self, project: Option<&str>) -> Option<u32> {
        let own = project.and_then(|project| self.projects.get(project));
        Some(*own.unwrap_or(&self.days)).filter(|days| *days > 0)
    }

    /// The shortest time for which any is kept.
    fn shortest(&self) -> Option<u32> {
        self.projects.values().chain([&self.days]).copied().filter(|days| *days > 0).min()
    }

    /// Whether anything is ever deleted.
    pub(crate) fn is_set(&self) -> bool {
        self.shortest().is_some()
    }

    /// Projects of the settings that no pairing has: not begun yet, or mistyped. Then also as whose
    /// name it is probably meant.
    pub(crate) fn unknown<'a>(&'a self, known: &'a [String]) -> Vec<(&'a str, Option<&'a str>)> {
        let meant = |typed: &str| {
            let typed = plain(typed);
            known.iter().map(String::as_str).find(|known| plain(known) == typed)
        };
        let unknown = self.projects.keys().filter(|typed| !known.contains(typed));
        unknown.map(|typed| (typed.as_str(), meant(typed))).collect()
    }

    fn because(&self, settled: &SettledRecording, now: Timestamp) -> Option<String> {
        let project = settled.project.as_deref();
        let days = self.days(project)?;
        if settled.ended_at >= days_before(now, days) {
            return None;
        }
        Some(match project.filter(|project| self.projects.contains_key(*project)) {
            Some(project) => format!("older than {} (project {project})", counted(days, "day")),
            None => format!("older than {}", counted(days, "day")),
        })
    }
}

/// A project's name without what two may write differently: capitals, spaces, and the dash that
/// spreadsheets make of a hyphen.
fn plain(project: &str) -> String {
    let dash = |c: char| if matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}') { '-' } else { c };
    let folded = text::visible(project).to_lowercase();
    folded.chars().filter(|c| *c != ' ').map(dash).collect()
}

/// The moment from which on a recording is younger than that.
pub(crate) fn days_before(now: Timestamp, days: u32) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN)
}

/// The recordings that are too old, the oldest first.
///
/// # Errors
/// When a project is written in another way than in the pairings: what its own rule should keep
/// would be deleted by the general one.
pub(crate) async fn due(
    store: &Store,
    retention: &Retention,
    now: Timestamp,
) -> anyhow::Result<Vec<Due>> {
    let Some(shortest) = retention.shortest() else { return Ok(Vec::new()) };
    let known = store.projects().await?;
    for (typed, meant) in retention.unknown(&known) {
        if let Some(meant) = meant {
            anyhow::bail!(
                "recordings.retention.projects: `{typed}` is no project, `{meant}` is: nothing is \
                 deleted until it is written so"
            );
        }
    }
    let settled = store.settled_recordings(days_before(now, shortest)).await?;
    let due = settled.into_iter().filter_map(|settled| {
        let because = retention.because(&settled, now)?;
        Some(Due { recording: settled.recording, because })
    });
    Ok(due.collect())
}

/// What will go by itself in the days to come.
pub(crate) async fn deletions(
    store: &Store,
    retention: &Retention,
    now: Timestamp,
) -> anyhow::Result<Deletions> {
    let mut deletions = Deletions::default();
    if !retention.is_set() {
        return Ok(deletions);
    }
    for settled in store.settled_recordings(now).await? {
        let days = retention.days(settled.project.as_deref());
        let age = now.duration_since(settled.ended_at).as_hours() / 24;
        let bytes = settled.recording.bytes.unwrap_or_default();
        deletions.count(u32::try_from(age).unwrap_or_default(), days, bytes);
    }
    Ok(deletions)
}

/// The name that a row tells; nothing outside the recordings folder can be meant by it.
pub(crate) fn name_of(row: &RecordingRow) -> anyhow::Result<RecordingName> {
    RecordingName::parse(Path::new(row.path.reveal()))
        .filter(|name| name.relative() == row.path.reveal())
        .context("its name is of another form")
}

/// Deletes one: its files, then a row that says so. Killed in between, the row still says that the
/// files are there; the next time it is finished, and told as gone before.
pub(crate) async fn delete(
    store: &Store,
    dir: &Path,
    due: &Due,
    now: Timestamp,
) -> anyhow::Result<Fate> {
    let row = &due.recording;
    let name = name_of(row)?;
    let at = (dir.to_owned(), name.clone());
    let there = spawn_blocking(move || recordings::remains(&at.0, &at.1)).await?;
    let because = if there {
        due.because.clone()
    } else {
        format!("{}; there was no file any more", due.because)
    };
    let Some(deletion) = store.begin_deletion(row.leg, &row.path, &because, now).await? else {
        return Ok(Fate::Kept);
    };
    let dir: PathBuf = dir.to_owned();
    let deleted = spawn_blocking(move || recordings::delete(&dir, &name)).await??;
    deletion.commit().await?;
    Ok(Fate::Deleted(deleted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retention(days: u32, projects: &[(&str, u32)]) -> Retention {
        let projects = projects.iter().map(|(name, days)| ((*name).to_owned(), *days)).collect();
        Retention { days, projects }
    }

    #[test]
    fn a_project_s_own_time_counts_in_place_of_the_other() {
        let set = retention(30, &[("Auto", 90), ("Trial", 0)]);
        assert_eq!(set.days(None), Some(30));
        assert_eq!(set.days(Some("Banks")), Some(30));
        assert_eq!(set.days(Some("Auto")), Some(90));
        assert_eq!(set.days(Some("Trial")), None, "for ever");
        assert_eq!(set.shortest(), Some(30));
        let only = retention(0, &[("Auto", 90)]);
        assert_eq!((only.days(None), only.days(Some("Banks"))), (None, None));
        assert!(only.is_set() && !retention(0, &[("Auto", 0)]).is_set());
    }

    #[test]
    fn a_project_that_is_written_in_another_way_is_known_as_that() {
        let known = ["Banks".to_owned(), "Škoda – Praha".to_owned()];
        for (typed, meant) in [
            ("banks ", Some("Banks")),
            ("Škoda - Praha", Some("Škoda – Praha")),
            ("škoda—praha", Some("Škoda – Praha")),
            ("Cars", None),
        ] {
            assert_eq!(retention(0, &[(typed, 1)]).unknown(&known), [(typed, meant)]);
        }
        assert_eq!(retention(0, &[("Banks", 1)]).unknown(&known), []);
    }
}
