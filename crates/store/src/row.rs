//! Reading rows. Whatever a program of ours would not have written is an error that names the
//! table and the row, never a panic.

use std::str::FromStr;

use exchange::{
    model::{PairingNumber, SmsStatus},
    number::PhoneNumber,
    pin::Pin,
    recording::RecordingPath,
    ticket::TicketNumber,
};
use jiff::Timestamp;
use sqlx::{Any, Decode, Row as _, Type, any::AnyRow};
use uuid::Uuid;

use crate::StoreError;

/// A row of `table`, whose key is selected as `id`.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'r> {
    row: &'r AnyRow,
    table: &'static str,
}

impl<'r> Fields<'r> {
    pub(crate) fn new(table: &'static str, row: &'r AnyRow) -> Self {
        Self { row, table }
    }

    pub(crate) fn damaged(self, column: &'static str) -> StoreError {
        let id = self.row.try_get::<String, _>("id").unwrap_or_else(|_| "unknown".to_owned());
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
        Ok(self.int(column)? != 0)
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

    pub(crate) fn id(self, column: &'static str) -> Result<Uuid, StoreError> {
        self.word(column)
    }

    pub(crate) fn id_opt(self, column: &'static str) -> Result<Option<Uuid>, StoreError> {
        self.word_opt(column)
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

/// A time as the columns hold it.
pub(crate) fn ms(time: Timestamp) -> i64 {
    time.as_millisecond()
}

/// An optional time as the columns hold it.
pub(crate) fn ms_opt(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_millisecond)
}
