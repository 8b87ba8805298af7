//! The harness itself: a shopper's and a dealer's phone talk to each other without an exchange.

use crate::{
    Scenario,
    language::{DEALER, DEALER_HZ, SHOPPER_HZ, Setup},
    phone::{Callees, Caller, Steps},
    process::now,
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![Scenario::with(
        "phones_hear_each_other",
        Setup { exchange: false, ..Setup::default() },
        phones,
    )]
}

fn phones(world: &mut World) {
    let begin = now();
    let mut dealer = world.callees(
        &Callees::new()
            .answers(DEALER, Steps::new().sings_until_hangup(DEALER_HZ, 9000))
            .answers("+420222222222", Steps::new().sings(DEALER_HZ, 500).hangs_up())
            .refuses("+420111111111", 486)
            .rings("+420333333333"),
    );
    let carrier = world.addresses().carrier;
    let steps = Steps::new().waits(300).keys("12*#").sings(SHOPPER_HZ, 1000).keys("9").hangs_up();
    let call = |name: &str, caller: Caller| caller.start(world.dir(), name, world.ports(), carrier);
    let mut talks = call("talks", Caller::new("1", DEALER).answered(steps));
    let mut busy = call("busy", Caller::new("1", "420111111111").fails(486));
    let mut gives_up = call("gives-up", Caller::new("1", "420333333333").gives_up(180, 300));
    let mut none = call("none", Caller::new("1", "420333333334").fails(404));
    busy.finishes();
    gives_up.finishes();
    none.finishes();
    let trace = talks.finishes();
    assert!((1.5..3.5).contains(&trace.talk_seconds()), "{}", trace.talk_seconds());
    assert!(talks.ear().seconds_of(DEALER_HZ, begin) > 1.0);
    assert_eq!(dealer.ear().keys(None), "12*#9");
    assert!(dealer.ear().seconds_of(SHOPPER_HZ, begin) > 0.9);
    let mut left = call(
        "left",
        Caller::new("1", "420222222222")
            .answered(Steps::new().sings_until_hangup(SHOPPER_HZ, 3000)),
    );
    left.finishes();
    assert_eq!(dealer.stops().invites().len(), 5);
}
