//! `ustredna sms`.

mod preview;

use anyhow::Context as _;
use clap::{ArgGroup, Args, Subcommand};
use exchange::{
    model::{SmsId, SmsStatus},
    number::PhoneNumber,
    ticket::TicketNumber,
};
use jiff::Timestamp;
use serde::Serialize;
use store::{Retried, SmsRow, Store, StoreError};

use super::{
    desk::Desk,
    filter::Listing,
    table::Column::{Text, Time, Whole},
    when,
};

/// How far back `retry --failed` reaches unless told otherwise.
const RECENT: &str = "1d";

pub(super) const EXAMPLES: &str = "\
--since and --until are of when a message was written. A message is named by its id or the end of
it, as in the first column. \"perhaps sent\": no answer came to a try, so it may have been taken.

Examples:
  ustredna sms --since 1h
  ustredna sms --shopper 601123456
  ustredna sms --json | jq 'select(.status == \"failed\") | {to, error}'
  ustredna sms retry 3f2a9c1e
  ustredna sms retry --failed --since 2h
  ustredna sms cancel 3f2a9c1e
  ustredna sms preview";

const LIST: &str = "\
Examples:
  ustredna sms list --since 1h
  ustredna sms list --shopper 601123456 --limit 10
  ustredna sms list --json | jq 'select(.status == \"failed\") | {to, error}'";

const RETRY: &str = "\
One that the provider had taken is sent as a new message with an id of its own. A message is named
as in the first column of `ustredna sms`.

Examples:
  ustredna sms retry 3f2a9c1e
  ustredna sms retry 3f2a9c1e 0b7d52f4
  ustredna sms retry --failed
  ustredna sms retry --failed --since 2h";

const CANCEL: &str = "\
A message that is cancelled can be sent all the same later: `ustredna sms retry`. It is named as in
the first column of `ustredna sms`.

Examples:
  ustredna sms cancel 3f2a9c1e
  ustredna sms cancel 3f2a9c1e 0b7d52f4";

#[derive(Debug, Args)]
pub(super) struct Sms {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: Listing,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the messages, the newest first
    #[command(after_help = LIST)]
    List(Listing),
    /// Send messages again that have failed or were cancelled, unless their ticket is closed
    #[command(after_help = RETRY)]
    Retry(Retry),
    /// Take messages back that still wait
    #[command(after_help = CANCEL)]
    Cancel(Cancel),
    /// Show a sample of every text, with its alphabet and segments
    #[command(after_help = preview::EXAMPLES)]
    Preview(preview::Preview),
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
struct Retry {
    /// The message, by the end of its id
    #[arg(group = "which")]
    ids: Vec<String>,
    /// All that have failed and that no later one makes needless; not those that expired
    #[arg(long, group = "which")]
    failed: bool,
    /// With --failed: written since then [default: 1d]
    #[arg(
        long,
        value_name = "WHEN",
        requires = "failed",
        conflicts_with = "ids",
        allow_hyphen_values = true
    )]
    since: Option<String>,
}

#[derive(Debug, Args)]
struct Cancel {
    /// The message, by the end of its id
    #[arg(required = true)]
    ids: Vec<String>,
}

impl Sms {
    /// Whether options of the list stand before another word, where they would mean nothing.
    pub(super) fn misplaced(&self) -> bool {
        self.action.is_some() && self.list != Listing::default()
    }

    pub(super) async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        match self.action.unwrap_or(Action::List(self.list)) {
            Action::List(listing) => list(&listing, desk).await,
            Action::Retry(retry) => retry.run(desk).await,
            Action::Cancel(cancel) => cancel.run(desk).await,
            Action::Preview(preview) => preview.run(desk),
        }
    }
}

/// The message whose id ends so.
async fn find(store: &Store, given: &str) -> anyhow::Result<SmsId> {
    match store.find_sms(given).await {
        Err(StoreError::NotFound(_)) => anyhow::bail!(
            "`{given}`: no message has an id that ends so; `ustredna sms` shows the end of each id \
             in its first column, give four characters of it at least"
        ),
        found => found.with_context(|| format!("`{given}`")),
    }
}

impl Retry {
    async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let store = desk.store().await?;
        let expiry = desk.settings.sms.expiry.signed();
        let mut all = Vec::new();
        if self.failed {
            let since = self.since.as_deref().unwrap_or(RECENT);
            let since = when::since(since, desk)?;
            all = store.retry_failed_sms(since, desk.now, expiry).await?;
            if all.is_empty() {
                return Ok(desk.line("None have failed that may be sent again.")?);
            }
        }
        for given in &self.ids {
            let id = find(&store, given).await?;
            let retried = store.retry_sms(id, desk.now, expiry).await;
            all.push(retried.with_context(|| format!("`{given}`"))?);
        }
        for Retried { old, new } in all {
            let told = if old == new { String::new() } else { format!(", now as {new}") };
            desk.line(&format!("{old} is sent again{told}."))?;
        }
        Ok(())
    }
}

impl Cancel {
    async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let store = desk.store().await?;
        for given in &self.ids {
            let id = find(&store, given).await?;
            let done = store.cancel_sms(id, desk.now).await;
            let perhaps_sent = done.with_context(|| format!("`{given}`"))?;
            let but = if perhaps_sent { "; it may have been sent already" } else { "" };
            desk.line(&format!("{id} is cancelled{but}."))?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct SmsJson {
    id: SmsId,
    to: PhoneNumber,
    text: String,
    segments: u32,
    status: SmsStatus,
    unknown: bool,
    attempts: u32,
    not_before: Timestamp,
    expires_at: Option<Timestamp>,
    created_at: Timestamp,
    sent_at: Option<Timestamp>,
    delivered_at: Option<Timestamp>,
    provider_id: Option<String>,
    error: Option<String>,
    ticket: Option<TicketNumber>,
}

impl From<SmsRow> for SmsJson {
    fn from(sms: SmsRow) -> Self {
        Self {
            id: sms.id,
            to: sms.to,
            text: sms.text,
            segments: sms.segments,
            status: sms.status,
            unknown: sms.unknown,
            attempts: sms.attempts,
            not_before: sms.not_before,
            expires_at: sms.expires_at,
            created_at: sms.created_at,
            sent_at: sms.sent_at,
            delivered_at: sms.delivered_at,
            provider_id: sms.provider_id,
            error: sms.error,
            ticket: sms.ticket,
        }
    }
}

/// When it was sent or arrived, or when it will be tried next.
fn when(sms: &SmsRow, desk: &Desk<'_>) -> String {
    match sms.status {
        SmsStatus::Sent => desk.local_opt(sms.sent_at),
        SmsStatus::Delivered => desk.local_opt(sms.delivered_at.or(sms.sent_at)),
        SmsStatus::Queued | SmsStatus::Sending => format!("from {}", desk.local(sms.not_before)),
        SmsStatus::Failed | SmsStatus::Skipped => String::new(),
    }
}

async fn list(listing: &Listing, desk: &mut Desk<'_>) -> anyhow::Result<()> {
    let (store, filter) = listing.open(desk).await?;
    let messages = store.sms(&filter).await?;
    if listing.json {
        return desk.json(messages.into_iter().map(SmsJson::from));
    }
    let rows: Vec<_> = messages
        .iter()
        .map(|sms| {
            let id = sms.id.to_string();
            let unknown = if sms.unknown { ", perhaps sent" } else { "" };
            [
                id.get(id.len().saturating_sub(8)..).unwrap_or_default().to_owned(),
                desk.local(sms.created_at),
                desk.written(&sms.to),
                format!("{}{unknown}", sms.status),
                when(sms, desk),
                sms.attempts.to_string(),
                sms.text.clone(),
                sms.error.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let columns = [
        Whole("ID"),
        Time("WRITTEN"),
        Whole("TO"),
        Text("STATUS"),
        Time("SENT"),
        Whole("TRIES"),
        Text("TEXT"),
        Text("ERROR"),
    ];
    desk.table(columns, rows, "No such messages.")?;
    Ok(listing.tell_cut(desk, messages.len())?)
}
