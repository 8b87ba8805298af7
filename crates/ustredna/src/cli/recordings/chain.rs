//! `ustredna recordings chain`: the chain, for those who keep a copy.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use store::ChainLink;

use crate::cli::{desk::Desk, table::Column::Whole, when};

pub(super) const HELP: &str = "\
Whatever is found out about a recording or done with it adds a link to the chain of its day: proven,
adopted (it was proven before there was a chain), judged (another verdict), archived, deleted.

Without --export each day is told with its last link, whose hash stands for the whole day and says
nothing of anybody. Whoever may write the database may also make the whole chain anew: send these
hashes, or an export, where they cannot write, every day. `verify --chain --against FILE` then finds
what was changed since.

A line of an export has thirteen fields with a tab between them:

  hash previous day sequence step time call leg path sha256 bytes verdict sidecar

`hash` is the SHA-256 of all behind it and its tab, the newline at the end included; `previous` the
hash of the line before, or of the last one that an earlier day had then, or 64 zeros; `sha256` that
of the file and `sidecar` that of the .json beside it, `-` if there is none. Paths hold numbers.

Examples:
  ustredna recordings chain --day 2026-11-22
  ustredna recordings chain --json > /mnt/notary/days.json
  ustredna recordings chain --export chain.txt
  sed -n 5p chain.txt | cut -f 2- | sha256sum      the hash of line 5, by other means
  awk -F '\\t' '{print $10 \"  \" $9}' chain.txt | sha256sum -c     the files that are still there";

#[derive(Debug, Args)]
pub(super) struct Chain {
    /// Write every link to this file; `-` for standard output
    #[arg(long, value_name = "FILE|-")]
    export: Option<PathBuf>,
    /// Only the chain of this day of recordings
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Paths hold numbers: a new file is for its owner alone, whatever the umask lets others read.
fn private(path: &Path) -> io::Result<File> {
    File::options().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// The last link of a day.
#[derive(Serialize)]
struct End<'a> {
    day: &'a str,
    sequence: i64,
    hash: &'a str,
}

#[derive(Serialize)]
struct LinkJson<'a> {
    hash: &'a str,
    previous: &'a str,
    day: &'a str,
    sequence: i64,
    step: &'a str,
    at: Option<Timestamp>,
    call: &'a str,
    leg: &'a str,
    path: &'a str,
    sha256: Option<&'a str>,
    bytes: Option<i64>,
    verdict: &'a str,
    sidecar: Option<&'a str>,
}

impl<'a> From<&'a ChainLink> for LinkJson<'a> {
    fn from(link: &'a ChainLink) -> Self {
        Self {
            hash: &link.hash,
            previous: &link.previous,
            day: &link.day,
            sequence: link.sequence,
            step: &link.step,
            at: Timestamp::from_millisecond(link.at_ms).ok(),
            call: &link.call,
            leg: &link.leg,
            path: link.path.reveal(),
            sha256: link.sha256.as_deref(),
            bytes: link.bytes,
            verdict: &link.verdict,
            sidecar: link.sidecar.as_deref(),
        }
    }
}

impl Chain {
    pub(super) async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let day = self.day.as_deref().map(|text| when::day(text).context("--day")).transpose()?;
        let day = day.map(|day| day.to_string());
        let links = desk.store().await?.chain(day.as_deref()).await?;
        match &self.export {
            Some(file) if file.as_os_str() == "-" => self.write(&links, desk.out),
            Some(file) => {
                let told = || format!("{} cannot be written", file.display());
                let mut out = BufWriter::new(private(file).with_context(told)?);
                self.write(&links, &mut out)?;
                let out = out.into_inner().map_err(std::io::IntoInnerError::into_error);
                out.and_then(|file| file.sync_all()).with_context(told)?;
                Ok(desk.line(&format!("Links written: {}.", links.len()))?)
            }
            None => self.tell(desk, &links),
        }
    }

    fn write(&self, links: &[ChainLink], out: &mut dyn Write) -> anyhow::Result<()> {
        for link in links {
            if self.json {
                writeln!(out, "{}", serde_json::to_string(&LinkJson::from(link))?)?;
            } else {
                out.write_all(link.line().as_bytes())?;
            }
        }
        Ok(())
    }

    fn tell(&self, desk: &mut Desk<'_>, links: &[ChainLink]) -> anyhow::Result<()> {
        let days = links.chunk_by(|one, next| one.day == next.day);
        let ends = days.filter_map(|day| day.last()).map(|link| End {
            day: &link.day,
            sequence: link.sequence,
            hash: &link.hash,
        });
        if self.json {
            return desk.json(ends);
        }
        let rows =
            ends.map(|end| [end.day.to_owned(), end.sequence.to_string(), end.hash.to_owned()]);
        let columns = [Whole("DAY"), Whole("LINKS"), Whole("HASH OF THE LAST")];
        Ok(desk.table(columns, rows, "No recording was proven yet.")?)
    }
}
