//! What an operator tells about a provider's HTTP interface.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::answer::Answer;
use crate::gateway::Span;

/// The methods providers take messages by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// `GET`; everything is in the URL.
    Get,
    /// `POST`
    #[default]
    Post,
    /// `PUT`
    Put,
}

/// How the provider wants `{to}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberForm {
    /// `+420601123456`
    #[default]
    Plus,
    /// `420601123456`
    Digits,
    /// `00420601123456`
    Zeros,
}

/// HTTP basic authentication, RFC 7617.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table, for example { user = \"name\" }")]
pub struct Basic {
    /// The user.
    pub user: String,
    /// The password.
    #[serde(default)]
    pub password: SecretString,
}

/// A token of OAuth 2 by client credentials, RFC 6749 section 4.4: fetched when first needed, kept until
/// it ends, and sent as `Authorization: Bearer`.
#[derive(Clone, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table, for example { url = \"https://…\", client_id = \"name\" }"
)]
pub struct OAuth {
    /// Where the token is given.
    pub url: String,
    /// Sent in the form's `client_id`.
    pub client_id: String,
    /// Sent in the form's `client_secret`.
    #[serde(default)]
    pub client_secret: SecretString,
    /// Sent in the form's `scope`, if given.
    #[serde(default)]
    pub scope: Option<String>,
}

/// How messages are handed to a provider over HTTP.
///
/// `url`, `backup_url`, `headers`, `form` and the strings in `json` are patterns: `{to}`, `{text}`,
/// `{id}`, `{from}` and the names in `secrets` stand for their values, escaped for the place; a brace
/// itself is written `{{` or `}}`. Any pattern may hold a secret; `Debug` shows none.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// Where messages go, `http` or `https`.
    pub url: SecretString,
    /// Where they go when `url` certainly took nothing: it could not be reached, or answered with 503 or
    /// with something that is temporary.
    #[serde(default)]
    pub backup_url: Option<SecretString>,
    /// `GET`, `POST` or `PUT`; `POST` unless given.
    #[serde(default)]
    pub method: Method,
    /// More headers. `{text}` is not allowed here.
    #[serde(default)]
    pub headers: BTreeMap<String, SecretString>,
    /// The body as a form; not together with `json`.
    #[serde(default)]
    pub form: Option<BTreeMap<String, SecretString>>,
    /// The body as JSON: every string in it is a pattern.
    #[serde(default)]
    pub json: Option<Value>,
    /// Values of further placeholders, for what nobody else shall read.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretString>,
    /// The value of `{from}`.
    #[serde(default)]
    pub from: String,
    /// How `{to}` is written.
    #[serde(default)]
    pub number: NumberForm,
    /// User and password, if the provider wants them so.
    #[serde(default)]
    pub basic: Option<Basic>,
    /// Where a token is fetched, if the provider wants one.
    #[serde(default)]
    pub oauth: Option<OAuth>,
    /// The header that carries the message's id; empty for none.
    #[serde(default = "idempotency_key")]
    pub idempotency_header: String,
    /// How long a connection may take to come about, TLS included.
    #[serde(default = "connect_timeout")]
    pub connect_timeout: Span,
    /// How long each request may take, to `url`, to `backup_url` and for a token; longer than
    /// `connect_timeout`.
    #[serde(default = "timeout")]
    pub timeout: Span,
    /// PEM file of certificates to be trusted beside the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// What the provider's answers mean.
    #[serde(default)]
    pub answer: Answer,
}

impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSettings").field("method", &self.method).finish_non_exhaustive()
    }
}

impl HttpSettings {
    /// How long one [`send`](crate::Gateway::send) takes at most: a request to each URL, and one for a
    /// token.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let requests = 1 + u32::from(self.backup_url.is_some()) + u32::from(self.oauth.is_some());
        self.timeout.0.saturating_mul(requests)
    }

    /// Finds what is wrong in the settings beside the patterns.
    pub(super) fn check(&self) -> Result<(), HttpSettingsError> {
        if self.connect_timeout.0 >= self.timeout.0 {
            return Err(HttpSettingsError::Timeouts);
        }
        if let Some(list) = self.answer.empty_rule() {
            return Err(HttpSettingsError::EmptyRule(list));
        }
        if let Some(list) = self.answer.pointless_rule() {
            return Err(HttpSettingsError::NoPointer(list));
        }
        self.missing_secret().map_or(Ok(()), |setting| Err(HttpSettingsError::NoSecret(setting)))
    }

    /// The setting of a secret that is empty, as seen from here: `basic.password`.
    #[must_use]
    pub fn missing_secret(&self) -> Option<String> {
        let named = [
            ("basic.password", self.basic.as_ref().map(|basic| &basic.password)),
            ("oauth.client_secret", self.oauth.as_ref().map(|oauth| &oauth.client_secret)),
        ];
        let named = named.into_iter().filter_map(|(name, secret)| Some((name.to_owned(), secret?)));
        let own = self.secrets.iter().map(|(name, secret)| (format!("secrets.{name}"), secret));
        let mut all = named.chain(own);
        all.find(|(_, secret)| secret.expose_secret().is_empty()).map(|(name, _)| name)
    }
}

fn idempotency_key() -> String {
    "Idempotency-Key".into()
}

fn connect_timeout() -> Span {
    Span::secs(5)
}

fn timeout() -> Span {
    Span::secs(30)
}

/// Why the settings are no use. The texts name the setting and never what is in it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpSettingsError {
    /// A pattern is wrong.
    #[error("`{setting}`: {why}")]
    Pattern {
        /// Which one.
        setting: String,
        /// In what way.
        why: String,
    },
    /// `form` and `json` are both given.
    #[error("`form` and `json` exclude each other")]
    TwoBodies,
    /// A body with a method that has none.
    #[error("`method` GET has no body: put everything into `url`, or use POST")]
    BodyOfGet,
    /// No place for what the message says, or for whom.
    #[error("`{{{0}}}` is nowhere in `url`, `form` and `json`: the message could not be told")]
    Unused(&'static str),
    /// A header's name is none.
    #[error("`headers`: a name is not that of a header")]
    HeaderName,
    /// The times contradict each other.
    #[error("`connect_timeout` must be shorter than `timeout`")]
    Timeouts,
    /// A secret is neither in the file nor in the environment.
    #[error("`{0}` is missing: set it, here or in the environment")]
    NoSecret(String),
    /// A rule in `answer` says nothing.
    #[error("`answer.{0}`: a rule needs at least one of `status`, `pointer` and `text`")]
    EmptyRule(&'static str),
    /// A rule in `answer` points nowhere.
    #[error("`answer.{0}`: `pointer` begins with `/`, as in `/data/id`")]
    NoPointer(&'static str),
    /// Certificates, or what TLS needs otherwise.
    #[error("{0}")]
    Tls(String),
}
