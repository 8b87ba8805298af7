use std::time::Duration;

use store::Filter;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use ustredna::Clock;

use crate::{
    house::{House, REPORTS, REPORTS_IN_URL, now, phone},
    provider::{Does, Provider},
};

/// The status of the answer.
async fn call(house: &House, request: &str) -> u16 {
    let mut stream = TcpStream::connect(house.web).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

async fn get(house: &House, query: &str) -> u16 {
    let request =
        format!("GET /sms/reports?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    call(house, &request).await
}

/// The same, with an authorization that is meant for somebody else.
async fn get_past_a_proxy(house: &House, query: &str) -> u16 {
    let request = format!(
        "GET /sms/reports?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer of-the-proxy-s-own\r\n\r\n"
    );
    call(house, &request).await
}

async fn post(house: &House, secret: &str, kind: &str, body: &str) -> u16 {
    let request = format!(
        "POST /sms/reports HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer {secret}\r\nContent-Type: application/{kind}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    call(house, &request).await
}

const FORM: &str = "x-www-form-urlencoded";

#[tokio::test(flavor = "multi_thread")]
async fn reports_come_twice_in_any_order_and_from_strangers() {
    let house = House::new(3, false);
    house.write_settings(Provider::default().start().await, "");
    let store = house.store().await;
    for shopper in 0..3 {
        house.miss(&store, shopper, 1, now()).await;
    }
    let running = house.open(Clock::SYSTEM).await;
    let mut ids = Vec::new();
    for shopper in 0..3 {
        let sent = House::until(&running, &phone(shopper), "sent").await;
        ids.push(sent["provider_id"].as_str().unwrap().to_owned());
    }
    let report = async |shopper: usize, status: &str| {
        get(&house, &format!("secret={REPORTS_IN_URL}&id={}&status={status}", ids[shopper])).await
    };
    let state = async |shopper: usize| House::sms_to(&running, &phone(shopper)).await;

    // Nobody who does not know the secret.
    assert_eq!(get(&house, &format!("id={}&status=DELIVRD", ids[0])).await, 401);
    let form = |id: &str| format!("id={id}&status=DELIVRD");
    assert_eq!(post(&house, "wrong-horse-battery-staple", FORM, &form(&ids[0])).await, 401);
    assert_eq!(get_past_a_proxy(&house, &format!("id={}&status=DELIVRD", ids[0])).await, 401);
    assert_eq!(state(0).await["status"], "sent");

    let right = format!("secret={REPORTS_IN_URL}&id={}&status=ENROUTE", ids[0]);
    assert_eq!(get_past_a_proxy(&house, &right).await, 200);
    assert_eq!(report(0, "ENROUTE").await, 200);
    assert_eq!(state(0).await["status"], "sent");
    assert_eq!(post(&house, REPORTS, FORM, &form(&ids[0])).await, 200);
    let delivered = state(0).await;
    assert_eq!(delivered["status"], "delivered");
    assert!(delivered["delivered_at"].is_string());
    // Twice, and an older one after it.
    assert_eq!((report(0, "DELIVRD").await, report(0, "UNDELIV").await), (200, 200));
    assert_eq!(state(0).await, delivered);

    assert_eq!(report(1, "UNDELIV").await, 200);
    let failed = state(1).await;
    assert_eq!(failed["status"], "failed");
    assert!(failed["error"].as_str().unwrap().starts_with("not delivered"), "{failed}");

    let tickets = running.command(&["tickets", "--json"]).await.unwrap();
    assert!(tickets.contains("\"sms\":\"delivered\"") && tickets.contains("\"sms\":\"failed\""));

    // Of messages that are not known here, and what is no report.
    let unknown = format!("secret={REPORTS_IN_URL}&id=nobody-s&status=DELIVRD");
    assert_eq!(get(&house, &unknown).await, 404);
    assert_eq!(get(&house, &format!("secret={REPORTS_IN_URL}&status=DELIVRD")).await, 400);
    assert_eq!(report(2, "SOMETHING").await, 400);
    assert_eq!(state(2).await["status"], "sent");

    // One that was not delivered goes out again under a new name.
    let ending = failed["id"].as_str().unwrap();
    let told = running.command(&["sms", "retry", ending]).await.unwrap();
    assert!(told.contains("now as"), "{told}");
    tokio::time::sleep(Duration::from_millis(50)).await;
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_may_overtake_the_answer() {
    let house = House::new(1, false);
    let provider = Provider::default();
    provider.always(Does::TakesAndAnswersWhenTold);
    house.write_settings(provider.start().await, "");
    let settings = std::fs::read_to_string(house.path("ustredna.toml")).unwrap();
    let patient = settings
        .replace("\ntimeout = \"1s\"", "\ntimeout = \"50s\"")
        .replace("lease = \"5s\"", "lease = \"60s\"");
    std::fs::write(house.path("ustredna.toml"), patient).unwrap();
    house.miss(&house.store().await, 0, 1, now()).await;
    let running = house.open(Clock::SYSTEM).await;
    while provider.got().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let name = format!("p-{}", provider.got()[0].key);
    assert_eq!(House::sms_to(&running, &phone(0)).await["status"], "sending");
    let report = format!("secret={REPORTS_IN_URL}&id={name}&status=DELIVRD");
    // It waits for a moment for its message's name, which the answer brings.
    let (reported, ()) = tokio::join!(get(&house, &report), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        provider.answers();
    });
    assert_eq!(reported, 200);
    let delivered = House::until(&running, &phone(0), "delivered").await;
    assert_eq!((&delivered["provider_id"], provider.got().len()), (&name.into(), 1));
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_cannot_be_read_is_logged_and_the_call_s_others_are_taken() {
    let house = House::new(1, false);
    let provider = Provider::default();
    house.write_settings(provider.start().await, "");
    let settings = std::fs::read_to_string(house.path("ustredna.toml")).unwrap();
    let listed = settings.replace(
        "\nid = \"id\"\nstatus = \"status\"",
        "\nlist = \"/all\"\nid = \"/id\"\nstatus = \"/status\"",
    );
    std::fs::write(house.path("ustredna.toml"), listed).unwrap();
    let store = house.store().await;
    house.miss(&store, 0, 1, now()).await;
    let mut exchange = house.serve();
    let state = async || store.sms(&Filter::default()).await.unwrap()[0].status.as_str();
    while state().await != "sent" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let reports = serde_json::json!({ "all": [
        { "id": "p-1", "status": "PERHAPS" },
        { "status": "DELIVRD" },
        { "id": "p-2", "status": format!("by {}", phone(0)) },
        { "id": format!("p-{}", provider.got()[0].key), "status": "DELIVRD" },
    ] });
    assert_eq!(post(&house, REPORTS, "json", &reports.to_string()).await, 200);
    assert_eq!(state().await, "delivered");
    let unread = |line: &&str| line.contains("cannot be read");
    // What is logged is written a moment later.
    for _ in 0..500 {
        let log = std::fs::read_to_string(house.path("log")).unwrap();
        if log.lines().filter(unread).count() >= 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    exchange.kill().unwrap();
    exchange.wait().unwrap();
    let log = std::fs::read_to_string(house.path("log")).unwrap();
    let told: Vec<_> = log.lines().filter(unread).collect();
    assert_eq!(told.len(), 3, "{log}");
    assert!(told[0].contains("PERHAPS") && told[1].contains("nothing at `/id`"), "{told:?}");
    assert!(
        told.iter().all(|line| line.contains("WARN")) && !log.contains(&phone(0)[1..]),
        "{log}"
    );
}
