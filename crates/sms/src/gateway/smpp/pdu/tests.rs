use bytes::{BufMut as _, Bytes, BytesMut};
use rusmpp::pdus::SubmitSm;
use rusmpp::tlvs::TlvValue;
use rusmpp::{CommandStatus, Pdu};
use tokio_util::codec::Decoder as _;

use super::{Frame, Frames, Kind, bind, encode, outcome, submits};
use crate::gateway::Message;
use crate::gateway::smpp::{LongForm, SmppSettings};

fn settings(more: &str) -> SmppSettings {
    let toml = format!("host = \"h\"\nsystem_id = \"us\"\npassword = \"pw\"\n{more}");
    toml::from_str(&toml).unwrap()
}

fn message(text: &str) -> Message {
    Message {
        id: "m-1".into(),
        to: "+420601123456".into(),
        text: text.into(),
        created_at: String::new(),
    }
}

fn parts(settings: &SmppSettings, text: &str) -> Vec<SubmitSm> {
    submits(settings, &message(text)).unwrap()
}

fn octets(pdu: Pdu) -> Vec<u8> {
    let mut octets = BytesMut::new();
    encode(CommandStatus::EsmeRok, 2, pdu, &mut octets).unwrap();
    octets.to_vec()
}

/// Not by the codec that wrote it, but by SMPP 3.4 section 4.4.1, octet for octet.
#[test]
fn a_request_is_what_the_standard_says() {
    let submit = parts(&settings("from = \"Taxi\""), "Hi @€").remove(0);
    let mut expected = BytesMut::new();
    expected.put_u32(55);
    expected.put_u32(0x0000_0004);
    expected.put_u32(0);
    expected.put_u32(2);
    expected.put_slice(b"\0"); // service_type
    expected.put_slice(b"\x05\x00Taxi\0"); // alphanumeric, no plan
    expected.put_slice(b"\x01\x01420601123456\0"); // international, ISDN
    expected.put_slice(b"\0\0\0"); // esm_class, protocol_id, priority_flag
    expected.put_slice(b"\0\0"); // no schedule, no validity
    expected.put_slice(b"\x01"); // a receipt, whatever becomes of it
    expected.put_slice(b"\0\0\0"); // no replacement, default alphabet, no canned message
    expected.put_slice(b"\x06Hi \x00\x1b\x65");
    assert_eq!(octets(Pdu::SubmitSm(submit)), expected.to_vec());
}

#[test]
fn a_bind_is_what_the_standard_says() {
    let mut expected = BytesMut::new();
    expected.put_u32(30);
    expected.put_u32(0x0000_0009);
    expected.put_u32(0);
    expected.put_u32(2);
    expected.put_slice(b"us\0pw\0t\0\x34\0\0\0"); // version 3.4
    expected[3] = u8::try_from(expected.len()).unwrap();
    assert_eq!(octets(bind(&settings("system_type = \"t\"")).unwrap()), expected.to_vec());
}

#[test]
fn the_sender_tells_its_kind() {
    for (from, ton, npi, address) in [
        ("", 0, 0, ""),
        ("+420234234390", 1, 1, "420234234390"),
        ("999123", 0, 1, "999123"),
        ("Taxi 1", 5, 0, "Taxi 1"),
    ] {
        let submit = parts(&settings(&format!("from = \"{from}\"")), "Hi").remove(0);
        let sent = (u8::from(submit.source_addr_ton), u8::from(submit.source_addr_npi));
        assert_eq!((sent, submit.source_addr.as_str()), ((ton, npi), address));
    }
    let own = settings("from = \"999\"\nfrom_ton = 3\nfrom_npi = 8");
    let submit = parts(&own, "Hi").remove(0);
    assert_eq!((u8::from(submit.source_addr_ton), u8::from(submit.source_addr_npi)), (3, 8));
}

#[test]
fn one_letter_takes_the_text_to_ucs2() {
    let submit = parts(&settings(""), "č1").remove(0);
    assert_eq!(u8::from(submit.data_coding), 8);
    assert_eq!(submit.short_message().as_ref(), b"\x01\x0d\x001");
}

#[test]
fn a_long_text_goes_whole_unless_the_smsc_wants_parts() {
    let text = "a".repeat(200);
    let whole = parts(&settings(""), &text);
    assert_eq!(whole.len(), 1);
    assert_eq!(whole[0].sm_length(), 0);
    let Some(TlvValue::MessagePayload(payload)) = whole[0].tlvs()[0].value() else { panic!() };
    assert_eq!(payload.value.as_ref(), text.as_bytes());

    let udh = parts(&settings("long = \"udh\""), &text);
    let again = parts(&settings("long = \"udh\""), &text);
    assert_eq!(udh, again, "a second attempt has the same reference");
    let heads: Vec<_> = udh.iter().map(|part| &part.short_message().as_ref()[..6]).collect();
    assert_eq!(heads[0][..3], [5, 0, 3]);
    assert_eq!(
        (heads[0][3], &heads[0][4..], &heads[1][4..]),
        (heads[1][3], &[2, 1][..], &[2, 2][..])
    );
    assert_eq!(udh.iter().map(|part| part.short_message().len()).collect::<Vec<_>>(), [159, 53]);
    assert!(udh.iter().all(|part| u8::from(part.esm_class) == 0x40));
    let receipts: Vec<_> = udh.iter().map(|part| u8::from(part.registered_delivery)).collect();
    assert_eq!(receipts, [1, 1], "one that never arrives is as good as none");

    let sar = parts(&SmppSettings { long: LongForm::Sar, ..settings("") }, &"č".repeat(80));
    assert_eq!(sar.iter().map(|part| part.short_message().len()).collect::<Vec<_>>(), [134, 26]);
    let tags: Vec<_> = sar[1].tlvs().iter().map(|tlv| tlv.value().cloned().unwrap()).collect();
    assert_eq!(tags[1..], [TlvValue::SarTotalSegments(2), TlvValue::SarSegmentSeqnum(2)]);
    assert!(
        sar.iter().all(|part| u8::from(part.esm_class) == 0 && u8::from(part.data_coding) == 8)
    );
}

#[test]
fn all_parts_are_in_the_alphabet_of_the_whole() {
    let parts = parts(&settings("long = \"sar\""), &("a".repeat(100) + "č"));
    assert_eq!(parts.len(), 2);
    assert!(parts.iter().all(|part| u8::from(part.data_coding) == 8));
    assert_eq!(&parts[0].short_message().as_ref()[..4], b"\0a\0a");
}

#[test]
fn an_id_with_control_characters_is_none() {
    for (id, kept) in [
        ("a-1\0", Some("a-1")),
        // Without its NUL, and with more behind it.
        ("a-1", Some("a-1")),
        (" a-1 \0\x1e\0", Some("a-1")),
        ("a\u{1b}1\0", None),
        ("a\t1\0", None),
        ("\0", None),
        ("", None),
    ] {
        let frame = Frame {
            kind: Kind::SubmitResp,
            status: CommandStatus::EsmeRok,
            sequence: 1,
            body: Bytes::from(id),
        };
        assert_eq!(outcome(&settings(""), &frame), Ok(kept.map(str::to_owned)));
    }
}

#[test]
fn units_are_found_wherever_the_stream_is_cut() {
    let stream = [octets(Pdu::EnquireLink), octets(Pdu::Unbind)].concat();
    for cut in 0..stream.len() {
        let mut kinds = Vec::new();
        let mut octets = BytesMut::new();
        for piece in [&stream[..cut], &stream[cut..]] {
            octets.extend_from_slice(piece);
            while let Some(frame) = Frames.decode(&mut octets).unwrap() {
                kinds.push(frame.kind);
            }
        }
        assert_eq!(kinds, [Kind::EnquireLink, Kind::Unbind], "cut at {cut}");
    }
}

#[test]
fn a_malformed_body_costs_the_unit_and_not_the_stream() {
    let mut octets = BytesMut::new();
    octets.put_u32(20);
    octets.put_u32(0x0000_0005);
    octets.put_u32(0);
    octets.put_u32(9);
    octets.put_slice(b"\xff\xff\xff\xff");
    octets.put_slice(&self::octets(Pdu::EnquireLink));
    let frame = Frames.decode(&mut octets).unwrap().unwrap();
    assert_eq!((frame.kind, frame.sequence), (Kind::Deliver, 9));
    assert!(frame.deliver().is_none());
    assert_eq!(Frames.decode(&mut octets).unwrap().unwrap().kind, Kind::EnquireLink);
}

#[test]
fn what_is_not_smpp_ends_the_stream() {
    for start in
        [&b"HTTP/1.1 400 Bad Request"[..], &[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]
    {
        assert!(Frames.decode(&mut BytesMut::from(start)).is_err());
    }
}
