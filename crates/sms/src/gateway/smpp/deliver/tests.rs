use proptest::prelude::*;

use super::Deliver;

/// A `deliver_sm` from a phone.
fn body(esm_class: u8, text: &[u8], tlvs: &[u8]) -> Vec<u8> {
    let mut body = b"\0\x01\x01420601123456\0\x05\x00ustredna\0".to_vec();
    body.extend([esm_class, 0, 0, 0, 0, 0, 0, 0, 0, u8::try_from(text.len()).unwrap()]);
    body.extend(text);
    body.extend(tlvs);
    body
}

#[test]
fn a_unit_is_read_though_it_breaks_the_rules() {
    for tlvs in [
        &b"\0\x1e\0\x03ab\0\x04\x27\0\x01\x02"[..],
        // No NUL; more behind it; one that promises more than there is; a rest that is no TLV.
        b"\0\x1e\0\x02ab\x04\x27\0\x01\x02",
        b"\0\x1e\0\x05ab\0zz\x04\x27\0\x01\x02",
        b"\x04\x27\0\x01\x02\0\x1e\0\x41ab",
        b"\x04\x27\0\x01\x02\0\x1e\0\x02ab\0\x1e",
        // Nobody knows the first; the state has four octets.
        b"\x14\x06\0\x01x\0\x1e\0\x03ab\0\x04\x27\0\x04\0\0\0\x02",
    ] {
        let deliver = Deliver::read(&body(4, b"id:7", tlvs)).unwrap();
        let read = (deliver.receipted_id.as_deref(), deliver.state, &deliver.text[..]);
        assert_eq!(read, (Some("ab"), Some(2), &b"id:7"[..]));
        assert_eq!(deliver.addresses, ["420601123456", "ustredna"]);
    }
    let payload =
        Deliver::read(&body(4, b"", b"\x04\x24\0\x04id:7\x04\x23\0\x03\x03\0\x22")).unwrap();
    assert_eq!((&payload.text[..], payload.error), (&b"id:7"[..], Some(34)));
    let headed = Deliver::read(&body(0x44, b"\x05\0\x03\x01\x01\x01id:7", b"")).unwrap();
    assert_eq!(headed.text, b"id:7");
    // A header longer than the text, and a text shorter than it says.
    assert_eq!(Deliver::read(&body(0x44, b"\xff\0", b"")).unwrap().text, b"");
    let mut cut = body(4, b"id:7 stat:DELIVRD", b"");
    cut.truncate(cut.len() - 3);
    assert_eq!(Deliver::read(&cut).unwrap().text, b"id:7 stat:DELI");
    assert!(Deliver::read(b"\0\x01").is_none());
}

#[test]
fn a_receipt_may_come_as_data() {
    let data =
        b"\0\x01\x01420601123456\0\x05\x00ustredna\0\x04\0\0\x04\x24\0\x04id:7\x04\x27\0\x01\x02";
    let deliver = Deliver::read_data(data).unwrap();
    assert!(deliver.is_receipt());
    assert_eq!((&deliver.text[..], deliver.state), (&b"id:7"[..], Some(2)));
}

#[test]
fn ids_that_differ_in_one_octet_stay_two() {
    let id = |octet: u8| {
        let tlv = [&b"\0\x1e\0\x03a"[..], &[octet], b"b"].concat();
        Deliver::read(&body(4, b"", &tlv)).unwrap().receipted_id
    };
    assert_ne!(id(0x80), id(0x81));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Deliver::read(&octets);
        let _ = Deliver::read_data(&octets);
        let _ = Deliver::read(&body(octets.first().copied().unwrap_or(4), b"id:7", &octets));
    }
}
