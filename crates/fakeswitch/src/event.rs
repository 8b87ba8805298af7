//! Events: a name, headers in order, perhaps a body.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::encode::percent;

/// An event as it goes to a listener.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) name: &'static str,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

/// How a listener wants its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Plain,
    Json,
    Xml,
}

impl Event {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, headers: Vec::with_capacity(192), body: None }
    }

    pub(crate) fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.headers.push((name.into(), value.into()));
    }

    /// Empty values are not added, as NULL ones are not.
    pub(crate) fn add_some(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.add(name, value);
        }
    }

    pub(crate) fn set_body(&mut self, body: String) {
        self.body = Some(body);
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The reply to `connect`: the channel's data as a flat header list without a length.
    pub(crate) fn connect_reply(&self) -> Vec<u8> {
        let mut text = self.lines();
        text.push('\n');
        text.into_bytes()
    }

    /// The frame that carries it.
    pub(crate) fn frame(&self, format: Format) -> Vec<u8> {
        let (kind, body) = match format {
            Format::Plain => ("plain", self.plain()),
            Format::Json => ("json", self.json()),
            Format::Xml => ("xml", self.xml()),
        };
        let length = body.len();
        format!("Content-Length: {length}\nContent-Type: text/event-{kind}\n\n{body}").into_bytes()
    }

    fn lines(&self) -> String {
        let mut text = String::with_capacity(8192);
        for (name, value) in &self.headers {
            text.push_str(name);
            text.push_str(": ");
            if value.is_empty() {
                text.push_str("_undef_");
            }
            percent(value, &mut text);
            text.push('\n');
        }
        text
    }

    fn plain(&self) -> String {
        let mut text = self.lines();
        if let Some(body) = &self.body {
            // Writing to a string cannot fail.
            let _ = write!(text, "Content-Length: {}\n\n{body}", body.len());
        } else {
            text.push('\n');
        }
        text
    }

    fn json(&self) -> String {
        let mut text = String::from("{");
        let mut add = |name: &str, value: &str| {
            if text.len() > 1 {
                text.push(',');
            }
            let _ = write!(text, "{}:{}", Value::from(name), Value::from(value));
        };
        for (name, value) in &self.headers {
            add(name, value);
        }
        if let Some(body) = &self.body {
            add("Content-Length", &body.len().to_string());
            add("_body", body);
        }
        text.push('}');
        text
    }

    fn xml(&self) -> String {
        let mut text = String::from("<event>\n  <headers>\n");
        for (name, value) in &self.headers {
            let mut encoded = String::new();
            percent(value, &mut encoded);
            let _ = writeln!(text, "    <{name}>{encoded}</{name}>");
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
        text
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

impl Event {
    pub(crate) fn headers(&self) -> &[(String, String)] {
        &self.headers
    }
}
