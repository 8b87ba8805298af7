//! The exchange's state in SQLite or PostgreSQL: shoppers, fictitious numbers, pairings, calls,
//! tickets, the SMS outbox and the list of recordings.
//!
//! One SQL text serves both engines through sqlx's `Any` driver. On SQLite all writing goes
//! through one connection and `BEGIN IMMEDIATE`, reading through others. On PostgreSQL a
//! transaction that depends on what a shopper has first takes that shopper's row, so that several
//! exchanges may share the work.
//!
//! Times are arguments and kept to the millisecond. New rows get a UUIDv7 of that time and random
//! bits.
#![warn(missing_docs)]

mod calls;
mod engine;
mod error;
mod filter;
mod histories;
mod import;
mod intents;
mod keeping;
mod lookup;
mod numbers;
mod outbox;
mod pairings;
mod recordings;
mod row;
mod settle;
mod shoppers;
mod tickets;

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{Any, AnyPool, Transaction};
use uuid::Uuid;

pub use calls::{AttemptRow, CallRow};
pub use error::StoreError;
pub use filter::Filter;
pub use histories::{EndedCall, OpenCall};
pub use import::{ImportError, ImportProblem, ImportReport, ImportRow};
pub use intents::Limits;
pub use keeping::{Deletion, SettledRecording};
pub use numbers::{NumberChange, NumberRow};
pub use outbox::{
    Delivery, Leased, LeasedSms, Retried, SmsFate, SmsOutcome, SmsRow, SmsTiming, Throttle,
    Unstored,
};
pub use pairings::{NewPairing, PairingChange, PairingRow};
pub use recordings::RecordingRow;
pub use settle::{End, MissKind, MissedCall, Settled, SmsText, SmsTexts};
pub use shoppers::{NewShopper, ShopperChange, ShopperRow};
pub use tickets::{Swept, TicketRow};

/// The state, open. Clones share the connections.
#[derive(Clone)]
pub struct Store {
    engine: engine::Engine,
    read: AnyPool,
    write: AnyPool,
    /// The exchange that this one serves, if it is one.
    owner: Option<Arc<str>>,
}

impl Store {
    /// Whether exchanges on other machines may use the same state.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.engine, engine::Engine::Postgres)
    }

    /// The same state, as the exchange of this name: the calls that it begins are its own.
    #[must_use]
    pub fn of_exchange(self, name: &str) -> Self {
        Self { owner: Some(name.into()), ..self }
    }

    /// A transaction that writes: on SQLite it has the write lock from its first moment, so it
    /// never fails half-way because another program wrote in between.
    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(match self.engine {
            engine::Engine::Sqlite => self.write.begin_with("BEGIN IMMEDIATE").await?,
            engine::Engine::Postgres => self.write.begin().await?,
        })
    }

    /// A transaction whose statements all see the same state.
    async fn snapshot(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(match self.engine {
            engine::Engine::Sqlite => self.read.begin().await?,
            engine::Engine::Postgres => {
                self.read.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?
            }
        })
    }

    /// Reads and writes, changing nothing: finds a database that is locked, read-only or gone.
    ///
    /// # Errors
    /// What is wrong. A locked SQLite file takes five seconds to be called so.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT id FROM shoppers WHERE id = ''").fetch_optional(&self.read).await?;
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE shoppers SET active = active WHERE id = ''").execute(&mut *tx).await?;
        tx.rollback().await?;
        Ok(())
    }

    /// Whether a statement is under way, or a transaction open.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let busy = |pool: &AnyPool| usize::try_from(pool.size()).unwrap_or(0) > pool.num_idle();
        busy(&self.read) || busy(&self.write)
    }

    /// Closes the connections after the statements under way.
    pub async fn close(self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// The key of a new row: a UUIDv7 of `now`, the rest random.
fn new_id(now: Timestamp) -> Uuid {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix_time(seconds, nanos, 0, 0))
}

#[cfg(test)]
mod tests;
