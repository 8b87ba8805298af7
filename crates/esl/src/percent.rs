//! Percent-decoding as FreeSWITCH encodes (`switch_url_encode`, SWITCH_URL_UNSAFE): a plus sign is
//! itself encoded and never means a space.

use std::borrow::Cow;

/// Decodes `%XX`; a malformed escape passes through as it stands, invalid UTF-8 becomes U+FFFD.
pub(crate) fn decode(raw: &[u8]) -> Cow<'_, str> {
    if memchr::memchr(b'%', raw).is_none() {
        return String::from_utf8_lossy(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, tail)) = rest.split_first() {
        let escape = match tail {
            [high, low, after @ ..] if byte == b'%' => {
                hex(*high).zip(hex(*low)).map(|(high, low)| (high << 4 | low, after))
            }
            _ => None,
        };
        let (decoded, after) = escape.unwrap_or((byte, tail));
        out.push(decoded);
        rest = after;
    }
    match String::from_utf8(out) {
        Ok(text) => Cow::Owned(text),
        Err(invalid) => Cow::Owned(String::from_utf8_lossy(invalid.as_bytes()).into_owned()),
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        for (raw, text) in [
            ("%2B420601123456", "+420601123456"),
            ("%2b420", "+420"),
            ("a+b", "a+b"),
            ("fd00%3A%3A2", "fd00::2"),
            ("%2BOK%0A", "+OK\n"),
            ("%C5%99", "ř"),
            ("", ""),
            // Malformed escapes stay.
            ("100%", "100%"),
            ("%", "%"),
            ("%%41", "%A"),
            ("%4", "%4"),
            ("%zz%41", "%zzA"),
            ("%4z", "%4z"),
            // Invalid UTF-8 is replaced, not refused.
            ("%C5", "\u{fffd}"),
            ("x%FFy", "x\u{fffd}y"),
        ] {
            assert_eq!(decode(raw.as_bytes()), text, "{raw}");
        }
        assert!(matches!(decode(b"plain"), Cow::Borrowed("plain")), "no copy without escapes");
    }
}
