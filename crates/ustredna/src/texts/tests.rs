use super::*;
use exchange::ticket::TicketNumber;

fn phone(text: &str) -> PhoneNumber {
    PhoneNumber::from_e164(text).unwrap()
}

fn missed(kind: MissKind) -> MissedCall {
    MissedCall {
        kind,
        fictitious_number: phone("+420777000111"),
        at: "2026-11-22T09:31:00Z".parse().unwrap(),
        language: Language::Czech,
    }
}

#[test]
fn the_text_of_the_manual() {
    let texts = Texts::new(&Settings::default()).unwrap();
    let number = TicketNumber::new(2).unwrap();
    let dealer = phone("+420234567890");
    let sms = texts.write(&missed(MissKind::Ticket { number, dealer, missed: 1 }));
    assert_eq!(
        sms.text,
        "Zmeskany hovor c. 2 od +420234567890 na Vase cislo 777000111 (10:31). Volejte zpet 234234390."
    );
    assert_eq!(sms.segments, 1);
}

#[test]
fn a_withheld_number_is_said_to_be_one() {
    let texts = Texts::new(&Settings::default()).unwrap();
    let sms = texts.write(&missed(MissKind::Withheld));
    assert!(sms.text.contains("777000111") && !sms.text.contains("c. "), "{}", sms.text);
}

#[test]
fn several_calls_are_counted_as_a_czech_would() {
    let texts = Texts::new(&Settings::default()).unwrap();
    let told = |calls, language| {
        let together =
            Together { calls, several_numbers: false, of_dealers: false, returnable: true };
        let call = MissedCall { language, ..missed(MissKind::Together(together)) };
        texts.write(&call).text
    };
    let czech = |calls| told(calls, Language::Czech);
    let rest = "na Vase cislo 777000111. Volejte zpet 234234390.";
    assert_eq!(czech(1), format!("Dalsi zmeskany hovor z neznameho cisla {rest}"));
    for few in 2..=4 {
        assert_eq!(czech(few), format!("Dalsi {few} zmeskane hovory z neznamych cisel {rest}"));
    }
    for many in [5, 12, 21, 102, 99_999] {
        assert_eq!(
            czech(many),
            format!("Dalsich {many} zmeskanych hovoru z neznamych cisel {rest}")
        );
    }
    assert_eq!(
        told(12, Language::English),
        "12 more missed calls from unknown numbers to your number 777000111. Call back on 234234390."
    );
}

#[test]
fn several_calls_are_told_as_what_they_are() {
    let texts = Texts::new(&Settings::default()).unwrap();
    let told = |together| texts.write(&missed(MissKind::Together(together))).text;
    let strangers =
        Together { calls: 12, several_numbers: true, of_dealers: false, returnable: true };
    assert_eq!(
        told(strangers),
        "Dalsich 12 zmeskanych hovoru z neznamych cisel na Vase cislo 777000111 a dalsi. Volejte \
         zpet 234234390."
    );
    assert_eq!(
        told(Together { of_dealers: true, several_numbers: false, ..strangers }),
        "Dalsich 12 zmeskanych hovoru na Vase cislo 777000111. Volejte zpet 234234390."
    );
    assert_eq!(
        told(Together { returnable: false, several_numbers: false, ..strangers }),
        "Dalsich 12 zmeskanych hovoru na Vase cislo 777000111. Pres ustrednu zpet zavolat nelze."
    );
}

#[test]
fn a_template_with_an_unknown_placeholder_is_refused_at_start() {
    let mut settings = Settings::default();
    settings.sms.texts.missed = Some("Volal {kdo}".to_owned());
    let error = format!("{:#}", Texts::new(&settings).unwrap_err());
    assert!(error.contains("sms.texts.missed") && error.contains("{dealer}"), "{error}");
}

#[test]
fn each_language_may_have_texts_of_its_own() {
    let mut settings = Settings::default();
    settings.sms.texts.withheld = Some("Skryte cislo volalo {number}".to_owned());
    settings.sms.texts.en.withheld = Some("Somebody called {number}".to_owned());
    let texts = Texts::new(&settings).unwrap();
    let mut call = missed(MissKind::Withheld);
    assert_eq!(texts.write(&call).text, "Skryte cislo volalo 777000111");
    call.language = Language::English;
    assert_eq!(texts.write(&call).text, "Somebody called 777000111");
    settings.sms.texts.en.withheld = Some("Somebody called {who}".to_owned());
    let error = format!("{:#}", Texts::new(&settings).unwrap_err());
    assert!(error.contains("sms.texts.en.withheld"), "{error}");
}

#[test]
fn accents_are_kept_where_they_are_paid_for() {
    let mut settings = Settings::default();
    settings.sms.texts.cs.withheld = Some("Zmeškaný hovor na {number}".to_owned());
    let text = |settings: &Settings| {
        let sms = Texts::new(settings).unwrap().write(&missed(MissKind::Withheld));
        (sms.text, sms.segments)
    };
    assert_eq!(text(&settings), ("Zmeskany hovor na 777000111".to_owned(), 1));
    settings.sms.charset = sms::Charset::Ucs2;
    assert_eq!(text(&settings), ("Zmeškaný hovor na 777000111".to_owned(), 1));
    settings.sms.texts.cs.withheld =
        Some(format!("Zmeškaný hovor na {{number}}{}", "á".repeat(150)));
    let error = format!("{:#}", Texts::new(&settings).unwrap_err());
    assert!(error.contains("sms.texts.cs.withheld") && error.contains("up to 3"), "{error}");
}

#[test]
fn what_cannot_be_seen_is_refused() {
    let mut settings = Settings::default();
    for c in ['\0', '\u{1b}', '\u{202e}', '\t', '\u{85}'] {
        settings.sms.texts.cs.withheld = Some(format!("Volejte{c} {{number}}"));
        let error = format!("{:#}", Texts::new(&settings).unwrap_err());
        assert!(error.contains("sms.texts.cs.withheld: it has a control"), "{error}");
    }
    settings.sms.texts.cs.withheld = Some("Volejte\r\n{number}".to_owned());
    assert!(Texts::new(&settings).is_ok());
}
