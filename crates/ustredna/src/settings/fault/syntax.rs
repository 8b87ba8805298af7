//! What is no TOML, told without the parser's words, which speak of its grammar.

/// What is wrong in a line of the file: how it goes on behind its number.
pub(super) fn told(message: &str, source: &str) -> String {
    let (key, value) = source.split_once('=').unwrap_or_default();
    let (key, value) = (key.trim(), value.trim());
    let is_key = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    let place = if key.is_empty() || !key.bytes().all(is_key) {
        String::new()
    } else {
        format!(", `{key}`")
    };
    format!("{place}: {}", advice(message, value))
}

/// What to do. By what begins the value, where that tells more than where the parser stopped.
fn advice(message: &str, value: &str) -> &'static str {
    const UNQUOTED: &str = "texts stand in quotes: write for example \"40s\"";
    let says = |what: &str| message.contains(what);
    if says("duplicate key") {
        return "this is in the file twice: write it once";
    }
    if value.contains(['“', '”', '„', '‚', '‘', '’']) {
        return "these are no plain quotation marks: write for example \"40s\"";
    }
    if says("recursion") {
        return "too many brackets in each other: write fewer";
    }
    match value.chars().next() {
        Some('[') => "a list is not as it must be: write for example [\"one\", \"two\"]",
        Some('{') => "a table is not as it must be: write for example { name = \"value\" }",
        Some('"' | '\'') if says("escape") || says("unicode") => {
            "a `\\` in double quotes begins a sign of its own: write the text in single quotes, for \
             example 'C:\\folder'"
        }
        Some('"' | '\'') => {
            "a quotation mark is not closed, or something stands behind it: write for example \"40s\""
        }
        Some(_) => UNQUOTED,
        None => {
            "write sections as [switch], and settings as ring_timeout = \"40s\", each on a line"
        }
    }
}
