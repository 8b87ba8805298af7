//! What must not be lost is kept until the database takes it.

use std::{future::Future, iter, time::Duration};

use store::StoreError;
use tracing::{debug, error, info, warn};

/// Pauses after the first tries; a lock is often gone again by then.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];
/// The same from then on, for as long as it takes. A thousand ends of calls that wait hardly weigh
/// on a database that has just come back.
const PAUSE: Duration = Duration::from_secs(3);
/// So often a row is tried that contradicts others, which may change; nothing else will.
const CONTRADICTIONS: u32 = 3;

/// Tries to store something until the database takes it, however long it is full, locked or gone.
///
/// # Errors
/// Only what no waiting helps against: the row itself cannot be stored.
pub(crate) async fn until_stored<T, F>(
    what: &'static str,
    mut attempt: impl FnMut() -> F,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut contradictions = 0;
    for (tries, pause) in (1_u32..).zip(PAUSES.into_iter().chain(iter::repeat(PAUSE))) {
        let error = match attempt().await {
            Ok(stored) => {
                if tries > 1 {
                    info!(tries, "{what} is stored now");
                }
                return Ok(stored);
            }
            Err(error) => error,
        };
        if !error.passes() {
            contradictions += 1;
            if contradictions == CONTRADICTIONS {
                return Err(error);
            }
            warn!(%error, "{what} cannot be stored; trying again");
        } else if tries == 1 {
            error!(%error, "{what} cannot be stored; it is kept until it can");
        } else {
            debug!(%error, tries, "{what} cannot be stored yet");
        }
        tokio::time::sleep(pause).await;
    }
    // Four billion tries are over.
    Err(StoreError::NoAnswer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_database_s_trouble_is_waited_out_however_long() {
        let began = tokio::time::Instant::now();
        let hours = Duration::from_hours(30);
        let stored = until_stored("it", || async {
            if began.elapsed() < hours { Err(StoreError::Full) } else { Ok(1) }
        });
        assert_eq!(stored.await, Ok(1));
        assert!(began.elapsed() < hours + PAUSE + PAUSE, "soon after");
    }

    #[tokio::test(start_paused = true)]
    async fn what_no_waiting_helps_against_is_given_up() {
        let mut tries = 0;
        let refused = until_stored("it", || {
            tries += 1;
            async { Err::<(), _>(StoreError::NotFound("shopper")) }
        });
        assert_eq!(refused.await, Err(StoreError::NotFound("shopper")));
        assert_eq!(tries, CONTRADICTIONS);
    }
}
