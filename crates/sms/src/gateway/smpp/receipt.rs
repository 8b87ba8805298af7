//! Delivery receipts.

mod state;
mod text;

use self::state::{State, of_number, of_word};
use self::text::{ERROR, ID, STATE, decoded, values};
use super::deliver::Deliver;
use super::settings::{IdForm, SmppSettings};
use crate::gateway::report::{Clues, Report, is_id, word};

/// What came of one `deliver_sm` that is a receipt; `None`: the last word is not spoken.
pub type Receipt = Result<Option<Report>, ReceiptError>;

/// Why a receipt is of no use. Shows nothing of its text but a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The unit breaks the rules before its text begins.
    #[error("it is no `deliver_sm` that can be read")]
    Malformed,
    /// Neither the text nor a TLV names a message.
    #[error("it names no message")]
    NoId,
    /// What names the message is too long, or has control characters.
    #[error("what it names is no id of a message")]
    Id,
    /// Neither the text nor a TLV tells a state.
    #[error("it tells no state")]
    NoState,
    /// The state is one that nobody knows; shown if it is a word.
    #[error(
        "its state {0} is not known: name it in `delivered`, `failed` or `under_way` of [sms.smpp]"
    )]
    State(String),
    /// It reads like a receipt, but its `esm_class` says that a person has sent it.
    #[error("it reads like a receipt, but its `esm_class` says that a person wrote it")]
    Unmarked,
}

/// Where an id comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Answer,
    Receipt,
}

/// Makes the two forms of an id one: decimal, without leading zeros, if the operator says that they differ.
pub(super) fn uniform(id: &str, origin: Origin, form: IdForm) -> String {
    let hex = match form {
        IdForm::Auto | IdForm::Same => return id.to_owned(),
        IdForm::HexInAnswer => origin == Origin::Answer,
        IdForm::HexInReceipt => origin == Origin::Receipt,
    };
    number(id, if hex { 16 } else { 10 }).map_or_else(|| id.to_owned(), |number| number.to_string())
}

fn number(id: &str, radix: u32) -> Option<u128> {
    let digits = match radix {
        16 => id.strip_prefix("0x").or_else(|| id.strip_prefix("0X")).unwrap_or(id),
        _ => id,
    };
    // `from_str_radix` would take a sign.
    digits.chars().all(|c| c.is_digit(radix)).then(|| u128::from_str_radix(digits, radix).ok())?
}

/// As what an SMSC may have called the same message when it took it: many answer in hexadecimal and
/// report in decimal, or the other way round. Only what is so long that it is hardly the name of another
/// message by chance.
fn twins(id: &str) -> impl Iterator<Item = String> {
    const SHORTEST: usize = 6;
    let in_hex = number(id, 10).map(|number| format!("{number:x}"));
    let in_decimal = number(id, 16).map(|number| number.to_string());
    // In programs that count with a sign, every second number of 32 bits has a minus in decimal.
    let negative = id.parse::<i32>().ok().filter(|number| number.is_negative());
    let of_negative = negative.map(|number| format!("{:x}", number.cast_unsigned()));
    let as_negative = number(id, 16).and_then(|number| u32::try_from(number).ok());
    let as_negative = as_negative.map(u32::cast_signed).filter(|number| number.is_negative());
    let signed = of_negative.into_iter().chain(as_negative.map(|number| number.to_string()));
    let long = |form: &String| form.len() >= SHORTEST;
    in_hex
        .into_iter()
        .chain(in_decimal)
        .chain(signed)
        .filter(long)
        .filter(move |_| id.len() >= SHORTEST)
}

/// The receipt in a `deliver_sm`; `None` if it is a person's message.
///
/// ```text
/// text = "id:" id SP "sub:" n SP "dlvrd:" n SP "submit date:" time SP "done date:" time SP
///        "stat:" state SP "err:" code SP "text:" …     ; SMPP 3.4 appendix B, every SMSC a little otherwise
/// ```
///
/// The TLVs `receipted_message_id` and `message_state` count for more than the text, unless the state is
/// not the last one and that of the text is.
pub(super) fn read(deliver: &Deliver, settings: &SmppSettings) -> Option<Receipt> {
    let text = decoded(deliver.data_coding, &deliver.text);
    let ids: Vec<&str> =
        deliver.receipted_id.as_deref().into_iter().chain(values(&text, ID)).collect();
    let said = values(&text, STATE).first().copied();
    if !deliver.is_receipt() && deliver.receipted_id.is_none() {
        // A person can write this, too, and is not to be believed.
        let like_one = !ids.is_empty() && said.is_some_and(|said| of_word(said) != State::Strange);
        return like_one.then_some(Err(ReceiptError::Unmarked));
    }
    let delivered = match last_word(deliver, settings, said) {
        Ok(Some(delivered)) => delivered,
        Ok(None) => return Some(Ok(None)),
        Err(error) => return Some(Err(error)),
    };
    let error = values(&text, ERROR).first().map(|code| (*code).to_owned());
    let error = error.or_else(|| deliver.error.map(|code| code.to_string()));
    let reason = reason(said, deliver.state, error.as_deref());
    let mut ids = ids.into_iter();
    let Some(first) = ids.next() else { return Some(Err(ReceiptError::NoId)) };
    if !is_id(first) {
        return Some(Err(ReceiptError::Id));
    }
    let ids = ids.filter(|id| *id != first && is_id(id));
    let clues = Clues {
        twins: match settings.ids {
            IdForm::Auto => ids.clone().chain([first]).flat_map(twins).collect(),
            IdForm::Same | IdForm::HexInAnswer | IdForm::HexInReceipt => Vec::new(),
        },
        ids: ids.map(|id| uniform(id, Origin::Receipt, settings.ids)).collect(),
        numbers: deliver.addresses.to_vec(),
    };
    let provider_id = uniform(first, Origin::Receipt, settings.ids);
    Some(Ok(Some(Report { provider_id, delivered, reason, clues })))
}

/// Whether it arrived; `None` if the last word is not spoken.
fn last_word(
    deliver: &Deliver,
    settings: &SmppSettings,
    said: Option<&str>,
) -> Result<Option<bool>, ReceiptError> {
    let state = match (deliver.state.map(of_number), said.map(|said| meaning(said, settings))) {
        (Some(State::Last(delivered)), _) | (_, Some(State::Last(delivered))) => {
            State::Last(delivered)
        }
        (Some(State::UnderWay), _) | (_, Some(State::UnderWay)) => State::UnderWay,
        (Some(State::Strange), _) | (_, Some(State::Strange)) => State::Strange,
        (None, None) => return Err(ReceiptError::NoState),
    };
    match state {
        // It is tried on.
        State::Last(false) if deliver.is_intermediate() => Ok(None),
        State::Last(delivered) => Ok(Some(delivered)),
        State::UnderWay => Ok(None),
        State::Strange => {
            let number = || deliver.state.map_or("given".into(), |state| state.to_string());
            Err(ReceiptError::State(said.map_or_else(number, shown_state)))
        }
    }
}

/// What the operator says that a word means, or else what it does everywhere.
fn meaning(said: &str, settings: &SmppSettings) -> State {
    let among = |words: &[String]| words.iter().any(|word| word.eq_ignore_ascii_case(said));
    if among(&settings.delivered) {
        State::Last(true)
    } else if among(&settings.failed) {
        State::Last(false)
    } else if among(&settings.under_way) {
        State::UnderWay
    } else {
        of_word(said)
    }
}

/// A state for the log: what may be of somebody is left out.
fn shown_state(said: &str) -> String {
    const LONGEST: usize = 24;
    let fits =
        said.chars().count() <= LONGEST && said.chars().filter(char::is_ascii_digit).count() < 5;
    word(said).filter(|_| fits).unwrap_or_else(|| "given".into())
}

fn reason(said: Option<&str>, state: Option<u8>, error: Option<&str>) -> Option<String> {
    let said = match (said, state) {
        (Some(said), _) => said.to_ascii_uppercase(),
        (None, state) => format!("state {}", state?),
    };
    let code = error.filter(|code| code.bytes().any(|b| b != b'0'));
    word(&code.map_or_else(|| said.clone(), |code| format!("{said} err {code}")))
}

#[cfg(test)]
mod tests;
