//! Looking for damaged rows: every column of every table is held against what it may be.

use std::str::FromStr as _;

use exchange::{
    destination::Refusal,
    model::{Language, Outcome, Service, SmsStatus, TicketStatus},
};
use sqlx::{AssertSqlSafe, any::AnyRow};

use crate::{
    Store, StoreError,
    connections::Link,
    damage::{self, DamagedRow},
    intents::direction_of,
    row::{Fields, fetch_each},
};

/// A table: its key, and what each column may hold.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) key: &'static str,
    pub(crate) columns: &'static [(&'static str, Kind)],
}

/// What a column may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Id,
    IdOpt,
    Phone,
    PhoneOpt,
    Text,
    TextOpt,
    Word(fn(&str) -> bool),
    WordOpt(fn(&str) -> bool),
    Time,
    TimeOpt,
    /// Not negative.
    Count,
    CountOpt,
    Int,
    Flag,
    PairingNumber,
    TicketNumber,
    Pin,
}

fn is_direction(word: &str) -> bool {
    direction_of(word).is_some()
}

fn is_language(word: &str) -> bool {
    Language::from_str(word).is_ok()
}

fn is_outcome(word: &str) -> bool {
    Outcome::from_str(word).is_ok()
}

fn is_refusal(word: &str) -> bool {
    Refusal::from_str(word).is_ok()
}

fn is_service(word: &str) -> bool {
    Service::from_str(word).is_ok()
}

fn is_sms_status(word: &str) -> bool {
    SmsStatus::from_str(word).is_ok()
}

fn is_ticket_status(word: &str) -> bool {
    TicketStatus::from_str(word).is_ok()
}

pub(crate) static SHOPPERS: Table = Table {
    name: "shoppers",
    key: "id",
    columns: &[
        ("id", Kind::Id),
        ("phone", Kind::Phone),
        ("name", Kind::TextOpt),
        ("language", Kind::Word(is_language)),
        ("active", Kind::Flag),
        ("pin", Kind::Pin),
        ("pin_failures", Kind::Count),
        ("pin_locked_until", Kind::TimeOpt),
        ("last_ticket", Kind::Count),
        ("created_at", Kind::Time),
        ("strangers", Kind::Count),
        ("strangers_since", Kind::TimeOpt),
        ("strangers_told", Kind::TimeOpt),
    ],
};

pub(crate) static NUMBERS: Table = Table {
    name: "numbers",
    key: "number",
    columns: &[
        ("number", Kind::Phone),
        ("active", Kind::Flag),
        ("note", Kind::TextOpt),
        ("created_at", Kind::Time),
    ],
};

pub(crate) static PAIRINGS: Table = Table {
    name: "pairings",
    key: "id",
    columns: &[
        ("id", Kind::Id),
        ("shopper_id", Kind::Id),
        ("fictitious_number", Kind::Phone),
        ("number", Kind::PairingNumber),
        ("project", Kind::TextOpt),
        ("valid_from", Kind::TimeOpt),
        ("valid_to", Kind::TimeOpt),
        ("created_at", Kind::Time),
        ("ended_at", Kind::TimeOpt),
    ],
};

pub(crate) static TICKETS: Table = Table {
    name: "tickets",
    key: "id",
    columns: &[
        ("id", Kind::Id),
        ("shopper_id", Kind::Id),
        ("pairing_id", Kind::Id),
        ("number", Kind::TicketNumber),
        ("fictitious_number", Kind::Phone),
        ("dealer", Kind::Phone),
        ("status", Kind::Word(is_ticket_status)),
        ("missed", Kind::Count),
        ("first_missed_at", Kind::Time),
        ("last_missed_at", Kind::Time),
        ("closed_at", Kind::TimeOpt),
        ("stranger", Kind::Flag),
    ],
};

pub(crate) static CALLS: Table = Table {
    name: "calls",
    key: "id",
    columns: &[
        ("id", Kind::Id),
        ("service", Kind::Word(is_service)),
        ("caller", Kind::PhoneOpt),
        ("shopper_id", Kind::IdOpt),
        ("fictitious_number", Kind::PhoneOpt),
        ("dealer", Kind::PhoneOpt),
        ("project", Kind::TextOpt),
        ("started_at", Kind::Time),
        ("answered_at", Kind::TimeOpt),
        ("ended_at", Kind::TimeOpt),
        ("talk_ms", Kind::Count),
        ("outcome", Kind::WordOpt(is_outcome)),
        ("refusal", Kind::WordOpt(is_refusal)),
        ("hangup_cause", Kind::TextOpt),
        ("ticket_id", Kind::IdOpt),
        ("owner", Kind::TextOpt),
        ("switch_ahead_ms", Kind::Int),
    ],
};

pub(crate) static LEGS: Table = Table {
    name: "legs",
    key: "id",
    columns: &[
        ("id", Kind::Id),
        ("call_id", Kind::Id),
        ("shopper_id", Kind::IdOpt),
        ("direction", Kind::Word(is_direction)),
        ("dialled", Kind::Phone),
        ("shown", Kind::Phone),
        ("fictitious_number", Kind::Phone),
        ("dealer", Kind::PhoneOpt),
        ("pairing_id", Kind::Id),
        ("ticket_id", Kind::IdOpt),
        ("recording", Kind::Text),
        ("started_at", Kind::Time),
        ("answered_at", Kind::TimeOpt),
        ("ended_at", Kind::TimeOpt),
        ("talk_ms", Kind::Count),
        ("outcome", Kind::WordOpt(is_outcome)),
        ("hangup_cause", Kind::TextOpt),
    ],
};

pub(crate) static SMS: Table = Table {
    name: "sms",
    key: "id",
    columns: &[
        ("id", Kind::Id),
        ("shopper_id", Kind::Id),
        ("ticket_id", Kind::IdOpt),
        ("recipient", Kind::Phone),
        ("text", Kind::Text),
        ("segments", Kind::Count),
        ("status", Kind::Word(is_sms_status)),
        ("attempts", Kind::Count),
        ("not_before", Kind::Time),
        ("leased_until", Kind::TimeOpt),
        ("created_at", Kind::Time),
        ("sent_at", Kind::TimeOpt),
        ("error", Kind::TextOpt),
        ("due_at", Kind::Time),
        ("expires_at", Kind::TimeOpt),
        ("fate_unknown", Kind::Flag),
        ("provider_id", Kind::TextOpt),
        ("delivered_at", Kind::TimeOpt),
        ("retried_as", Kind::IdOpt),
        ("unknown_tries", Kind::Count),
        ("precedence", Kind::Count),
        ("calls", Kind::Count),
        ("calls_number", Kind::PhoneOpt),
        ("calls_of_dealers", Kind::Flag),
        ("calls_returnable", Kind::Flag),
    ],
};

pub(crate) static RECORDINGS: Table = Table {
    name: "recordings",
    key: "leg_id",
    columns: &[
        ("leg_id", Kind::Id),
        ("call_id", Kind::Id),
        ("path", Kind::Text),
        ("duration_ms", Kind::CountOpt),
        ("bytes", Kind::CountOpt),
        ("channels", Kind::CountOpt),
        ("sha256", Kind::TextOpt),
        ("verdict", Kind::Text),
        ("levels", Kind::TextOpt),
        ("problem", Kind::TextOpt),
        ("gaps", Kind::TextOpt),
        ("media", Kind::TextOpt),
        ("verified_at", Kind::TimeOpt),
        ("archived_at", Kind::TimeOpt),
        ("held_at", Kind::TimeOpt),
        ("held_because", Kind::TextOpt),
        ("deleted_at", Kind::TimeOpt),
        ("deleted_because", Kind::TextOpt),
    ],
};

pub(crate) static ALL: [&Table; 8] =
    [&SHOPPERS, &NUMBERS, &PAIRINGS, &TICKETS, &CALLS, &LEGS, &SMS, &RECORDINGS];

/// Which column names a row of which table.
const REFERENCES: &[(&Table, &str, &Table)] = &[
    (&PAIRINGS, "shopper_id", &SHOPPERS),
    (&PAIRINGS, "fictitious_number", &NUMBERS),
    (&TICKETS, "shopper_id", &SHOPPERS),
    (&TICKETS, "pairing_id", &PAIRINGS),
    (&CALLS, "shopper_id", &SHOPPERS),
    (&CALLS, "ticket_id", &TICKETS),
    (&LEGS, "call_id", &CALLS),
    (&LEGS, "shopper_id", &SHOPPERS),
    (&LEGS, "pairing_id", &PAIRINGS),
    (&LEGS, "ticket_id", &TICKETS),
    (&SMS, "shopper_id", &SHOPPERS),
    (&SMS, "ticket_id", &TICKETS),
    (&RECORDINGS, "leg_id", &LEGS),
    (&RECORDINGS, "call_id", &CALLS),
];

/// What is wrong with a row, if anything.
fn check(row: Fields<'_>, table: &Table) -> Result<(), StoreError> {
    table.columns.iter().try_for_each(|(column, kind)| check_column(row, column, *kind))
}

fn check_column(row: Fields<'_>, column: &'static str, kind: Kind) -> Result<(), StoreError> {
    let is = |good: bool| if good { Ok(()) } else { Err(row.damaged(column)) };
    match kind {
        Kind::Id => row.id(column).map(drop),
        Kind::IdOpt => row.id_opt(column).map(drop),
        Kind::Phone => row.phone(column).map(drop),
        Kind::PhoneOpt => row.phone_opt(column).map(drop),
        Kind::Text => row.text(column).map(drop),
        Kind::TextOpt => row.text_opt(column).map(drop),
        Kind::Word(is_one) => is(is_one(&row.text(column)?)),
        Kind::WordOpt(is_one) => is(row.text_opt(column)?.is_none_or(|word| is_one(&word))),
        Kind::Time => row.time(column).map(drop),
        Kind::TimeOpt => row.time_opt(column).map(drop),
        Kind::Count => row.number::<u64>(column).map(drop),
        Kind::CountOpt => is(row.int_opt(column)?.is_none_or(|count| count >= 0)),
        Kind::Int => row.int(column).map(drop),
        Kind::Flag => row.flag(column).map(drop),
        Kind::PairingNumber => row.pairing_number(column).map(drop),
        Kind::TicketNumber => row.ticket_number(column).map(drop),
        Kind::Pin => row.pin_opt(column).map(drop),
    }
}

/// A row that cannot be read.
pub(crate) struct Unreadable {
    /// Its key, to change it by; empty if that cannot be read either.
    pub(crate) key: String,
    pub(crate) told: DamagedRow,
}

/// The rows of a table that `condition` chooses and that cannot be read.
pub(crate) async fn unreadable(
    connection: &mut Link,
    table: &'static Table,
    condition: &'static str,
) -> Result<Vec<Unreadable>, StoreError> {
    let Table { name, key, columns } = table;
    let names: Vec<&str> = columns.iter().map(|(column, _)| *column).collect();
    let names = names.join(", ");
    let select = |what: &str| format!("SELECT {what} FROM {name} WHERE {condition} ORDER BY {key}");
    let all = select(&format!("{key} AS id, {names}"));
    let rows = fetch_each(sqlx::query(AssertSqlSafe(all)), connection).await?;
    let mut found = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        match row {
            Some(row) => {
                let row = Fields::new(name, row);
                if let Err(StoreError::Damaged { table, id, column }) = check(row, table) {
                    let key = row.text("id").unwrap_or_default();
                    found.push(Unreadable { key, told: DamagedRow { table, id, column } });
                }
            }
            None => found.push(undecodable(connection, table, &select, at).await?),
        }
    }
    Ok(found)
}

/// The row at this place, which the driver cannot read: the column that is not UTF-8 is looked for.
async fn undecodable(
    connection: &mut Link,
    table: &'static Table,
    select: &(dyn Fn(&str) -> String + Sync),
    at: usize,
) -> Result<Unreadable, StoreError> {
    let mut blamed = damage::UNKNOWN;
    for (column, _) in table.columns {
        let rows = fetch_each(sqlx::query(AssertSqlSafe(select(column))), connection).await?;
        if rows.get(at).is_some_and(Option::is_none) {
            blamed = column;
            break;
        }
    }
    let keys = select(&format!("{} AS id", table.key));
    let keys = fetch_each(sqlx::query(AssertSqlSafe(keys)), connection).await?;
    let key = keys.get(at).and_then(Option::as_ref);
    let key = key.and_then(|row: &AnyRow| Fields::new(table.name, row).text("id").ok());
    let id = key.as_deref().map_or_else(|| damage::UNKNOWN.to_owned(), damage::told);
    let told = DamagedRow { table: table.name, id, column: blamed };
    Ok(Unreadable { key: key.unwrap_or_default(), told })
}

impl Store {
    /// Looks through all tables for rows that cannot be read, or that name rows which are not there.
    /// Takes seconds where there are millions.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn damaged_rows(&self) -> Result<Vec<DamagedRow>, StoreError> {
        let mut tx = self.snapshot().await?;
        let mut all = Vec::new();
        for table in ALL {
            let found = unreadable(&mut tx, table, "1 = 1").await?;
            all.extend(found.into_iter().map(|row| row.told));
        }
        for (table, column, parent) in REFERENCES {
            let dangling = format!(
                "SELECT c.{key} AS id FROM {name} c LEFT JOIN {other} p ON p.{other_key} = c.{column} \
                 WHERE c.{column} IS NOT NULL AND p.{other_key} IS NULL ORDER BY c.{key}",
                key = table.key,
                name = table.name,
                other = parent.name,
                other_key = parent.key,
            );
            for row in fetch_each(sqlx::query(AssertSqlSafe(dangling)), &mut tx).await? {
                let key = row.and_then(|row| Fields::new(table.name, &row).text("id").ok());
                let id = key.as_deref().map_or_else(|| damage::UNKNOWN.to_owned(), damage::told);
                all.push(DamagedRow { table: table.name, id, column });
            }
        }
        tx.rollback().await?;
        all.sort();
        all.dedup_by(|one, other| one.table == other.table && one.id == other.id);
        for row in &all {
            self.damage.note(row.clone());
        }
        Ok(all)
    }
}
