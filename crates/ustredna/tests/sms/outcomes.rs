use std::time::Duration;

use serde_json::Value;
use sqlx::{Connection as _, Executor as _};
use store::Filter;
use ustredna::Clock;

use crate::{
    house::{House, now, phone},
    provider::{Does, Provider},
};

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_of_the_provider_has_its_outcome() {
    let house = House::new(5, false);
    let provider = Provider::default();
    house.write_settings(provider.start().await, "");
    let slow = Does::TakesAndAnswersAfter(Duration::from_secs(2));
    provider.plan(&phone(1), &[Does::Rejects]);
    provider.plan(&phone(2), &[Does::Busy; 9]);
    provider.plan(&phone(3), &[slow]);
    let store = house.store().await;
    for shopper in 0..4 {
        house.miss(&store, shopper, 1, now()).await;
    }
    let running = house.open(Clock::SYSTEM).await;

    let sent = House::until(&running, &phone(0), "sent").await;
    assert_eq!(sent["provider_id"], format!("p-{}", sent["id"].as_str().unwrap()));
    assert!(sent["sent_at"].is_string() && sent["error"].is_null(), "{sent}");
    assert_eq!((&sent["attempts"], &sent["unknown"]), (&1.into(), &false.into()));
    assert_eq!(provider.got_by(&phone(0))[0].text, "Zmeskany hovor c. 1 od +420234000001");

    let rejected = House::until(&running, &phone(1), "failed").await;
    assert!(rejected["error"].as_str().unwrap().contains("422"), "{rejected}");
    let tried = |sms: &Value| sms["attempts"] != 0 && sms["status"] == "queued";
    let busy = House::until_it(&running, &phone(2), tried).await;
    assert!(busy["not_before"].as_str() > busy["created_at"].as_str(), "{busy}");
    assert!(busy["error"].is_string() && busy["unknown"] == false, "{busy}");

    // It took the message but did not say so in time: unknown until the lease is over, then sent
    // once more under the same key.
    let unknown = House::until_unknown(&running, &phone(3)).await;
    assert_eq!(unknown["status"], "sending");
    assert!(unknown["error"].is_string() && unknown["attempts"] == 1, "{unknown}");
    assert_eq!(provider.got_by(&phone(3)).len(), 1, "not before the lease is over");
    let again = House::until(&running, &phone(3), "sent").await;
    assert_eq!((&again["attempts"], &again["unknown"]), (&2.into(), &false.into()));
    let got = provider.got_by(&phone(3));
    assert!(got.len() == 2 && got[0] == got[1], "{got:?}");

    // Rejected ones wait for an operator.
    let ending = &rejected["id"].as_str().unwrap()[28..];
    running.command(&["sms", "retry", ending]).await.unwrap();
    let sent = House::until(&running, &phone(1), "sent").await;
    assert_eq!(sent["id"], rejected["id"]);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_wants_fewer_slows_all_down() {
    let house = House::new(3, false);
    let provider = Provider::default();
    house.write_settings(provider.start().await, "in_flight = 1");
    provider.plan(&phone(0), &[Does::Throttles]);
    let store = house.store().await;
    house.miss(&store, 0, 1, now()).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    house.miss(&store, 1, 1, now()).await;
    let running = house.open(Clock::SYSTEM).await;
    for shopper in 0..2 {
        let sent = House::until(&running, &phone(shopper), "sent").await;
        assert_eq!(sent["attempts"], 1, "what was throttled is no try");
    }
    assert_eq!(provider.got().len(), 3);
    assert_eq!(provider.got()[0].to, phone(0));
    // It asked for three seconds.
    let came = provider.came();
    assert!(came[1] - came[0] > Duration::from_millis(2900), "the other waits too: {came:?}");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_for_a_provider_that_wants_fewer_is_told_once() {
    let house = House::new(4, false);
    let provider = Provider::default();
    house.write_settings(provider.start().await, "in_flight = 4");
    let store = house.store().await;
    for shopper in 0..4 {
        provider.plan(&phone(shopper), &[Does::Throttles]);
        house.miss(&store, shopper, 1, now()).await;
    }
    let mut exchange = house.serve();
    while store.sms(&Filter::default()).await.unwrap().iter().any(|sms| sms.sent_at.is_none()) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    exchange.kill().unwrap();
    exchange.wait().unwrap();
    let log = std::fs::read_to_string(house.path("log")).unwrap();
    let pauses: Vec<_> = log.lines().filter(|line| line.contains("wants fewer")).collect();
    assert_eq!(pauses.len(), 1, "{log}");
    assert!(pauses.iter().all(|line| line.contains("WARN") && line.contains("pause_s")), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_not_there_took_nothing() {
    let house = House::new(1, false);
    house.miss(&house.store().await, 0, 1, now()).await;
    let running = house.open(Clock::SYSTEM).await;
    let tried = |sms: &Value| sms["attempts"] == 1 && sms["error"].is_string();
    let refused = House::until_it(&running, &phone(0), tried).await;
    assert_eq!((&refused["unknown"], &refused["status"]), (&false.into(), &"queued".into()));
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_abroad_get_none_unless_allowed_and_dealers_never() {
    let house = House::new(0, false);
    house.import(&["+421905123456".to_owned(), "+420602000001".to_owned()]);
    let provider = Provider::default();
    let at = provider.start().await;
    house.write_settings(at, "");
    let store = house.store().await;
    for shopper in 0..2 {
        house.miss(&store, shopper, 7, now()).await;
    }
    let running = house.open(Clock::SYSTEM).await;
    let refused = House::until(&running, "+421905123456", "failed").await;
    assert!(refused["error"].as_str().unwrap().contains("sms.foreign"), "{refused}");
    House::until(&running, "+420602000001", "sent").await;
    running.stop().await.unwrap();

    house.write_settings(at, "foreign = true");
    let running = house.open(Clock::SYSTEM).await;
    running.command(&["sms", "retry", "--failed"]).await.unwrap();
    House::until(&running, "+421905123456", "sent").await;
    running.stop().await.unwrap();
    assert_eq!(provider.got().len(), 2);
    assert!(provider.got().iter().all(|got| got.to != "+420234000007"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_stored_though_the_database_fails_at_the_end() {
    let house = House::new(1, false);
    let provider = Provider::default();
    house.write_settings(provider.start().await, "");
    provider.plan(&phone(0), &[Does::TakesAndAnswersAfter(Duration::from_millis(500))]);
    house.miss(&house.store().await, 0, 1, now()).await;
    let running = house.open(Clock::SYSTEM).await;
    while provider.got().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let url = format!("sqlite://{}", house.path("ustredna.db").display());
    let mut hand = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let trigger =
        "CREATE TRIGGER no BEFORE UPDATE ON sms BEGIN SELECT RAISE(ABORT, 'not now'); END";
    hand.execute(trigger).await.unwrap();
    let stopped = tokio::spawn(running.stop());
    tokio::time::sleep(Duration::from_millis(1200)).await;
    hand.execute("DROP TRIGGER no").await.unwrap();
    stopped.await.unwrap().unwrap();
    let rows = house.store().await.sms(&Filter::default()).await.unwrap();
    assert_eq!((rows[0].status.as_str(), provider.got().len()), ("sent", 1));
}
