//! What spreadsheets do to a field, undone or named.

use crate::text::visible;

/// Without what cannot be seen, and with plain spaces and hyphens: as somebody would have typed it.
/// For names and projects [`visible`] is enough, whose dashes are meant.
pub(super) fn typed(field: &str) -> String {
    visible(field).chars().map(plain).collect()
}

/// A number's field: besides, without the apostrophe that tells Excel it is a text, and without the
/// `.0` of programs that took it for an amount.
pub(super) fn number(field: &str) -> &str {
    let field = field.trim_start_matches('\'');
    let whole = field.strip_suffix(".0").or_else(|| field.strip_suffix(",0"));
    match whole {
        Some(whole) if !whole.is_empty() && whole.bytes().all(|b| b.is_ascii_digit()) => whole,
        Some(_) | None => field,
    }
}

/// `4.20777E+11`: digits are gone, and nobody can tell which.
pub(super) fn is_scientific(field: &str) -> bool {
    let Some((digits, power)) = field.split_once(['e', 'E']) else { return false };
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let digits = digits.trim_start_matches(['+', '-']);
    let (whole, part) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    all_digits(whole) && all_digits(part) && all_digits(power.trim_start_matches(['+', '-']))
}

/// `46348`: the days since 1900 by which Excel keeps dates, of this century.
pub(super) fn is_serial_date(field: &str) -> bool {
    let days = field.split_once(['.', ',']).map_or(field, |(days, _)| days);
    days.parse::<u32>().is_ok_and(|days| (36_526..73_050).contains(&days))
}

fn plain(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_does_not_count() {
        assert_eq!(typed("\u{202a}601\u{a0}123\u{202f}456\u{202c}"), "601 123 456");
        assert_eq!(typed("601\u{2011}123\u{2011}456"), "601-123-456");
        assert_eq!(typed(" \u{feff}Jana\u{2009}Nová\u{200b} "), "Jana Nová");
    }

    #[test]
    fn numbers_lose_the_marks_of_spreadsheets() {
        assert_eq!(number("'601123456"), "601123456");
        assert_eq!(number("601123456.0"), "601123456");
        assert_eq!(number("7,0"), "7");
        assert_eq!(number("1.5"), "1.5");
    }

    #[test]
    fn numbers_that_lost_digits_and_dates_that_became_days_are_known() {
        for scientific in ["4.20777E+11", "4,20777E+11", "6E8", "-1.0e+11"] {
            assert!(is_scientific(scientific), "{scientific}");
        }
        for other in ["601123456", "E11", "4.E11", "Eva", "4.2E"] {
            assert!(!is_scientific(other), "{other}");
        }
        assert!(is_serial_date("46348") && is_serial_date("46348.5"));
        assert!(!is_serial_date("2026") && !is_serial_date("22.11.2026"));
    }
}
