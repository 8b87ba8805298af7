//! Percent-encoding of header values.

/// What `switch_url_encode` encodes (`SWITCH_URL_UNSAFE` in switch_utils.h), besides control
/// characters and everything past ASCII.
const UNSAFE: &[u8] = b"\r\n #%&+:;<=>?@[\\]^`{|}\"";

pub(crate) fn percent(value: &str, into: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in value.as_bytes() {
        if (b' '..=b'~').contains(&byte) && !UNSAFE.contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push('%');
            into.push(char::from(HEX[usize::from(byte >> 4)]));
            into.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}
