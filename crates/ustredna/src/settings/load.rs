//! Reads the settings file and the environment.

use std::{io::ErrorKind, path::Path};

use anyhow::{Context as _, bail};
use toml::{Table, Value};

use super::{Settings, SmsGateway, fault};
use crate::given;

pub(super) const PREFIX: &str = "USTREDNA_";

/// More is no settings file, and takes long to read.
const LARGEST: u64 = 1_000_000;

/// Whether an environment variable of this name is a setting.
pub(crate) fn is_variable(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Reads `path`, if it is there, and lays the environment over it. A missing file is an error
/// only when `required`, that is when somebody named it.
pub(crate) fn load(
    path: &Path,
    required: bool,
    environment: impl IntoIterator<Item = (String, String)>,
) -> anyhow::Result<Settings> {
    let usable = |settings: &Settings| settings.check().and_then(|()| settings.known_ports());
    read(path, required, environment, usable)
}

/// Reads `path` alone, for an exchange in this process, whose ports its owner asks for.
pub(crate) fn load_alone(path: &Path) -> anyhow::Result<Settings> {
    read(path, true, [], Settings::check)
}

fn read(
    path: &Path,
    required: bool,
    environment: impl IntoIterator<Item = (String, String)>,
    usable: impl Fn(&Settings) -> anyhow::Result<()>,
) -> anyhow::Result<Settings> {
    let text = if !required && matches!(path.try_exists(), Ok(false)) {
        String::new()
    } else {
        let read = given::read(path, LARGEST).and_then(|bytes| {
            String::from_utf8(bytes).map_err(|_| unreadable(&ErrorKind::InvalidData.into()))
        });
        read.map_err(|why| anyhow::anyhow!("cannot read settings {}: {why}", path.display()))?
    };
    // The file by itself first: only then do errors know their line.
    let fault = |told: String| anyhow::anyhow!("{}, {told}", path.display());
    let mut table = text.parse::<Table>().unwrap_or_default();
    if let Some(section) = fault::no_section(&table) {
        let line = fault::line_of(&text, &section).unwrap_or(1);
        return Err(fault(format!(
            "line {line}, `{section}`: write a section: its name in single brackets, [{section}], \
             and its keys below"
        )));
    }
    let mut settings: Settings =
        toml::from_str(&text).map_err(|error| fault(fault::in_file(&error, &text)))?;
    let mut variables: Vec<(String, String)> =
        environment.into_iter().filter(|(name, _)| is_variable(name)).collect();
    variables.sort();
    for (name, value) in &variables {
        settings = overlay(&mut table, settings, name, value)
            .with_context(|| format!("environment variable {name}"))?;
    }
    if let Err(error) = usable(&settings) {
        let told = format!("{error:#}");
        bail!("{}", placed(&told, &variables, path, &text));
    }
    Ok(settings)
}

/// Where the first of the keys is set that an error speaks of: each says first which it is about, and
/// one that is not set anywhere can only be in the way of another.
fn placed(told: &str, variables: &[(String, String)], path: &Path, text: &str) -> String {
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let keys = told.split(|c| !is_key(c)).map(|word| word.trim_matches('.'));
    let keys: Vec<_> = keys.filter(|word| word.contains('.')).collect();
    for key in &keys {
        let variable = variable(key);
        if variables.iter().any(|(name, _)| name.eq_ignore_ascii_case(&variable)) {
            return format!("environment variable {variable}: {}", fault::unquoted(told));
        }
    }
    match keys.iter().find_map(|key| fault::line_of(text, key)) {
        Some(line) => format!("{}, line {line}: {told}", path.display()),
        None => format!("in {} or the environment: {told}", path.display()),
    }
}

/// The name by which a key is set in the environment.
fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

/// Why a file cannot be read, and what to do about it.
pub(crate) fn unreadable(error: &std::io::Error) -> String {
    let kind = error.kind();
    if kind == ErrorKind::InvalidData {
        "it is not UTF-8: save it as UTF-8".to_owned()
    } else if kind == ErrorKind::IsADirectory {
        "it is a folder: name the file".to_owned()
    } else if kind == ErrorKind::NotFound {
        "there is no such file".to_owned()
    } else if kind == ErrorKind::PermissionDenied {
        "this user may not read it".to_owned()
    } else {
        error.to_string()
    }
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
        if let Some(section) = fault::no_section(&attempt) {
            if is_text && problem.is_none() {
                bail!(
                    "`{section}`: this is a section: write each of its keys, {}__KEY",
                    variable(&section)
                );
            }
            continue;
        }
        if retention_projects(&attempt) != retention_projects(table) {
            bail!(
                "projects are set in the file alone: write a section [recordings.retention.projects] \
                 there"
            );
        }
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
    match problem {
        Some(error) => bail!("`{}`: {}", path.join("."), fault::in_environment(&error, &path)),
        None => bail!("`{}`: write a text", path.join(".")),
    }
}

/// Sections that may be left out, but not some of their keys alone; inner ones before outer ones, as
/// serde finds what they lack.
pub(super) const OPTIONAL: [&str; 5] =
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

/// How long recordings of projects are kept. The name of a project cannot stand in that of a variable,
/// which has no letters but capitals.
fn retention_projects(table: &Table) -> Option<&Value> {
    table.get("recordings")?.get("retention")?.get("projects")
}

pub(super) fn insert(
    table: &mut Table,
    sections: &[String],
    key: &str,
    value: Value,
) -> anyhow::Result<()> {
    let mut at = table;
    for section in sections {
        let inner = at.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
        at = inner.as_table_mut().with_context(|| format!("`{section}` is no section"))?;
    }
    at.insert(key.to_owned(), value);
    Ok(())
}

impl Settings {
    pub(super) fn deserialize_table(table: Table) -> Result<Self, toml::de::Error> {
        table.try_into()
    }
}
