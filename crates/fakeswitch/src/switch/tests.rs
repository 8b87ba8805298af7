use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc::UnboundedReceiver, oneshot},
    time::{Instant, timeout},
};
use uuid::Uuid;

use super::Switch;
use crate::{
    Config, Invite, Phone, Sight,
    leg::Leg,
    office::Connection,
    phone::{Act, phone},
    session::Session,
};

type Parts = (Phone, Arc<Leg>, UnboundedReceiver<Act>);

/// A caller's leg whose task has not begun.
fn leg(switch: &Switch) -> Parts {
    let uuid = Uuid::new_v4();
    let (phone, handset) = phone(uuid, None);
    let invite = Invite::new("+420601123456", "234234399");
    (phone, Leg::inbound(switch.office(), &invite, uuid, handset.display), handset.acts)
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_leg_or_a_connection_keeps_nobody() {
    let switch = Switch::start(Config::default()).await.unwrap();
    let (mut phone, leg, acts) = leg(&switch);
    let session = Session::new(leg, acts);
    let connection = Connection::begun(switch.office());
    let (go, going) = oneshot::channel::<()>();
    switch.office().spawn(async move {
        let _held = (session, connection);
        going.await.unwrap();
        panic!("as a mistake of the simulator would");
    });
    assert_eq!((switch.legs(), switch.connections()), (1, 1));
    go.send(()).unwrap();
    // The phone is told, and the switch ends as if nothing had been.
    let cause = "NORMAL_TEMPORARY_FAILURE".to_owned();
    let seen = timeout(Duration::from_mins(1), phone.next()).await.unwrap();
    assert_eq!(seen.unwrap().sight, Sight::Ended { code: 503, cause });
    assert_eq!((switch.legs(), switch.connections()), (0, 0));
    let began = Instant::now();
    timeout(Duration::from_mins(1), switch.stop()).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn stop_gives_up_what_never_ends() {
    let switch = Switch::start(Config::default()).await.unwrap();
    // Nobody runs this leg, and nobody closes this connection.
    let (_phone, _leg, _acts) = leg(&switch);
    let connection = Connection::begun(switch.office());
    let began = Instant::now();
    timeout(Duration::from_mins(1), switch.stop()).await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_secs(30));
    assert_eq!((switch.legs(), switch.connections()), (0, 0));
    // What goes later is no longer counted.
    drop(connection);
    assert_eq!(switch.connections(), 0);
}
