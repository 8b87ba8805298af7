//! Delivery reports: what the provider tells of messages it took before.
//!
//! A report may overtake the answer that names its message. One of an unknown message is looked
//! for again before it is given up: for two seconds while an HTTP call waits, for a minute when it
//! came by SMPP.

use std::{sync::Arc, time::Duration};

use sms::{Receipt, Report};
use store::{Delivery, Named, StoreError};
use tokio::{
    sync::{Mutex, mpsc::UnboundedReceiver},
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{app::App, health::Worker};

const PAUSES_MS: [u64; 4] = [100, 300, 600, 1000];
const LOOK_EVERY: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_mins(1);
/// Reports that wait for their message at most; a provider that sends others' is not to fill the
/// memory.
const WAITING: usize = 1000;
/// How long receipts are taken after the stop, should the gateway not hang up: the last messages and
/// the good-bye to the SMSC need their time.
const AFTER_STOP: Duration = Duration::from_secs(25);

/// Takes the reports of one call in; tells of how many the message is known.
pub(crate) async fn take_all(app: &App, reports: &[Report]) -> Result<usize, StoreError> {
    let mut unknown: Vec<&Report> = reports.iter().collect();
    let mut pauses = PAUSES_MS.iter();
    loop {
        let mut still = Vec::new();
        for report in unknown {
            if !take(app, report).await? {
                still.push(report);
            }
        }
        unknown = still;
        match pauses.next() {
            Some(pause) if !unknown.is_empty() => {
                tokio::time::sleep(Duration::from_millis(*pause)).await;
            }
            Some(_) | None => break,
        }
    }
    for _ in &unknown {
        app.metrics.sms_reported("unknown");
    }
    if !unknown.is_empty() {
        warn!(count = unknown.len(), "delivery reports of messages that are not known here");
    }
    Ok(reports.len() - unknown.len())
}

/// Takes receipts in until `stop`, and after that those that were acknowledged to the SMSC while the
/// last messages are sent: the gateway hangs up when that is done.
pub(crate) async fn run(
    app: Arc<App>,
    reports: Arc<Mutex<UnboundedReceiver<Receipt>>>,
    stop: CancellationToken,
) {
    let mut reports = reports.lock().await;
    let mut waiting = Waiting::default();
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            // Ends with the gateway that sends; most have nothing to send.
            Some(receipt) = reports.recv() => waiting.take(&app, receipt).await,
            _ = look.tick(), if !waiting.is_empty() => waiting.look(&app).await,
            () = stop.cancelled() => break,
        }
    }
    let until = Instant::now() + AFTER_STOP;
    loop {
        tokio::select! {
            report = timeout_at(until, reports.recv()) => match report {
                Ok(Some(receipt)) => waiting.take(&app, receipt).await,
                Ok(None) | Err(_) => break,
            },
            _ = look.tick(), if !waiting.is_empty() => waiting.look(&app).await,
        }
    }
    // From here on the SMSC is told to come again.
    reports.close();
    waiting.look(&app).await;
    if !waiting.is_empty() {
        let count = waiting.0.len();
        for _ in &waiting.0 {
            app.metrics.sms_reported("unknown");
        }
        warn!(count, "delivery reports of messages that are not known here are left behind");
    }
}

/// Reports whose message is not known yet, or that the store did not take, with the time until which
/// the former are kept.
#[derive(Default)]
struct Waiting(Vec<(Instant, Report)>);

impl Waiting {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    async fn take(&mut self, app: &App, receipt: Receipt) {
        let report = match receipt {
            Ok(Some(report)) => report,
            Ok(None) => return app.metrics.sms_reported("under_way"),
            Err(why) => {
                app.metrics.sms_reported("unusable");
                // Neither its text nor its numbers.
                warn!(%why, "a delivery receipt is of no use");
                return;
            }
        };
        if matches!(tried(app, &report).await, Ok(true)) {
            return;
        }
        if self.0.len() < WAITING {
            self.0.push((Instant::now() + PATIENCE, report));
        } else {
            app.metrics.sms_reported("dropped");
            warn!("a delivery report is dropped: too many wait");
        }
    }

    async fn look(&mut self, app: &App) {
        let mut still = Vec::new();
        for (until, report) in std::mem::take(&mut self.0) {
            match tried(app, &report).await {
                Ok(true) => {}
                Ok(false) if until <= Instant::now() => {
                    app.metrics.sms_reported("unknown");
                    warn!("a delivery report of a message that is not known here");
                }
                // The store's trouble is not the report's.
                Ok(false) | Err(_) => still.push((until, report)),
            }
        }
        self.0 = still;
    }
}

/// Stores a report as [`take`] does, and notes what comes of it.
async fn tried(app: &App, report: &Report) -> Result<bool, StoreError> {
    let taken = take(app, report).await;
    app.health.note(Worker::Reports, taken.as_ref().map(drop));
    taken
}

/// Stores a report; false if its message is not known.
async fn take(app: &App, report: &Report) -> Result<bool, StoreError> {
    let reason = report.reason.as_deref().unwrap_or("the provider does not say why");
    let failure = format!("not delivered: {reason}");
    let delivery = if report.delivered { Delivery::Delivered } else { Delivery::Failed(&failure) };
    let named = Named {
        id: &report.provider_id,
        others: &report.clues.ids,
        twins: &report.clues.twins,
        numbers: &report.clues.numbers,
    };
    let found = app.store.sms_reported(named, delivery, app.clock.now()).await?;
    if let Some(id) = found {
        app.metrics.sms_reported(if report.delivered { "delivered" } else { "failed" });
        info!(sms.id = %id, delivered = report.delivered, "delivery report");
    }
    Ok(found.is_some())
}
