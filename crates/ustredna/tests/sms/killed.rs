use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use store::Filter;

use crate::{
    house::{House, now},
    provider::{Does, Provider},
};

const MESSAGES: usize = 1000;
const KILLS: usize = 100;
/// Tries under way at once.
const AT_ONCE: usize = 4;

/// Not to be foreseen by whoever writes the program, and the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_kills_lose_no_message_and_leave_none_half_sent() {
    let house = House::new(MESSAGES, false);
    let provider = Provider::default();
    provider.always(Does::TakesAndAnswersAfter(Duration::from_millis(50)));
    // Slow enough that all the kills come while messages go out.
    house.write_settings(provider.start().await, &format!("in_flight = {AT_ONCE}"));
    let store = house.store().await;
    for shopper in 0..MESSAGES {
        house.miss(&store, shopper, 1, now()).await;
    }
    let waiting = async || {
        let rows = store.sms(&Filter::default()).await.unwrap();
        rows.iter().filter(|sms| matches!(sms.status.as_str(), "queued" | "sending")).count()
    };

    let mut chance = Chance(20_261_122);
    let mut kills = 0;
    for _ in 0..KILLS {
        let before = provider.got().len();
        let mut exchange = house.serve();
        // From the first message on, so that no kill is spent on a program that only starts; but
        // one in five may come there too.
        let early = chance.below(5) == 0;
        for _ in 0..400 {
            if early || provider.got().len() > before {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(chance.below(150))).await;
        let by_itself = exchange.try_wait().unwrap();
        assert!(by_itself.is_none(), "{}", std::fs::read_to_string(house.path("log")).unwrap());
        exchange.kill().unwrap();
        exchange.wait().unwrap();
        kills += usize::from(waiting().await > 0);
    }
    let mut exchange = house.serve();
    for _ in 0..1200 {
        if waiting().await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    exchange.kill().unwrap();
    exchange.wait().unwrap();

    let rows = store.sms(&Filter::default()).await.unwrap();
    let sent = rows.iter().filter(|sms| sms.status.as_str() == "sent").count();
    let got = provider.got();
    let recipients: HashSet<_> = got.iter().map(|got| got.to.as_str()).collect();
    let mut by_key: HashMap<&str, Vec<_>> = HashMap::new();
    for message in &got {
        by_key.entry(&message.key).or_default().push(message);
    }
    println!(
        "{kills} kills while messages waited: {} of {MESSAGES} messages arrived, in {} requests \
         under {} keys; {sent} stored as sent",
        recipients.len(),
        got.len(),
        by_key.len(),
    );
    assert_eq!((rows.len(), sent), (MESSAGES, MESSAGES));
    assert_eq!(recipients.len(), MESSAGES, "every message arrived");
    assert_eq!(by_key.len(), MESSAGES, "each duplicate has the key of its first");
    for copies in by_key.values() {
        assert!(copies.iter().all(|copy| *copy == copies[0]), "one key, one message: {copies:?}");
    }
    let keys: HashSet<_> = rows.iter().map(|sms| sms.id.to_string()).collect();
    assert!(by_key.keys().all(|key| keys.contains(*key)));
    // A kill costs no more than what was under way.
    assert!(got.len() <= MESSAGES + KILLS * AT_ONCE, "{} requests", got.len());
    assert!(kills >= KILLS * 9 / 10, "the kills came too late: {kills}");
}
