//! Receipts as SMSCs really write them.

use std::time::Duration;

use sqlx::Connection as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use ustredna::Clock;

use crate::{
    house::{House, phone},
    smpp::house,
    smsc::{Does, Smsc, receipt_from},
};

/// What the exchange tells of itself, once it holds these words.
async fn metrics_with(house: &House, words: &[&str]) {
    let mut told = String::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(house.web).await.unwrap();
        let asks = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(asks).await.unwrap();
        told.clear();
        stream.read_to_string(&mut told).await.unwrap();
        if words.iter().all(|word| told.contains(word)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no {words:?} in\n{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_find_their_messages_however_they_are_written() {
    let (smsc, at) = Smsc::start(0).await;
    for (shopper, id) in (0..).zip(["00B8BE19", "33E95179", "id-2", "870928762", "unheard-of"]) {
        smsc.plan(&phone(shopper), &[Does::AcceptsAs(id)]);
    }
    let house = house(5, at).await;
    let running = house.open(Clock::SYSTEM).await;
    for shopper in 0..5 {
        House::until(&running, &phone(shopper), "sent").await;
    }
    let receipt = |shopper, coding, text: &[u8], tlvs: &[u8]| {
        smsc.deliver(receipt_from(&phone(shopper), coding, text, tlvs));
    };
    // Without the leading zeros, and in the other case.
    receipt(0, 0, b"id:b8be19 stat:DELIVERED err:000", b"");
    // In the other base and in UCS-2.
    let text = "id:0870928761 sub:001 dlvrd:001 stat:DELIVRD err:000 text:";
    let ucs2: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    receipt(1, 8, &ucs2, b"");
    // Without text, the TLV without its NUL.
    receipt(2, 0, b"", b"\0\x1e\0\x04id-2\x04\x27\0\x01\x02");
    // In the other base in the TLV.
    receipt(3, 0, b"stat:REJECTED err:00B", b"\0\x1e\0\x0933E9517A\0");
    // Of no use, whatever is in them.
    receipt(3, 0, b"stat:REJECTED err:00B", b"\0\x1e\0\x09");
    receipt(4, 0, b"stat:DELIVRD text:Zmeskany hovor", b"");
    receipt(4, 0, b"id:unheard-of stat:+420602000004", b"");
    smsc.deliver(b"\0\x01".to_vec());
    for shopper in 0..3 {
        House::until(&running, &phone(shopper), "delivered").await;
    }
    let refused = House::until(&running, &phone(3), "failed").await;
    assert_eq!(refused["error"], "not delivered: REJECTED err 00B");
    assert_eq!(House::sms_to(&running, &phone(4)).await["status"], "sent");
    metrics_with(
        &house,
        &[
            "ustredna_sms_reports_total{outcome=\"delivered\"} 3",
            "ustredna_sms_reports_total{outcome=\"failed\"} 1",
            "ustredna_sms_reports_total{outcome=\"unusable\"} 4",
        ],
    )
    .await;
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_no_use_is_logged_without_what_is_in_it() {
    let (smsc, at) = Smsc::start(0).await;
    let house = house(1, at).await;
    let mut exchange = house.serve();
    while smsc.got(&phone(0)) == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    smsc.deliver(receipt_from(&phone(0), 0, b"stat:DELIVRD text:Zmeskany hovor", b""));
    smsc.deliver(receipt_from(&phone(0), 0, b"id:7 stat:PURPLE text:Zmeskany hovor", b""));
    while smsc.acknowledged() < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    exchange.kill().unwrap();
    exchange.wait().unwrap();
    let log = std::fs::read_to_string(house.path("log")).unwrap();
    assert!(log.contains("a delivery receipt is of no use"), "{log}");
    assert!(log.contains("it names no message") && log.contains("PURPLE"), "{log}");
    assert!(!log.contains("602000000") && !log.contains("Zmeskany"), "{log}");
}

/// The phone shows nothing of a text that lacks a part.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_message_fails_with_one_of_its_parts() {
    let (smsc, at) = Smsc::start(0).await;
    smsc.plan(&phone(0), &[Does::AcceptsAs("A1"), Does::AcceptsAs("A2")]);
    smsc.plan(&phone(1), &[Does::AcceptsAs("B1"), Does::AcceptsAs("B2")]);
    let house = house(2, at).await;
    let settings = std::fs::read_to_string(house.path("ustredna.toml")).unwrap();
    std::fs::write(house.path("ustredna.toml"), settings + "long = \"udh\"\n").unwrap();
    let url = format!("sqlite://{}", house.path("ustredna.db").display());
    let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let long = "a".repeat(200);
    sqlx::query("UPDATE sms SET text = $1").bind(long).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    let running = house.open(Clock::SYSTEM).await;
    for (shopper, id, state) in
        [(0, "A1", "DELIVRD"), (0, "A2", "DELIVRD"), (1, "B2", "DELIVRD"), (1, "B1", "EXPIRED")]
    {
        while smsc.got(&phone(shopper)) < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let text = format!("id:{id} stat:{state}");
        smsc.deliver(receipt_from(&phone(shopper), 0, text.as_bytes(), b""));
    }
    House::until(&running, &phone(0), "delivered").await;
    let failed = House::until(&running, &phone(1), "failed").await;
    assert_eq!(failed["error"], "not delivered: EXPIRED");
    running.stop().await.unwrap();
}
