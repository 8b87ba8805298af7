//! `ustredna tickets`.

use exchange::{
    model::{SmsStatus, TicketId, TicketStatus},
    number::PhoneNumber,
    ticket::TicketNumber,
};
use jiff::Timestamp;
use serde::Serialize;
use store::TicketRow;

use super::{
    desk::Desk,
    filter::Listing,
    table::Column::{Time, Whole},
};

pub(super) const EXAMPLES: &str = "\
--since and --until are of the last missed call.

Examples:
  ustredna tickets
  ustredna tickets --shopper 601123456 --since 7d
  ustredna tickets --json | jq 'select(.status == \"open\")'";

#[derive(Serialize)]
struct TicketJson {
    shopper: PhoneNumber,
    number: TicketNumber,
    dealer: PhoneNumber,
    fictitious_number: PhoneNumber,
    project: Option<String>,
    status: TicketStatus,
    missed: u32,
    first_missed_at: Timestamp,
    last_missed_at: Timestamp,
    closed_at: Option<Timestamp>,
    sms: Option<SmsStatus>,
    sms_sent_at: Option<Timestamp>,
    sms_delivered_at: Option<Timestamp>,
    sms_error: Option<String>,
    id: TicketId,
}

/// Whose hands the message is in at this very moment is of no interest beside a ticket.
fn settled(sms: SmsStatus) -> SmsStatus {
    if sms == SmsStatus::Sending { SmsStatus::Queued } else { sms }
}

impl From<TicketRow> for TicketJson {
    fn from(ticket: TicketRow) -> Self {
        Self {
            shopper: ticket.shopper,
            number: ticket.number,
            dealer: ticket.dealer,
            fictitious_number: ticket.fictitious_number,
            project: ticket.project,
            status: ticket.status,
            missed: ticket.missed,
            first_missed_at: ticket.first_missed_at,
            last_missed_at: ticket.last_missed_at,
            closed_at: ticket.closed_at,
            sms: ticket.sms.map(settled),
            sms_sent_at: ticket.sms_sent_at,
            sms_delivered_at: ticket.sms_delivered_at,
            sms_error: ticket.sms_error,
            id: ticket.id,
        }
    }
}

pub(super) async fn list(listing: &Listing, desk: &mut Desk<'_>) -> anyhow::Result<()> {
    let (store, filter) = listing.open(desk).await?;
    let tickets = store.tickets(&filter).await?;
    if listing.json {
        return desk.json(tickets.into_iter().map(TicketJson::from));
    }
    let rows: Vec<_> = tickets
        .iter()
        .map(|ticket| {
            [
                desk.local(ticket.last_missed_at),
                desk.written(&ticket.shopper),
                ticket.number.to_string(),
                desk.written(&ticket.dealer),
                desk.written(&ticket.fictitious_number),
                ticket.missed.to_string(),
                ticket.status.to_string().replace('_', " "),
                ticket.sms.map(|sms| settled(sms).to_string()).unwrap_or_default(),
            ]
        })
        .collect();
    let columns = [
        Time("LAST MISSED"),
        Whole("SHOPPER"),
        Whole("TICKET"),
        Whole("DEALER"),
        Whole("NUMBER"),
        Whole("MISSED"),
        Whole("STATUS"),
        Whole("SMS"),
    ];
    desk.table(columns, rows, "No such tickets.")?;
    Ok(listing.tell_cut(desk, tickets.len())?)
}
