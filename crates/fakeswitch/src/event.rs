//! Events: a name, headers in order, perhaps a body.

use std::{
    fmt::{Display, Write as _},
    ops::Range,
};

use serde_json::{Map, Value};

use crate::encode::percent;

/// Names with values, in order. All text is in one piece: an event has some 150 headers, and most
/// events have one reader.
#[derive(Debug, Clone, Default)]
pub(crate) struct Headers {
    text: String,
    marks: Vec<Mark>,
}

/// Where a header's value begins and ends; its name ends where the value begins.
#[derive(Debug, Clone, Copy)]
struct Mark {
    name: usize,
    value: usize,
    end: usize,
}

/// An event as it goes to listeners.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) name: &'static str,
    pub(crate) headers: Headers,
    body: Option<String>,
}

/// How a listener wants its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Plain,
    Json,
    Xml,
}

impl Headers {
    pub(crate) fn with_room() -> Self {
        Self { text: String::with_capacity(8192), marks: Vec::with_capacity(192) }
    }

    pub(crate) fn add(&mut self, name: &str, value: &str) {
        self.add_under("", name, value);
    }

    /// A value that is no text yet.
    pub(crate) fn add_shown(&mut self, name: &str, value: impl Display) {
        self.add_shown_under("", name, value);
    }

    /// A header whose name is put together of two, such as `variable_` and a variable's.
    pub(crate) fn add_under(&mut self, prefix: &str, name: &str, value: &str) {
        let mark = self.begin(prefix, name);
        self.text.push_str(value);
        self.end(mark);
    }

    pub(crate) fn add_shown_under(&mut self, prefix: &str, name: &str, value: impl Display) {
        let mark = self.begin(prefix, name);
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{value}");
        self.end(mark);
    }

    /// Empty values are not added, as NULL ones are not.
    pub(crate) fn add_some(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.add(name, value);
        }
    }

    pub(crate) fn extend(&mut self, others: &Self) {
        for (name, value) in others.iter() {
            self.add(name, value);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.marks
            .iter()
            .map(|mark| (self.part(mark.name..mark.value), self.part(mark.value..mark.end)))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// About how long they are as text: a fifth is encoded, and each has a colon, a blank and an end.
    fn room(&self) -> usize {
        self.text.len() + self.text.len() / 4 + 3 * self.marks.len() + 64
    }

    fn begin(&mut self, prefix: &str, name: &str) -> (usize, usize) {
        let begin = self.text.len();
        self.text.push_str(prefix);
        self.text.push_str(name);
        (begin, self.text.len())
    }

    fn end(&mut self, (name, value): (usize, usize)) {
        self.marks.push(Mark { name, value, end: self.text.len() });
    }

    fn part(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }
}

impl Event {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, headers: Headers::with_room(), body: None }
    }

    pub(crate) fn set_body(&mut self, body: String) {
        self.body = Some(body);
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The reply to `connect`: the channel's data as a flat header list without a length.
    pub(crate) fn connect_reply(&self) -> Vec<u8> {
        let mut text = String::with_capacity(self.headers.room());
        self.lines(&mut text);
        text.push('\n');
        text.into_bytes()
    }

    /// The frame that carries it.
    pub(crate) fn frame(&self, format: Format) -> Vec<u8> {
        // Room for the frame's own header, whose length is known when the event is written.
        const HEAD: usize = 64;
        let mut text = String::with_capacity(HEAD + self.headers.room());
        text.extend(std::iter::repeat_n(' ', HEAD));
        let kind = match format {
            Format::Plain => {
                self.plain(&mut text);
                "plain"
            }
            Format::Json => {
                self.json(&mut text);
                "json"
            }
            Format::Xml => {
                self.xml(&mut text);
                "xml"
            }
        };
        let length = text.len() - HEAD;
        let head = format!("Content-Length: {length}\nContent-Type: text/event-{kind}\n\n");
        let begin = HEAD.saturating_sub(head.len());
        text.replace_range(begin..HEAD, &head);
        text.drain(..begin);
        text.into_bytes()
    }

    fn lines(&self, text: &mut String) {
        for (name, value) in self.headers.iter() {
            text.push_str(name);
            text.push_str(": ");
            if value.is_empty() {
                text.push_str("_undef_");
            }
            percent(value, text);
            text.push('\n');
        }
    }

    fn plain(&self, text: &mut String) {
        self.lines(text);
        if let Some(body) = &self.body {
            // Writing to a string cannot fail.
            let _ = write!(text, "Content-Length: {}\n\n{body}", body.len());
        } else {
            text.push('\n');
        }
    }

    fn json(&self, text: &mut String) {
        text.push('{');
        let mut add = |name: &str, value: &str| {
            if !text.ends_with('{') {
                text.push(',');
            }
            let _ = write!(text, "{}:{}", Value::from(name), Value::from(value));
        };
        for (name, value) in self.headers.iter() {
            add(name, value);
        }
        if let Some(body) = &self.body {
            add("Content-Length", &body.len().to_string());
            add("_body", body);
        }
        text.push('}');
    }

    fn xml(&self, text: &mut String) {
        text.push_str("<event>\n  <headers>\n");
        for (name, value) in self.headers.iter() {
            let _ = write!(text, "    <{name}>");
            percent(value, text);
            let _ = writeln!(text, "</{name}>");
        }
        text.push_str("  </headers>\n");
        if let Some(body) = &self.body {
            let _ = writeln!(
                text,
                "  <body>{}</body>",
                body.replace('&', "&amp;").replace('<', "&lt;")
            );
        }
        text.push_str("</event>");
    }
}

/// A JSON object of strings, for `uuid_dump` and `show … as json`.
pub(crate) fn object<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Value {
    Value::Object(
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::String(value)))
            .collect::<Map<_, _>>(),
    )
}
