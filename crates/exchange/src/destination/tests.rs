use super::*;
use crate::model::Language;

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::from_e164(text).unwrap()
}

fn rules() -> Rules {
    Rules {
        outbound_hotline: number("+420234234399"),
        callback_hotline: number("+420234234390"),
        country: "CZ".parse().unwrap(),
        language: Language::Czech,
        policy: DialPolicy::default(),
    }
}

fn keyed(text: &str) -> Result<String, Refusal> {
    check(text, &number("+420601123456"), &rules()).map(|number| number.as_str().to_owned())
}

#[test]
fn a_dealer_however_keyed() {
    for text in ["234567890", "00420234567890", "420234567890"] {
        assert_eq!(keyed(text), Ok("+420234567890".to_owned()), "{text}");
    }
    assert_eq!(
        keyed("800123456"),
        Ok("+420800123456".to_owned()),
        "a free number is no premium one"
    );
}

#[test]
fn a_personal_number_at_home_is_an_ordinary_one() {
    assert_eq!(keyed("700123456"), Ok("+420700123456".to_owned()));
}

#[test]
fn each_refusal_has_its_own_reason() {
    for (text, refusal) in [
        ("", Refusal::NothingEntered),
        ("112", Refusal::EmergencyOrShort),
        ("150", Refusal::EmergencyOrShort),
        ("155", Refusal::EmergencyOrShort),
        ("156", Refusal::EmergencyOrShort),
        ("158", Refusal::EmergencyOrShort),
        ("1188", Refusal::EmergencyOrShort),
        ("116111", Refusal::EmergencyOrShort),
        ("00420112", Refusal::EmergencyOrShort),
        ("911", Refusal::EmergencyOrShort),
        ("12", Refusal::EmergencyOrShort),
        ("23456789", Refusal::InvalidNumber),
        ("2345678901234", Refusal::InvalidNumber),
        ("0000000000", Refusal::InvalidNumber),
        ("906123456", Refusal::PremiumRate),
        ("900123456", Refusal::PremiumRate),
        ("840123456", Refusal::PremiumRate),
        ("004930901820", Refusal::International),
        ("234234399", Refusal::ExchangeNumber),
        ("234234390", Refusal::ExchangeNumber),
        ("601123456", Refusal::OwnNumber),
    ] {
        assert_eq!(keyed(text), Err(refusal), "{text}");
    }
}

#[test]
fn abroad_when_allowed_but_never_abroad_premium() {
    let mut rules = rules();
    rules.policy.international = true;
    let shopper = number("+420601123456");
    assert_eq!(check("004930901820", &shopper, &rules), Ok(number("+4930901820")));
    for dear in [
        "00499001234567",
        "00881612345678",
        "00870773123456",
        "00883510012345678",
        "00447012345678",
    ] {
        assert_eq!(check(dear, &shopper, &rules), Err(Refusal::PremiumRate), "{dear}");
    }
}

#[test]
fn an_operators_prefixes() {
    let mut rules = rules();
    let shopper = number("+420601123456");
    rules.policy.deny = vec!["+42023456".to_owned()];
    assert_eq!(check("234567890", &shopper, &rules), Err(Refusal::Forbidden));
    assert_eq!(check("222567890", &shopper, &rules), Ok(number("+420222567890")));
    rules.policy.allow = vec!["+4202".to_owned()];
    assert_eq!(check("602123456", &shopper, &rules), Err(Refusal::Forbidden));
    assert_eq!(check("234567890", &shopper, &rules), Err(Refusal::Forbidden), "deny wins");
}

#[test]
fn a_missed_premium_call_is_not_returned() {
    let shopper = number("+420601123456");
    assert_eq!(
        check_callback(&number("+420906123456"), &shopper, &rules()),
        Err(Refusal::PremiumRate)
    );
    assert_eq!(check_callback(&number("+420234567890"), &shopper, &rules()), Ok(()));
}

#[test]
fn messages_go_to_no_dear_phone_unless_allowed() {
    let check = |text: &str, premium, foreign| {
        let number = PhoneNumber::from_e164(text).unwrap();
        check_recipient(&number, "CZ".parse().unwrap(), premium, foreign)
    };
    assert_eq!(check("+420601123456", false, false), Ok(()));
    assert_eq!(check("+420900123456", false, true), Err(Refusal::PremiumRate));
    assert_eq!(check("+420900123456", true, false), Ok(()));
    assert_eq!(check("+421905123456", false, false), Err(Refusal::International));
    assert_eq!(check("+421905123456", false, true), Ok(()));
}
