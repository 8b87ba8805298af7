//! The options that narrow every list.

use anyhow::{Context as _, bail};
use clap::Args;
use store::{Filter, Store};

use super::{
    desk::Desk,
    known,
    when::{self, Edge},
};

/// How many rows a table has unless more are asked for.
const TABLE_ROWS: u32 = 100;

#[derive(Debug, Default, PartialEq, Args)]
pub(super) struct Listing {
    /// Only of the shopper with this phone, in any usual form
    #[arg(long, value_name = "PHONE", allow_hyphen_values = true)]
    shopper: Option<String>,
    /// Only of this project
    #[arg(long, allow_hyphen_values = true)]
    project: Option<String>,
    /// Not before: 2026-11-22, "2026-11-22 10:30", RFC 3339, or how long ago (2h, 7d)
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    since: Option<String>,
    /// Not after, written the same way; a date includes its whole day
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    until: Option<String>,
    /// At most so many, the newest [default: 100 in a table, all with --json]
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    limit: Option<u32>,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

fn count(text: &str) -> Result<u32, &'static str> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or("write a whole number from 1 on, for example 50")
}

impl Listing {
    /// Opens the state, with what is asked of it.
    pub(super) async fn open(&self, desk: &Desk<'_>) -> anyhow::Result<(Store, Filter)> {
        let mut filter = self.filter(desk)?;
        let store = desk.store().await?;
        narrowed(desk, &store, &mut filter).await?;
        Ok((store, filter))
    }

    fn filter(&self, desk: &Desk<'_>) -> anyhow::Result<Filter> {
        let at = |text: Option<&str>, edge| {
            text.map(|text| when::moment_or_ago(text, desk.zone(), edge, desk.now)).transpose()
        };
        let since = self.since.as_deref().map(|text| when::since(text, desk)).transpose()?;
        let until = at(self.until.as_deref(), Edge::End).context("--until")?;
        if let (Some(from), Some(to)) = (since, until)
            && from >= to
        {
            let given = |text: &Option<String>| text.clone().unwrap_or_default();
            bail!(
                "--since `{}` is not before --until `{}`: nothing lies between; exchange the two",
                given(&self.since),
                given(&self.until)
            );
        }
        Ok(Filter {
            shopper: self.shopper.as_deref().map(|text| desk.phone(text)).transpose()?,
            project: self.project.clone(),
            since,
            until,
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

/// Whom and what a list is narrowed to is known: else it would be empty, and nobody knew why.
pub(super) async fn narrowed(
    desk: &Desk<'_>,
    store: &Store,
    filter: &mut Filter,
) -> anyhow::Result<()> {
    if let Some(phone) = &filter.shopper {
        known::shopper(desk, store, phone).await?;
    }
    if let Some(project) = &mut filter.project {
        *project = known::project(store, project).await?;
    }
    Ok(())
}
