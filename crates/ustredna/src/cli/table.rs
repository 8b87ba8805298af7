//! Lists in columns, on a terminal of any width.
//!
//! Nothing is ever cut off. Where there is no terminal every row is one line. A table too wide for
//! the terminal is made narrower in steps, until it fits: long texts are broken between words,
//! times lose their seconds and then a year that is the same everywhere, columns stand closer, and
//! the widest texts go below their row.

mod layout;

use std::{env, io::IsTerminal as _};

use crate::text::printable;
use layout::Layout;

/// A column of a table, by its heading.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    /// Never broken, so that it can be copied: numbers, paths, words.
    Whole(&'static str),
    /// As [`local`](super::desk::Desk::local) writes times, with other words or without.
    Time(&'static str),
    /// Sentences and names.
    Text(&'static str),
}

impl Column {
    fn heading(self) -> &'static str {
        match self {
            Self::Whole(heading) | Self::Time(heading) | Self::Text(heading) => heading,
        }
    }
}

/// How wide the terminal on standard output is; `None`: it is none.
pub(super) fn room() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let told = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let seen = console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    told.into_iter().chain(seen).find(|columns| *columns > 0).or(Some(80))
}

/// The lines of a table that is at most so wide, if its rows can be made so narrow.
pub(super) fn lines<const N: usize>(
    columns: [Column; N],
    rows: impl IntoIterator<Item = [String; N]>,
    room: Option<usize>,
) -> Vec<String> {
    let rows: Vec<[String; N]> =
        rows.into_iter().map(|row| row.map(|cell| printable(&cell))).collect();
    Layout::choose(&columns, &rows, room).lines(&columns, &rows)
}

#[cfg(test)]
mod tests;
