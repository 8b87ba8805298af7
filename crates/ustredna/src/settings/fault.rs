//! What is wrong with a setting: where it stands, its key, and what is allowed.
//!
//! serde's and TOML's own messages show the value, and with it a password in the wrong place; and
//! they speak of types. Nothing of the value is told here.

use std::ops::Range;

use toml::{
    Table, Value,
    de::{DeTable, DeValue},
};

use super::{SECTIONS, Settings};
use crate::nearest::nearest;

/// `line 3, `switch.listen`: …`
pub(super) fn in_file(error: &toml::de::Error, text: &str) -> String {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let line = line(text, at);
    let Ok(parsed) = DeTable::parse(text) else {
        // No TOML at all.
        let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |n| n + 1);
        let source = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
        return format!("line {line}{}", syntax(error.message(), source));
    };
    let place = Place::new(parsed.get_ref(), at);
    let message = match text.parse() {
        Ok(table) => words_asked_for(error, table, &place.path),
        Err(_) => error.message().to_owned(),
    };
    let told = told(&message, &place.path, place.is_section);
    match place.path.as_slice() {
        [] => format!("line {line}: {told}"),
        path => format!("line {line}, `{}`: {told}", path.join(".")),
    }
}

/// What is wrong with a variable that stands for this key of the table.
pub(super) fn in_environment(error: &toml::de::Error, table: &Table, path: &[String]) -> String {
    told(&words_asked_for(error, table.clone(), path), path, false)
}

/// serde tells the words that are allowed only to who has written a word.
fn words_asked_for(error: &toml::de::Error, mut table: Table, path: &[String]) -> String {
    let wants_words = ["wanted string or table", "expected string only"];
    let message = error.message();
    let wrote_none = wants_words.iter().any(|wants| message.contains(wants));
    if let ([sections @ .., key], true) = (path, wrote_none)
        && super::load::insert(&mut table, sections, key, Value::String(String::new())).is_ok()
        && let Err(with_words) = Settings::deserialize_table(table)
        && with_words.message().starts_with("unknown variant")
    {
        return with_words.message().to_owned();
    }
    message.to_owned()
}

/// The line in which a key stands, if it is in the file.
pub(super) fn line_of(text: &str, path: &str) -> Option<usize> {
    let parsed = DeTable::parse(text).ok()?;
    let mut table = parsed.get_ref();
    let mut at = None;
    for name in path.split('.') {
        let (key, value) = table.iter().find(|(key, _)| key.get_ref() == name)?;
        at = Some(key.span().start);
        let Some(inner) = value.get_ref().as_table() else { break };
        table = inner;
    }
    Some(line(text, at?))
}

fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// The innermost key at a place in the file.
#[derive(Default)]
struct Place {
    path: Vec<String>,
    /// Whether the key is one of a section.
    is_section: bool,
}

impl Place {
    fn new(table: &DeTable<'_>, at: usize) -> Self {
        let mut place = Self::default();
        place.enter(table, at);
        place
    }

    fn enter(&mut self, table: &DeTable<'_>, at: usize) {
        let found = table.iter().find(|(key, value)| {
            within(key.span(), at) || within(value.span(), at) || holds(value.get_ref(), at)
        });
        let Some((key, value)) = found else { return };
        self.path.push(key.get_ref().to_string());
        self.is_section = value.get_ref().is_table();
        if let (DeValue::Table(inner), false) = (value.get_ref(), within(key.span(), at)) {
            self.enter(inner, at);
        }
    }
}

fn within(span: Range<usize>, at: usize) -> bool {
    span.contains(&at)
}

/// Whether a key of it stands at that place: what is written below a header is not in its span.
fn holds(value: &DeValue<'_>, at: usize) -> bool {
    value.as_table().is_some_and(|table| {
        table.iter().any(|(key, value)| {
            within(key.span(), at) || within(value.span(), at) || holds(value.get_ref(), at)
        })
    })
}

/// What serde says, for operators.
fn told(message: &str, path: &[String], is_section: bool) -> String {
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let given = rest.split('`').next().unwrap_or_default();
        return unknown_key(given, &words(rest), path, is_section);
    }
    if let Some(rest) = message.strip_prefix("unknown variant `") {
        let given = rest.split('`').next().unwrap_or_default();
        let allowed = words(rest);
        let meant = nearest_of(given, &allowed);
        let meant = meant.map(|meant| format!(" (did you mean \"{meant}\"?)")).unwrap_or_default();
        return format!("this word is not known{meant}: write {}", either(&allowed, '"'));
    }
    if let Some(rest) = message.strip_prefix("missing field `") {
        let field = rest.split('`').next().unwrap_or_default();
        return format!("`{field}` is missing: write it there too");
    }
    let kind = ["invalid type: ", "invalid value: ", "invalid length "];
    if kind.iter().any(|kind| message.contains(kind)) {
        // The last one: the value may hold the same words.
        return match message.rsplit_once(", expected ") {
            Some((_, expected)) => format!("write {}", kind_of_value(expected)),
            None => "this value does not fit".to_owned(),
        };
    }
    message.to_owned()
}

/// The words in back-ticks of what serde expects.
fn words(message: &str) -> Vec<String> {
    let expected = message.rsplit_once(", expected ").map_or("", |(_, expected)| expected);
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn nearest_of<'a>(given: &str, words: &'a [String]) -> Option<&'a str> {
    nearest(given, words.iter().map(String::as_str))
}

fn unknown_key(given: &str, allowed: &[String], path: &[String], is_section: bool) -> String {
    let outermost = path.first().is_some_and(|first| first == given);
    let what = match outermost {
        true if is_section || path.len() > 1 => "section",
        true => "key outside a section",
        false if is_section => "section",
        false => "key",
    };
    let homes: Vec<_> = SECTIONS
        .iter()
        .filter(|(_, keys)| keys.contains(&given))
        .map(|(section, _)| format!("[{section}]"))
        .collect();
    let meant = match nearest_of(given, allowed) {
        Some(meant) => format!("; did you mean `{meant}`?"),
        None if homes.is_empty() => String::new(),
        None => format!("; it is a key of {}", homes.join(" and of ")),
    };
    let allowed: Vec<_> = allowed.iter().map(|word| format!("`{word}`")).collect();
    format!("there is no such {what}{meant} (allowed here: {})", allowed.join(", "))
}

/// `a, b or c`
fn either(words: &[String], quote: char) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("{quote}{word}{quote}")).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// What serde expects, as an operator would write it.
fn kind_of_value(expected: &str) -> String {
    let whole = |most: u64| format!("a whole number from 0 to {most}, without quotes");
    match expected {
        "u8" => whole(u8::MAX.into()),
        "u16" => whole(u16::MAX.into()),
        "u32" => whole(u32::MAX.into()),
        "u64" | "usize" => whole(u64::MAX),
        "a boolean" => "true or false, without quotes".to_owned(),
        "a string" | "string" | "string only" | "path string" => {
            "a text in quotes, for example \"text\"".to_owned()
        }
        "a sequence" => "a list in brackets, for example [\"one\", \"two\"]".to_owned(),
        "a map" => "a table, for example { name = \"value\" }".to_owned(),
        _ if expected.starts_with("struct ") => {
            "a section: its name in brackets, for example [switch], and its keys below".to_owned()
        }
        other => other.to_owned(),
    }
}

/// What is no TOML. The parser's words tell nothing of the text itself.
fn syntax(message: &str, source: &str) -> String {
    let (key, value) = source.split_once('=').unwrap_or_default();
    let (key, value) = (key.trim(), value.trim());
    let is_key = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'.';
    if key.is_empty() || !key.bytes().all(is_key) {
        return format!(": this is no TOML: {message}");
    }
    let unquoted = !value.starts_with(['"', '\'', '[', '{']);
    let hint = if unquoted { "; texts stand in quotes: write for example \"40s\"" } else { "" };
    format!(", `{key}`: this is no TOML: {message}{hint}")
}
