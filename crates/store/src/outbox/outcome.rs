//! What the gateway said at once of an SMS.

use exchange::model::SmsId;
use jiff::Timestamp;

use crate::{
    Store, StoreError,
    connections::Link,
    row::{clean, ms, name},
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
        /// What the provider calls it, or its last part.
        provider_id: Option<String>,
        /// What it calls the parts before, if it went in several.
        earlier_parts: Vec<Option<String>>,
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
}

/// A report may have come before the answer it belongs to. A row that another worker has leased
/// meanwhile is that worker's; that it was sent is true whoever holds it.
async fn write(tx: &mut Link, outcome: &SmsOutcome) -> Result<(), StoreError> {
    let id = outcome.id.to_string();
    let lease = ms(outcome.leased_until);
    match &outcome.fate {
        SmsFate::Sent { at, provider_id, .. } => sqlx::query(
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
    .execute(&mut *tx)
    .await?;
    let SmsFate::Sent { earlier_parts, .. } = &outcome.fate else { return Ok(()) };
    for (part, provider_id) in (1_i64..).zip(earlier_parts) {
        let Some(provider_id) = provider_id.as_deref().map(name) else { continue };
        // Sent again, it has other names.
        sqlx::query(
            "INSERT INTO sms_parts (sms_id, part, provider_id) VALUES ($1, $2, $3) \
             ON CONFLICT (sms_id, part) DO UPDATE SET provider_id = excluded.provider_id, \
             delivered = 0, failed = 0",
        )
        .bind(outcome.id.to_string())
        .bind(part)
        .bind(provider_id)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
