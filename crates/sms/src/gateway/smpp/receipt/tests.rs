use rusmpp::pdus::DeliverSm;
use rusmpp::tlvs::MessageDeliveryRequestTlvValue as Tlv;
use rusmpp::types::{AnyOctetString, COctetString, OctetString};
use rusmpp::values::{EsmClass, MessagePayload, MessageState};

use super::{Origin, read, uniform};
use crate::gateway::Report;
use crate::gateway::smpp::IdForm;

fn receipt(text: &str) -> DeliverSm {
    DeliverSm::builder()
        .esm_class(EsmClass::from(0x04))
        .short_message(OctetString::from_vec(text.into()).unwrap())
        .build()
}

fn told(deliver: &DeliverSm) -> Option<(String, bool, Option<String>)> {
    let Report { provider_id, delivered, reason } = read(deliver, IdForm::Same)?;
    Some((provider_id, delivered, reason))
}

#[test]
fn texts_of_all_sorts_are_understood() {
    let usual = "id:1234567890 sub:001 dlvrd:001 submit date:2611221031 done date:2611221032 stat:DELIVRD err:000 text:Zmeskany hovor";
    for (text, expected) in [
        (usual, Some(("1234567890", true, "DELIVRD"))),
        ("id:a-b sub:001 stat:UNDELIV err:034 Text:", Some(("a-b", false, "UNDELIV err 034"))),
        ("id:7 stat:EXPIRED", Some(("7", false, "EXPIRED"))),
        ("id:7 stat:REJECTD err:0A1", Some(("7", false, "REJECTD err 0A1"))),
        ("ID:7 STAT:delivrd", Some(("7", true, "DELIVRD"))),
        // Not the last word, or none at all.
        ("id:7 stat:ENROUTE err:000", None),
        ("id:7 stat:ACCEPTD err:000", None),
        ("id:7 stat:UNKNOWN err:000", None),
        ("id:7", None),
        ("stat:DELIVRD", None),
        ("id: stat:DELIVRD", None),
        // No id that a message could have.
        ("id:7\0 stat:DELIVRD", None),
        ("id:7\x1b stat:DELIVRD", None),
        ("", None),
        ("í", None),
    ] {
        let expected = expected.map(|(id, ok, why)| (id.to_owned(), ok, Some(why.to_owned())));
        assert_eq!(told(&receipt(text)), expected, "{text}");
    }
}

#[test]
fn a_persons_message_is_no_receipt() {
    let mut person = receipt("id:7 stat:DELIVRD");
    person.esm_class = EsmClass::from(0);
    assert_eq!(told(&person), None);
}

#[test]
fn tlvs_count_for_more_than_the_text() {
    let id = COctetString::from_vec(b"tlv-id\0".to_vec()).unwrap();
    let mut both = receipt("id:7 stat:ENROUTE err:001");
    both.push_tlv(Tlv::ReceiptedMessageId(id.clone()));
    both.push_tlv(Tlv::MessageState(MessageState::Undeliverable));
    assert_eq!(told(&both), Some(("tlv-id".into(), false, Some("ENROUTE err 001".into()))));

    // No bit and no text, but the TLVs are unmistakable.
    let mut alone = DeliverSm::builder().esm_class(EsmClass::from(0)).build();
    alone.push_tlv(Tlv::ReceiptedMessageId(id));
    alone.push_tlv(Tlv::MessageState(MessageState::Delivered));
    assert_eq!(told(&alone), Some(("tlv-id".into(), true, Some("state 2".into()))));

    let mut payload = receipt("");
    let text = AnyOctetString::from_vec(b"id:8 stat:DELIVRD".to_vec());
    payload.push_tlv(Tlv::MessagePayload(MessagePayload::new(text)));
    assert_eq!(told(&payload), Some(("8".into(), true, Some("DELIVRD".into()))));
}

#[test]
fn ids_meet_though_one_is_hexadecimal() {
    for (form, answer, receipt) in [
        (IdForm::Same, "0A1b", "0A1b"),
        (IdForm::HexInAnswer, "1F", "31"),
        (IdForm::HexInAnswer, "0000001f", "0000000031"),
        (IdForm::HexInReceipt, "31", "1f"),
        // A UUID is no number: then it is the same in both.
        (IdForm::HexInAnswer, "5f2b-77", "5f2b-77"),
    ] {
        let answer = uniform(answer, Origin::Answer, form);
        assert_eq!(answer, uniform(receipt, Origin::Receipt, form), "{form:?} {receipt}");
    }
    assert_ne!(
        uniform("10", Origin::Answer, IdForm::HexInAnswer),
        uniform("10", Origin::Receipt, IdForm::HexInAnswer)
    );
}
