use proptest::prelude::*;

use super::{Origin, Receipt, ReceiptError, read, uniform};
use crate::gateway::smpp::deliver::Deliver;
use crate::gateway::smpp::{IdForm, SmppSettings};

mod alphabets;

fn settings(more: &str) -> SmppSettings {
    let toml = format!("host = \"h\"\nsystem_id = \"us\"\npassword = \"pw\"\n{more}");
    toml::from_str(&toml).unwrap()
}

fn receipt(text: &str) -> Deliver {
    Deliver { esm_class: 0x04, text: text.into(), ..Deliver::default() }
}

fn taken(deliver: &Deliver) -> Receipt {
    read(deliver, &settings("")).expect("it is taken for a receipt")
}

fn told(deliver: &Deliver) -> Option<(String, bool, Option<String>)> {
    let report = taken(deliver).ok()??;
    Some((report.provider_id, report.delivered, report.reason))
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
        // Not the last word.
        ("id:7 stat:ENROUTE err:000", None),
        ("id:7 stat:ACCEPTD err:000", None),
        ("id:7 stat:UNKNOWN err:000", None),
        ("id:7 stat:BUFFRED err:000", None),
        ("id:7 stat:ACKED", None),
        ("id:7 stat:DELIVERED_TO_NETWORK", None),
        ("id:7 stat:DELIVERY_PENDING", None),
    ] {
        let expected = expected.map(|(id, ok, why)| (id.to_owned(), ok, Some(why.to_owned())));
        assert_eq!(told(&receipt(text)), expected, "{text}");
        assert!(taken(&receipt(text)).is_ok(), "{text}");
    }
}

/// As they were seen in public reports of trouble with other programs, and variations.
#[test]
fn receipts_as_smscs_write_them_are_understood() {
    for (text, id, delivered) in [
        ("id:7 stat:DELIVERED", "7", true),
        ("id:7 stat:DELIVERD err:000", "7", true),
        ("id: 7 sub:001 stat: DELIVRD err: 000", "7", true),
        ("id:7  sub:001  stat:DELIVRD", "7", true),
        ("id=7;stat=DELIVERED_TO_HANDSET", "7", true),
        ("id:7,stat:SUCCESS", "7", true),
        ("id:\"7\" stat:\"DELIVRD\"", "7", true),
        (
            "ID:0D9A2F Sub:001 Dlvrd:001 Submit Date:2607181200 Stat:DELIVERED Err:00A Text:OK",
            "0D9A2F",
            true,
        ),
        (
            "id:0654354026 submit date:2302101454 done date:2302101454 stat:DELIVRD err:000",
            "0654354026",
            true,
        ),
        (
            "id:1 submit date:2026-07-18 12:00:00 done date:2026-07-18 12:00:01 stat:DELIVERED err:600 TEXT:",
            "1",
            true,
        ),
        (
            "420601123456234234390?id:10ea34755d3d sub:001 stat:DELIVRD err:000 Text:abc'!10ea",
            "10ea34755d3d",
            true,
        ),
        ("err:000 stat:DELIVRD done date:2611221032 dlvrd:001 sub:001 id:7", "7", true),
        ("{id:7 stat:DELIVRD}", "7", true),
        ("id:7\nstat:DELIVRD\nerr:000\n", "7", true),
        ("msgid:7 status:DELIVERED", "7", true),
        ("message id:7 message state:DELIVERED", "7", true),
        ("id:7 stat:DELIVRD err:000\0", "7", true),
        ("id:7\0stat:DELIVRD\0", "7", true),
        ("text:Zmeskany hovor id:7 stat:DELIVRD", "7", true),
        ("id:7 stat:UNDELIVERABLE", "7", false),
        ("id:7 stat:UNDELIVERED", "7", false),
        ("id:7 stat:NOT_DELIVERED", "7", false),
        ("id:7 stat:REJECTED", "7", false),
        ("id:7 stat:FAILED", "7", false),
        ("id:7 stat:DELIVERY_FAILED", "7", false),
        // What the message itself said counts for nothing.
        ("id:7 stat:EXPIRED done date: text:id:8 stat:DELIVRD", "7", false),
        ("id:7 stat:UNDELIV text: stat:DELIVRD id:8", "7", false),
        ("text:id:8 stat:DELIVRD id:7 stat:UNDELIV", "7", false),
    ] {
        let found = told(&receipt(text));
        let found = found.as_ref().map(|(id, delivered, _)| (id.as_str(), *delivered));
        assert_eq!(found, Some((id, delivered)), "{text}");
    }
}

#[test]
fn a_persons_message_is_no_receipt_though_it_reads_like_one() {
    let person = |text: &str| Deliver { esm_class: 0, ..receipt(text) };
    for text in ["", "Dekuji", "id:7", "stat:DELIVRD", "id:7 stat:nevim"] {
        assert_eq!(read(&person(text), &settings("")), None, "{text}");
    }
    assert_eq!(taken(&person("id:7 stat:DELIVRD")), Err(ReceiptError::Unmarked));
    // An acknowledgement of the phone's owner is no receipt either: section 5.2.12.
    let owner = Deliver { esm_class: 0x10, ..receipt("ano") };
    assert_eq!(read(&owner, &settings("")), None);
}

#[test]
fn tlvs_count_for_more_than_the_text() {
    let both = Deliver {
        receipted_id: Some("tlv-id".into()),
        state: Some(5),
        ..receipt("id:7 stat:ENROUTE err:001")
    };
    assert_eq!(told(&both), Some(("tlv-id".into(), false, Some("ENROUTE err 001".into()))));
    assert_eq!(taken(&both).unwrap().unwrap().clues.ids, ["7"]);
    // No bit and no text, but the TLVs are unmistakable.
    let alone = Deliver { esm_class: 0, text: vec![], error: Some(34), ..both };
    assert_eq!(told(&alone), Some(("tlv-id".into(), false, Some("state 5 err 34".into()))));
    // Only one of them knows.
    let text = Deliver { state: Some(7), ..receipt("id:7 stat:DELIVRD") };
    assert_eq!(told(&text), Some(("7".into(), true, Some("DELIVRD".into()))));
    // Tried on, says the bit.
    let tried_on = Deliver { esm_class: 0x20, ..receipt("id:7 stat:UNDELIV") };
    assert_eq!(taken(&tried_on), Ok(None));
}

#[test]
fn what_cannot_be_used_says_why_and_shows_nothing() {
    let state = |said: &str| ReceiptError::State(said.into());
    for (text, why) in [
        ("stat:DELIVRD", ReceiptError::NoId),
        ("id: stat:DELIVRD", ReceiptError::NoId),
        ("id: sub:001 stat:DELIVRD", ReceiptError::NoId),
        ("id:7", ReceiptError::NoState),
        ("", ReceiptError::NoState),
        ("í", ReceiptError::NoState),
        ("id:7\x1b stat:DELIVRD", ReceiptError::Id),
        ("id:7 stat:PURPLE", state("PURPLE")),
        ("id:7 stat:Doruceno", state("Doruceno")),
        // Some count from 0 and some from 1.
        ("id:7 stat:2", state("2")),
        ("id:7 stat:420601123456", state("given")),
        ("id:7 stat:Zmeskany_hovor_od_cisla_601", state("given")),
    ] {
        assert_eq!(taken(&receipt(text)), Err(why), "{text}");
    }
}

#[test]
fn an_operator_can_tell_what_a_state_means() {
    let settings = settings(
        "delivered = [\"Doruceno\"]\nfailed = [\"Nedoruceno\", \"ACCEPTD\"]\nunder_way = [\"2\"]",
    );
    let told = |text: &str| read(&receipt(text), &settings).unwrap().unwrap().map(|r| r.delivered);
    assert_eq!(told("id:7 stat:DORUCENO"), Some(true));
    assert_eq!(told("id:7 stat:Nedoruceno"), Some(false));
    assert_eq!(told("id:7 stat:ACCEPTD"), Some(false));
    assert_eq!(told("id:7 stat:2"), None);
    assert_eq!(told("id:7 stat:DELIVRD"), Some(true));
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

#[test]
fn a_long_id_has_a_twin_in_the_other_base_unless_the_operator_knows() {
    let twins = |text: &str, more: &str| {
        read(&receipt(text), &settings(more)).unwrap().unwrap().unwrap().clues.twins
    };
    assert_eq!(twins("id:0221067780 stat:DELIVRD", ""), ["d2d3a04", "9144006528"]);
    assert_eq!(twins("id:33E95179 stat:DELIVRD", ""), ["870928761"]);
    assert_eq!(twins("id:-1429363072 stat:DELIVRD", ""), ["aacda680"]);
    assert_eq!(twins("id:AACDA680 stat:DELIVRD", ""), ["2865604224", "-1429363072"]);
    for (text, more) in [
        ("id:31 stat:DELIVRD", ""),
        ("id:99999 stat:DELIVRD", ""),
        ("id:5f2b-77 stat:DELIVRD", ""),
        ("id:+33951791 stat:DELIVRD", ""),
        ("id:33E95179 stat:DELIVRD", "ids = \"same\""),
        ("id:33E95179 stat:DELIVRD", "ids = \"hex_in_receipt\""),
    ] {
        assert_eq!(twins(text, more), [""; 0], "{text} {more}");
    }
}

proptest! {
    /// Nor is anything of the text shown.
    #[test]
    fn nothing_makes_it_panic(
        text in proptest::collection::vec(any::<u8>(), 0..200),
        coding in any::<u8>(),
        esm_class in prop_oneof![Just(4), Just(0x44), any::<u8>()],
        receipted_id in proptest::option::of(".{0,20}"),
        state in proptest::option::of(any::<u8>()),
    ) {
        let deliver = Deliver {
            esm_class, data_coding: coding, receipted_id, state, text, ..Deliver::default()
        };
        read(&deliver, &settings(""));
    }

    /// Whatever a message said, its receipt is of the message that it names.
    #[test]
    fn what_the_message_said_names_no_other(said in "(id:[0-9]{1,3} |stat:[A-Z]{7} |[a-z:= ]){0,12}") {
        let text = format!("id:first sub:001 dlvrd:000 stat:UNDELIV err:034 text:{said}");
        let found = told(&receipt(&text)).unwrap();
        prop_assert_eq!((found.0.as_str(), found.1), ("first", false));
    }
}
