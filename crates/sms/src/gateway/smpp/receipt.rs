//! Delivery receipts.

use rusmpp::pdus::DeliverSm;
use rusmpp::tlvs::TlvValue;

use super::settings::IdForm;
use crate::gateway::Report;
use crate::gateway::report::{is_id, word};

/// Where an id comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Answer,
    Receipt,
}

/// Makes the two forms of an id one: decimal, without leading zeros, unless they are the same anyway.
pub(super) fn uniform(id: &str, origin: Origin, form: IdForm) -> String {
    let hex = match form {
        IdForm::Same => return id.to_owned(),
        IdForm::HexInAnswer => origin == Origin::Answer,
        IdForm::HexInReceipt => origin == Origin::Receipt,
    };
    let number = u128::from_str_radix(id, if hex { 16 } else { 10 });
    number.map_or_else(|_| id.to_owned(), |number| number.to_string())
}

/// The report in a `deliver_sm`; `None` if it is a person's message, or the last word is not spoken.
///
/// ```text
/// text = "id:" id SP "sub:" n SP "dlvrd:" n SP "submit date:" time SP "done date:" time SP
///        "stat:" state SP "err:" code SP "text:" …     ; SMPP 3.4 appendix B, every SMSC a little otherwise
/// ```
///
/// The TLVs `receipted_message_id` and `message_state` count for more than the text.
pub(super) fn read(deliver: &DeliverSm, form: IdForm) -> Option<Report> {
    let (mut id, mut state, mut payload) = (None, None, None);
    for value in deliver.tlvs().iter().filter_map(|tlv| tlv.value()) {
        if let TlvValue::ReceiptedMessageId(told) = value {
            id = Some(told.as_str().to_owned());
        } else if let TlvValue::MessageState(told) = value {
            state = Some(u8::from(*told));
        } else if let TlvValue::MessagePayload(told) = value {
            payload = Some(told.value.as_ref());
        }
    }
    // SMPP 3.4 section 5.2.12: the bits say that this is a receipt.
    let receipt = u8::from(deliver.esm_class) & 0x3c == 0x04;
    if !receipt && id.is_none() {
        return None;
    }
    let text = payload.unwrap_or_else(|| deliver.short_message().as_ref());
    let text = String::from_utf8_lossy(text);
    let id = id.or_else(|| field(&text, "id:").map(str::to_owned))?;
    let id = id.trim();
    let word_of_state = field(&text, "stat:").map(str::to_ascii_uppercase);
    let delivered = match state {
        Some(state) => last_word(state)?,
        None => last_word_of(word_of_state.as_deref()?)?,
    };
    let error = field(&text, "err:").filter(|code| code.bytes().any(|b| b != b'0'));
    let reason = match (word_of_state, state) {
        (Some(said), _) => Some(said),
        (None, state) => state.map(|state| format!("state {state}")),
    };
    let reason = reason.map(|said| match error {
        Some(code) => format!("{said} err {code}"),
        None => said,
    });
    is_id(id).then(|| Report {
        provider_id: uniform(id, Origin::Receipt, form),
        delivered,
        reason: reason.as_deref().and_then(word),
    })
}

/// What stands behind a name, up to the next blank. A name is at the beginning or behind a blank, so that
/// `id:` is not found in what a person wrote before it.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let value = text.split_ascii_whitespace().find_map(|part| {
        let (found, value) = part.split_at_checked(name.len())?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })?;
    (!value.is_empty()).then_some(value)
}

/// Whether it arrived; `None` if that is not settled. SMPP 3.4 section 5.2.28, and 9 of 5.0 (skipped).
fn last_word(state: u8) -> Option<bool> {
    match state {
        2 => Some(true),
        3 | 4 | 5 | 8 | 9 => Some(false),
        _ => None,
    }
}

/// The same by the words of the text.
fn last_word_of(state: &str) -> Option<bool> {
    match state {
        "DELIVRD" => Some(true),
        "EXPIRED" | "DELETED" | "UNDELIV" | "REJECTD" | "SKIPPED" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
