//! The end of a call: one transaction for its row, its ticket and its SMS, and then the proof of
//! its recording.

use std::{sync::Arc, time::Duration};

use exchange::{
    history::History,
    model::Outcome,
    settle::{Settlement, settle},
};
use jiff::Timestamp;
use store::{Settled, StoreError};
use tracing::{Instrument as _, debug, error, info};

use crate::{
    alarm::Alarm,
    app::{App, Attended},
    proof::{Talk, prove},
    service,
};

/// A call that is over.
#[expect(clippy::struct_field_names, reason = "`ended_at` is what every row calls it")]
pub(crate) struct Ended {
    pub(crate) history: History,
    pub(crate) ended_at: Timestamp,
    pub(crate) hangup_cause: Option<String>,
}

/// Stands for FreeSWITCH's cause where nobody knows it.
pub(crate) const LOST: &str = "LOST";

/// Pauses between tries to write a call's end: a locked database is free again within these two
/// minutes, and a missing one has had its alarm.
pub(crate) const PAUSES: [Duration; 7] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(8),
    Duration::from_secs(18),
    Duration::from_secs(30),
    Duration::from_mins(1),
];

/// Writes a call's end, in a task of its own: the connection to FreeSWITCH need not wait for it.
pub(crate) fn begin(app: &Arc<App>, ended: Ended, attended: Attended) {
    debug!(hangup_cause = ended.hangup_cause.as_deref(), "the call is over");
    let shared = Arc::clone(app);
    app.afterwork.spawn(
        async move {
            write(&shared, ended, &PAUSES).await;
            drop(attended);
        }
        .in_current_span(),
    );
}

/// Writes a call's end, with as many further tries as there are pauses; `false` when the store
/// would not take it. Its recording is proven afterwards, in a task of its own.
pub(crate) async fn write(app: &Arc<App>, ended: Ended, pauses: &[Duration]) -> bool {
    let Ended { mut history, ended_at, hangup_cause } = ended;
    let mut pauses = pauses.iter();
    let (settlement, settled) = loop {
        match store_end(app, &mut history, ended_at, hangup_cause.as_deref()).await {
            Ok(stored) => break stored,
            Err(error) => {
                let Some(pause) = pauses.next() else {
                    error!(
                        %error,
                        "a call's end was not stored; its CDR file will complete it"
                    );
                    return false;
                };
                error!(%error, "a call's end could not be stored; trying again");
                tokio::time::sleep(*pause).await;
            }
        }
    };
    info!(
        outcome = %settlement.outcome,
        duration_ms = ended_at.duration_since(history.started_at).as_millis(),
        hangup_cause = hangup_cause.as_deref().unwrap_or_default(),
        ticket = settled.ticket.map(exchange::ticket::TicketNumber::value),
        sms = settled.sms_queued,
        "call ended"
    );
    if !settled.already {
        app.metrics.call_ended(history.service, settlement.outcome);
    }
    if !settled.already && hangup_cause.as_deref() == Some(LOST) {
        let (call, outcome) = (history.id.to_string(), settlement.outcome.to_string());
        app.alarm.raise(Alarm::LostCall { call, outcome });
    }
    if settlement.outcome == Outcome::Answered {
        let ticket = settled.ticket;
        let talk = Talk { history, ended_at, hangup_cause, ticket };
        let shared = Arc::clone(app);
        app.afterwork.spawn(async move { prove(&shared, talk).await }.in_current_span());
    }
    true
}

async fn store_end(
    app: &App,
    history: &mut History,
    ended_at: Timestamp,
    cause: Option<&str>,
) -> Result<(Settlement, Settled), StoreError> {
    service::finish_undialled(app, history, ended_at, cause).await?;
    let settlement = settle(history);
    let texts = |missed: &store::MissedCall| app.texts.write(missed);
    let timing = app.settings.sms_timing();
    let end = store::End { at: ended_at, now: app.clock.now(), hangup_cause: cause };
    let settled = app.store.settle(history, &settlement, end, &texts, timing).await?;
    Ok((settlement, settled))
}
