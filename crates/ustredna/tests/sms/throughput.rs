use std::time::Duration;

use ustredna::Clock;

use crate::{
    house::{House, now},
    provider::{Does, Provider},
    time::real_now,
};

const MESSAGES: usize = 2000;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_messages_a_second_to_a_provider_that_takes_50_ms() {
    let house = House::new(MESSAGES, true);
    let provider = Provider::default();
    provider.always(Does::TakesAndAnswersAfter(Duration::from_millis(50)));
    house.write_settings(provider.start().await, "");
    let store = house.store().await;
    for shopper in 0..MESSAGES {
        house.miss(&store, shopper, 1, now()).await;
    }
    let running = house.open(Clock::SYSTEM).await;
    let began = real_now();
    while provider.got().len() < MESSAGES {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(began.elapsed() < Duration::from_mins(5), "{} sent", provider.got().len());
    }
    let took = began.elapsed();
    running.stop().await.unwrap();
    #[expect(clippy::cast_precision_loss, reason = "a count of thousands")]
    let rate = MESSAGES as f64 / took.as_secs_f64();
    println!("{MESSAGES} messages in {took:.2?}: {rate:.0} a second");
    assert_eq!(provider.got().len(), MESSAGES, "each once");
    // Ten that wait for 50 ms are 200 a second, if the machine does nothing else.
    assert!(provider.most_at_once() >= 10, "{} at once", provider.most_at_once());
    let measures = std::env::var_os("USTREDNA_SMS_MEASURE").is_some();
    assert!(!measures || rate >= 200.0, "{rate:.0} a second");
}
