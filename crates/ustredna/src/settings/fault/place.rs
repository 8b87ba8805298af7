//! Where in the file something stands.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// The line in which a key stands, if it is in the file.
pub(in super::super) fn line_of(text: &str, path: &str) -> Option<usize> {
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

pub(super) fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// Where each value of a list stands.
pub(super) fn entries(text: &str, path: &[String]) -> Vec<usize> {
    let Ok(parsed) = DeTable::parse(text) else { return Vec::new() };
    let [sections @ .., key] = path else { return Vec::new() };
    let section = sections.iter().try_fold(parsed.get_ref(), |table, name| {
        table.get(name.as_str()).and_then(|value| value.get_ref().as_table())
    });
    let list = section.and_then(|table| table.get(key.as_str())?.get_ref().as_array());
    list.into_iter().flat_map(|list| list.iter().map(|value| value.span().start)).collect()
}

/// The innermost key at a place in the file.
#[derive(Default)]
pub(super) struct Place {
    pub(super) path: Vec<String>,
    /// Whether the key is one of a section.
    pub(super) is_section: bool,
}

impl Place {
    pub(super) fn new(table: &DeTable<'_>, at: usize) -> Self {
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
        if within(key.span(), at) {
            return;
        }
        match value.get_ref() {
            DeValue::Table(inner) => self.enter(inner, at),
            // Sections of one name, `[[…]]`: the keys below each of them.
            DeValue::Array(list) => {
                let inside = list.iter().find(|value| holds(value.get_ref(), at));
                if let Some(inner) = inside.and_then(|value| value.get_ref().as_table()) {
                    self.enter(inner, at);
                }
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {}
        }
    }
}

fn within(span: Range<usize>, at: usize) -> bool {
    span.contains(&at)
}

/// Whether a key of it stands at that place: what is written below a header is not in its span.
fn holds(value: &DeValue<'_>, at: usize) -> bool {
    let in_table = value.as_table().is_some_and(|table| {
        table.iter().any(|(key, value)| {
            within(key.span(), at) || within(value.span(), at) || holds(value.get_ref(), at)
        })
    });
    in_table
        || value.as_array().is_some_and(|list| list.iter().any(|value| holds(value.get_ref(), at)))
}
