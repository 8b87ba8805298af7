//! `ustredna import`.

mod encoding;
mod field;
mod header;
mod sheet;

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use store::{ImportError, ImportReport, Store, StoreError};
use uuid::Uuid;

use super::desk::Desk;
use crate::{counted::counted, given, settings::unreadable};
use sheet::Sheet;

pub(super) const HELP: &str = "\
The table is a CSV file, separated by commas, semicolons or tabs, whose first line names these
columns in any order:

  shopper_phone,shopper_name,language,fictitious_number,id,project,valid_from,valid_to

shopper_phone      the shopper's real phone; 601 123 456 and +420601123456 are the same
shopper_name       may be empty
language           cs or en; empty: as before, or exchange.language
fictitious_number  the number shown to dealers
id                 1 to 999, what the shopper keys; empty: as before, or after the highest that
                   the shopper has or had in the last 90 days
project            may be empty
valid_from         2026-11-22 or 22.11.2026 (from its midnight) or RFC 3339; empty: at once
valid_to           the same (to the end of that day) or RFC 3339; empty: until ended

UTF-8 (Excel: \"CSV UTF-8\"), UTF-16 and Windows-1250 are read, and so is Excel's line `sep=;`.

Shoppers, numbers and pairings that are not in the table stay as they are; a pairing is ended with
`ustredna pairings end`. The same table again changes nothing. If any line is wrong, every wrong
line is named and nothing is changed.

Examples:
  ustredna import shoppers.csv --dry-run
  ustredna import shoppers.csv
  ssh office cat shoppers.csv | ustredna import - --dry-run
  ustredna import shoppers.csv --json | jq .pairings_created";

/// A hundred thousand lines are some ten megabytes.
const LARGEST: u64 = 64_000_000;

/// From so many lines on a bar shows how far the import is.
const LONG: usize = 200;

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The table; `-` for standard input
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    /// Only tell what would change
    #[arg(long)]
    dry_run: bool,
    /// The summary as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Summary {
    dry_run: bool,
    encoding: &'static str,
    rows: usize,
    shoppers_created: usize,
    shoppers_updated: usize,
    numbers_created: usize,
    pairings_created: usize,
    pairings_updated: usize,
    pairings_unchanged: usize,
}

impl Import {
    pub(super) async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let (name, bytes) = self.read()?;
        let sheet = Sheet::read(&bytes, desk.settings).with_context(|| name.clone())?;
        let report = self.import(&sheet, desk).await.with_context(|| name.clone())?;
        self.tell(report, sheet.encoding, desk)
    }

    /// The table's name and its bytes.
    fn read(&self) -> anyhow::Result<(String, Vec<u8>)> {
        if self.file != Path::new("-") {
            let name = self.file.display().to_string();
            return match given::read(&self.file, LARGEST) {
                Ok(bytes) => Ok((name, bytes)),
                Err(why) => bail!("cannot read {name}: {why}"),
            };
        }
        let (name, mut bytes) = ("standard input".to_owned(), Vec::new());
        match io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes) {
            Err(error) => bail!("cannot read {name}: {}", unreadable(&error)),
            Ok(read) if read as u64 > LARGEST => {
                bail!("{name} is larger than {} MB: this is no table", LARGEST / 1_000_000)
            }
            Ok(_) => Ok((name, bytes)),
        }
    }

    async fn import(&self, sheet: &Sheet, desk: &Desk<'_>) -> anyhow::Result<ImportReport> {
        let rehearse = self.dry_run || !sheet.problems.is_empty();
        let store = match desk.store_if_any().await {
            Ok(store) => store,
            Err(StoreError::NoDatabase(_) | StoreError::Emptied) => {
                // A table with mistakes must not leave a database behind.
                let scratch = Scratch::new()?;
                let report = run(&scratch.store().await?, sheet, desk, true).await?;
                if rehearse {
                    return Ok(report);
                }
                desk.store_or_new().await?
            }
            Err(error) => return Err(desk.of_database(error)),
        };
        run(&store, sheet, desk, rehearse).await
    }

    fn tell(
        &self,
        report: ImportReport,
        encoding: &'static str,
        desk: &mut Desk<'_>,
    ) -> anyhow::Result<()> {
        let summary = Summary {
            dry_run: self.dry_run,
            encoding,
            rows: report.rows,
            shoppers_created: report.shoppers_created,
            shoppers_updated: report.shoppers_updated,
            numbers_created: report.numbers_created,
            pairings_created: report.pairings_created,
            pairings_updated: report.pairings_updated,
            pairings_unchanged: report.pairings_unchanged,
        };
        if self.json {
            return desk.json([summary]);
        }
        let done = if self.dry_run { "would be imported" } else { "imported" };
        if encoding != "UTF-8" {
            desk.line(&format!("The table is {encoding}; look whether the names are right."))?;
        }
        let text = format!(
            "{} {done}.\n\
             Shoppers: {} created, {} updated.\n\
             Fictitious numbers: {} created.\n\
             Pairings: {} created, {} updated, {} unchanged.",
            counted(summary.rows, "line"),
            summary.shoppers_created,
            summary.shoppers_updated,
            summary.numbers_created,
            summary.pairings_created,
            summary.pairings_updated,
            summary.pairings_unchanged,
        );
        Ok(desk.line(&text)?)
    }
}

/// Imports the good lines, or fails with all the bad ones, those of the sheet and those that the
/// database objects to.
async fn run(
    store: &Store,
    sheet: &Sheet,
    desk: &Desk<'_>,
    rehearse: bool,
) -> anyhow::Result<ImportReport> {
    let bar = if sheet.rows.len() < LONG {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(sheet.rows.len() as u64)
    };
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} lines, {eta} left")?);
    let mut progress = |done: usize| bar.set_position(done as u64);
    let language = desk.settings.exchange.language;
    let done = store.import(&sheet.rows, language, desk.now, rehearse, &mut progress).await;
    bar.finish_and_clear();

    let mut problems = sheet.problems.clone();
    match done {
        Ok(report) if problems.is_empty() => return Ok(report),
        Ok(_) => {}
        Err(ImportError::Lines(lines)) => {
            problems.extend(lines.into_iter().map(|(line, problem)| (line, problem.to_string())));
        }
        Err(ImportError::Store(error)) => return Err(error.into()),
    }
    problems.sort_by_key(|(line, _)| *line);
    let lines: Vec<_> =
        problems.iter().map(|(line, problem)| format!("\n  line {line}: {problem}")).collect();
    bail!("nothing was imported, since the table has mistakes:{}", lines.concat())
}

/// An empty database to rehearse on, gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("ustredna-{}", Uuid::new_v4()));
        fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self(folder))
    }

    async fn store(&self) -> anyhow::Result<Store> {
        Ok(Store::open(&url(&self.0.join("rehearsal.db"))?).await?)
    }
}

/// The URL of an SQLite file, with `%` escapes where the path has a character that means something.
fn url(path: &Path) -> anyhow::Result<String> {
    let path = path.to_str().context("the folder for temporary files has no UTF-8 name")?;
    Ok(format!("sqlite://{}", path.replace('%', "%25").replace('?', "%3F")))
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays in the folder for temporary files harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}
