//! Delivery reports, and how a provider's call-back over HTTP is read.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;

/// What became of a message after the gateway took it. Only final states are reported.
///
/// Providers repeat reports and send them out of order, even before the answer to the message itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The name from [`Accepted::provider_id`](super::Accepted::provider_id) or
    /// [`Accepted::earlier_parts`](super::Accepted::earlier_parts).
    pub provider_id: String,
    /// Whether the phone has it.
    pub delivered: bool,
    /// The provider's word for it; no more than 64 characters, without numbers of people.
    pub reason: Option<String>,
    /// What else tells its message, if none has that name.
    pub clues: Clues,
}

/// What a report tells of its message beside the name. `Debug` shows nothing of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Clues {
    /// What it is called at other places of the report.
    pub ids: Vec<String>,
    /// All of its names written to the other base, decimal or hexadecimal.
    pub twins: Vec<String>,
    /// From whom and to whom the report says it is; one should be the phone.
    pub numbers: Vec<String>,
}

impl fmt::Debug for Clues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clues").finish_non_exhaustive()
    }
}

/// Where a provider's call-back says what.
///
/// A place that begins with `/` is a JSON pointer (RFC 6901) into the body; any other is the name of a
/// field, looked for in the query and then in a form body.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpReports {
    /// What the provider must know to be believed; at least 16 characters.
    #[serde(default)]
    pub secret: SecretString,
    /// JSON pointer to a list of reports; the places below are then seen from each of its elements.
    #[serde(default)]
    pub list: Option<String>,
    /// Place of the provider's id.
    pub id: String,
    /// Place of the state.
    pub status: String,
    /// Place of what explains a failure.
    #[serde(default)]
    pub reason: Option<String>,
    /// States that mean the phone has it.
    pub delivered: Vec<String>,
    /// States that mean it never will.
    pub failed: Vec<String>,
    /// States that are not the last one; nothing is reported.
    #[serde(default)]
    pub under_way: Vec<String>,
}

impl fmt::Debug for HttpReports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpReports").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What one call of the provider said; as a slice, its reports.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reports {
    /// Those that could be read and are final.
    pub read: Vec<Report>,
    /// How many said that the last word is not spoken.
    pub under_way: usize,
    /// Why others were left out, for the log.
    pub skipped: Vec<ReportError>,
}

impl Deref for Reports {
    type Target = [Report];

    fn deref(&self) -> &[Report] {
        &self.read
    }
}

/// Why a call-back, or one report in it, could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The body is not JSON, though a place points into it.
    #[error("the body is not JSON")]
    NotJson,
    /// There is nothing at the place, or no plain value.
    #[error("nothing at `{0}`")]
    Missing(String),
    /// What is there is no id that a message could have.
    #[error("what is at `{0}` is no id: it is empty, too long, or has control characters")]
    Id(String),
    /// More reports than a provider ever sends at once.
    #[error("more than {MAX_REPORTS} reports in one call")]
    TooMany,
    /// The state is in none of the three lists.
    #[error("the state {0} is not among `delivered`, `failed` and `under_way`")]
    UnknownState(String),
}

const MAX_REPORTS: usize = 1_000;
const MIN_SECRET: usize = 16;

impl HttpReports {
    /// What is wrong with the settings, if anything is.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        if self.secret.expose_secret().is_empty() {
            Some(
                "`secret` is missing: write 16 characters or more, there or in the environment, \
                 USTREDNA_SMS__REPORTS__SECRET",
            )
        } else if self.secret.expose_secret().len() < MIN_SECRET {
            Some("`secret` is shorter than 16 characters: write more of them")
        } else if self.delivered.is_empty() || self.failed.is_empty() {
            Some(
                "`delivered` and `failed` name at least one state each: write for example [\"DELIVRD\"]",
            )
        } else if self.list.as_ref().is_some_and(|place| !place.starts_with('/')) {
            Some("`list` begins with `/`: write for example \"/data/reports\"")
        } else if self.list.is_some() && !(self.id.starts_with('/') && self.status.starts_with('/'))
        {
            Some("`list` is set, so the other places begin with `/`: write for example \"/id\"")
        } else {
            None
        }
    }

    /// Whether this is the secret; takes the same time wherever the first difference is.
    #[must_use]
    pub fn is_secret(&self, given: &str) -> bool {
        let (given, secret) = (given.as_bytes(), self.secret.expose_secret().as_bytes());
        given.len() == secret.len()
            && given.iter().zip(secret).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }

    /// Reads one call. A report that cannot be read is left out, and does not take the others with it.
    ///
    /// `query` is what stands behind the `?`, percent-encoded as it came.
    ///
    /// # Errors
    /// See [`ReportError`]; then there is nothing in the call that could be read.
    pub fn read(
        &self,
        content_type: Option<&str>,
        query: &str,
        body: &[u8],
    ) -> Result<Reports, ReportError> {
        let pointed = [Some(&self.id), Some(&self.status), self.list.as_ref()]
            .into_iter()
            .flatten()
            .any(|place| place.starts_with('/'));
        let json = if pointed {
            // Some begin with the mark of UTF-8, which JSON does not know.
            let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
            serde_json::from_slice(body).map_err(|_| ReportError::NotJson)?
        } else {
            Value::Null
        };
        let form = content_type.is_some_and(|kind| {
            kind.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
        });
        let fields: Vec<_> = form_urlencoded::parse(query.as_bytes())
            .chain(form_urlencoded::parse(if form { body } else { b"" }))
            .collect();

        let one = std::slice::from_ref(&json);
        let elements = match &self.list {
            None => one,
            Some(place) => json
                .pointer(place)
                .and_then(Value::as_array)
                .ok_or_else(|| ReportError::Missing(place.clone()))?,
        };
        if elements.len() > MAX_REPORTS {
            return Err(ReportError::TooMany);
        }
        let mut reports = Reports::default();
        let mut understood = false;
        for json in elements {
            match self.read_one(&Call { json, fields: &fields }) {
                Ok(report) => {
                    understood = true;
                    reports.under_way += usize::from(report.is_none());
                    reports.read.extend(report);
                }
                Err(error) => reports.skipped.push(error),
            }
        }
        if understood {
            return Ok(reports);
        }
        // An empty list has no fault.
        let first = reports.skipped.drain(..).next();
        first.map_or_else(|| Ok(Reports::default()), Err)
    }

    fn read_one(&self, call: &Call<'_>) -> Result<Option<Report>, ReportError> {
        let at = |place: &str| call.at(place).ok_or_else(|| ReportError::Missing(place.into()));
        let (id, state) = (at(&self.id)?, at(&self.status)?);
        if !is_id(&id) {
            return Err(ReportError::Id(self.id.clone()));
        }
        let means = |words: &[String]| words.iter().any(|word| word.eq_ignore_ascii_case(&state));
        let delivered = means(&self.delivered);
        if !delivered && !means(&self.failed) {
            return if means(&self.under_way) {
                Ok(None)
            } else {
                Err(ReportError::UnknownState(word(&state).unwrap_or_else(|| "given".into())))
            };
        }
        let reason = self.reason.as_deref().and_then(|place| call.at(place));
        Ok(Some(Report {
            provider_id: id.into_owned(),
            delivered,
            reason: reason.as_deref().or(Some(&*state)).and_then(word),
            clues: Clues::default(),
        }))
    }
}

struct Call<'a> {
    json: &'a Value,
    fields: &'a [(Cow<'a, str>, Cow<'a, str>)],
}

impl Call<'_> {
    fn at(&self, place: &str) -> Option<Cow<'_, str>> {
        if place.starts_with('/') {
            self.json.pointer(place).and_then(plain)
        } else {
            let field = self.fields.iter().find(|(name, _)| name == place)?;
            Some(Cow::Borrowed(field.1.trim()))
        }
    }
}

/// A JSON value as a person would write it: a string without quotes and blanks around it. A number that has
/// lost digits when it was read is none: two messages would have the same.
pub(super) fn plain(value: &Value) -> Option<Cow<'_, str>> {
    /// Up to here a double has every whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::String(text) => Some(Cow::Borrowed(text.trim())),
        Value::Number(number) if number.is_f64() && number.as_f64()?.abs() >= EXACT => None,
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether this can be a provider's name of a message: PostgreSQL keeps no text with a NUL, and other
/// control characters are as little part of a name.
pub(super) fn is_id(said: &str) -> bool {
    const LONGEST: usize = 255;
    (1..=LONGEST).contains(&said.len()) && !said.chars().any(char::is_control)
}

/// What a provider said, if it can be shown: no more than 64 characters on a line, and no row of digits
/// that may be somebody's number.
pub(super) fn word(said: &str) -> Option<String> {
    const LONGEST: usize = 64;
    const DIGITS: usize = 6;
    let said = said.trim();
    let digits = said
        .split(|c: char| !c.is_ascii_digit() && !" ()-.".contains(c))
        .map(|row| row.bytes().filter(u8::is_ascii_digit).count())
        .max();
    let fits = (1..=LONGEST).contains(&said.chars().count())
        && !said.chars().any(char::is_control)
        && digits.is_none_or(|most| most <= DIGITS);
    fits.then(|| said.to_owned())
}

#[cfg(test)]
mod tests;
