//! Takes due messages from the outbox to the gateway, and closes tickets whose time is over.
//!
//! A message is leased before it is handed over (`sms.lease`), so that no two exchanges take the
//! same one; of a shopper's messages only the first that waits is taken, so that they keep their
//! order. `sms.in_flight` tries are under way at once. What comes of a try:
//!
//! | the gateway | the message |
//! | --- | --- |
//! | took it | is sent |
//! | did not, for now | is tried again after 10 s, 30 s, 1.5 min, 4.5 min and then every 10 min, each shortened by up to a quarter by chance, 50 times in all |
//! | wants fewer | the same after the pause it asks for, else 1 s to 1 min; all others wait too, and half as many go at once; the try does not count |
//! | will never take it | has failed |
//! | did not answer | is *unknown*: it stays `sending`, and is sent again under the same id when lease and pause are over; after the third such try it has failed, perhaps sent |
//!
//! Whatever has not been sent when it expires (`sms.expiry`) has failed too. What a killed exchange
//! had leased is taken again when the lease is over; the gateway knows a repeated message by its id.

mod pace;

use std::{sync::Arc, time::Duration};

use exchange::{destination, destination::Refusal, model::SmsId};
use jiff::{SignedDuration, Timestamp};
use sms::{Accepted, Gateway, Message, SendError};
use store::{LeasedSms, SmsFate, SmsOutcome};
use tokio::{
    task::{JoinError, JoinSet},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::{app::App, clock, health, settings};
use pace::Pace;

const LOOK_EVERY: Duration = Duration::from_millis(500);
const SWEEP_EVERY: Duration = Duration::from_secs(30);
const MAX_ATTEMPTS: u32 = 50;
/// Tries the gateway left without an answer: where it does not know a message again, each may be
/// one more on the shopper's phone. Those that died with an exchange are not among them.
const MAX_UNKNOWN: u32 = 3;
/// How often what was sent is stored again at the end, should the database be busy just then.
const LAST_STORES: u32 = 8;
const LAST_PAUSE: Duration = Duration::from_millis(500);

/// Works until `stop`; a message that has been leased is still brought to its end.
pub(crate) async fn run(app: Arc<App>, gateway: Arc<dyn Gateway>, stop: CancellationToken) {
    let at_once = usize::try_from(app.settings.sms.in_flight).unwrap_or(usize::MAX);
    let pace = Pace::new(at_once);
    let mut worker = Worker { app, gateway, tries: JoinSet::new(), pace, unstored: Vec::new() };
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => {
                worker.store().await;
                worker.begin_due().await;
            }
            Some(tried) = worker.tries.join_next() => {
                worker.end(tried).await;
                worker.begin_due().await;
            }
            () = stop.cancelled() => break,
        }
    }
    while let Some(tried) = worker.tries.join_next().await {
        worker.end(tried).await;
    }
    worker.store_at_last().await;
}

/// Closes tickets whose time is over, until `stop`.
pub(crate) async fn sweep(app: Arc<App>, stop: CancellationToken) {
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = sweep.tick() => sweep_tickets(&app).await,
            () = stop.cancelled() => return,
        }
    }
}

async fn sweep_tickets(app: &App) {
    let ttl = app.settings.callbacks.ticket_ttl.signed();
    match app.store.sweep(app.clock.now(), ttl).await {
        Ok(swept) => {
            if swept.expired + swept.cancelled > 0 {
                info!(expired = swept.expired, cancelled = swept.cancelled, "tickets closed");
            }
            expired(app, swept.sms_expired);
            app.health.well(health::Worker::Tickets);
        }
        Err(error) => {
            app.health.note(health::Worker::Tickets, Err(error));
        }
    }
}

fn expired(app: &App, count: u64) {
    if count > 0 {
        app.metrics.sms_expired(count);
        error!(count, "SMS could not be sent while they were of use");
    }
}

/// A try that has come to its end.
struct Tried {
    id: SmsId,
    attempts: u32,
    unknown_tries: u32,
    leased_until: Timestamp,
    result: Result<Accepted, SendError>,
}

struct Worker {
    app: Arc<App>,
    gateway: Arc<dyn Gateway>,
    tries: JoinSet<Tried>,
    pace: Pace,
    /// What the store has not taken yet.
    unstored: Vec<SmsOutcome>,
}

impl Worker {
    /// Begins as many tries as there is room for.
    async fn begin_due(&mut self) {
        let room = self.pace.room(self.tries.len(), clock::instant());
        if room == 0 {
            // The gateway's business; each try has its end.
            return self.app.health.well(health::Worker::Outbox);
        }
        let sms = &self.app.settings.sms;
        let (now, lease) = (self.app.clock.now(), sms.lease.signed());
        let limit = u32::try_from(room).unwrap_or(u32::MAX);
        match self.app.store.lease_sms(now, lease, limit, sms.throttle()).await {
            Ok(due) => {
                if self.unstored.is_empty() {
                    self.app.health.well(health::Worker::Outbox);
                }
                expired(&self.app, due.expired);
                for sms in due.sms {
                    // Sent, and not stored for longer than its lease.
                    if self.unstored.iter().any(|outcome| outcome.id == sms.id) {
                        continue;
                    }
                    self.tries.spawn(send(Arc::clone(&self.app), Arc::clone(&self.gateway), sms));
                }
            }
            Err(error) => {
                self.app.health.note(health::Worker::Outbox, Err(error));
            }
        }
    }

    /// Takes what a try came to, with all others that have ended by now: they are stored together.
    async fn end(&mut self, tried: Result<Tried, JoinError>) {
        let mut next = Some(tried);
        while let Some(tried) = next {
            match tried {
                Ok(tried) => {
                    let outcome = self.judge(tried);
                    self.unstored.push(outcome);
                }
                // Its lease runs out.
                Err(error) => error!(%error, "a try to send an SMS broke off"),
            }
            next = self.tries.try_join_next();
        }
        self.store().await;
    }

    async fn store(&mut self) {
        if self.unstored.is_empty() {
            return;
        }
        let unstored = self.app.store.sms_outcomes(&self.unstored).await;
        if let Some(first) = unstored.first() {
            let (error, count) = (&first.error, unstored.len());
            let problem = format!("what became of {count} SMS cannot be stored: {error}");
            self.app.health.note(health::Worker::Outbox, Err(problem));
        }
        // What was not sent is taken up again when its lease is over.
        self.unstored = unstored
            .into_iter()
            .map(|unstored| unstored.outcome)
            .filter(|outcome| matches!(outcome.fate, SmsFate::Sent { .. }))
            .collect();
    }

    /// What was sent and is not known to be would be sent again after the next start.
    async fn store_at_last(&mut self) {
        for _ in 0..LAST_STORES {
            if self.unstored.is_empty() {
                return;
            }
            tokio::time::sleep(LAST_PAUSE).await;
            self.store().await;
        }
    }

    fn judge(&mut self, tried: Tried) -> SmsOutcome {
        let Tried { id, attempts, unknown_tries, leased_until, result } = tried;
        let now = self.app.clock.now();
        let metrics = &self.app.metrics;
        let fate = match result {
            Ok(Accepted { provider_id, earlier_parts, again }) => {
                info!(sms.id = %id, attempts, again, "SMS handed over");
                self.pace.accepted();
                metrics.sms_tried("sent");
                SmsFate::Sent { at: now, provider_id, earlier_parts }
            }
            Err(SendError::Throttled { after, why }) => {
                let instant = clock::instant();
                let begins = !self.pace.pauses(instant);
                let pause = self.pace.throttled(after, instant);
                if begins {
                    let pause_s = pause.as_secs();
                    warn!(
                        pause_s,
                        problem = why,
                        "the SMS gateway wants fewer; none is sent for so long"
                    );
                }
                metrics.sms_tried("retry");
                debug!(sms.id = %id, problem = why, "the SMS gateway wants fewer");
                let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
                SmsFate::Retry { not_before: later(now, pause), error: why, counted: false }
            }
            Err(SendError::Temporary(error)) if attempts < MAX_ATTEMPTS => {
                warn!(sms.id = %id, attempts, problem = error, "SMS not sent; trying again");
                metrics.sms_tried("retry");
                let not_before = later(now, pause(id, attempts));
                SmsFate::Retry { not_before, error, counted: true }
            }
            Err(SendError::Unknown(error))
                if attempts < MAX_ATTEMPTS && unknown_tries + 1 < MAX_UNKNOWN =>
            {
                warn!(sms.id = %id, attempts, problem = error, "SMS perhaps sent; trying again later");
                metrics.sms_tried("unknown");
                let lease = self.app.settings.sms.lease.signed();
                SmsFate::Unknown { not_before: later(now, lease.max(pause(id, attempts))), error }
            }
            Err(SendError::Unknown(error)) => {
                error!(sms.id = %id, attempts, problem = error, "SMS given up, perhaps sent");
                let error = format!("{error}; given up, though it may have been taken");
                metrics.sms_tried("failed");
                SmsFate::Failed { error, unknown: true }
            }
            Err(SendError::Temporary(error) | SendError::Permanent(error)) => {
                error!(sms.id = %id, attempts, problem = error, "SMS given up");
                metrics.sms_tried("failed");
                SmsFate::Failed { error, unknown: false }
            }
        };
        SmsOutcome { id, leased_until, fate }
    }
}

fn later(now: Timestamp, pause: SignedDuration) -> Timestamp {
    now.saturating_add(pause).unwrap_or(Timestamp::MAX)
}

async fn send(app: Arc<App>, gateway: Arc<dyn Gateway>, sms: LeasedSms) -> Tried {
    let LeasedSms { id, to, text, attempts, unknown_tries, leased_until } = sms;
    let tried = |result| Tried { id, attempts, unknown_tries, leased_until, result };
    let sms = &app.settings.sms;
    let country = app.settings.exchange.country.0;
    let allowed = destination::check_recipient(&to, country, sms.premium, sms.foreign);
    if let Err(refusal) = allowed {
        return tried(Err(SendError::Permanent(refused(refusal))));
    }
    let now = app.clock.now();
    let limit = limit(leased_until, now, sms.lease.std());
    if limit.is_zero() {
        return tried(Err(SendError::Temporary(
            "its lease was over before it was sent".to_owned(),
        )));
    }
    let created_at = now.to_string();
    let message = Message { id: id.to_string(), to: to.as_str().to_owned(), text, created_at };
    tried(tokio::time::timeout(limit, gateway.send(&message)).await.unwrap_or_else(|_| {
        Err(SendError::Unknown(format!("no answer within {} s", limit.as_secs())))
    }))
}

/// What is left of the lease but for its last tenth: what outlived it would meet its own second
/// try.
fn limit(leased_until: Timestamp, now: Timestamp, lease: Duration) -> Duration {
    let left = Duration::try_from(leased_until.duration_since(now)).unwrap_or_default();
    left.saturating_sub(lease.saturating_sub(settings::tries_limit(lease)))
}

/// Why the shopper's phone gets no messages, and what to do.
fn refused(refusal: Refusal) -> String {
    if refusal == Refusal::PremiumRate {
        "the shopper's phone is a premium-rate or shared-cost number: sms.premium = true allows it"
            .to_owned()
    } else if refusal == Refusal::International {
        "the shopper's phone is abroad: sms.foreign = true allows it".to_owned()
    } else {
        format!("the shopper's phone cannot be sent messages: {}", refusal.as_str())
    }
}

/// How long to wait after so many tries. The chance that keeps those that failed together from
/// coming together again is in the ids.
fn pause(id: SmsId, attempts: u32) -> SignedDuration {
    let seconds = 10_i64.saturating_mul(3_i64.saturating_pow(attempts.saturating_sub(1))).min(600);
    let random = id.0.as_u128().rotate_right(attempts.saturating_mul(5)) & 0xff;
    let shorter = i64::try_from(random).unwrap_or(0) * seconds * 1000 / 4 / 0xff;
    SignedDuration::from_millis(seconds * 1000 - shorter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_try_ends_before_its_lease_however_late_it_began() {
        let (lease, began) = (Duration::from_mins(1), Timestamp::UNIX_EPOCH);
        let until = began + SignedDuration::from_mins(1);
        let late = |seconds| limit(until, began + SignedDuration::from_secs(seconds), lease);
        let seconds = [0, 20, 53, 54, 60, 1000].map(|late_by| late(late_by).as_secs());
        assert_eq!(seconds, [54, 34, 1, 0, 0, 0]);
    }

    #[test]
    fn pauses_grow_to_ten_minutes_and_differ() {
        let (none, all) = (SmsId(uuid::Uuid::nil()), SmsId(uuid::Uuid::max()));
        let seconds =
            |id| (1..=7).map(|attempts| pause(id, attempts).as_secs()).collect::<Vec<_>>();
        assert_eq!(seconds(none), [10, 30, 90, 270, 600, 600, 600]);
        assert_eq!(seconds(all), [7, 22, 67, 202, 450, 450, 450]);
        assert_eq!(pause(none, u32::MAX).as_secs(), 600);
        let other = SmsId("01890000-0000-7000-8000-0123456789ab".parse().unwrap());
        let differ: std::collections::HashSet<_> = (5..20).map(|n| pause(other, n)).collect();
        assert!(differ.len() > 5, "{differ:?}");
    }
}
