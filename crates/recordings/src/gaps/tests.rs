mod talk;

use self::talk::{Dice, Packet, SECOND, Talk};
use super::{Gap, find};
use crate::media::{Counted, Held, Media, Side};
use crate::trace::Trace;

/// Other talks than those by which the thresholds were found.
const SEEDS: std::ops::Range<u64> = 300_000..300_500;

#[test]
fn no_gap_is_told_of_500_ordinary_talks() {
    // In the last three the dialled phone is mute right beside a hold.
    for seed in SEEDS.chain([500_526, 500_731, 501_264]) {
        let mut dice = Dice::new(seed);
        let talk = Talk::ordinary(&mut dice, 15);
        let gaps = find(&talk.traces(&mut dice), &talk.media());
        assert_eq!(gaps, [], "talk {seed}");
        // What a phone itself has sent is not missing either when nothing was counted.
        let media = Media { shopper: None, dealer: None, ..talk.media() };
        let sure =
            talk.phones.iter().enumerate().all(|(at, phone)| phone.is_plain(at == talk.caller));
        if sure {
            assert_eq!(find(&talk.traces(&mut dice), &media), [], "talk {seed}, uncounted");
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Break {
    Hole,
    Stop,
    LateStart,
    Loss,
    Chopped,
}

impl Break {
    const ALL: [Self; 5] = [Self::Hole, Self::Stop, Self::LateStart, Self::Loss, Self::Chopped];

    /// Plants it, and tells from which packet to which.
    fn plant(self, dice: &mut Dice, sends: &mut [Packet]) -> (usize, usize) {
        let length = sends.len();
        let begin = dice.between(2 * SECOND, length - 9 * SECOND);
        let (from, to) = match self {
            Self::Hole => (begin, begin + dice.between(SECOND + 5, 7 * SECOND)),
            Self::Stop => (dice.between(2 * SECOND, length - 3 * SECOND / 2), length),
            Self::LateStart => (0, dice.between(SECOND + 5, length - 2 * SECOND)),
            Self::Loss => (begin, begin + dice.between(6 * SECOND, 8 * SECOND)),
            Self::Chopped => (begin, begin + dice.between(3 * SECOND / 2, 6 * SECOND)),
        };
        let mut turn = 0;
        for (at, packet) in sends.iter_mut().enumerate().take(to).skip(from) {
            let is_lost = match self {
                Self::Hole | Self::Stop | Self::LateStart => true,
                // One of every five, whichever.
                Self::Loss => {
                    if at % 5 == 0 {
                        turn = dice.below(5);
                    }
                    at % 5 == turn
                }
                Self::Chopped => at % 2 == 0,
            };
            // Keys in the middle of it would blur where it begins.
            if is_lost || *packet == Packet::Key {
                *packet = if is_lost { Packet::Lost } else { Packet::Speech };
            }
        }
        // Chance may have lost the first one later, and the last one sooner.
        let is_lost = |at: &usize| sends[*at] == Packet::Lost;
        let (begin, end) = ((from..to).find(is_lost), (from..to).rev().find(is_lost));
        (begin.unwrap(), end.unwrap() + 1)
    }
}

#[test]
fn every_break_is_found_with_its_time_on_both_sides() {
    let mut tried = [[0; 2]; 5];
    for seed in SEEDS {
        for (kind, planted) in Break::ALL.into_iter().enumerate() {
            let mut dice = Dice::new(seed);
            let mut talk = Talk::ordinary(&mut dice, 1);
            let side = dice.below(2);
            if !talk.phones[side].is_plain(side == talk.caller) {
                continue;
            }
            let (from, to) = planted.plant(&mut dice, &mut talk.phones[side].sends);
            let [from, to] = [from, to].map(in_seconds);
            let gaps = find(&talk.traces(&mut dice), &talk.media());
            let near = |gap: &Gap| {
                gap.side == Side::BOTH[side]
                    && (gap.from - from).abs() <= 0.5
                    && (gap.to - to).abs() <= 0.5
            };
            assert!(
                gaps.len() == 1 && gaps.iter().all(near),
                "talk {seed}: {planted:?} of side {side} from {from} to {to}: {gaps:?}"
            );
            tried[kind][side] += 1;
        }
    }
    assert!(tried.iter().flatten().all(|tried| *tried > 50), "{tried:?}");
}

/// Where chance alone decides which packets get lost, it also blurs where that begins.
#[test]
fn a_loss_by_chance_is_found_and_nearly_always_with_its_time() {
    let (mut tried, mut exact) = (0, 0);
    for seed in SEEDS {
        let mut dice = Dice::new(seed);
        let mut talk = Talk::ordinary(&mut dice, 5);
        let side = dice.below(2);
        if !talk.phones[side].is_plain(side == talk.caller) {
            continue;
        }
        let sends = &mut talk.phones[side].sends;
        let from = dice.between(2 * SECOND, sends.len() - 9 * SECOND);
        let to = from + dice.between(6 * SECOND, 8 * SECOND);
        for packet in &mut sends[from..to] {
            let is_lost = dice.percent(20);
            *packet = if is_lost { Packet::Lost } else { Packet::Speech };
        }
        let [from, to] = [from, to].map(in_seconds);
        let gaps = find(&talk.traces(&mut dice), &talk.media());
        let [gap] = gaps[..] else { panic!("talk {seed}, from {from} to {to}: {gaps:?}") };
        assert!(gap.from < to && gap.to > from, "talk {seed}, from {from} to {to}: {gap:?}");
        tried += 1;
        exact += u32::from((gap.from - from).abs() <= 0.5 && (gap.to - to).abs() <= 0.5);
    }
    assert!(tried > 100 && exact * 100 >= tried * 95, "{exact} of {tried}");
}

fn in_seconds(packets: usize) -> f64 {
    f64::from(u32::try_from(packets).unwrap()) / 50.0
}

/// Two sides of a talk of 30 s; nothing comes from the dealer between these seconds.
fn silent_dealer(from: u32, to: u32) -> [Trace; 2] {
    [false, true].map(|is_dealer| {
        let mut trace = Trace::new(8000, 16);
        for at in 0..30 * 8000_u32 {
            let is_missing = is_dealer && (from * 8000..to * 8000).contains(&at);
            trace.add(if is_missing { -8 } else { (at % 40).cast_signed() * 200 - 4000 });
        }
        trace
    })
}

#[test]
fn a_hold_that_was_told_is_no_gap_but_what_goes_on_after_it_is() {
    let held = |from, to| Held { from, to };
    let found = |missing: f64, held: &[Held]| {
        let counted = Counted { missing, held: held.to_vec(), ..Counted::default() };
        let media = Media { dealer: Some(counted), ..Media::default() };
        find(&silent_dealer(10, 20), &media)
            .iter()
            .map(|gap| (gap.from, gap.to))
            .collect::<Vec<_>>()
    };
    assert_eq!(found(10.0, &[]), [(10.0, 20.0)]);
    assert_eq!(found(10.0, &[held(10.0, 20.0)]), []);
    assert_eq!(found(10.0, &[held(10.9, 19.1)]), [], "it stops before it says so");
    assert_eq!(found(10.0, &[held(10.0, 14.5), held(14.8, 20.0)]), []);
    assert_eq!(found(10.0, &[held(0.0, 12.0)]), [(12.0, 20.0)], "it never comes back");
    assert_eq!(found(10.0, &[held(17.0, 30.0)]), [(10.0, 17.0)], "it was gone before");
    assert_eq!(found(10.0, &[held(12.0, 14.0)]), [(10.0, 12.0), (14.0, 20.0)]);
    assert_eq!(found(10.0, &[held(22.0, 25.0)]), [(10.0, 20.0)], "that was another time");
    // It was mute: no packet is missing.
    assert_eq!(found(0.04, &[held(12.0, 14.0)]), []);
}

#[test]
fn a_hold_of_one_side_excuses_not_the_other() {
    let held = vec![Held { from: 10.0, to: 20.0 }];
    let shopper = Some(Counted { held, ..Counted::default() });
    let dealer = Some(Counted { missing: 10.0, ..Counted::default() });
    let media = Media { shopper, dealer, ..Media::default() };
    assert_eq!(find(&silent_dealer(10, 20), &media).len(), 1);
}
