//! `ustredna sms`.

use exchange::{
    model::{SmsId, SmsStatus},
    number::PhoneNumber,
    ticket::TicketNumber,
};
use jiff::Timestamp;
use serde::Serialize;
use store::SmsRow;

use super::{desk::Desk, filter::Listing};

pub(super) const EXAMPLES: &str = "\
--since and --until are of when a message was written.

Examples:
  ustredna sms --since 1h
  ustredna sms --shopper 601123456
  ustredna sms --json | jq 'select(.status == \"failed\") | {to, error}'";

#[derive(Serialize)]
struct SmsJson {
    id: SmsId,
    to: PhoneNumber,
    text: String,
    segments: u32,
    status: SmsStatus,
    attempts: u32,
    not_before: Timestamp,
    created_at: Timestamp,
    sent_at: Option<Timestamp>,
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
            attempts: sms.attempts,
            not_before: sms.not_before,
            created_at: sms.created_at,
            sent_at: sms.sent_at,
            error: sms.error,
            ticket: sms.ticket,
        }
    }
}

/// When it was sent, or when it will be tried next.
fn when(sms: &SmsRow, desk: &Desk<'_>) -> String {
    match sms.status {
        SmsStatus::Sent | SmsStatus::Delivered => desk.local_opt(sms.sent_at),
        SmsStatus::Queued | SmsStatus::Sending => format!("from {}", desk.local(sms.not_before)),
        SmsStatus::Failed | SmsStatus::Skipped => String::new(),
    }
}

pub(super) async fn list(listing: &Listing, desk: &mut Desk<'_>) -> anyhow::Result<()> {
    let filter = listing.filter(desk)?;
    let messages = desk.store().await?.sms(&filter).await?;
    if listing.json {
        return desk.json(messages.into_iter().map(SmsJson::from));
    }
    let rows: Vec<_> = messages
        .iter()
        .map(|sms| {
            [
                desk.local(sms.created_at),
                desk.written(&sms.to),
                sms.status.to_string(),
                when(sms, desk),
                sms.attempts.to_string(),
                sms.text.clone(),
                sms.error.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let header = ["written", "TO", "STATUS", "sent", "TRIES", "text", "error"];
    desk.table(header, rows, "No such messages.")?;
    Ok(listing.tell_cut(desk, messages.len())?)
}
