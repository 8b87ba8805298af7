//! What is logged by default holds nobody's number.

use super::{DEALER, FIRST, OTHER_DEALER, OTHER_SHOPPER, SECOND, SHOPPER, STRANGER};

/// The number in a line of the log, if there is one.
pub(crate) fn number_in(line: &str) -> Option<String> {
    let told = [SHOPPER, OTHER_SHOPPER, FIRST, SECOND, DEALER, OTHER_DEALER, STRANGER];
    // People say them without the country.
    let national = told.iter().map(|number| &number["+420".len()..]);
    national.into_iter().find(|number| line.contains(number)).map(str::to_owned).or_else(|| {
        let digits = |at: &usize| line.as_bytes()[*at].is_ascii_digit();
        let begins = |at: &usize| digits(at) && !at.checked_sub(1).is_some_and(|at| digits(&at));
        (0..line.len()).filter(begins).find_map(|at| {
            let run = line[at..].split(|char: char| !char.is_ascii_digit()).next()?;
            let is_number =
                run.len() == 12 && run.starts_with("420") && !is_something_else(line, at);
            is_number.then(|| run.to_owned())
        })
    })
}

/// The digits that begin here are the end of an id, which is random, or the bytes of a disk.
fn is_something_else(line: &str, at: usize) -> bool {
    let (before, rest) = line.split_at(at);
    let id = at.checked_sub(24).and_then(|begin| line.get(begin..at + 12));
    let name = before.trim_end_matches(['=', ':', '"', ' ']);
    id.is_some_and(|id| uuid::Uuid::try_parse(id).is_ok())
        || rest[12..].starts_with(" bytes")
        || name.ends_with("_bytes")
}
