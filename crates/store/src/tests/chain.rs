//! The chain of all that was found out about recordings.

use std::collections::HashSet;

use exchange::recording::RecordingPath;

use super::{
    World,
    fixture::{after, dealer, morning, talk},
};
use crate::{ChainLink, Filter, Recorded, RecordingRow, Store};

/// A talk whose recording nobody has looked at.
async fn pending(world: &World, number: u32) -> RecordingRow {
    let mut history = world.outbound(dealer(number), None, morning()).await;
    talk(&mut history, after(5), after(20));
    world.end(&history, after(20)).await;
    world.store.recording(history.legs[0].id).await.unwrap().unwrap()
}

fn seen(row: &RecordingRow, verdict: &str, sha256: Option<&str>) -> RecordingRow {
    RecordingRow {
        verdict: verdict.to_owned(),
        sha256: sha256.map(str::to_owned),
        bytes: sha256.map(|_| 1000),
        seconds: sha256.map(|_| 15.0),
        sidecar: Some("5c".repeat(32)),
        verified_at: Some(after(60)),
        ..row.clone()
    }
}

fn sum(byte: &str) -> String {
    byte.repeat(32)
}

async fn proven(world: &World, number: u32) -> RecordingRow {
    let row = pending(world, number).await;
    let found = seen(&row, "ok", Some(&sum("ab")));
    assert_eq!(world.store.record_verdict(&found).await, Ok(Recorded::Written));
    found
}

async fn faults(store: &Store) -> Vec<String> {
    let (_, faults) = store.checked_chain().await.unwrap();
    faults.into_iter().map(|fault| fault.problem).collect()
}

async fn steps(store: &Store) -> Vec<(i64, String, String)> {
    let links = store.chain(Some("2026-11-22")).await.unwrap();
    links.into_iter().map(|link| (link.sequence, link.step, link.verdict)).collect()
}

fn step(sequence: i64, step: &str, verdict: &str) -> (i64, String, String) {
    (sequence, step.to_owned(), verdict.to_owned())
}

pub(super) async fn what_happens_to_a_recording_is_a_link_each(world: World) {
    let world = world.with_eva().await;
    let store = &world.store;
    let row = proven(&world, 1).await;
    // Looked at again, and found the same: nothing happened.
    store.record_verdict(&row).await.unwrap();
    store.record_verdict(&seen(&row, "missing", None)).await.unwrap();
    store.record_verdict(&row).await.unwrap();
    let flac = RecordingRow {
        path: RecordingPath::new(row.path.reveal().replace(".wav", ".flac")),
        sha256: Some(sum("cd")),
        bytes: Some(400),
        ..row.clone()
    };
    assert!(store.archive_recording(&row, &flac, after(70)).await.unwrap());
    let deletion = store.begin_deletion(row.leg, &flac.path, "too old", after(80)).await.unwrap();
    deletion.unwrap().commit().await.unwrap();
    assert_eq!(
        steps(store).await,
        [
            step(1, "proven", "ok"),
            step(2, "judged", "missing"),
            step(3, "judged", "ok"),
            step(4, "archived", "ok"),
            step(5, "deleted", "ok"),
        ]
    );
    assert_eq!(faults(store).await, [""; 0]);
    let links = store.chain(None).await.unwrap();
    assert_eq!(links[0].sha256, Some(sum("ab")), "links are not changed afterwards");
    assert_eq!(links[1].sha256, Some(sum("ab")), "what is missing keeps its checksum");
    assert_eq!(links[3].sha256, Some(sum("cd")));
    assert_eq!(store.chain(Some("2026-11-23")).await.unwrap(), []);
}

pub(super) async fn a_checksum_is_written_once(world: World) {
    let world = world.with_eva().await;
    let store = &world.store;
    let row = proven(&world, 1).await;
    let now = async || store.recording(row.leg).await.unwrap().unwrap();
    for verdict in ["ok", "repaired", "short", "missing"] {
        let other = seen(&row, verdict, Some(&sum("ef")));
        assert_eq!(store.record_verdict(&other).await, Ok(Recorded::Contradicted), "{verdict}");
        assert_eq!(now().await, row);
    }
    let changed = seen(&row, "changed", None);
    assert_eq!(store.record_verdict(&changed).await, Ok(Recorded::Written));
    let kept = RecordingRow { verdict: "changed".to_owned(), ..row.clone() };
    assert_eq!(now().await, kept, "the proof is kept");
    for verdict in ["ok", "missing"] {
        let sha256 = (verdict == "ok").then(|| sum("ab"));
        let later = seen(&row, verdict, sha256.as_deref());
        assert_eq!(store.record_verdict(&later).await, Ok(Recorded::Contradicted));
        assert_eq!(now().await, kept, "for good");
    }
    assert_eq!(faults(store).await, [""; 0]);
}

pub(super) async fn a_row_that_somebody_changed_is_left_so(world: World) {
    let world = world.with_eva().await;
    let store = &world.store;
    let row = proven(&world, 1).await;
    // As if nobody had looked yet: it is known by its link.
    world.sql("UPDATE recordings SET verdict = 'pending', sha256 = NULL").await;
    assert_eq!(store.proven_checksum(row.leg).await, Ok(Some(Some(sum("ab")))));
    let told = "the database was changed: checksum, verdict not as in link 1".to_owned();
    for found in [&row, &seen(&row, "ok", Some(&sum("ef"))), &seen(&row, "changed", None)] {
        let recorded = store.record_verdict(found).await;
        assert_eq!(recorded, Ok(Recorded::Tampered(told.clone())));
    }
    world.sql("UPDATE recordings SET verdict = 'ok', sha256 = 'ef'").await;
    let row = store.recording(row.leg).await.unwrap().unwrap();
    let flac = RecordingRow {
        path: RecordingPath::new(row.path.reveal().replace(".wav", ".flac")),
        ..row.clone()
    };
    assert!(!store.archive_recording(&row, &flac, after(70)).await.unwrap());
    // It may be deleted when its time has come; the chain still tells what was proven.
    let deletion = store.begin_deletion(row.leg, &row.path, "too old", after(80)).await.unwrap();
    deletion.unwrap().commit().await.unwrap();
    assert_eq!(store.chain(None).await.unwrap()[1].sha256, Some(sum("ab")));
    assert_eq!(faults(store).await, ["the database was changed: checksum not as in link 2"]);
}

pub(super) async fn where_nothing_was_nothing_can_be_proven(world: World) {
    let world = world.with_eva().await;
    let row = pending(&world, 1).await;
    let missing = seen(&row, "missing", None);
    assert_eq!(world.store.record_verdict(&missing).await, Ok(Recorded::Written));
    let planted = seen(&row, "ok", Some(&sum("ab")));
    assert_eq!(world.store.record_verdict(&planted).await, Ok(Recorded::Contradicted));
    let changed = seen(&row, "changed", None);
    assert_eq!(world.store.record_verdict(&changed).await, Ok(Recorded::Written));
    let told = world.store.recording(row.leg).await.unwrap().unwrap();
    assert_eq!((told.verdict.as_str(), told.sha256), ("changed", None));
}

pub(super) async fn exchanges_at_once_make_one_chain(world: World) {
    const EACH: u32 = 12;
    let world = world.with_eva().await;
    let mut rows = Vec::new();
    for number in 0..2 * EACH {
        rows.push(pending(&world, number).await);
    }
    let other = Store::open(&world.url).await.unwrap();
    let tasks: Vec<_> = rows
        .into_iter()
        .enumerate()
        .map(|(index, row)| {
            let store = if index % 2 == 0 { world.store.clone() } else { other.clone() };
            tokio::spawn(async move {
                let found = seen(&row, "ok", Some(&sum("ab")));
                // As a caller does whom a busy database turned away.
                for _ in 0..5 {
                    if store.record_verdict(&found).await.is_ok() {
                        return;
                    }
                }
                panic!("never stored");
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    other.close().await;
    let links = world.store.chain(None).await.unwrap();
    let numbers: Vec<_> = links.iter().map(|link| link.sequence).collect();
    assert_eq!(numbers, (1..=i64::from(2 * EACH)).collect::<Vec<_>>());
    let hashes: HashSet<_> = links.iter().map(|link| &link.hash).collect();
    assert_eq!(hashes.len(), links.len());
    assert_eq!(faults(&world.store).await, [""; 0]);
}

pub(super) async fn what_was_proven_before_there_was_a_chain_is_adopted(world: World) {
    let world = world.with_eva().await;
    for number in 1..=4 {
        proven(&world, number).await;
    }
    world.sql("DELETE FROM recording_links").await;
    world.sql("DELETE FROM recording_days").await;
    assert_eq!(faults(&world.store).await.len(), 4, "nobody removes links in silence");
    world.sql("UPDATE recordings SET unchained = 1").await;
    let mut rows = world.store.recordings(&Filter::default()).await.unwrap();
    rows.sort_by(|a, b| a.path.cmp(&b.path));
    // Archived, deleted or looked at before its turn, it is adopted first.
    let flac = RecordingRow {
        path: RecordingPath::new(rows[0].path.reveal().replace(".wav", ".flac")),
        ..rows[0].clone()
    };
    assert!(world.store.archive_recording(&rows[0], &flac, after(70)).await.unwrap());
    let deletion = world.store.begin_deletion(rows[1].leg, &rows[1].path, "old", after(70)).await;
    deletion.unwrap().unwrap().commit().await.unwrap();
    world.store.record_verdict(&seen(&rows[2], "missing", None)).await.unwrap();
    let planted = seen(&rows[3], "ok", Some(&sum("ef")));
    assert_eq!(world.store.record_verdict(&planted).await, Ok(Recorded::Contradicted));
    let planted = seen(&rows[3], "pending", None);
    assert_eq!(world.store.record_verdict(&planted).await, Ok(Recorded::Contradicted));
    let left = world.store.unchained_recordings().await.unwrap();
    assert_eq!(left, rows[3..]);
    for _ in 0..2 {
        world.store.adopt_recording(rows[3].leg, Some("5d"), after(90)).await.unwrap();
    }
    assert!(world.store.unchained_recordings().await.unwrap().is_empty());
    let adopted = world.store.recording(rows[3].leg).await.unwrap().unwrap();
    assert_eq!(adopted.sidecar.as_deref(), Some("5d"));
    assert_eq!(
        steps(&world.store).await,
        [
            step(1, "adopted", "ok"),
            step(2, "archived", "ok"),
            step(3, "adopted", "ok"),
            step(4, "deleted", "ok"),
            step(5, "adopted", "ok"),
            step(6, "judged", "missing"),
            step(7, "adopted", "ok"),
        ]
    );
    assert_eq!(faults(&world.store).await, [""; 0]);
}

/// So that anybody can do it with `sha256sum`.
#[test]
fn a_link_s_hash_is_that_of_its_text() {
    let link = ChainLink {
        day: "2026-11-22".to_owned(),
        sequence: 2,
        previous: "0a".repeat(32),
        step: "proven".to_owned(),
        at_ms: 1_763_802_345_070,
        call: "c".to_owned(),
        leg: "l".to_owned(),
        path: RecordingPath::new("2026/11/22/x\ty\n.wav"),
        sha256: None,
        bytes: Some(5),
        verdict: "ok".to_owned(),
        sidecar: Some("s".to_owned()),
        hash: "h".to_owned(),
    };
    let zeros = "0a".repeat(32);
    let text = format!(
        "{zeros}\t2026-11-22\t2\tproven\t2025-11-22T09:05:45.070Z\tc\tl\t2026/11/22/x?y?.wav\t-\t5\tok\ts\n"
    );
    assert_eq!(link.text(), text);
    assert_eq!(link.line(), format!("h\t{text}"));
}

mod tampering;
