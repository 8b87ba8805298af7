//! The first line of a table: which column is which.

use csv::{ReaderBuilder, StringRecord};

use super::field;
use crate::nearest::nearest;

pub(super) const NAMES: [&str; 8] = [
    "shopper_phone",
    "shopper_name",
    "language",
    "fictitious_number",
    "id",
    "project",
    "valid_from",
    "valid_to",
];

/// Where in a line each of [`NAMES`] is.
pub(super) struct Columns {
    at: [usize; 8],
    /// How many columns there are, those without a name included.
    pub(super) count: usize,
}

impl Columns {
    /// Reads the header, in any order; a spreadsheet may have left columns without a name.
    ///
    /// # Errors
    /// Names the columns that are missing, unknown or there twice.
    pub(super) fn read(header: &StringRecord) -> anyhow::Result<Self> {
        let names: Vec<String> =
            header.iter().map(|name| field::typed(name).to_lowercase()).collect();
        let places = |name: &str| names.iter().filter(|given| *given == name).count();
        let missing: Vec<_> = NAMES.into_iter().filter(|name| places(name) == 0).collect();
        let mut faults = Vec::new();
        for name in names.iter().filter(|name| !name.is_empty()) {
            if !NAMES.contains(&name.as_str()) {
                let meant = nearest(name, missing.iter().copied())
                    .map(|meant| format!(" (did you mean `{meant}`?)"));
                faults.push(format!("there is no column `{name}`{}", meant.unwrap_or_default()));
            }
        }
        for name in NAMES.into_iter().filter(|name| places(name) > 1) {
            faults.push(format!("the column `{name}` is there twice"));
        }
        if !missing.is_empty() {
            let quoted: Vec<_> = missing.iter().map(|name| format!("`{name}`")).collect();
            faults.push(format!("missing: {}", quoted.join(", ")));
        }
        anyhow::ensure!(
            faults.is_empty(),
            "{}; the first line must name these columns, in any order: {}",
            faults.join("; "),
            NAMES.join(",")
        );
        let at = NAMES.map(|name| names.iter().position(|given| given == name).unwrap_or_default());
        Ok(Self { at, count: names.len() })
    }

    /// A line's fields in the order of [`NAMES`]; `None` if it has another number of columns.
    /// Behind the last one spreadsheets leave empty ones.
    pub(super) fn pick<'r>(&self, record: &'r StringRecord) -> Option<[&'r str; 8]> {
        let beyond = record.iter().skip(self.count).all(|field| field.trim().is_empty());
        if record.len() < self.count || !beyond {
            return None;
        }
        Some(self.at.map(|at| record.get(at).unwrap_or_default()))
    }
}

/// What the columns of a table are separated by: what splits its first line into the most names that
/// are known.
pub(super) fn separator(first: &str) -> u8 {
    let known = |separator: u8| {
        let mut reader = ReaderBuilder::new()
            .delimiter(separator)
            .has_headers(false)
            .from_reader(first.as_bytes());
        let record = reader.records().next().and_then(Result::ok).unwrap_or_default();
        let known = record
            .iter()
            .filter(|name| NAMES.contains(&field::typed(name).to_lowercase().as_str()))
            .count();
        (known, record.len())
    };
    // The last of equals is taken.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(|separator| known(*separator)).unwrap_or(b',')
}
