//! What a list is narrowed to.

use exchange::number::PhoneNumber;
use jiff::Timestamp;
use sqlx::{Any, any::AnyArguments, query::Query};

use crate::row::{clean_opt, ms};

/// Narrows a list; the default takes everything.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of the shopper with this phone.
    pub shopper: Option<PhoneNumber>,
    /// Only of this project.
    pub project: Option<String>,
    /// Not before this.
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
    /// At most so many, the newest.
    pub limit: Option<u32>,
}

impl Filter {
    /// Binds `$1` shopper, `$2` project (both may be NULL: any), `$3` since, `$4` until, `$5`
    /// limit.
    pub(crate) fn bind<'q>(
        &self,
        query: Query<'q, Any, AnyArguments>,
    ) -> Query<'q, Any, AnyArguments> {
        query
            .bind(self.shopper.as_ref().map(|phone| phone.as_str().to_owned()))
            .bind(clean_opt(self.project.as_deref()))
            .bind(self.since.map_or(i64::MIN, ms))
            .bind(self.until.map_or(i64::MAX, ms))
            .bind(self.limit.map_or(i64::MAX, i64::from))
    }
}
