//! Reads a PIN without it ever being an argument, which every user of the machine could see.

use std::io::{self, BufRead as _, IsTerminal as _};

use anyhow::{Context as _, ensure};
use console::Term;
use exchange::pin::Pin;
use uuid::Uuid;

/// Asks for a PIN twice on a terminal, unseen; elsewhere takes a line of standard input.
pub(super) fn ask() -> anyhow::Result<Pin> {
    if !io::stdin().is_terminal() {
        return from_stdin();
    }
    let term = Term::stderr();
    let pin = hidden(&term, "PIN (4 to 8 digits): ")?;
    let hashed = hash(&pin)?;
    ensure!(hidden(&term, "The same again: ")? == pin, "the two PINs differ");
    Ok(hashed)
}

/// Takes the first line of standard input.
pub(super) fn from_stdin() -> anyhow::Result<Pin> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("the PIN cannot be read")?;
    hash(line.trim())
}

fn hidden(term: &Term, question: &str) -> anyhow::Result<String> {
    term.write_str(question)?;
    Ok(term.read_secure_line().context("the PIN cannot be read")?.trim().to_owned())
}

fn hash(digits: &str) -> anyhow::Result<Pin> {
    // 122 random bits; all that a salt must be is different for each PIN.
    Ok(Pin::hash(digits, Uuid::new_v4().as_bytes())?)
}
