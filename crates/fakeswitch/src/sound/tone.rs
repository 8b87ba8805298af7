//! How long tones last, as libteletone generates them (`teletone_run` in libteletone_generate.c).

use std::time::Duration;

/// More than anybody listens to; a loop without end would be generated for ever.
const MOST_LOOPS: i64 = 10_000;

// tones = item *( ";" item )
// item  = letter "=" number / 1*tone
// tone  = "%(" on "," off "," hz *( "," hz ) ")"
/// Of one run through the tones. `l=` repeats the next tone, `L=` the whole; what else is set does not
/// change the length, and what is no tone is skipped.
pub(super) fn length(tones: &str) -> Duration {
    let (mut sum, mut all, mut next) = (Duration::ZERO, 1, 1);
    for item in tones.split(';').map(str::trim) {
        match item.split_once('=') {
            Some(("l", n)) => next = number(n).clamp(1, MOST_LOOPS),
            Some(("L", n)) => all = number(n).clamp(1, MOST_LOOPS),
            Some(_) => {}
            None => {
                for tone in item.split("%(").skip(1) {
                    sum = sum.saturating_add(times(one(tone), next));
                    next = 1;
                }
            }
        }
    }
    times(sum, all)
}

/// A tone without a frequency is ignored.
fn one(tone: &str) -> Duration {
    let inside = tone.split(')').next().unwrap_or_default();
    let mut numbers = inside.split(',').map(number);
    let on = numbers.next().unwrap_or_default();
    let off = numbers.next().unwrap_or_default();
    match numbers.next() {
        None | Some(0) => Duration::ZERO,
        Some(_) => Duration::from_millis(u64::try_from(on.saturating_add(off)).unwrap_or_default()),
    }
}

fn times(length: Duration, n: i64) -> Duration {
    length.saturating_mul(u32::try_from(n).unwrap_or(1))
}

/// As C's `atoi`: what is no number is 0, what follows one is ignored.
pub(super) fn number(text: &str) -> i64 {
    let text = text.trim_start();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end).and_then(|digits| digits.parse::<i32>().ok()).map_or(0, i64::from) * sign
}
