//! What is wrong with a setting: where it stands, its key, and what is allowed.
//!
//! serde's and TOML's own messages show the value, and with it a password in the wrong place; and
//! they speak of types. Nothing of the value is told here, and no word of theirs.

mod place;
mod syntax;

use toml::{Table, Value, de::DeTable};

use super::{SECTIONS, Settings, load::OPTIONAL};
use crate::nearest::nearest;
pub(super) use place::line_of;
use place::{Place, entries, line};

/// `line 3, `switch.listen`: …`
pub(super) fn in_file(error: &toml::de::Error, text: &str) -> String {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let Ok(parsed) = DeTable::parse(text) else {
        // No TOML at all.
        let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |n| n + 1);
        let source = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
        return format!("line {}{}", line(text, at), syntax::told(error.message(), source));
    };
    let place = Place::new(parsed.get_ref(), at);
    let told = told(error.message(), &place.path, place.is_section);
    let line = line(text, wrong_entry(text, &place.path).unwrap_or(at));
    match place.path.as_slice() {
        [] => format!("line {line}: {told}"),
        path => format!("line {line}, `{}`: {told}", path.join(".")),
    }
}

/// What is wrong with a variable that stands for this key of the table.
pub(super) fn in_environment(error: &toml::de::Error, path: &[String]) -> String {
    let told = told(error.message(), path, false);
    if takes_list_or_table(path) { told } else { unquoted(&told) }
}

/// A section that is written as something else, which serde would take for a list of its values.
pub(super) fn no_section(table: &Table) -> Option<String> {
    let known = SECTIONS.iter().map(|(section, _)| *section).chain(OPTIONAL);
    let mut known = known.chain(["sms.http.answer"]);
    let wrong = |section: &&str| {
        let mut value = None;
        let mut table = Some(table);
        for name in section.split('.') {
            value = table.and_then(|table| table.get(name));
            table = value.and_then(Value::as_table);
        }
        value.is_some() && table.is_none()
    };
    known.find(wrong).map(str::to_owned)
}

/// Where the first value of a list stands that is wrong by itself: serde knows the list alone.
fn wrong_entry(text: &str, path: &[String]) -> Option<usize> {
    let table: Table = text.parse().ok()?;
    let value = path.split_first().and_then(|(first, rest)| {
        rest.iter().try_fold(table.get(first)?, |value, name| value.get(name))
    });
    let values = value?.as_array()?;
    let wrong =
        values.iter().position(|value| tried(path, Value::Array(vec![value.clone()])).is_some());
    entries(text, path).get(wrong?).copied()
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
    if let Some(form) = wanted(message) {
        return format!("write {form}");
    }
    if message.contains("write ") && !is_serde_s(message) {
        return message.to_owned();
    }
    format!("write {}", form(path))
}

/// Whether it begins as serde's own messages do, and so tells the value.
fn is_serde_s(message: &str) -> bool {
    ["invalid ", "wanted ", "expected "].iter().any(|begin| message.starts_with(begin))
}

/// What serde wants in place of another type or value, if it is said so that an operator can write it.
fn wanted(message: &str) -> Option<String> {
    let kind = ["invalid type: ", "invalid value: "];
    if !kind.iter().any(|kind| message.contains(kind)) {
        return None;
    }
    // The last one: the value may hold the same words.
    kind_of_value(message.rsplit_once(", expected ")?.1)
}

/// All sections that may be left out, with what they must have.
const FILLED: &str = r#"
[sms.http]
url = "https://sms.example"
basic = { user = "u" }
oauth = { url = "https://sms.example", client_id = "c" }
[sms.smpp]
host = "h"
system_id = "s"
[sms.reports]
id = "i"
status = "s"
delivered = ["d"]
failed = ["f"]
"#;

/// What a key takes, found by a text that no key but one for any text takes.
fn form(path: &[String]) -> String {
    let Some(error) = tried(path, Value::String("\0".to_owned())) else {
        return A_TEXT.to_owned();
    };
    let message = error.message();
    if message.starts_with("unknown variant `") {
        return either(&words(message), '"');
    }
    let own = || message.rsplit_once("write ").map(|(_, form)| form.to_owned());
    wanted(message).or_else(own).unwrap_or_else(|| A_TEXT.to_owned())
}

/// Whether a key takes several values, which are written in the environment as in the file.
fn takes_list_or_table(path: &[String]) -> bool {
    let empty = [Value::Array(Vec::new()), Value::Table(Table::new())];
    empty.into_iter().any(|value| tried(path, value).is_none())
}

/// What is wrong with this value there, everything else being right.
fn tried(path: &[String], value: Value) -> Option<toml::de::Error> {
    let [sections @ .., key] = path else { return None };
    let mut table: Table = FILLED.parse().unwrap_or_default();
    super::load::insert(&mut table, sections, key, value).ok()?;
    Settings::deserialize_table(table).err()
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

const A_TEXT: &str = "a text in quotes, for example \"text\"";

/// What serde expects, as an operator would write it; `None` for what only a programmer understands.
fn kind_of_value(expected: &str) -> Option<String> {
    let whole = |most: u64| format!("a whole number from 0 to {most}, without quotes");
    Some(match expected {
        "u8" => whole(u8::MAX.into()),
        "u16" => whole(u16::MAX.into()),
        "u32" => whole(u32::MAX.into()),
        "a boolean" => "true or false, without quotes".to_owned(),
        "a string" | "string" | "path string" => A_TEXT.to_owned(),
        "a sequence" => "a list in brackets, for example [\"one\", \"two\"]".to_owned(),
        "a map" => "a table, for example { name = \"value\" }".to_owned(),
        _ if expected.starts_with("struct ") => {
            "a section: its name in brackets, for example [switch], and its keys below".to_owned()
        }
        // Our own words all have one.
        own if own.contains("for example") => own.to_owned(),
        _ => return None,
    })
}

/// In the environment there are no quotation marks around a value: not those of the advice, but those
/// of a list.
pub(super) fn unquoted(told: &str) -> String {
    let told = told.replace(" in quotes", "").replace(", without quotes", "");
    let (mut depth, mut in_ticks) = (0_usize, false);
    told.chars()
        .filter(|c| {
            match c {
                '`' => in_ticks = !in_ticks,
                '[' | '{' if !in_ticks => depth += 1,
                ']' | '}' if !in_ticks => depth = depth.saturating_sub(1),
                _ => {}
            }
            *c != '"' || depth > 0 || in_ticks
        })
        .collect()
}
