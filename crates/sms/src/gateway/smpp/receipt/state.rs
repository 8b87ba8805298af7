//! What the state in a receipt means.

/// What a state means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Whether it arrived.
    Last(bool),
    /// The last word is not spoken.
    UnderWay,
    /// Nobody knows.
    Strange,
}

/// SMPP 3.4 section 5.2.28, and 0 and 9 of 5.0.
pub(super) fn of_number(state: u8) -> State {
    match state {
        2 => State::Last(true),
        3 | 4 | 5 | 8 | 9 => State::Last(false),
        // Scheduled, on its way, accepted, unknown.
        0 | 1 | 6 | 7 => State::UnderWay,
        _ => State::Strange,
    }
}

/// The same by the word in the text, of appendix B and as SMSCs spell it: the standard cuts words to seven
/// letters, many do not, or cut elsewhere. Wrong would be worse than unknown: a number is none of these,
/// since some count from 0 and some from 1.
pub(super) fn of_word(said: &str) -> State {
    let word: String = said.chars().filter(char::is_ascii_alphanumeric).collect();
    let word = word.to_ascii_uppercase();
    let is = |words: &[&str]| words.contains(&word.as_str());
    let begins = |words: &[&str]| words.iter().any(|begin| word.starts_with(begin));
    if is(DELIVERED) {
        State::Last(true)
    } else if is(UNDER_WAY) || begins(UNDER_WAY_BEGINS) {
        State::UnderWay
    } else if begins(NEVER_BEGINS) || word.ends_with("FAILED") || word.ends_with("FAILURE") {
        State::Last(false)
    } else {
        State::Strange
    }
}

const DELIVERED: &[&str] = &[
    "DELIVRD",
    "DELIVERED",
    "DELIVERD",
    "DELIVRED",
    "DELIVER",
    "DELIVERE",
    "DELIVD",
    "DLVRD",
    "DLIVRD",
    "DELVRD",
    "DELIVERYSUCCESS",
    "DELIVERYSUCCESSFUL",
    "DELIVEREDTOHANDSET",
    "DELIVEREDTODEVICE",
    "DELIVEREDTOPHONE",
    "DELIVEREDTOMOBILE",
    "DELIVEREDTOTERMINAL",
    "DELIVEREDTOSUBSCRIBER",
    "DELIVEREDTORECIPIENT",
    "SUCCESS",
    "SUCCESSFUL",
    "READ",
    "SEEN",
];

const UNDER_WAY: &[&str] = &[
    "ACKED",
    "SENT",
    "SENDING",
    "ROUTED",
    "DELIVERING",
    "DELIVERYPENDING",
    "DELIVERYUNKNOWN",
    "DELIVERYUNCERTAIN",
    "DELIVEREDTONETWORK",
    "DELIVEREDTOOPERATOR",
    "DELIVEREDTOCARRIER",
    "DELIVEREDTOGATEWAY",
    "DELIVEREDTOSMSC",
    "ESMEROK",
];

const UNDER_WAY_BEGINS: &[&str] =
    &["ENROUT", "ACCEP", "BUFF", "QUEUE", "SCHED", "PEND", "SUBMIT", "RETRY", "UNKN"];

const NEVER_BEGINS: &[&str] = &[
    "UNDEL",
    "UNDLV",
    "NOTDEL",
    "NONDEL",
    "NODEL",
    "DELIVERYIMPOSSIBLE",
    "EXPIR",
    "DELET",
    "REJ",
    "FAIL",
    "CANCEL",
    "SKIP",
    "BLOCK",
    "BLACKLIST",
    "BARRED",
    "ABSENT",
    "INVALID",
    "NOROUTE",
    "NOTSENT",
    "BOUNCED",
];
