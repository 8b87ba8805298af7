//! The list of calls.

use std::collections::HashMap;

use exchange::{
    call::Direction,
    destination::Refusal,
    model::{CallId, LegId, Outcome, Service, ShopperId},
    number::PhoneNumber,
    recording::RecordingPath,
    ticket::TicketNumber,
};
use jiff::Timestamp;

use crate::{
    Filter, Store, StoreError,
    intents::direction_of,
    row::{Fields, fetch},
};

/// A call to the exchange in the list.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRow {
    /// The call.
    pub id: CallId,
    /// Which service it used.
    pub service: Service,
    /// Who called, unless withheld.
    pub caller: Option<PhoneNumber>,
    /// The shopper on either side, if known.
    pub shopper_id: Option<ShopperId>,
    /// Their phone.
    pub shopper: Option<PhoneNumber>,
    /// The number that was shown or called.
    pub fictitious_number: Option<PhoneNumber>,
    /// Who was called, or called; `None` also when withheld.
    pub dealer: Option<PhoneNumber>,
    /// The pairing's project.
    pub project: Option<String>,
    /// When it came in.
    pub started_at: Timestamp,
    /// When the talk began.
    pub answered_at: Option<Timestamp>,
    /// When it was over; `None` while it goes on.
    pub ended_at: Option<Timestamp>,
    /// Seconds of talk.
    pub talk_seconds: f64,
    /// What became of it; `None` while it goes on.
    pub outcome: Option<Outcome>,
    /// What was refused last.
    pub refusal: Option<Refusal>,
    /// FreeSWITCH's name for how it ended.
    pub hangup_cause: Option<String>,
    /// The path of the last talk's recording, below the recordings folder.
    pub recording: Option<RecordingPath>,
    /// The ticket it opened, counted on or returned.
    pub ticket: Option<TicketNumber>,
    /// The dialled legs, in order.
    pub attempts: Vec<AttemptRow>,
}

/// A dialled leg in the list.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRow {
    /// The leg.
    pub id: LegId,
    /// Who rang whom.
    pub direction: Direction,
    /// The number that was shown or called.
    pub fictitious_number: PhoneNumber,
    /// The dealer, on whichever side; `None` when withheld.
    pub dealer: Option<PhoneNumber>,
    /// When dialling began.
    pub started_at: Timestamp,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// When it was over; `None` while it goes on.
    pub ended_at: Option<Timestamp>,
    /// Seconds of talk.
    pub talk_seconds: f64,
    /// What became of it; `None` while it goes on.
    pub outcome: Option<Outcome>,
    /// FreeSWITCH's name for how it ended.
    pub hangup_cause: Option<String>,
    /// The path of its recording, if it was answered.
    pub recording: Option<RecordingPath>,
}

fn attempt(row: Fields<'_>) -> Result<AttemptRow, StoreError> {
    let answered_at = row.time_opt("answered_at")?;
    Ok(AttemptRow {
        id: LegId(row.id("id")?),
        direction: direction_of(&row.text("direction")?).ok_or_else(|| row.damaged("direction"))?,
        fictitious_number: row.phone("fictitious_number")?,
        dealer: row.phone_opt("dealer")?,
        started_at: row.time("started_at")?,
        answered_at,
        ended_at: row.time_opt("ended_at")?,
        talk_seconds: row.span("talk_ms")?.as_secs_f64(),
        outcome: row.word_opt("outcome")?,
        hangup_cause: row.text_opt("hangup_cause")?,
        recording: answered_at.map(|_| row.recording("recording")).transpose()?,
    })
}

impl Store {
    /// The calls with their attempts, newest first; the filter's times are of their arrival.
    /// Damaged ones are left out, and so are damaged attempts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn calls(&self, filter: &Filter) -> Result<Vec<CallRow>, StoreError> {
        let mut tx = self.snapshot().await?;
        let query = sqlx::query(
            "SELECT c.id, c.service, c.caller, c.shopper_id, s.id AS shopper, s.phone, c.fictitious_number, c.dealer, c.project, \
             c.started_at, c.answered_at, c.ended_at, c.talk_ms, c.outcome, c.refusal, \
             c.hangup_cause, t.id AS ticket, t.number FROM calls c \
             LEFT JOIN shoppers s ON s.id = c.shopper_id \
             LEFT JOIN tickets t ON t.id = c.ticket_id \
             WHERE ($1 IS NULL OR s.phone = $1) AND ($2 IS NULL OR c.project = $2) \
             AND c.started_at >= $3 AND c.started_at < $4 \
             ORDER BY c.started_at DESC, c.id DESC LIMIT $5",
        );
        let calls = fetch(filter.bind(query), &mut tx, (&self.damage, "calls")).await?;
        let query = sqlx::query(
            "SELECT l.id, l.call_id, l.direction, l.fictitious_number, l.dealer, l.started_at, \
             l.answered_at, l.ended_at, l.talk_ms, l.outcome, l.hangup_cause, l.recording \
             FROM legs l WHERE l.call_id IN (SELECT c.id FROM calls c \
             LEFT JOIN shoppers s ON s.id = c.shopper_id \
             WHERE ($1 IS NULL OR s.phone = $1) AND ($2 IS NULL OR c.project = $2) \
             AND c.started_at >= $3 AND c.started_at < $4 \
             ORDER BY c.started_at DESC, c.id DESC LIMIT $5) ORDER BY l.started_at, l.id",
        );
        let legs = fetch(filter.bind(query), &mut tx, (&self.damage, "legs")).await?;
        tx.rollback().await?;

        let mut attempts: HashMap<CallId, Vec<AttemptRow>> = HashMap::new();
        let legs = self.damage.readable(&legs, |row| {
            let row = Fields::new("legs", row);
            Ok((CallId(row.id("call_id")?), attempt(row)?))
        })?;
        for (call, attempt) in legs {
            attempts.entry(call).or_default().push(attempt);
        }
        self.damage.readable(&calls, |row| {
            let row = Fields::new("calls", row);
            let id = CallId(row.id("id")?);
            let attempts = attempts.remove(&id).unwrap_or_default();
            let shopper = row.joined("shoppers", "shopper").phone_opt("phone");
            let ticket = row.joined("tickets", "ticket").ticket_number_opt("number");
            Ok(CallRow {
                id,
                service: row.word("service")?,
                caller: row.phone_opt("caller")?,
                shopper_id: self.damage.noted(row.id_opt("shopper_id"))?.flatten().map(ShopperId),
                // A call is told although its shopper or ticket is damaged.
                shopper: self.damage.noted(shopper)?.flatten(),
                fictitious_number: row.phone_opt("fictitious_number")?,
                dealer: row.phone_opt("dealer")?,
                project: row.text_opt("project")?,
                started_at: row.time("started_at")?,
                answered_at: row.time_opt("answered_at")?,
                ended_at: row.time_opt("ended_at")?,
                talk_seconds: row.span("talk_ms")?.as_secs_f64(),
                outcome: row.word_opt("outcome")?,
                refusal: row.word_opt("refusal")?,
                hangup_cause: row.text_opt("hangup_cause")?,
                recording: attempts.iter().rev().find_map(|leg| leg.recording.clone()),
                ticket: self.damage.noted(ticket)?.flatten(),
                attempts,
            })
        })
    }
}
