//! Percent-encoding of header values.

/// What `switch_url_encode` encodes (`SWITCH_URL_UNSAFE` in switch_utils.h), besides control
/// characters and everything past ASCII.
const UNSAFE: &[u8] = b"\r\n #%&+:;<=>?@[\\]^`{|}\"";

/// By byte whether it stays as it is.
static SAFE: [bool; 256] = {
    let mut safe = [false; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        safe[byte as usize] = true;
        byte += 1;
    }
    let mut at = 0;
    while at < UNSAFE.len() {
        safe[UNSAFE[at] as usize] = false;
        at += 1;
    }
    safe
};

pub(crate) fn percent(value: &str, into: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let bytes = value.as_bytes();
    let mut from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if SAFE[usize::from(byte)] {
            continue;
        }
        // Safe bytes are ASCII, so that both ends are between characters.
        into.push_str(value.get(from..at).unwrap_or_default());
        from = at + 1;
        into.push('%');
        into.push(char::from(HEX[usize::from(byte >> 4)]));
        into.push(char::from(HEX[usize::from(byte & 15)]));
    }
    into.push_str(value.get(from..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn encodes_as_freeswitch_does() {
        let encoded = |value: &str| {
            let mut text = String::new();
            percent(value, &mut text);
            text
        };
        assert_eq!(encoded("+OK\n"), "%2BOK%0A");
        assert_eq!(encoded("sip:a@b;c='d'"), "sip%3Aa%40b%3Bc%3D'd'");
        assert_eq!(encoded("Nováková ž"), "Nov%C3%A1kov%C3%A1%20%C5%BE");
        assert_eq!(encoded(""), "");
        assert_eq!(encoded("plain-1_2.3/~"), "plain-1_2.3/~");
    }
}
