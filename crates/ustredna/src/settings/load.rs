//! Reads the settings file and the environment.

use std::{fs, io::ErrorKind, path::Path};

use anyhow::{Context as _, bail};
use toml::{Table, Value};

use super::Settings;

pub(super) const PREFIX: &str = "USTREDNA_";

/// Reads `path`, if it is there, and lays the environment over it. A missing file is an error
/// only when `required`, that is when somebody named it.
pub(crate) fn load(
    path: &Path,
    required: bool,
    environment: impl IntoIterator<Item = (String, String)>,
) -> anyhow::Result<Settings> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound && !required => String::new(),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read settings {}", path.display()));
        }
    };
    // The file by itself first: only then do errors know their line.
    let mut settings: Settings = toml::from_str(&text)
        .map_err(|error| anyhow::anyhow!("{}, {}", path.display(), explain(&error, &text)))?;
    let mut table: Table = toml::from_str(&text)?;
    let mut variables: Vec<(String, String)> =
        environment.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
    variables.sort();
    for (name, value) in variables {
        settings = overlay(&mut table, &name, &value)
            .with_context(|| format!("environment variable {name}"))?;
    }
    settings.check().with_context(|| format!("in {} or the environment", path.display()))?;
    Ok(settings)
}

/// Lays one variable over the table: `USTREDNA_SMS__SPOOL__DIR` is `dir` of `[sms.spool]`. The
/// value is a TOML value where it is one of the right kind (a number, a list), else a string.
fn overlay(table: &mut Table, name: &str, value: &str) -> anyhow::Result<Settings> {
    let path: Vec<String> =
        name.trim_start_matches(PREFIX).to_lowercase().split("__").map(str::to_owned).collect();
    let [sections @ .., key] = path.as_slice() else { bail!("names no setting") };
    if sections.is_empty() {
        bail!("names no setting: write USTREDNA_SECTION__KEY, for example USTREDNA_DATABASE__URL");
    }
    let string = Value::String(value.to_owned());
    let candidates = match format!("value = {value}").parse::<Table>() {
        Ok(mut parsed) => vec![parsed.remove("value").unwrap_or(string.clone()), string],
        Err(_) => vec![string],
    };
    let mut problem = None;
    for candidate in candidates {
        let is_text = candidate.is_str();
        let mut attempt = table.clone();
        insert(&mut attempt, sections, key, candidate)?;
        match Settings::deserialize_table(attempt.clone()) {
            Ok(settings) => {
                *table = attempt;
                return Ok(settings);
            }
            // What is wrong in a table or list says more than that it is no text.
            Err(error) => problem = if is_text { problem.or(Some(error)) } else { Some(error) },
        }
    }
    let key = path.join(".");
    match problem {
        Some(error) if !is_secret(key.rsplit('.').next().unwrap_or_default()) => {
            bail!("{}", without_value(error.message()))
        }
        Some(_) | None => bail!("`{key}` has a wrong value: it is a text"),
    }
}

/// Whether a setting's value must not be shown.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "url", "secret", "token", "authorization", "header", "form", "json", "key"]
        .iter()
        .any(|word| key.contains(word))
}

/// What serde says without the value that it met, which may be a secret in the wrong place:
/// ``invalid type: string "…", expected u16`` and ``unknown variant `…`, expected `cs` or `en```.
fn without_value(message: &str) -> String {
    let Some((at, what)) = [
        ("invalid type: ", "another kind of value stands here"),
        ("invalid value: ", "this value does not fit"),
        ("unknown variant ", "this word is not known"),
    ]
    .into_iter()
    .filter_map(|(begins, what)| Some((message.find(begins)?, what)))
    .min() else {
        return message.to_owned();
    };
    let before = message.get(..at).unwrap_or_default();
    // The last one: the value may hold the same words.
    match message.rsplit_once(", expected ") {
        Some((_, expected)) => format!("{before}{what}, expected {expected}"),
        None => format!("{before}{what}"),
    }
}

/// `line 3, `countri`: unknown field …`: where, which key, and what is allowed. TOML's own text
/// would show the whole line, and with it a password.
fn explain(error: &toml::de::Error, text: &str) -> String {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let before = text.get(..at).unwrap_or_default();
    let line = before.lines().count().max(1) - usize::from(before.is_empty());
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let source = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    let line = line.max(1) + usize::from(before.ends_with('\n'));
    let (key, rest) = {
        let source = source.trim_start();
        let end = source.find(|c: char| !c.is_ascii_alphanumeric() && !"_.-[]".contains(c));
        source.split_at(end.unwrap_or(source.len()))
    };
    if is_secret(key) {
        return format!("line {line}, `{key}`: not a text in quotes, or not its name");
    }
    let message = without_value(error.message());
    // A line without a key may be one of a text over several lines.
    if key.starts_with('[') || rest.trim_start().starts_with('=') {
        format!("line {line}, `{key}`: {message}")
    } else {
        format!("line {line}: {message}")
    }
}

fn insert(table: &mut Table, sections: &[String], key: &str, value: Value) -> anyhow::Result<()> {
    let mut at = table;
    for section in sections {
        let inner = at.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
        at = inner.as_table_mut().with_context(|| format!("`{section}` is no section"))?;
    }
    at.insert(key.to_owned(), value);
    Ok(())
}

impl Settings {
    fn deserialize_table(table: Table) -> Result<Self, toml::de::Error> {
        table.try_into()
    }
}
