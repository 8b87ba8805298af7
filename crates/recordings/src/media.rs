//! What is known of a talk's media besides its recording.

use serde::{Deserialize, Serialize};

use crate::name::Direction;

/// One of the two who talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The left channel.
    Shopper,
    /// The right channel.
    Dealer,
}

impl Side {
    /// Left, right.
    pub(crate) const BOTH: [Self; 2] = [Self::Shopper, Self::Dealer];

    /// The word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shopper => "shopper",
            Self::Dealer => "dealer",
        }
    }
}

/// What FreeSWITCH has counted on a leg by its hang-up (`rtp_audio_in_*` in its record), and what the
/// phone had said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// Seconds for which it waited for a packet in vain, in prompts and in the talk.
    pub missing: f64,
    /// Packets of comfort noise (payload type 13): this phone sends nothing while nobody speaks.
    pub comfort_noise: u32,
    /// Seconds of key packets, which come in place of sound.
    pub keys: f64,
    /// When the phone had said that it would send nothing, or need not: it was on hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Held>,
}

/// From when to when a phone was on hold by its SDP, in seconds from the beginning of the talk.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// When the SDP came that said so.
    pub from: f64,
    /// When the next one came, or the end of the call.
    pub to: f64,
}

/// A hold of a side, as it is told beside a recording.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// Whose phone said that it held.
    pub side: Side,
    /// In seconds from the beginning of the recording.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
}

/// What is known of the media of a talk. The default: of a shopper who called, and nothing was
/// counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Media {
    /// Who called in. FreeSWITCH records on that leg.
    pub caller: Side,
    /// The shopper's leg.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shopper: Option<Counted>,
    /// The dealer's leg.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dealer: Option<Counted>,
}

impl Default for Media {
    fn default() -> Self {
        Self::uncounted(Direction::Out)
    }
}

impl Media {
    /// Of a call in this direction of which nothing was counted.
    #[must_use]
    pub fn uncounted(direction: Direction) -> Self {
        let caller = match direction {
            Direction::Out | Direction::Return => Side::Shopper,
            Direction::Back => Side::Dealer,
        };
        Self { caller, shopper: None, dealer: None }
    }

    /// Of a call in this direction: what was counted on the leg that called in and on the one that
    /// was dialled.
    #[must_use]
    pub fn counted(
        direction: Direction,
        calling: Option<Counted>,
        dialled: Option<Counted>,
    ) -> Self {
        let media = Self::uncounted(direction);
        match media.caller {
            Side::Shopper => Self { shopper: calling, dealer: dialled, ..media },
            Side::Dealer => Self { shopper: dialled, dealer: calling, ..media },
        }
    }

    /// The holds of both sides in a recording of so many seconds, by their beginnings.
    #[must_use]
    pub fn holds(&self, seconds: f64) -> Vec<Hold> {
        let mut holds = Vec::new();
        for side in Side::BOTH {
            let held = self.of(side).map_or(&[][..], |counted| &counted.held);
            let within = |at: f64| (at.clamp(0.0, seconds) * 100.0).round() / 100.0;
            holds.extend(held.iter().filter_map(|held| {
                let (from, to) = (within(held.from), within(held.to));
                (from < to).then_some(Hold { side, from, to })
            }));
        }
        holds.sort_by(|one, other| one.from.total_cmp(&other.from));
        holds
    }

    pub(crate) fn of(&self, side: Side) -> Option<&Counted> {
        match side {
            Side::Shopper => self.shopper.as_ref(),
            Side::Dealer => self.dealer.as_ref(),
        }
    }
}
