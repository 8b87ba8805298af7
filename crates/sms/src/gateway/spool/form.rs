//! What a spooled message looks like.

use serde::{Deserialize, Serialize};

use super::SpoolForm;
use crate::gateway::Message;
use crate::text::{Alphabet, segments};

#[derive(Deserialize, Serialize)]
struct Spooled {
    id: String,
    to: String,
    text: String,
    segments: usize,
    alphabet: Alphabet,
    created_at: String,
}

impl SpoolForm {
    pub(super) fn file_name(self, message: &Message) -> String {
        match self {
            Self::Json => format!("{}.json", message.id),
            Self::Smstools => message.id.clone(),
        }
    }

    /// How the name of a file ends that nobody may take yet. smsd (`getfile` in its `extras.c`) takes
    /// every file that does not end so and has no lock beside it, one with a dot before its name too.
    pub(super) fn unfinished(self) -> &'static str {
        match self {
            Self::Json => ".part",
            Self::Smstools => ".part.LOCK",
        }
    }

    pub(super) fn content(self, message: &Message) -> serde_json::Result<Vec<u8>> {
        match self {
            Self::Json => {
                let counted = segments(&message.text);
                let mut json = serde_json::to_vec(&Spooled {
                    id: message.id.clone(),
                    to: message.to.clone(),
                    text: message.text.clone(),
                    segments: counted.segments,
                    alphabet: counted.alphabet,
                    created_at: message.created_at.clone(),
                })?;
                json.push(b'\n');
                Ok(json)
            }
            Self::Smstools => Ok(smstools(message)),
        }
    }

    /// Whether a file holds this very message, whenever it was written.
    pub(super) fn holds(self, file: &[u8], message: &Message) -> bool {
        match self {
            Self::Json => serde_json::from_slice::<Spooled>(file)
                .is_ok_and(|there| there.to == message.to && there.text == message.text),
            Self::Smstools => file == smstools(message),
        }
    }
}

/// ```text
/// file   = *( name ":" SP value LF ) LF text
/// To     = digits with the country code, without "+" and "00"
/// ```
///
/// smsd looks at no more than these headers; unknown ones it leaves alone, so the id comes back in what
/// it moves to `sent` and `failed`.
fn smstools(message: &Message) -> Vec<u8> {
    let (alphabet, text) = match latin1(&message.text) {
        Some(text) => ("ISO", text),
        None => ("UCS2", message.text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    };
    let mut file = format!(
        "To: {}\nAlphabet: {alphabet}\nId: {}\n\n",
        message.to.trim_start_matches('+'),
        message.id
    )
    .into_bytes();
    file.extend(text);
    file
}

/// ISO-8859-1, if the text is in GSM-7 and no letter gets lost on the way: the currency sign would, to
/// those smsd that take `ISO` for ISO-8859-15.
fn latin1(text: &str) -> Option<Vec<u8>> {
    if segments(text).alphabet != Alphabet::Gsm7 || text.contains('¤') {
        return None;
    }
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}
