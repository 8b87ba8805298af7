//! The command line: what operators type.

mod backup;
mod calls;
mod check;
mod demo;
mod desk;
mod filter;
mod import;
mod known;
mod numbers;
mod out;
mod pairings;
mod pin;
mod recordings;
mod shoppers;
mod sms;
mod table;
mod tickets;
mod when;

use std::{
    io::{self, BufWriter, ErrorKind, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand, error::ErrorKind as Usage};
use jiff::Timestamp;
use tokio::runtime::Runtime;

use crate::{clock::Clock, serve, settings, settings::Settings, text::printable_lines};
use desk::Desk;
use out::Output;

/// Read when no `--config` names another.
const DEFAULT_CONFIG: &str = "ustredna.toml";

const EXAMPLES: &str = "\
Examples:
  ustredna demo                             see what it does, with nothing installed
  ustredna check                            is everything ready?
  ustredna import shoppers.csv --dry-run    what would this table change?
  ustredna serve                            run the exchange
  ustredna calls --since 2h                 the calls of the last two hours
  ustredna calls --json | jq .outcome       one object a line, for scripts

Settings are read from ustredna.toml; USTREDNA_SECTION__KEY in the environment overrides any of
them, for example USTREDNA_DATABASE__URL.";

/// A self-hosted telephone exchange for mystery shopping on FreeSWITCH
#[derive(Debug, Parser)]
#[command(name = "ustredna", version, after_help = EXAMPLES)]
struct Cli {
    /// The settings file [default: ustredna.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the exchange until SIGTERM or Ctrl-C
    #[command(after_help = SERVE)]
    Serve,
    /// Play the manual's story, or the phones yourself, with a simulated switch: needs nothing else
    #[command(after_help = demo::HELP)]
    Demo(demo::Demo),
    /// Tell, a line each, whether everything is ready for calls, and what to do if not
    #[command(after_help = check::EXAMPLES)]
    Check(check::Check),
    /// Create or update shoppers, fictitious numbers and pairings from a table: all or nothing
    #[command(after_help = import::HELP)]
    Import(import::Import),
    /// List, add and change shoppers
    #[command(after_help = shoppers::EXAMPLES)]
    Shoppers(shoppers::Shoppers),
    /// List, add and change fictitious numbers
    #[command(after_help = numbers::EXAMPLES)]
    Numbers(numbers::Numbers),
    /// List, add, change and end pairings of shoppers with fictitious numbers
    #[command(after_help = pairings::EXAMPLES)]
    Pairings(pairings::Pairings),
    /// List calls, the newest first
    #[command(after_help = calls::EXAMPLES)]
    Calls(filter::Listing),
    /// List missed callbacks, the newest first
    #[command(after_help = tickets::EXAMPLES)]
    Tickets(filter::Listing),
    /// List text messages, the newest first; send failed ones again, cancel those that wait
    #[command(after_help = sms::EXAMPLES)]
    Sms(sms::Sms),
    /// Copy the database to a new file, also while the exchange runs
    #[command(after_help = backup::EXAMPLES)]
    Backup(backup::Backup),
    /// List recordings, the newest first; verify, hold, archive them, delete the old ones
    #[command(after_help = recordings::EXAMPLES)]
    Recordings(recordings::Recordings),
}

const SERVE: &str = "\
On SIGTERM no new calls are taken. Talks are left to FreeSWITCH at once; prompts, entries and
ringing get exchange.drain (30 s) to end. A second SIGTERM stops at once.

Examples:
  ustredna serve
  ustredna serve --config /etc/ustredna.toml
  USTREDNA_LOG__FORMAT=json ustredna serve";

/// Runs the command that was typed: 0 when it went well, 1 when not, 2 when it was mistyped.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| mistyped(&error));
    // clap's `args_conflicts_with_subcommands` would refuse `--config` there too.
    if cli.command.misplaced() {
        let text = "options of a list go after the word `list`, and other commands have their own";
        Cli::command().error(Usage::ArgumentConflict, text).exit();
    }
    // A reader that has seen enough (`ustredna calls | head`) is no error. The exchange itself
    // has no such reader.
    let serves = matches!(cli.command, Command::Serve);
    let mut out = BufWriter::new(Output(io::stdout().lock()));
    let mut done = cli.run(&mut out);
    let flushed = out.flush();
    if done.is_ok()
        && let Err(error) = flushed
    {
        done = Err(error.into());
    }
    match done {
        Ok(code) => code,
        Err(error) if !serves && is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Should standard error be closed, there is nobody left to tell.
            let _ = writeln!(io::stderr(), "error: {}", printable_lines(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

/// Ends the program as clap does, which repeats what was typed: scripts type other people's texts.
fn mistyped(error: &clap::Error) -> ! {
    // Help goes to standard output, and clap passes over that it cannot be written.
    if !error.use_stderr() {
        let printed = error.print().and_then(|()| io::stdout().flush()).map_err(out::named);
        std::process::exit(match printed {
            Err(problem) if problem.kind() != ErrorKind::BrokenPipe => {
                let _ = writeln!(io::stderr(), "error: {problem}");
                1
            }
            Ok(()) | Err(_) => 0,
        });
    }
    let told = error.to_string();
    let harmless = printable_lines(&told);
    if harmless == told {
        error.exit();
    }
    let _ = write!(io::stderr(), "{harmless}");
    std::process::exit(error.exit_code())
}

/// How long threads may take to end with the program.
const LAST_WORDS: Duration = Duration::from_millis(500);

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == ErrorKind::BrokenPipe)
    })
}

/// Looks whether as many files can be opened as the runtime needs: it panics with fewer.
fn files_for_threads() -> io::Result<()> {
    (0..FILES_OF_RUNTIME / 2).map(|_| UnixStream::pair()).collect::<io::Result<Vec<_>>>().map(drop)
}

/// For waiting, waking up, and signals.
const FILES_OF_RUNTIME: u32 = 12;

impl Cli {
    fn run(self, out: &mut dyn io::Write) -> anyhow::Result<ExitCode> {
        files_for_threads().context(
            "the program cannot start: allow more open files (`ulimit -n`, LimitNOFILE of a systemd unit)",
        )?;
        let runtime = Runtime::new().context("the program cannot start its threads")?;
        let ended = runtime.block_on(self.command.run(self.config.as_deref(), out));
        // A thread may wait for a folder on a server that is gone.
        runtime.shutdown_timeout(LAST_WORDS);
        ended
    }
}

impl Command {
    fn misplaced(&self) -> bool {
        match self {
            Self::Shoppers(shoppers) => shoppers.misplaced(),
            Self::Numbers(numbers) => numbers.misplaced(),
            Self::Pairings(pairings) => pairings.misplaced(),
            Self::Sms(sms) => sms.misplaced(),
            Self::Recordings(recordings) => recordings.misplaced(),
            Self::Serve
            | Self::Demo(_)
            | Self::Check(_)
            | Self::Import(_)
            | Self::Backup(_)
            | Self::Calls(_)
            | Self::Tickets(_) => false,
        }
    }

    async fn run(self, config: Option<&Path>, out: &mut dyn io::Write) -> anyhow::Result<ExitCode> {
        if let Self::Demo(demo) = self {
            // What is set here or in the environment must not change the story.
            anyhow::ensure!(
                config.is_none(),
                "`demo` has settings of its own: leave --config away"
            );
            return demo.run(out).await.map(|()| ExitCode::SUCCESS);
        }
        let settings = load(config);
        if let Self::Check(check) = self {
            return check.run(config, settings, out).await;
        }
        let settings = settings?;
        if let Self::Serve = self {
            return serve::run(settings).await.map(|()| ExitCode::SUCCESS);
        }
        self.answer(&mut Desk::new(&settings, Clock::SYSTEM.now(), out)).await
    }

    /// Runs a command that asks for or changes the state, and leaves that in order behind.
    async fn answer(self, desk: &mut Desk<'_>) -> anyhow::Result<ExitCode> {
        let done = self.run_at(desk).await;
        desk.close().await;
        done
    }

    async fn run_at(self, desk: &mut Desk<'_>) -> anyhow::Result<ExitCode> {
        match self {
            // They run without a desk.
            Self::Check(_) | Self::Demo(_) | Self::Serve => Ok(()),
            Self::Import(import) => import.run(desk).await,
            Self::Shoppers(shoppers) => shoppers.run(desk).await,
            Self::Numbers(numbers) => numbers.run(desk).await,
            Self::Pairings(pairings) => pairings.run(desk).await,
            Self::Calls(listing) => calls::list(&listing, desk).await,
            Self::Tickets(listing) => tickets::list(&listing, desk).await,
            Self::Sms(sms) => sms.run(desk).await,
            Self::Backup(backup) => backup.run(desk).await,
            Self::Recordings(recordings) => return recordings.run(desk).await,
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

/// What a command tells that is run on the state of an exchange in this process.
pub(crate) async fn answer(
    arguments: &[&str],
    settings: &Settings,
    now: Timestamp,
) -> anyhow::Result<String> {
    let cli = Cli::try_parse_from([&["ustredna"], arguments].concat())?;
    let mut out = Vec::new();
    let code = cli.command.answer(&mut Desk::new(settings, now, &mut out)).await?;
    let told = String::from_utf8(out)?;
    anyhow::ensure!(code == ExitCode::SUCCESS, "{told}");
    Ok(told)
}

fn load(config: Option<&Path>) -> anyhow::Result<Settings> {
    // `std::env::vars` panics on a variable that is not UTF-8, whosoever it is.
    let mut environment = Vec::new();
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => environment.push((name, value)),
            Err(_) if settings::is_variable(&name) => {
                anyhow::bail!("environment variable {name}: it is not UTF-8; write it in UTF-8")
            }
            Err(_) => {}
        }
    }
    settings::load(config.unwrap_or(Path::new(DEFAULT_CONFIG)), config.is_some(), environment)
}

#[cfg(test)]
mod tests;
