//! Which recordings may go, and how.

use exchange::{history::History, recording::RecordingPath};
use jiff::Timestamp;

use super::{
    World,
    fixture::{after, dealer, morning, talk},
};
use crate::{Filter, RecordingRow};

/// A talk of fifteen seconds whose recording was looked at, unless it is to stay pending.
async fn recorded(world: &World, number: u32, ended: Timestamp, verdict: &str) -> RecordingRow {
    let mut history = world.outbound(dealer(number), None, morning()).await;
    talk(&mut history, after(5), ended);
    world.end(&history, ended).await;
    let row = recording(world, &history).await;
    let row = RecordingRow {
        verdict: verdict.to_owned(),
        bytes: Some(1000),
        sha256: Some("ab".repeat(32)),
        levels: Some("[]".to_owned()),
        gaps: None,
        media: None,
        problem: Some("nobody speaks".to_owned()),
        verified_at: Some(ended),
        ..row
    };
    world.store.record_verdict(&row).await.unwrap();
    row
}

async fn recording(world: &World, history: &History) -> RecordingRow {
    world.store.recording(history.legs[0].id).await.unwrap().unwrap()
}

async fn now(world: &World, row: &RecordingRow) -> RecordingRow {
    world.store.recording(row.leg).await.unwrap().unwrap()
}

async fn may_go(world: &World) -> Vec<RecordingPath> {
    let settled = world.store.settled_recordings(after(100)).await.unwrap();
    settled.into_iter().map(|settled| settled.recording.path).collect()
}

/// Deletes it, if that may be.
async fn delete(world: &World, row: &RecordingRow) -> bool {
    let begun =
        world.store.begin_deletion(row.leg, &row.path, "too old", after(200)).await.unwrap();
    match begun {
        Some(deletion) => {
            deletion.commit().await.unwrap();
            true
        }
        None => false,
    }
}

pub(super) async fn only_what_is_over_and_looked_at_may_go(world: World) {
    let world = world.with_eva().await;
    let second = recorded(&world, 1, after(30), "silent").await;
    let first = recorded(&world, 2, after(20), "ok").await;
    let pending = recorded(&world, 3, after(20), "pending").await;
    let late = recorded(&world, 4, after(100), "ok").await;

    assert_eq!(may_go(&world).await, [first.path.clone(), second.path.clone()]);
    let settled = world.store.settled_recordings(after(21)).await.unwrap();
    assert_eq!((settled.len(), &settled[0].recording), (1, &first));
    assert_eq!((settled[0].ended_at, settled[0].project.as_deref()), (after(20), Some("jaro")));
    assert!(!delete(&world, &pending).await);
    // Young as it is, it may go by itself: how old it must be is not the store's to say.
    assert!(delete(&world, &late).await);
}

pub(super) async fn a_held_recording_is_not_deleted(world: World) {
    let world = world.with_eva().await;
    let row = recorded(&world, 1, after(20), "ok").await;
    assert!(world.store.hold_recording(row.leg, "complaint 7", after(50)).await.unwrap());
    assert!(world.store.hold_recording(row.leg, "complaint 8", after(60)).await.unwrap());
    let held = now(&world, &row).await;
    assert_eq!(
        (held.held_at, held.held_because.as_deref()),
        (Some(after(50)), Some("complaint 8"))
    );
    assert!(may_go(&world).await.is_empty());
    assert!(!delete(&world, &row).await);
    assert!(!world.store.archive_recording(&row, &row, after(70)).await.unwrap());

    assert!(world.store.release_recording(row.leg).await.unwrap());
    assert!(!world.store.release_recording(row.leg).await.unwrap(), "it is held no more");
    assert_eq!(now(&world, &row).await, row);
    assert!(delete(&world, &row).await);
    assert!(!world.store.hold_recording(row.leg, "too late", after(300)).await.unwrap());
}

pub(super) async fn a_deletion_counts_once_it_is_committed(world: World) {
    let world = world.with_eva().await;
    let row = recorded(&world, 1, after(20), "ok").await;
    // Killed between the file and the row.
    drop(world.store.begin_deletion(row.leg, &row.path, "too old", after(200)).await.unwrap());
    assert_eq!(now(&world, &row).await, row);
    assert!(world.store.deleted_recordings(&Filter::default()).await.unwrap().is_empty());

    assert!(delete(&world, &row).await);
    let deleted = world.store.deleted_recordings(&Filter::default()).await.unwrap().remove(0);
    assert_eq!(deleted.deleted_at, Some(after(200)));
    assert_eq!(deleted.deleted_because.as_deref(), Some("too old"));
    assert_eq!((deleted.verdict.as_str(), &deleted.sha256), ("ok", &row.sha256));
    assert!(may_go(&world).await.is_empty());
    assert!(!delete(&world, &row).await, "once is enough");
}

pub(super) async fn holding_and_deleting_at_once_agree(world: World) {
    let world = world.with_eva().await;
    for number in 0..10 {
        let row = recorded(&world, number, after(20), "ok").await;
        let (store, leg) = (world.store.clone(), row.leg);
        let held = tokio::spawn(async move { store.hold_recording(leg, "now", after(50)).await });
        let deleted = delete(&world, &row).await;
        assert_ne!(held.await.unwrap().unwrap(), deleted, "held or deleted, never both");
        let after = now(&world, &row).await;
        assert_ne!(after.held_at.is_some(), after.deleted_at.is_some());
    }
}

pub(super) async fn an_archived_recording_is_found_under_its_new_name(world: World) {
    let world = world.with_eva().await;
    let row = recorded(&world, 1, after(20), "ok").await;
    let flac = RecordingRow {
        path: RecordingPath::new(row.path.reveal().replace(".wav", ".flac")),
        bytes: Some(400),
        sha256: Some("cd".repeat(32)),
        ..row.clone()
    };
    assert!(world.store.archive_recording(&row, &flac, after(70)).await.unwrap());
    let archived = RecordingRow { archived_at: Some(after(70)), ..flac.clone() };
    assert_eq!(now(&world, &row).await, archived);
    let call = world.store.calls(&Filter::default()).await.unwrap().remove(0);
    assert_eq!(call.recording.as_ref(), Some(&flac.path));
    // Somebody else was there first.
    assert!(!world.store.archive_recording(&row, &flac, after(80)).await.unwrap());
    assert!(!delete(&world, &row).await, "that was the old name");
    assert!(delete(&world, &archived).await);
}

pub(super) async fn what_was_looked_at_too_late_is_not_written(world: World) {
    let world = world.with_eva().await;
    let row = recorded(&world, 1, after(20), "ok").await;
    let missing = RecordingRow { verdict: "missing".to_owned(), ..row.clone() };
    let flac = RecordingRow {
        path: RecordingPath::new(row.path.reveal().replace(".wav", ".flac")),
        ..row.clone()
    };
    assert!(world.store.archive_recording(&row, &flac, after(70)).await.unwrap());
    world.store.record_verdict(&missing).await.unwrap();
    assert_eq!(now(&world, &row).await.verdict, "ok", "the WAV is gone, the recording is not");

    assert!(delete(&world, &flac).await);
    world.store.record_verdict(&RecordingRow { path: flac.path, ..missing }).await.unwrap();
    assert_eq!(now(&world, &row).await.verdict, "ok", "it was deleted, not lost");
}
