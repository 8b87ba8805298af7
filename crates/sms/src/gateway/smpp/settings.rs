//! What an operator tells about an SMSC.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::gateway::Span;

/// How a text of more than one segment travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LongForm {
    /// Whole, in the TLV `message_payload`; the SMSC takes it apart. One request, one id, one receipt.
    #[default]
    Payload,
    /// In parts with a user data header (3GPP TS 23.040 clause 9.2.3.24.1), each a request of its own.
    /// Each has its id and its receipt.
    Udh,
    /// In parts with the TLVs `sar_*`, otherwise like `udh`.
    Sar,
}

/// How the message's id in the answer relates to the one in the receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdForm {
    /// They are the same text, but for leading zeros and case; a receipt that fits no message is tried in
    /// the other base if it names the phone.
    #[default]
    Auto,
    /// They are the same text, but for leading zeros and case.
    Same,
    /// The answer's is hexadecimal, the receipt's decimal.
    HexInAnswer,
    /// The answer's is decimal, the receipt's hexadecimal.
    HexInReceipt,
}

/// How messages are handed to an SMSC by SMPP 3.4, as a transceiver.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmppSettings {
    /// Name or address of the SMSC.
    pub host: String,
    /// Its port.
    #[serde(default = "port")]
    pub port: u16,
    /// Whether the connection is made by TLS.
    #[serde(default)]
    pub tls: bool,
    /// PEM file of certificates to be trusted beside the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Who binds; at most 15 characters.
    pub system_id: String,
    /// The password; at most 8 characters, as the protocol has it.
    #[serde(default)]
    pub password: SecretString,
    /// Kind of client, if the SMSC wants to know; at most 12 characters.
    #[serde(default)]
    pub system_type: String,
    /// The sender: `+` and digits, a short number, or up to 11 letters and digits; empty for the SMSC's own.
    #[serde(default)]
    pub from: String,
    /// The sender's type of number (SMPP 3.4 section 5.2.5), if the guess is wrong: 1 with a `+`, 5 with
    /// a letter, else 0.
    #[serde(default)]
    pub from_ton: Option<u8>,
    /// The sender's numbering plan (section 5.2.6), if the guess is wrong: 1 for digits, else 0.
    #[serde(default)]
    pub from_npi: Option<u8>,
    /// Requests without an answer that may be under way at once.
    #[serde(default = "window")]
    pub window: u16,
    /// How a text of more than one segment travels.
    #[serde(default)]
    pub long: LongForm,
    /// How ids in answers relate to ids in receipts.
    #[serde(default)]
    pub ids: IdForm,
    /// States in receipts that mean the phone has it, beside those that are known anyway.
    #[serde(default)]
    pub delivered: Vec<String>,
    /// States that mean it never will.
    #[serde(default)]
    pub failed: Vec<String>,
    /// States that are not the last one.
    #[serde(default)]
    pub under_way: Vec<String>,
    /// How long a connection may take to come about, TLS and bind included.
    #[serde(default = "connect_timeout")]
    pub connect_timeout: Span,
    /// How long an answer may take before its request no longer counts in the window. One that comes later
    /// is still taken, until the attempt as a whole is given up.
    #[serde(default = "response_timeout")]
    pub response_timeout: Span,
    /// How long the line may be quiet before it is tried by `enquire_link`.
    #[serde(default = "enquire_link")]
    pub enquire_link: Span,
    /// The longest pause between two attempts to connect. The first is a second; each is twice the one
    /// before, and each is shortened by up to a half at random.
    #[serde(default = "reconnect_max")]
    pub reconnect_max: Span,
}

/// As IANA assigned it.
fn port() -> u16 {
    2775
}

fn window() -> u16 {
    10
}

fn connect_timeout() -> Span {
    Span::secs(10)
}

fn response_timeout() -> Span {
    Span::secs(10)
}

fn enquire_link() -> Span {
    Span::secs(30)
}

fn reconnect_max() -> Span {
    Span::secs(60)
}

/// Why the settings are no use.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmppSettingsError {
    /// A text does not fit the protocol.
    #[error("`{setting}` is more than {most} characters long, or not all ASCII")]
    Text {
        /// Which one.
        setting: &'static str,
        /// What fits.
        most: usize,
    },
    /// A secret is neither in the file nor in the environment.
    #[error("`password` is missing: set it, here or in the environment")]
    NoPassword,
    /// No request could ever be under way.
    #[error("`window` must be at least 1")]
    Window,
    /// Certificates, or what TLS needs otherwise.
    #[error("{0}")]
    Tls(String),
}

impl SmppSettings {
    /// How long one [`send`](crate::Gateway::send) takes at most; then it is given up. It has the time
    /// for a connection and for the answer to each of two parts, if a text goes in parts at all.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let answers = match self.long {
            LongForm::Payload => 1,
            LongForm::Udh | LongForm::Sar => 2,
        };
        self.connect_timeout.0.saturating_add(self.response_timeout.0.saturating_mul(answers))
    }

    /// Finds what is wrong in the settings beside the certificates.
    ///
    /// # Errors
    /// See [`SmppSettingsError`].
    pub fn check(&self) -> Result<(), SmppSettingsError> {
        // SMPP 3.4 section 4.1.5 for the bind, 4.4.1 for the sender; less the octet that ends a text.
        for (setting, text, most) in [
            ("system_id", self.system_id.as_str(), 15),
            ("password", self.password.expose_secret(), 8),
            ("system_type", self.system_type.as_str(), 12),
            ("from", self.from.trim_start_matches('+'), 20),
        ] {
            if text.len() > most || !text.bytes().all(|b| b.is_ascii() && b != 0) {
                return Err(SmppSettingsError::Text { setting, most });
            }
        }
        if self.password.expose_secret().is_empty() {
            return Err(SmppSettingsError::NoPassword);
        }
        if self.window == 0 { Err(SmppSettingsError::Window) } else { Ok(()) }
    }
}
