//! The SMS outbox. An SMS is `queued`, then leased to a worker as `sending`, then `sent`, back to
//! `queued` for another try, or `failed`; a delivery report makes it `delivered` or `failed`; when
//! its ticket closes first it is `skipped`.

mod desk;
mod lease;
mod outcome;
mod report;
pub(crate) mod together;

use exchange::{
    model::{ShopperId, SmsId, SmsStatus, TicketId},
    number::PhoneNumber,
    ticket::TicketNumber,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Filter, SmsText, Store, StoreError, audit,
    connections::Link,
    damage::Damage,
    new_id,
    row::{Fields, clean, ms},
};

pub use desk::Retried;
pub use lease::{Leased, LeasedSms, Throttle};
pub use outcome::{SmsFate, SmsOutcome, Unstored};
pub use report::{Delivery, Named};
pub use together::DEALERS_WAITING;

/// When an SMS goes out, and how many do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmsTiming {
    /// How long it waits after the missed call, for a talk that makes it needless.
    pub delay: SignedDuration,
    /// The least time between two SMS of one ticket: misses in between make one at its end.
    pub ticket_gap: SignedDuration,
    /// How long after the last missed call it is still of use.
    pub expiry: SignedDuration,
    /// How many may tell a shopper of strangers' calls within an hour; more are told together.
    pub strangers: u32,
}

/// Which of a shopper's SMS that are due goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precedence {
    /// Of somebody whom the fictitious number has called.
    Dealer,
    /// Of somebody else.
    Stranger,
    /// Of several calls.
    Together,
}

impl Precedence {
    fn column(self) -> i64 {
        match self {
            Self::Dealer => 0,
            Self::Stranger => 1,
            Self::Together => 2,
        }
    }
}

/// A new SMS, but for its text.
pub(crate) struct NewSms<'a> {
    pub(crate) shopper: ShopperId,
    pub(crate) recipient: &'a PhoneNumber,
    pub(crate) precedence: Precedence,
    pub(crate) ticket: Option<TicketId>,
    pub(crate) due: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl NewSms<'_> {
    /// Puts it in the outbox.
    pub(crate) async fn insert(&self, tx: &mut Link, text: &SmsText) -> Result<SmsId, StoreError> {
        let id = SmsId(new_id(self.created_at));
        sqlx::query(
            "INSERT INTO sms (id, shopper_id, ticket_id, recipient, text, segments, status, \
             not_before, due_at, created_at, expires_at, precedence) \
             VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, $7, $8, $9, $10)",
        )
        .bind(id.to_string())
        .bind(self.shopper.to_string())
        .bind(self.ticket.map(|id| id.to_string()))
        .bind(self.recipient.as_str())
        .bind(clean(&text.text))
        .bind(i64::from(text.segments.max(1)))
        .bind(ms(self.due))
        .bind(ms(self.created_at))
        .bind(ms(self.expires_at))
        .bind(self.precedence.column())
        .execute(tx)
        .await?;
        Ok(id)
    }
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
    /// Whether a try may have been taken although nobody said so.
    pub unknown: bool,
    /// How many tries there have been.
    pub attempts: u32,
    /// Not sent before this.
    pub not_before: Timestamp,
    /// Not sent after this.
    pub expires_at: Option<Timestamp>,
    /// When it was put in the outbox.
    pub created_at: Timestamp,
    /// When the gateway took it.
    pub sent_at: Option<Timestamp>,
    /// When the phone had it, by the delivery report.
    pub delivered_at: Option<Timestamp>,
    /// What the provider calls it.
    pub provider_id: Option<String>,
    /// What went wrong last.
    pub error: Option<String>,
    /// The ticket it tells of.
    pub ticket: Option<TicketNumber>,
}

/// Gives a ticket's waiting SMS a new text; false when none waits. One that may have been taken
/// already keeps its text: under the same id a provider would take no other.
pub(crate) async fn refresh(
    tx: &mut Link,
    ticket: TicketId,
    precedence: Precedence,
    text: &SmsText,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE sms SET text = $2, segments = $3, expires_at = $4, precedence = $5 \
         WHERE ticket_id = $1 AND status = 'queued' AND fate_unknown = 0",
    )
    .bind(ticket.to_string())
    .bind(clean(&text.text))
    .bind(i64::from(text.segments.max(1)))
    .bind(ms(expires_at))
    .bind(precedence.column())
    .execute(tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// When a ticket's last SMS went out, or is meant to.
pub(crate) async fn last_of(
    tx: &mut Link,
    damage: &Damage,
    ticket: TicketId,
) -> Result<Option<Timestamp>, StoreError> {
    let row = sqlx::query(
        "SELECT id, COALESCE(sent_at, due_at) AS at FROM sms WHERE ticket_id = $1 \
         AND status IN ('queued', 'sending', 'sent', 'delivered') \
         ORDER BY COALESCE(sent_at, due_at) DESC LIMIT 1",
    )
    .bind(ticket.to_string())
    .fetch_optional(tx)
    .await?;
    let at = row.map(|row| Fields::new("sms", &row).time("at")).transpose();
    Ok(damage.noted(at)?.flatten())
}

/// Skips a ticket's waiting SMS.
pub(crate) async fn skip_of(tx: &mut Link, ticket: TicketId) -> Result<(), StoreError> {
    sqlx::query("UPDATE sms SET status = 'skipped' WHERE ticket_id = $1 AND status = 'queued'")
        .bind(ticket.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

/// Skips the SMS of closed tickets that wait, or whose worker has been gone too long: those may
/// have been sent.
pub(crate) async fn skip_of_closed(tx: &mut Link, now: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "UPDATE sms SET fate_unknown = CASE WHEN status = 'sending' OR fate_unknown <> 0 THEN 1 ELSE 0 END, \
         status = 'skipped', leased_until = NULL \
         WHERE status IN ('queued', 'sending') AND (leased_until IS NULL OR leased_until <= $1) \
         AND ticket_id IN (SELECT id FROM tickets WHERE status <> 'open')",
    )
    .bind(ms(now))
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Skips what is due to shoppers who are switched off; what a worker left may have been sent.
pub(crate) async fn skip_of_inactive(tx: &mut Link, now: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "UPDATE sms SET fate_unknown = CASE WHEN status = 'sending' OR fate_unknown <> 0 THEN 1 ELSE 0 END, \
         status = 'skipped', leased_until = NULL, error = 'shopper inactive' \
         WHERE status IN ('queued', 'sending') AND (leased_until IS NULL OR leased_until <= $1) \
         AND not_before <= $1 AND shopper_id IN (SELECT id FROM shoppers WHERE active = 0)",
    )
    .bind(ms(now))
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// What [`fail_damaged`] leaves as the error.
const DAMAGED: &str = "damaged row";

/// What [`expire`] leaves as the error.
pub(crate) const EXPIRED: &str = "expired";

/// Gives up what waits and is of no use any more; what a worker left may have been sent.
pub(crate) async fn expire(tx: &mut Link, now: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "UPDATE sms SET fate_unknown = CASE WHEN status = 'sending' OR fate_unknown <> 0 THEN 1 ELSE 0 END, \
         status = 'failed', leased_until = NULL, error = $2 \
         WHERE status IN ('queued', 'sending') AND (leased_until IS NULL OR leased_until <= $1) \
         AND expires_at <= $1",
    )
    .bind(ms(now))
    .bind(EXPIRED)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Brings what waits and was written in the future into the present: the clock was set back since,
/// and nobody need wait for that long. Some seconds two exchanges' clocks may differ.
pub(crate) async fn set_back(tx: &mut Link, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE sms SET not_before = not_before - (created_at - $1), \
         due_at = due_at - (created_at - $1), expires_at = expires_at - (created_at - $1), \
         created_at = $1 WHERE status = 'queued' AND created_at > $1 + 5000 AND created_at <= $2",
    )
    .bind(ms(now))
    .bind(ms(Timestamp::MAX))
    .execute(tx)
    .await?;
    Ok(())
}

/// Gives up what waits and is damaged: it can go to nobody, and all later SMS of its shopper would
/// wait behind it.
pub(crate) async fn fail_damaged(tx: &mut Link, damage: &Damage) -> Result<(), StoreError> {
    const WAITING: &str = "status IN ('queued', 'sending')";
    for row in audit::unreadable(tx, &audit::SMS, WAITING).await? {
        sqlx::query(
            "UPDATE sms SET status = 'failed', leased_until = NULL, error = $2 WHERE id = $1 \
             AND status IN ('queued', 'sending')",
        )
        .bind(row.key)
        .bind(DAMAGED)
        .execute(&mut *tx)
        .await?;
        damage.note(row.told);
    }
    Ok(())
}

impl Store {
    /// The SMS, newest first, without the damaged ones; the filter's times are when they were put in the outbox, its
    /// project that of the ticket.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sms(&self, filter: &Filter) -> Result<Vec<SmsRow>, StoreError> {
        let query = sqlx::query(
            "SELECT m.id, m.recipient, m.text, m.segments, m.status, m.fate_unknown, m.attempts, \
             m.not_before, m.expires_at, m.created_at, m.sent_at, m.delivered_at, m.provider_id, \
             m.error, t.id AS ticket, t.number FROM sms m JOIN shoppers s ON s.id = m.shopper_id \
             LEFT JOIN tickets t ON t.id = m.ticket_id LEFT JOIN pairings p ON p.id = t.pairing_id \
             WHERE ($1 IS NULL OR s.phone = $1) AND ($2 IS NULL OR p.project = $2) \
             AND m.created_at >= $3 AND m.created_at < $4 \
             ORDER BY m.created_at DESC, m.id DESC LIMIT $5",
        );
        let rows = self.fetch(filter.bind(query), "sms").await?;
        self.damage.readable(&rows, |row| {
            let row = Fields::new("sms", row);
            let ticket = row.joined("tickets", "ticket").ticket_number_opt("number");
            Ok(SmsRow {
                id: SmsId(row.id("id")?),
                to: row.phone("recipient")?,
                text: row.text("text")?,
                segments: row.number("segments")?,
                status: row.word("status")?,
                unknown: row.flag("fate_unknown")?,
                attempts: row.number("attempts")?,
                not_before: row.time("not_before")?,
                expires_at: row.time_opt("expires_at")?,
                created_at: row.time("created_at")?,
                sent_at: row.time_opt("sent_at")?,
                delivered_at: row.time_opt("delivered_at")?,
                provider_id: row.text_opt("provider_id")?,
                error: row.text_opt("error")?,
                ticket: self.damage.noted(ticket)?.flatten(),
            })
        })
    }
}
