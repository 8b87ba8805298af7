//! What operators do with single SMS: send them again, or not at all.

use exchange::model::{SmsId, SmsStatus};
use jiff::{SignedDuration, Timestamp};

use super::EXPIRED;
use crate::{
    Store, StoreError,
    connections::Link,
    new_id,
    row::{Fields, fetch, ms},
};

/// What sending again came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retried {
    /// The SMS that had failed.
    pub old: SmsId,
    /// The one that waits now: the same, unless the provider had taken it.
    pub new: SmsId,
}

impl Store {
    /// The SMS whose id is this or ends with it; the end of an id is its random part.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is none, [`StoreError::Conflict`] if there are several.
    pub async fn find_sms(&self, ending: &str) -> Result<SmsId, StoreError> {
        let ending = ending.to_ascii_lowercase();
        let plain = ending.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        if !plain || ending.len() < 4 {
            return Err(StoreError::NotFound("SMS"));
        }
        let rows = sqlx::query("SELECT id FROM sms WHERE id LIKE $1 LIMIT 2")
            .bind(format!("%{ending}"))
            .fetch_all(&self.read)
            .await?;
        match rows.as_slice() {
            [] => Err(StoreError::NotFound("SMS")),
            [row] => Ok(SmsId(Fields::new("sms", row).id("id")?)),
            _ => Err(StoreError::Conflict("several SMS have an id that ends so: give more of it")),
        }
    }

    /// Lets one that has failed or was cancelled go out again, from `now` on until `now + expiry`.
    /// One that the provider had taken gets a new id, for under the old one it would be taken
    /// for the same again.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for one that has not failed, was sent again already, or whose
    /// ticket is closed.
    pub async fn retry_sms(
        &self,
        id: SmsId,
        now: Timestamp,
        expiry: SignedDuration,
    ) -> Result<Retried, StoreError> {
        let mut tx = self.begin().await?;
        let retried = retry(&mut tx, id, now, expiry).await?;
        tx.commit().await?;
        Ok(retried)
    }

    /// The same for all that failed and were written since then, unless their ticket is closed, a
    /// later SMS tells of it, or they expired: what was of no use any more is of less now. Damaged ones
    /// are left out.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is sent again then.
    pub async fn retry_failed_sms(
        &self,
        since: Timestamp,
        now: Timestamp,
        expiry: SignedDuration,
    ) -> Result<Vec<Retried>, StoreError> {
        let mut tx = self.begin().await?;
        let query = sqlx::query(
            "SELECT m.id FROM sms m LEFT JOIN tickets t ON t.id = m.ticket_id \
             WHERE m.status = 'failed' AND m.retried_as IS NULL AND m.created_at >= $1 \
             AND (m.error IS NULL OR m.error <> $2) AND (t.id IS NULL OR t.status = 'open') \
             AND NOT EXISTS (SELECT 1 FROM sms l WHERE l.ticket_id = m.ticket_id \
              AND (l.created_at > m.created_at OR (l.created_at = m.created_at AND l.id > m.id))) \
             ORDER BY m.due_at, m.id",
        )
        .bind(ms(since))
        .bind(EXPIRED);
        let rows = fetch(query, &mut tx, (&self.damage, "sms")).await?;
        let ids = self.damage.readable(&rows, |row| Fields::new("sms", row).id("id").map(SmsId))?;
        let mut all = Vec::with_capacity(ids.len());
        for id in ids {
            let retried = retry(&mut tx, id, now, expiry).await;
            all.extend(self.damage.noted(retried)?);
        }
        tx.commit().await?;
        Ok(all)
    }

    /// Takes one back that still waits, if only for its next try; tells whether it may have been
    /// sent all the same, and leaves it marked so.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it is being sent or does not wait any more.
    pub async fn cancel_sms(&self, id: SmsId, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        // A lease that ends where the next try begins is of no try: it keeps one of unknown fate
        // from being sent again too soon.
        let cancelled = sqlx::query(
            "UPDATE sms SET \
             fate_unknown = CASE WHEN status = 'sending' OR fate_unknown <> 0 THEN 1 ELSE 0 END, \
             status = 'skipped', leased_until = NULL, error = 'cancelled' \
             WHERE id = $1 AND (status = 'queued' OR (status = 'sending' \
             AND (leased_until <= $2 OR leased_until = not_before))) RETURNING id, fate_unknown",
        )
        .bind(id.to_string())
        .bind(ms(now))
        .fetch_optional(&mut *tx)
        .await?;
        let Some(cancelled) = cancelled else {
            return Err(match state(&mut tx, id).await?.status {
                SmsStatus::Sending => StoreError::Conflict("it is being sent"),
                SmsStatus::Sent | SmsStatus::Delivered => StoreError::Conflict("it was sent"),
                SmsStatus::Failed => StoreError::Conflict("it has failed"),
                SmsStatus::Skipped | SmsStatus::Queued => {
                    StoreError::Conflict("it was cancelled, or its ticket closed, before")
                }
            });
        };
        let perhaps_sent = Fields::new("sms", &cancelled).flag("fate_unknown")?;
        tx.commit().await?;
        Ok(perhaps_sent)
    }
}

struct State {
    status: SmsStatus,
    sent: bool,
    retried: bool,
    closed: bool,
}

async fn state(tx: &mut Link, id: SmsId) -> Result<State, StoreError> {
    let row = sqlx::query(
        "SELECT m.id, m.status, m.sent_at, m.retried_as, t.status AS ticket \
         FROM sms m LEFT JOIN tickets t ON t.id = m.ticket_id WHERE m.id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(tx)
    .await?
    .ok_or(StoreError::NotFound("SMS"))?;
    let row = Fields::new("sms", &row);
    Ok(State {
        status: row.word("status")?,
        sent: row.int_opt("sent_at")?.is_some(),
        retried: row.text_opt("retried_as")?.is_some(),
        closed: row.text_opt("ticket")?.is_some_and(|status| status != "open"),
    })
}

async fn retry(
    tx: &mut Link,
    id: SmsId,
    now: Timestamp,
    expiry: SignedDuration,
) -> Result<Retried, StoreError> {
    let State { status, sent, retried, closed } = state(tx, id).await?;
    match status {
        SmsStatus::Failed | SmsStatus::Skipped => {}
        SmsStatus::Queued | SmsStatus::Sending => {
            return Err(StoreError::Conflict("it still waits"));
        }
        SmsStatus::Sent | SmsStatus::Delivered => {
            return Err(StoreError::Conflict("it was sent"));
        }
    }
    if retried {
        return Err(StoreError::Conflict("it was sent again already"));
    }
    if closed {
        return Err(StoreError::Conflict("its ticket is closed: there is nothing to tell"));
    }
    let expires_at = now.saturating_add(expiry).unwrap_or(Timestamp::MAX);
    if !sent {
        sqlx::query(
            "UPDATE sms SET status = 'queued', attempts = 0, unknown_tries = 0, not_before = $2, \
             due_at = $2, expires_at = $3, error = NULL WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(ms(now))
        .bind(ms(expires_at))
        .execute(tx)
        .await?;
        return Ok(Retried { old: id, new: id });
    }
    let new = SmsId(new_id(now));
    sqlx::query(
        "INSERT INTO sms (id, shopper_id, ticket_id, recipient, text, segments, status, \
         not_before, due_at, expires_at, created_at, precedence, calls, calls_number, \
         calls_of_dealers, calls_returnable) \
         SELECT $2, shopper_id, ticket_id, recipient, text, segments, 'queued', $3, $3, $4, $3, \
         precedence, calls, calls_number, calls_of_dealers, calls_returnable FROM sms WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(new.to_string())
    .bind(ms(now))
    .bind(ms(expires_at))
    .execute(&mut *tx)
    .await?;
    sqlx::query("UPDATE sms SET retried_as = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(new.to_string())
        .execute(tx)
        .await?;
    Ok(Retried { old: id, new })
}
