//! From when to when a side of a talk is missing.
//!
//! Found are *holes* (for [`HOLE`] or longer nothing came at all: the media stopped, began late or
//! paused) and *losses* (for a while much of the sound is missing, in pieces). People who are silent,
//! music that stops, comfort noise and muted phones are neither: their packets come. A phone on hold
//! that said so is none either.

use serde::{Deserialize, Serialize};

use crate::media::{Counted, Held, Media, Side};
use crate::trace::{SLOTS, Slot, Trace};

/// A side of which nothing came for so many seconds is told. Phones that take half a second to begin,
/// and carriers that cut the side that hangs up before they say so, are not.
pub const HOLE: f64 = 1.0;

/// So many seconds must be missing in pieces, and [`LOSS_SHARE`] of the time.
pub const LOSS: f64 = 0.5;

/// See [`LOSS`]. Of a good line far below one in a hundred is missing; at one in ten speech is hard
/// to follow.
pub const LOSS_SHARE: f64 = 0.1;

/// So many gaps are kept at most, the first ones: a phone that sends nothing while nobody speaks, and
/// does not say so, has one in every pause.
pub const GAPS_AT_MOST: usize = 100;

/// A side of which sound is missing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// Whose.
    pub side: Side,
    /// In seconds from the beginning of the recording, as all here.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// How much of it is missing; all of it in a hole.
    pub missing: f64,
}

impl Gap {
    /// Between these two slots.
    fn new(side: Side, from: u32, to: u32, missing: u32) -> Self {
        let [from, to, missing] =
            [from, to, missing].map(|slots| f64::from(slots) / f64::from(SLOTS));
        Self { side, from, to, missing }
    }

    /// Whether nothing at all came.
    pub(crate) fn is_hole(&self) -> bool {
        self.missing > 0.95 * (self.to - self.from)
    }
}

/// Shorter pieces are sound whose samples happen to be the same.
const PIECE: u32 = 2;
/// How long keys are pressed, one or several without a sound between them.
const KEYS: std::ops::Range<u32> = 7..100;
/// So much at its beginning and its end a talk may lack.
const EDGE: u32 = 50;
/// Pieces of one loss are no further from each other.
const NEAR: u32 = 100;
/// One that is further from the others neither begins nor ends it.
const ALONE: f64 = 50.0;
/// Fewer are chance.
const PIECES: usize = 3;

/// Phones stop sending a little before they say that they hold, and begin a little after they said
/// that they hold no more.
const AROUND: u32 = 100;

/// So much must be missing of a phone that sends what looks the same.
const SURE: u32 = 200;

/// A piece of a channel in which nothing came, or may not have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    from: u32,
    to: u32,
    /// Slots of which only the counted packets tell whether they came.
    doubtful: u32,
    /// Some of those are of µ-law.
    is_ulaw: bool,
}

impl Piece {
    fn length(&self) -> u32 {
        self.to - self.from
    }

    /// A part of it.
    fn within(&self, from: u32, to: u32) -> Self {
        Self { from, to, doubtful: self.doubtful.min(to - from), ..*self }
    }
}

/// All gaps of both sides, by their beginnings; `traces` are of the left and the right channel.
pub(crate) fn find(traces: &[Trace], media: &Media) -> Vec<Gap> {
    let [left, right] = traces else { return Vec::new() };
    let mut gaps = Vec::new();
    for (side, trace) in Side::BOTH.into_iter().zip([left, right]) {
        let counted = media.of(side);
        // Its pauses are as empty as a dead line.
        if counted.is_some_and(|counted| counted.comfort_noise > 0) {
            continue;
        }
        let is_caller = side == media.caller;
        let mut pieces = pieces(trace, is_caller);
        let held = counted.map_or(&[][..], |counted| &counted.held);
        let excused = held.iter().map(|held| excuse(&mut pieces, *held)).sum();
        if !is_caller {
            doubt(&mut pieces, counted, excused, trace.count());
        }
        gaps.extend(holes(side, &pieces));
        gaps.extend(losses(side, &pieces, counted, trace.count()));
    }
    gaps.sort_by(|one, other| one.from.total_cmp(&other.from));
    gaps
}

/// The pieces of a channel. On the caller's leg FreeSWITCH's filling is like nothing else.
fn pieces(trace: &Trace, is_caller: bool) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (at, slot) in (0_u32..).zip(trace.slots()) {
        let (doubtful, is_ulaw) = match slot {
            Slot::Nothing => (0, false),
            Slot::Alaw if !is_caller => (1, false),
            Slot::Ulaw if !is_caller => (1, true),
            Slot::Sound | Slot::Alaw | Slot::Ulaw => continue,
        };
        match pieces.last_mut() {
            Some(last) if last.to == at => {
                last.to += 1;
                last.doubtful += doubtful;
                last.is_ulaw |= is_ulaw;
            }
            Some(last) if last.length() < PIECE => {
                *last = Piece { from: at, to: at + 1, doubtful, is_ulaw };
            }
            _ => pieces.push(Piece { from: at, to: at + 1, doubtful, is_ulaw }),
        }
    }
    pieces.retain(|piece| piece.length() >= PIECE);
    pieces
}

/// Takes away what is missing while the phone is on hold; how much that was.
fn excuse(pieces: &mut Vec<Piece>, held: Held) -> u32 {
    let (from, to) = (in_slots(held.from), in_slots(held.to));
    let (begin, end) = (from.saturating_sub(AROUND), to.saturating_add(AROUND));
    let before = pieces.iter().map(Piece::length).sum::<u32>();
    let kept = pieces.iter().flat_map(|piece| {
        if piece.to <= begin || piece.from >= end {
            return [Some(*piece), None];
        }
        // What goes on for long is told from the hold on, or up to it.
        let first = (piece.from < begin).then(|| piece.within(piece.from, piece.to.min(from)));
        let last = (piece.to > end).then(|| piece.within(piece.from.max(to), piece.to));
        [first, last]
    });
    *pieces = kept.flatten().collect();
    before.saturating_sub(pieces.iter().map(Piece::length).sum())
}

/// Takes those pieces away that the phone itself has sent, by what FreeSWITCH has counted.
///
/// It counts a little more than it fills, never less. Where there is more than was counted, the phone
/// sends such samples: in short pieces between words, in long ones when it is muted. Then only long
/// pieces can be told, if those that were counted must be among them.
///
/// `excused` has been taken away before, though it was counted.
fn doubt(pieces: &mut Vec<Piece>, counted: Option<&Counted>, excused: u32, slots: u32) {
    let hole = in_slots(HOLE);
    let Some(counted) = counted else {
        // Nobody knows. A-law's pieces are seldom long.
        pieces.retain(|piece| piece.doubtful == 0 || (!piece.is_ulaw && piece.length() >= hole));
        return;
    };
    let missing = in_slots(counted.missing + 0.1).saturating_sub(excused);
    let (mut short, mut long) = (0, Vec::new());
    for piece in &*pieces {
        if piece.doubtful < hole {
            short += piece.doubtful;
        } else {
            long.push(piece.doubtful);
        }
    }
    if short + long.iter().sum::<u32>() <= missing {
        return;
    }
    // The longest that have room first; but packets that came late, or were lost while it was muted,
    // and keys, are no long piece.
    let mut left = missing.saturating_sub(short + in_slots(counted.keys));
    if left < SURE || f64::from(left) < 0.02 * f64::from(slots) {
        left = 0;
    }
    long.sort_unstable_by(|one, other| other.cmp(one));
    long.retain(|length| {
        let fits = *length <= left;
        left -= if fits { *length } else { 0 };
        fits
    });
    pieces.retain(|piece| {
        piece.doubtful == 0
            || long.iter().position(|length| *length == piece.doubtful).is_some_and(|at| {
                long.swap_remove(at);
                true
            })
    });
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a second or two")]
fn in_slots(seconds: f64) -> u32 {
    (seconds * f64::from(SLOTS)).round() as u32
}

fn holes(side: Side, pieces: &[Piece]) -> impl Iterator<Item = Gap> {
    let hole = in_slots(HOLE);
    let holes = pieces.iter().filter(move |piece| piece.length() >= hole);
    holes.map(move |piece| Gap::new(side, piece.from, piece.to, piece.length()))
}

fn losses(side: Side, pieces: &[Piece], counted: Option<&Counted>, slots: u32) -> Vec<Gap> {
    let short = || pieces.iter().filter(|piece| piece.length() < in_slots(HOLE));
    // Whoever presses keys sends nothing else meanwhile.
    let may_be_key = |piece: &&Piece| KEYS.contains(&piece.length());
    // Phones begin late and are cut off early.
    let is_inside = |piece: &&Piece| piece.from > EDGE && piece.to + EDGE < slots;
    let like_keys: u32 = short().filter(may_be_key).filter(is_inside).map(Piece::length).sum();
    let are_keys = counted.is_none_or(|counted| {
        counted.keys > 0.0 && like_keys <= in_slots(1.25 * counted.keys + 0.5)
    });
    let lost: Vec<Piece> =
        short().filter(|piece| !(are_keys && may_be_key(piece))).copied().collect();
    lost.chunk_by(|one, next| next.from - one.to <= NEAR)
        .filter_map(|pieces| {
            let told = |share| loss(side, densest(pieces, share));
            told(LOSS_SHARE / 2.0).or_else(|| told(LOSS_SHARE))
        })
        .collect()
}

/// The run of pieces in which more than this share of the time is missing, and most. What is lost by
/// chance before and after it has too little for its distance.
fn densest(pieces: &[Piece], share: f64) -> &[Piece] {
    let price = share / (1.0 - share);
    let (mut first, mut sum, mut end) = (0, 0.0, 0);
    let (mut run, mut most) = (0..0, 0.0);
    for (at, piece) in pieces.iter().enumerate() {
        sum -= price * f64::from(piece.from - end);
        if sum <= 0.0 {
            (first, sum) = (at, 0.0);
        }
        sum += f64::from(piece.length()).min(ALONE * price);
        end = piece.to;
        if sum > most {
            (run, most) = (first..at + 1, sum);
        }
    }
    pieces.get(run).unwrap_or_default()
}

fn share_of(pieces: &[Piece]) -> f64 {
    let [first, .., last] = pieces else { return 0.0 };
    let missing: u32 = pieces.iter().map(Piece::length).sum();
    f64::from(missing) / f64::from(last.to - first.from)
}

fn loss(side: Side, pieces: &[Piece]) -> Option<Gap> {
    let [first, .., last] = pieces else { return None };
    let missing = pieces.iter().map(Piece::length).sum();
    let gap = Gap::new(side, first.from, last.to, missing);
    let much = gap.missing >= LOSS && share_of(pieces) >= LOSS_SHARE;
    (pieces.len() >= PIECES && much).then_some(gap)
}

/// The gaps in words: the first three of them, and how many more there are.
pub(crate) fn told(gaps: &[Gap], seconds: f64) -> Option<String> {
    let mut told: Vec<String> = gaps.iter().take(3).map(|gap| tell(gap, seconds)).collect();
    match gaps.len().saturating_sub(3) {
        0 => {}
        1 => told.push("and 1 more gap".to_owned()),
        more => told.push(format!("and {more} more gaps")),
    }
    (!told.is_empty()).then(|| told.join("; "))
}

fn tell(gap: &Gap, seconds: f64) -> String {
    let side = gap.side.as_str();
    let (from, to) = (clock(gap.from), clock(gap.to));
    if !gap.is_hole() {
        let share = 100.0 * gap.missing / (gap.to - gap.from);
        return format!("{share:.0} % of what the {side} said is missing from {from} to {to}");
    }
    match (gap.from < 0.1, gap.to > seconds - 0.1) {
        (true, true) => format!("nothing came from the {side}"),
        (true, false) => format!("nothing came from the {side} before {to}"),
        (false, true) => format!("nothing came from the {side} after {from}"),
        (false, false) => format!("nothing came from the {side} from {from} to {to}"),
    }
}

/// As players show it, with tenths: `1:02.5`.
fn clock(seconds: f64) -> String {
    let tenths = (seconds * 10.0).round();
    let (minutes, tenths) = ((tenths / 600.0).floor(), tenths % 600.0);
    format!("{minutes}:{:04.1}", tenths / 10.0)
}

#[cfg(test)]
mod tests;
