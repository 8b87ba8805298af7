//! Robo-calls: what strangers leave is capped, and the dealers' calls come first.

use exchange::cause::Failure;
use jiff::{SignedDuration, Timestamp};
use sqlx::{AnyConnection, Connection as _, Row as _};

use super::fixture::{DAY, LEASE, TIMING, TTL, World, after, dealer, eva, f1, f2, fail, morning};
use crate::{BURST, DEALERS_WAITING, Filter, STRANGERS_NUMBERS, SmsFate, Throttle, tickets};

/// As the settings have it.
const THROTTLE: Throttle =
    Throttle { per_minute: Some(1), per_quarter: Some(5), per_hour: Some(12) };

fn stranger(number: u32) -> exchange::number::PhoneNumber {
    super::fixture::phone(&format!("+420910{number:06}"))
}

impl World {
    async fn withheld(&self, now: Timestamp) {
        let mut history = self.callback(&f1(), None, now).await;
        fail(&mut history, now, Failure::NoAnswer);
        self.end(&history, now).await;
    }

    /// So many strangers call, one a second.
    async fn storm(&self, count: u32) {
        for number in 0..count {
            self.miss(&stranger(number), after(i64::from(number))).await;
        }
    }

    /// What a worker sends that asks every ten seconds, with the second it was sent in.
    async fn sends(&self, from: i64, to: i64) -> Vec<(i64, String)> {
        let mut sent = Vec::new();
        for second in (from..to).step_by(10) {
            let leased = self.store.lease_sms(after(second), LEASE, 10, THROTTLE).await.unwrap();
            assert_eq!(leased.expired, 0);
            for sms in leased.sms {
                self.sent(&sms, after(second), "p").await;
                sent.push((second, sms.text));
            }
        }
        sent
    }

    async fn waiting(&self) -> Vec<String> {
        let all = self.sms().await;
        all.into_iter().filter(|(_, status)| *status == "queued").map(|(text, _)| text).collect()
    }
}

pub(super) async fn a_storm_is_told_in_a_few_sms(world: World) {
    let world = world.with_eva().await;
    world.storm(130).await;
    let mut waiting = world.waiting().await;
    assert_eq!(waiting.remove(0), "125 more of strangers to one number, returnable");
    let own: Vec<_> = (1..=5).rev().map(|n| format!("ticket {n} x1 09:00:0{}", n - 1)).collect();
    assert_eq!(waiting, own);
    assert_eq!(world.tickets().await.len(), STRANGERS_NUMBERS);
    // The digest goes last, though it was due before the throttle let the others out.
    let sent = world.sends(60, 3600).await;
    assert_eq!(sent.len(), 6, "{sent:?}");
    assert!(sent[5].1.starts_with("125 more"));
}

pub(super) async fn a_dealer_is_told_after_a_storm(world: World) {
    let world = world.with_eva().await;
    world.tries(&dealer(1), morning()).await;
    world.storm(130).await;
    let settled = world.miss(&dealer(1), after(140)).await;
    assert_eq!(settled.ticket.unwrap().value(), 51);
    assert!(settled.sms_queued);
    let sent = world.sends(60, 3600).await;
    let dealers = sent.iter().find(|(_, text)| text.starts_with("ticket 51")).unwrap();
    assert!(dealers.0 <= 200 + 60, "{sent:?}: as soon as it is due and the throttle lets it");
    // On the hotline they are the first of the list.
    let facts = world.store.shopper_facts(&eva(), after(300), TTL).await.unwrap().unwrap();
    assert_eq!(facts.tickets[0].dealer, dealer(1));
}

pub(super) async fn a_dealer_is_told_in_a_storm_that_lasts(world: World) {
    let world = world.with_eva().await;
    world.tries(&dealer(1), morning()).await;
    let mut sent = Vec::new();
    // Somebody new every ten seconds for six hours; the dealer in the third.
    for number in 0..2160 {
        let second = i64::from(number) * 10;
        world.miss(&stranger(number), after(second)).await;
        if second == 8000 {
            assert!(world.miss(&dealer(1), after(second)).await.ticket.is_some());
        }
        sent.extend(world.sends(second, second + 10).await);
    }
    let dealers = sent.iter().find(|(_, text)| text.ends_with("x1 11:13:20")).unwrap();
    assert!((8060..8400).contains(&dealers.0), "{dealers:?}");
    // Five an hour about single strangers, and one about the others.
    let together: Vec<_> = sent.iter().filter(|(_, text)| text.contains("more of")).collect();
    assert!((5..=7).contains(&together.len()), "{together:?}");
    assert!(sent.len() <= 6 * 6 + 2, "{}", sent.len());
    // Every call is told: by itself or among others.
    let counted = |text: &String| text.split(' ').next().unwrap().parse::<usize>().unwrap();
    let waiting = world.waiting().await;
    let all = sent.iter().map(|(_, text)| text).chain(&waiting);
    let told: usize =
        all.map(|text| if text.contains("more of") { counted(text) } else { 1 }).sum();
    assert_eq!(told, 2160 + 1);
}

pub(super) async fn a_stranger_who_calls_on_and_on_is_told_once(world: World) {
    let world = world.with_eva().await;
    for second in (0..3600).step_by(30) {
        world.miss(&stranger(1), after(second)).await;
        world.sends(second, second + 30).await;
    }
    assert_eq!(world.tickets().await, [(1, "open", 120)]);
    assert_eq!(world.sms().await.len(), 1);
    // The next day it is news again.
    assert!(world.miss(&stranger(1), morning() + DAY).await.sms_queued);
    // And of one whom the shopper has called since, everything is.
    world.tries(&stranger(2), morning() + DAY).await;
    world.miss(&stranger(2), morning() + DAY).await;
    assert_eq!(world.waiting().await.len(), 2);
}

pub(super) async fn withheld_calls_are_told_together(world: World) {
    let world = world.with_eva().await;
    for second in 0..130 {
        world.withheld(after(second)).await;
    }
    let waiting = world.waiting().await;
    assert_eq!(waiting.len(), 6);
    assert_eq!(waiting[0], "125 more of strangers to one number, not returnable");
    assert_eq!(world.tickets().await, []);
    // One who shows a number can be called back.
    world.miss(&stranger(1), after(140)).await;
    assert_eq!(world.waiting().await[0], "126 more of strangers to one number, returnable");
}

pub(super) async fn calls_to_all_numbers_of_a_shopper_are_told_together(world: World) {
    let world = world.with_eva().await;
    world.pair(eva(), f2()).await;
    for number in 0..20 {
        let called = if number % 2 == 0 { f1() } else { f2() };
        let mut history = world.callback(&called, Some(stranger(number)), morning()).await;
        fail(&mut history, morning(), Failure::Busy);
        world.end(&history, morning()).await;
    }
    let waiting = world.waiting().await;
    assert_eq!(waiting.len(), 6);
    assert!(waiting.contains(&"15 more of strangers to several numbers, returnable".to_owned()));
}

pub(super) async fn even_dealers_are_told_together_when_they_are_too_many(world: World) {
    let world = world.with_eva().await;
    let all = 99;
    for number in 1..=all {
        world.tries(&dealer(number), morning()).await;
        assert!(world.miss(&dealer(number), morning()).await.ticket.is_some());
    }
    let waiting = world.waiting().await;
    assert_eq!(waiting.len(), DEALERS_WAITING as usize + 1);
    let rest = format!("{} more of dealers to one number, returnable", all - DEALERS_WAITING);
    assert!(waiting.contains(&rest), "{waiting:?}");
}

pub(super) async fn strangers_at_once_are_all_counted(world: World) {
    let world = std::sync::Arc::new(world.with_eva().await);
    let tasks: Vec<_> = (0..25)
        .map(|number| {
            let world = world.clone();
            tokio::spawn(async move { world.miss(&stranger(number), morning()).await.burst })
        })
        .collect();
    let mut bursts = Vec::new();
    for task in tasks {
        bursts.extend(task.await.unwrap());
    }
    assert_eq!(bursts, [BURST]);
    let waiting = world.waiting().await;
    assert_eq!(waiting.len(), 6);
    assert!(waiting.contains(&"20 more of strangers to one number, returnable".to_owned()));
}

/// An SMS that a worker has, or may have been taken, is left as it is.
pub(super) async fn what_is_under_way_is_not_counted_up(world: World) {
    let world = world.with_eva().await;
    world.storm(10).await;
    world.sends(60, 360).await;
    let digest = world.lease(after(360), 10).await.remove(0);
    assert!(digest.text.starts_with("5 more"));
    assert!(world.miss(&stranger(20), after(361)).await.sms_queued);
    let fate = SmsFate::Unknown { not_before: after(400), error: "no answer".to_owned() };
    world.came_to(&digest, fate).await;
    world.miss(&stranger(21), after(370)).await;
    assert_eq!(world.waiting().await, ["2 more of strangers to one number, returnable"]);
    let again = world.lease(after(400), 10).await.remove(0);
    assert_eq!((again.id, again.text), (digest.id, digest.text));
    // Settled twice, it counts once.
    let mut history = world.callback(&f1(), Some(stranger(22)), after(410)).await;
    fail(&mut history, after(410), Failure::Busy);
    for _ in 0..3 {
        world.end(&history, after(410)).await;
    }
    assert_eq!(world.waiting().await, ["3 more of strangers to one number, returnable"]);
    // A second one comes an hour later, and not so late that it would expire.
    let row = world.store.sms(&Filter::default()).await.unwrap().remove(0);
    assert_eq!(row.not_before, after(361) + SignedDuration::from_hours(1));
    let short = crate::SmsTiming { expiry: SignedDuration::from_mins(10), ..TIMING };
    world.sql("UPDATE sms SET status = 'sent', sent_at = due_at, leased_until = NULL").await;
    world.end_with(&world.failed(stranger(30), after(4000)).await, after(4000), short).await;
    let row = world.store.sms(&Filter::default()).await.unwrap().remove(0);
    assert!(row.not_before < row.expires_at.unwrap());
}

impl World {
    async fn failed(
        &self,
        caller: exchange::number::PhoneNumber,
        now: Timestamp,
    ) -> exchange::history::History {
        let mut history = self.callback(&f1(), Some(caller), now).await;
        fail(&mut history, now, Failure::Busy);
        history
    }
}

pub(super) async fn a_burst_is_told_once(world: World) {
    let world = world.with_eva().await;
    world.tries(&dealer(1), morning()).await;
    let bursts = async |from: i64, count: u32, every: i64| {
        let mut bursts = Vec::new();
        for number in 0..count {
            let second = from + i64::from(number) * every;
            assert_eq!(world.miss(&dealer(1), after(second)).await.burst, None, "no stranger");
            let settled = world.miss(&stranger(number), after(second)).await;
            bursts.extend(settled.burst.map(|calls| (number + 1, calls)));
        }
        bursts
    };
    // Nineteen in an hour are none.
    assert_eq!(bursts(0, BURST - 1, 60).await, []);
    // A storm of five hours is one.
    assert_eq!(bursts(10_000, 300, 60).await, [(BURST, BURST)]);
    // Another one, the next day.
    assert_eq!(bursts(100_000, 30, 1).await, [(BURST, BURST)]);
    // Set back by two days, the clock silences none.
    assert_eq!(bursts(-100_000, 30, 1).await, [(BURST, BURST)]);
}

/// The strangers of a storm give their numbers back before their tickets' time is over.
pub(super) async fn strangers_make_room_for_each_other(world: World) {
    let world = world.with_eva().await;
    world.storm(60).await;
    let open = async || world.tickets().await.iter().filter(|t| t.1 == "open").count();
    assert_eq!(open().await, STRANGERS_NUMBERS);
    assert_eq!(world.miss(&stranger(70), after(7200)).await.ticket, None);
    assert_eq!(open().await, STRANGERS_NUMBERS);
    let next = morning() + DAY + SignedDuration::from_mins(5);
    assert_eq!(world.miss(&stranger(71), next).await.ticket, None, "their numbers rest");
    assert_eq!(open().await, 0);
    let then = next + DAY + SignedDuration::from_secs(1);
    assert!(world.miss(&stranger(72), then).await.ticket.is_some());
}

/// Who is known: by whose call, and by which number.
pub(super) async fn a_dealer_is_known_by_the_number_that_called_them(world: World) {
    let world = world.with_eva().await;
    world.pair(eva(), f2()).await;
    world.tries(&dealer(1), morning()).await;
    // They were missed before: that alone makes nobody known.
    world.miss(&dealer(2), morning()).await;
    let mut talked = world.callback(&f1(), Some(dealer(3)), morning()).await;
    super::fixture::talk(&mut talked, after(1), after(9));
    world.end(&talked, after(9)).await;

    let knows = async |number, dealer| {
        let mut tx = world.store.begin().await.unwrap();
        let known = tickets::is_known(&mut tx, &number, &dealer).await.unwrap();
        tx.rollback().await.unwrap();
        known
    };
    assert!(knows(f1(), dealer(1)).await);
    assert!(!knows(f2(), dealer(1)).await, "another number");
    assert!(!knows(f1(), dealer(2)).await);
    assert!(knows(f1(), dealer(3)).await);
    if world.url.starts_with("sqlite:") {
        let mut connection = AnyConnection::connect(&world.url).await.unwrap();
        let plan = format!("EXPLAIN QUERY PLAN {}", tickets::KNOWN);
        let plan = sqlx::query(sqlx::AssertSqlSafe(plan)).bind("").bind("");
        let plan = plan.fetch_one(&mut connection).await.unwrap();
        assert!(plan.get::<String, _>("detail").contains("USING INDEX legs_of_dealer"));
    }
}
