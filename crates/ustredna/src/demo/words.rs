//! What is heard, in words: sound files turned back into sentences.

use std::{collections::HashMap, path::Path};

use anyhow::Context as _;
use exchange::model::Language;
use serde::Deserialize;

/// The table that the sound files were made from.
const TABLE: &str = include_str!("../../../../freeswitch-conf/sounds/prompts.csv");

/// The sentence of each sound file.
#[derive(Debug)]
pub(super) struct Words(HashMap<String, Row>);

#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    cs: String,
    en: String,
}

/// A sentence that was heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    pub(super) language: Language,
    pub(super) text: String,
    /// What it means in English; `None` when it is in English.
    pub(super) meaning: Option<String>,
}

/// Puts the files of a chain together. Those of one sentence (`Máte` `2` `nevyřízené hovory`) have
/// no full stop in the table.
#[derive(Debug, Default)]
pub(super) struct Listening {
    language: Option<Language>,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Phrase { text: String, meaning: String },
    Number(u8),
}

impl Words {
    pub(super) fn read() -> anyhow::Result<Self> {
        let rows: Result<Vec<Row>, _> =
            csv::Reader::from_reader(TABLE.as_bytes()).deserialize().collect();
        let rows = rows.context("the table of prompts")?;
        Ok(Self(rows.into_iter().map(|row| (row.name.clone(), row)).collect()))
    }

    /// What is said in a file.
    pub(super) fn said(&self, name: &str, language: Language) -> Option<&str> {
        self.0.get(name).map(|row| row.says(language))
    }

    /// The names of all files and what is said in each.
    pub(super) fn all(&self, language: Language) -> impl Iterator<Item = (&str, &str)> {
        self.0.values().map(move |row| (row.name.as_str(), row.says(language)))
    }
}

impl Row {
    fn says(&self, language: Language) -> &str {
        match language {
            Language::Czech => &self.cs,
            Language::English => &self.en,
        }
    }
}

/// The name of a sound file, which scripts and tables know it by: `enter-id`.
pub(super) fn name(path: &str) -> &str {
    Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or(path)
}

/// `<prompts>/<language>/<name>.wav`
fn language(path: &str) -> Option<Language> {
    Path::new(path).parent()?.file_name()?.to_str()?.parse().ok()
}

impl Listening {
    /// A file begins; the sentences that are whole by now.
    pub(super) fn hear(&mut self, path: &str, words: &Words) -> Vec<Sentence> {
        let language = language(path).unwrap_or(Language::Czech);
        let mut whole = Vec::new();
        if self.language.is_some_and(|before| before != language) {
            whole.extend(self.end());
        }
        let name = name(path);
        if let Some(Ok(number)) = name.strip_prefix("number-").map(str::parse) {
            self.language = Some(language);
            self.parts.push(Part::Number(number));
            return whole;
        }
        let (text, meaning) = match words.0.get(name) {
            Some(row) => (row.says(language).to_owned(), row.en.clone()),
            None => (name.to_owned(), name.to_owned()),
        };
        let sentence = text.ends_with('.');
        if sentence || name == "listing-id" || name == "listing-ticket" {
            whole.extend(self.end());
        }
        self.language = Some(language);
        self.parts.push(Part::Phrase { text, meaning });
        if sentence {
            whole.extend(self.end());
        }
        whole
    }

    /// Nothing more is said; what was said last.
    pub(super) fn end(&mut self) -> Option<Sentence> {
        let language = self.language.take()?;
        let parts = std::mem::take(&mut self.parts);
        let text = written(&parts, |text, _| text);
        let meaning = match language {
            Language::Czech => Some(written(&parts, |_, meaning| meaning)),
            Language::English => None,
        };
        Some(Sentence { language, text, meaning })
    }
}

impl Sentence {
    /// In the quotation marks of its language.
    pub(super) fn quoted(&self) -> String {
        match self.language {
            Language::Czech => format!("„{}“", self.text),
            Language::English => format!("“{}”", self.text),
        }
    }
}

/// The phrases, with the numbers between them in digits.
fn written<'a>(parts: &'a [Part], phrase: impl Fn(&'a str, &'a str) -> &'a str) -> String {
    let mut words: Vec<String> = Vec::new();
    for run in parts.chunk_by(|a, b| matches!((a, b), (Part::Number(_), Part::Number(_)))) {
        let numbers: Vec<u8> = run
            .iter()
            .filter_map(|part| match part {
                Part::Number(number) => Some(*number),
                Part::Phrase { .. } => None,
            })
            .collect();
        match (run, numbers.as_slice()) {
            ([Part::Phrase { text, meaning }], _) => words.push(phrase(text, meaning).to_owned()),
            // Twenty one.
            (_, [tens @ 20..=90, unit @ 1..=9]) => words.push((tens + unit).to_string()),
            (_, [one]) => words.push(one.to_string()),
            (_, digits) => {
                words.push(in_threes(&digits.iter().map(u8::to_string).collect::<String>()));
            }
        }
    }
    words.join(" ")
}

/// A number as people read it: `+420777000111` is `777 000 111`.
pub(super) fn spaced(number: &str) -> String {
    let home = number.strip_prefix("+420").unwrap_or(number);
    match home.strip_prefix('+') {
        Some(foreign) => format!("+{}", in_threes(foreign)),
        None => in_threes(home),
    }
}

fn in_threes(digits: &str) -> String {
    let mut spaced = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && index % 3 == 0 {
            spaced.push(' ');
        }
        spaced.push(digit);
    }
    spaced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(language: &str, names: &[&str]) -> Vec<(String, Option<String>)> {
        let words = Words::read().unwrap();
        let mut listening = Listening::default();
        let mut sentences = Vec::new();
        for name in names {
            sentences.extend(listening.hear(&format!("/sounds/{language}/{name}.wav"), &words));
        }
        sentences.extend(listening.end());
        sentences.into_iter().map(|sentence| (sentence.text, sentence.meaning)).collect()
    }

    fn both(text: &str, meaning: &str) -> (String, Option<String>) {
        (text.to_owned(), Some(meaning.to_owned()))
    }

    /// What a dealer or a stranger may hear tells nobody what this is.
    #[test]
    fn outsiders_hear_nothing_of_the_set_up() {
        let telling = [
            "ústředn",
            "nahráv",
            "záznam",
            "fiktivn",
            "koordin",
            "neznáme",
            "agentur",
            "exchange",
            "record",
            "fictitious",
            "coordinator",
            "recogni",
            "agency",
            "shopper",
        ];
        let words = Words::read().unwrap();
        for name in ["unknown-caller", "not-available", "apology", "calls-not-possible"] {
            for language in [Language::Czech, Language::English] {
                let text = words.said(name, language).unwrap().to_lowercase();
                assert!(!telling.iter().any(|word| text.contains(word)), "{name}: {text}");
            }
        }
    }

    #[test]
    fn digits_become_numbers() {
        let digits = ["7", "7", "7", "0", "0", "0", "1", "1", "2"].map(|d| format!("number-{d}"));
        let mut names = vec!["listing-id", "number-1", "listing-number"];
        names.extend(digits.iter().map(String::as_str));
        names.extend(["listing-id", "number-20", "number-3", "listing-number", "number-9"]);
        assert_eq!(
            heard("cs", &names),
            [
                both("ID 1 číslo 777 000 112", "ID 1 number 777 000 112"),
                both("ID 23 číslo 9", "ID 23 number 9"),
            ]
        );
    }

    #[test]
    fn sentences_end_with_a_full_stop() {
        let names = ["you-have", "number-2", "missed-calls-few", "goodbye", "you-have"];
        assert_eq!(
            heard("cs", &names),
            [
                both("Máte 2 nevyřízené hovory", "You have 2 missed calls"),
                both("Na shledanou.", "Goodbye."),
                both("Máte", "You have"),
            ]
        );
    }

    #[test]
    fn english_needs_no_explanation() {
        assert_eq!(heard("en", &["goodbye"]), [("Goodbye.".to_owned(), None)]);
    }

    #[test]
    fn numbers_are_written_as_people_read_them() {
        assert_eq!(spaced("+420777000111"), "777 000 111");
        assert_eq!(spaced("234234390"), "234 234 390");
        assert_eq!(spaced("+4930901820"), "+493 090 182 0");
    }
}
