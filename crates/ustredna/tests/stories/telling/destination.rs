//! Which numbers may be called, and how they may be keyed.

use crate::language::{Call, HALF_A_SECOND, OUTBOUND, Story, Tale, dealer, phone, secs, shopper};

pub(crate) fn all() -> Vec<Tale> {
    vec![
        Tale::new("emergency_premium_and_own_numbers_are_refused", refused),
        Tale::new("odd_entries_are_refused", odd_entries),
        Tale::new("czech_numbers_that_can_be_nobodys_are_refused", nobodys),
        Tale::new("a_number_may_be_keyed_in_many_ways", many_ways),
        Tale::new("a_call_abroad_must_be_allowed", abroad)
            .setting("destinations.international", "true"),
        Tale::new("an_operator_s_prefixes_are_obeyed", prefixes)
            .setting("destinations.allow", "[\"+4202\"]")
            .setting("destinations.deny", "[\"+420222\"]"),
        Tale::new("who_keys_no_number_is_asked_thrice", nothing),
    ]
}

/// Three numbers keyed, each after it was told why the last one was refused.
fn keys_three(keys: [&'static str; 3], told: [&'static str; 2]) -> Call {
    shopper()
        .calls(OUTBOUND)
        .hears("enter-destination")
        .keys(keys[0])
        .hears(told[0])
        .hears("enter-destination")
        .keys(keys[1])
        .hears(told[1])
        .hears("enter-destination")
        .keys(keys[2])
        .listens_until_hangup()
}

fn refused(story: &mut Story<'_>) {
    story.act(
        [
            keys_three(
                ["112#", "900123456#", "234234399#"],
                ["emergency-number", "premium-number"],
            ),
            keys_three(
                ["601123456#", "777000111#", "0049301234567#"],
                ["own-phone-number", "own-exchange-number"],
            ),
            keys_three(
                ["00420112#", "840123456#", "234234390#"],
                ["emergency-number", "premium-number"],
            ),
            keys_three(["1188#", "158#", "12345#"], ["emergency-number", "emergency-number"]),
        ],
        [],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 112# 900123456# 234234399#
      hears enter-destination emergency-number enter-destination premium-number enter-destination own-exchange-number too-many-attempts
    +420601123456 calls 234234399: 200
      presses 601123456# 777000111# 0049301234567#
      hears enter-destination own-phone-number enter-destination own-exchange-number enter-destination international-number too-many-attempts
    +420601123456 calls 234234399: 200
      presses 00420112# 840123456# 234234390#
      hears enter-destination emergency-number enter-destination premium-number enter-destination own-exchange-number too-many-attempts
    +420601123456 calls 234234399: 200
      presses 1188# 158# 12345#
      hears enter-destination emergency-number enter-destination emergency-number enter-destination emergency-number too-many-attempts
    calls:
      outbound_hotline: +420601123456 as - with -: refused (emergency_or_short)
      outbound_hotline: +420601123456 as - with -: refused (exchange_number)
      outbound_hotline: +420601123456 as - with -: refused (exchange_number)
      outbound_hotline: +420601123456 as - with -: refused (international)
    ");
}

/// Voice mail, ranges of nobody, a digit too many: what the country's plan does not have. A private
/// network's number is called like any other.
fn nobodys(story: &mut Story<'_>) {
    story.act(
        [
            keys_three(
                ["930123456789#", "00420930123456789#", "960123456#"],
                ["invalid-number", "invalid-number"],
            ),
            keys_three(
                ["96012345678#", "609123456#", "2345678901#"],
                ["invalid-number", "invalid-number"],
            ),
            keys_three(
                ["004930909018201820", "976123456#", "820123456#"],
                ["invalid-number", "premium-number"],
            ),
        ],
        [],
    );
    story.act(
        shopper()
            .calls(OUTBOUND)
            .hears("enter-destination")
            .keys("974811111#")
            .talks_until_hangup(),
        [phone("+420974811111").rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 930123456789# 00420930123456789# 960123456#
      hears enter-destination invalid-number enter-destination invalid-number enter-destination invalid-number too-many-attempts
    +420601123456 calls 234234399: 200
      presses 96012345678# 609123456# 2345678901#
      hears enter-destination invalid-number enter-destination invalid-number enter-destination invalid-number too-many-attempts
    +420601123456 calls 234234399: 200
      presses 004930909018201820 976123456# 820123456#
      hears enter-destination invalid-number enter-destination premium-number enter-destination invalid-number too-many-attempts
    +420601123456 calls 234234399: 200
      presses 974811111#
      hears enter-destination
    +420974811111 rings, shows +420777000111: 180 200
    calls:
      outbound_hotline: +420601123456 as - with -: refused (invalid_number)
      outbound_hotline: +420601123456 as - with -: refused (invalid_number)
      outbound_hotline: +420601123456 as - with -: refused (invalid_number)
      outbound_hotline: +420601123456 as +420777000111 with +420974811111: answered, talked 2 s, recording 2 s ok
    recordings:
      DAY/TIME_out_420777000111_420974811111_ID.wav
    ");
}

fn odd_entries(story: &mut Story<'_>) {
    // Garbage is asked again; `*` starts the entry again.
    story.act(
        shopper()
            .calls(OUTBOUND)
            .hears("enter-destination")
            .keys("12345678901234#")
            .hears("invalid-number")
            .hears("enter-destination")
            .keys("#")
            .hears("nothing-entered")
            .hears("enter-destination")
            .keys("99*")
            .hears("enter-destination")
            // Ended by a pause: the star of before does not count again.
            .keys("234567890")
            .talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 12345678901234# # 99* 234567890
      hears enter-destination invalid-number enter-destination nothing-entered enter-destination enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, recording 2 s ok
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}

fn many_ways(story: &mut Story<'_>) {
    // The first without `#`: a pause ends it.
    let keys =
        |keys| shopper().calls(OUTBOUND).hears("enter-destination").keys(keys).talks_until_hangup();
    story.act(
        [keys("234567890"), keys("00420234567890#"), keys("420234567890#"), keys("234567890#")],
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 234567890
      hears enter-destination
    +420601123456 calls 234234399: 200
      presses 00420234567890#
      hears enter-destination
    +420601123456 calls 234234399: 200
      presses 420234567890#
      hears enter-destination
    +420601123456 calls 234234399: 200
      presses 234567890#
      hears enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    +420234567890 rings, shows +420777000111: 180 200
    +420234567890 rings, shows +420777000111: 180 200
    +420234567890 rings, shows +420777000111: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, recording 2 s ok
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, recording 2 s ok
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, recording 2 s ok
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, recording 2 s ok
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
      DAY/TIME_out_420777000111_420234567890_ID.wav
      DAY/TIME_out_420777000111_420234567890_ID.wav
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}

fn abroad(story: &mut Story<'_>) {
    story.act(
        shopper()
            .calls(OUTBOUND)
            .hears("enter-destination")
            .keys("0049301234567#")
            .talks_until_hangup(),
        [phone("+49301234567").rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 0049301234567#
      hears enter-destination
    +49301234567 rings, shows +420777000111: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +49301234567: answered, talked 2 s, recording 2 s ok
    recordings:
      DAY/TIME_out_420777000111_49301234567_ID.wav
    ");
}

fn prefixes(story: &mut Story<'_>) {
    story.act(
        shopper()
            .calls(OUTBOUND)
            .hears("enter-destination")
            .keys("222333444#")
            .hears("forbidden-number")
            .hears("enter-destination")
            .keys("545123456#")
            .hears("forbidden-number")
            .hears("enter-destination")
            .keys("234567890#")
            .talks_until_hangup(),
        [dealer().rings(HALF_A_SECOND).answers().talks(secs(2)).hangs_up()],
    );
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      presses 222333444# 545123456# 234567890#
      hears enter-destination forbidden-number enter-destination forbidden-number enter-destination
    +420234567890 rings, shows +420777000111: 180 200
    calls:
      outbound_hotline: +420601123456 as +420777000111 with +420234567890: answered, talked 2 s, recording 2 s ok
    recordings:
      DAY/TIME_out_420777000111_420234567890_ID.wav
    ");
}

fn nothing(story: &mut Story<'_>) {
    story.act(shopper().calls(OUTBOUND).listens_until_hangup(), []);
    insta::assert_snapshot!(story.told(), @"
    +420601123456 calls 234234399: 200
      hears enter-destination nothing-entered enter-destination nothing-entered enter-destination nothing-entered too-many-attempts
    calls:
      outbound_hotline: +420601123456 as - with -: refused (nothing_entered)
    ");
}
