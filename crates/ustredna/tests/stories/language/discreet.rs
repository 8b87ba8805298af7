//! What is logged by default holds nobody's number.

use super::{DEALER, FIRST, OTHER_DEALER, OTHER_SHOPPER, SECOND, SHOPPER, STRANGER};

/// The number in a line of the log, if there is one.
pub(crate) fn number_in(line: &str) -> Option<String> {
    let told = [SHOPPER, OTHER_SHOPPER, FIRST, SECOND, DEALER, OTHER_DEALER, STRANGER];
    // People say them without the country.
    let national = told.iter().map(|number| &number["+420".len()..]);
    national.into_iter().find(|number| line.contains(number)).map(str::to_owned).or_else(|| {
        let runs = line.split(|char: char| !char.is_ascii_digit());
        runs.into_iter().find(|run| run.len() == 12 && run.starts_with("420")).map(str::to_owned)
    })
}
