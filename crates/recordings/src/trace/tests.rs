use super::{SLOTS, Slot, Trace};

const RATE: usize = 8000;

/// Tones, and zeros between these samples.
fn slots(zeros: &[std::ops::Range<usize>]) -> Vec<Slot> {
    let mut trace = Trace::new(8000, 16);
    for at in 0..4 * RATE {
        let is_zero = zeros.iter().any(|zeros| zeros.contains(&at));
        trace.add(if is_zero { 0 } else { i32::try_from(at % 40).unwrap() * 200 - 4100 });
    }
    trace.slots().collect()
}

fn doubtful(zeros: std::ops::Range<usize>) -> usize {
    slots(&[zeros]).into_iter().filter(|slot| *slot == Slot::Ulaw).count()
}

#[test]
fn whole_packets_of_zeros_are_doubtful() {
    assert_eq!(doubtful(1600..1760), 2);
    assert_eq!(doubtful(1600..8000), 80);
    // A sample or two beside them are chance.
    assert_eq!(doubtful(1597..1763), 2);
}

#[test]
fn a_pause_that_begins_or_ends_within_a_packet_is_sound() {
    assert_eq!(doubtful(1570..1760), 0);
    assert_eq!(doubtful(1600..1790), 0);
    assert_eq!(doubtful(1570..4005), 0);
    let both = slots(&[1600..1760, 2410..4000]);
    assert_eq!(both.iter().filter(|slot| **slot == Slot::Ulaw).count(), 2, "the first one stays");
}

#[test]
fn media_may_have_stopped_in_a_long_pause() {
    assert_eq!(doubtful(1570..1570 + RATE), SLOTS as usize - 1);
}

#[test]
fn what_freeswitch_alone_writes_is_never_doubted() {
    let mut trace = Trace::new(8000, 16);
    for at in 0..8000 {
        trace.add(if (30..4000).contains(&at) { -1 } else { 500 });
    }
    assert_eq!(trace.slots().filter(|slot| *slot == Slot::Nothing).count(), 49);
}

#[test]
fn another_format_tells_nothing() {
    for (rate, bits) in [(8000, 8), (8001, 16), (0, 16), (50, 16)] {
        let mut trace = Trace::new(rate, bits);
        (0..8000).for_each(|_| trace.add(-1));
        assert!(trace.count() == 0, "{rate} {bits}");
    }
}
