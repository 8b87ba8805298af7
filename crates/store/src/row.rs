//! Reading rows. Whatever a program of ours would not have written is an error that names the
//! table and the row, never a panic; and what is written is what can be read.

use std::{str::FromStr, time::Duration};

use exchange::{
    model::{PairingNumber, SmsStatus},
    number::PhoneNumber,
    pin::Pin,
    recording::RecordingPath,
    ticket::TicketNumber,
};
use futures::StreamExt as _;
use jiff::Timestamp;
use sqlx::{
    Any, Decode, Row as _, Type,
    any::{AnyArguments, AnyRow},
    query::Query,
};
use uuid::Uuid;

use crate::{
    StoreError,
    connections::Link,
    damage::{self, Damage, DamagedRow},
};

/// The longest name of a provider's that is kept; PostgreSQL's indices take no more than some
/// thousand octets.
const NAME_CHARS: usize = 255;

/// Every row in its order, `None` for one that the driver cannot read: SQLite may hold text that is
/// not UTF-8.
pub(crate) async fn fetch_each(
    query: Query<'_, Any, AnyArguments>,
    connection: &mut Link,
) -> Result<Vec<Option<AnyRow>>, StoreError> {
    let mut rows = Vec::new();
    let mut stream = query.fetch(connection);
    while let Some(row) = stream.next().await {
        match row {
            Ok(row) => rows.push(Some(row)),
            Err(error) if is_of_the_row(&error) => rows.push(None),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(rows)
}

/// The rows of `table` that the driver can read; the others are noted and left out.
pub(crate) async fn fetch(
    query: Query<'_, Any, AnyArguments>,
    connection: &mut Link,
    (damage, table): (&Damage, &'static str),
) -> Result<Vec<AnyRow>, StoreError> {
    let rows = fetch_each(query, connection).await?;
    if rows.iter().any(Option::is_none) {
        damage.note(DamagedRow { table, id: damage::UNKNOWN.to_owned(), column: damage::UNKNOWN });
    }
    Ok(rows.into_iter().flatten().collect())
}

/// Whether what the driver says is about one row: the next can be read.
pub(crate) fn is_of_the_row(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. })
}

/// A text as both engines keep it: PostgreSQL takes no U+0000.
pub(crate) fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

pub(crate) fn clean_opt(text: Option<&str>) -> Option<String> {
    text.map(clean)
}

/// A name that is looked for by an index, as it is kept and as it is looked for.
pub(crate) fn name(text: &str) -> String {
    clean(text).chars().take(NAME_CHARS).collect()
}

/// A row of `table`, whose key is selected as `id`.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'r> {
    row: &'r AnyRow,
    table: &'static str,
    key: &'static str,
}

impl<'r> Fields<'r> {
    pub(crate) fn new(table: &'static str, row: &'r AnyRow) -> Self {
        Self { row, table, key: "id" }
    }

    /// What the same row holds of another table, whose key is selected as `key`.
    pub(crate) fn joined(self, table: &'static str, key: &'static str) -> Self {
        Self { table, key, ..self }
    }

    pub(crate) fn damaged(self, column: &'static str) -> StoreError {
        let id = self.row.try_get::<Option<String>, _>(self.key).ok().flatten();
        let id = id.map_or_else(|| damage::UNKNOWN.to_owned(), |id| damage::told(&id));
        StoreError::Damaged { table: self.table, id, column }
    }

    fn get<T: Decode<'r, Any> + Type<Any>>(self, column: &'static str) -> Result<T, StoreError> {
        self.row.try_get(column).map_err(|_| self.damaged(column))
    }

    pub(crate) fn text(self, column: &'static str) -> Result<String, StoreError> {
        self.get(column)
    }

    pub(crate) fn text_opt(self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.get(column)
    }

    pub(crate) fn int(self, column: &'static str) -> Result<i64, StoreError> {
        self.get(column)
    }

    pub(crate) fn int_opt(self, column: &'static str) -> Result<Option<i64>, StoreError> {
        self.get(column)
    }

    /// A count, a length or another number that is never negative.
    pub(crate) fn number<T: TryFrom<i64>>(self, column: &'static str) -> Result<T, StoreError> {
        T::try_from(self.int(column)?).map_err(|_| self.damaged(column))
    }

    pub(crate) fn flag(self, column: &'static str) -> Result<bool, StoreError> {
        match self.int(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.damaged(column)),
        }
    }

    /// A length, in milliseconds.
    pub(crate) fn span(self, column: &'static str) -> Result<Duration, StoreError> {
        self.number(column).map(Duration::from_millis)
    }

    pub(crate) fn time(self, column: &'static str) -> Result<Timestamp, StoreError> {
        Timestamp::from_millisecond(self.int(column)?).map_err(|_| self.damaged(column))
    }

    pub(crate) fn time_opt(self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        self.int_opt(column)?
            .map(|ms| Timestamp::from_millisecond(ms).map_err(|_| self.damaged(column)))
            .transpose()
    }

    /// Whatever is written as text: an id, a word.
    pub(crate) fn word<T: FromStr>(self, column: &'static str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|_| self.damaged(column))
    }

    pub(crate) fn word_opt<T: FromStr>(
        self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        self.text_opt(column)?
            .map(|text| text.parse().map_err(|_| self.damaged(column)))
            .transpose()
    }

    /// In the one form that we write: another one would be found by nobody.
    pub(crate) fn id(self, column: &'static str) -> Result<Uuid, StoreError> {
        self.id_opt(column)?.ok_or_else(|| self.damaged(column))
    }

    pub(crate) fn id_opt(self, column: &'static str) -> Result<Option<Uuid>, StoreError> {
        let Some(text) = self.text_opt(column)? else { return Ok(None) };
        let id: Uuid = text.parse().map_err(|_| self.damaged(column))?;
        if id.to_string() == text { Ok(Some(id)) } else { Err(self.damaged(column)) }
    }

    pub(crate) fn phone(self, column: &'static str) -> Result<PhoneNumber, StoreError> {
        PhoneNumber::from_e164(&self.text(column)?).map_err(|_| self.damaged(column))
    }

    pub(crate) fn phone_opt(self, column: &'static str) -> Result<Option<PhoneNumber>, StoreError> {
        self.text_opt(column)?
            .map(|text| PhoneNumber::from_e164(&text).map_err(|_| self.damaged(column)))
            .transpose()
    }

    pub(crate) fn recording(self, column: &'static str) -> Result<RecordingPath, StoreError> {
        self.text(column).map(RecordingPath::new)
    }

    pub(crate) fn pairing_number(self, column: &'static str) -> Result<PairingNumber, StoreError> {
        PairingNumber::new(self.number(column)?).ok_or_else(|| self.damaged(column))
    }

    pub(crate) fn pairing_number_opt(
        self,
        column: &'static str,
    ) -> Result<Option<PairingNumber>, StoreError> {
        match self.int_opt(column)? {
            None => Ok(None),
            Some(_) => self.pairing_number(column).map(Some),
        }
    }

    pub(crate) fn ticket_number(self, column: &'static str) -> Result<TicketNumber, StoreError> {
        TicketNumber::new(self.number(column)?).ok_or_else(|| self.damaged(column))
    }

    pub(crate) fn ticket_number_opt(
        self,
        column: &'static str,
    ) -> Result<Option<TicketNumber>, StoreError> {
        match self.int_opt(column)? {
            None => Ok(None),
            Some(_) => self.ticket_number(column).map(Some),
        }
    }

    pub(crate) fn pin_opt(self, column: &'static str) -> Result<Option<Pin>, StoreError> {
        self.text_opt(column)?
            .map(|text| Pin::from_phc(&text).map_err(|_| self.damaged(column)))
            .transpose()
    }

    pub(crate) fn sms_status_opt(
        self,
        column: &'static str,
    ) -> Result<Option<SmsStatus>, StoreError> {
        self.word_opt(column)
    }
}

/// The last millisecond that can be read again: `Timestamp::MAX` is some later, within its second.
const LAST_MS: i64 = 253_402_207_200_000;

/// A time as the columns hold it.
pub(crate) fn ms(time: Timestamp) -> i64 {
    time.as_millisecond().min(LAST_MS)
}

/// An optional time as the columns hold it.
pub(crate) fn ms_opt(time: Option<Timestamp>) -> Option<i64> {
    time.map(ms)
}
