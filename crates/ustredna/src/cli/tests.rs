//! What the help tells can be typed.

use clap::Command as Typed;

use super::*;

/// Every command with the words that lead to it.
fn all(command: &Typed, words: &[String], found: &mut Vec<(Vec<String>, Typed)>) {
    found.push((words.to_vec(), command.clone()));
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        all(inner, &[words, &[inner.get_name().to_owned()]].concat(), found);
    }
}

/// The words of a line as a shell takes them, up to a pipe or the like; a remark stands behind
/// several spaces.
fn words(line: &str) -> Vec<String> {
    let line = line.replace("$(date +%F)", "2026-11-22");
    let mut words = vec![String::new()];
    let (mut quote, mut before) = (None, 'x');
    for c in line.trim().chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '|' | '&' | '>') => break,
            (None, ' ') if before == ' ' => break,
            (None, ' ') => words.push(String::new()),
            _ => words.last_mut().unwrap().push(c),
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The parts of the lines that run this program.
fn typed(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("  ")) {
        if let Some(at) = line.find("ustredna ") {
            found.push(words(&line[at..]));
        }
    }
    found
}

#[test]
fn every_help_has_examples_that_can_be_typed() {
    let mut commands = Vec::new();
    all(&Cli::command(), &[], &mut commands);
    assert!(commands.len() > 30, "{}", commands.len());
    let mut wrong = Vec::new();
    for (path, mut command) in commands {
        let name = path.join(" ");
        let help = command.render_long_help().to_string();
        let Some((_, examples)) = help.split_once("\nExamples:\n") else {
            wrong.push(format!("{name}: no examples"));
            continue;
        };
        let mut lines = help.lines().filter(|line| !line.starts_with("Usage:"));
        if let Some(line) = lines.find(|line| line.chars().count() > 100) {
            wrong.push(format!("{name}: too long for a terminal: {line}"));
        }
        let typed = typed(examples);
        if !typed.iter().any(|words| words.get(1..).is_some_and(|words| words.starts_with(&path))) {
            wrong.push(format!("{name}: no example of itself"));
        }
        for words in typed {
            match Cli::try_parse_from(&words) {
                Ok(cli) if !cli.command.misplaced() => {}
                Ok(_) => wrong.push(format!("{name}: {words:?}: misplaced")),
                Err(error) => wrong.push(format!("{name}: {words:?}: {error}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The documents' examples, too.
#[test]
fn every_command_of_the_documents_can_be_typed() {
    let documents =
        [include_str!("../../../../README.md"), include_str!("../../../../docs/ustredna.service")];
    let mut count = 0;
    for line in documents.iter().flat_map(|text| text.lines()) {
        // In a block of code, or in a sentence.
        let mut parts: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
        parts.extend(line.strip_prefix("    ").or(line.strip_prefix("ExecStart=/usr/local/bin/")));
        for part in parts.into_iter().filter(|part| part.starts_with("ustredna ")) {
            let words = words(part);
            count += 1;
            if let Err(error) = Cli::try_parse_from(&words) {
                // A sentence may name a command alone, or what is to be written as ID or FILE.
                let wrong = [Usage::InvalidSubcommand, Usage::UnknownArgument];
                assert!(!wrong.contains(&error.kind()), "{line}\n{error}");
            }
        }
    }
    assert!(count > 20, "{count}");
}
