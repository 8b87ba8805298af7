use super::fixture::{LEASE, World, after, dealer, morning};
use crate::{Figures, SmsFate};

pub(super) async fn what_waits_is_counted_with_its_age(world: World) {
    assert_eq!(world.store.figures(morning()).await.unwrap(), Figures::default());
    let world = world.with_eva().await;
    world.miss(&dealer(1), morning()).await;
    world.miss(&dealer(2), after(10)).await;
    let found = world.store.figures(after(59)).await.unwrap();
    assert_eq!((found.tickets_open, found.sms_due, found.sms_oldest_due), (2, 0, None));

    // The first goes out in vain, and is tried again later; the second waits behind it.
    let leased = world.lease(after(60), 10).await;
    let retry =
        SmsFate::Retry { not_before: after(1000), error: "no route".to_owned(), counted: true };
    world.came_to(&leased[0], retry).await;
    let found = world.store.figures(after(80)).await.unwrap();
    assert_eq!((found.sms_due, found.sms_oldest_due), (2, Some(after(60))));
    assert_eq!(found.sms_oldest_tried, Some(after(60)), "whatever its next try is put off to");

    let later = after(1000) + LEASE;
    let leased = world.lease(later, 10).await;
    world.sent(&leased[0], later, "1").await;
    let found = world.store.figures(later).await.unwrap();
    assert_eq!((found.sms_due, found.sms_oldest_due), (1, Some(after(70))));
    assert_eq!(found.sms_oldest_tried, None);
}
