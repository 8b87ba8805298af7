//! Lines of the log that come again and again.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use super::TELL_EVERY;
use crate::clock;

/// Lets the first one through, and then one a minute.
#[derive(Debug, Default)]
pub(crate) struct Sparse(Mutex<Option<Instant>>);

impl Sparse {
    pub(crate) fn is_due(&self) -> bool {
        let now = clock::instant();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now.saturating_duration_since(last) >= TELL_EVERY);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}
