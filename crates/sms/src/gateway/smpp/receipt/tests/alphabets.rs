//! The alphabets that receipts come in, rightly marked or not.

use super::told;
use crate::gateway::smpp::deliver::Deliver;

const TEXT: &str = "id:33E9_5179 sub:001 dlvrd:001 submit date:2611221031 done date:2611221032 stat:DELIVRD err:000 text:Zmeskany hovor";

/// 3GPP TS 23.038 clause 6.1.2.1.1; the underscore has another place than in ASCII.
fn packed(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.bytes() {
        let septet = if byte == b'_' { 0x11 } else { byte };
        bits |= u32::from(septet) << held;
        held += 7;
        while held >= 8 {
            octets.push(bits.to_le_bytes()[0]);
            bits >>= 8;
            held -= 8;
        }
    }
    if held > 0 {
        octets.push(bits.to_le_bytes()[0]);
    }
    octets
}

#[test]
fn a_receipt_is_read_in_whatever_alphabet_it_is() {
    let utf16 = |unit: fn(u16) -> [u8; 2]| TEXT.encode_utf16().flat_map(unit).collect::<Vec<_>>();
    let marked = [&b"\xfe\xff"[..], &utf16(u16::to_be_bytes)].concat();
    let gsm: Vec<u8> = TEXT.bytes().map(|byte| if byte == b'_' { 0x11 } else { byte }).collect();
    for (what, data_coding, text) in [
        ("ASCII", 1, TEXT.as_bytes().to_vec()),
        ("Latin-1", 3, TEXT.as_bytes().to_vec()),
        ("GSM-7, an octet a septet", 0, gsm.clone()),
        ("GSM-7 packed", 0, packed(TEXT)),
        ("GSM-7 packed, class 1", 0xf1, packed(TEXT)),
        ("UCS-2", 8, utf16(u16::to_be_bytes)),
        ("UCS-2, class 0", 0x18, utf16(u16::to_be_bytes)),
        ("UCS-2 with its mark", 8, marked),
        ("UCS-2, not marked", 0, utf16(u16::to_be_bytes)),
        ("UCS-2, the other order", 8, utf16(u16::to_le_bytes)),
        ("GSM-7, marked as UCS-2", 8, gsm),
        ("binary, which it is not", 4, TEXT.as_bytes().to_vec()),
    ] {
        let deliver = Deliver { esm_class: 4, data_coding, text, ..Deliver::default() };
        let (id, delivered, reason) = told(&deliver).unwrap_or_else(|| panic!("{what}"));
        assert_eq!((id.as_str(), delivered), ("33E9_5179", true), "{what}");
        assert_eq!(reason.as_deref(), Some("DELIVRD"), "{what}");
    }
}

#[test]
fn a_state_with_letters_of_another_country_is_read() {
    let text: Vec<u8> = "id:7 stat:DELIVRD text:Zmeškaný hovor č. 2"
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    let deliver = Deliver { esm_class: 4, data_coding: 8, text, ..Deliver::default() };
    assert_eq!(told(&deliver).unwrap().0, "7");
}
