//! Nobody is rung for a talk that could not be recorded, and nobody is taken from one that is.

use crate::language::{
    CALLBACK, FIRST, HALF_A_SECOND, OUTBOUND, Story, Tale, dealer, secs, shopper,
};

pub(crate) fn all() -> Vec<Tale> {
    vec![
        Tale::new("without_room_for_a_recording_nobody_is_rung", no_room)
            .setting("recordings.min_free", "900TB"),
        Tale::new("who_requires_no_recording_calls_without_one", not_required)
            .setting("recordings.min_free", "900TB")
            .setting("recordings.required", "false"),
        Tale::new("silence_does_not_break_a_recording", silence)
            .setting("recordings.when_broken", "end"),
    ]
}

fn no_room(story: &mut Story<'_>) {
    let phones = || [shopper().rings_on(), dealer().rings_on()];
    let asks = shopper().calls(OUTBOUND).hears("enter-destination").keys("234567890#");
    story.act(asks.listens_until_hangup(), phones());
    story.act(dealer().calls(FIRST).listens_until_hangup(), phones());
    story.act(shopper().calls(CALLBACK).listens_until_hangup(), phones());
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination calls-not-possible
    +420234567890 calls +420777000111: 183 480
      hears not-available
    +420601123456 calls +420234234390: 200
      hears one-missed-call calls-not-possible
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: refused (not_recordable)
      fictitious_number: +420601123456 as +420777000111 with +420234567890: unreachable, ticket 1
      callback_hotline: +420601123456 as +420777000111 with +420234567890: refused (not_recordable), ticket 1
    tickets:
      1 of +420601123456 for +420777000111 from +420234567890: open, missed 1, sms queued
    sms:
      to +420601123456 in 1: queued: Zmeskany hovor c. 1 od +420234567890 na Vase cislo 777000111 (HH:MM). Volejte zpet 234234390.
    ");
}

fn silence(story: &mut Story<'_>) {
    let asks = shopper().calls(OUTBOUND).hears("enter-destination").keys("234567890#");
    let answers = dealer().rings(HALF_A_SECOND).answers().listens_until_hangup();
    story.act(asks.waits(secs(20)).hangs_up(), [answers]);
    let told = story.told_roughly();
    assert!(told.contains("answered") && told.contains("s silent"), "{told}");
    // A recording that had stopped would have ended the call after half of it.
    assert!(story.lasted()[0] > 20.0, "{:?}", story.lasted());
    assert_eq!(story.list("recordings")[0]["problem"], serde_json::Value::Null);
}

fn not_required(story: &mut Story<'_>) {
    let asks = shopper().calls(OUTBOUND).hears("enter-destination").keys("234567890#");
    let answers = dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up();
    story.act(asks.talks_until_hangup(), [answers]);
    let told = story.told();
    assert!(told.contains("answered, talked 2 s"), "{told}");
}
