//! What must not be lost is kept until the database takes it.

use std::{
    collections::BTreeMap,
    future::Future,
    iter,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use store::StoreError;
use tracing::{debug, error, info, warn};

use crate::clock;

/// Pauses after the first tries; a lock is often gone again by then.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];
/// The same from then on, for as long as it takes. A thousand ends of calls that wait hardly weigh
/// on a database that has just come back.
const PAUSE: Duration = Duration::from_secs(3);
/// So often a row is tried that contradicts others, which may change; nothing else will.
const CONTRADICTIONS: u32 = 3;

/// What is kept at the moment.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// The number of the last one.
    last: u64,
    all: BTreeMap<u64, Item>,
}

#[derive(Debug)]
struct Item {
    what: &'static str,
    since: Instant,
    error: StoreError,
}

/// Counts as kept until it is dropped.
struct Held<'a> {
    kept: &'a Kept,
    number: u64,
}

impl Held<'_> {
    /// The latest reason.
    fn turn(&self, error: &StoreError) {
        if let Some(item) = self.kept.waiting().all.get_mut(&self.number) {
            item.error = error.clone();
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.kept.waiting().all.remove(&self.number);
    }
}

impl Kept {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self, what: &'static str, error: StoreError) -> Held<'_> {
        let mut waiting = self.waiting();
        waiting.last += 1;
        let number = waiting.last;
        waiting.all.insert(number, Item { what, since: clock::instant(), error });
        Held { kept: self, number }
    }

    /// How much is kept, and how long the oldest of it has been.
    pub(crate) fn figures(&self) -> (usize, Duration) {
        let waiting = self.waiting();
        let oldest = waiting.all.values().next();
        let age = oldest.map(|item| clock::instant().saturating_duration_since(item.since));
        (waiting.all.len(), age.unwrap_or_default())
    }

    /// What is wrong when something has been kept for so long.
    pub(crate) fn problem(&self, long: Duration) -> Option<String> {
        let waiting = self.waiting();
        let Item { what, since, error } = waiting.all.values().next()?;
        let age = clock::instant().saturating_duration_since(*since);
        let (count, seconds) = (waiting.all.len(), age.as_secs());
        (age >= long).then(|| {
            format!(
                "cannot be stored ({count} wait, for {seconds} s; the oldest is {what}): {error}"
            )
        })
    }
}

/// Tries to store something until the database takes it, however long it is full, locked or gone.
///
/// # Errors
/// Only what no waiting helps against: the row itself cannot be stored.
pub(crate) async fn until_stored<T, F>(
    kept: &Kept,
    what: &'static str,
    mut attempt: impl FnMut() -> F,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut contradictions = 0;
    let mut held: Option<Held<'_>> = None;
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
        match &held {
            Some(held) => held.turn(&error),
            None => held = Some(kept.hold(what, error.clone())),
        }
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
        let kept = Kept::default();
        let began = tokio::time::Instant::now();
        let hours = Duration::from_hours(30);
        let stored = until_stored(&kept, "it", || async {
            if began.elapsed() < hours { Err(StoreError::Full) } else { Ok(1) }
        });
        assert_eq!(stored.await, Ok(1));
        assert!(began.elapsed() < hours + PAUSE + PAUSE, "soon after");
    }

    #[tokio::test(start_paused = true)]
    async fn what_no_waiting_helps_against_is_given_up() {
        let kept = Kept::default();
        let mut tries = 0;
        let refused = until_stored(&kept, "it", || {
            tries += 1;
            async { Err::<(), _>(StoreError::NotFound("shopper")) }
        });
        assert_eq!(refused.await, Err(StoreError::NotFound("shopper")));
        assert_eq!(tries, CONTRADICTIONS);
        assert_eq!(kept.figures().0, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_for_long_is_told_until_it_is_stored() {
        let kept = Kept::default();
        let began = tokio::time::Instant::now();
        let long = Duration::from_secs(15);
        let storing = until_stored(&kept, "a call's end", || async {
            if began.elapsed() < Duration::from_secs(40) { Err(StoreError::Full) } else { Ok(()) }
        });
        let looking = async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            assert_eq!((kept.figures().0, kept.problem(long)), (1, None));
            tokio::time::sleep(Duration::from_secs(10)).await;
            let told = kept.problem(long).unwrap();
            assert!(told.contains("1 wait, for 20 s") && told.contains("full"), "{told}");
        };
        tokio::join!(storing, looking).0.unwrap();
        assert_eq!((kept.figures(), kept.problem(long)), ((0, Duration::ZERO), None));
    }
}
