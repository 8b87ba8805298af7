//! Alphabets and segments of short messages, by 3GPP TS 23.038 and TS 23.040.

use std::iter;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The GSM 7-bit default alphabet, TS 23.038 clause 6.2.1, without the escape (0x1B): one septet each.
const GSM_BASIC: &str = concat!(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ",
    " !\"#¤%&'()*+,-./0123456789:;<=>?",
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§",
    "¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
/// The default extension table, TS 23.038 clause 6.2.1.1: the escape and a second septet.
const GSM_EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// Septets in a single message: 140 octets of user data, TS 23.040 clause 9.2.3.24.
const GSM_SINGLE: usize = 160;
/// Septets in a part of a concatenated one: 6 octets (7 septets) go to the user data header with an
/// 8-bit reference, TS 23.040 clause 9.2.3.24.1.
const GSM_PART: usize = 153;
/// 16-bit units in a single message: 140 octets.
const UCS2_SINGLE: usize = 70;
/// 16-bit units in a part: 134 octets.
const UCS2_PART: usize = 67;

/// How the characters of a message travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Alphabet {
    /// 7 bits a character, for most of western Europe's; `€[]{}\^~|` count twice.
    Gsm7,
    /// 16 bits a character; what is not in Unicode's first plane counts twice.
    Ucs2,
}

impl Alphabet {
    /// The word in JSON: `gsm7` or `ucs2`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Ucs2 => "ucs2",
        }
    }

    /// The one a text needs; a single character outside GSM-7 takes the whole text to UCS-2.
    fn of(text: &str) -> Self {
        if text.chars().all(|c| gsm_septets(c).is_some()) { Self::Gsm7 } else { Self::Ucs2 }
    }

    /// Units of a whole message, and of a part of a longer one.
    fn limits(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (GSM_SINGLE, GSM_PART),
            Self::Ucs2 => (UCS2_SINGLE, UCS2_PART),
        }
    }

    fn units(self, c: char) -> usize {
        match self {
            Self::Gsm7 => gsm_septets(c).unwrap_or_default(),
            Self::Ucs2 => c.len_utf16(),
        }
    }
}

/// What a text costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segmented {
    /// The alphabet of all segments.
    pub alphabet: Alphabet,
    /// Length of the text in septets (GSM-7) or 16-bit units (UCS-2).
    pub units: usize,
    /// Messages that the network sends and charges, at least 1.
    pub segments: usize,
}

/// Counts the segments of `text`.
///
/// An escape and the septet behind it stay in one segment, as do the two units of a surrogate pair, so a
/// segment may end one unit early.
#[must_use]
pub fn segments(text: &str) -> Segmented {
    let alphabet = Alphabet::of(text);
    let units = text.chars().map(|c| alphabet.units(c)).sum();
    Segmented { alphabet, units, segments: split(text).len() }
}

/// The text of each segment, at least one.
pub(crate) fn split(text: &str) -> Vec<&str> {
    let alphabet = Alphabet::of(text);
    let (single, part) = alphabet.limits();
    if text.chars().map(|c| alphabet.units(c)).sum::<usize>() <= single {
        return vec![text];
    }
    let mut parts = Vec::new();
    let (mut begin, mut filled) = (0, 0);
    for (at, c) in text.char_indices() {
        let next = alphabet.units(c);
        if filled + next > part {
            parts.push(&text[begin..at]);
            (begin, filled) = (at, 0);
        }
        filled += next;
    }
    parts.push(&text[begin..]);
    parts
}

/// GSM-7 with each septet in an octet of its own; `None` if a character is not in it.
pub(crate) fn gsm_octets(text: &str) -> Option<Vec<u8>> {
    const ESCAPE: u8 = 0x1b;
    // In the order of GSM_EXTENSION.
    const EXTENSION_CODES: [u8; 10] = [0x0a, 0x14, 0x28, 0x29, 0x2f, 0x3c, 0x3d, 0x3e, 0x40, 0x65];
    let mut octets = Vec::with_capacity(text.len());
    for c in text.chars() {
        if let Some(at) = GSM_BASIC.chars().position(|basic| basic == c) {
            let at = u8::try_from(at).ok()?;
            // The table leaves the escape out.
            octets.push(if at < ESCAPE { at } else { at + 1 });
        } else {
            let at = GSM_EXTENSION.chars().position(|extended| extended == c)?;
            octets.extend([ESCAPE, *EXTENSION_CODES.get(at)?]);
        }
    }
    Some(octets)
}

/// Which characters an operator pays for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Charset {
    /// Accents are stripped, so that Czech fits GSM-7. What [`strip_accents`] leaves (Cyrillic, emoji)
    /// takes a text to UCS-2 all the same.
    #[default]
    Gsm7,
    /// Texts stay as they are written; one letter outside GSM-7 takes the whole text to UCS-2.
    Ucs2,
}

impl Charset {
    /// The text as it will be sent.
    #[must_use]
    pub fn apply(self, text: &str) -> String {
        match self {
            Self::Gsm7 => strip_accents(text),
            Self::Ucs2 => text.nfc().collect(),
        }
    }
}

fn gsm_septets(c: char) -> Option<usize> {
    if GSM_BASIC.contains(c) {
        Some(1)
    } else if GSM_EXTENSION.contains(c) {
        Some(2)
    } else {
        None
    }
}

/// Writes Latin letters without their accents: `Zmeškaný hovor č.` becomes `Zmeskany hovor c.`
///
/// What Unicode takes apart into an ASCII letter and marks loses the marks; letters with a stroke,
/// ligatures and typographic punctuation are replaced by what a typewriter has. Characters of other
/// scripts stay as they are: a wrong guess would be worse than the dearer UCS-2.
#[must_use]
pub fn strip_accents(text: &str) -> String {
    let mut stripped = String::with_capacity(text.len());
    for c in text.nfc() {
        if c.is_ascii() {
            stripped.push(c);
        } else if let Some(plain) = typewriter(c) {
            stripped.push_str(plain);
        } else if is_combining_mark(c) {
            // A mark with no composed letter of its own: dropped from ASCII letters alone.
            if !stripped.ends_with(|last: char| last.is_ascii()) {
                stripped.push(c);
            }
        } else {
            let bare: String = iter::once(c).nfkd().filter(|c| !is_combining_mark(*c)).collect();
            if bare.is_ascii() && !bare.is_empty() {
                stripped.push_str(&bare);
            } else {
                stripped.push(c);
            }
        }
    }
    stripped
}

/// Latin letters and punctuation that Unicode does not take apart.
fn typewriter(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'ẞ' => "SS",
        'æ' => "ae",
        'Æ' => "AE",
        'œ' => "oe",
        'Œ' => "OE",
        'ø' => "o",
        'Ø' => "O",
        'đ' | 'ð' => "d",
        'Đ' | 'Ð' => "D",
        'ł' => "l",
        'Ł' => "L",
        'ħ' => "h",
        'Ħ' => "H",
        'ŧ' => "t",
        'Ŧ' => "T",
        'þ' => "th",
        'Þ' => "Th",
        'ı' => "i",
        'ŋ' => "n",
        'Ŋ' => "N",
        '‘' | '’' | '‚' | '‛' | '′' | '´' => "'",
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' => "\"",
        '‐' | '‑' | '‒' | '–' | '—' | '−' => "-",
        '×' => "x",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
