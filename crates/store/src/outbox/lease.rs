//! Taking SMS from the outbox: who may be sent one now, and nobody else takes it.

use exchange::{model::SmsId, number::PhoneNumber};
use jiff::{SignedDuration, Timestamp};

use super::{expire, fail_damaged, skip_of_closed, skip_of_inactive};
use crate::{
    Store, StoreError,
    row::{Fields, fetch_each, ms},
};

/// An SMS that a worker may send.
#[derive(Clone, PartialEq, Eq)]
pub struct LeasedSms {
    /// The row.
    pub id: SmsId,
    /// Whom to: the shopper's phone as it is now.
    pub to: PhoneNumber,
    /// What they read.
    pub text: String,
    /// How many tries there have been, with this one.
    pub attempts: u32,
    /// How many of those before this one the gateway left without an answer.
    pub unknown_tries: u32,
    /// Until when it is this worker's; what the try came to is told with it.
    pub leased_until: Timestamp,
}

/// What taking came to.
#[derive(Default)]
pub struct Leased {
    /// To be sent, oldest first.
    pub sms: Vec<LeasedSms>,
    /// How many were given up on the way because they are of no use any more.
    pub expired: u64,
    /// How many were skipped on the way because their ticket has closed or their shopper was
    /// switched off.
    pub skipped: u64,
}

/// How many SMS a shopper gets at most; the others wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// In a minute; `None`: no limit.
    pub per_minute: Option<u32>,
    /// In a quarter of an hour.
    pub per_quarter: Option<u32>,
    /// In an hour.
    pub per_hour: Option<u32>,
}

impl Throttle {
    /// No limit at all.
    pub const NONE: Self = Self { per_minute: None, per_quarter: None, per_hour: None };

    /// Each limit with the time since which it counts.
    fn windows(self, now: Timestamp) -> [(i64, i64); 3] {
        let minutes = [(1, self.per_minute), (15, self.per_quarter), (60, self.per_hour)];
        minutes.map(|(minutes, limit)| {
            let since = now.saturating_sub(SignedDuration::from_mins(minutes));
            (ms(since.unwrap_or(Timestamp::MIN)), limit.map_or(i64::MAX, i64::from))
        })
    }
}

/// What is due at `$1` and may go: nothing of the same shopper goes before it or is under way, and the
/// limits (times `$2`, `$4`, `$6`, counts `$3`, `$5`, `$7`) leave room. What was sent in the future, beyond what
/// the clocks of two exchanges may differ, was sent before the clock was set back, and does not count.
macro_rules! ready {
    () => {
        "SELECT m.id FROM sms m WHERE m.status IN ('queued', 'sending') AND m.not_before <= $1 \
         AND (m.leased_until IS NULL OR m.leased_until <= $1) \
         AND NOT EXISTS (SELECT 1 FROM sms e WHERE e.shopper_id = m.shopper_id \
          AND e.status IN ('queued', 'sending') AND e.due_at <= $1 \
          AND (e.precedence < m.precedence OR (e.precedence = m.precedence \
           AND (e.due_at < m.due_at OR (e.due_at = m.due_at AND e.id < m.id))))) \
         AND NOT EXISTS (SELECT 1 FROM sms u WHERE u.shopper_id = m.shopper_id \
          AND u.status = 'sending' AND u.leased_until > $1 AND u.leased_until <> u.not_before) \
         AND (SELECT COUNT(*) FROM sms s WHERE s.shopper_id = m.shopper_id \
          AND s.sent_at > $2 AND s.sent_at <= $1 + 5000) < $3 \
         AND (SELECT COUNT(*) FROM sms s WHERE s.shopper_id = m.shopper_id \
          AND s.sent_at > $4 AND s.sent_at <= $1 + 5000) < $5 \
         AND (SELECT COUNT(*) FROM sms s WHERE s.shopper_id = m.shopper_id \
          AND s.sent_at > $6 AND s.sent_at <= $1 + 5000) < $7 "
    };
}

const ANY_READY: &str = concat!(ready!(), "LIMIT 1");

/// No value that a column may turn out to hold makes it fail, for that would stop all messages.
/// The condition stands twice for PostgreSQL: a row that another exchange has just taken is looked
/// at again with the outer one once that transaction is through. A row that is taken while it is
/// `sending` was left by a worker that died or heard no answer: it may have been sent.
const TAKE: &str = concat!(
    "UPDATE sms SET leased_until = $8, \
     attempts = CASE WHEN attempts BETWEEN 0 AND 999999 THEN attempts + 1 ELSE 1 END, \
     fate_unknown = CASE WHEN status = 'sending' OR fate_unknown <> 0 THEN 1 ELSE 0 END, \
     status = 'sending', \
     recipient = \
      COALESCE((SELECT phone FROM shoppers WHERE shoppers.id = sms.shopper_id), '') \
     WHERE id IN (",
    ready!(),
    "ORDER BY m.due_at, m.id LIMIT $9) \
     AND status IN ('queued', 'sending') AND (leased_until IS NULL OR leased_until <= $1) \
     RETURNING id, recipient, text, attempts, unknown_tries, due_at, leased_until"
);

impl Store {
    /// Takes up to `limit` SMS that are due, oldest first, for `now + lease`: nobody else gets
    /// them before that. Of each shopper only the first that is due is taken, so that theirs
    /// arrive in order (what is of a dealer before what is of strangers, calls told together last),
    /// and only where `throttle` leaves room. One whose ticket has closed, or
    /// whose shopper was switched off, is skipped instead, one that has expired failed.
    ///
    /// One that is damaged has failed.
    ///
    /// Among them are those whose lease ran out, because the worker that had them died or heard
    /// no answer: they may have been sent already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lease_sms(
        &self,
        now: Timestamp,
        lease: SignedDuration,
        limit: u32,
        throttle: Throttle,
    ) -> Result<Leased, StoreError> {
        let [minute, quarter, hour] = throttle.windows(now);
        // Asked every moment: the write lock is only taken when there is something to take.
        let mut any = sqlx::query(ANY_READY).bind(ms(now));
        for (since, count) in [minute, quarter, hour] {
            any = any.bind(since).bind(count);
        }
        if any.fetch_optional(&self.read).await?.is_none() {
            return Ok(Leased::default());
        }
        let mut tx = self.begin().await?;
        let skipped = skip_of_closed(&mut tx, now).await? + skip_of_inactive(&mut tx, now).await?;
        let expired = expire(&mut tx, now).await?;
        let leased_until = ms(now.saturating_add(lease).unwrap_or(Timestamp::MAX));
        let mut take = sqlx::query(TAKE).bind(ms(now));
        for (since, count) in [minute, quarter, hour] {
            take = take.bind(since).bind(count);
        }
        let take = take.bind(leased_until).bind(i64::from(limit));
        let rows = fetch_each(take, &mut tx).await?;
        let mut leased = self.damage.readable_or_unread(&rows, "sms", |row| {
            let row = Fields::new("sms", row);
            let sms = LeasedSms {
                id: SmsId(row.id("id")?),
                to: row.phone("recipient")?,
                text: row.text("text")?,
                attempts: row.number("attempts")?,
                unknown_tries: row.number("unknown_tries")?,
                leased_until: row.time("leased_until")?,
            };
            Ok((row.int("due_at")?, sms))
        })?;
        if leased.len() < rows.len() {
            fail_damaged(&mut tx, &self.damage).await?;
        }
        tx.commit().await?;
        // `RETURNING` promises no order.
        leased.sort_by_key(|(due, sms)| (*due, sms.id));
        let sms = leased.into_iter().map(|(_, sms)| sms).collect();
        Ok(Leased { sms, expired, skipped })
    }
}
