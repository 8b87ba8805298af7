//! Reads the settings file and the environment.

use std::{fs, io::ErrorKind, path::Path};

use anyhow::{Context as _, bail};
use toml::{Table, Value};

use super::{Settings, SmsGateway};

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
        settings = overlay(&mut table, settings, &name, &value)
            .with_context(|| format!("environment variable {name}"))?;
    }
    settings.check().with_context(|| format!("in {} or the environment", path.display()))?;
    Ok(settings)
}

/// Lays one variable over the table: `USTREDNA_SMS__SPOOL__DIR` is `dir` of `[sms.spool]`. The
/// value is a TOML value where it is one of the right kind (a number, a list), else a string. A
/// secret for a gateway that is neither described nor chosen lies there for another day.
fn overlay(
    table: &mut Table,
    before: Settings,
    name: &str,
    value: &str,
) -> anyhow::Result<Settings> {
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
    let (mut problem, mut lacks) = (None, None);
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
            Err(error) => {
                lacks = missing_field(error.message()).map(str::to_owned).or(lacks);
                problem = if is_text { problem.or(Some(error)) } else { Some(error) };
            }
        }
    }
    if let (Some(field), Some(section)) = (lacks, absent(table, sections)) {
        if is_lone_secret(sections, key) && !uses(before.sms.gateway, section) {
            return Ok(before);
        }
        bail!("`{section}.{field}` is missing: write a section [{section}] into the file first");
    }
    let key = path.join(".");
    match problem {
        Some(error) if !is_secret(key.rsplit('.').next().unwrap_or_default()) => {
            bail!("{}", without_value(error.message()))
        }
        Some(_) | None => bail!("`{key}` has a wrong value: it is a text"),
    }
}

/// Sections that may be left out, but not some of their keys alone; inner ones before outer ones, as
/// serde finds what they lack.
const OPTIONAL: [&str; 5] =
    ["sms.http.basic", "sms.http.oauth", "sms.http", "sms.smpp", "sms.reports"];

/// Which of those the setting is in, if it is not in the table.
fn absent(table: &Table, sections: &[String]) -> Option<&'static str> {
    OPTIONAL.into_iter().find(|optional| {
        let mut names = optional.split('.');
        let within = sections.len() >= names.clone().count()
            && names.clone().zip(sections).all(|(name, section)| name == section);
        let found = names.try_fold(table, |table, name| table.get(name)?.as_table());
        within && found.is_none()
    })
}

/// What a section lacks, by serde's word.
fn missing_field(message: &str) -> Option<&str> {
    message.split_once("missing field `")?.1.split('`').next()
}

/// Whether this is one of the secrets that a section takes from the environment.
fn is_lone_secret(sections: &[String], key: &str) -> bool {
    matches!(key, "password" | "secret" | "client_secret")
        || sections.last().is_some_and(|section| section == "secrets")
}

/// Whether the gateway goes by one of the optional sections.
fn uses(gateway: SmsGateway, section: &str) -> bool {
    gateway == if section == "sms.smpp" { SmsGateway::Smpp } else { SmsGateway::Http }
}

/// Whether a setting's value must not be shown.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    [
        "password",
        "url",
        "webhook",
        "command",
        "secret",
        "token",
        "authorization",
        "header",
        "form",
        "json",
        "key",
    ]
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
    if key == "command" || key == "alarm.command" {
        return format!(
            "line {line}, `{key}`: write a list: [\"/usr/local/bin/alarm\", \"--page\"]"
        );
    }
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
