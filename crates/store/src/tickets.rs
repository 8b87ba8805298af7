//! Tickets: missed callbacks waiting for their shopper.

use exchange::{
    model::{SmsStatus, TicketId, TicketStatus},
    number::PhoneNumber,
    settle::{Missed, Talked},
    ticket::{NUMBER_REST, TicketNumber},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Filter, Store, StoreError,
    connections::Link,
    damage::Damage,
    new_id, outbox,
    row::{Fields, fetch, ms},
};

/// A ticket in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketRow {
    /// The row.
    pub id: TicketId,
    /// The shopper's phone.
    pub shopper: PhoneNumber,
    /// What the shopper keys.
    pub number: TicketNumber,
    /// Who called.
    pub dealer: PhoneNumber,
    /// Whether that is one of the exchange's own fictitious numbers, which nobody may call.
    pub dealer_is_ours: bool,
    /// The number they called.
    pub fictitious_number: PhoneNumber,
    /// The pairing's project.
    pub project: Option<String>,
    /// Whether it still waits, else how it closed.
    pub status: TicketStatus,
    /// How often they were missed.
    pub missed: u32,
    /// When first.
    pub first_missed_at: Timestamp,
    /// When last.
    pub last_missed_at: Timestamp,
    /// When it closed.
    pub closed_at: Option<Timestamp>,
    /// What became of its newest SMS.
    pub sms: Option<SmsStatus>,
    /// When the gateway took that one.
    pub sms_sent_at: Option<Timestamp>,
    /// When the phone had it, by the delivery report.
    pub sms_delivered_at: Option<Timestamp>,
    /// What went wrong with it last.
    pub sms_error: Option<String>,
}

/// What a sweep has closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Tickets nobody returned in time.
    pub expired: u64,
    /// Tickets whose pairing has ended.
    pub cancelled: u64,
    /// SMS that are not needed any more.
    pub sms_skipped: u64,
    /// SMS that could not be sent while they were of use.
    pub sms_expired: u64,
}

/// A ticket after another miss.
#[derive(Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) id: TicketId,
    pub(crate) number: TicketNumber,
    pub(crate) missed: u32,
}

/// So many of a shopper's ticket numbers strangers may take, with those that rest: there is always one
/// left for a dealer.
pub const STRANGERS_NUMBERS: usize = 50;

/// Whether the fictitious number has called them before, or they have talked.
pub(crate) async fn is_known(
    tx: &mut Link,
    fictitious: &PhoneNumber,
    dealer: &PhoneNumber,
) -> Result<bool, StoreError> {
    let row = sqlx::query(KNOWN)
        .bind(fictitious.as_str())
        .bind(dealer.as_str())
        .fetch_optional(tx)
        .await?;
    Ok(row.is_some())
}

/// By the index `legs_of_dealer`.
pub(crate) const KNOWN: &str = "SELECT 1 AS found FROM legs WHERE fictitious_number = $1 AND dealer = $2 \
    AND (direction <> 'back' OR answered_at IS NOT NULL) LIMIT 1";

/// What the number of a new ticket depends on.
#[derive(Clone, Copy)]
pub(crate) struct Stand {
    /// The shopper's last one.
    pub(crate) last: Option<TicketNumber>,
    /// Whether the caller is a dealer whom the fictitious number has called.
    pub(crate) known: bool,
}

/// Counts a miss on the dealer's open ticket or opens one. `None` when all numbers are taken, or all
/// those that strangers may take. An open ticket that is damaged is cancelled: nobody can key it, and
/// it stands in the way of another.
pub(crate) async fn count(
    tx: &mut Link,
    damage: &Damage,
    Stand { last, known }: Stand,
    missed: &Missed,
    dealer: &PhoneNumber,
    at: Timestamp,
    now: Timestamp,
) -> Result<Option<Counted>, StoreError> {
    let shopper = missed.shopper.to_string();
    let query = sqlx::query(
        "UPDATE tickets SET \
         missed = CASE WHEN missed BETWEEN 1 AND 999999 THEN missed + 1 ELSE 1 END, \
         pairing_id = $5, stranger = $6, \
         last_missed_at = CASE WHEN last_missed_at < $4 THEN $4 ELSE last_missed_at END \
         WHERE shopper_id = $1 AND fictitious_number = $2 AND dealer = $3 AND status = 'open' \
         RETURNING id, number, missed",
    )
    .bind(shopper.as_str())
    .bind(missed.fictitious_number.as_str())
    .bind(dealer.as_str())
    .bind(ms(at))
    .bind(missed.pairing.to_string())
    .bind(i64::from(!known));
    let open = fetch(query, tx, (damage, "tickets")).await?;
    let open = damage.readable(&open, |row| {
        let row = Fields::new("tickets", row);
        let (id, number) = (TicketId(row.id("id")?), row.ticket_number("number")?);
        Ok(Counted { id, number, missed: row.number("missed")? })
    })?;
    if let Some(counted) = open.first() {
        return Ok(Some(*counted));
    }
    cancel(tx, damage, missed, dealer, now).await?;

    let rested = now.saturating_sub(NUMBER_REST).unwrap_or(Timestamp::MIN);
    let query = sqlx::query(
        "SELECT id, number, stranger FROM tickets \
         WHERE shopper_id = $1 AND (status = 'open' OR closed_at > $2)",
    )
    .bind(shopper.as_str())
    .bind(ms(rested));
    let rows = fetch(query, tx, (damage, "tickets")).await?;
    let taken =
        damage.readable(&rows, |row| Fields::new("tickets", row).ticket_number("number"))?;
    if !known {
        let strangers =
            damage.readable(&rows, |row| Fields::new("tickets", row).flag("stranger"))?;
        if strangers.iter().filter(|stranger| **stranger).count() >= STRANGERS_NUMBERS {
            make_room(tx, damage, &shopper, rested, now).await?;
            return Ok(None);
        }
    }
    let Some(number) = TicketNumber::next(last, &taken) else { return Ok(None) };

    let id = TicketId(new_id(now));
    sqlx::query(
        "INSERT INTO tickets (id, shopper_id, pairing_id, number, fictitious_number, dealer, \
         status, missed, first_missed_at, last_missed_at, stranger) \
         VALUES ($1, $2, $3, $4, $5, $6, 'open', 1, $7, $7, $8)",
    )
    .bind(id.to_string())
    .bind(shopper.as_str())
    .bind(missed.pairing.to_string())
    .bind(i64::from(number.value()))
    .bind(missed.fictitious_number.as_str())
    .bind(dealer.as_str())
    .bind(ms(at))
    .bind(i64::from(!known))
    .execute(&mut *tx)
    .await?;
    sqlx::query("UPDATE shoppers SET last_ticket = $2 WHERE id = $1")
        .bind(shopper)
        .bind(i64::from(number.value()))
        .execute(tx)
        .await?;
    Ok(Some(Counted { id, number, missed: 1 }))
}

/// Cancels the dealer's open ticket, which nobody can return, and skips its waiting SMS.
pub(crate) async fn cancel(
    tx: &mut Link,
    damage: &Damage,
    missed: &Missed,
    dealer: &PhoneNumber,
    now: Timestamp,
) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE tickets SET status = 'cancelled', closed_at = $4 WHERE shopper_id = $1 \
         AND fictitious_number = $2 AND dealer = $3 AND status = 'open' RETURNING id",
    )
    .bind(missed.shopper.to_string())
    .bind(missed.fictitious_number.as_str())
    .bind(dealer.as_str())
    .bind(ms(now));
    let rows = fetch(query, tx, (damage, "tickets")).await?;
    for id in damage.readable(&rows, |row| Fields::new("tickets", row).id("id").map(TicketId))? {
        outbox::skip_of(tx, id).await?;
    }
    Ok(())
}

/// Strangers who have not called since then make room: their numbers rest, and tomorrow's strangers
/// get them.
async fn make_room(
    tx: &mut Link,
    damage: &Damage,
    shopper: &str,
    since: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE tickets SET status = 'expired', closed_at = $3 WHERE shopper_id = $1 \
         AND status = 'open' AND stranger = 1 AND last_missed_at <= $2 RETURNING id",
    )
    .bind(shopper)
    .bind(ms(since))
    .bind(ms(now));
    let rows = fetch(query, tx, (damage, "tickets")).await?;
    for id in damage.readable(&rows, |row| Fields::new("tickets", row).id("id").map(TicketId))? {
        outbox::skip_of(tx, id).await?;
    }
    Ok(())
}

/// Closes what a talk settles: the ticket it returned, and the open one of the same shopper,
/// dealer and fictitious number. Tells one of those closed.
pub(crate) async fn close(
    tx: &mut Link,
    damage: &Damage,
    talked: &Talked,
    now: Timestamp,
) -> Result<Option<TicketId>, StoreError> {
    let query = sqlx::query(
        "UPDATE tickets SET status = $1, closed_at = $2 WHERE status = 'open' AND \
         (id = $3 OR (shopper_id = $4 AND fictitious_number = $5 AND dealer = $6)) RETURNING id",
    )
    .bind(talked.status.as_str())
    .bind(ms(now))
    .bind(talked.ticket.map(|id| id.to_string()))
    .bind(talked.shopper.to_string())
    .bind(talked.fictitious_number.as_str())
    .bind(talked.dealer.as_ref().map(|dealer| dealer.as_str().to_owned()));
    let rows = fetch(query, tx, (damage, "tickets")).await?;
    let ids = damage.readable(&rows, |row| Fields::new("tickets", row).id("id").map(TicketId))?;
    let mut closed = None;
    for id in ids {
        outbox::skip_of(tx, id).await?;
        closed = Some(id);
    }
    Ok(talked.ticket.or(closed))
}

/// Cancels the open tickets of pairings that are over, and skips their waiting SMS.
pub(crate) async fn cancel_of_ended_pairings(
    tx: &mut Link,
    now: Timestamp,
) -> Result<Swept, StoreError> {
    let cancelled = sqlx::query(
        "UPDATE tickets SET status = 'cancelled', closed_at = $1 WHERE status = 'open' AND \
         pairing_id IN (SELECT id FROM pairings WHERE ended_at IS NOT NULL OR valid_to <= $1)",
    )
    .bind(ms(now))
    .execute(&mut *tx)
    .await?
    .rows_affected();
    let sms_skipped = outbox::skip_of_closed(tx, now).await?;
    Ok(Swept { cancelled, sms_skipped, ..Swept::default() })
}

/// The ticket, if there is one, and its number, if that can be read.
pub(crate) async fn found(
    tx: &mut Link,
    damage: &Damage,
    ticket: TicketId,
) -> Result<(Option<TicketId>, Option<TicketNumber>), StoreError> {
    let row = sqlx::query("SELECT id, number FROM tickets WHERE id = $1")
        .bind(ticket.to_string())
        .fetch_optional(tx)
        .await?;
    let Some(row) = row else { return Ok((None, None)) };
    let number = damage.noted(Fields::new("tickets", &row).ticket_number("number"))?;
    Ok((Some(ticket), number))
}

impl Store {
    /// Closes the open tickets whose pairing has ended (cancelled) or that were missed last
    /// `ticket_ttl` ago or longer (expired), and skips their waiting SMS. SMS that have expired by
    /// themselves are given up, and those written before the clock was set back wait no longer for it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sweep(
        &self,
        now: Timestamp,
        ticket_ttl: SignedDuration,
    ) -> Result<Swept, StoreError> {
        let oldest = now.saturating_sub(ticket_ttl).unwrap_or(Timestamp::MIN);
        let mut tx = self.begin().await?;
        let expired = sqlx::query(
            "UPDATE tickets SET status = 'expired', closed_at = $2 \
             WHERE status = 'open' AND last_missed_at <= $1",
        )
        .bind(ms(oldest))
        .bind(ms(now))
        .execute(&mut *tx)
        .await?
        .rows_affected();
        let swept = cancel_of_ended_pairings(&mut tx, now).await?;
        outbox::fail_damaged(&mut tx, &self.damage).await?;
        outbox::set_back(&mut tx, now).await?;
        let sms_expired = outbox::expire(&mut tx, now).await?;
        tx.commit().await?;
        Ok(Swept { expired, sms_expired, ..swept })
    }

    /// The tickets, newest miss first, without the damaged ones; the filter's times are of the last
    /// miss.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tickets(&self, filter: &Filter) -> Result<Vec<TicketRow>, StoreError> {
        let query = sqlx::query(
            "SELECT t.id, s.id AS shopper, s.phone, t.number, t.dealer, t.fictitious_number, \
             n.number AS ours, \
             p.id AS pairing, p.project, t.status, \
             t.missed, t.first_missed_at, t.last_missed_at, t.closed_at, \
             m.id AS sms_id, m.status AS sms, m.sent_at, m.delivered_at, m.error \
             FROM tickets t JOIN shoppers s ON s.id = t.shopper_id \
             JOIN pairings p ON p.id = t.pairing_id \
             LEFT JOIN numbers n ON n.number = t.dealer \
             LEFT JOIN sms m ON m.id = (SELECT n.id FROM sms n WHERE n.ticket_id = t.id \
              ORDER BY n.created_at DESC, n.id DESC LIMIT 1) \
             WHERE ($1 IS NULL OR s.phone = $1) AND ($2 IS NULL OR p.project = $2) \
             AND t.last_missed_at >= $3 AND t.last_missed_at < $4 \
             ORDER BY t.last_missed_at DESC, t.id DESC LIMIT $5",
        );
        let rows = self.fetch(filter.bind(query), "tickets").await?;
        self.damage.readable(&rows, |row| {
            let row = Fields::new("tickets", row);
            let (pairing, sms) = (row.joined("pairings", "pairing"), row.joined("sms", "sms_id"));
            Ok(TicketRow {
                id: TicketId(row.id("id")?),
                shopper: row.joined("shoppers", "shopper").phone("phone")?,
                number: row.ticket_number("number")?,
                dealer: row.phone("dealer")?,
                dealer_is_ours: row.text_opt("ours")?.is_some(),
                fictitious_number: row.phone("fictitious_number")?,
                // A ticket is told although its pairing or SMS is damaged.
                project: self.damage.noted(pairing.text_opt("project"))?.flatten(),
                status: row.word("status")?,
                missed: row.number("missed")?,
                first_missed_at: row.time("first_missed_at")?,
                last_missed_at: row.time("last_missed_at")?,
                closed_at: row.time_opt("closed_at")?,
                sms: self.damage.noted(sms.sms_status_opt("sms"))?.flatten(),
                sms_sent_at: self.damage.noted(sms.time_opt("sent_at"))?.flatten(),
                sms_delivered_at: self.damage.noted(sms.time_opt("delivered_at"))?.flatten(),
                sms_error: self.damage.noted(sms.text_opt("error"))?.flatten(),
            })
        })
    }
}
