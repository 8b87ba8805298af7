use super::{Kind, Language, Placeholder, Template, TemplateError, Values};
use crate::text::{Alphabet, Charset, segments};

const VALUES: Values<'static> = Values {
    ticket: Some(2),
    dealer: Some("+420234567890"),
    number: Some("777000111"),
    time: Some("10:31"),
    hotline: Some("234234390"),
    more: Some("12 more missed calls"),
    count: Some(12),
    numbers: Some("777000111"),
};

fn default(kind: Kind, language: Language) -> Template {
    Template::parse(kind, kind.default_text(language), Charset::Gsm7).unwrap()
}

#[test]
fn the_shopper_reads_what_the_manual_promises() {
    let read = |kind, language| default(kind, language).render(&VALUES).unwrap();
    assert_eq!(
        read(Kind::Missed, Language::Czech),
        "Zmeskany hovor c. 2 od +420234567890 na Vase cislo 777000111 (10:31). Volejte zpet 234234390."
    );
    assert_eq!(
        read(Kind::MissedUnnumbered, Language::Czech),
        "Zmeskany hovor od +420234567890 na Vase cislo 777000111 (10:31). Pres ustrednu zpet zavolat nelze."
    );
    assert_eq!(
        read(Kind::Withheld, Language::Czech),
        "Zmeskany hovor ze skryteho cisla na Vase cislo 777000111 (10:31)."
    );
    assert_eq!(
        read(Kind::Missed, Language::English),
        "Missed call no. 2 from +420234567890 to your number 777000111 (10:31). Call back on 234234390."
    );
}

#[test]
fn every_default_fits_one_cheap_segment_whatever_is_put_in() {
    let longest = Values {
        ticket: Some(99),
        dealer: Some("+123456789012345"),
        number: Some("+123456789012345"),
        time: Some("31.12. 23:59"),
        hotline: Some("+123456789012345"),
        more: Some("Dalších 99999 zmeškaných hovorů z neznámých čísel"),
        count: Some(99_999),
        numbers: Some("+123456789012345 and others"),
    };
    for language in [Language::Czech, Language::English] {
        for kind in Kind::ALL {
            let template = default(kind, language);
            assert_eq!(template.worst_case_segments(), 1, "{kind:?}");
            let counted = segments(&template.render(&longest).unwrap());
            assert_eq!((counted.alphabet, counted.segments), (Alphabet::Gsm7, 1), "{kind:?}");
        }
    }
}

#[test]
fn an_unknown_placeholder_is_named_with_what_is_allowed() {
    let error = Template::parse(Kind::Withheld, "Hovor od {dealer}", Charset::Gsm7).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown placeholder `{dealer}`; allowed are `{number}`, `{time}`"
    );
    let error = Template::parse(Kind::Missed, "č. {tiket}", Charset::Gsm7).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown placeholder `{tiket}`; allowed are `{ticket}`, `{dealer}`, `{number}`, `{time}`, `{hotline}`"
    );
    for name in ["", " ticket", "TICKET", "ticket "] {
        let error =
            Template::parse(Kind::Missed, &format!("{{{name}}}"), Charset::Gsm7).unwrap_err();
        assert!(matches!(error, TemplateError::Unknown { .. }), "{name}: {error}");
    }
}

#[test]
fn braces_must_match() {
    let parse = |text| Template::parse(Kind::Missed, text, Charset::Gsm7);
    assert_eq!(parse("č. {ticket"), Err(TemplateError::Unclosed { at: 4 }));
    assert_eq!(parse("{ticket {time}"), Err(TemplateError::Unclosed { at: 1 }));
    assert_eq!(parse("č. ticket}"), Err(TemplateError::Stray { at: 10 }));
    assert_eq!(
        parse("č. ticket}").unwrap_err().to_string(),
        "`}` at character 10 closes nothing; a brace itself is written `}}`"
    );
    assert_eq!(parse("{{{ticket}}}").unwrap().render(&VALUES).unwrap(), "{2}");
}

#[test]
fn a_text_that_can_grow_too_long_is_refused_with_the_count() {
    let parse = |length: usize| {
        Template::parse(Kind::Missed, &("a".repeat(length) + "{dealer}"), Charset::Gsm7)
    };
    // 306 septets are two segments, and the longest number takes 16 of them.
    assert_eq!(parse(290).unwrap().worst_case_segments(), 2);
    assert_eq!(parse(291), Err(TemplateError::TooLong { segments: 3 }));
    let accented = "ž".repeat(135);
    assert_eq!(
        Template::parse(Kind::Missed, &accented, Charset::Ucs2).unwrap_err().to_string(),
        "the text takes up to 3 segments; at most 2 are allowed"
    );
}

#[test]
fn an_empty_text_is_refused() {
    for text in ["", " \n"] {
        assert_eq!(Template::parse(Kind::Missed, text, Charset::Gsm7), Err(TemplateError::Empty));
    }
}

#[test]
fn a_value_left_out_is_an_error_and_not_a_gap() {
    let template = default(Kind::Missed, Language::Czech);
    let values = Values { dealer: None, ..VALUES };
    assert_eq!(template.render(&values), Err(TemplateError::NoValue(Placeholder::Dealer)));
}

#[test]
fn languages_go_by_their_codes() {
    assert_eq!(Language::from_code("cs"), Some(Language::Czech));
    assert_eq!(Language::from_code("en"), Some(Language::English));
    assert_eq!(Language::from_code("de"), None);
}

#[test]
fn accents_are_stripped_unless_the_operator_pays_for_them() {
    let text = "Zmeškaný hovor č. {ticket} 📞";
    let read = |charset| Template::parse(Kind::Missed, text, charset).unwrap().render(&VALUES);
    assert_eq!(read(Charset::Gsm7).unwrap(), "Zmeskany hovor c. 2 📞");
    assert_eq!(read(Charset::Ucs2).unwrap(), "Zmeškaný hovor č. 2 📞");
    // What is counted is what will be sent.
    let accented = "ž".repeat(135);
    let segments = |charset| {
        Template::parse(Kind::Missed, &accented, charset).map(|t| t.worst_case_segments())
    };
    assert_eq!(segments(Charset::Gsm7), Ok(1));
    assert_eq!(segments(Charset::Ucs2), Err(TemplateError::TooLong { segments: 3 }));
}

#[test]
fn the_defaults_have_accents_for_those_who_pay_and_stay_within_two_segments() {
    for language in [Language::Czech, Language::English] {
        for kind in Kind::ALL {
            let text = kind.default_text(language);
            let template = Template::parse(kind, text, Charset::Ucs2).unwrap();
            assert_eq!(
                template.render(&VALUES).unwrap().contains('š'),
                language == Language::Czech
            );
        }
    }
}
