//! Seats for connections: a bounded number, and who sits there without a reason makes room.
//!
//! A connection *waits* until it has said what it wants. When all seats are taken, the one that
//! has waited longest is asked to leave for a newcomer. So nobody keeps others out by opening
//! connections and saying nothing, and nothing is decided by addresses: behind a reverse proxy
//! all have the same one.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::clock;

/// Who has only just come is not asked to leave: its first bytes may be under way.
const GRACE: Duration = Duration::from_millis(250);

#[derive(Debug, Clone)]
pub(crate) struct Seats {
    count: usize,
    taken: Arc<Mutex<Vec<Arc<Guest>>>>,
}

#[derive(Debug)]
struct Guest {
    /// `None` while it is attended to.
    waits_since: Mutex<Option<Instant>>,
    leave: CancellationToken,
}

/// A connection's seat, until dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    guest: Arc<Guest>,
}

/// A guest is attended to, and keeps its seat, until this is dropped.
#[derive(Debug)]
pub(crate) struct Attention(Arc<Guest>);

impl Seats {
    pub(crate) fn new(count: usize) -> Self {
        Self { count, taken: Arc::default() }
    }

    /// A seat; `None` when all are taken by guests who are attended to or have only just come.
    pub(crate) fn take(&self) -> Option<Seat> {
        let mut taken = lock(&self.taken);
        if taken.len() >= self.count {
            let now = clock::instant();
            let waiting = taken.iter().enumerate();
            let waiting =
                waiting.filter_map(|(at, guest)| Some((at, (*lock(&guest.waits_since))?)));
            let (at, since) = waiting.min_by_key(|(_, since)| *since)?;
            if now.saturating_duration_since(since) < GRACE {
                return None;
            }
            taken.swap_remove(at).leave.cancel();
        }
        let guest = Arc::new(Guest {
            waits_since: Mutex::new(Some(clock::instant())),
            leave: CancellationToken::new(),
        });
        taken.push(Arc::clone(&guest));
        Some(Seat { seats: self.clone(), guest })
    }
}

impl Seat {
    /// Resolves when the guest must leave at once.
    pub(crate) async fn asked_to_leave(&self) {
        self.guest.leave.cancelled().await;
    }

    pub(crate) fn attend(&self) -> Attention {
        *lock(&self.guest.waits_since) = None;
        Attention(Arc::clone(&self.guest))
    }

    pub(crate) fn waits(&self) -> bool {
        lock(&self.guest.waits_since).is_some()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.seats.taken).retain(|guest| !Arc::ptr_eq(guest, &self.guest));
    }
}

impl Drop for Attention {
    fn drop(&mut self) {
        *lock(&self.0.waits_since) = Some(clock::instant());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(seat: &Seat) -> bool {
        seat.guest.leave.is_cancelled()
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_waited_longest_makes_room_and_who_is_attended_to_never_does() {
        let seats = Seats::new(3);
        let [busy, first, second] = [(); 3].map(|()| seats.take().unwrap());
        let attention = busy.attend();
        assert!(seats.take().is_none(), "all have only just come");
        tokio::time::advance(GRACE).await;
        let third = seats.take().unwrap();
        assert!(asked(&first) && !asked(&second) && !asked(&busy));
        let fourth = seats.take().unwrap();
        tokio::time::advance(GRACE / 2).await;
        assert!(asked(&second) && !asked(&third) && !asked(&busy));
        drop((first, second));
        assert!(seats.take().is_none(), "those who were asked to leave have none to give back");
        drop(attention);
        tokio::time::advance(GRACE).await;
        let (fifth, sixth) = (seats.take().unwrap(), seats.take().unwrap());
        assert!(asked(&third) && asked(&fourth) && !asked(&busy), "it was attended to until now");
        drop((busy, fifth, sixth));
        assert_eq!(lock(&seats.taken).len(), 0);
    }
}
