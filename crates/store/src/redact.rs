//! What an engine says may repeat the values of the row it concerns: telephone numbers, names, texts.
//! Its errors are logged, so these are left out.

/// So many digits in a row, spaces and hyphens between them or not, may be somebody's number.
const DIGITS: usize = 6;

/// What another program has said, as it may stand in a log: the text with `…` for whatever is in quotation marks and no plain name of a table or column, and for
/// whatever may be a telephone number.
#[must_use]
pub fn redacted(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split('"').enumerate().peekable();
    while let Some((turn, part)) = parts.next() {
        let is_quoted = turn % 2 == 1;
        if turn > 0 {
            plain.push('"');
        }
        // A mark without its second one: the value goes on to the end.
        let is_plain = !is_quoted || (is_name(part) && parts.peek().is_some());
        plain.push_str(if is_plain { part } else { "…" });
    }
    without_numbers(&plain)
}

/// As all names in the schema are written.
fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn without_numbers(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let run = from
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, ' ' | '-' | '(' | ')' | '/')))
            .unwrap_or(from.len());
        let run = from.get(..run).unwrap_or(from).trim_end_matches(|c: char| !c.is_ascii_digit());
        let digits = run.bytes().filter(u8::is_ascii_digit).count();
        if digits >= DIGITS {
            kept.push_str(before.strip_suffix('+').unwrap_or(before));
            kept.push('…');
        } else {
            kept.push_str(before);
            kept.push_str(run);
        }
        rest = from.get(run.len()..).unwrap_or_default();
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_left_out_and_names_stay() {
        for (said, told) in [
            ("+420601123456 no", "… no"),
            ("call 420 601 123-456, please", "call …, please"),
            (
                "invalid input syntax for type bigint: \"+420601123456\"",
                "invalid input syntax for type bigint: \"…\"",
            ),
            ("value too long: \"Jana Nová\" and \"rest", "value too long: \"…\" and \"…"),
            ("relation \"calls\" does not exist", "relation \"calls\" does not exist"),
            ("a name with its number: \"420601123456\"", "a name with its number: \"…\""),
            ("Connection refused (os error 111)", "Connection refused (os error 111)"),
            (
                "UNIQUE constraint failed: shoppers.phone",
                "UNIQUE constraint failed: shoppers.phone",
            ),
            ("no such column: missed", "no such column: missed"),
            ("kůň 12 34 5 +7 (601) 123", "kůň 12 34 5 …"),
        ] {
            assert_eq!(redacted(said), told);
        }
    }
}
