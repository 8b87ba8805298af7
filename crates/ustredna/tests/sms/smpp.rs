use std::time::Duration;

use ustredna::Clock;

use crate::{
    house::{House, now, phone},
    smsc::{Does, INVALID_DESTINATION, Smsc, THROTTLED},
};

pub(crate) async fn house(shoppers: usize, at: std::net::SocketAddr) -> House {
    let house = House::new(shoppers, false);
    house.write_settings(at, "");
    let settings = std::fs::read_to_string(house.path("ustredna.toml")).unwrap();
    let smpp = format!(
        "[sms.smpp]\nhost = \"127.0.0.1\"\nport = {}\nsystem_id = \"ustredna\"\n\
         password = \"smpp-pw\"\nresponse_timeout = \"1s\"\nconnect_timeout = \"1s\"\n",
        at.port()
    );
    let settings = settings.replace("gateway = \"http\"", "gateway = \"smpp\"") + &smpp;
    std::fs::write(house.path("ustredna.toml"), settings).unwrap();
    let store = house.store().await;
    for shopper in 0..shoppers {
        house.miss(&store, shopper, 1, now()).await;
    }
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_of_the_smsc_has_its_outcome() {
    let (smsc, at) = Smsc::start(0).await;
    smsc.plan(&phone(1), &[Does::Refuses(INVALID_DESTINATION)]);
    smsc.plan(&phone(2), &[Does::Refuses(THROTTLED)]);
    smsc.plan(&phone(3), &[Does::SaysNothing]);
    let house = house(4, at).await;
    let running = house.open(Clock::SYSTEM).await;
    let sent = House::until(&running, &phone(0), "sent").await;
    assert_eq!(sent["provider_id"], "m-420602000000");
    let refused = House::until(&running, &phone(1), "failed").await;
    assert!(refused["error"].is_string() && refused["unknown"] == false, "{refused}");
    let slow = House::until(&running, &phone(2), "sent").await;
    assert_eq!((&slow["attempts"], smsc.got(&phone(2))), (&1.into(), 2), "throttled once");

    // Not answered: unknown, and sent again when the lease is over.
    let silent = House::until_unknown(&running, &phone(3)).await;
    assert_eq!((&silent["status"], smsc.got(&phone(3))), (&"sending".into(), 1), "{silent}");
    let again = House::until(&running, &phone(3), "sent").await;
    assert_eq!((&again["attempts"], smsc.got(&phone(3))), (&2.into(), 2));
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_with_a_message_in_hand_is_made_anew() {
    let (smsc, at) = Smsc::start(0).await;
    smsc.plan(&phone(0), &[Does::HangsUp]);
    let house = house(1, at).await;
    let running = house.open(Clock::SYSTEM).await;
    let cut = House::until_unknown(&running, &phone(0)).await;
    assert_eq!((&cut["status"], smsc.got(&phone(0))), (&"sending".into(), 1), "{cut}");
    let sent = House::until(&running, &phone(0), "sent").await;
    assert_eq!((&sent["unknown"], smsc.got(&phone(0))), (&false.into(), 2));
    assert_eq!(smsc.binds(), 2);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_before_the_message_took_nothing() {
    let (smsc, at) = Smsc::start(1).await;
    let house = house(1, at).await;
    let running = house.open(Clock::SYSTEM).await;
    let sent = loop {
        let sms = House::sms_to(&running, &phone(0)).await;
        assert_eq!(sms["unknown"], false, "{sms}");
        if sms["status"] == "sent" {
            break sms;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!((smsc.got(&phone(0)), smsc.binds()), (1, 1), "{sent}");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_come_twice_and_in_any_order() {
    let (smsc, at) = Smsc::start(0).await;
    let house = house(3, at).await;
    let running = house.open(Clock::SYSTEM).await;
    for shopper in 0..3 {
        House::until(&running, &phone(shopper), "sent").await;
    }
    // Of strangers, of the third before the first, twice, and an older one at last.
    smsc.receipt("nobody-s", "DELIVRD");
    smsc.receipt("m-420602000002", "UNDELIV");
    smsc.receipt("m-420602000000", "DELIVRD");
    smsc.receipt("m-420602000000", "DELIVRD");
    smsc.receipt("m-420602000002", "UNDELIV");
    smsc.receipt("m-420602000000", "UNDELIV");
    smsc.receipt("m-420602000001", "ENROUTE");
    let failed = House::until(&running, &phone(2), "failed").await;
    assert!(failed["error"].as_str().unwrap().starts_with("not delivered"), "{failed}");
    let delivered = House::until(&running, &phone(0), "delivered").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(House::sms_to(&running, &phone(0)).await, delivered);
    assert_eq!(House::sms_to(&running, &phone(1)).await["status"], "sent");
    // An old one that comes late.
    smsc.receipt("m-420602000002", "DELIVRD");
    House::until(&running, &phone(2), "delivered").await;
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_may_overtake_the_answers() {
    let (smsc, at) = Smsc::start(0).await;
    smsc.plan(&phone(0), &[Does::TellsFirst("DELIVRD")]);
    smsc.plan(&phone(1), &[Does::TellsFirst("UNDELIV")]);
    let house = house(2, at).await;
    let running = house.open(Clock::SYSTEM).await;
    let delivered = House::until(&running, &phone(0), "delivered").await;
    assert_eq!(delivered["provider_id"], "m-420602000000");
    assert!(delivered["sent_at"].is_string() && delivered["delivered_at"].is_string());
    let failed = House::until(&running, &phone(1), "failed").await;
    assert!(failed["error"].as_str().unwrap().contains("UNDELIV"), "{failed}");
    assert_eq!((smsc.got(&phone(0)), smsc.got(&phone(1))), (1, 1));
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_told_nowhere() {
    let (_smsc, at) = Smsc::start(0).await;
    let house = house(1, at).await;
    let settings = std::fs::read_to_string(house.path("ustredna.toml")).unwrap();
    let settings = format!("{settings}[log]\nlevel = \"trace\"\n");
    std::fs::write(house.path("ustredna.toml"), &settings).unwrap();
    let mut exchange = house.serve();
    let log = || std::fs::read_to_string(house.path("log")).unwrap();
    while !log().contains("SMS handed over") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut told = String::new();
    // At last with a password that is none.
    let wrong = settings.replace("password = \"smpp-pw\"", "password = [\"smpp-pw\"]");
    for (settings, arguments) in
        [(&settings, &["sms", "--json"][..]), (&settings, &["check"]), (&wrong, &["check"])]
    {
        std::fs::write(house.path("ustredna.toml"), settings).unwrap();
        let done = house.command(arguments).output().unwrap();
        told.push_str(&String::from_utf8(done.stdout).unwrap());
        told.push_str(&String::from_utf8(done.stderr).unwrap());
    }
    exchange.kill().unwrap();
    exchange.wait().unwrap();
    told.push_str(&log());
    assert!(
        told.contains("SMS handed over") && told.contains("`sms.smpp.password`: write a text"),
        "{told}"
    );
    assert!(!told.contains("smpp-pw"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_takes_no_receipts_from_the_exchange() {
    let (smsc, at) = Smsc::start(0).await;
    let house = house(1, at).await;
    smsc.greet("m-420602000000", "DELIVRD");
    for _ in 0..10 {
        let done = house.command(&["check"]).output().unwrap();
        let told = String::from_utf8(done.stdout).unwrap();
        assert!(told.contains("the SMSC takes the bind"), "{told}");
    }
    assert_eq!((smsc.binds(), smsc.acknowledged()), (10, 0));
    // The exchange does take it.
    let running = house.open(Clock::SYSTEM).await;
    while smsc.acknowledged() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_was_acknowledged_outlives_the_stop() {
    let (smsc, at) = Smsc::start(0).await;
    smsc.plan(&phone(0), &[Does::TellsLongBefore("DELIVRD")]);
    let house = house(1, at).await;
    let settings = std::fs::read_to_string(house.path("ustredna.toml")).unwrap();
    let patient = settings.replace("response_timeout = \"1s\"", "response_timeout = \"3s\"");
    std::fs::write(house.path("ustredna.toml"), patient).unwrap();
    let running = house.open(Clock::SYSTEM).await;
    // Its message is not known by this name before the answer comes.
    while smsc.got(&phone(0)) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    running.stop().await.unwrap();
    // It reads the word for it a moment after the exchange has said it.
    for _ in 0..2000 {
        if smsc.acknowledged() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    assert_eq!(smsc.acknowledged(), 1);
    let rows = house.store().await.sms(&store::Filter::default()).await.unwrap();
    assert_eq!(rows[0].status.as_str(), "delivered");
}
