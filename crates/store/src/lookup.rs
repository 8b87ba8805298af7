//! What a flow must know before it starts.

use exchange::{
    facts::{Assignment, ShopperFacts},
    model::{Language, OpenTicket, Pairing, PairingId, Shopper, ShopperId, TicketId},
    number::PhoneNumber,
    pin::{self, Pin},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Store, StoreError,
    row::{Fields, fetch, fetch_each, ms},
    tickets,
};

fn pairing(row: Fields<'_>) -> Result<Pairing, StoreError> {
    Ok(Pairing {
        id: PairingId(row.id("id")?),
        number: row.pairing_number("number")?,
        fictitious_number: row.phone("fictitious_number")?,
        project: row.text_opt("project")?,
    })
}

/// From when until when a pairing is active.
fn is_active(row: Fields<'_>, now: Timestamp) -> Result<bool, StoreError> {
    let begun = row.time_opt("valid_from")?.is_none_or(|from| from <= now);
    let over = row.time_opt("valid_to")?.is_some_and(|until| until <= now);
    Ok(begun && !over)
}

impl Store {
    /// What is known of the shopper with this phone; `None` when nobody has it, or who has it cannot
    /// be told for sure since the row is damaged.
    ///
    /// The pairings are those active now, their number switched on. The tickets are the open ones
    /// of these pairings, missed less than `ticket_ttl` ago, those of strangers last. A ticket whose
    /// pairing has ended is cancelled on the way. A pairing or a ticket that is damaged is left out.
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
        let query = sqlx::query(
            "SELECT id, phone, language, active, pin, pin_locked_until \
             FROM shoppers WHERE phone = $1",
        )
        .bind(phone.as_str());
        let rows = fetch(query, &mut tx, (&self.damage, "shoppers")).await?;
        let found = self.damage.readable(&rows, |row| {
            let row = Fields::new("shoppers", row);
            let shopper = self.shopper(row, row.flag("active")?, row.pin_opt("pin")?)?;
            // Until when nobody knows: for long, but only for those who have a PIN to guess.
            let until = self.damage.noted(row.time_opt("pin_locked_until"))?;
            let locked =
                until.map_or(shopper.pin.is_some(), |until| until.is_some_and(|at| at > now));
            Ok((shopper, locked))
        })?;
        let Some((shopper, pin_locked)) = found.into_iter().next() else {
            tx.rollback().await?;
            return Ok(None);
        };
        let id = shopper.id.to_string();

        let query = sqlx::query(
            "SELECT p.id, p.number, p.fictitious_number, p.project, p.valid_from, p.valid_to \
             FROM pairings p JOIN numbers n ON n.number = p.fictitious_number \
             WHERE p.shopper_id = $1 AND p.ended_at IS NULL AND n.active = 1 ORDER BY p.number",
        )
        .bind(id.as_str());
        let rows = fetch_each(query, &mut tx).await?;
        let pairings = self.damage.readable_or_unread(&rows, "pairings", |row| {
            let row = Fields::new("pairings", row);
            Ok((pairing(row)?, is_active(row, now)?))
        })?;
        let unread_pairings = pairings.len() < rows.len();
        let pairings: Vec<Pairing> = pairings
            .into_iter()
            .filter_map(|(pairing, active)| active.then_some(pairing))
            .collect();

        let query = sqlx::query(
            "SELECT t.id, t.number, t.dealer, t.pairing_id, t.last_missed_at, \
             p.ended_at, p.valid_to FROM tickets t JOIN pairings p ON p.id = t.pairing_id \
             WHERE t.shopper_id = $1 AND t.status = 'open' ORDER BY t.stranger, t.number",
        )
        .bind(id.as_str());
        let rows = fetch_each(query, &mut tx).await?;
        tx.rollback().await?;
        let mut any_over = false;
        let open = self.damage.readable_or_unread(&rows, "tickets", |row| {
            let row = Fields::new("tickets", row);
            let of_pairing = row.joined("pairings", "pairing_id");
            let over = of_pairing.int_opt("ended_at")?.is_some()
                || of_pairing.time_opt("valid_to")?.is_some_and(|until| until <= now);
            any_over |= over;
            let last_missed_at = row.time("last_missed_at")?;
            let pairing_id = PairingId(row.id("pairing_id")?);
            let (id, number) = (TicketId(row.id("id")?), row.ticket_number("number")?);
            let dealer = row.phone("dealer")?;
            let pairing = pairings.iter().find(|pairing| pairing.id == pairing_id);
            let pairing =
                pairing.filter(|_| now.duration_since(last_missed_at) < ticket_ttl).cloned();
            Ok(pairing.map(|pairing| OpenTicket { id, number, dealer, pairing, last_missed_at }))
        })?;
        let unread_tickets = open.len() < rows.len();
        let tickets = open.into_iter().flatten().collect();
        if any_over {
            let mut tx = self.begin().await?;
            tickets::cancel_of_ended_pairings(&mut tx, now).await?;
            tx.commit().await?;
        }
        Ok(Some(ShopperFacts {
            shopper,
            pin_locked,
            pairings,
            tickets,
            unread_pairings,
            unread_tickets,
        }))
    }

    /// The rest of a shopper's row. A language that cannot be read costs nobody a call.
    fn shopper(
        &self,
        row: Fields<'_>,
        active: bool,
        pin: Option<Pin>,
    ) -> Result<Shopper, StoreError> {
        Ok(Shopper {
            id: ShopperId(row.id("id")?),
            phone: row.phone("phone")?,
            language: self.damage.noted(row.word("language"))?.unwrap_or(Language::Czech),
            active,
            pin,
        })
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
        let query = sqlx::query(
            "SELECT p.id, p.shopper_id, p.number, p.fictitious_number, p.project, p.valid_from, \
             p.valid_to FROM pairings p JOIN numbers n ON n.number = p.fictitious_number \
             WHERE p.fictitious_number = $1 AND p.ended_at IS NULL AND n.active = 1 \
             AND (p.created_at <= $2 OR p.created_at > $3)",
        )
        .bind(fictitious.as_str())
        .bind(ms(at))
        .bind(ms(now));
        let rows = fetch(query, &mut tx, (&self.damage, "pairings")).await?;
        let found = self.damage.readable(&rows, |row| {
            let row = Fields::new("pairings", row);
            Ok((pairing(row)?, row.id("shopper_id")?, is_active(row, at)?))
        })?;
        let Some((pairing, owner, true)) = found.into_iter().next() else {
            tx.rollback().await?;
            return Ok(None);
        };
        // Nobody asks a shopper who is called for a PIN.
        let query =
            sqlx::query("SELECT id, phone, language FROM shoppers WHERE id = $1 AND active = 1")
                .bind(owner.to_string());
        let rows = fetch(query, &mut tx, (&self.damage, "shoppers")).await?;
        tx.rollback().await?;
        let owners = self
            .damage
            .readable(&rows, |row| self.shopper(Fields::new("shoppers", row), true, None))?;
        Ok(owners.into_iter().next().map(|shopper| Assignment { shopper, pairing }))
    }

    /// Whether one of these is a fictitious number of the exchange, paired or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_exchange_number(&self, numbers: &[PhoneNumber]) -> Result<bool, StoreError> {
        if numbers.is_empty() {
            return Ok(false);
        }
        let places: Vec<String> = (1..=numbers.len()).map(|place| format!("${place}")).collect();
        let sql =
            format!("SELECT number FROM numbers WHERE number IN ({}) LIMIT 1", places.join(", "));
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for number in numbers {
            query = query.bind(number.as_str());
        }
        Ok(query.fetch_optional(&self.read).await?.is_some())
    }

    /// A shopper's phone of today; `None` also if it is damaged.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn phone_of(&self, shopper: ShopperId) -> Result<Option<PhoneNumber>, StoreError> {
        let query =
            sqlx::query("SELECT id, phone FROM shoppers WHERE id = $1").bind(shopper.to_string());
        let rows = self.fetch(query, "shoppers").await?;
        let phones =
            self.damage.readable(&rows, |row| Fields::new("shoppers", row).phone("phone"))?;
        Ok(phones.into_iter().next())
    }

    /// Whether this is the phone of a shopper, active or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_shopper(&self, phone: &PhoneNumber) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT 1 AS found FROM shoppers WHERE phone = $1")
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
                "UPDATE shoppers SET pin_failures = 0 WHERE id = $1 RETURNING id, pin_locked_until",
            )
            .bind(shopper.to_string())
        } else {
            sqlx::query(
                "UPDATE shoppers SET \
                 pin_locked_until = CASE WHEN pin_failures >= $2 THEN $3 \
                 ELSE pin_locked_until END, \
                 pin_failures = CASE WHEN pin_failures >= $2 THEN 0 ELSE pin_failures + 1 END \
                 WHERE id = $1 RETURNING id, pin_locked_until",
            )
            .bind(shopper.to_string())
            .bind(i64::from(pin::TRIES) - 1)
            .bind(ms(now.saturating_add(lock).unwrap_or(Timestamp::MAX)))
        };
        let row =
            query.fetch_optional(&self.write).await?.ok_or(StoreError::NotFound("shopper"))?;
        let until = Fields::new("shoppers", &row).time_opt("pin_locked_until");
        // Until when nobody knows: for long.
        Ok(self.damage.noted(until)?.is_none_or(|until| until.is_some_and(|at| at > now)))
    }
}
