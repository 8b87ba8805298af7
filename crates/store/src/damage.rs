//! Rows that cannot be read: left out wherever they are met, told once in the log, and counted.
//!
//! A row holds what no program of ours writes when a disk or a memory failed, somebody wrote into
//! the database by hand, or a program of ours had a fault. Nothing else may suffer from it: no
//! list, no call, no other row.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tracing::error;
use uuid::Uuid;

use crate::StoreError;

/// So many are remembered; whoever has more has no use for the names of all.
const REMEMBERED: usize = 10_000;

/// What stands for an id or a column that cannot be told.
pub(crate) const UNKNOWN: &str = "unknown";

/// A row that cannot be read, and the first of its columns that is to blame.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DamagedRow {
    /// The table.
    pub table: &'static str,
    /// The row's key; of one that is no UUID only its beginning and end, since it may be a
    /// telephone number.
    pub id: String,
    /// The column.
    pub column: &'static str,
}

/// The damaged rows that were met since the state was opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Damage(Arc<Mutex<BTreeSet<DamagedRow>>>);

impl Damage {
    /// Remembers the row, and tells it the first time.
    pub(crate) fn note(&self, row: DamagedRow) {
        let mut seen = self.seen();
        if seen.len() < REMEMBERED && !seen.contains(&row) {
            let DamagedRow { table, id, column } = &row;
            error!(
                table,
                id, column, "a damaged row is left out: see `ustredna check` for what to do"
            );
            seen.insert(row);
        }
    }

    /// What was read, or `None` if the row is damaged: that is noted.
    ///
    /// # Errors
    /// Whatever else went wrong.
    pub(crate) fn noted<T>(&self, read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(StoreError::Damaged { table, id, column }) => {
                self.note(DamagedRow { table, id, column });
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// The rows that can be read, in their order; the others are noted.
    ///
    /// # Errors
    /// Whatever else went wrong.
    pub(crate) fn readable<R, T>(
        &self,
        rows: &[R],
        mut read: impl FnMut(&R) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let read = rows.iter().map(|row| self.noted(read(row)));
        read.filter_map(Result::transpose).collect()
    }

    /// The same of rows of `table` that the driver could not read either (`None`).
    ///
    /// # Errors
    /// Whatever else went wrong.
    pub(crate) fn readable_or_unread<R, T>(
        &self,
        rows: &[Option<R>],
        table: &'static str,
        mut read: impl FnMut(&R) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let unread = || StoreError::Damaged { table, id: UNKNOWN.to_owned(), column: UNKNOWN };
        self.readable(rows, |row| row.as_ref().ok_or_else(unread).and_then(&mut read))
    }

    pub(crate) fn all(&self) -> Vec<DamagedRow> {
        self.seen().iter().cloned().collect()
    }

    fn seen(&self) -> MutexGuard<'_, BTreeSet<DamagedRow>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A key as it may be told: one that is no UUID may be somebody's number.
pub(crate) fn told(id: &str) -> String {
    let is_short = id.chars().count() <= 9;
    match id.parse::<Uuid>() {
        Ok(_) => id.to_owned(),
        Err(_) if is_short => "…".to_owned(),
        Err(_) => {
            let tail: Vec<char> = id.chars().rev().take(3).collect();
            let head: String = id.chars().take(4).collect();
            format!("{head}…{}", tail.into_iter().rev().collect::<String>())
        }
    }
}
