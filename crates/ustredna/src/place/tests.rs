use super::*;
use crate::proof::tests::House;

#[test]
fn a_disk_that_fills_up_is_told_once_until_there_is_room_again() {
    let mut was = false;
    let told = [false, true, true, false, true].map(|is| turns(&mut was, is));
    assert_eq!(told, [false, true, false, false, true]);
}

#[tokio::test]
async fn that_freeswitch_cannot_record_is_told_once_until_it_can() {
    let house = House::with("").await;
    for started in [false, false, true, false] {
        recorded(&house.app, started);
    }
    let told = house.metric("ustredna_alarms_total{kind=\"folder\"}");
    assert!((told - 2.0).abs() < 0.5, "{told}");
}

/// For a while only: were calls kept away for good, none would ever show that it can.
#[tokio::test]
async fn that_freeswitch_cannot_record_is_remembered_until_it_can_or_for_a_minute() {
    let house = House::with("").await;
    let told = async || standing(&house.app).await.now;
    recorded(&house.app, false);
    assert!(told().await.unwrap().contains("FreeSWITCH cannot record into /"));
    recorded(&house.app, true);
    assert_eq!(told().await, None);
    recorded(&house.app, false);
    tokio::time::pause();
    tokio::time::advance(REMEMBERED).await;
    tokio::time::resume();
    assert_eq!(told().await, None);
}

#[tokio::test]
async fn what_freeswitch_does_not_see_stays_unusable_until_it_says_otherwise() {
    let house = House::with("").await;
    let day = jiff::civil::date(2026, 11, 22);
    learn(&house.app, Shared::No);
    learn(&house.app, Shared::Unknown("it is started again".to_owned()));
    assert!(ready(&house.app, day).await.is_err());
    assert!(standing(&house.app).await.now.is_some());
    learn(&house.app, Shared::Yes);
    ready(&house.app, day).await.unwrap();
    assert_eq!(standing(&house.app).await.now, None);
}

/// By the local time: 22:54 and 22:56 UTC are 23:54 and 23:56 in Prague.
#[tokio::test]
async fn tomorrows_folder_counts_shortly_before_midnight_and_is_told_before() {
    for (at, day, now, ahead) in [
        ("2026-12-31T22:54:00Z", "2026", true, false),
        ("2026-12-31T22:54:00Z", "2027", false, true),
        ("2026-12-31T22:56:00Z", "2027", true, false),
        ("2026-12-31T23:01:00Z", "2027", true, false),
        ("2026-12-31T23:01:00Z", "2026", false, false),
        ("2026-12-30T22:56:00Z", "2027", false, false),
    ] {
        let house = House::at("", at.parse().unwrap()).await;
        std::fs::write(house.app.recordings.join(day), "").unwrap();
        let found = standing(&house.app).await;
        let told = (found.now.is_some(), found.ahead.is_some());
        assert_eq!(told, (now, ahead), "{day} at {at}: {found:?}");
    }
}
