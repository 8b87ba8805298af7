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
fn a_template_with_an_unknown_placeholder_is_refused_at_start() {
    let mut settings = Settings::default();
    settings.sms.texts.missed = Some("Volal {kdo}".to_owned());
    let error = format!("{:#}", Texts::new(&settings).unwrap_err());
    assert!(error.contains("sms.texts.missed") && error.contains("{dealer}"), "{error}");
}
