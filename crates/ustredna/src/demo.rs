//! `ustredna demo`: an exchange and a simulated switch in one process, and people with phones.
//!
//! The story is the manual's. It is not only told: every step is held against what should come of
//! it, so that a demo which runs to its end shows that the exchange does what the manual says.

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
    io::{self, IsTerminal as _},
    path::PathBuf,
};

use anyhow::Context as _;
use exchange::model::Language;

use house::House;
use people::Teller;
use screen::Screen;
use story::Story;
use words::Words;

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
    let mut house = House::open(options.dir.as_deref(), &words, options.language).await?;
    let played = play(&options, &mut house, &words, out).await;
    let told = match &played {
        Ok(()) => lists(&house, out).await,
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
    // https://no-color.org
    let uncoloured = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = io::stdout().is_terminal() && !uncoloured;
    if options.interactive {
        return keyboard::play(house, words, out, colours).await;
    }
    let screen = Screen::new(out, colours);
    let teller = Teller { screen: &screen, words };
    Story { house, teller, language: options.language }.play().await
}

/// What an operator would look at, and where everything is.
async fn lists(house: &House, out: &mut dyn io::Write) -> anyhow::Result<()> {
    for command in ["calls", "tickets", "sms", "recordings", "recordings verify"] {
        writeln!(out, "\n$ ustredna {command}")?;
        write!(out, "{}", house.command(command).await?)?;
    }
    let folder = house.folder().display();
    writeln!(
        out,
        "\n\
         Everything is left in {folder}\n\
         \x20 recordings/   to listen to: left is Jana, in a low tone; right is the other\n\
         \x20               side, in a higher one. Any player takes them: aplay, ffplay, VLC.\n\
         \x20               Beside each is all that is known of its call\n\
         \x20 sms/          the messages, as a gateway would take them\n\
         \x20 ustredna.log  what the exchange logged\n\
         Look at it again with, for example:\n\
         \x20 ustredna calls --config {folder}/ustredna.toml"
    )?;
    Ok(out.flush()?)
}
