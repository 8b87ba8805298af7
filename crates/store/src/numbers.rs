//! The exchange's fictitious numbers.

use exchange::{model::PairingNumber, number::PhoneNumber};
use jiff::Timestamp;

use crate::{
    Store, StoreError,
    connections::Link,
    row::{Fields, clean_opt, ms},
    shoppers,
};

/// What is to be changed; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct NumberChange {
    /// Switched on or off: off, it neither rings anybody nor is shown.
    pub active: Option<bool>,
    /// A new note; `Some(None)` removes it.
    pub note: Option<Option<String>>,
}

/// A fictitious number in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberRow {
    /// The number.
    pub number: PhoneNumber,
    /// Whether it is switched on.
    pub active: bool,
    /// The operators' note.
    pub note: Option<String>,
    /// The phone of the shopper it is paired with, if any.
    pub shopper: Option<PhoneNumber>,
    /// The ID under which it is paired.
    pub pairing: Option<PairingNumber>,
    /// When it was added.
    pub created_at: Timestamp,
}

pub(crate) async fn insert(
    tx: &mut Link,
    number: &PhoneNumber,
    note: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO numbers (number, note, created_at) VALUES ($1, $2, $3)")
        .bind(number.as_str())
        .bind(clean_opt(note))
        .bind(ms(now))
        .execute(tx)
        .await?;
    Ok(())
}

/// Whether this is one of the exchange's fictitious numbers, switched on or off.
pub(crate) async fn is_ours(tx: &mut Link, number: &PhoneNumber) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT number FROM numbers WHERE number = $1")
        .bind(number.as_str())
        .fetch_optional(tx)
        .await?;
    Ok(row.is_some())
}

impl Store {
    /// Adds a fictitious number, switched on.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it exists, or is a shopper's phone.
    pub async fn add_number(
        &self,
        number: &PhoneNumber,
        note: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        if is_ours(&mut tx, number).await? {
            return Err(StoreError::Conflict("this fictitious number exists already"));
        }
        if shoppers::by_phone(&mut tx, number).await?.is_some() {
            return Err(StoreError::Conflict(
                "this is a shopper's phone, which cannot be a fictitious number too",
            ));
        }
        insert(&mut tx, number, note, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Changes a fictitious number.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn change_number(
        &self,
        number: &PhoneNumber,
        change: &NumberChange,
    ) -> Result<(), StoreError> {
        let done = sqlx::query(
            "UPDATE numbers SET active = COALESCE($2, active), \
             note = CASE WHEN $3 = 1 THEN $4 ELSE note END WHERE number = $1",
        )
        .bind(number.as_str())
        .bind(change.active.map(i64::from))
        .bind(i64::from(change.note.is_some()))
        .bind(clean_opt(change.note.as_ref().and_then(Option::as_deref)))
        .execute(&self.write)
        .await?;
        if done.rows_affected() == 0 {
            Err(StoreError::NotFound("fictitious number"))
        } else {
            Ok(())
        }
    }

    /// The fictitious numbers in ascending order, without the damaged ones.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn numbers(&self) -> Result<Vec<NumberRow>, StoreError> {
        let query = sqlx::query(
            "SELECT n.number AS id, n.active, n.note, n.created_at, s.id AS shopper, s.phone, \
             p.id AS pairing_id, p.number AS pairing \
             FROM numbers n \
             LEFT JOIN pairings p ON p.fictitious_number = n.number AND p.ended_at IS NULL \
             LEFT JOIN shoppers s ON s.id = p.shopper_id ORDER BY n.number",
        );
        let rows = self.fetch(query, "numbers").await?;
        self.damage.readable(&rows, |row| {
            let row = Fields::new("numbers", row);
            let shopper = row.joined("shoppers", "shopper").phone_opt("phone");
            let pairing = row.joined("pairings", "pairing_id").pairing_number_opt("pairing");
            Ok(NumberRow {
                number: row.phone("id")?,
                active: row.flag("active")?,
                note: row.text_opt("note")?,
                shopper: self.damage.noted(shopper)?.flatten(),
                pairing: self.damage.noted(pairing)?.flatten(),
                created_at: row.time("created_at")?,
            })
        })
    }
}
