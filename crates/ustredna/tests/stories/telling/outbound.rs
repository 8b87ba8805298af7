//! Service 1: shoppers call out.

use crate::language::{
    Call, HALF_A_SECOND, OUTBOUND, Story, TWO, Tale, dealer, other_dealer, phone, secs, shopper,
};

pub(crate) fn all() -> Vec<Tale> {
    vec![
        Tale::new("the_list_of_numbers_is_read_out", the_list_is_read).data(TWO),
        Tale::new("every_failure_has_its_outcome", every_failure)
            .setting("switch.ring_timeout", "2s"),
        Tale::new("three_failed_calls_and_each_is_told", three_failures),
        Tale::new("a_single_pairing_is_taken_silently", a_single_pairing),
        Tale::new("an_id_picks_the_number", an_id_picks).data(TWO),
        Tale::new("a_wrong_id_is_asked_again", a_wrong_id).data(TWO),
        Tale::new("three_wrong_ids_end_the_call", three_wrong_ids).data(TWO),
        Tale::new("who_keys_no_id_is_asked_thrice", no_id).data(TWO),
        Tale::new("ids_stay_when_a_pairing_ends", ids_stay).data(THREE),
        Tale::new("after_a_busy_dealer_another_number_works", another_number),
        Tale::new("a_shopper_gives_up_while_it_rings", gives_up),
        Tale::new("a_shopper_gives_up_before_keying", gives_up_early),
    ]
}

const THREE: &str = "\
+420601123456,Jana,cs,+420777000111,1,Auto,,
+420601123456,Jana,cs,+420777000222,2,Banky,,
+420601123456,Jana,cs,+420777000333,3,Banky,,";

/// The shopper calls out, and keys this when asked for a number.
fn calls_out(keys: &'static str) -> Call {
    shopper().calls(OUTBOUND).hears("enter-destination").keys(keys)
}

fn a_single_pairing(story: &mut Story<'_>) {
    story.act(
        calls_out("234567890#").named("Jana 601123456").talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(3)).hangs_up()],
    );
    story.assert_spoken(0, "enter-destination ringing");
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 3 s, recording 3 s ok
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}

fn an_id_picks(story: &mut Story<'_>) {
    story.act(
        shopper()
            .calls(OUTBOUND)
            .hears("enter-id")
            .keys("2#")
            .hears("enter-destination")
            .keys("234567890#")
            .talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(3)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 2# 234567890#
      hears enter-id enter-destination
    +420234567890 rings, shows +420777000222: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000222 with +420234567890: answered, talked 3 s, recording 3 s ok
    recordings:
      DAY/TIME_out_420777000222_420234567890_ID.wav
    ");
}

fn the_list_is_read(story: &mut Story<'_>) {
    // One listens to the end and is asked again; the other keys into the reading.
    story.act(
        [
            shopper()
                .calls(OUTBOUND)
                .hears("enter-id")
                .keys("0#")
                .waits(secs(17))
                .keys("2#")
                .hears("enter-destination")
                .hangs_up(),
            shopper()
                .calls(OUTBOUND)
                .hears("enter-id")
                .keys("0#")
                .waits(secs(3))
                .keys("2#")
                .hears("enter-destination")
                .keys("234567890#")
                .talks_until_hangup(),
        ],
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    let list = "listing-id 1 listing-number 7 7 7 0 0 0 1 1 1 \
                listing-id 2 listing-number 7 7 7 0 0 0 2 2 2";
    story.assert_spoken(0, &format!("enter-id {list} enter-id enter-destination"));
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 0# 2#
      hears enter-id listing-id listing-number listing-id listing-number enter-id enter-destination
    +420601123456 calls 234234399: 200
      presses 0# 2# 234567890#
      hears enter-id listing-id listing-number enter-destination
    +420234567890 rings, shows +420777000222: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000222 with +420234567890: answered, talked 2 s, recording 2 s ok
      outbound_hotline: +420601123456 as - with -: abandoned
    recordings:
      DAY/TIME_out_420777000222_420234567890_ID.wav
    ");
}

fn a_wrong_id(story: &mut Story<'_>) {
    story.act(
        shopper()
            .calls(OUTBOUND)
            .hears("enter-id")
            .keys("7#")
            .hears("wrong-id")
            .hears("enter-id")
            .keys("1#")
            .hears("enter-destination")
            .keys("234567890#")
            .talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 7# 1# 234567890#
      hears enter-id wrong-id enter-id enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, recording 2 s ok
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}

fn three_wrong_ids(story: &mut Story<'_>) {
    story.act(
        shopper()
            .calls(OUTBOUND)
            .hears("enter-id")
            .keys("7#")
            .hears("wrong-id")
            .hears("enter-id")
            .keys("3#")
            .hears("wrong-id")
            .hears("enter-id")
            .keys("12#")
            .listens_until_hangup(),
        [],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 7# 3# 12#
      hears enter-id wrong-id enter-id wrong-id enter-id wrong-id too-many-attempts
    calls:
      outbound_hotline: +420601123456 as - with -: refused (wrong_id)
    ");
}

fn no_id(story: &mut Story<'_>) {
    story.act(shopper().calls(OUTBOUND).listens_until_hangup(), []);
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      hears enter-id nothing-entered enter-id nothing-entered enter-id nothing-entered too-many-attempts
    calls:
      outbound_hotline: +420601123456 as - with -: refused (nothing_entered)
    ");
}

fn ids_stay(story: &mut Story<'_>) {
    story.command(&["pairings", "end", "601123456", "1"]);
    story.act(
        shopper()
            .calls(OUTBOUND)
            .hears("enter-id")
            .keys("1#")
            .hears("wrong-id")
            .hears("enter-id")
            .keys("2#")
            .hears("enter-destination")
            .keys("234567890#")
            .talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 1# 2# 234567890#
      hears enter-id wrong-id enter-id enter-destination
    +420234567890 rings, shows +420777000222: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000222 with +420234567890: answered, talked 2 s, recording 2 s ok
    recordings:
      DAY/TIME_out_420777000222_420234567890_ID.wav
    ");
}

fn another_number(story: &mut Story<'_>) {
    story.act(
        calls_out("234567890#")
            .hears("dealer-busy")
            .hears("enter-another")
            .keys("222333444#")
            .talks_until_hangup(),
        [
            dealer().rejects(486),
            other_dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up(),
        ],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890# 222333444#
      hears enter-destination dealer-busy enter-another
    +420234567890 rings, shows +420777000111: 486
    +420222333444 rings, shows +420777000111: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420222333444: answered, talked 2 s after +420234567890 busy, +420222333444 answered, recording 2 s ok
    recordings:
      DAY/TIME_out_420777000111_420222333444_ID.wav
    ");
}

fn three_failures(story: &mut Story<'_>) {
    story.act(
        calls_out("222333001#")
            .hears("dealer-busy")
            .hears("enter-another")
            .keys("222333002#")
            .hears("dealer-rejected")
            .hears("enter-another")
            .keys("222333003#")
            .listens_until_hangup(),
        [phone("+420222333001").rejects(486), phone("+420222333002").rejects(603)],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 222333001# 222333002# 222333003#
      hears enter-destination dealer-busy enter-another dealer-rejected enter-another dealer-unallocated goodbye
    +420222333001 rings, shows +420777000111: 486
    +420222333002 rings, shows +420777000111: 603
    +420222333003 rings, shows +420777000111: 404
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420222333003: unreachable after +420222333001 busy, +420222333002 rejected, +420222333003 unreachable
    ");
}

fn every_failure(story: &mut Story<'_>) {
    let fails = |keys, told| calls_out(keys).hears(told).hears("enter-another").hangs_up();
    story.act(
        [
            fails("222333001#", "dealer-busy"),
            fails("222333002#", "dealer-rejected"),
            fails("222333003#", "dealer-unallocated"),
            fails("222333004#", "dealer-unreachable"),
            fails("222333005#", "dealer-no-answer"),
            fails("222333006#", "dealer-no-answer"),
        ],
        [
            phone("+420222333001").rings(HALF_A_SECOND).then_rejects(486),
            phone("+420222333002").rings(HALF_A_SECOND).then_rejects(603),
            phone("+420222333003").rejects(404),
            phone("+420222333004").rejects(503),
            phone("+420222333005").rings(HALF_A_SECOND).then_rejects(480),
            phone("+420222333006").rings_on(),
        ],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 222333001#
      hears enter-destination dealer-busy enter-another
    +420601123456 calls 234234399: 200
      presses 222333002#
      hears enter-destination dealer-rejected enter-another
    +420601123456 calls 234234399: 200
      presses 222333003#
      hears enter-destination dealer-unallocated enter-another
    +420601123456 calls 234234399: 200
      presses 222333004#
      hears enter-destination dealer-unreachable enter-another
    +420601123456 calls 234234399: 200
      presses 222333005#
      hears enter-destination dealer-no-answer enter-another
    +420601123456 calls 234234399: 200
      presses 222333006#
      hears enter-destination dealer-no-answer enter-another
    +420222333001 rings, shows +420777000111: 180 486
    +420222333002 rings, shows +420777000111: 180 603
    +420222333003 rings, shows +420777000111: 404
    +420222333004 rings, shows +420777000111: 503
    +420222333005 rings, shows +420777000111: 180 480
    +420222333006 rings, shows +420777000111: 180 487
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420222333001: busy
      outbound_hotline: +420601123456 as +420777000111 with +420222333002: rejected
      outbound_hotline: +420601123456 as +420777000111 with +420222333003: unreachable
      outbound_hotline: +420601123456 as +420777000111 with +420222333004: unreachable
      outbound_hotline: +420601123456 as +420777000111 with +420222333005: no_answer
      outbound_hotline: +420601123456 as +420777000111 with +420222333006: no_answer
    ");
    // Nobody waits longer than the dealer's phone may ring, and for what is said of it.
    let lasted = story.lasted();
    assert!(lasted.iter().all(|seconds| *seconds < 16.0), "{lasted:?} s");
}

fn gives_up(story: &mut Story<'_>) {
    story.act(calls_out("234567890#").waits(secs(2)).hangs_up(), [dealer().rings_on()]);
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination
    +420234567890 rings, shows +420777000111: 180 487
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: abandoned
    ");
}

fn gives_up_early(story: &mut Story<'_>) {
    story.act(calls_out("2345").hangs_up(), []);
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 2345
      hears enter-destination
    calls:
      outbound_hotline: +420601123456 as - with -: abandoned
    ");
}
