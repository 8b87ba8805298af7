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

mod audit;
mod backup;
mod calls;
mod chain;
mod connections;
mod damage;
mod engine;
mod error;
mod figures;
mod filter;
mod histories;
mod identity;
mod import;
mod intents;
mod keeping;
mod lookup;
mod numbers;
mod outbox;
mod pairings;
mod recordings;
mod redact;
mod rehearsal;
mod row;
mod settle;
mod shoppers;
mod tickets;
mod verdicts;
mod watch;

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{
    Any,
    any::{AnyArguments, AnyRow},
    query::Query,
};
use uuid::Uuid;

use connections::{Connections, Pool, Tx};
use damage::Damage;
use engine::Engine;

pub use calls::{AttemptRow, CallRow};
pub use chain::{ChainFault, ChainLink, FaultyRecording, ProvenWav};
pub use damage::DamagedRow;
pub use engine::{check_url, file_of};
pub use error::StoreError;
pub use figures::Figures;
pub use filter::Filter;
pub use histories::{EndedCall, Known, OpenCall};
pub use import::{ImportError, ImportProblem, ImportReport, ImportRow};
pub use intents::Limits;
pub use keeping::{Deletion, SettledRecording};
pub use numbers::{NumberChange, NumberRow};
pub use outbox::{
    DEALERS_WAITING, Delivery, Leased, LeasedSms, Named, Retried, SmsFate, SmsOutcome, SmsRow,
    SmsTiming, Throttle, Unstored,
};
pub use pairings::{NewPairing, PairingChange, PairingRow};
pub use recordings::RecordingRow;
pub use redact::redacted;
pub use settle::{BURST, End, MissKind, MissedCall, Settled, SmsText, SmsTexts, Together};
pub use shoppers::{NewShopper, ShopperChange, ShopperRow};
pub use tickets::{STRANGERS_NUMBERS, Swept, TicketRow};
pub use verdicts::Recorded;

/// The state, open. Clones share the connections.
#[derive(Clone)]
pub struct Store {
    connections: Arc<Connections>,
    read: Pool,
    write: Pool,
    /// The exchange that this one serves, if it is one.
    owner: Option<Arc<str>>,
    damage: Damage,
}

impl Store {
    fn new(connections: Connections) -> Self {
        let connections = Arc::new(connections);
        let read = Pool::readers(Arc::clone(&connections));
        let write = Pool::writers(Arc::clone(&connections));
        Self { connections, read, write, owner: None, damage: Damage::default() }
    }

    fn engine(&self) -> Engine {
        self.connections.opening.engine()
    }

    /// The rows that could not be read since the state was opened, and were left out.
    #[must_use]
    pub fn damage(&self) -> Vec<DamagedRow> {
        self.damage.all()
    }

    /// Whether exchanges on other machines may use the same state.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.engine(), Engine::Postgres)
    }

    /// The same state, as the exchange of this name: the calls that it begins are its own.
    #[must_use]
    pub fn of_exchange(self, name: &str) -> Self {
        Self { owner: Some(row::clean(name).into()), ..self }
    }

    /// A transaction that writes: on SQLite it has the write lock from its first moment, so it
    /// never fails half-way because another program wrote in between.
    async fn begin(&self) -> Result<Tx, StoreError> {
        self.write.begin(connections::begin_writing(self.engine())).await
    }

    /// A transaction whose statements all see the same state.
    async fn snapshot(&self) -> Result<Tx, StoreError> {
        self.read.begin(connections::begin_reading(self.engine())).await
    }

    /// The rows of `table` that a query finds, those of them that the driver can read.
    async fn fetch(
        &self,
        query: Query<'_, Any, AnyArguments>,
        table: &'static str,
    ) -> Result<Vec<AnyRow>, StoreError> {
        let mut link = self.read.take().await?;
        row::fetch(query, &mut link, (&self.damage, table)).await
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
        self.connections.is_busy()
    }

    /// Closes the connections after the statements under way. A SQLite file holds everything then, so
    /// that it can be copied; should that not be possible, its WAL keeps the rest.
    pub async fn close(self) {
        self.connections.close().await;
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
