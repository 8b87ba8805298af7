//! The keyboard, key by key.

use std::io::{self, IsTerminal as _, Read as _};

use anyhow::{Context as _, ensure};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::screen::WIDTH;

/// Whether there is a keyboard to play on and a terminal to see it.
pub(super) fn check() -> anyhow::Result<()> {
    let both = io::stdin().is_terminal() && io::stdout().is_terminal();
    ensure!(
        both,
        "--interactive needs a keyboard and a terminal: standard input and output must be one \
         (without --interactive the story is played by itself)"
    );
    Ok(())
}

/// How wide the terminal is; what a file or a pipe is taken for, too.
pub(super) fn columns() -> usize {
    console::Term::stdout().size_checked().map_or(WIDTH, |(_, columns)| columns.into())
}

/// A terminal that hands over every key at once and shows none; left as it was found.
pub(super) struct Raw(Termios);

impl Raw {
    pub(super) fn enter() -> anyhow::Result<Self> {
        const CONTEXT: &str = "the terminal does not hand over single keys";
        let found = tcgetattr(io::stdin()).context(CONTEXT)?;
        let mut raw = found.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw).context(CONTEXT)?;
        Ok(Self(found))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone needs no care.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// What is typed, as it comes. Ends with the keyboard.
pub(super) fn keys() -> io::Result<UnboundedReceiver<Vec<u8>>> {
    let (typed, keys) = unbounded_channel();
    // A read cannot be called off; the thread ends with the program.
    std::thread::Builder::new().name("keyboard".to_owned()).spawn(move || {
        let mut bytes = [0; 64];
        while let Ok(count @ 1..) = io::stdin().read(&mut bytes) {
            if typed.send(bytes.iter().take(count).copied().collect()).is_err() {
                return;
            }
        }
    })?;
    Ok(keys)
}
