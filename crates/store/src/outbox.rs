//! The SMS outbox. An SMS is `queued`, then leased to a worker as `sending`, then `sent`, back to
//! `queued` for another try, or `failed`; when its ticket closes first it is `skipped`.

use exchange::{
    model::{SmsId, SmsStatus, TicketId},
    number::PhoneNumber,
    ticket::TicketNumber,
};
use jiff::{SignedDuration, Timestamp};
use sqlx::AnyConnection;

use crate::{
    Filter, SmsText, Store, StoreError,
    row::{Fields, ms},
};

/// An SMS that a worker may send.
#[derive(Clone, PartialEq, Eq)]
pub struct LeasedSms {
    /// The row.
    pub id: SmsId,
    /// Whom to.
    pub to: PhoneNumber,
    /// What they read.
    pub text: String,
    /// How many tries there have been, with this one.
    pub attempts: u32,
}

/// An SMS in the list.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsRow {
    /// The row.
    pub id: SmsId,
    /// Whom to.
    pub to: PhoneNumber,
    /// What they read.
    pub text: String,
    /// In how many segments.
    pub segments: u32,
    /// Where it stands.
    pub status: SmsStatus,
    /// How many tries there have been.
    pub attempts: u32,
    /// Not sent before this.
    pub not_before: Timestamp,
    /// When it was put in the outbox.
    pub created_at: Timestamp,
    /// When the gateway took it.
    pub sent_at: Option<Timestamp>,
    /// What went wrong last.
    pub error: Option<String>,
    /// The ticket it tells of.
    pub ticket: Option<TicketNumber>,
}

/// Gives a ticket's waiting SMS a new text; false when none waits.
pub(crate) async fn refresh(
    tx: &mut AnyConnection,
    ticket: TicketId,
    text: &SmsText,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE sms SET text = $2, segments = $3 WHERE ticket_id = $1 AND status = 'queued'",
    )
    .bind(ticket.to_string())
    .bind(text.text.as_str())
    .bind(i64::from(text.segments.max(1)))
    .execute(tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Skips a ticket's waiting SMS.
pub(crate) async fn skip_of(tx: &mut AnyConnection, ticket: TicketId) -> Result<(), StoreError> {
    sqlx::query("UPDATE sms SET status = 'skipped' WHERE ticket_id = $1 AND status = 'queued'")
        .bind(ticket.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

/// Skips the SMS of closed tickets that wait, or whose worker has been gone too long.
pub(crate) async fn skip_of_closed(
    tx: &mut AnyConnection,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "UPDATE sms SET status = 'skipped', leased_until = NULL \
         WHERE status IN ('queued', 'sending') AND (leased_until IS NULL OR leased_until <= $1) \
         AND ticket_id IN (SELECT id FROM tickets WHERE status <> 'open')",
    )
    .bind(ms(now))
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

impl Store {
    /// Takes up to `limit` SMS that are due, oldest first, for `now + lease`: nobody else gets
    /// them before that. One whose ticket has closed is skipped instead.
    ///
    /// Among them are those whose lease ran out, because the worker that had them died: they may
    /// have been sent already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lease_sms(
        &self,
        now: Timestamp,
        lease: SignedDuration,
        limit: u32,
    ) -> Result<Vec<LeasedSms>, StoreError> {
        // Asked every moment: the write lock is only taken when there is something to take.
        let due = sqlx::query(
            "SELECT id FROM sms WHERE status IN ('queued', 'sending') AND not_before <= $1 \
             AND (leased_until IS NULL OR leased_until <= $1) LIMIT 1",
        )
        .bind(ms(now))
        .fetch_optional(&self.read)
        .await?;
        if due.is_none() {
            return Ok(Vec::new());
        }
        let mut tx = self.begin().await?;
        skip_of_closed(&mut tx, now).await?;
        // The condition stands twice for PostgreSQL: a row that another exchange has just taken
        // is looked at again with the outer one once that transaction is through.
        let rows = sqlx::query(
            "UPDATE sms SET status = 'sending', leased_until = $2, attempts = attempts + 1 \
             WHERE id IN (SELECT id FROM sms WHERE status IN ('queued', 'sending') \
             AND not_before <= $1 AND (leased_until IS NULL OR leased_until <= $1) \
             ORDER BY not_before, id LIMIT $3) \
             AND status IN ('queued', 'sending') AND (leased_until IS NULL OR leased_until <= $1) \
             RETURNING id, recipient, text, attempts, not_before",
        )
        .bind(ms(now))
        .bind(ms(now.saturating_add(lease).unwrap_or(Timestamp::MAX)))
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await?;
        let mut leased = rows
            .iter()
            .map(|row| {
                let row = Fields::new("sms", row);
                let sms = LeasedSms {
                    id: SmsId(row.id("id")?),
                    to: row.phone("recipient")?,
                    text: row.text("text")?,
                    attempts: row.number("attempts")?,
                };
                Ok((row.int("not_before")?, sms))
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        tx.commit().await?;
        // `RETURNING` promises no order.
        leased.sort_by_key(|(due, sms)| (*due, sms.id));
        Ok(leased.into_iter().map(|(_, sms)| sms).collect())
    }

    /// The gateway took it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sms_sent(&self, id: SmsId, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE sms SET status = 'sent', leased_until = NULL, sent_at = $2, error = NULL \
             WHERE id = $1 AND status <> 'delivered'",
        )
        .bind(id.to_string())
        .bind(ms(now))
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// The gateway did not take it: try again from `not_before` on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sms_retry(
        &self,
        id: SmsId,
        not_before: Timestamp,
        error: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE sms SET status = 'queued', leased_until = NULL, not_before = $2, error = $3 \
             WHERE id = $1 AND status = 'sending'",
        )
        .bind(id.to_string())
        .bind(ms(not_before))
        .bind(error)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// It is given up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sms_failed(&self, id: SmsId, error: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE sms SET status = 'failed', leased_until = NULL, error = $2 \
             WHERE id = $1 AND status = 'sending'",
        )
        .bind(id.to_string())
        .bind(error)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// The SMS, newest first; the filter's times are when they were put in the outbox, its
    /// project that of the ticket.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sms(&self, filter: &Filter) -> Result<Vec<SmsRow>, StoreError> {
        let query = sqlx::query(
            "SELECT m.id, m.recipient, m.text, m.segments, m.status, m.attempts, m.not_before, \
             m.created_at, m.sent_at, m.error, t.number \
             FROM sms m JOIN shoppers s ON s.id = m.shopper_id \
             LEFT JOIN tickets t ON t.id = m.ticket_id LEFT JOIN pairings p ON p.id = t.pairing_id \
             WHERE ($1 IS NULL OR s.phone = $1) AND ($2 IS NULL OR p.project = $2) \
             AND m.created_at >= $3 AND m.created_at < $4 \
             ORDER BY m.created_at DESC, m.id DESC LIMIT $5",
        );
        let rows = filter.bind(query).fetch_all(&self.read).await?;
        rows.iter()
            .map(|row| {
                let row = Fields::new("sms", row);
                Ok(SmsRow {
                    id: SmsId(row.id("id")?),
                    to: row.phone("recipient")?,
                    text: row.text("text")?,
                    segments: row.number("segments")?,
                    status: row.word("status")?,
                    attempts: row.number("attempts")?,
                    not_before: row.time("not_before")?,
                    created_at: row.time("created_at")?,
                    sent_at: row.time_opt("sent_at")?,
                    error: row.text_opt("error")?,
                    ticket: row.ticket_number_opt("number")?,
                })
            })
            .collect()
    }
}
