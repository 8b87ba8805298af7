//! Keys from before a question that must not answer it.
//!
//! FreeSWITCH keeps keys in three places: those that no application has taken, those of packets it has
//! read (up to a hundred, of which each further packet brings one), and packets it has not read yet.
//! Only the first can be emptied by a command. So all keys are swallowed for a moment, and for
//! another one as long as some came: where keys wait, each moment brings one at the least.

use std::time::{Duration, Instant};

use esl::{CommandError, Event, Execute};
use exchange::call::{Gather, Reply};
use uuid::Uuid;

use super::{Driver, verbs::Pending};
use crate::clock;

/// FreeSWITCH reads all packets that wait with its first. Who goes on keying without a pause has heard
/// nothing yet; of what they key nothing counts, rather than its end alone.
const MOMENT: Duration = Duration::from_millis(400);
/// A hundred keys, one in each of the longest packets.
const LONGEST: Duration = Duration::from_secs(12);
/// Set when a key was swallowed (`Execute::swallow_keys`).
const SWALLOWED: &str = "last_matching_digits";

impl Driver {
    /// Asks when no key from before is left.
    pub(super) fn forget_keys(&mut self, gather: Gather, reply: Reply) -> Result<(), CommandError> {
        // After a call that failed they are being swallowed already (dialplan.xml).
        self.execute(Execute::swallow_keys(Uuid::new_v4()));
        self.execute(Execute::flush_dtmf(Uuid::new_v4()));
        self.wait_for_keys(clock::instant() + LONGEST, gather, reply)
    }

    fn wait_for_keys(
        &mut self,
        until: Instant,
        gather: Gather,
        reply: Reply,
    ) -> Result<(), CommandError> {
        self.set(&[(SWALLOWED, "")])?;
        let uuid = self.execute(Execute::sleep(MOMENT, Uuid::new_v4()));
        self.pending = Some(Pending::Forget { uuid, until, gather, reply });
        Ok(())
    }

    /// The moment is over.
    pub(super) fn forgotten(
        &mut self,
        event: &Event,
        until: Instant,
        gather: Gather,
        reply: Reply,
    ) -> Result<(), CommandError> {
        let came = event.variable(SWALLOWED).is_some_and(|key| !key.is_empty());
        if came && clock::instant() < until {
            return self.wait_for_keys(until, gather, reply);
        }
        self.execute(Execute::swallow_no_keys(Uuid::new_v4()));
        self.gather(&gather, reply)
    }
}
