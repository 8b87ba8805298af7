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

/// One of every range of the Czech plan, most of them well known.
#[test]
fn every_czech_number_that_can_be_somebodys_is_dialled() {
    for (number, whose) in [
        ("224002111", "an office in Prague"),
        ("311123456", "Central Bohemia"),
        ("326911111", "Central Bohemia"),
        ("353222222", "Karlovy Vary"),
        ("377222222", "Plzen"),
        ("387222222", "Ceske Budejovice"),
        ("395222222", "South Bohemia"),
        ("412222222", "Usti"),
        ("466222222", "Pardubice"),
        ("475222222", "Usti"),
        ("485222222", "Liberec"),
        ("499900500", "a bank's line in Hradec Kralove"),
        ("516222222", "South Moravia"),
        ("532222222", "Brno"),
        ("543222222", "Brno"),
        ("556222222", "Moravia and Silesia"),
        ("567222222", "Vysocina"),
        ("577222222", "Zlin"),
        ("585222222", "Olomouc"),
        ("596222222", "Ostrava"),
        ("601222222", "mobile"),
        ("608222222", "mobile"),
        ("702222222", "mobile"),
        ("705222222", "mobile"),
        ("706012345", "mobile"),
        ("706612345", "mobile, opened later"),
        ("719222222", "mobile"),
        ("720222222", "mobile"),
        ("739222222", "mobile"),
        ("770222222", "mobile"),
        ("779222222", "mobile"),
        ("790222222", "mobile"),
        ("799222222", "mobile"),
        ("700222222", "a personal number"),
        ("800123456", "freephone"),
        ("910222222", "internet telephony"),
        ("950222222", "an office's own network"),
        ("955559550", "a bank's own network"),
        ("956777956", "a bank's own network"),
        ("957105105", "an insurer's own network"),
        ("972222222", "the railways' own network"),
        ("973222222", "the army's own network"),
        ("974811111", "the police's own network"),
    ] {
        let told = format!("+420{number}");
        for written in [number, &format!("420{number}"), &format!("00420{number}"), &told] {
            assert_eq!(keyed(written), Ok(told.clone()), "{written}, {whose}");
        }
    }
}

#[test]
fn no_czech_number_that_can_be_nobodys_is_dialled() {
    let long = ["930123456789", "93012345678", "960123456789", "96012345678", "9601234567"];
    let short = ["93012345", "96012345", "22400211", "60112345", "95555955"];
    let kept_back = [
        // Geographic ranges of no region.
        "300123456",
        "330123456",
        "340123456",
        "360123456",
        "401123456",
        "420123456",
        "430123456",
        "440123456",
        "450123456",
        "501123456",
        "520123456",
        // Of no mobile network.
        "600123456",
        "609123456",
        "610123456",
        "690123456",
        "740123456",
        "750123456",
        "760123456",
        "780123456",
        // Of no service.
        "801123456",
        "820123456",
        "850123456",
        "880123456",
        "901123456",
        "902123456",
        "903123456",
        "904123456",
        "907123456",
        "911123456",
        "920123456",
        "940123456",
        "971123456",
        "975123456",
        "977123456",
        "978123456",
        "979123456",
        "980123456",
        "990123456",
        // Voice mail, and as long as a number should be.
        "930123456",
        "939999999",
        "960123456",
        "969999999",
    ];
    // A digit too many.
    let slips = ["2240021111", "6011234560", "9555595500", "8001234560", "9061234560"];
    for number in long.into_iter().chain(short).chain(kept_back).chain(slips) {
        for written in [format!("00420{number}"), format!("+420{number}"), number.to_owned()] {
            // Without its country code another country's number may begin so.
            let refused = keyed(&written);
            assert_eq!(refused, Err(Refusal::InvalidNumber), "{written}");
        }
    }
}

#[test]
fn each_dear_range_of_the_czech_plan_is_refused_as_such() {
    for number in [
        "810123456",
        "819123456",
        "830123456",
        "840123456",
        "844123456",
        "849123456",
        "900123456",
        "905123456",
        "906123456",
        "908123456",
        "909123456",
        "976123456",
        "970004420",
    ] {
        assert_eq!(keyed(number), Err(Refusal::PremiumRate), "{number}");
        assert_eq!(keyed(&format!("00420{number}")), Err(Refusal::PremiumRate), "{number}");
        let caller = PhoneNumber::from_e164(&format!("+420{number}")).unwrap();
        let returned = check_callback(&caller, &self::number("+420601123456"), &rules());
        assert_eq!(returned, Err(Refusal::PremiumRate), "{number}");
    }
}

#[test]
fn over_long_numbers_abroad_are_not_dialled_even_when_abroad_is_allowed() {
    let mut rules = rules();
    rules.policy.international = true;
    let shopper = number("+420601123456");
    for keyed in [
        // Sixteen digits that the library holds a German number.
        "004930909018201820",
        // A digit too many, and voice mail.
        "0042190512345678",
        "004366412345678901",
        "0048512345678901",
        "00441212345678901",
        "00491779912345678",
        "003906123456789012",
    ] {
        assert_eq!(check(keyed, &shopper, &rules), Err(Refusal::InvalidNumber), "{keyed}");
    }
    for (keyed, number) in [
        ("00421905123456", "+421905123456"),
        ("0048512345678", "+48512345678"),
        ("00390236618300", "+390236618300"),
        ("0049 30 901820", "+4930901820"),
    ] {
        assert_eq!(check(keyed, &shopper, &rules), Ok(self::number(number)), "{keyed}");
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
