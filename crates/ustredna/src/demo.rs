//! `ustredna demo`: an exchange and a simulated switch in one process, and people with phones.
//!
//! The story is the manual's. It is not only told: every step is held against what should come of
//! it, so that a demo which runs to its end shows that the exchange does what the manual says.

mod alias;
mod folder;
mod hand;
mod house;
mod keyboard;
mod people;
mod proof;
mod screen;
mod sounds;
mod story;
mod terminal;
mod words;

use std::{
    io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use exchange::model::Language;

use folder::SETTINGS;
use house::House;
use people::Teller;
use screen::Screen;
use story::Story;
use words::Words;

use crate::{colours, signals::Signals};

/// The shopper's own phone.
const SHOPPER: &str = "+420601123456";
/// Her fictitious numbers, under the IDs 1 and 2.
const FIRST: &str = "+420777000111";
const SECOND: &str = "+420777000112";
/// Whom she calls, and who call her.
const GARAGE: &str = "+420234567890";
const BANK: &str = "+420545123456";
/// The hotlines of the default settings.
const OUTBOUND: &str = "+420234234399";
const CALLBACK: &str = "+420234234390";

/// What is left in the folder.
const LEFT: &str = "  \
  recordings/   to listen to: left is Jana, in a low tone; right is the other
                side, in a higher one. Any player will do: aplay, ffplay, VLC.
                Beside each is all that is known of its call
  sms/          the messages, as a gateway would take them
  ustredna.log  what the exchange logged
Look at it again with, for example:";

/// What is asked for on the command line.
#[derive(Debug)]
pub(crate) struct Options {
    /// The keyboard is the phones, instead of the story.
    pub(crate) interactive: bool,
    /// Where everything is left; `None`: in a new temporary folder.
    pub(crate) dir: Option<PathBuf>,
    /// The shopper's.
    pub(crate) language: Language,
}

/// Runs the demo. What comes out otherwise than told is an error.
pub(crate) async fn run(options: Options, out: &mut dyn io::Write) -> anyhow::Result<()> {
    if options.interactive {
        terminal::check()?;
    }
    let words = Words::read()?;
    let mut house = House::open(&options, &words).await?;
    let played = play(&options, &mut house, &words, out).await;
    let told = match &played {
        Ok(()) => lists(&house, options.interactive, out).await,
        Err(_) => Ok(()),
    };
    let log = house.log();
    let stopped = house.stop().await;
    played.with_context(|| format!("the demo broke off (see {})", log.display()))?;
    told?;
    stopped
}

async fn play(
    options: &Options,
    house: &mut House,
    words: &Words,
    out: &mut dyn io::Write,
) -> anyhow::Result<()> {
    let colours = colours::wanted();
    if options.interactive {
        return keyboard::play(house, words, out, colours).await;
    }
    let screen = Screen::new(out, colours, terminal::columns);
    let teller = Teller { screen: &screen, words };
    // Whatever the demo has made outside its folder must go with it.
    let mut signals = Signals::new()?;
    tokio::select! {
        played = Story { house, teller, language: options.language }.play() => played,
        () = signals.next() => anyhow::bail!("it was told to stop"),
    }
}

/// What an operator would look at, and where everything is.
async fn lists(house: &House, interactive: bool, out: &mut dyn io::Write) -> anyhow::Result<()> {
    for command in ["calls", "tickets", "sms", "recordings", "recordings verify"] {
        writeln!(out, "\n$ ustredna {command}")?;
        match house.command(command).await {
            Ok(text) => write!(out, "{text}")?,
            // Who plays may leave before both sides were heard, and is shown what comes of it.
            Err(short) if interactive => {
                writeln!(out, "{}", short.root_cause().to_string().trim_end())?;
            }
            Err(error) => return Err(error),
        }
    }
    let folder = house.folder();
    let settings = shell_word(&folder.join(SETTINGS));
    writeln!(out, "\nEverything is left in {}\n{LEFT}", folder.display())?;
    writeln!(out, "  {} calls --config {settings}", program())?;
    Ok(out.flush()?)
}

/// This program as it was started, which need not be on PATH.
fn program() -> String {
    let started = std::env::args_os().next().unwrap_or_else(|| "ustredna".into());
    shell_word(Path::new(&started))
}

/// As a shell takes it for one word.
fn shell_word(path: &Path) -> String {
    let path = path.display().to_string();
    let bare = |c: char| c.is_alphanumeric() || "/._-+,:@%=".contains(c);
    if path.chars().all(bare) { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_for_a_shell() {
        let word = |path| shell_word(Path::new(path));
        assert_eq!(word("/tmp/demo-1/ústředna.toml"), "/tmp/demo-1/ústředna.toml");
        assert_eq!(word("/tmp/my demo"), "'/tmp/my demo'");
        assert_eq!(word("/a'b"), r"'/a'\''b'");
        assert_eq!(word("/$HOME"), "'/$HOME'");
    }

    #[test]
    fn what_is_left_fits_a_terminal() {
        assert!(LEFT.lines().all(|line| line.chars().count() < 80), "{LEFT}");
        assert!(LEFT.starts_with("  recordings/"), "{LEFT}");
    }
}
