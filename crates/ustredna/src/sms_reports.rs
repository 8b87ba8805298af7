//! Delivery reports: what the provider tells of messages it took before.
//!
//! A report may overtake the answer that names its message. One of an unknown message is looked
//! for again before it is given up: for two seconds while an HTTP call waits, for a minute when it
//! came by SMPP.

use std::{sync::Arc, time::Duration};

use sms::Report;
use store::{Delivery, StoreError};
use tokio::{sync::mpsc::UnboundedReceiver, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::app::App;

const PAUSES_MS: [u64; 4] = [100, 300, 600, 1000];
const LOOK_EVERY: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_mins(1);
/// Reports that wait for their message at most; a provider that sends others' is not to fill the
/// memory.
const WAITING: usize = 1000;

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
    if !unknown.is_empty() {
        warn!(count = unknown.len(), "delivery reports of messages that are not known here");
    }
    Ok(reports.len() - unknown.len())
}

/// Takes receipts in until `stop`.
pub(crate) async fn run(
    app: Arc<App>,
    mut reports: UnboundedReceiver<Report>,
    stop: CancellationToken,
) {
    let mut waiting: Vec<(Instant, Report)> = Vec::new();
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            // Ends with the gateway that sends; most have nothing to send.
            Some(report) = reports.recv() => {
                if !taken(&app, &report).await {
                    if waiting.len() < WAITING {
                        waiting.push((Instant::now() + PATIENCE, report));
                    } else {
                        warn!("a delivery report of an unknown message is dropped: too many wait");
                    }
                }
            }
            _ = look.tick(), if !waiting.is_empty() => {
                let mut still = Vec::new();
                for (until, report) in waiting {
                    if taken(&app, &report).await {
                        continue;
                    }
                    if Instant::now() < until {
                        still.push((until, report));
                    } else {
                        warn!("a delivery report of a message that is not known here");
                    }
                }
                waiting = still;
            }
            () = stop.cancelled() => return,
        }
    }
}

async fn taken(app: &App, report: &Report) -> bool {
    take(app, report).await.unwrap_or_else(|error| {
        error!(%error, "a delivery report could not be stored");
        false
    })
}

async fn take(app: &App, report: &Report) -> Result<bool, StoreError> {
    let reason = report.reason.as_deref().unwrap_or("the provider does not say why");
    let failure = format!("not delivered: {reason}");
    let delivery = if report.delivered { Delivery::Delivered } else { Delivery::Failed(&failure) };
    let found = app.store.sms_reported(&report.provider_id, delivery, app.clock.now()).await?;
    if let Some(id) = found {
        info!(sms.id = %id, delivered = report.delivered, "delivery report");
    }
    Ok(found.is_some())
}
