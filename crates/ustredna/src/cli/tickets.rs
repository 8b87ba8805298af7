//! `ustredna tickets`.

use exchange::{
    destination::{self, Refusal},
    facts::Rules,
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
--since and --until are of the last missed call. An open ticket that the callback hotline refuses by
the rules as they are now has the reason in its status, and as `refusal` in JSON.

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
    refusal: Option<Refusal>,
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

/// Why an open ticket cannot be returned: the rules, or the exchange's numbers, have changed since.
fn refusal(ticket: &TicketRow, rules: &Rules) -> Option<Refusal> {
    if ticket.status != TicketStatus::Open {
        None
    } else if ticket.dealer_is_ours {
        Some(Refusal::ExchangeNumber)
    } else {
        destination::check_callback(&ticket.dealer, &ticket.shopper, rules).err()
    }
}

fn status(ticket: &TicketRow, rules: &Rules) -> String {
    let status = ticket.status.to_string().replace('_', " ");
    match refusal(ticket, rules) {
        None => status,
        Some(refusal) => format!("{status}, refused: {}", refusal.to_string().replace('_', " ")),
    }
}

impl TicketJson {
    fn of(ticket: TicketRow, rules: &Rules) -> Self {
        Self {
            refusal: refusal(&ticket, rules),
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
    let rules = desk.settings.rules();
    if listing.json {
        return desk.json(tickets.into_iter().map(|ticket| TicketJson::of(ticket, &rules)));
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
                status(ticket, &rules),
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
