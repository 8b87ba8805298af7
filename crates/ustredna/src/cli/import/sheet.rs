//! The table of an import as it stands in the file.

use anyhow::{Context as _, bail};
use csv::{ByteRecord, ReaderBuilder, Trim};
use exchange::{
    model::{Language, PairingNumber},
    number::PhoneNumber,
};
use jiff::Timestamp;
use store::ImportRow;

use crate::{
    cli::{
        desk::hotline,
        when::{self, Edge},
    },
    settings::Settings,
};

const HEADER: [&str; 8] = [
    "shopper_phone",
    "shopper_name",
    "language",
    "fictitious_number",
    "id",
    "project",
    "valid_from",
    "valid_to",
];

/// The good lines, and what is wrong with the others.
pub(super) struct Sheet {
    pub(super) rows: Vec<ImportRow>,
    /// Line and reason.
    pub(super) problems: Vec<(u64, String)>,
}

impl Sheet {
    pub(super) fn read(bytes: &[u8], settings: &Settings) -> anyhow::Result<Self> {
        // Where the decimal separator is a comma, as in Czech, spreadsheets separate by semicolons.
        let first = bytes.split(|b| *b == b'\n').find(|line| !line.trim_ascii().is_empty());
        let semicolons = first.is_some_and(|line| line.contains(&b';') && !line.contains(&b','));
        // It passes over the byte order mark that Excel begins a "CSV UTF-8" with.
        let mut reader = ReaderBuilder::new()
            .delimiter(if semicolons { b';' } else { b',' })
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .from_reader(bytes);

        let mut records = reader.byte_records();
        let header = records.next().transpose()?.context("the file is empty")?;
        if !header.iter().eq(HEADER.iter().map(|name| name.as_bytes())) {
            bail!("line {}: the header must be exactly {}", line(&header, bytes), HEADER.join(","));
        }
        let mut sheet = Self { rows: Vec::new(), problems: Vec::new() };
        for record in records {
            let record = record?;
            // Spreadsheets keep lines that were emptied.
            if record.iter().any(|field| !field.is_empty()) {
                sheet.take(&record, line(&record, bytes), settings);
            }
        }
        Ok(sheet)
    }

    fn take(&mut self, record: &ByteRecord, line: u64, settings: &Settings) {
        let mut reading = Reading { settings, problems: Vec::new() };
        let row = reading.row(line, record);
        // No row only with a problem told.
        self.rows.extend(row);
        self.problems.extend(reading.problems.into_iter().map(|problem| (line, problem)));
    }
}

/// Reads the fields of a line; `None` after telling what is wrong with one.
struct Reading<'a> {
    settings: &'a Settings,
    problems: Vec<String>,
}

#[expect(clippy::option_option, reason = "outside: whether it could be read; inside: empty fields")]
impl Reading<'_> {
    fn row(&mut self, line: u64, record: &ByteRecord) -> Option<ImportRow> {
        let fields: Option<Vec<&str>> =
            record.iter().map(|field| std::str::from_utf8(field).ok()).collect();
        let Some(fields) = fields else {
            self.problems.push("it is not UTF-8: save the table as \"CSV UTF-8\"".to_owned());
            return None;
        };
        let &[phone, name, language, number, id, project, from, to] = fields.as_slice() else {
            let columns = fields.len();
            self.problems.push(format!("it has {columns} columns instead of {}", HEADER.len()));
            return None;
        };
        // All fields are read before any is missed, so that each wrong one is told.
        let shopper_phone = self.phone("shopper_phone", phone);
        let shopper_name = self.text("shopper_name", name);
        let language = self.language(language);
        let fictitious_number = self.phone("fictitious_number", number);
        let number = self.id(id);
        let project = self.text("project", project);
        let valid_from = self.time("valid_from", from, Edge::Start);
        let valid_to = self.time("valid_to", to, Edge::End);
        Some(ImportRow {
            line,
            shopper_phone: shopper_phone?,
            shopper_name: shopper_name?,
            language: language?,
            fictitious_number: fictitious_number?,
            number: number?,
            project: project?,
            valid_from: valid_from?,
            valid_to: valid_to?,
        })
    }

    fn wrong<T>(&mut self, column: &str, field: &str, why: impl std::fmt::Display) -> Option<T> {
        self.problems.push(format!("{column} `{field}`: {why}"));
        None
    }

    fn phone(&mut self, column: &str, field: &str) -> Option<PhoneNumber> {
        if field.is_empty() {
            self.problems.push(format!("{column} is empty"));
            return None;
        }
        match PhoneNumber::parse(field, self.settings.exchange.country.0) {
            Ok(number) => match hotline(self.settings, &number) {
                Some(why) => self.wrong(column, field, why),
                None => Some(number),
            },
            Err(error) => self.wrong(column, field, error),
        }
    }

    fn text(&mut self, column: &str, field: &str) -> Option<Option<String>> {
        if field.chars().any(char::is_control) {
            self.problems.push(format!("{column} has a line break or another control character"));
            return None;
        }
        Some((!field.is_empty()).then(|| field.to_owned()))
    }

    fn language(&mut self, field: &str) -> Option<Option<Language>> {
        match field {
            "" => Some(None),
            _ => match field.parse() {
                Ok(language) => Some(Some(language)),
                Err(_) => self.wrong("language", field, "it must be cs, en or empty"),
            },
        }
    }

    fn id(&mut self, field: &str) -> Option<Option<PairingNumber>> {
        match field {
            "" => Some(None),
            _ => match field.parse().ok().and_then(PairingNumber::new) {
                Some(id) => Some(Some(id)),
                None => self.wrong("id", field, "it must be a number from 1 to 999 or empty"),
            },
        }
    }

    fn time(&mut self, column: &str, field: &str, edge: Edge) -> Option<Option<Timestamp>> {
        match field {
            "" => Some(None),
            _ => match when::moment(field, &self.settings.exchange.timezone.0, edge) {
                Ok(at) => Some(Some(at)),
                Err(_) => self.wrong(
                    column,
                    field,
                    "write 2026-11-22 or 2026-11-22T10:30:00+01:00, or leave it empty",
                ),
            },
        }
    }
}

/// The line a record begins in: empty lines before it are skipped, but the reader counts them only
/// afterwards.
fn line(record: &ByteRecord, bytes: &[u8]) -> u64 {
    let Some(position) = record.position() else { return 0 };
    let rest = usize::try_from(position.byte()).ok().and_then(|at| bytes.get(at..));
    let empty = rest.unwrap_or_default().iter().take_while(|b| matches!(b, b'\r' | b'\n'));
    position.line() + empty.filter(|b| **b == b'\n').count() as u64
}
