//! What became of an SMS: what the gateway said at once, and what its reports say later.

use exchange::model::{SmsId, SmsStatus};
use jiff::Timestamp;

use crate::{
    Store, StoreError,
    connections::Link,
    row::{Fields, clean, ms, name},
};

/// What a try came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsOutcome {
    /// The row.
    pub id: SmsId,
    /// Of its lease. When the row has been leased anew meanwhile, only that it was sent counts.
    pub leased_until: Timestamp,
    /// What became of it.
    pub fate: SmsFate,
}

/// What may become of a leased SMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmsFate {
    /// The gateway took it.
    Sent {
        /// When.
        at: Timestamp,
        /// What the provider calls it.
        provider_id: Option<String>,
    },
    /// The gateway did not take it.
    Retry {
        /// When to try again.
        not_before: Timestamp,
        /// Why.
        error: String,
        /// Whether the try counts.
        counted: bool,
    },
    /// The gateway may have taken it: it stays `sending`.
    Unknown {
        /// When to try again, under the same id.
        not_before: Timestamp,
        /// Why.
        error: String,
    },
    /// It is given up.
    Failed {
        /// Why.
        error: String,
        /// Whether this last try may have been taken.
        unknown: bool,
    },
}

/// What could not be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unstored {
    /// What a try came to.
    pub outcome: SmsOutcome,
    /// Why not.
    pub error: StoreError,
}

/// What a delivery report says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery<'a> {
    /// The phone has it.
    Delivered,
    /// It never will.
    Failed(&'a str),
}

impl Store {
    /// Stores what tries came to, in one transaction: each by itself would wait for the disk. If
    /// that fails each is stored by itself, so that one bad row does not hold the others up.
    /// Returns those that could not be stored.
    pub async fn sms_outcomes(&self, outcomes: &[SmsOutcome]) -> Vec<Unstored> {
        let failed = |outcome: &SmsOutcome, error| Unstored { outcome: outcome.clone(), error };
        match self.write_outcomes(outcomes).await {
            Ok(()) => return Vec::new(),
            // No row is to blame, and asking for each would take its time.
            Err(
                error @ (StoreError::Locked
                | StoreError::NoAnswer
                | StoreError::ReadOnly
                | StoreError::Full
                | StoreError::Disk(_)
                | StoreError::Unreachable(_)
                | StoreError::Denied(_)),
            ) => {
                return outcomes.iter().map(|outcome| failed(outcome, error.clone())).collect();
            }
            Err(error) => {
                if let [outcome] = outcomes {
                    return vec![failed(outcome, error)];
                }
            }
        }
        let mut unstored = Vec::new();
        for outcome in outcomes {
            if let Err(error) = self.write_outcomes(std::slice::from_ref(outcome)).await {
                unstored.push(failed(outcome, error));
            }
        }
        unstored
    }

    async fn write_outcomes(&self, outcomes: &[SmsOutcome]) -> Result<(), StoreError> {
        if outcomes.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        for outcome in outcomes {
            write(&mut tx, outcome).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Takes a delivery report in; tells the SMS, unless it is of none, or of one whose last try
    /// is still under way and which the report says was not delivered: that report is for later.
    /// `provider_id` is what the provider calls the SMS, or its own id.
    ///
    /// Reports may come twice and in any order: that the phone has it stands against anything.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sms_reported(
        &self,
        provider_id: &str,
        delivery: Delivery<'_>,
        now: Timestamp,
    ) -> Result<Option<SmsId>, StoreError> {
        let found = sqlx::query(
            "SELECT id, status FROM sms WHERE provider_id = $1 OR id = $1 \
             ORDER BY created_at DESC, id DESC LIMIT 1",
        )
        .bind(name(provider_id))
        .fetch_optional(&self.read)
        .await
        .map_err(StoreError::from);
        let found = self.damage.noted(found)?.flatten().map(|row| {
            let row = Fields::new("sms", &row);
            Ok((SmsId(row.id("id")?), row.word::<SmsStatus>("status")?))
        });
        let Some((id, status)) = self.damage.noted(found.transpose())?.flatten() else {
            return Ok(None);
        };
        let update = match delivery {
            Delivery::Delivered => sqlx::query(
                "UPDATE sms SET status = 'delivered', leased_until = NULL, error = NULL, \
                 fate_unknown = 0, delivered_at = $2, sent_at = COALESCE(sent_at, $2) \
                 WHERE id = $1 AND status <> 'delivered'",
            )
            .bind(id.to_string())
            .bind(ms(now)),
            Delivery::Failed(reason) => sqlx::query(
                "UPDATE sms SET status = 'failed', error = $2 WHERE id = $1 AND status = 'sent'",
            )
            .bind(id.to_string())
            .bind(clean(reason)),
        };
        let done = update.execute(&self.write).await?;
        let waits = delivery != Delivery::Delivered
            && status == SmsStatus::Sending
            && done.rows_affected() == 0;
        Ok((!waits).then_some(id))
    }
}

/// A report may have come before the answer it belongs to. A row that another worker has leased
/// meanwhile is that worker's; that it was sent is true whoever holds it.
async fn write(tx: &mut Link, outcome: &SmsOutcome) -> Result<(), StoreError> {
    let id = outcome.id.to_string();
    let lease = ms(outcome.leased_until);
    match &outcome.fate {
        SmsFate::Sent { at, provider_id } => sqlx::query(
            "UPDATE sms SET status = CASE WHEN status = 'delivered' THEN status ELSE 'sent' END, \
             leased_until = NULL, sent_at = $2, error = NULL, fate_unknown = 0, \
             provider_id = COALESCE($3, provider_id) WHERE id = $1",
        )
        .bind(id)
        .bind(ms(*at))
        .bind(provider_id.as_deref().map(name)),
        SmsFate::Retry { not_before, error, counted } => sqlx::query(
            "UPDATE sms SET status = 'queued', leased_until = NULL, not_before = $3, error = $4, \
             attempts = attempts - $5 WHERE id = $1 AND status = 'sending' AND leased_until = $2",
        )
        .bind(id)
        .bind(lease)
        .bind(ms(*not_before))
        .bind(clean(error))
        .bind(i64::from(!counted)),
        SmsFate::Unknown { not_before, error } => sqlx::query(
            "UPDATE sms SET fate_unknown = 1, unknown_tries = CASE WHEN unknown_tries BETWEEN 0 AND 999999 \
             THEN unknown_tries + 1 ELSE 1 END, \
             leased_until = $3, not_before = $3, error = $4 \
             WHERE id = $1 AND status = 'sending' AND leased_until = $2",
        )
        .bind(id)
        .bind(lease)
        .bind(ms(*not_before))
        .bind(clean(error)),
        SmsFate::Failed { error, unknown } => sqlx::query(
            "UPDATE sms SET status = 'failed', leased_until = NULL, error = $3, \
             fate_unknown = CASE WHEN $4 <> 0 OR fate_unknown <> 0 THEN 1 ELSE 0 END \
             WHERE id = $1 AND status = 'sending' AND leased_until = $2",
        )
        .bind(id)
        .bind(lease)
        .bind(clean(error))
        .bind(i64::from(*unknown)),
    }
    .execute(tx)
    .await?;
    Ok(())
}
