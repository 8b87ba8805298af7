//! The test call of `ustredna check --call`: FreeSWITCH calls itself over SIP on this machine, its
//! dialplan hands the call to this exchange as it does every call, and the exchange answers, plays,
//! records and connects it to a phone that FreeSWITCH plays itself.
//!
//! Nobody's phone rings: it goes from FreeSWITCH's profile `test`, on loopback, to that profile. It
//! has no row, no ticket and no SMS, and its recording and records are removed. Only the dialplan's
//! context `test` marks a call so, which no carrier's call can reach, and only who knows the event
//! socket's password can name one ([`Token`]).

mod attend;
mod token;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::clock;

pub(crate) use self::attend::attend;
pub(crate) use self::token::Token;

/// The channel variable that every leg of a test call has, with its token.
pub(crate) const VARIABLE: &str = "ustredna_test";
/// FreeSWITCH's profile for them.
pub(crate) const PROFILE: &str = "test";
/// So many are remembered; each takes half a minute at most.
const AT_ONCE: usize = 8;
/// How long a report is kept.
const KEPT: Duration = Duration::from_mins(5);
/// How long records of a test call lie in the folder, where whoever attended to it looks for them.
pub(crate) const RECORDS_LIE: Duration = Duration::from_secs(15);

/// What a test call has come to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) done: bool,
    /// What went wrong, and what to do.
    pub(crate) problem: Option<String>,
    /// How long the two legs were connected.
    pub(crate) seconds: f64,
}

/// Those of the last minutes, by their token.
#[derive(Debug, Default)]
pub(crate) struct Tests(Mutex<HashMap<String, (Instant, Report)>>);

impl Tests {
    fn reports(&self) -> MutexGuard<'_, HashMap<String, (Instant, Report)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins one; `false`: it has been here before, or there are too many.
    fn begin(&self, token: &str) -> bool {
        let now = clock::instant();
        let mut reports = self.reports();
        reports.retain(|_, (began, _)| now.saturating_duration_since(*began) < KEPT);
        if reports.len() >= AT_ONCE || reports.contains_key(token) {
            return false;
        }
        reports.insert(token.to_owned(), (now, Report::default()));
        true
    }

    fn end(&self, token: &str, report: Report) {
        if let Some((_, found)) = self.reports().get_mut(token) {
            *found = report;
        }
    }

    /// What one has come to; `None`: it has not come here.
    pub(crate) fn report(&self, token: &str) -> Option<Report> {
        self.reports().get(token).map(|(_, report)| report.clone())
    }
}

/// Where FreeSWITCH writes the record of the leg that called in.
fn record_of(dir: &Path, call: uuid::Uuid) -> PathBuf {
    dir.join(format!("a_{call}.cdr.json"))
}

#[cfg(test)]
mod tests;
