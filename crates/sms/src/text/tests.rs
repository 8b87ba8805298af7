use super::{
    Alphabet, GSM_BASIC, GSM_EXTENSION, Segmented, gsm_octets, segments, split, strip_accents,
};

fn gsm(units: usize, segments: usize) -> Segmented {
    Segmented { alphabet: Alphabet::Gsm7, units, segments }
}

fn ucs2(units: usize, segments: usize) -> Segmented {
    Segmented { alphabet: Alphabet::Ucs2, units, segments }
}

#[test]
fn the_tables_are_complete() {
    // 128 codes, one of which is the escape; ten characters stand behind it.
    assert_eq!(GSM_BASIC.chars().count(), 127);
    assert_eq!(GSM_EXTENSION.chars().count(), 10);
    assert!(!GSM_EXTENSION.chars().any(|c| GSM_BASIC.contains(c)));
    // Printable ASCII is all there but the grave accent.
    let missing: String =
        (' '..='~').filter(|c| segments(&c.to_string()).alphabet == Alphabet::Ucs2).collect();
    assert_eq!(missing, "`");
}

#[test]
fn known_answers() {
    let a = |count: usize| "a".repeat(count);
    let z = |count: usize| "ž".repeat(count);
    for (text, expected) in [
        (String::new(), gsm(0, 1)),
        ("Hello".into(), gsm(5, 1)),
        (a(160), gsm(160, 1)),
        (a(161), gsm(161, 2)),
        (a(153 * 2), gsm(306, 2)),
        (a(153 * 2 + 1), gsm(307, 3)),
        ("€".into(), gsm(2, 1)),
        (a(158) + "€", gsm(160, 1)),
        (a(159) + "€", gsm(161, 2)),
        ("äöñüà ÄÖÑÜ §¿¡ ΔΦ".into(), gsm(17, 1)),
        ("ž".into(), ucs2(1, 1)),
        // č is not in the table, though é, à and ü are.
        (a(69) + "č", ucs2(70, 1)),
        (a(70) + "č", ucs2(71, 2)),
        (z(70), ucs2(70, 1)),
        (z(71), ucs2(71, 2)),
        (z(134), ucs2(134, 2)),
        (z(135), ucs2(135, 3)),
        ("📞".into(), ucs2(2, 1)),
    ] {
        assert_eq!(segments(&text), expected, "{text}");
    }
}

#[test]
fn no_escape_is_torn_from_its_character() {
    // 306 septets would fill two parts, if the sign at 153 and 154 could be cut in two.
    let text = "a".repeat(152) + "€" + &"a".repeat(152);
    assert_eq!(segments(&text), gsm(306, 3));
    let text = "a".repeat(151) + "€" + &"a".repeat(153);
    assert_eq!(segments(&text), gsm(306, 2));
}

#[test]
fn no_surrogate_pair_is_torn() {
    let text = "ž".repeat(66) + "📞" + &"ž".repeat(66);
    assert_eq!(segments(&text), ucs2(134, 3));
    let text = "ž".repeat(65) + "📞" + &"ž".repeat(67);
    assert_eq!(segments(&text), ucs2(134, 2));
}

#[test]
fn czech_loses_its_accents() {
    for (accented, plain) in [
        ("Zmeškaný hovor č.", "Zmeskany hovor c."),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy", "Prilis zlutoucky kun upel dabelske ody"),
        ("PŘÍLIŠ ŽLUŤOUČKÝ KŮŇ", "PRILIS ZLUTOUCKY KUN"),
        // as some keyboards send it: letter and mark apart
        ("Zmes\u{30c}kany\u{301} hovor", "Zmeskany hovor"),
        ("q\u{30c}", "q"),
    ] {
        let stripped = strip_accents(accented);
        assert_eq!(stripped, plain);
        assert_eq!(segments(&stripped).alphabet, Alphabet::Gsm7);
    }
}

#[test]
fn other_latin_letters_and_punctuation_have_a_plain_form() {
    for (fancy, plain) in [
        ("Straße Łódź Ærø Đorđe", "Strasse Lodz AEro Dorde"),
        ("„Volejte“ – hned… č.\u{a0}2", "\"Volejte\" - hned... c. 2"),
        ("l’été ﬁn", "l'ete fin"),
        ("", ""),
    ] {
        assert_eq!(strip_accents(fancy), plain);
    }
}

#[test]
fn what_has_no_plain_form_stays() {
    for text in ["Київ", "100 €", "й", "и\u{306}\u{301}", "日本", "📞", "§ 5"] {
        use unicode_normalization::UnicodeNormalization;
        let composed: String = text.nfc().collect();
        assert_eq!(strip_accents(text), composed);
    }
}

#[test]
fn the_parts_are_the_whole_and_each_fits() {
    for text in ["a".repeat(400), "a".repeat(152) + "€" + &"a".repeat(152), "ž📞".repeat(60)] {
        let parts = split(&text);
        assert_eq!(parts.len(), segments(&text).segments);
        assert_eq!(parts.concat(), text);
        assert!(parts.iter().all(|part| segments(part).segments == 1), "{parts:?}");
    }
    assert_eq!(split(""), [""]);
}

#[test]
fn octets_are_those_of_the_tables() {
    // 3GPP TS 23.038 clauses 6.2.1 and 6.2.1.1.
    for (text, octets) in [
        ("@£$Å", vec![0x00, 0x01, 0x02, 0x0e]),
        ("ΔΞÆß", vec![0x10, 0x1a, 0x1c, 0x1e]),
        (" Aa§à", vec![0x20, 0x41, 0x61, 0x5f, 0x7f]),
        ("\n\r", vec![0x0a, 0x0d]),
        (
            "^{}\\[~]|€",
            vec![
                0x1b, 0x14, 0x1b, 0x28, 0x1b, 0x29, 0x1b, 0x2f, 0x1b, 0x3c, 0x1b, 0x3d, 0x1b, 0x3e,
                0x1b, 0x40, 0x1b, 0x65,
            ],
        ),
    ] {
        assert_eq!(gsm_octets(text).unwrap(), octets, "{text}");
    }
    assert_eq!(gsm_octets("č"), None);
    assert_eq!(gsm_octets("`"), None);
}
