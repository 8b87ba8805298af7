use exchange::{
    cause::Failure,
    destination::Refusal,
    history::History,
    model::{CallId, Outcome, Service},
    number::PhoneNumber,
};
use jiff::SignedDuration;
use uuid::Uuid;

use super::fixture::{
    DAY, TTL, World, after, dealer, eva, f1, f2, fail, id, morning, new_shopper, phone, talk,
};
use crate::{Filter, RecordingRow};

pub(super) async fn a_miss_opens_a_ticket_and_queues_an_sms(world: World) {
    let world = world.with_eva().await;
    let settled = world.miss(&dealer(1), morning()).await;
    assert_eq!(settled.ticket.unwrap().value(), 1);
    assert!(settled.sms_queued);

    let ticket = world.store.tickets(&Filter::default()).await.unwrap().remove(0);
    assert_eq!((ticket.shopper, ticket.dealer, ticket.fictitious_number), (eva(), dealer(1), f1()));
    assert_eq!((ticket.status.as_str(), ticket.missed), ("open", 1));
    assert_eq!((ticket.first_missed_at, ticket.last_missed_at), (morning(), morning()));
    assert_eq!(ticket.sms.unwrap().as_str(), "queued");

    let sms = world.store.sms(&Filter::default()).await.unwrap().remove(0);
    assert_eq!((sms.to, sms.text.as_str(), sms.segments), (eva(), "ticket 1 x1 09:00:00", 1));
    assert_eq!((sms.not_before, sms.attempts), (after(60), 0));

    let call = world.store.calls(&Filter::default()).await.unwrap().remove(0);
    assert_eq!((call.outcome, call.ticket), (Some(Outcome::NoAnswer), settled.ticket));
    assert_eq!((call.shopper, call.dealer), (Some(eva()), Some(dealer(1))));
    assert_eq!(call.hangup_cause.as_deref(), Some("NORMAL_CLEARING"));
    assert_eq!((call.attempts.len(), call.recording), (1, None));
}

pub(super) async fn a_second_miss_counts_and_refreshes_the_waiting_sms(world: World) {
    let world = world.with_eva().await;
    world.miss(&dealer(1), morning()).await;
    let second = world.miss(&dealer(1), after(30)).await;
    assert_eq!((second.ticket.unwrap().value(), second.sms_queued), (1, false));
    assert_eq!(world.tickets().await, [(1, "open", 2)]);
    assert_eq!(world.sms().await, [("ticket 1 x2 09:00:30".to_owned(), "queued")]);
}

pub(super) async fn a_miss_after_the_sms_went_out_queues_another(world: World) {
    let world = world.with_eva().await;
    world.tries(&dealer(1), morning()).await;
    world.miss(&dealer(1), morning()).await;
    let sms = world.lease(after(60), 10).await.remove(0);
    world.sent(&sms, after(61), "p1").await;
    assert!(world.miss(&dealer(1), after(90)).await.sms_queued);
    assert_eq!(
        world.sms().await,
        [
            ("ticket 1 x2 09:01:30".to_owned(), "queued"),
            ("ticket 1 x1 09:00:00".to_owned(), "sent"),
        ]
    );
    let ticket = world.store.tickets(&Filter::default()).await.unwrap().remove(0);
    assert_eq!(ticket.sms.unwrap().as_str(), "queued");
}

pub(super) async fn a_call_settled_twice_is_settled_once(world: World) {
    let world = world.with_eva().await;
    let mut history = world.callback(&f1(), Some(dealer(1)), morning()).await;
    fail(&mut history, after(20), Failure::Busy);
    let first = world.end(&history, after(20)).await;
    let calls = world.store.calls(&Filter::default()).await.unwrap();
    let second = world.end(&history, after(900)).await;
    assert_eq!((second.ticket, second.sms_queued), (first.ticket, false));
    assert_eq!(world.tickets().await, [(1, "open", 1)]);
    assert_eq!(world.sms().await.len(), 1);
    assert_eq!(world.store.calls(&Filter::default()).await.unwrap(), calls);
}

pub(super) async fn a_withheld_dealer_gives_an_sms_without_a_ticket(world: World) {
    let world = world.with_eva().await;
    let history = world.callback(&f1(), None, morning()).await;
    let settled = world.end(&history, after(5)).await;
    assert_eq!((settled.ticket, settled.sms_queued), (None, true));
    assert!(world.tickets().await.is_empty());
    assert_eq!(world.sms().await, [("withheld".to_owned(), "queued")]);
    let call = world.store.calls(&Filter::default()).await.unwrap().remove(0);
    assert_eq!((call.outcome, call.dealer), (Some(Outcome::Abandoned), None));
}

pub(super) async fn a_talk_closes_the_ticket_and_skips_its_sms(world: World) {
    let world = world.with_eva().await;
    world.miss(&dealer(1), morning()).await;
    world.miss(&dealer(2), morning()).await;
    let mut history = world.callback(&f1(), Some(dealer(1)), after(30)).await;
    talk(&mut history, after(35), after(100));
    let settled = world.end(&history, after(100)).await;
    assert_eq!((settled.ticket.unwrap().value(), settled.sms_queued), (1, false));
    assert_eq!(world.tickets().await, [(1, "reached", 1), (2, "open", 1)]);
    let mut sms = world.sms().await;
    sms.sort();
    assert_eq!(
        sms,
        [
            ("ticket 1 x1 09:00:00".to_owned(), "skipped"),
            ("ticket 2 x1 09:00:00".to_owned(), "queued"),
        ]
    );
    let call = world.store.calls(&Filter::default()).await.unwrap().remove(0);
    assert_eq!((call.answered_at, call.ended_at), (Some(after(35)), Some(after(100))));
    assert!((call.talk_seconds - 65.0).abs() < 0.001);
    assert_eq!(call.recording.as_ref(), Some(&history.legs[0].recording));
}

pub(super) async fn a_returned_call_closes_its_ticket_and_a_failed_one_does_not(world: World) {
    let world = world.with_eva().await;
    world.miss(&dealer(1), morning()).await;
    let ticket = world.store.tickets(&Filter::default()).await.unwrap().remove(0);

    let mut busy = world.outbound(dealer(1), Some(ticket.id), after(200)).await;
    fail(&mut busy, after(210), Failure::Busy);
    assert_eq!(world.end(&busy, after(210)).await.ticket, Some(ticket.number));
    assert_eq!(world.tickets().await, [(1, "open", 1)]);

    let mut answered = world.outbound(dealer(1), Some(ticket.id), after(300)).await;
    talk(&mut answered, after(310), after(320));
    world.end(&answered, after(320)).await;
    assert_eq!(world.tickets().await, [(1, "called_back", 1)]);
    let calls = world.store.calls(&Filter::default()).await.unwrap();
    assert!(calls.iter().all(|call| call.ticket == Some(ticket.number)));
}

pub(super) async fn ticket_numbers_rest_a_day_after_closing(world: World) {
    let world = world.with_eva().await;
    for number in 1..=99 {
        world.tries(&dealer(number), morning()).await;
        world.miss(&dealer(number), morning()).await;
    }
    // Number 5 is called back, and rests.
    let mut call = world.outbound(dealer(5), None, after(60)).await;
    talk(&mut call, after(70), after(80));
    world.end(&call, after(80)).await;
    assert_eq!(world.miss(&dealer(100), after(100)).await.ticket, None);
    let next_day = after(80) + DAY;
    world.tries(&dealer(101), next_day).await;
    assert_eq!(world.miss(&dealer(101), next_day).await.ticket.unwrap().value(), 5);
}

pub(super) async fn with_all_numbers_taken_the_sms_says_so(world: World) {
    let world = world.with_eva().await;
    for number in 1..=99 {
        world.tries(&dealer(number), morning()).await;
        world.miss(&dealer(number), morning()).await;
    }
    let settled = world.miss(&dealer(100), after(10)).await;
    assert_eq!((settled.ticket, settled.sms_queued), (None, true));
    let texts = world.sms().await;
    assert!(texts.iter().any(|(text, _)| text == "no ticket"), "{texts:?}");
    assert_eq!(world.tickets().await.len(), 99);
}

pub(super) async fn misses_at_once_get_distinct_numbers(world: World) {
    let world = std::sync::Arc::new(world.with_eva().await);
    for number in 1..=20 {
        world.tries(&dealer(number), morning()).await;
    }
    let tasks: Vec<_> = (1..=20)
        .map(|number| {
            let world = world.clone();
            tokio::spawn(async move { world.miss(&dealer(number), morning()).await.ticket })
        })
        .collect();
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await.unwrap().unwrap().value());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=20).collect::<Vec<u8>>());
    assert_eq!(world.sms().await.len(), 20);
}

pub(super) async fn the_same_call_settled_at_once_gives_one_ticket(world: World) {
    let world = std::sync::Arc::new(world.with_eva().await);
    let history = world.callback(&f1(), Some(dealer(1)), morning()).await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (world, history) = (world.clone(), history.clone());
            tokio::spawn(async move { world.end(&history, after(9)).await.sms_queued })
        })
        .collect();
    let mut queued = 0;
    for task in tasks {
        queued += u32::from(task.await.unwrap());
    }
    assert_eq!(queued, 1);
    assert_eq!(world.tickets().await, [(1, "open", 1)]);
}

pub(super) async fn sweeping_expires_and_cancels(world: World) {
    let world = world.with_eva().await;
    world.pair(eva(), f2()).await;
    world.miss(&dealer(1), morning()).await;
    let late = morning() + TTL - SignedDuration::from_secs(1);
    world.miss(&dealer(2), late).await;
    let mut other = world.callback(&f2(), Some(dealer(3)), late).await;
    fail(&mut other, late, Failure::Rejected);
    world.end(&other, late).await;
    // Ended behind the program's back, so that nothing but the sweep can notice.
    world.sql("UPDATE pairings SET ended_at = 1 WHERE number = 2").await;

    let swept = world.store.sweep(morning() + TTL, TTL).await.unwrap();
    assert_eq!((swept.expired, swept.cancelled, swept.sms_skipped), (1, 1, 2));
    assert_eq!(swept.sms_expired, 0, "the one that waits is of use for hours yet");
    assert_eq!(world.tickets().await, [(1, "expired", 1), (2, "open", 1), (3, "cancelled", 1)]);
    assert_eq!(world.store.sweep(morning() + TTL, TTL).await.unwrap(), crate::Swept::default());
}

pub(super) async fn refused_calls_are_listed_with_their_reason(world: World) {
    let mut history = History::new(CallId(Uuid::new_v4()), Service::OutboundHotline, morning());
    history.refusal = Some(Refusal::UnknownCaller);
    world.end(&history, after(5)).await;
    let call = world.store.calls(&Filter::default()).await.unwrap().remove(0);
    assert_eq!(call.outcome, Some(Outcome::Refused));
    assert_eq!((call.refusal, call.shopper), (Some(Refusal::UnknownCaller), None));
    assert!(call.attempts.is_empty());
}

pub(super) async fn a_recording_waits_for_its_verdict(world: World) {
    let world = world.with_eva().await;
    let mut history = world.outbound(dealer(1), None, morning()).await;
    talk(&mut history, after(5), after(20));
    world.end(&history, after(20)).await;
    let mut failed = world.outbound(dealer(2), None, morning()).await;
    fail(&mut failed, after(5), Failure::NoAnswer);
    world.end(&failed, after(5)).await;

    let unproven = world.store.unproven_calls().await.unwrap();
    assert_eq!(unproven.len(), 1, "only an answered leg is recorded");
    assert_eq!((unproven[0].history.id, unproven[0].ended_at), (history.id, Some(after(20))));
    assert_eq!(unproven[0].history.legs[0].answered_at, Some(after(5)));
    let pending = world.store.recordings(&Filter::default()).await.unwrap().remove(0);
    assert_eq!((pending.call, pending.leg), (history.id, history.legs[0].id));
    assert_eq!((pending.verdict.as_str(), pending.seconds), ("pending", None));

    let found = RecordingRow {
        seconds: Some(14.987),
        bytes: Some(479_628),
        channels: Some(2),
        sha256: Some("ab".repeat(32)),
        verdict: "ok".to_owned(),
        gaps: Some("[1]".to_owned()),
        media: Some("{}".to_owned()),
        ..pending
    };
    world.store.record_verdict(&found).await.unwrap();
    let listed = world.store.recordings(&Filter::default()).await.unwrap();
    assert!(listed.len() == 1 && listed[0] == found);
    assert!(world.store.unproven_calls().await.unwrap().is_empty());
    let nonsense = RecordingRow { verdict: "fine".to_owned(), ..found };
    assert!(world.store.record_verdict(&nonsense).await.is_err());
}

pub(super) async fn lists_are_narrowed(world: World) {
    let world = world.with_eva().await;
    let jan: PhoneNumber = phone("+420602222333");
    world.store.add_shopper(&new_shopper(jan.clone()), morning()).await.unwrap();
    assert_eq!(world.pair(jan.clone(), f2()).await, id(1));
    for second in [0, 100, 200] {
        let now = after(second);
        let mut call = world.outbound(dealer(7), None, now).await;
        fail(&mut call, now, Failure::Busy);
        world.end(&call, now).await;
    }
    let mut other = world.callback(&f2(), Some(dealer(9)), after(300)).await;
    talk(&mut other, after(301), after(302));
    world.end(&other, after(302)).await;

    let starts = async |filter: Filter| -> Vec<i64> {
        let calls = world.store.calls(&filter).await.unwrap();
        assert!(calls.iter().all(|call| call.attempts.len() == 1));
        calls.iter().map(|call| call.started_at.duration_since(morning()).as_secs()).collect()
    };
    assert_eq!(starts(Filter::default()).await, [300, 200, 100, 0]);
    let filter = Filter { shopper: Some(eva()), ..Filter::default() };
    assert_eq!(starts(filter).await, [200, 100, 0]);
    let filter = Filter { since: Some(after(100)), until: Some(after(300)), ..Filter::default() };
    assert_eq!(starts(filter).await, [200, 100]);
    assert_eq!(starts(Filter { limit: Some(2), ..Filter::default() }).await, [300, 200]);
    let project = |name: &str| Filter { project: Some(name.to_owned()), ..Filter::default() };
    assert_eq!(starts(project("jaro")).await.len(), 4);
    assert!(starts(project("zima")).await.is_empty());

    let jans = Filter { shopper: Some(jan), ..Filter::default() };
    assert_eq!(world.store.recordings(&jans).await.unwrap().len(), 1);
    let evas = Filter { shopper: Some(eva()), ..Filter::default() };
    assert!(world.store.recordings(&evas).await.unwrap().is_empty());
    world.miss(&dealer(1), after(400)).await;
    assert_eq!(world.store.tickets(&evas).await.unwrap().len(), 1);
    assert_eq!(world.store.sms(&evas).await.unwrap().len(), 1);
    assert!(world.store.tickets(&jans).await.unwrap().is_empty());
    assert!(world.store.sms(&jans).await.unwrap().is_empty());
    assert!(world.store.tickets(&project("zima")).await.unwrap().is_empty());
    assert!(world.store.sms(&project("zima")).await.unwrap().is_empty());
}
