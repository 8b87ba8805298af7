//! Calls told together: what would be too many SMS for one shopper is one that counts them.
//!
//! It waits behind the others and gets a new text with each call, so there is never more than one
//! that waits; the next goes out an hour later at the earliest.

use exchange::number::PhoneNumber;
use jiff::{SignedDuration, Timestamp};

use super::{NewSms, Precedence};
use crate::{
    SmsText, StoreError, Together,
    connections::Link,
    row::{Fields, clean, ms},
};

/// So many SMS about dealers' calls may wait for one shopper: about half of what the usual limits let
/// out before they expire.
pub const DEALERS_WAITING: u32 = 30;
/// In which strangers' SMS are counted, and between two that tell calls together.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// By so much the clocks of two exchanges may differ, in milliseconds: what was sent later than that
/// was sent before the clock was set back.
const AHEAD: i64 = 5000;

/// A call that is told with others.
pub(crate) struct Call<'a> {
    /// The fictitious number that was called.
    pub(crate) number: &'a PhoneNumber,
    /// Whether the caller showed a number.
    pub(crate) returnable: bool,
}

/// Whether the shopper has so many SMS of this kind that there should be no more: for strangers,
/// those that wait or were sent within the hour count, for dealers those that wait.
pub(crate) async fn is_crowded(
    tx: &mut Link,
    new: &NewSms<'_>,
    strangers: u32,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (most, since) = match new.precedence {
        Precedence::Dealer => (DEALERS_WAITING, None),
        Precedence::Stranger | Precedence::Together => {
            (strangers, Some(ms(now.saturating_sub(WINDOW).unwrap_or(Timestamp::MIN))))
        }
    };
    let row = sqlx::query(
        "SELECT 'sms' AS id, (SELECT COUNT(*) FROM sms WHERE shopper_id = $1 AND precedence = $2 \
         AND status IN ('queued', 'sending')) + (SELECT COUNT(*) FROM sms WHERE shopper_id = $1 \
         AND precedence = $2 AND status NOT IN ('queued', 'sending') \
         AND sent_at > $3 AND sent_at <= $4) AS told",
    )
    .bind(new.shopper.to_string())
    .bind(new.precedence.column())
    .bind(since.unwrap_or(i64::MAX))
    .bind(ms(now) + AHEAD)
    .fetch_one(tx)
    .await?;
    Ok(Fields::new("sms", &row).int("told")? >= i64::from(most))
}

/// Counts the call in the SMS that waits, or puts one in the outbox; whether it is a new one. One that
/// may have been taken already keeps its text: under the same id a provider would take no other.
pub(crate) async fn add(
    tx: &mut Link,
    new: NewSms<'_>,
    call: Call<'_>,
    now: Timestamp,
    texts: impl Fn(Together) -> SmsText,
) -> Result<bool, StoreError> {
    let of_dealers = new.precedence == Precedence::Dealer;
    let waiting = sqlx::query(
        "UPDATE sms SET expires_at = $2, \
         calls = CASE WHEN calls BETWEEN 0 AND 999999 THEN calls + 1 ELSE 1 END, \
         calls_number = CASE WHEN calls_number = $3 THEN calls_number END, \
         calls_of_dealers = CASE WHEN $4 = 1 OR calls_of_dealers <> 0 THEN 1 ELSE 0 END, \
         calls_returnable = CASE WHEN $5 = 1 OR calls_returnable <> 0 THEN 1 ELSE 0 END \
         WHERE id = (SELECT w.id FROM sms w WHERE w.shopper_id = $1 AND w.precedence = 2 \
          AND w.status = 'queued' AND w.fate_unknown = 0 ORDER BY w.due_at, w.id LIMIT 1) \
         AND status = 'queued' AND fate_unknown = 0 \
         RETURNING id, calls, calls_number, calls_of_dealers, calls_returnable",
    )
    .bind(new.shopper.to_string())
    .bind(ms(new.expires_at))
    .bind(call.number.as_str())
    .bind(i64::from(of_dealers))
    .bind(i64::from(call.returnable))
    .fetch_optional(&mut *tx)
    .await?;
    let Some(waiting) = waiting else {
        begin(tx, new, call, of_dealers, now, texts).await?;
        return Ok(true);
    };
    let row = Fields::new("sms", &waiting);
    let text = texts(Together {
        calls: row.number("calls")?,
        several_numbers: row.text_opt("calls_number")?.is_none(),
        of_dealers: row.flag("calls_of_dealers")?,
        returnable: row.flag("calls_returnable")?,
    });
    sqlx::query("UPDATE sms SET text = $2, segments = $3 WHERE id = $1")
        .bind(row.text("id")?)
        .bind(clean(&text.text))
        .bind(i64::from(text.segments.max(1)))
        .execute(tx)
        .await?;
    Ok(false)
}

async fn begin(
    tx: &mut Link,
    new: NewSms<'_>,
    call: Call<'_>,
    of_dealers: bool,
    now: Timestamp,
    texts: impl Fn(Together) -> SmsText,
) -> Result<(), StoreError> {
    let text = texts(Together {
        calls: 1,
        several_numbers: false,
        of_dealers,
        returnable: call.returnable,
    });
    let due = match last(tx, &new, now).await? {
        None => new.due,
        // It must not expire before it goes out.
        Some(last) => {
            let next = last.saturating_add(WINDOW).unwrap_or(Timestamp::MAX);
            let half = new.expires_at.duration_since(new.created_at) / 2;
            let latest = new.created_at.saturating_add(half).unwrap_or(Timestamp::MAX);
            new.due.max(next.min(latest))
        }
    };
    // Of no ticket: it is not skipped when one of them closes.
    let new = NewSms { precedence: Precedence::Together, ticket: None, due, ..new };
    let id = new.insert(tx, &text).await?;
    sqlx::query(
        "UPDATE sms SET calls = 1, calls_number = $2, calls_of_dealers = $3, calls_returnable = $4 \
         WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(call.number.as_str())
    .bind(i64::from(of_dealers))
    .bind(i64::from(call.returnable))
    .execute(tx)
    .await?;
    Ok(())
}

/// When the last one went out; one that is under way does so now.
async fn last(
    tx: &mut Link,
    new: &NewSms<'_>,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let row = sqlx::query(
        "SELECT id, CASE WHEN status = 'sending' THEN $2 ELSE sent_at END AS at FROM sms \
         WHERE shopper_id = $1 AND precedence = 2 AND (status = 'sending' OR sent_at <= $3) \
         ORDER BY at DESC LIMIT 1",
    )
    .bind(new.shopper.to_string())
    .bind(ms(now))
    .bind(ms(now) + AHEAD)
    .fetch_optional(tx)
    .await?;
    // One that cannot be read keeps nothing waiting.
    Ok(row.and_then(|row| Fields::new("sms", &row).time("at").ok()))
}
