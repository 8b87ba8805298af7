//! How many dealers ring one shopper at the same time.
//!
//! A phone shows two calls, perhaps. More of them at once are robo-calls, or one call that goes round: a
//! shopper's phone that is forwarded to their own fictitious number brings each call back as another
//! dealer's, and not every network says that it was forwarded.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use exchange::model::ShopperId;

/// So many callers hear ringing; to the next ones the shopper is busy.
const AT_MOST: usize = 4;

/// The phones that ring now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ringing(Arc<Mutex<HashMap<ShopperId, usize>>>);

/// A shopper's phone rings, until this is dropped.
#[derive(Debug)]
pub(crate) struct Rings {
    ringing: Ringing,
    shopper: ShopperId,
}

impl Ringing {
    /// `None`: it rings for as many as it may.
    pub(crate) fn begin(&self, shopper: ShopperId) -> Option<Rings> {
        let mut phones = self.phones();
        let count = phones.entry(shopper).or_default();
        if *count >= AT_MOST {
            return None;
        }
        *count += 1;
        Some(Rings { ringing: self.clone(), shopper })
    }

    fn phones(&self) -> MutexGuard<'_, HashMap<ShopperId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Rings {
    fn drop(&mut self) {
        let mut phones = self.ringing.phones();
        if let Some(count) = phones.get_mut(&self.shopper) {
            *count -= 1;
            if *count == 0 {
                phones.remove(&self.shopper);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn so_many_ring_and_one_more_once_one_has_ended() {
        let ringing = Ringing::default();
        let (one, other) = (ShopperId(Uuid::from_u128(1)), ShopperId(Uuid::from_u128(2)));
        let mut rings: Vec<_> =
            (0..AT_MOST).map(|_| ringing.begin(one).expect("it is free")).collect();
        assert!(ringing.begin(one).is_none());
        drop(ringing.begin(other).expect("it is another phone"));
        rings.pop();
        rings.extend(ringing.begin(one));
        assert_eq!(rings.len(), AT_MOST);
        rings.clear();
        assert!(ringing.phones().is_empty(), "nobody is remembered");
    }
}
