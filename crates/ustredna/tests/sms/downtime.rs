use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ustredna::Clock;

use crate::{
    house::{House, phone},
    ports,
    provider::Provider,
    time::VirtualTime,
};

const SHOPPERS: usize = 20;

#[test]
fn a_provider_that_is_down_for_an_hour_loses_nothing_but_what_expires() {
    let time = VirtualTime::new();
    time.run(async {
        let began: Timestamp = "2026-11-22T09:30:00Z".parse().unwrap();
        let outside = time.outside().clone();
        let (house, at) = outside
            .hold(async {
                let house = House::new(SHOPPERS, false);
                let at = ports::free();
                // As many as a shopper is told of in this time.
                let free = "throttle = { minute = 0, quarter_hour = 0, hour = 0 }";
                house.write_settings(at, free);
                let store = house.store().await;
                for dealer in 0..3 {
                    for shopper in 0..SHOPPERS - 1 {
                        let at = began + SignedDuration::from_secs(i64::try_from(dealer).unwrap());
                        house.miss(&store, shopper, dealer, at).await;
                    }
                }
                // This one has been of use for five hours and a half already.
                let old = began - SignedDuration::from_mins(330);
                house.miss(&store, SHOPPERS - 1, 0, old).await;
                store.close().await;
                (house, at)
            })
            .await;
        let clock = Clock::steered(began);
        let running = house.open(clock.clone()).await;
        outside.told_by(running.storing());
        // An hour, of which each ten seconds are lived for one.
        for _ in 0..360 {
            clock.skip(SignedDuration::from_secs(9));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let down = outside.hold(House::sms(&running)).await;
        let count = |status: &str| down.iter().filter(|sms| sms["status"] == status).count();
        assert_eq!((count("queued"), count("failed")), (3 * (SHOPPERS - 1), 1), "{down:?}");
        let expired = down.iter().find(|sms| sms["status"] == "failed").unwrap();
        assert_eq!(
            (&expired["error"], &expired["to"]),
            (&"expired".into(), &phone(SHOPPERS - 1).into())
        );
        let most = down.iter().map(|sms| sms["attempts"].as_u64().unwrap()).max().unwrap();
        assert!((8..20).contains(&most), "{most} tries in an hour");

        let provider = Provider::default();
        provider.start_at(at).await;
        for _ in 0..90 {
            clock.skip(SignedDuration::from_secs(9));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let up = outside.hold(House::sms(&running)).await;
        let sent = up.iter().filter(|sms| sms["status"] == "sent").count();
        assert_eq!(sent, 3 * (SHOPPERS - 1), "{up:?}");
        for shopper in 0..SHOPPERS - 1 {
            let texts: Vec<_> =
                provider.got_by(&phone(shopper)).into_iter().map(|got| got.text).collect();
            let order = [0, 1, 2]
                .map(|dealer| format!("Zmeskany hovor c. {} od +420234{dealer:06}", dealer + 1));
            assert_eq!(texts, order, "in order, each once");
        }
        assert!(provider.got_by(&phone(SHOPPERS - 1)).is_empty());
        running.stop().await.unwrap();
    });
}
