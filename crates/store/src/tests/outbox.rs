use std::{collections::HashSet, sync::Arc};

use jiff::SignedDuration;

use super::fixture::{World, after, dealer, morning};
use crate::Filter;

const LEASE: SignedDuration = SignedDuration::from_secs(30);

pub(super) async fn a_lease_is_nobody_elses_until_it_runs_out(world: World) {
    let world = world.with_eva().await;
    world.miss(&dealer(1), morning()).await;
    world.miss(&dealer(2), after(1)).await;
    assert!(world.store.lease_sms(after(59), LEASE, 10).await.unwrap().is_empty(), "not due yet");

    let leased = world.store.lease_sms(after(100), LEASE, 1).await.unwrap();
    assert_eq!((leased.len(), leased[0].attempts), (1, 1));
    assert_eq!(leased[0].text, "ticket 1 x1 09:00:00", "the oldest first");
    let other = world.store.lease_sms(after(100), LEASE, 10).await.unwrap();
    assert_eq!((other.len(), other[0].text.as_str()), (1, "ticket 2 x1 09:00:01"));
    assert!(world.store.lease_sms(after(129), LEASE, 10).await.unwrap().is_empty());

    let again = world.store.lease_sms(after(130), LEASE, 10).await.unwrap();
    assert_eq!(again.len(), 2);
    assert!(again[0].id == leased[0].id && again[0].attempts == 2);
}

pub(super) async fn workers_at_once_never_take_the_same_sms(world: World) {
    let world = world.with_eva().await;
    for number in 1..=40 {
        world.miss(&dealer(number), morning()).await;
    }
    let world = Arc::new(world);
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move {
                let mut taken = Vec::new();
                loop {
                    let leased = world.store.lease_sms(after(60), LEASE, 3).await.unwrap();
                    if leased.is_empty() {
                        return taken;
                    }
                    taken.extend(leased.into_iter().map(|sms| sms.id));
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    // A worker may come away empty while others hold what it looked at; those hold them all.
    all.extend(
        world.store.lease_sms(after(60), LEASE, 40).await.unwrap().into_iter().map(|sms| sms.id),
    );
    assert_eq!(all.len(), 40);
    assert_eq!(all.into_iter().collect::<HashSet<_>>().len(), 40);
}

pub(super) async fn sent_retried_and_failed(world: World) {
    let world = world.with_eva().await;
    for number in 1..=3 {
        world.miss(&dealer(number), after(i64::from(number))).await;
    }
    let leased = world.store.lease_sms(after(100), LEASE, 10).await.unwrap();
    world.store.sms_sent(leased[0].id, after(101)).await.unwrap();
    world.store.sms_retry(leased[1].id, after(200), "gateway busy").await.unwrap();
    world.store.sms_failed(leased[2].id, "no such number").await.unwrap();

    let mut rows = world.store.sms(&Filter::default()).await.unwrap();
    rows.sort_by(|a, b| a.text.cmp(&b.text));
    assert_eq!((rows[0].status.as_str(), rows[0].sent_at), ("sent", Some(after(101))));
    assert_eq!((rows[1].status.as_str(), rows[1].not_before), ("queued", after(200)));
    assert_eq!(rows[1].error.as_deref(), Some("gateway busy"));
    assert_eq!(rows[2].status.as_str(), "failed");
    assert_eq!(rows[2].error.as_deref(), Some("no such number"));
    assert_eq!(rows[2].ticket.unwrap().value(), 3);

    assert!(world.store.lease_sms(after(199), LEASE, 10).await.unwrap().is_empty());
    let again = world.store.lease_sms(after(200), LEASE, 10).await.unwrap();
    assert!(again.len() == 1 && again[0].id == leased[1].id && again[0].attempts == 2);
}

pub(super) async fn the_sms_of_a_closed_ticket_is_skipped(world: World) {
    let world = world.with_eva().await;
    world.miss(&dealer(1), morning()).await;
    // Leased by a worker that dies, and closed meanwhile: only the next lease can skip it.
    world.store.lease_sms(after(60), LEASE, 10).await.unwrap();
    world.sql("UPDATE tickets SET status = 'reached', closed_at = 1").await;
    assert!(world.store.lease_sms(after(95), LEASE, 10).await.unwrap().is_empty());
    assert_eq!(world.sms().await[0].1, "skipped");
}
