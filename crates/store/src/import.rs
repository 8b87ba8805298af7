//! The import of shoppers, fictitious numbers and pairings from a table: all of it or nothing.

mod plan;

use exchange::{
    model::{Language, PairingNumber},
    number::PhoneNumber,
};
use jiff::Timestamp;

use crate::{
    Store, StoreError, numbers, pairings,
    row::{clean_opt, ms_opt},
    shoppers::{self, NewShopper},
    tickets,
};

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRow {
    /// Its number in the file, for messages.
    pub line: u64,
    /// The shopper's phone.
    pub shopper_phone: PhoneNumber,
    /// The shopper's name; `None` leaves it.
    pub shopper_name: Option<String>,
    /// The shopper's language; `None` leaves it.
    pub language: Option<Language>,
    /// The number given to the shopper.
    pub fictitious_number: PhoneNumber,
    /// Its ID; `None` leaves it, or takes the one after the highest that the shopper has or had in
    /// the last 90 days.
    pub number: Option<PairingNumber>,
    /// The project; `None` empties it.
    pub project: Option<String>,
    /// From when on; `None` empties it.
    pub valid_from: Option<Timestamp>,
    /// Until when; `None` empties it.
    pub valid_to: Option<Timestamp>,
}

/// What an import did, or with `dry_run` would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Lines read.
    pub rows: usize,
    /// Shoppers that were not known.
    pub shoppers_created: usize,
    /// Shoppers with another name or language than before.
    pub shoppers_updated: usize,
    /// Fictitious numbers that were not known.
    pub numbers_created: usize,
    /// New pairings.
    pub pairings_created: usize,
    /// Pairings with another project or time than before.
    pub pairings_updated: usize,
    /// Pairings that are as the table wants them.
    pub pairings_unchanged: usize,
}

/// What is wrong with a line. `Display` tells it without the number of the line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportProblem {
    /// The fictitious number stands twice in the table.
    #[error("the fictitious number {number} stands in line {line} already")]
    NumberTwice {
        /// The number.
        number: PhoneNumber,
        /// The line it stands in first.
        line: u64,
    },
    /// The fictitious number belongs to somebody else.
    #[error(
        "the fictitious number {number} is already paired with another shopper, {shopper}: end that pairing first"
    )]
    PairedWithOther {
        /// The number.
        number: PhoneNumber,
        /// Whose it is.
        shopper: PhoneNumber,
    },
    /// The shopper has the ID for another number.
    #[error(
        "the shopper {shopper} has ID {id} for {number} already: take another ID or end that pairing first"
    )]
    IdTaken {
        /// The shopper.
        shopper: PhoneNumber,
        /// The ID.
        id: PairingNumber,
        /// What the ID stands for.
        number: PhoneNumber,
    },
    /// The pairing exists under another ID, and IDs do not change.
    #[error(
        "{number} is paired with this shopper as ID {id}, and IDs do not change: write {id}, or end that pairing first"
    )]
    OtherId {
        /// The number.
        number: PhoneNumber,
        /// Its ID.
        id: PairingNumber,
    },
    /// All IDs up to 999 are behind the highest.
    #[error("no ID is left after the highest of the shopper {shopper}: write a free one")]
    NoIdLeft {
        /// The shopper.
        shopper: PhoneNumber,
    },
    /// The time ends before it starts.
    #[error("valid_to is not after valid_from")]
    TimeBackwards,
    /// A fictitious number that is a shopper's phone.
    #[error("{number} is a shopper's phone and cannot be a fictitious number too")]
    NumberIsPhone {
        /// The number.
        number: PhoneNumber,
    },
    /// A shopper's phone that is a fictitious number.
    #[error("{number} is a fictitious number and cannot be a shopper's phone too")]
    PhoneIsNumber {
        /// The number.
        number: PhoneNumber,
    },
    /// What the database holds of one of the line's numbers cannot be read.
    #[error(
        "the database's row of {number} is damaged: `ustredna check` names it; correct it first"
    )]
    Damaged {
        /// The number.
        number: PhoneNumber,
    },
    /// Two lines say different things of one shopper.
    #[error("the shopper {shopper} has another name or language in line {line}")]
    ShopperDiffers {
        /// The shopper.
        shopper: PhoneNumber,
        /// The first line that names them.
        line: u64,
    },
}

/// Why nothing was imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The lines that are wrong, in their order.
    #[error("{} of the lines cannot be imported", .0.len())]
    Lines(Vec<(u64, ImportProblem)>),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for ImportError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// Brings shoppers, numbers and pairings to what the table says, in one transaction; the same
    /// table again changes nothing. New shoppers without a language get `language`. IDs not
    /// written are given after the highest of the shopper's, those written further down included.
    /// `progress` is told how many lines are done.
    ///
    /// # Errors
    /// [`ImportError::Lines`] names every bad line; nothing is imported then.
    pub async fn import(
        &self,
        rows: &[ImportRow],
        language: Language,
        now: Timestamp,
        dry_run: bool,
        progress: &mut (dyn FnMut(usize) + Send),
    ) -> Result<ImportReport, ImportError> {
        // A rehearsal only reads, so it need not keep the exchange waiting.
        let mut tx = if dry_run { self.snapshot().await? } else { self.begin().await? };
        let known = plan::Known::read(&mut tx, &self.damage, now).await?;
        let plan = plan::Plan::new(rows, known, now).map_err(ImportError::Lines)?;
        let report = plan.report(rows.len());
        if dry_run {
            tx.rollback().await?;
            progress(rows.len());
            return Ok(report);
        }

        for pairing in &plan.ended {
            sqlx::query("UPDATE pairings SET ended_at = valid_to WHERE id = $1")
                .bind(pairing.to_string())
                .execute(&mut *tx)
                .await?;
        }
        let mut ids = plan.shopper_ids;
        for shopper in plan.shoppers {
            match shopper.id {
                None => {
                    let new = NewShopper {
                        phone: shopper.phone.clone(),
                        name: shopper.name,
                        language: shopper.language.unwrap_or(language),
                        pin: None,
                    };
                    let id = shoppers::insert(&mut tx, &new, now).await?;
                    ids.insert(shopper.phone, id);
                }
                Some(id) => {
                    sqlx::query(
                        "UPDATE shoppers SET name = COALESCE($2, name), \
                         language = COALESCE($3, language) WHERE id = $1",
                    )
                    .bind(id.to_string())
                    .bind(clean_opt(shopper.name.as_deref()))
                    .bind(shopper.language.map(Language::as_str))
                    .execute(&mut *tx)
                    .await?;
                }
            }
        }
        for number in &plan.numbers {
            numbers::insert(&mut tx, number, None, now).await?;
        }
        for (done, change) in plan.pairings.iter().enumerate() {
            match change {
                plan::Change::Keep => {}
                plan::Change::Create(number, pairing) => {
                    let shopper = ids.get(&pairing.shopper).copied();
                    let shopper = shopper.ok_or(StoreError::NotFound("shopper"))?;
                    pairings::insert(&mut tx, shopper, *number, pairing, now).await?;
                }
                plan::Change::Update(id, row) => {
                    sqlx::query(
                        "UPDATE pairings SET project = $2, valid_from = $3, valid_to = $4 \
                         WHERE id = $1",
                    )
                    .bind(id.to_string())
                    .bind(clean_opt(row.project.as_deref()))
                    .bind(ms_opt(row.valid_from))
                    .bind(ms_opt(row.valid_to))
                    .execute(&mut *tx)
                    .await?;
                }
            }
            progress(done + 1);
        }
        tickets::cancel_of_ended_pairings(&mut tx, now).await?;
        tx.commit().await?;
        Ok(report)
    }
}
