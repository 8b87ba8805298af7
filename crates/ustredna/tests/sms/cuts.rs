//! Connections that are cut, and answers that never come: what the gateway can know of a message
//! then, and what becomes of one of which it knows nothing.

use std::time::Duration;

use serde_json::Value;
use sqlx::{Connection as _, Executor as _};
use tokio::{io::AsyncWriteExt as _, net::TcpListener};
use ustredna::Clock;

use crate::{
    house::{House, now, phone},
    provider::{Does, Provider, cutter, read_request, shut},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_before_the_request_took_nothing() {
    let house = House::new(1, false);
    // Before TLS is agreed on no request can have left, and the gateway knows.
    let at = shut().await;
    house.write_settings(at, "");
    let settings = std::fs::read_to_string(house.path("ustredna.toml")).unwrap();
    let (plain, tls) = (format!("http://{at}"), format!("https://{at}"));
    assert!(settings.contains(&plain));
    std::fs::write(house.path("ustredna.toml"), settings.replace(&plain, &tls)).unwrap();
    house.miss(&house.store().await, 0, 1, now()).await;
    let running = house.open(Clock::SYSTEM).await;
    let tried = |sms: &Value| sms["attempts"] == 1 && sms["error"].is_string();
    let cut = House::until_it(&running, &phone(0), tried).await;
    assert_eq!((&cut["status"], &cut["unknown"]), (&"queued".into(), &false.into()), "{cut}");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_cut_before_the_next_request_costs_nothing() {
    let house = House::new(2, false);
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    house.write_settings(socket.local_addr().unwrap(), "");
    let store = house.store().await;
    house.miss(&store, 0, 1, now()).await;
    let running = house.open(Clock::SYSTEM).await;
    for shopper in 0..2 {
        let (mut stream, _) = socket.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
        let sent = House::until(&running, &phone(shopper), "sent").await;
        assert_eq!((&sent["attempts"], &sent["unknown"]), (&1.into(), &false.into()), "{sent}");
        stream.set_zero_linger().unwrap();
        drop(stream);
        if shopper == 0 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            house.miss(&store, 1, 1, now()).await;
        }
    }
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_tls_cut_at_once_is_never_called_sent_or_failed() {
    let house = House::new(1, false);
    house.write_settings(shut().await, "");
    house.miss(&house.store().await, 0, 1, now()).await;
    let running = house.open(Clock::SYSTEM).await;
    let tried = |sms: &Value| sms["attempts"] == 1 && sms["error"].is_string();
    let cut = House::until_it(&running, &phone(0), tried).await;
    // The system takes connections and octets for a server that has not looked at them: once the
    // request was written, nobody on this side can know that it was not read.
    let (status, unknown) = (cut["status"].as_str().unwrap(), cut["unknown"].as_bool().unwrap());
    assert!(matches!((status, unknown), ("queued", false) | ("sending", true)), "{cut}");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_three_tries_without_an_answer_a_message_is_given_up_and_said_to_be_perhaps_sent() {
    let house = House::new(1, false);
    let provider = Provider::default();
    house.write_settings(provider.start().await, "");
    let silent = Does::TakesAndAnswersAfter(Duration::from_mins(1));
    provider.plan(&phone(0), &[silent; 3]);
    house.miss(&house.store().await, 0, 1, now()).await;
    let running = house.open(Clock::SYSTEM).await;
    let url = format!("sqlite://{}", house.path("ustredna.db").display());
    let mut hand = sqlx::SqliteConnection::connect(&url).await.unwrap();
    for attempt in 1..=2 {
        let waits = |sms: &Value| sms["error"].is_string() && sms["attempts"] == attempt;
        let unknown = House::until_it(&running, &phone(0), waits).await;
        assert_eq!((&unknown["status"], &unknown["unknown"]), (&"sending".into(), &true.into()));
        // Its lease and its pause are over sooner than by the clock.
        hand.execute("UPDATE sms SET leased_until = 1, not_before = 1, error = NULL")
            .await
            .unwrap();
    }
    let failed = House::until(&running, &phone(0), "failed").await;
    assert_eq!((&failed["attempts"], &failed["unknown"]), (&3.into(), &true.into()), "{failed}");
    assert!(failed["error"].as_str().unwrap().contains("may have been taken"), "{failed}");
    assert_eq!(provider.got_by(&phone(0)).len(), 3);

    // An operator may have it sent all the same.
    running.command(&["sms", "retry", "--failed"]).await.unwrap();
    let sent = House::until(&running, &phone(0), "sent").await;
    assert_eq!(sent["unknown"], false);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_unknown_fate_is_cancelled_between_its_tries() {
    let house = House::new(1, false);
    let provider = Provider::default();
    house.write_settings(provider.start().await, "");
    let silent = Does::TakesAndAnswersAfter(Duration::from_mins(1));
    provider.plan(&phone(0), &[silent]);
    house.miss(&house.store().await, 0, 1, now()).await;
    let running = house.open(Clock::SYSTEM).await;
    let unknown = House::until_unknown(&running, &phone(0)).await;
    let ending = &unknown["id"].as_str().unwrap()[28..];
    let told = running.command(&["sms", "cancel", ending]).await.unwrap();
    assert!(told.contains("may have been sent already"), "{told}");
    let cancelled = House::sms_to(&running, &phone(0)).await;
    assert_eq!(
        (&cancelled["status"], &cancelled["unknown"]),
        (&"skipped".into(), &true.into()),
        "{cancelled}"
    );
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_after_the_request_is_unknown_and_sent_again_under_the_same_key() {
    let house = House::new(1, false);
    let (at, keys) = cutter(0, 1).await;
    house.write_settings(at, "");
    house.miss(&house.store().await, 0, 1, now()).await;
    let running = house.open(Clock::SYSTEM).await;
    let cut = House::until_unknown(&running, &phone(0)).await;
    assert_eq!((&cut["status"], keys.lock().unwrap().len()), (&"sending".into(), 1), "{cut}");
    let sent = House::until(&running, &phone(0), "sent").await;
    assert_eq!((&sent["attempts"], &sent["provider_id"]), (&2.into(), &"p1".into()));
    let keys = keys.lock().unwrap().clone();
    assert!(keys.len() == 2 && keys[0] == keys[1], "{keys:?}");
    assert_eq!(keys[0], sent["id"].as_str().unwrap());
    running.stop().await.unwrap();
}
