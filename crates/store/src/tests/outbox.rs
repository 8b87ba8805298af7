use std::{collections::HashSet, sync::Arc};

use exchange::model::SmsId;
use jiff::SignedDuration;

use super::fixture::{
    LEASE, TIMING, TTL, World, after, dealer, eva, f1, fail, member, morning, phone,
};
use crate::{
    Delivery, Filter, ShopperChange, SmsFate, SmsOutcome, SmsRow, SmsTiming, StoreError, Throttle,
};

fn retry(seconds: i64, error: &str) -> SmsFate {
    SmsFate::Retry { not_before: after(seconds), error: error.to_owned(), counted: true }
}

async fn row(world: &World, id: SmsId) -> SmsRow {
    let rows = world.store.sms(&Filter::default()).await.unwrap();
    rows.into_iter().find(|row| row.id == id).unwrap()
}

pub(super) async fn a_lease_is_nobody_elses_until_it_runs_out(world: World) {
    let world = world.with_eva().await;
    world.crowd(2).await;
    assert!(world.lease(after(59), 10).await.is_empty(), "not due yet");

    let leased = world.lease(after(100), 1).await;
    assert_eq!((leased.len(), leased[0].attempts), (1, 1));
    assert_eq!(leased[0].to, member(1), "the oldest first");
    let other = world.lease(after(100), 10).await;
    assert_eq!((other.len(), &other[0].to), (1, &member(2)));
    assert!(world.lease(after(129), 10).await.is_empty());

    let again = world.lease(after(130), 10).await;
    assert_eq!(again.len(), 2);
    assert!(again[0].id == leased[0].id && again[0].attempts == 2);
    assert!(row(&world, again[0].id).await.unknown, "the first worker may have sent it");
}

pub(super) async fn workers_at_once_never_take_the_same_sms(world: World) {
    let world = world.with_eva().await;
    world.crowd(40).await;
    let world = Arc::new(world);
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move {
                let mut taken = Vec::new();
                loop {
                    let leased = world.lease(after(70), 3).await;
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
    all.extend(world.lease(after(70), 40).await.into_iter().map(|sms| sms.id));
    assert_eq!(all.len(), 40);
    assert_eq!(all.into_iter().collect::<HashSet<_>>().len(), 40);
}

pub(super) async fn sent_retried_and_failed(world: World) {
    let world = world.with_eva().await;
    world.crowd(3).await;
    let leased = world.lease(after(100), 10).await;
    world.sent(&leased[0], after(101), "p1").await;
    world.came_to(&leased[1], retry(200, "gateway busy")).await;
    world
        .came_to(&leased[2], SmsFate::Failed { error: "no such number".to_owned(), unknown: false })
        .await;

    let first = row(&world, leased[0].id).await;
    assert_eq!((first.status.as_str(), first.sent_at), ("sent", Some(after(101))));
    assert_eq!((first.provider_id.as_deref(), first.unknown), (Some("p1"), false));
    let second = row(&world, leased[1].id).await;
    assert_eq!((second.status.as_str(), second.not_before), ("queued", after(200)));
    assert_eq!(second.error.as_deref(), Some("gateway busy"));
    let third = row(&world, leased[2].id).await;
    assert_eq!(third.status.as_str(), "failed");
    assert_eq!(third.error.as_deref(), Some("no such number"));
    assert_eq!(third.ticket.unwrap().value(), 1);

    assert!(world.lease(after(199), 10).await.is_empty());
    let again = world.lease(after(200), 10).await;
    assert!(again.len() == 1 && again[0].id == leased[1].id && again[0].attempts == 2);
    let uncounted =
        SmsFate::Retry { not_before: after(201), error: "slow".to_owned(), counted: false };
    world.came_to(&again[0], uncounted).await;
    assert_eq!(row(&world, again[0].id).await.attempts, 1);
}

pub(super) async fn the_sms_of_a_closed_ticket_is_skipped(world: World) {
    let world = world.with_eva().await;
    world.miss(&dealer(1), morning()).await;
    // Leased by a worker that dies, and closed meanwhile: only the next lease can skip it.
    world.lease(after(60), 10).await;
    world.sql("UPDATE tickets SET status = 'reached', closed_at = 1").await;
    assert!(world.lease(after(95), 10).await.is_empty());
    assert_eq!(world.sms().await[0].1, "skipped");
}

pub(super) async fn a_shopper_s_sms_go_out_in_order(world: World) {
    let world = world.with_eva().await;
    for number in 1..=3 {
        world.miss(&dealer(number), after(i64::from(number))).await;
    }
    let first = world.lease(after(100), 10).await;
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].text, "ticket 1 x1 09:00:01");
    assert!(world.lease(after(100), 10).await.is_empty(), "the second waits for the first");
    // Also while the first waits for another try.
    world.came_to(&first[0], retry(500, "gateway busy")).await;
    assert!(world.lease(after(400), 10).await.is_empty());
    let mut order = Vec::new();
    for second in 500..503 {
        let leased = world.lease(after(second), 10).await;
        assert_eq!(leased.len(), 1);
        world.sent(&leased[0], after(second), "p").await;
        order.push(leased[0].text.clone());
    }
    let expected = ["ticket 1 x1 09:00:01", "ticket 2 x1 09:00:02", "ticket 3 x1 09:00:03"];
    assert_eq!(order, expected);
}

pub(super) async fn limits_of_a_shopper_delay_and_lose_nothing(world: World) {
    let world = world.with_eva().await;
    for number in 1..=30 {
        world.tries(&dealer(number), morning()).await;
        world.miss(&dealer(number), morning()).await;
    }
    let throttle = Throttle { per_minute: Some(1), per_quarter: Some(5), per_hour: Some(12) };
    // Asked every five seconds for three hours.
    let mut sent = Vec::new();
    for second in (60..10_860).step_by(5) {
        for sms in world.store.lease_sms(after(second), LEASE, 10, throttle).await.unwrap().sms {
            world.sent(&sms, after(second), "p").await;
            sent.push(second);
        }
    }
    let most = |span: i64| {
        sent.iter()
            .map(|from| sent.iter().filter(|at| (*from..from + span).contains(at)).count())
            .max()
    };
    assert_eq!((most(60), most(900), most(3600)), (Some(1), Some(5), Some(12)), "{sent:?}");
    assert_eq!(sent[..5], [60, 120, 180, 240, 300], "as soon as allowed");
    assert_eq!(sent.len(), 30, "{sent:?}");
}

pub(super) async fn misses_within_the_gap_make_one_sms(world: World) {
    let world = world.with_eva().await;
    world.tries(&dealer(1), morning()).await;
    let timing = SmsTiming { ticket_gap: SignedDuration::from_mins(10), ..TIMING };
    let miss = async |second: i64| {
        let mut history = world.callback(&f1(), Some(dealer(1)), after(second)).await;
        fail(&mut history, after(second), exchange::cause::Failure::Busy);
        world.end_with(&history, after(second), timing).await
    };
    assert!(miss(0).await.sms_queued);
    let first = world.lease(after(60), 10).await.remove(0);
    world.sent(&first, after(60), "p1").await;
    assert!(miss(100).await.sms_queued);
    for second in [200, 300, 400] {
        assert!(!miss(second).await.sms_queued);
    }
    assert!(world.lease(after(659), 10).await.is_empty());
    let second = world.lease(after(660), 10).await;
    assert_eq!((second.len(), second[0].text.as_str()), (1, "ticket 1 x5 09:06:40"));
    // Another dealer's is not held up by it.
    world.sent(&second[0], after(660), "p2").await;
    miss(700).await;
    world.miss(&dealer(2), after(710)).await;
    let other = world.lease(after(770), 10).await;
    assert_eq!(other[0].text, "ticket 2 x1 09:11:50");
}

pub(super) async fn what_may_have_been_taken_waits_out_its_lease(world: World) {
    let world = world.with_eva().await;
    world.tries(&dealer(1), morning()).await;
    world.miss(&dealer(1), morning()).await;
    let sms = world.lease(after(60), 10).await.remove(0);
    let fate = SmsFate::Unknown { not_before: after(150), error: "no answer".to_owned() };
    world.came_to(&sms, fate).await;
    let unknown = row(&world, sms.id).await;
    assert_eq!((unknown.status.as_str(), unknown.unknown), ("sending", true));
    assert_eq!(unknown.error.as_deref(), Some("no answer"));
    assert!(world.lease(after(149), 10).await.is_empty());
    let again = world.lease(after(150), 10).await;
    assert!(again.len() == 1 && again[0].id == sms.id && again[0].attempts == 2);
    assert_eq!((sms.unknown_tries, again[0].unknown_tries), (0, 1));
    // Refused for now; but the first try may have been taken, so its text stays.
    world.came_to(&sms, retry(300, "busy")).await;
    assert!(world.miss(&dealer(1), after(160)).await.sms_queued, "a second one tells the news");
    assert_eq!(row(&world, sms.id).await.text, "ticket 1 x1 09:00:00");
    let last = world.lease(after(300), 10).await.remove(0);
    world.sent(&last, after(301), "p1").await;
    assert!(!row(&world, sms.id).await.unknown);
}

pub(super) async fn what_is_of_no_use_any_more_fails(world: World) {
    let world = world.with_eva().await;
    world.miss(&dealer(1), morning()).await;
    let hours = |count: i64| after(count * 3600);
    // News on the same ticket keeps it of use.
    world.miss(&dealer(1), hours(3)).await;
    assert_eq!(world.store.sweep(hours(8), TTL).await.unwrap().sms_expired, 0);
    // One that a worker holds is left to it.
    let held = world.store.lease_sms(hours(8), SignedDuration::from_hours(4), 1, Throttle::NONE);
    assert_eq!(held.await.unwrap().sms.len(), 1);
    assert_eq!(world.store.sweep(hours(9), TTL).await.unwrap().sms_expired, 0);
    let none = world.store.lease_sms(hours(12), LEASE, 10, Throttle::NONE).await.unwrap();
    assert_eq!((none.sms.len(), none.expired, none.skipped), (0, 1, 0));
    let expired = world.store.sms(&Filter::default()).await.unwrap().remove(0);
    assert_eq!((expired.status.as_str(), expired.error.as_deref()), ("failed", Some("expired")));
    assert_eq!(expired.expires_at, Some(hours(9)));

    world.miss(&dealer(2), hours(12)).await;
    assert_eq!(world.store.sweep(hours(18), TTL).await.unwrap().sms_expired, 1);
}

pub(super) async fn it_goes_to_the_shopper_s_phone_of_today(world: World) {
    let world = world.with_eva().await;
    world.miss(&dealer(1), morning()).await;
    let moved = phone("+420603999888");
    let change = ShopperChange { phone: Some(moved.clone()), ..ShopperChange::default() };
    world.store.change_shopper(&eva(), &change).await.unwrap();
    assert_eq!(world.lease(after(60), 10).await[0].to, moved);
}

pub(super) async fn reports_may_come_twice_and_in_any_order(world: World) {
    let world = world.with_eva().await;
    world.crowd(3).await;
    let leased = world.lease(after(100), 10).await;
    for (sms, name) in leased.iter().zip(["p1", "p2", "p3"]) {
        world.sent(sms, after(101), name).await;
    }
    let (delivered, failed) = (Delivery::Delivered, Delivery::Failed("not delivered: EXPIRED"));
    let report = async |name, delivery, second| {
        world.store.sms_reported(name, delivery, after(second)).await.unwrap()
    };
    assert_eq!(report("p1", delivered, 110).await, Some(leased[0].id));
    assert_eq!(report("p1", delivered, 120).await, Some(leased[0].id));
    assert_eq!(report("p1", failed, 130).await, Some(leased[0].id));
    let first = row(&world, leased[0].id).await;
    assert_eq!((first.status.as_str(), first.delivered_at), ("delivered", Some(after(110))));
    assert_eq!(first.sent_at, Some(after(101)));

    report("p2", failed, 110).await;
    report("p2", failed, 111).await;
    let second = row(&world, leased[1].id).await;
    assert_eq!((second.status.as_str(), second.delivered_at), ("failed", None));
    assert_eq!(second.error.as_deref(), Some("not delivered: EXPIRED"));
    report("p2", delivered, 120).await;
    assert_eq!(row(&world, leased[1].id).await.status.as_str(), "delivered");

    let tickets = world.store.tickets(&Filter::default()).await.unwrap();
    let told = tickets.iter().find(|ticket| ticket.shopper == member(1)).unwrap();
    assert_eq!((told.sms_sent_at, told.sms_delivered_at), (Some(after(101)), Some(after(110))));
    assert_eq!(report("nobody's", delivered, 120).await, None);
    assert_eq!(row(&world, leased[2].id).await.status.as_str(), "sent");
}

pub(super) async fn a_report_may_come_before_the_answer(world: World) {
    let world = world.with_eva().await;
    world.miss(&dealer(1), morning()).await;
    let sms = world.lease(after(60), 10).await.remove(0);
    // By the name we gave it: the provider's own is not known yet.
    let found = world.store.sms_reported(&sms.id.to_string(), Delivery::Delivered, after(61)).await;
    assert_eq!(found.unwrap(), Some(sms.id));
    world.sent(&sms, after(62), "p1").await;
    let told = row(&world, sms.id).await;
    assert_eq!((told.status.as_str(), told.provider_id.as_deref()), ("delivered", Some("p1")));
}

pub(super) async fn failed_ones_are_sent_again(world: World) {
    let world = world.with_eva().await;
    world.crowd(3).await;
    let leased = world.lease(after(100), 10).await;
    let expiry = SignedDuration::from_hours(1);
    // Never taken: the same again. Taken and not delivered: a new one.
    world
        .came_to(&leased[0], SmsFate::Failed { error: "rejected".to_owned(), unknown: false })
        .await;
    world.sent(&leased[1], after(101), "p2").await;
    world.store.sms_reported("p2", Delivery::Failed("undelivered"), after(102)).await.unwrap();
    world.sent(&leased[2], after(101), "p3").await;
    let again = world.store.retry_sms(leased[2].id, after(200), expiry).await;
    assert_eq!(again, Err(StoreError::Conflict("it was sent")));

    let all = world.store.retry_failed_sms(morning(), after(200), expiry).await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(all[0].old == leased[0].id && all[0].new == leased[0].id);
    assert!(all[1].old == leased[1].id && all[1].new != leased[1].id);
    assert!(world.store.retry_failed_sms(morning(), after(201), expiry).await.unwrap().is_empty());
    let again = world.store.retry_sms(leased[1].id, after(201), expiry).await;
    assert_eq!(again, Err(StoreError::Conflict("it was sent again already")));
    let taken = world.lease(after(201), 10).await;
    assert_eq!(
        taken.iter().map(|sms| sms.id).collect::<HashSet<_>>(),
        all.iter().map(|r| r.new).collect()
    );
    assert!(taken.iter().all(|sms| sms.attempts == 1));

    // Nobody is told of a ticket that has closed.
    world
        .came_to(&leased[0], SmsFate::Failed { error: "rejected".to_owned(), unknown: false })
        .await;
    world.sql("UPDATE tickets SET status = 'reached', closed_at = 1").await;
    assert!(world.store.retry_failed_sms(morning(), after(300), expiry).await.unwrap().is_empty());
    assert!(world.store.retry_sms(leased[0].id, after(300), expiry).await.is_err());
}

pub(super) async fn one_of_unknown_fate_is_cancelled_between_its_tries(world: World) {
    let world = world.with_eva().await;
    world.miss(&dealer(1), morning()).await;
    for (began, next) in [(100, 200), (200, 300)] {
        let sms = world.lease(after(began), 1).await.remove(0);
        let cancelled = world.store.cancel_sms(sms.id, after(began + 1)).await;
        assert_eq!(cancelled, Err(StoreError::Conflict("it is being sent")));
        let fate = SmsFate::Unknown { not_before: after(next), error: "no answer".to_owned() };
        world.came_to(&sms, fate).await;
    }
    let id = world.store.sms(&Filter::default()).await.unwrap()[0].id;
    assert_eq!(world.store.cancel_sms(id, after(250)).await, Ok(true));
    let told = row(&world, id).await;
    assert_eq!((told.status.as_str(), told.unknown), ("skipped", true));
    assert!(world.lease(after(400), 10).await.is_empty());
    // Sent again by hand, it has all its tries again.
    world.store.retry_sms(id, after(500), SignedDuration::from_hours(1)).await.unwrap();
    assert_eq!(world.lease(after(500), 1).await[0].unknown_tries, 0);
}

pub(super) async fn expired_ones_are_sent_again_one_by_one_alone(world: World) {
    let world = world.with_eva().await;
    world.crowd(2).await;
    let rejected = world.lease(after(100), 1).await.remove(0);
    let fate = SmsFate::Failed { error: "rejected".to_owned(), unknown: false };
    world.came_to(&rejected, fate).await;
    let over = after(7 * 3600);
    assert_eq!(world.store.sweep(over, TTL).await.unwrap().sms_expired, 1);
    let expiry = SignedDuration::from_hours(1);
    let all = world.store.retry_failed_sms(morning(), over, expiry).await.unwrap();
    assert_eq!(all.iter().map(|retried| retried.old).collect::<Vec<_>>(), [rejected.id]);
    let rows = world.store.sms(&Filter::default()).await.unwrap();
    let expired = rows.iter().find(|row| row.error.as_deref() == Some("expired")).unwrap().id;
    assert!(world.store.retry_sms(expired, over, expiry).await.is_ok());
}

pub(super) async fn what_is_due_to_a_shopper_switched_off_is_skipped(world: World) {
    let world = world.with_eva().await;
    world.crowd(1).await;
    world.miss(&dealer(1), morning()).await;
    let switch = async |active| {
        let change = ShopperChange { active: Some(active), ..ShopperChange::default() };
        world.store.change_shopper(&eva(), &change).await.unwrap();
    };
    // Switched on again before it is due: as if nothing had been.
    switch(false).await;
    assert!(world.lease(after(59), 10).await.is_empty());
    switch(true).await;
    world.miss(&dealer(2), after(1000)).await;
    switch(false).await;
    let leased = world.store.lease_sms(after(61), LEASE, 10, Throttle::NONE).await.unwrap();
    let others: Vec<_> = leased.sms.iter().map(|sms| sms.to.clone()).collect();
    assert_eq!((others, leased.skipped), (vec![member(1)], 1));
    let told: Vec<_> = world.store.sms(&Filter::default()).await.unwrap();
    let told: Vec<_> = told.iter().filter(|row| row.to == eva()).collect();
    assert_eq!((told[0].status.as_str(), told[1].status.as_str()), ("queued", "skipped"));
    assert_eq!(told[1].error.as_deref(), Some("shopper inactive"));
}

pub(super) async fn waiting_ones_are_cancelled(world: World) {
    let world = world.with_eva().await;
    world.crowd(2).await;
    let leased = world.lease(after(100), 1).await.remove(0);
    let cancelled = world.store.cancel_sms(leased.id, after(101)).await;
    assert_eq!(cancelled, Err(StoreError::Conflict("it is being sent")));
    let rows = world.store.sms(&Filter::default()).await.unwrap();
    let waiting = rows.iter().find(|row| row.id != leased.id).unwrap().id;
    let ending = waiting.to_string();
    assert_eq!(world.store.find_sms(&ending[28..]).await, Ok(waiting));
    assert_eq!(world.store.find_sms("%").await, Err(StoreError::NotFound("SMS")));
    assert_eq!(world.store.cancel_sms(waiting, after(101)).await, Ok(false));
    let told = row(&world, waiting).await;
    assert_eq!((told.status.as_str(), told.error.as_deref()), ("skipped", Some("cancelled")));
    assert!(world.lease(after(101), 10).await.is_empty());
    // And may go out after all.
    let again = world.store.retry_sms(waiting, after(102), SignedDuration::from_hours(1)).await;
    assert_eq!(again.unwrap().new, waiting);
    assert_eq!(world.lease(after(102), 10).await.len(), 1);
}

pub(super) async fn a_bad_row_does_not_hold_up_the_others(world: World) {
    let world = world.with_eva().await;
    world.crowd(3).await;
    let leased = world.lease(after(100), 10).await;
    world.sql("CREATE UNIQUE INDEX one_of_a_kind ON sms (provider_id)").await;
    let outcomes: Vec<_> = leased
        .iter()
        .zip(["p1", "p1", "p3"])
        .map(|(sms, name)| SmsOutcome {
            id: sms.id,
            leased_until: sms.leased_until,
            fate: SmsFate::Sent {
                at: after(101),
                provider_id: Some(name.to_owned()),
                earlier_parts: vec![],
            },
        })
        .collect();
    let unstored = world.store.sms_outcomes(&outcomes).await;
    assert_eq!(unstored.len(), 1);
    assert_eq!(unstored[0].outcome, outcomes[1]);
    let mut states = Vec::new();
    for sms in &leased {
        states.push(row(&world, sms.id).await.status.as_str());
    }
    assert_eq!(states, ["sent", "sending", "sent"]);
}

pub(super) async fn what_another_worker_leased_is_its_own(world: World) {
    let world = world.with_eva().await;
    world.crowd(1).await;
    let late = world.lease(after(100), 1).await.remove(0);
    assert_eq!(late.leased_until, after(130));
    let now = world.lease(after(140), 1).await.remove(0);
    assert_eq!((now.id, now.leased_until), (late.id, after(170)));
    let before = row(&world, now.id).await;
    for fate in [
        retry(200, "busy"),
        SmsFate::Unknown { not_before: after(300), error: "no answer".to_owned() },
        SmsFate::Failed { error: "no".to_owned(), unknown: true },
    ] {
        world.came_to(&late, fate).await;
        let told = row(&world, now.id).await;
        assert!(told == before, "{:?} {:?}", told.status, told.error);
    }
    assert!(world.lease(after(169), 1).await.is_empty());
    // That it was sent is true all the same, and what the other comes to is too late.
    world.sent(&late, after(150), "p1").await;
    world.came_to(&now, retry(200, "busy")).await;
    let told = row(&world, now.id).await;
    assert_eq!((told.status.as_str(), told.provider_id.as_deref()), ("sent", Some("p1")));
}

pub(super) async fn what_may_have_been_sent_is_marked_for_good(world: World) {
    let world = world.with_eva().await;
    world.crowd(5).await;
    let leased = world.lease(after(100), 10).await;
    let failed = |unknown| SmsFate::Failed { error: "no answer".to_owned(), unknown };
    world.came_to(&leased[0], failed(true)).await;
    world.came_to(&leased[1], failed(false)).await;
    // The others' worker dies.
    assert_eq!(world.store.cancel_sms(leased[2].id, after(140)).await, Ok(true));
    world.sql("UPDATE tickets SET status = 'reached', closed_at = 1 WHERE number = 1 AND dealer = '+420234000004'").await;
    assert_eq!(world.store.sweep(after(140), TTL).await.unwrap().sms_skipped, 1);
    let over = after(7 * 3600);
    assert_eq!(world.store.sweep(over, TTL).await.unwrap().sms_expired, 1);
    let mut told = Vec::new();
    for sms in &leased {
        let row = row(&world, sms.id).await;
        told.push((row.status.as_str(), row.unknown));
    }
    let expected = [
        ("failed", true),
        ("failed", false),
        ("skipped", true),
        ("skipped", true),
        ("failed", true),
    ];
    assert_eq!(told, expected);
}

pub(super) async fn a_failure_reported_before_the_answer_waits_for_it(world: World) {
    let world = world.with_eva().await;
    world.miss(&dealer(1), morning()).await;
    let sms = world.lease(after(60), 10).await.remove(0);
    let report = async |second| {
        let failed = Delivery::Failed("not delivered: REJECTD");
        world.store.sms_reported(&sms.id.to_string(), failed, after(second)).await.unwrap()
    };
    assert_eq!(report(61).await, None);
    assert_eq!(row(&world, sms.id).await.status.as_str(), "sending");
    world.sent(&sms, after(62), "p1").await;
    assert_eq!(report(63).await, Some(sms.id));
    assert_eq!(row(&world, sms.id).await.status.as_str(), "failed");
}
