//! Shoppers: people known by their real phone number.

use exchange::{
    model::{Language, ShopperId},
    number::PhoneNumber,
    pin::Pin,
};
use jiff::Timestamp;

use crate::{
    Store, StoreError,
    connections::Link,
    new_id,
    row::{Fields, clean_opt, ms},
};

/// A shopper to be added, switched on.
#[derive(Debug, Clone)]
pub struct NewShopper {
    /// The real phone number.
    pub phone: PhoneNumber,
    /// A name for the operators' lists.
    pub name: Option<String>,
    /// The language of the prompts.
    pub language: Language,
    /// The PIN asked on the hotlines, if any.
    pub pin: Option<Pin>,
}

/// What is to be changed; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ShopperChange {
    /// A new phone number.
    pub phone: Option<PhoneNumber>,
    /// A new name; `Some(None)` removes it.
    pub name: Option<Option<String>>,
    /// Another language.
    pub language: Option<Language>,
    /// Switched on or off.
    pub active: Option<bool>,
    /// A new PIN; `Some(None)` removes it. Either way a lock is lifted.
    pub pin: Option<Option<Pin>>,
}

/// A shopper in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopperRow {
    /// The row.
    pub id: ShopperId,
    /// The real phone number.
    pub phone: PhoneNumber,
    /// The name, if one was given.
    pub name: Option<String>,
    /// The language of the prompts.
    pub language: Language,
    /// Whether the shopper may use the exchange.
    pub active: bool,
    /// Whether a PIN is asked.
    pub has_pin: bool,
    /// Until when wrong PINs lock the shopper out, if they did.
    pub pin_locked_until: Option<Timestamp>,
    /// How many pairings have not been ended.
    pub pairings: u32,
    /// When the shopper was added.
    pub created_at: Timestamp,
}

const TAKEN: StoreError = StoreError::Conflict("a shopper with this phone number exists already");
const IS_FICTITIOUS: StoreError =
    StoreError::Conflict("this is a fictitious number of the exchange, not a shopper's phone");

/// The row of the shopper with this phone.
pub(crate) async fn by_phone(
    tx: &mut Link,
    phone: &PhoneNumber,
) -> Result<Option<ShopperId>, StoreError> {
    let row = sqlx::query("SELECT id FROM shoppers WHERE phone = $1")
        .bind(phone.as_str())
        .fetch_optional(tx)
        .await?;
    row.map(|row| Fields::new("shoppers", &row).id("id").map(ShopperId)).transpose()
}

async fn check_free(tx: &mut Link, phone: &PhoneNumber) -> Result<(), StoreError> {
    if by_phone(tx, phone).await?.is_some() {
        return Err(TAKEN);
    }
    let ours = sqlx::query("SELECT number FROM numbers WHERE number = $1")
        .bind(phone.as_str())
        .fetch_optional(tx)
        .await?;
    if ours.is_some() { Err(IS_FICTITIOUS) } else { Ok(()) }
}

pub(crate) async fn insert(
    tx: &mut Link,
    shopper: &NewShopper,
    now: Timestamp,
) -> Result<ShopperId, StoreError> {
    let id = ShopperId(new_id(now));
    sqlx::query(
        "INSERT INTO shoppers (id, phone, name, language, pin, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id.to_string())
    .bind(shopper.phone.as_str())
    .bind(clean_opt(shopper.name.as_deref()))
    .bind(shopper.language.as_str())
    .bind(shopper.pin.as_ref().map(|pin| pin.as_phc().to_owned()))
    .bind(ms(now))
    .execute(tx)
    .await?;
    Ok(id)
}

impl Store {
    /// Adds a shopper.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the phone is another shopper's or a fictitious number.
    pub async fn add_shopper(
        &self,
        shopper: &NewShopper,
        now: Timestamp,
    ) -> Result<ShopperId, StoreError> {
        let mut tx = self.begin().await?;
        check_free(&mut tx, &shopper.phone).await?;
        let id = insert(&mut tx, shopper, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Changes the shopper with this phone.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] as [`Self::add_shopper`].
    pub async fn change_shopper(
        &self,
        phone: &PhoneNumber,
        change: &ShopperChange,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let id = by_phone(&mut tx, phone).await?.ok_or(StoreError::NotFound("shopper"))?;
        if let Some(other) = change.phone.as_ref().filter(|other| *other != phone) {
            check_free(&mut tx, other).await?;
        }
        sqlx::query(
            "UPDATE shoppers SET phone = COALESCE($2, phone), \
             name = CASE WHEN $3 = 1 THEN $4 ELSE name END, language = COALESCE($5, language), \
             active = COALESCE($6, active), pin = CASE WHEN $7 = 1 THEN $8 ELSE pin END, \
             pin_failures = CASE WHEN $7 = 1 THEN 0 ELSE pin_failures END, \
             pin_locked_until = CASE WHEN $7 = 1 THEN NULL ELSE pin_locked_until END \
             WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(change.phone.as_ref().map(|phone| phone.as_str().to_owned()))
        .bind(i64::from(change.name.is_some()))
        .bind(clean_opt(change.name.as_ref().and_then(Option::as_deref)))
        .bind(change.language.map(Language::as_str))
        .bind(change.active.map(i64::from))
        .bind(i64::from(change.pin.is_some()))
        .bind(change.pin.as_ref().and_then(|pin| Some(pin.as_ref()?.as_phc().to_owned())))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The shoppers, by phone number, without the damaged ones.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn shoppers(&self) -> Result<Vec<ShopperRow>, StoreError> {
        let query = sqlx::query(
            "SELECT s.id, s.phone, s.name, s.language, s.active, s.pin, s.pin_locked_until, \
             s.created_at, COUNT(p.id) AS pairings FROM shoppers s \
             LEFT JOIN pairings p ON p.shopper_id = s.id AND p.ended_at IS NULL \
             GROUP BY s.id ORDER BY s.phone",
        );
        let rows = self.fetch(query, "shoppers").await?;
        self.damage.readable(&rows, |row| {
            let row = Fields::new("shoppers", row);
            Ok(ShopperRow {
                id: ShopperId(row.id("id")?),
                phone: row.phone("phone")?,
                name: row.text_opt("name")?,
                language: row.word("language")?,
                active: row.flag("active")?,
                has_pin: row.pin_opt("pin")?.is_some(),
                pin_locked_until: row.time_opt("pin_locked_until")?,
                pairings: row.number("pairings")?,
                created_at: row.time("created_at")?,
            })
        })
    }
}
