//! The end of a call: one transaction for its row, its ticket and its SMS, and then the proof of
//! its recording.

use std::{sync::Arc, time::Duration};

use exchange::{history::History, model::Outcome, number::PhoneNumber, settle::settle};
use jiff::Timestamp;
use tracing::{Instrument as _, error, info};

use crate::{
    app::App,
    proof::{Talk, prove},
};

/// A call that is over.
#[expect(clippy::struct_field_names, reason = "`ended_at` is what every row calls it")]
pub(crate) struct Ended {
    pub(crate) history: History,
    pub(crate) shopper_phone: Option<PhoneNumber>,
    pub(crate) ended_at: Timestamp,
    pub(crate) hangup_cause: Option<String>,
}

/// Pauses between tries to write a call's end: a locked database is free again within these two
/// minutes, and a missing one has had its alarm.
const PAUSES: [Duration; 7] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(8),
    Duration::from_secs(18),
    Duration::from_secs(30),
    Duration::from_mins(1),
];

/// Writes a call's end, in a task of its own: the connection to FreeSWITCH need not wait for it.
pub(crate) fn begin(app: &Arc<App>, ended: Ended) {
    let shared = Arc::clone(app);
    app.afterwork.spawn(
        async move {
            let call = ended.history.id;
            write(&shared, ended, &PAUSES).await;
            shared.live.leave(call);
        }
        .in_current_span(),
    );
}

/// Writes a call's end, with as many further tries as there are pauses; `false` when the store
/// would not take it.
pub(crate) async fn write(app: &App, ended: Ended, pauses: &[Duration]) -> bool {
    let Ended { history, shopper_phone, ended_at, hangup_cause } = ended;
    let settlement = settle(&history);
    let texts = |missed: &store::MissedCall| app.texts.write(missed);
    let timing = app.settings.sms_timing();
    let mut pauses = pauses.iter();
    let settled = loop {
        let cause = hangup_cause.as_deref();
        match app.store.settle(&history, &settlement, ended_at, cause, &texts, timing).await {
            Ok(settled) => break settled,
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
    if settlement.outcome == Outcome::Answered {
        let ticket = settled.ticket;
        prove(app, Talk { history, shopper_phone, ended_at, hangup_cause, ticket }).await;
    }
    true
}
