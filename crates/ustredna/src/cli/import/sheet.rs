//! The table of an import as it stands in the file.

use std::collections::HashMap;

use anyhow::{Context as _, bail};
use csv::{ReaderBuilder, StringRecord};
use exchange::{
    model::{Language, PairingNumber},
    number::PhoneNumber,
};
use jiff::Timestamp;
use store::ImportRow;

use super::{
    encoding::decode,
    field,
    header::{Columns, separator},
};
use crate::{
    cli::{
        desk::hotline,
        when::{self, Edge},
    },
    counted::counted,
    settings::Settings,
    text::visible,
};

/// The good lines, and what is wrong with the others.
pub(super) struct Sheet {
    pub(super) rows: Vec<ImportRow>,
    /// Line and reason.
    pub(super) problems: Vec<(u64, String)>,
    /// What the file is written in.
    pub(super) encoding: &'static str,
}

impl Sheet {
    pub(super) fn read(bytes: &[u8], settings: &Settings) -> anyhow::Result<Self> {
        let decoded = decode(bytes)?;
        let (text, told) = without_separator_line(&decoded.text);
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let mut reader = ReaderBuilder::new()
            .delimiter(told.unwrap_or_else(|| separator(first)))
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());

        let mut records = reader.records();
        let header = records.next().transpose()?.context("the table is empty")?;
        let at = line(&header, &text);
        let columns = Columns::read(&header).with_context(|| format!("line {at}"))?;
        let mut sheet = Self { rows: Vec::new(), problems: Vec::new(), encoding: decoded.encoding };
        let mut seen: HashMap<Vec<String>, u64> = HashMap::new();
        for record in records {
            let record = record?;
            // Spreadsheets keep lines that were emptied.
            if record.iter().all(|field| field.trim().is_empty()) {
                continue;
            }
            let at = line(&record, &text);
            let fields: Vec<_> = record.iter().map(field::typed).collect();
            if let Some(before) = seen.get(&fields) {
                let problem = format!("it says the same as line {before}: remove one of the two");
                sheet.problems.push((at, problem));
                continue;
            }
            sheet.take(&record, &columns, at, settings);
            seen.insert(fields, at);
        }
        if sheet.rows.is_empty() && sheet.problems.is_empty() {
            bail!("the table has a header and no lines");
        }
        Ok(sheet)
    }

    fn take(&mut self, record: &StringRecord, columns: &Columns, line: u64, settings: &Settings) {
        if record.iter().any(|field| field.contains('\n')) {
            let problem = "a field goes on in the next line: is a quotation mark not closed?";
            return self.problems.push((line, problem.to_owned()));
        }
        let Some(fields) = columns.pick(record) else {
            let has = counted(record.len(), "column");
            return self
                .problems
                .push((line, format!("it has {has} instead of {}", columns.count)));
        };
        let mut reading = Reading { settings, problems: Vec::new() };
        let row = reading.row(line, fields);
        // No row only with a problem told.
        self.rows.extend(row);
        self.problems.extend(reading.problems.into_iter().map(|problem| (line, problem)));
    }
}

/// Excel's own first line, `sep=;`, tells the separator. It stays as an empty line, so that lines
/// keep their numbers.
fn without_separator_line(text: &str) -> (std::borrow::Cow<'_, str>, Option<u8>) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let told = first.trim_matches(['"', ' ']).to_lowercase();
    match told.strip_prefix("sep=").map(str::as_bytes) {
        Some(&[separator]) => (format!("\n{rest}").into(), Some(separator)),
        // A tab is taken for a space at the end.
        Some(&[]) if first.contains('\t') => (format!("\n{rest}").into(), Some(b'\t')),
        Some(_) | None => (text.into(), None),
    }
}

/// Reads the fields of a line; `None` after telling what is wrong with one.
struct Reading<'a> {
    settings: &'a Settings,
    problems: Vec<String>,
}

#[expect(clippy::option_option, reason = "outside: whether it could be read; inside: empty fields")]
impl Reading<'_> {
    fn row(&mut self, line: u64, fields: [&str; 8]) -> Option<ImportRow> {
        let typed = fields.map(field::typed);
        let [phone, _, language, number, id, _, from, to] = typed.each_ref();
        let [_, name, _, _, _, project, _, _] = fields.map(visible);
        // All fields are read before any is missed, so that each wrong one is told.
        let shopper_phone = self.phone("shopper_phone", phone);
        let shopper_name = self.text("shopper_name", &name);
        let language = self.language(language);
        let fictitious_number = self.phone("fictitious_number", number);
        let number = self.id(id);
        let project = self.text("project", &project);
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
        if field::is_scientific(field) {
            return self.wrong(
                column,
                field,
                "this is how Excel shows a long number, and its last digits are lost: format the \
                 column as text, write the number again and save",
            );
        }
        match PhoneNumber::parse(field::number(field), self.settings.exchange.country.0) {
            Ok(number) => match hotline(self.settings, &number) {
                Some(why) => self.wrong(column, field, why),
                None => Some(number),
            },
            Err(error) => self.wrong(column, field, error),
        }
    }

    fn text(&mut self, column: &str, field: &str) -> Option<Option<String>> {
        if field.chars().any(char::is_control) {
            self.problems.push(format!("{column} has a tab or another control character"));
            return None;
        }
        Some((!field.is_empty()).then(|| field.to_owned()))
    }

    fn language(&mut self, field: &str) -> Option<Option<Language>> {
        match field {
            "" => Some(None),
            _ => match field.to_lowercase().parse() {
                Ok(language) => Some(Some(language)),
                Err(_) => self.wrong("language", field, "it must be cs, en or empty"),
            },
        }
    }

    fn id(&mut self, field: &str) -> Option<Option<PairingNumber>> {
        match field {
            "" => Some(None),
            _ => match field::number(field).parse().ok().and_then(PairingNumber::new) {
                Some(id) => Some(Some(id)),
                None => self.wrong("id", field, "it must be a number from 1 to 999 or empty"),
            },
        }
    }

    fn time(&mut self, column: &str, field: &str, edge: Edge) -> Option<Option<Timestamp>> {
        if field.is_empty() {
            return Some(None);
        }
        if field::is_serial_date(field) {
            return self.wrong(
                column,
                field,
                "this is how Excel keeps a date: format the column as a date, such as 2026-11-22",
            );
        }
        match when::moment(field, &self.settings.exchange.timezone.0, edge) {
            Ok(at) => Some(Some(at)),
            Err(_) => self.wrong(
                column,
                field,
                "write 2026-11-22, 22.11.2026 or 2026-11-22T10:30:00+01:00 (a day that there is, \
                 with four digits of the year), or leave it empty",
            ),
        }
    }
}

/// The line a record begins in: empty lines before it are skipped, but the reader counts them only
/// afterwards.
fn line(record: &StringRecord, text: &str) -> u64 {
    let Some(position) = record.position() else { return 0 };
    let rest = usize::try_from(position.byte()).ok().and_then(|at| text.as_bytes().get(at..));
    let empty = rest.unwrap_or_default().iter().take_while(|byte| **byte == b'\n');
    position.line() + empty.count() as u64
}
