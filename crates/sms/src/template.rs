//! Texts with placeholders, checked when the settings are read rather than when a message is due.

use std::fmt;

use crate::text::{Charset, segments};

mod defaults;

pub use defaults::Language;

/// More than two segments cost more than the text is worth, and old phones show them out of order.
const MAX_SEGMENTS: usize = 2;

/// What a message is about; decides which placeholders its text may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A dealer's call was missed and got a ticket number.
    Missed,
    /// The same without a ticket: the number may not be called, or all ticket numbers are taken.
    MissedUnnumbered,
    /// A call from a withheld number was missed: nobody to call back.
    Withheld,
    /// Several missed calls told in one.
    Digest,
    /// The same when none of the callers can be called back.
    DigestWithheld,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 5] =
        [Self::Missed, Self::MissedUnnumbered, Self::Withheld, Self::Digest, Self::DigestWithheld];

    /// The name among the settings: `missed`, `missed_unnumbered`, `withheld`, `digest` or
    /// `digest_withheld`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::MissedUnnumbered => "missed_unnumbered",
            Self::Withheld => "withheld",
            Self::Digest => "digest",
            Self::DigestWithheld => "digest_withheld",
        }
    }

    /// The placeholders a text of this kind may use.
    #[must_use]
    pub fn allowed(self) -> &'static [Placeholder] {
        use Placeholder::{Count, Dealer, Hotline, More, Number, Numbers, Ticket, Time};
        match self {
            Self::Missed => &[Ticket, Dealer, Number, Time, Hotline],
            Self::MissedUnnumbered => &[Dealer, Number, Time, Hotline],
            Self::Withheld => &[Number, Time],
            Self::Digest => &[More, Count, Numbers, Time, Hotline],
            Self::DigestWithheld => &[More, Count, Numbers, Time],
        }
    }
}

/// What stands between braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Placeholder {
    /// `{ticket}`: the ticket's number, 1 to 99.
    Ticket,
    /// `{dealer}`: the number to call back, E.164.
    Dealer,
    /// `{number}`: the fictitious number that was called.
    Number,
    /// `{time}`: when the call was missed, local time.
    Time,
    /// `{hotline}`: the number of the callback hotline.
    Hotline,
    /// `{more}`: how many calls there were besides those told of singly, in words that fit the count.
    More,
    /// `{count}`: the same as a bare number.
    Count,
    /// `{numbers}`: the fictitious number that was called, or one of them and that there are others.
    Numbers,
}

impl Placeholder {
    /// The word between the braces.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Dealer => "dealer",
            Self::Number => "number",
            Self::Time => "time",
            Self::Hotline => "hotline",
            Self::More => "more",
            Self::Count => "count",
            Self::Numbers => "numbers",
        }
    }

    /// The longest value it can stand for, in characters that are all in GSM-7.
    fn longest(self) -> &'static str {
        match self {
            Self::Ticket => "99",
            // E.164: fifteen digits and the `+`.
            Self::Dealer | Self::Number | Self::Hotline => "+999999999999999",
            Self::Numbers => "+999999999999999 and others",
            Self::More => "Dalších 99999 zmeškaných hovorů z neznámých čísel",
            Self::Count => "99999",
            // The hour alone on the same day, with the date when the message is late.
            Self::Time => "31.12. 23:59",
        }
    }
}

/// Why a text is no template, or a template gives no text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The text is empty or blank.
    #[error("the text is empty")]
    Empty,
    /// The name between braces is none of those allowed here.
    #[error("unknown placeholder `{{{name}}}`; allowed are {}", Listed(allowed))]
    Unknown {
        /// What stood between the braces.
        name: String,
        /// What may stand there.
        allowed: &'static [Placeholder],
    },
    /// A `{` has no `}` behind it.
    #[error("`{{` at character {at} is never closed; a brace itself is written `{{{{`")]
    Unclosed {
        /// Position counted from 1.
        at: usize,
    },
    /// A `}` has no `{` before it.
    #[error("`}}` at character {at} closes nothing; a brace itself is written `}}}}`")]
    Stray {
        /// Position counted from 1.
        at: usize,
    },
    /// With the longest values the text takes too many messages.
    #[error("the text takes up to {segments} segments; at most {MAX_SEGMENTS} are allowed")]
    TooLong {
        /// Segments in the worst case.
        segments: usize,
    },
    /// A placeholder of the template has no value.
    #[error("no value for `{{{}}}`", .0.as_str())]
    NoValue(Placeholder),
}

struct Listed<'a>(&'a [Placeholder]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, placeholder) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}`{{{}}}`", placeholder.as_str())?;
        }
        Ok(())
    }
}

/// What the placeholders stand for, as it shall be read in the message.
#[derive(Clone, Copy, Default)]
pub struct Values<'a> {
    /// `{ticket}`
    pub ticket: Option<u8>,
    /// `{dealer}`
    pub dealer: Option<&'a str>,
    /// `{number}`
    pub number: Option<&'a str>,
    /// `{time}`
    pub time: Option<&'a str>,
    /// `{hotline}`
    pub hotline: Option<&'a str>,
    /// `{more}`
    pub more: Option<&'a str>,
    /// `{count}`
    pub count: Option<u32>,
    /// `{numbers}`
    pub numbers: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Placeholder),
}

/// A text of at most two segments whatever is put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
    charset: Charset,
}

impl Template {
    /// Reads a text for messages of this kind, to be sent in this charset.
    ///
    /// ```text
    /// template    = *( character / "{{" / "}}" / placeholder )
    /// placeholder = "{" name "}"          ; one of Kind::allowed
    /// ```
    ///
    /// # Errors
    /// See [`TemplateError`]; all but `NoValue`.
    pub fn parse(kind: Kind, text: &str, charset: Charset) -> Result<Self, TemplateError> {
        if text.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        let template = Self { parts: parse_parts(text, kind.allowed())?, charset };
        match template.worst_case_segments() {
            0..=MAX_SEGMENTS => Ok(template),
            segments => Err(TemplateError::TooLong { segments }),
        }
    }

    /// The segments of the text with the longest value in every place.
    #[must_use]
    pub fn worst_case_segments(&self) -> usize {
        let longest: String = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Value(placeholder) => placeholder.longest(),
            })
            .collect();
        segments(&self.charset.apply(&longest)).segments
    }

    /// The text of one message, in the charset.
    ///
    /// # Errors
    /// [`TemplateError::NoValue`] if the template names a placeholder that `values` leaves out.
    pub fn render(&self, values: &Values<'_>) -> Result<String, TemplateError> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(fixed) => text.push_str(fixed),
                Part::Value(placeholder) => {
                    let value = match placeholder {
                        Placeholder::Ticket => values.ticket.map(|number| number.to_string()),
                        Placeholder::Dealer => values.dealer.map(str::to_owned),
                        Placeholder::Number => values.number.map(str::to_owned),
                        Placeholder::Time => values.time.map(str::to_owned),
                        Placeholder::Hotline => values.hotline.map(str::to_owned),
                        Placeholder::More => values.more.map(str::to_owned),
                        Placeholder::Count => values.count.map(|count| count.to_string()),
                        Placeholder::Numbers => values.numbers.map(str::to_owned),
                    };
                    text.push_str(&value.ok_or(TemplateError::NoValue(*placeholder))?);
                }
            }
        }
        Ok(self.charset.apply(&text))
    }
}

fn parse_parts(text: &str, allowed: &'static [Placeholder]) -> Result<Vec<Part>, TemplateError> {
    let mut parts = Vec::new();
    let mut fixed = String::new();
    let mut chars = text.chars().zip(1..).peekable();
    while let Some((c, at)) = chars.next() {
        let brace = c == '{' || c == '}';
        if !brace || chars.next_if(|(next, _)| *next == c).is_some() {
            fixed.push(c);
        } else if c == '}' {
            return Err(TemplateError::Stray { at });
        } else {
            let mut name = String::new();
            loop {
                match chars.next() {
                    Some(('}', _)) => break,
                    Some(('{', _)) | None => return Err(TemplateError::Unclosed { at }),
                    Some((c, _)) => name.push(c),
                }
            }
            let Some(found) = allowed.iter().find(|placeholder| placeholder.as_str() == name)
            else {
                return Err(TemplateError::Unknown { name, allowed });
            };
            if !fixed.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut fixed)));
            }
            parts.push(Part::Value(*found));
        }
    }
    if !fixed.is_empty() {
        parts.push(Part::Text(fixed));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests;
