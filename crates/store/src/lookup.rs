//! What a flow must know before it starts.

use exchange::{
    facts::{Assignment, ShopperFacts},
    model::{OpenTicket, Pairing, PairingId, Shopper, ShopperId, TicketId},
    number::PhoneNumber,
    pin,
};
use jiff::{SignedDuration, Timestamp};
use sqlx::any::AnyRow;

use crate::{
    Store, StoreError,
    row::{Fields, ms},
    tickets,
};

fn shopper(row: &AnyRow) -> Result<Shopper, StoreError> {
    let row = Fields::new("shoppers", row);
    Ok(Shopper {
        id: ShopperId(row.id("id")?),
        phone: row.phone("phone")?,
        language: row.word("language")?,
        active: row.flag("active")?,
        pin: row.pin_opt("pin")?,
    })
}

fn pairing(row: &AnyRow) -> Result<Pairing, StoreError> {
    let row = Fields::new("pairings", row);
    Ok(Pairing {
        id: PairingId(row.id("id")?),
        number: row.pairing_number("number")?,
        fictitious_number: row.phone("fictitious_number")?,
        project: row.text_opt("project")?,
    })
}

impl Store {
    /// What is known of the shopper with this phone; `None` when nobody has it.
    ///
    /// The pairings are those active now, their number switched on. The tickets are the open ones
    /// of these pairings, missed less than `ticket_ttl` ago, those of strangers last. A ticket whose pairing has ended is
    /// cancelled on the way.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn shopper_facts(
        &self,
        phone: &PhoneNumber,
        now: Timestamp,
        ticket_ttl: SignedDuration,
    ) -> Result<Option<ShopperFacts>, StoreError> {
        let mut tx = self.snapshot().await?;
        let row = sqlx::query(
            "SELECT id, phone, language, active, pin, pin_locked_until \
             FROM shoppers WHERE phone = $1",
        )
        .bind(phone.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else {
            tx.rollback().await?;
            return Ok(None);
        };
        let fields = Fields::new("shoppers", &row);
        let pin_locked = fields.time_opt("pin_locked_until")?.is_some_and(|until| until > now);
        let shopper = shopper(&row)?;
        let id = shopper.id.to_string();

        let pairings = sqlx::query(
            "SELECT p.id, p.number, p.fictitious_number, p.project \
             FROM pairings p JOIN numbers n ON n.number = p.fictitious_number \
             WHERE p.shopper_id = $1 AND p.ended_at IS NULL AND n.active = 1 \
             AND (p.valid_from IS NULL OR p.valid_from <= $2) \
             AND (p.valid_to IS NULL OR p.valid_to > $2) ORDER BY p.number",
        )
        .bind(id.as_str())
        .bind(ms(now))
        .fetch_all(&mut *tx)
        .await?;
        let pairings = pairings.iter().map(pairing).collect::<Result<Vec<_>, _>>()?;

        let rows = sqlx::query(
            "SELECT t.id, t.number, t.dealer, t.pairing_id, t.last_missed_at, \
             p.ended_at, p.valid_to FROM tickets t JOIN pairings p ON p.id = t.pairing_id \
             WHERE t.shopper_id = $1 AND t.status = 'open' ORDER BY t.stranger, t.number",
        )
        .bind(id.as_str())
        .fetch_all(&mut *tx)
        .await?;
        tx.rollback().await?;

        let (mut tickets, mut any_over) = (Vec::new(), false);
        for row in &rows {
            let row = Fields::new("tickets", row);
            let over = row.int_opt("ended_at")?.is_some()
                || row.time_opt("valid_to")?.is_some_and(|until| until <= now);
            any_over |= over;
            let last_missed_at = row.time("last_missed_at")?;
            let pairing_id = PairingId(row.id("pairing_id")?);
            let pairing = pairings.iter().find(|pairing| pairing.id == pairing_id);
            if let Some(pairing) = pairing
                && now.duration_since(last_missed_at) < ticket_ttl
            {
                tickets.push(OpenTicket {
                    id: TicketId(row.id("id")?),
                    number: row.ticket_number("number")?,
                    dealer: row.phone("dealer")?,
                    pairing: pairing.clone(),
                    last_missed_at,
                });
            }
        }
        if any_over {
            let mut tx = self.begin().await?;
            tickets::cancel_of_ended_pairings(&mut tx, now).await?;
            tx.commit().await?;
        }
        Ok(Some(ShopperFacts { shopper, pin_locked, pairings, tickets }))
    }

    /// Whom a fictitious number rang `at` a time: the pairing that had begun by then and has not ended
    /// since, if number and shopper are switched on `now`. A pairing made in the future was made before
    /// the clock was set back, nobody knows how long.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn assignment(
        &self,
        fictitious: &PhoneNumber,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Assignment>, StoreError> {
        let mut tx = self.snapshot().await?;
        let row = sqlx::query(
            "SELECT p.id, p.shopper_id, p.number, p.fictitious_number, p.project \
             FROM pairings p JOIN numbers n ON n.number = p.fictitious_number \
             WHERE p.fictitious_number = $1 AND p.ended_at IS NULL AND n.active = 1 \
             AND (p.created_at <= $2 OR p.created_at > $3) \
             AND (p.valid_from IS NULL OR p.valid_from <= $2) \
             AND (p.valid_to IS NULL OR p.valid_to > $2)",
        )
        .bind(fictitious.as_str())
        .bind(ms(at))
        .bind(ms(now))
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else {
            tx.rollback().await?;
            return Ok(None);
        };
        let owner = sqlx::query(
            "SELECT id, phone, language, active, pin FROM shoppers WHERE id = $1 AND active = 1",
        )
        .bind(Fields::new("pairings", &row).text("shopper_id")?)
        .fetch_optional(&mut *tx)
        .await?;
        tx.rollback().await?;
        let Some(owner) = owner else { return Ok(None) };
        Ok(Some(Assignment { shopper: shopper(&owner)?, pairing: pairing(&row)? }))
    }

    /// Whether this is one of the exchange's fictitious numbers, paired or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_exchange_number(&self, number: &PhoneNumber) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT number FROM numbers WHERE number = $1")
            .bind(number.as_str())
            .fetch_optional(&self.read)
            .await?;
        Ok(row.is_some())
    }

    /// A shopper's phone of today.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn phone_of(&self, shopper: ShopperId) -> Result<Option<PhoneNumber>, StoreError> {
        let row = sqlx::query("SELECT id, phone FROM shoppers WHERE id = $1")
            .bind(shopper.to_string())
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| Fields::new("shoppers", &row).phone("phone")).transpose()
    }

    /// Whether this is the phone of a shopper, active or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_shopper(&self, phone: &PhoneNumber) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT id FROM shoppers WHERE phone = $1")
            .bind(phone.as_str())
            .fetch_optional(&self.read)
            .await?;
        Ok(row.is_some())
    }

    /// Counts a PIN that was keyed, and tells whether the shopper is locked out now. A right one
    /// clears the count; the [`pin::TRIES`]th wrong one in a row, in whatever calls, locks the
    /// shopper out until `now + lock`, and the count begins anew. A lock stands against a right
    /// one as well.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pin_tried(
        &self,
        shopper: ShopperId,
        right: bool,
        now: Timestamp,
        lock: SignedDuration,
    ) -> Result<bool, StoreError> {
        let query = if right {
            sqlx::query(
                "UPDATE shoppers SET pin_failures = 0 WHERE id = $1 RETURNING pin_locked_until",
            )
            .bind(shopper.to_string())
        } else {
            sqlx::query(
                "UPDATE shoppers SET \
                 pin_locked_until = CASE WHEN pin_failures + 1 >= $2 THEN $3 \
                 ELSE pin_locked_until END, \
                 pin_failures = CASE WHEN pin_failures + 1 >= $2 THEN 0 ELSE pin_failures + 1 END \
                 WHERE id = $1 RETURNING pin_locked_until",
            )
            .bind(shopper.to_string())
            .bind(i64::from(pin::TRIES))
            .bind(ms(now.saturating_add(lock).unwrap_or(Timestamp::MAX)))
        };
        let row =
            query.fetch_optional(&self.write).await?.ok_or(StoreError::NotFound("shopper"))?;
        let until = Fields::new("shoppers", &row).time_opt("pin_locked_until")?;
        Ok(until.is_some_and(|until| until > now))
    }
}
