//! Are the projects whose recordings have a time of their own those of pairings?

use store::Store;

use super::Finding;
use crate::{nearest::nearest, settings::Settings};

const CHECK: &str = "retention";

/// `None`: no project has one.
pub(super) async fn check(settings: &Settings, store: &Store) -> Option<Finding> {
    let retention = &settings.recordings.retention;
    if retention.projects.is_empty() {
        return None;
    }
    let known = store.projects().await.ok()?;
    let unknown: Vec<_> = retention.unknown(&known);
    if unknown.is_empty() {
        return Some(Finding::ok(
            CHECK,
            "each project of recordings.retention.projects has pairings",
        ));
    }
    let names: Vec<_> = unknown.iter().map(|(typed, same)| told(typed, *same, &known)).collect();
    let detail =
        format!("recordings.retention.projects: no pairing has the project {}", names.join(" or "));
    let fix = "write projects as `ustredna pairings --ended` shows them, or take the line away";
    // Written in another way than a known one, it stops every deletion.
    let stops = unknown.iter().any(|(_, same)| same.is_some());
    Some(if stops { Finding::fail(CHECK, detail, fix) } else { Finding::warn(CHECK, detail, fix) })
}

/// The name, and which was meant.
fn told(typed: &str, same: Option<&str>, known: &[String]) -> String {
    let meant = same.or_else(|| nearest(typed, known.iter().map(String::as_str)));
    let meant = meant.map(|meant| format!(" (did you mean `{meant}`?)")).unwrap_or_default();
    format!("`{typed}`{meant}")
}
