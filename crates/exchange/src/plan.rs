//! Numbering plans: which numbers can be somebody's at all.
//!
//! The `phonenumber` library asks whether a number is *possible* in its country. For the Czech
//! Republic that is not enough: it lets voice-mail access through, up to twelve digits long, and
//! lags behind when the regulator opens a range. So the Czech plan is written down here, by Decree
//! 117/2007 Coll. on numbering plans.

use phonenumber::{PhoneNumber, Type, metadata::DATABASE};

/// The calling code of the Czech Republic.
const CZECH: u16 = 420;

/// How the numbers of the Czech plan begin that are called at the price of an ordinary call. All
/// Czech numbers have nine digits. What is in neither list belongs to nobody: ranges kept back,
/// access to voice mail (93 and 96, which are longer), codes of networks (99). Short numbers,
/// which begin with 1, are no subscriber's.
const CZECH_USUAL: &[&str] = &[
    // Geographic numbers, by region.
    "2", "31", "32", "35", "37", "38", "39", "41", "46", "47", "48", "49", "51", "53", "54", "55",
    "56", "57", "58", "59", // Mobile networks.
    "601", "602", "603", "604", "605", "606", "607", "608", "702", "703", "704", "705", "706",
    "707", "708", "709", "71", "72", "73", "77", "79", // Personal numbers.
    "700", "701", // Freephone.
    "800", // Internet telephony that goes along with its subscriber.
    "910", // Private networks: offices, banks, insurers; the railways, the army, the police.
    "95", "972", "973", "974",
];

/// The same of those that cost more.
const CZECH_DEAR: &[&str] = &[
    // Shared cost.
    "81", "83", "84", // Premium rate.
    "900", "905", "906", "908", "909", "976",
    // Access to a carrier, who then calls anywhere.
    "970",
];

fn is_czech(number: &PhoneNumber, ranges: &[&str]) -> bool {
    let national = number.national().to_string();
    national.len() == 9 && ranges.iter().any(|range| national.starts_with(range))
}

/// Whether the plan of the number's country has such a number, and it may be somebody's phone.
pub(crate) fn admits(number: &PhoneNumber) -> bool {
    if number.country().code() == CZECH {
        return is_czech(number, CZECH_USUAL) || is_czech(number, CZECH_DEAR);
    }
    phonenumber::is_valid(number) && number.number_type(&DATABASE) != Type::Voicemail
}

/// Whether a call to the number costs more than calls usually do. Satellites and networks without
/// a country (ITU-T E.164.1: 870, 878, 881, 882, 883, 979) do, and so do personal numbers and
/// pagers abroad.
pub(crate) fn is_dear(number: &PhoneNumber, home: bool) -> bool {
    const WITHOUT_A_COUNTRY: &[u16] = &[870, 878, 881, 882, 883, 979];
    let code = number.country().code();
    if code == CZECH {
        return is_czech(number, CZECH_DEAR);
    }
    let kind = number.number_type(&DATABASE);
    matches!(kind, Type::PremiumRate | Type::SharedCost)
        || (!home && matches!(kind, Type::PersonalNumber | Type::Pager))
        || WITHOUT_A_COUNTRY.contains(&code)
}
