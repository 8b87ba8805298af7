//! Patterns with placeholders, filled in for one message.

use secrecy::{ExposeSecret as _, SecretString};

/// The placeholders every pattern knows, beside the operator's `secrets`.
const KNOWN: [&str; 4] = ["to", "text", "id", "from"];

enum Part {
    Fixed(SecretString),
    Value(String),
}

/// A text with placeholders that are all known.
///
/// ```text
/// pattern     = *( character / "{{" / "}}" / placeholder )
/// placeholder = "{" ( "to" / "text" / "id" / "from" / name-of-a-secret ) "}"
/// ```
pub(super) struct Pattern(Vec<Part>);

impl Pattern {
    /// Reads a pattern; an error shows nothing of it: what is between braces may be part of a password.
    pub(super) fn parse(text: &str, secrets: &[&str]) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut fixed = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if !matches!(c, '{' | '}') || chars.next_if_eq(&c).is_some() {
                fixed.push(c);
                continue;
            }
            if c == '}' {
                return Err("a `}` closes nothing; a brace itself is written `}}`".into());
            }
            let mut name = String::new();
            loop {
                match chars.next() {
                    Some('}') => break,
                    Some(c) if c.is_ascii_alphanumeric() || c == '_' => name.push(c),
                    Some(_) | None => {
                        return Err(
                            "a `{` begins no placeholder; a brace itself is written `{{`".into()
                        );
                    }
                }
            }
            if !KNOWN.contains(&name.as_str()) && !secrets.contains(&name.as_str()) {
                return Err("a placeholder is unknown; there are `{to}`, `{text}`, `{id}`, `{from}` and those in `secrets`, and a brace itself is written `{{`".into());
            }
            parts.push(Part::Fixed(std::mem::take(&mut fixed).into()));
            parts.push(Part::Value(name));
        }
        parts.push(Part::Fixed(fixed.into()));
        Ok(Self(parts))
    }

    /// What is the operator's own in it.
    pub(super) fn fixed(&self) -> impl Iterator<Item = &SecretString> {
        self.0.iter().filter_map(|part| match part {
            Part::Fixed(text) => Some(text),
            Part::Value(_) => None,
        })
    }

    /// Whether the placeholder is in it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Value(found) if found == name))
    }

    /// The text for one message; what is not fixed goes through `escape`.
    pub(super) fn fill<'v>(
        &self,
        value: impl Fn(&str) -> Option<&'v str>,
        escape: impl Fn(&str) -> String,
    ) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Fixed(text) => text.expose_secret().to_owned(),
                Part::Value(name) => escape(value(name).unwrap_or_default()),
            })
            .collect()
    }
}
