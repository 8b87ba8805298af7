//! Takes due messages from the outbox to the gateway, and closes tickets whose time is over.
//!
//! A message is leased before it is handed over, so that no two exchanges take the same one. A
//! failed try is repeated after 10 s, 30 s, 1.5 min, 4.5 min and then every 10 min, 20 times in
//! all (about two and a half hours); after that it has failed. What a killed exchange had leased is taken
//! again when the lease is over; the gateway knows a repeated message by its id.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use sms::{Message, Outcome, SendError, SpoolGateway};
use store::LeasedSms;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::app::App;

const LOOK_EVERY: Duration = Duration::from_millis(500);
const SWEEP_EVERY: Duration = Duration::from_secs(30);
const LEASE: SignedDuration = SignedDuration::from_secs(60);
const AT_ONCE: u32 = 50;
const MAX_ATTEMPTS: u32 = 20;

/// Works until `stop`; a message that has been leased is still brought to its end.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let gateway = SpoolGateway::new(&app.settings.sms.spool.dir);
    let mut look = tokio::time::interval(LOOK_EVERY);
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            _ = look.tick() => send_due(&app, &gateway).await,
            _ = sweep.tick() => sweep_tickets(&app).await,
            () = stop.cancelled() => return,
        }
    }
}

async fn sweep_tickets(app: &App) {
    let ttl = app.settings.callbacks.ticket_ttl.signed();
    match app.store.sweep(app.clock.now(), ttl).await {
        Ok(swept) if swept.expired + swept.cancelled > 0 => {
            info!(expired = swept.expired, cancelled = swept.cancelled, "tickets closed");
        }
        Ok(_) => {}
        Err(error) => error!(%error, "tickets could not be looked through"),
    }
}

async fn send_due(app: &App, gateway: &SpoolGateway) {
    let due = match app.store.lease_sms(app.clock.now(), LEASE, AT_ONCE).await {
        Ok(due) => due,
        Err(error) => return error!(%error, "the outbox cannot be read"),
    };
    for sms in due {
        send(app, gateway, sms).await;
    }
}

async fn send(app: &App, gateway: &SpoolGateway, sms: LeasedSms) {
    let LeasedSms { id, to, text, attempts } = sms;
    let message = Message { id: id.to_string(), to: to.as_str().to_owned(), text };
    let (spool, created_at) = (gateway.clone(), app.clock.now().to_string());
    let sent = tokio::task::spawn_blocking(move || spool.send(&message, &created_at)).await;
    let sent = sent.unwrap_or_else(|error| Err(SendError::Temporary(error.to_string())));
    let now = app.clock.now();
    let written = match sent {
        Ok(Outcome::Accepted | Outcome::AlreadyAccepted) => {
            info!(sms.id = %id, attempts, "SMS handed over");
            app.store.sms_sent(id, now).await
        }
        Err(SendError::Temporary(problem)) if attempts < MAX_ATTEMPTS => {
            warn!(sms.id = %id, attempts, problem, "SMS not sent; trying again");
            let next = now.saturating_add(pause(attempts)).unwrap_or(now);
            app.store.sms_retry(id, next, &problem).await
        }
        Err(SendError::Temporary(problem) | SendError::Permanent(problem)) => {
            error!(sms.id = %id, attempts, problem, "SMS given up");
            app.store.sms_failed(id, &problem).await
        }
    };
    if let Err(error) = written {
        // The lease runs out, and the gateway knows the message again.
        error!(sms.id = %id, %error, "what became of an SMS could not be stored");
    }
}

/// How long to wait after so many tries.
fn pause(attempts: u32) -> SignedDuration {
    let seconds = 10_i64.saturating_mul(3_i64.saturating_pow(attempts.saturating_sub(1)));
    SignedDuration::from_secs(seconds.min(600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_ten_minutes() {
        let seconds: Vec<i64> = (1..=7).map(|attempts| pause(attempts).as_secs()).collect();
        assert_eq!(seconds, [10, 30, 90, 270, 600, 600, 600]);
        assert_eq!(pause(u32::MAX).as_secs(), 600);
    }
}
