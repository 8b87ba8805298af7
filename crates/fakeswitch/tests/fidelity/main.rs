//! The switch against recorded traffic of a FreeSWITCH: told the same, it says the same.
//! `DIFFERENCES.md` lists where it does not and why; an entry too many fails as one too few.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeMap, fs, path::Path};

use capture::Sent;
use compare::{Differences, compare};

mod capture;
#[path = "../common/mod.rs"]
mod common;
mod compare;
mod replay;

#[tokio::test(start_paused = true)]
async fn told_the_same_it_says_the_same() {
    let mut found = Differences::new();
    let names = capture::names();
    assert!(names.len() >= 15, "the captures are there: {names:?}");
    for name in &names {
        let sent = capture::read(name);
        let ours = if name.starts_with("inbound") {
            replay::inbound(&sent).await
        } else {
            replay::outbound(name, &sent).await
        };
        let real: Vec<_> = sent
            .into_iter()
            .filter_map(|sent| match sent {
                Sent::Switch(frame) => Some(frame),
                Sent::Controller(_) => None,
            })
            .collect();
        compare(name, &real, &ours, &mut found);
    }
    let listed = listed();
    let unlisted: Vec<_> = found.iter().filter(|(what, _)| !listed.contains_key(*what)).collect();
    let gone: Vec<_> = listed.keys().filter(|what| !found.contains_key(*what)).collect();
    assert!(unlisted.is_empty(), "not in DIFFERENCES.md: {unlisted:#?}");
    assert!(gone.is_empty(), "no differences any more, take them out of DIFFERENCES.md: {gone:#?}");
}

/// Lines of the form "- `what`: why". The reason may go on in the next line.
fn listed() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("DIFFERENCES.md");
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("- `")?.split_once("`: "))
        .map(|(what, why)| {
            assert!(!why.trim().is_empty(), "{what} has no reason");
            (what.to_owned(), why.to_owned())
        })
        .collect()
}
