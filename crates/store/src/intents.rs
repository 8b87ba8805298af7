//! Intents: what is about to be dialled, committed before it is, so that a crash of anything
//! leaves a row that can be completed.

use exchange::{
    call::Direction,
    destination::Refusal,
    history::{History, Leg},
    model::ShopperId,
    number::PhoneNumber,
};
use jiff::{SignedDuration, Timestamp};
use sqlx::{
    Any,
    any::{AnyArguments, AnyRow},
    query::Query,
};

use crate::{
    Store, StoreError,
    connections::Link,
    numbers,
    row::{Fields, clean, clean_opt, ms, ms_opt},
};

/// After this a leg without an end is no call any more but what a crash left.
const STALE: SignedDuration = SignedDuration::from_hours(4);

/// A month: what says that it was longer is damaged, and the sum of a few such would overflow.
const LONGEST_TALK_MS: i64 = 31 * 24 * 3_600_000;

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

/// In milliseconds.
fn span(span: SignedDuration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or_default()
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
pub(crate) async fn lock_shopper(tx: &mut Link, shopper: ShopperId) -> Result<AnyRow, StoreError> {
    sqlx::query(
        "UPDATE shoppers SET created_at = created_at WHERE id = $1 \
         RETURNING id, phone, language, last_ticket",
    )
    .bind(shopper.to_string())
    .fetch_optional(tx)
    .await?
    .ok_or(StoreError::NotFound("shopper"))
}

impl Store {
    /// Commits that a call has arrived, before anything becomes of it: should exchange and
    /// FreeSWITCH be killed together, nothing else would ever tell of it. A call that has a row
    /// already keeps it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn arrive(&self, history: &History) -> Result<(), StoreError> {
        self.arriving(history).execute(&self.write).await?;
        Ok(())
    }

    pub(crate) fn arriving(&self, history: &History) -> Query<'static, Any, AnyArguments> {
        let word = |number: &Option<PhoneNumber>| number.as_ref().map(|n| n.as_str().to_owned());
        sqlx::query(
            "INSERT INTO calls (id, service, shopper_id, fictitious_number, dealer, started_at, \
             caller, owner, switch_ahead_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(history.id.to_string())
        .bind(history.service.as_str())
        .bind(history.shopper.map(|id| id.to_string()))
        .bind(word(&history.called_number))
        .bind(word(&history.calling_dealer))
        .bind(ms(history.started_at))
        .bind(word(&history.caller))
        .bind(self.owner.as_deref().map(str::to_owned))
        .bind(span(history.switch_ahead))
    }

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
            self.damage.noted(lock_shopper(&mut tx, shopper).await)?;
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
        if !open_call(&mut tx, history, leg, self.owner.as_deref()).await? {
            tx.rollback().await?;
            return Ok(Err(Refusal::Unavailable));
        }
        for earlier in history.legs.iter().filter(|earlier| earlier.id != leg.id) {
            write_leg(&mut tx, history, earlier, earlier.ended_at).await?;
        }
        write_leg(&mut tx, history, leg, leg.ended_at).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }
}

async fn refusal(
    tx: &mut Link,
    history: &History,
    leg: &Leg,
    limits: &Limits,
    now: Timestamp,
    day_start: Timestamp,
) -> Result<Option<Refusal>, StoreError> {
    if numbers::is_ours(tx, &leg.dial.to).await? {
        return Ok(Some(Refusal::ExchangeNumber));
    }
    let (Some(shopper), true) = (history.shopper, *limits != Limits::default()) else {
        return Ok(None);
    };
    let stale = now.saturating_sub(STALE).unwrap_or(Timestamp::MIN);
    let row = sqlx::query(
        "SELECT 'today' AS id, COUNT(CASE WHEN started_at >= $2 THEN 1 END) AS calls, \
         CAST(COALESCE(SUM(CASE WHEN started_at >= $2 AND talk_ms <= $7 THEN talk_ms END), 0) \
         AS BIGINT) AS talk, \
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
    .bind(LONGEST_TALK_MS)
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

/// `false` if somebody has closed the call: what is dialled now would be nobody's.
pub(crate) async fn open_call(
    tx: &mut Link,
    history: &History,
    leg: &Leg,
    owner: Option<&str>,
) -> Result<bool, StoreError> {
    let pairing = &leg.dial.pairing;
    let written = sqlx::query(
        "INSERT INTO calls (id, service, shopper_id, fictitious_number, dealer, project, \
         started_at, ticket_id, caller, owner, switch_ahead_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT (id) DO UPDATE SET shopper_id = excluded.shopper_id, \
         fictitious_number = excluded.fictitious_number, dealer = excluded.dealer, \
         project = excluded.project, ticket_id = excluded.ticket_id, owner = excluded.owner \
         WHERE calls.ended_at IS NULL",
    )
    .bind(history.id.to_string())
    .bind(history.service.as_str())
    .bind(history.shopper.map(|id| id.to_string()))
    .bind(pairing.fictitious_number.as_str())
    .bind(leg.dial.dealer.as_ref().map(|dealer| dealer.as_str().to_owned()))
    .bind(clean_opt(pairing.project.as_deref()))
    .bind(ms(history.started_at))
    .bind(leg.dial.ticket.map(|id| id.to_string()))
    .bind(history.caller.as_ref().map(|caller| caller.as_str().to_owned()))
    .bind(owner.map(str::to_owned))
    .bind(span(history.switch_ahead))
    .execute(tx)
    .await?;
    Ok(written.rows_affected() > 0)
}

/// Writes a leg; without `ended_at` it is under way.
pub(crate) async fn write_leg(
    tx: &mut Link,
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
    .bind(clean(leg.recording.reveal()))
    .bind(ms(leg.started_at))
    .bind(ms_opt(leg.answered_at))
    .bind(ms_opt(ended_at))
    .bind(talk_ms(leg, ended_at))
    .bind(ended_at.map(|_| leg.outcome().as_str()))
    .bind(clean_opt(leg.cause.as_deref()))
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
