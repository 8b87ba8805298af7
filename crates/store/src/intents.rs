//! Intents: what is about to be dialled, committed before it is, so that a crash of anything
//! leaves a row that can be completed.

use std::collections::HashMap;

use exchange::{
    call::{Dial, Direction},
    cause::Failure,
    destination::Refusal,
    history::{History, Leg},
    model::{CallId, LegId, Outcome, Pairing, PairingId, ShopperId, TicketId},
};
use jiff::{SignedDuration, Timestamp};
use sqlx::{AnyConnection, any::AnyRow};

use crate::{
    Store, StoreError,
    row::{Fields, ms, ms_opt},
};

/// After this a leg without an end is no call any more but what a crash left.
const STALE: SignedDuration = SignedDuration::from_hours(4);

/// What one shopper may use; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Dialled calls a day.
    pub calls_per_day: Option<u32>,
    /// Minutes of talk a day; a call under way is not counted before it ends.
    pub minutes_per_day: Option<u32>,
    /// Dialled calls under way at once.
    pub calls_at_once: Option<u32>,
}

pub(crate) fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Out => "out",
        Direction::Back => "back",
        Direction::Return => "return",
    }
}

pub(crate) fn direction_of(word: &str) -> Option<Direction> {
    [Direction::Out, Direction::Back, Direction::Return]
        .into_iter()
        .find(|direction| direction_word(*direction) == word)
}

/// Takes the shopper's row, so that transactions of one shopper come one after the other also
/// where several exchanges write at once. (SQLite has but one writer anyway.)
pub(crate) async fn lock_shopper(
    tx: &mut AnyConnection,
    shopper: ShopperId,
) -> Result<AnyRow, StoreError> {
    sqlx::query(
        "UPDATE shoppers SET active = active WHERE id = $1 \
         RETURNING id, phone, language, last_ticket",
    )
    .bind(shopper.to_string())
    .fetch_optional(tx)
    .await?
    .ok_or(StoreError::NotFound("shopper"))
}

impl Store {
    /// Commits that `leg` is about to be dialled, or says why it must not be. The row of the call
    /// and of its earlier attempts are written as `history` has them.
    ///
    /// A leg to one of the exchange's fictitious numbers is refused, and so is one beyond the
    /// shopper's `limits`, counted from `day_start`. A dealer's callback is neither.
    ///
    /// # Errors
    /// [`StoreError`]; nothing may be dialled then.
    pub async fn begin_leg(
        &self,
        history: &History,
        leg: &Leg,
        limits: &Limits,
        now: Timestamp,
        day_start: Timestamp,
    ) -> Result<Result<(), Refusal>, StoreError> {
        let mut tx = self.begin().await?;
        if let Some(shopper) = history.shopper {
            lock_shopper(&mut tx, shopper).await?;
        }
        let refusal = match leg.dial.direction {
            Direction::Back => None,
            Direction::Out | Direction::Return => {
                refusal(&mut tx, history, leg, limits, now, day_start).await?
            }
        };
        if let Some(refusal) = refusal {
            tx.rollback().await?;
            return Ok(Err(refusal));
        }
        open_call(&mut tx, history, leg).await?;
        for earlier in history.legs.iter().filter(|earlier| earlier.id != leg.id) {
            write_leg(&mut tx, history, earlier, earlier.ended_at).await?;
        }
        write_leg(&mut tx, history, leg, leg.ended_at).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// The calls that began before `before` and have no end, oldest first, as far as their
    /// intents tell: a leg without an end counts as given up by the caller until a CDR file says
    /// more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_calls(&self, before: Timestamp) -> Result<Vec<History>, StoreError> {
        let mut tx = self.snapshot().await?;
        let calls = sqlx::query(
            "SELECT id, service, shopper_id, fictitious_number, dealer, refusal, started_at \
             FROM calls WHERE ended_at IS NULL AND started_at < $1 ORDER BY started_at, id",
        )
        .bind(ms(before))
        .fetch_all(&mut *tx)
        .await?;
        let rows = sqlx::query(
            "SELECT l.id, l.call_id, l.direction, l.dialled, l.shown, l.dealer, l.pairing_id, \
             l.ticket_id, l.recording, l.started_at, l.answered_at, l.ended_at, l.outcome, \
             l.hangup_cause, p.number, p.fictitious_number, p.project \
             FROM legs l JOIN pairings p ON p.id = l.pairing_id WHERE l.call_id IN \
             (SELECT id FROM calls WHERE ended_at IS NULL AND started_at < $1) \
             ORDER BY l.started_at, l.id",
        )
        .bind(ms(before))
        .fetch_all(&mut *tx)
        .await?;
        tx.rollback().await?;

        let mut legs: HashMap<CallId, Vec<Leg>> = HashMap::new();
        for row in &rows {
            let row = Fields::new("legs", row);
            legs.entry(CallId(row.id("call_id")?)).or_default().push(leg(row)?);
        }
        calls
            .iter()
            .map(|row| {
                let row = Fields::new("calls", row);
                let id = CallId(row.id("id")?);
                let mut history = History::new(id, row.word("service")?, row.time("started_at")?);
                history.shopper = row.id_opt("shopper_id")?.map(ShopperId);
                if Direction::of(history.service) == Direction::Back {
                    history.called_number = row.phone_opt("fictitious_number")?;
                    history.calling_dealer = row.phone_opt("dealer")?;
                }
                history.refusal = row.word_opt("refusal")?;
                history.legs = legs.remove(&id).unwrap_or_default();
                Ok(history)
            })
            .collect()
    }
}

fn leg(row: Fields<'_>) -> Result<Leg, StoreError> {
    let cause = row.text_opt("hangup_cause")?;
    let failure = match row.word_opt::<Outcome>("outcome")? {
        Some(Outcome::Busy) => Some(Failure::Busy),
        Some(Outcome::NoAnswer) => Some(Failure::NoAnswer),
        Some(Outcome::Rejected) => Some(Failure::Rejected),
        Some(Outcome::Unreachable) => Some(match cause.as_deref().map(Failure::from_cause) {
            Some(Failure::Unallocated) => Failure::Unallocated,
            _ => Failure::Unreachable,
        }),
        None | Some(Outcome::Answered | Outcome::Abandoned | Outcome::Refused) => None,
    };
    Ok(Leg {
        id: LegId(row.id("id")?),
        dial: Dial {
            to: row.phone("dialled")?,
            shown: row.phone("shown")?,
            pairing: Pairing {
                id: PairingId(row.id("pairing_id")?),
                number: row.pairing_number("number")?,
                fictitious_number: row.phone("fictitious_number")?,
                project: row.text_opt("project")?,
            },
            dealer: row.phone_opt("dealer")?,
            direction: direction_of(&row.text("direction")?)
                .ok_or_else(|| row.damaged("direction"))?,
            ticket: row.id_opt("ticket_id")?.map(TicketId),
        },
        recording: row.text("recording")?,
        started_at: row.time("started_at")?,
        answered_at: row.time_opt("answered_at")?,
        ended_at: row.time_opt("ended_at")?,
        failure,
        cause,
    })
}

async fn refusal(
    tx: &mut AnyConnection,
    history: &History,
    leg: &Leg,
    limits: &Limits,
    now: Timestamp,
    day_start: Timestamp,
) -> Result<Option<Refusal>, StoreError> {
    let ours = sqlx::query("SELECT number FROM numbers WHERE number = $1")
        .bind(leg.dial.to.as_str())
        .fetch_optional(&mut *tx)
        .await?;
    if ours.is_some() {
        return Ok(Some(Refusal::ExchangeNumber));
    }
    let (Some(shopper), true) = (history.shopper, *limits != Limits::default()) else {
        return Ok(None);
    };
    let stale = now.saturating_sub(STALE).unwrap_or(Timestamp::MIN);
    let row = sqlx::query(
        "SELECT 'today' AS id, COUNT(CASE WHEN started_at >= $2 THEN 1 END) AS calls, \
         CAST(COALESCE(SUM(CASE WHEN started_at >= $2 THEN talk_ms END), 0) AS BIGINT) AS talk, \
         COUNT(CASE WHEN ended_at IS NULL AND started_at >= $3 AND call_id <> $4 THEN 1 END) \
         AS open_now FROM legs WHERE shopper_id = $1 AND direction IN ('out', 'return') \
         AND started_at >= $5 AND id <> $6",
    )
    .bind(shopper.to_string())
    .bind(ms(day_start))
    .bind(ms(stale))
    .bind(history.id.to_string())
    .bind(ms(day_start.min(stale)))
    .bind(leg.id.to_string())
    .fetch_one(tx)
    .await?;
    let row = Fields::new("legs", &row);
    let reached = |used: i64, limit: Option<u32>, unit: i64| {
        limit.is_some_and(|limit| used >= i64::from(limit) * unit)
    };
    Ok(if reached(row.int("open_now")?, limits.calls_at_once, 1) {
        Some(Refusal::CallsAtOnce)
    } else if reached(row.int("calls")?, limits.calls_per_day, 1) {
        Some(Refusal::CallsPerDay)
    } else if reached(row.int("talk")?, limits.minutes_per_day, 60_000) {
        Some(Refusal::MinutesPerDay)
    } else {
        None
    })
}

async fn open_call(tx: &mut AnyConnection, history: &History, leg: &Leg) -> Result<(), StoreError> {
    let pairing = &leg.dial.pairing;
    sqlx::query(
        "INSERT INTO calls (id, service, shopper_id, fictitious_number, dealer, project, \
         started_at, ticket_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (id) DO UPDATE SET shopper_id = excluded.shopper_id, \
         fictitious_number = excluded.fictitious_number, dealer = excluded.dealer, \
         project = excluded.project, ticket_id = excluded.ticket_id \
         WHERE calls.ended_at IS NULL",
    )
    .bind(history.id.to_string())
    .bind(history.service.as_str())
    .bind(history.shopper.map(|id| id.to_string()))
    .bind(pairing.fictitious_number.as_str())
    .bind(leg.dial.dealer.as_ref().map(|dealer| dealer.as_str().to_owned()))
    .bind(pairing.project.clone())
    .bind(ms(history.started_at))
    .bind(leg.dial.ticket.map(|id| id.to_string()))
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes a leg; without `ended_at` it is under way.
pub(crate) async fn write_leg(
    tx: &mut AnyConnection,
    history: &History,
    leg: &Leg,
    ended_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO legs (id, call_id, shopper_id, direction, dialled, shown, \
         fictitious_number, dealer, pairing_id, ticket_id, recording, started_at, answered_at, \
         ended_at, talk_ms, outcome, hangup_cause) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
         ON CONFLICT (id) DO UPDATE SET answered_at = excluded.answered_at, \
         ended_at = excluded.ended_at, talk_ms = excluded.talk_ms, outcome = excluded.outcome, \
         hangup_cause = excluded.hangup_cause",
    )
    .bind(leg.id.to_string())
    .bind(history.id.to_string())
    .bind(history.shopper.map(|id| id.to_string()))
    .bind(direction_word(leg.dial.direction))
    .bind(leg.dial.to.as_str())
    .bind(leg.dial.shown.as_str())
    .bind(leg.dial.pairing.fictitious_number.as_str())
    .bind(leg.dial.dealer.as_ref().map(|dealer| dealer.as_str().to_owned()))
    .bind(leg.dial.pairing.id.to_string())
    .bind(leg.dial.ticket.map(|id| id.to_string()))
    .bind(leg.recording.as_str())
    .bind(ms(leg.started_at))
    .bind(ms_opt(leg.answered_at))
    .bind(ms_opt(ended_at))
    .bind(talk_ms(leg, ended_at))
    .bind(ended_at.map(|_| leg.outcome().as_str()))
    .bind(leg.cause.clone())
    .execute(tx)
    .await?;
    Ok(())
}

/// How long the two sides of an ended leg talked.
pub(crate) fn talk_ms(leg: &Leg, ended_at: Option<Timestamp>) -> i64 {
    match (leg.answered_at, ended_at) {
        (Some(answered), Some(ended)) => (ms(ended) - ms(answered)).max(0),
        _ => 0,
    }
}
