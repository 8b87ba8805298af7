//! `ustredna calls`.

use exchange::{
    call::Direction,
    destination::Refusal,
    model::{CallId, LegId, Outcome, Service},
    number::PhoneNumber,
    recording::RecordingPath,
    ticket::TicketNumber,
};
use jiff::Timestamp;
use serde::Serialize;
use store::{AttemptRow, CallRow};

use super::{
    desk::Desk,
    filter::Listing,
    table::Column::{Text, Time, Whole},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  ustredna calls --since 2h
  ustredna calls --shopper 601123456 --since 2026-11-22 --until 2026-11-22
  ustredna calls --project Banks --limit 1000
  ustredna calls --json | jq -r 'select(.outcome == \"refused\") | .refusal'";

#[derive(Serialize)]
struct CallJson {
    id: CallId,
    service: Service,
    caller: Option<PhoneNumber>,
    shopper: Option<PhoneNumber>,
    fictitious_number: Option<PhoneNumber>,
    dealer: Option<PhoneNumber>,
    project: Option<String>,
    started_at: Timestamp,
    answered_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    talk_seconds: f64,
    outcome: Option<Outcome>,
    refusal: Option<Refusal>,
    hangup_cause: Option<String>,
    recording: Option<String>,
    ticket: Option<TicketNumber>,
    attempts: Vec<AttemptJson>,
}

#[derive(Serialize)]
struct AttemptJson {
    id: LegId,
    direction: &'static str,
    fictitious_number: PhoneNumber,
    dealer: Option<PhoneNumber>,
    started_at: Timestamp,
    answered_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    talk_seconds: f64,
    outcome: Option<Outcome>,
    hangup_cause: Option<String>,
    recording: Option<String>,
}

impl From<CallRow> for CallJson {
    fn from(call: CallRow) -> Self {
        Self {
            id: call.id,
            service: call.service,
            caller: call.caller,
            shopper: call.shopper,
            fictitious_number: call.fictitious_number,
            dealer: call.dealer,
            project: call.project,
            started_at: call.started_at,
            answered_at: call.answered_at,
            ended_at: call.ended_at,
            talk_seconds: call.talk_seconds,
            outcome: call.outcome,
            refusal: call.refusal,
            hangup_cause: call.hangup_cause,
            recording: call.recording.map(RecordingPath::into_revealed),
            ticket: call.ticket,
            attempts: call.attempts.into_iter().map(AttemptJson::from).collect(),
        }
    }
}

impl From<AttemptRow> for AttemptJson {
    fn from(attempt: AttemptRow) -> Self {
        Self {
            id: attempt.id,
            // As in the names of recordings.
            direction: match attempt.direction {
                Direction::Out => "out",
                Direction::Back => "back",
                Direction::Return => "return",
            },
            fictitious_number: attempt.fictitious_number,
            dealer: attempt.dealer,
            started_at: attempt.started_at,
            answered_at: attempt.answered_at,
            ended_at: attempt.ended_at,
            talk_seconds: attempt.talk_seconds,
            outcome: attempt.outcome,
            hangup_cause: attempt.hangup_cause,
            recording: attempt.recording.map(RecordingPath::into_revealed),
        }
    }
}

/// As in the names of recordings: shorter than the services' names.
fn service(service: Service) -> String {
    match service {
        Service::OutboundHotline => "out",
        Service::FictitiousNumber => "back",
        Service::CallbackHotline => "return",
    }
    .to_owned()
}

fn outcome(call: &CallRow) -> String {
    match (call.outcome, call.refusal) {
        (None, _) => "in progress".to_owned(),
        (Some(Outcome::Refused), Some(refusal)) => {
            format!("refused: {}", refusal.to_string().replace('_', " "))
        }
        (Some(outcome), _) => outcome.to_string().replace('_', " "),
    }
}

/// `1:05`, or nothing when nobody talked.
pub(super) fn length(seconds: f64) -> String {
    // Whole seconds, rounded as a telephone's display would.
    let whole = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default().as_secs();
    if seconds > 0.0 { format!("{}:{:02}", whole / 60, whole % 60) } else { String::new() }
}

pub(super) async fn list(listing: &Listing, desk: &mut Desk<'_>) -> anyhow::Result<()> {
    let (store, filter) = listing.open(desk).await?;
    let calls = store.calls(&filter).await?;
    if listing.json {
        return desk.json(calls.into_iter().map(CallJson::from));
    }
    let rows: Vec<_> = calls
        .iter()
        .map(|call| {
            [
                desk.local(call.started_at),
                service(call.service),
                desk.written_opt(call.shopper.as_ref()),
                desk.written_opt(call.fictitious_number.as_ref()),
                desk.written_opt(call.dealer.as_ref()),
                outcome(call),
                length(call.talk_seconds),
                call.ticket.map(|ticket| ticket.to_string()).unwrap_or_default(),
            ]
        })
        .collect();
    let columns = [
        Time("STARTED"),
        Whole("CALL"),
        Whole("SHOPPER"),
        Whole("NUMBER"),
        Whole("DEALER"),
        Text("OUTCOME"),
        Whole("TALK"),
        Whole("TICKET"),
    ];
    desk.table(columns, rows, "No such calls.")?;
    Ok(listing.tell_cut(desk, calls.len())?)
}
