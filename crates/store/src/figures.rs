//! Figures of what waits.

use jiff::Timestamp;

use crate::{
    Store, StoreError,
    row::{Fields, ms},
};

/// What waits in the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// SMS that should have gone out by now and have not.
    pub sms_due: u64,
    /// Since when the oldest of them should have.
    pub sms_oldest_due: Option<Timestamp>,
    /// The same of those that were tried at least once: a shopper's limit holds up none of them.
    pub sms_oldest_tried: Option<Timestamp>,
    /// Missed calls that wait for their shopper.
    pub tickets_open: u64,
}

impl Store {
    /// Counts what waits at `now`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn figures(&self, now: Timestamp) -> Result<Figures, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS due, MIN(due_at) AS oldest, \
             MIN(CASE WHEN attempts > 0 THEN due_at END) AS oldest_tried, \
             (SELECT COUNT(*) FROM tickets WHERE status = 'open') AS tickets \
             FROM sms WHERE status IN ('queued', 'sending') AND due_at <= $1",
        )
        .bind(ms(now))
        .fetch_one(&self.read)
        .await?;
        let fields = Fields::new("sms", &row);
        let count = |name| Ok::<_, StoreError>(u64::try_from(fields.int(name)?).unwrap_or(0));
        Ok(Figures {
            sms_due: count("due")?,
            sms_oldest_due: self.damage.noted(fields.time_opt("oldest"))?.flatten(),
            sms_oldest_tried: self.damage.noted(fields.time_opt("oldest_tried"))?.flatten(),
            tickets_open: count("tickets")?,
        })
    }
}
