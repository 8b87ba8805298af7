//! `ustredna check`: is everything ready for calls?

mod alarm;
mod call;
mod database;
mod disk;
mod exchange;
mod folders;
mod gateway;
mod hotlines;
mod identity;
mod ports;
mod projects;
mod switch;

use std::{io, path::Path, process::ExitCode};

use clap::Args;
use console::{Style, measure_text_width};
use jiff::Timestamp;

use super::{DEFAULT_CONFIG, table};
use crate::{
    colours,
    files::Files,
    finding::{Finding, Status},
    settings::{self, Settings},
    text::printable_lines,
    texts::Texts,
};

pub(super) const EXAMPLES: &str = "\
Changes nothing: databases and folders are made by `ustredna serve`; a small file is written into
each folder and removed again, to see that it can be. FreeSWITCH is asked over its event socket
(switch.inbound) with the password in USTREDNA_SWITCH__PASSWORD.

Examples:
  ustredna check
  ustredna check --call
  ustredna check --config /etc/ustredna.toml && systemctl restart ustredna
  ustredna check --json | jq 'select(.status == \"fail\")'";

#[derive(Debug, Args)]
pub(super) struct Check {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Make a test call, too: through FreeSWITCH to the running exchange and back, recorded
    ///
    /// FreeSWITCH calls itself on this machine: nobody's phone rings, the carrier takes no part, and
    /// nothing of it stays in the lists or on disk. It takes about ten seconds.
    #[arg(long)]
    call: bool,
}

/// Where findings go, as they are made.
struct Report<'a> {
    json: bool,
    colours: bool,
    /// How wide the terminal is; `None`: there is none, and a finding is a line.
    room: Option<usize>,
    out: &'a mut dyn io::Write,
    failures: usize,
}

impl Report<'_> {
    fn tell(&mut self, finding: &Finding) -> anyhow::Result<()> {
        if finding.status == Status::Fail {
            self.failures += 1;
        }
        if self.json {
            writeln!(self.out, "{}", serde_json::to_string(finding)?)?;
        } else {
            let (word, style) = match finding.status {
                Status::Ok => ("OK", Style::new().green()),
                Status::Skipped => ("--", Style::new().yellow()),
                Status::Warn => ("WARN", Style::new().yellow().bold()),
                Status::Fail => ("FAIL", Style::new().red().bold()),
            };
            // Filled up first: a terminal counts no colours.
            let word = style.force_styling(self.colours).apply_to(format!("{word:<5}"));
            let fix = finding.fix.as_ref().map(|fix| format!(" — {fix}")).unwrap_or_default();
            // Errors of the settings show the line they are in below.
            let text = printable_lines(&format!("{}{fix}", finding.detail));
            let lines = text.split('\n').flat_map(|line| folded(line, self.room));
            let text = lines.collect::<Vec<_>>().join(&format!("\n{:INDENT$}", ""));
            writeln!(self.out, "{word} {:<12} {text}", finding.check)?;
        }
        // What follows may take seconds.
        Ok(self.out.flush()?)
    }
}

/// Where what was found begins, behind its status and its name.
const INDENT: usize = 19;

/// A line on a terminal so wide, broken between words; a word that is longer, such as a path, stays whole.
fn folded(line: &str, room: Option<usize>) -> Vec<String> {
    let Some(room) = room else { return vec![line.to_owned()] };
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let Some(last) = lines.last_mut() else { break };
        if last.is_empty() {
            last.push_str(word);
        } else if INDENT + measure_text_width(last) + 1 + measure_text_width(word) <= room {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

impl Check {
    pub(super) async fn run(
        self,
        config: Option<&Path>,
        settings: anyhow::Result<Settings>,
        out: &mut dyn io::Write,
    ) -> anyhow::Result<ExitCode> {
        let (colours, room) = (colours::wanted(), table::room());
        let mut report = Report { json: self.json, colours, room, out, failures: 0 };
        match settings {
            Ok(settings) => {
                report.tell(&Finding::ok("settings", source(config)))?;
                all(&settings, &mut report).await?;
                if self.call {
                    report.tell(&call::check(&settings).await)?;
                }
            }
            Err(error) => report.tell(&Finding::failed("settings", format!("{error:#}")))?,
        }
        Ok(if report.failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Where the settings come from.
fn source(config: Option<&Path>) -> String {
    let file = match config {
        Some(path) => path.display().to_string(),
        None if Path::new(DEFAULT_CONFIG).exists() => DEFAULT_CONFIG.to_owned(),
        None => format!("no {DEFAULT_CONFIG} here, so the defaults hold"),
    };
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut variables: Vec<_> = names.filter(|name| settings::is_variable(name)).collect();
    variables.sort();
    match variables.as_slice() {
        [] => file,
        variables => format!("{file}; the environment overrides: {}", variables.join(", ")),
    }
}

async fn all(settings: &Settings, report: &mut Report<'_>) -> anyhow::Result<()> {
    report.tell(&texts(settings))?;
    let (finding, store) = database::check(settings).await;
    report.tell(&finding)?;
    if let Some(store) = &store {
        report.tell(&database::rows(store).await)?;
        report.tell(&hotlines::check(settings, store).await)?;
    }
    report.tell(&folders::prompts(settings))?;
    report.tell(&folders::recordings(settings))?;
    report.tell(&disk::check(settings, store.as_ref()).await)?;
    if let Some(store) = &store
        && let Some(finding) = projects::check(settings, store).await
    {
        report.tell(&finding)?;
    }
    report.tell(&folders::cdr(settings))?;
    if let Some(finding) = folders::apart(settings) {
        report.tell(&finding)?;
    }
    if let Err(error) = Files::claim(settings) {
        report.tell(&Finding::failed("open files", format!("{error:#}")))?;
    }
    report.tell(&alarm::check(settings))?;
    report.tell(&gateway::check(settings).await)?;
    let running = exchange::runs(settings).await;
    for finding in ports::check(settings, running) {
        report.tell(&finding)?;
    }
    // One that does not run may be about to be started.
    if running {
        for finding in exchange::check(settings).await {
            report.tell(&finding)?;
        }
        for finding in identity::check(settings, store.as_ref()).await {
            report.tell(&finding)?;
        }
    }
    if let Some(store) = store {
        database::close(store).await;
    }
    for finding in switch::check(settings).await {
        report.tell(&finding)?;
    }
    Ok(())
}

/// The SMS texts can be filled; the longest that may come of each is told.
fn texts(settings: &Settings) -> Finding {
    const CHECK: &str = "sms texts";
    let texts = match Texts::new(settings) {
        Ok(texts) => texts,
        Err(error) => return Finding::failed(CHECK, format!("{error:#}")),
    };
    let samples = texts.samples(Timestamp::UNIX_EPOCH);
    match samples.iter().max_by_key(|sample| sample.longest) {
        Some(sample) if sample.longest > 1 => {
            let (language, kind) = (sample.language, sample.kind.as_str());
            let detail = format!("`{kind}` in {language} may take {} segments", sample.longest);
            Finding::ok(CHECK, detail)
        }
        Some(_) | None => Finding::ok(CHECK, "one segment each"),
    }
}
