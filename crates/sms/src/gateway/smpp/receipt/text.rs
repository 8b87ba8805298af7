//! The text of a receipt: its alphabet, and its fields.

/// What a field may be called, in the order in which names are believed.
pub(super) const ID: &[&str] = &["id", "msgid", "messageid", "message_id", "smsid"];
pub(super) const STATE: &[&str] = &["stat", "status", "state", "message_state"];
pub(super) const ERROR: &[&str] = &["err", "error", "error_code"];
const OWN_TEXT: &[&str] = &["text"];
/// Names that stand where a value is missing: `id: sub:001`.
const OTHERS: &[&str] = &["sub", "dlvrd", "submit", "done"];

/// The text, in whatever alphabet: the one that `data_coding` tells, or, since that is often wrong, the
/// one in which there is a state.
pub(super) fn decoded(data_coding: u8, octets: &[u8]) -> String {
    let utf16 = |unit: fn([u8; 2]) -> u16| {
        let pairs = octets.as_chunks::<2>().0;
        // The mark of the order is no part of a name.
        let units = pairs.iter().map(|pair| unit(*pair)).filter(|unit| *unit != 0xfeff);
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    let big = || utf16(u16::from_be_bytes);
    let first: String = if is_ucs2(data_coding) { big() } else { plain(octets) };
    let has_state = |text: &String| !values(text, STATE).is_empty();
    if has_state(&first) {
        return first;
    }
    let others = [plain(octets), big(), utf16(u16::from_le_bytes), unpacked(octets)];
    others.into_iter().find(has_state).unwrap_or(first)
}

/// `data_coding`, SMPP 3.4 section 5.2.19, and that of 3GPP TS 23.038 clause 4 for classes and compression.
fn is_ucs2(data_coding: u8) -> bool {
    data_coding == 8 || (data_coding < 0x80 && data_coding & 0x0c == 0x08)
}

/// One octet a character, of ASCII, Latin or GSM-7; a NUL ends nothing and is no part of a value.
fn plain(octets: &[u8]) -> String {
    octets.iter().map(|octet| if *octet == 0 { ' ' } else { of_gsm(*octet) }).collect()
}

/// Septets packed into octets, 3GPP TS 23.038 clause 6.1.2.1.1; of the alphabet what ASCII has, too.
fn unpacked(octets: &[u8]) -> String {
    let mut text = String::new();
    let (mut bits, mut held) = (0_u16, 0_u32);
    for octet in octets {
        bits |= u16::from(*octet) << held;
        held += 8;
        while held >= 7 {
            let septet = bits.to_be_bytes()[1] & 0x7f;
            text.push(if septet == 0 { '@' } else { of_gsm(septet) });
            bits >>= 7;
            held -= 7;
        }
    }
    text
}

/// What ids and states may hold and GSM-7 has elsewhere than ASCII.
fn of_gsm(octet: u8) -> char {
    if octet == 0x11 { '_' } else { char::from(octet) }
}

/// What the fields of one of these names hold, in their order. A name is at the beginning or behind what is
/// no letter and no digit, and before a colon or an equals sign; a value goes up to the next blank, comma
/// or semicolon, or to the next name.
///
/// What the message itself said is not looked at: it is behind `text:`. Where that is the first field, the
/// others are behind it, and what comes last is not the message's own.
pub(super) fn values<'t>(text: &'t str, names: &[&str]) -> Vec<&'t str> {
    let own = find(text, OWN_TEXT).map_or(text.len(), |found| found.name);
    if own > 0 && text.get(..own).is_some_and(|before| before.contains([':', '='])) {
        return all(text.get(..own).unwrap_or_default(), names);
    }
    all(text, names).pop().into_iter().collect()
}

fn all<'t>(mut text: &'t str, names: &[&str]) -> Vec<&'t str> {
    let mut values = Vec::new();
    while let Some(found) = find(text, names) {
        text = text.get(found.value..).unwrap_or_default();
        let begin = text.trim_start();
        let ends = |c: char| c.is_whitespace() || ",;|".contains(c);
        let value = begin.split(ends).next().unwrap_or_default().trim_matches(['"', '\'']);
        let known = [ID, STATE, ERROR, OWN_TEXT, OTHERS].concat();
        let is_name = find(begin, &known).is_some_and(|next| next.name == 0)
            || ["submit date", "done date"].iter().any(|name| starts(begin, name));
        if !is_name && !value.is_empty() {
            values.push(value);
        }
    }
    values
}

fn starts(text: &str, name: &str) -> bool {
    text.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name))
}

/// Where a field's name begins, and where its value may.
struct Found {
    name: usize,
    value: usize,
}

fn find(text: &str, names: &[&str]) -> Option<Found> {
    let mut before = None;
    text.char_indices().find_map(|(at, c)| {
        let begins = !before.is_some_and(char::is_alphanumeric);
        before = Some(c);
        if !begins {
            return None;
        }
        let rest = text.get(at..)?;
        names.iter().filter(|name| starts(rest, name)).find_map(|name| {
            let behind = rest.get(name.len()..)?;
            let blanks = behind.len() - behind.trim_start_matches(' ').len();
            let sign = behind.get(blanks..)?.starts_with([':', '=']);
            sign.then_some(Found { name: at, value: at + name.len() + blanks + 1 })
        })
    })
}
