//! Pairings: which shopper has which fictitious number, under which ID.

use std::collections::BTreeSet;

use exchange::{
    model::{PairingId, PairingNumber, ShopperId},
    number::PhoneNumber,
};
use jiff::{SignedDuration, Timestamp};
use sqlx::any::AnyRow;

use crate::{
    Filter, Store, StoreError,
    connections::Link,
    damage::Damage,
    intents::lock_shopper,
    new_id,
    row::{Fields, clean_opt, fetch, ms, ms_opt},
    shoppers, tickets,
};

/// A pairing to be added.
#[derive(Debug, Clone)]
pub struct NewPairing {
    /// The shopper's phone.
    pub shopper: PhoneNumber,
    /// The number, which must exist.
    pub fictitious_number: PhoneNumber,
    /// The ID; `None` takes the one after the highest that the shopper has or had in the last 90
    /// days: who has it on paper would else call through another number than they think.
    pub number: Option<PairingNumber>,
    /// The project.
    pub project: Option<String>,
    /// From when on; `None`: at once.
    pub valid_from: Option<Timestamp>,
    /// Until when; `None`: until it is ended.
    pub valid_to: Option<Timestamp>,
}

/// What is to be changed; `None` stays as it is, `Some(None)` empties.
#[derive(Debug, Clone, Default)]
pub struct PairingChange {
    /// The project.
    pub project: Option<Option<String>>,
    /// From when on.
    pub valid_from: Option<Option<Timestamp>>,
    /// Until when.
    pub valid_to: Option<Option<Timestamp>>,
}

/// A pairing in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairingRow {
    /// The row.
    pub id: PairingId,
    /// The shopper's phone.
    pub shopper: PhoneNumber,
    /// The shopper's name.
    pub shopper_name: Option<String>,
    /// The ID that the shopper keys.
    pub number: PairingNumber,
    /// The number that dealers see.
    pub fictitious_number: PhoneNumber,
    /// The project.
    pub project: Option<String>,
    /// From when on.
    pub valid_from: Option<Timestamp>,
    /// Until when.
    pub valid_to: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// Whether the shopper is switched on.
    pub shopper_active: bool,
    /// Whether the number is switched on.
    pub number_active: bool,
}

const PERIOD: StoreError =
    StoreError::Conflict("the end of the pairing's time is not after its start");

/// Ends the shopper's pairings, and those of the number, whose time is over: now their ID or
/// number is needed again.
async fn end_expired(
    tx: &mut Link,
    shopper: ShopperId,
    number: &PhoneNumber,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE pairings SET ended_at = valid_to WHERE ended_at IS NULL AND valid_to <= $1 \
         AND (shopper_id = $2 OR fictitious_number = $3)",
    )
    .bind(ms(now))
    .bind(shopper.to_string())
    .bind(number.as_str())
    .execute(tx)
    .await?;
    Ok(())
}

pub(crate) async fn insert(
    tx: &mut Link,
    shopper: ShopperId,
    number: PairingNumber,
    pairing: &NewPairing,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO pairings (id, shopper_id, fictitious_number, number, project, valid_from, \
         valid_to, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(new_id(now).to_string())
    .bind(shopper.to_string())
    .bind(pairing.fictitious_number.as_str())
    .bind(i64::from(number.value()))
    .bind(clean_opt(pairing.project.as_deref()))
    .bind(ms_opt(pairing.valid_from))
    .bind(ms_opt(pairing.valid_to))
    .bind(ms(now))
    .execute(tx)
    .await?;
    Ok(())
}

/// Whether a pairing's time, if it has both ends, runs forwards.
pub(crate) fn runs_forwards(from: Option<Timestamp>, to: Option<Timestamp>) -> bool {
    // As the columns hold them: two times within a millisecond are one.
    !matches!((ms_opt(from), ms_opt(to)), (Some(from), Some(to)) if to <= from)
}

impl Store {
    /// Gives a shopper a fictitious number and tells the ID. A pairing whose time is over makes
    /// way for it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown shopper or number; [`StoreError::Conflict`] when
    /// the number is paired, the ID taken or none free.
    pub async fn add_pairing(
        &self,
        pairing: &NewPairing,
        now: Timestamp,
    ) -> Result<PairingNumber, StoreError> {
        if !runs_forwards(pairing.valid_from, pairing.valid_to) {
            return Err(PERIOD);
        }
        let mut tx = self.begin().await?;
        let shopper = shoppers::by_phone(&mut tx, &pairing.shopper)
            .await?
            .ok_or(StoreError::NotFound("shopper"))?;
        lock_shopper(&mut tx, shopper).await?;
        // Takes the number's row, for two shoppers at once.
        let known = sqlx::query("UPDATE numbers SET created_at = created_at WHERE number = $1")
            .bind(pairing.fictitious_number.as_str())
            .execute(&mut *tx)
            .await?;
        if known.rows_affected() == 0 {
            return Err(StoreError::NotFound("fictitious number"));
        }
        end_expired(&mut tx, shopper, &pairing.fictitious_number, now).await?;
        let query = sqlx::query(
            "SELECT id, shopper_id, number, fictitious_number FROM pairings \
             WHERE ended_at IS NULL AND (shopper_id = $1 OR fictitious_number = $2)",
        )
        .bind(shopper.to_string())
        .bind(pairing.fictitious_number.as_str());
        let rows = fetch(query, &mut tx, (&self.damage, "pairings")).await?;
        let theirs = |row: &AnyRow| Fields::new("pairings", row).phone("fictitious_number");
        if self.damage.readable(&rows, theirs)?.contains(&pairing.fictitious_number) {
            return Err(StoreError::Conflict("this fictitious number is already paired"));
        }
        // A damaged one takes no ID that anybody could key.
        let taken = self
            .damage
            .readable(&rows, |row| Fields::new("pairings", row).pairing_number("number"))?;
        let number = match pairing.number {
            Some(number) if taken.contains(&number) => {
                return Err(StoreError::Conflict("the shopper has this ID for another number"));
            }
            Some(number) => number,
            None => {
                next(taken.into_iter().max(), &resting(&mut tx, &self.damage, shopper, now).await?)
                    .ok_or(StoreError::Conflict("the shopper's IDs are used up: give a free one"))?
            }
        };
        insert(&mut tx, shopper, number, pairing, now).await?;
        tickets::cancel_of_ended_pairings(&mut tx, now).await?;
        tx.commit().await?;
        Ok(number)
    }

    /// Changes the current pairing of this shopper and ID.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] when its time would run backwards.
    pub async fn change_pairing(
        &self,
        shopper: &PhoneNumber,
        number: PairingNumber,
        change: &PairingChange,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "SELECT p.id, p.valid_from, p.valid_to, p.project FROM pairings p \
             JOIN shoppers s ON s.id = p.shopper_id \
             WHERE s.phone = $1 AND p.number = $2 AND p.ended_at IS NULL",
        )
        .bind(shopper.as_str())
        .bind(i64::from(number.value()))
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(StoreError::NotFound("pairing"))?;
        let row = Fields::new("pairings", &row);
        let valid_from = change.valid_from.unwrap_or(row.time_opt("valid_from")?);
        let valid_to = change.valid_to.unwrap_or(row.time_opt("valid_to")?);
        if !runs_forwards(valid_from, valid_to) {
            return Err(PERIOD);
        }
        let project = match &change.project {
            Some(project) => project.clone(),
            None => row.text_opt("project")?,
        };
        sqlx::query(
            "UPDATE pairings SET project = $2, valid_from = $3, valid_to = $4 WHERE id = $1",
        )
        .bind(row.text("id")?)
        .bind(clean_opt(project.as_deref()))
        .bind(ms_opt(valid_from))
        .bind(ms_opt(valid_to))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends the current pairing of this shopper and ID: its open tickets are cancelled, their
    /// waiting SMS skipped. The shopper's other IDs stay.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn end_pairing(
        &self,
        shopper: &PhoneNumber,
        number: PairingNumber,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE pairings SET ended_at = $3 WHERE number = $2 AND ended_at IS NULL \
             AND shopper_id IN (SELECT id FROM shoppers WHERE phone = $1)",
        )
        .bind(shopper.as_str())
        .bind(i64::from(number.value()))
        .bind(ms(now))
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound("pairing"));
        }
        tickets::cancel_of_ended_pairings(&mut tx, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The projects of all pairings, ended ones too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn projects(&self) -> Result<Vec<String>, StoreError> {
        let query = sqlx::query("SELECT DISTINCT project FROM pairings WHERE project IS NOT NULL");
        let rows = self.fetch(query, "pairings").await?;
        self.damage.readable(&rows, |row| Fields::new("pairings", row).text("project"))
    }

    /// The pairings by shopper and ID, without the damaged ones; with `ended` also those that were
    /// ended. The filter's times are when they were made.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pairings(
        &self,
        filter: &Filter,
        ended: bool,
    ) -> Result<Vec<PairingRow>, StoreError> {
        let query = sqlx::query(
            "SELECT p.id, s.id AS shopper, s.phone, s.name, p.number, p.fictitious_number, p.project, \
             p.valid_from, p.valid_to, p.created_at, p.ended_at, s.active AS shopper_active, \
             n.active AS number_active FROM pairings p JOIN shoppers s ON s.id = p.shopper_id \
             JOIN numbers n ON n.number = p.fictitious_number \
             WHERE ($1 IS NULL OR s.phone = $1) AND ($2 IS NULL OR p.project = $2) \
             AND p.created_at >= $3 AND p.created_at < $4 \
             AND ($6 = 1 OR p.ended_at IS NULL) \
             ORDER BY s.phone, p.number, p.created_at LIMIT $5",
        );
        let query = filter.bind(query).bind(i64::from(ended));
        let rows = self.fetch(query, "pairings").await?;
        self.damage.readable(&rows, |row| {
            let row = Fields::new("pairings", row);
            let shopper = row.joined("shoppers", "shopper");
            let number = row.joined("numbers", "fictitious_number");
            Ok(PairingRow {
                id: PairingId(row.id("id")?),
                shopper: shopper.phone("phone")?,
                shopper_name: self.damage.noted(shopper.text_opt("name"))?.flatten(),
                number: row.pairing_number("number")?,
                fictitious_number: row.phone("fictitious_number")?,
                project: row.text_opt("project")?,
                valid_from: row.time_opt("valid_from")?,
                valid_to: row.time_opt("valid_to")?,
                created_at: row.time("created_at")?,
                ended_at: row.time_opt("ended_at")?,
                shopper_active: self.damage.noted(shopper.flag("shopper_active"))? == Some(true),
                number_active: self.damage.noted(number.flag("number_active"))? == Some(true),
            })
        })
    }
}

/// For so long after its end an ID is given to no other number unless somebody asks for it: it may
/// still stand on the shopper's paper.
const ID_RESTS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The moment from which on IDs of pairings that were ended rest.
pub(crate) fn rest_since(now: Timestamp) -> i64 {
    ms(now.saturating_sub(ID_RESTS).unwrap_or(Timestamp::MIN))
}

/// The shopper's IDs that are in use or rest.
async fn resting(
    tx: &mut Link,
    damage: &Damage,
    shopper: ShopperId,
    now: Timestamp,
) -> Result<BTreeSet<PairingNumber>, StoreError> {
    let query = sqlx::query(
        "SELECT id, number FROM pairings WHERE shopper_id = $1 \
         AND (ended_at IS NULL OR ended_at > $2)",
    )
    .bind(shopper.to_string())
    .bind(rest_since(now));
    let rows = fetch(query, tx, (damage, "pairings")).await?;
    let ids =
        damage.readable(&rows, |row| Fields::new("pairings", row).pairing_number("number"))?;
    Ok(ids.into_iter().collect())
}

/// The ID after the highest in use and all that rest, from 1 on. Where those reach to the last one,
/// the first free one after the highest in use.
pub(crate) fn next(
    highest: Option<PairingNumber>,
    resting: &BTreeSet<PairingNumber>,
) -> Option<PairingNumber> {
    let after = |id: Option<PairingNumber>| id.map_or(0, PairingNumber::value) + 1;
    let beyond_all = after(highest.max(resting.last().copied()));
    PairingNumber::new(beyond_all).or_else(|| {
        (after(highest)..beyond_all).filter_map(PairingNumber::new).find(|id| !resting.contains(id))
    })
}
