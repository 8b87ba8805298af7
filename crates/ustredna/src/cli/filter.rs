//! The options that narrow every list.

use clap::Args;
use store::Filter;

use super::{
    desk::Desk,
    when::{self, Edge},
};

/// How many rows a table has unless more are asked for.
const TABLE_ROWS: u32 = 100;

#[derive(Debug, Default, PartialEq, Args)]
pub(super) struct Listing {
    /// Only of the shopper with this phone, in any usual form
    #[arg(long, value_name = "PHONE")]
    shopper: Option<String>,
    /// Only of this project
    #[arg(long)]
    project: Option<String>,
    /// Not before: 2026-11-22, "2026-11-22 10:30", RFC 3339, or how long ago (2h, 7d)
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Not after, written the same way; a date includes its whole day
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// At most so many, the newest [default: 100 in a table, all with --json]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

impl Listing {
    pub(super) fn filter(&self, desk: &Desk<'_>) -> anyhow::Result<Filter> {
        let at = |text: &Option<String>, edge| {
            text.as_deref()
                .map(|text| when::moment_or_ago(text, desk.zone(), edge, desk.now))
                .transpose()
        };
        Ok(Filter {
            shopper: self.shopper.as_deref().map(|text| desk.phone(text)).transpose()?,
            project: self.project.clone(),
            since: at(&self.since, Edge::Start)?,
            until: at(&self.until, Edge::End)?,
            limit: self.limit.or((!self.json).then_some(TABLE_ROWS)),
        })
    }

    /// Tells that a table holds the newest rows only, when that may be so and nobody asked for it.
    pub(super) fn tell_cut(&self, desk: &mut Desk<'_>, rows: usize) -> std::io::Result<()> {
        if self.limit.is_none() && u32::try_from(rows) == Ok(TABLE_ROWS) {
            desk.line(&format!("(the newest {TABLE_ROWS}; older ones with --limit or --until)"))?;
        }
        Ok(())
    }
}
