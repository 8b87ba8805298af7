//! The end of a call: one transaction for its row, its ticket and its SMS, and then the proof of
//! its recording.

use std::sync::Arc;

use exchange::{
    history::History,
    model::Outcome,
    settle::{Settlement, settle},
};
use jiff::Timestamp;
use recordings::Media;
use store::{Settled, StoreError};
use tracing::{Instrument as _, debug, error, info, warn};

use crate::{
    alarm::Alarm,
    app::{App, Attended},
    health::Worker,
    media::{self, Records},
    persist::until_stored,
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

/// Writes a call's end, in a task of its own: the connection to FreeSWITCH need not wait for it.
/// While the database does not take it, it is kept here; should this process end before that, the
/// call's record is still there, for nobody takes that in while the call is attended to.
pub(crate) fn begin(app: &Arc<App>, ended: Ended, attended: Attended) {
    debug!(hangup_cause = ended.hangup_cause.as_deref(), "the call is over");
    let shared = Arc::clone(app);
    app.afterwork.spawn(
        async move {
            let kept = &shared.health.kept;
            let written = until_stored(kept, "a call's end", || store_end(&shared, &ended)).await;
            match written {
                Ok(written) => {
                    // Before its records may be taken in.
                    let media = written.media(&shared, Records::Coming).await;
                    tell(&shared, ended, written, media);
                }
                Err(error) => {
                    error!(%error, "a call's end was not stored; its record may complete it");
                    shared.health.note(Worker::Calls, Err(error));
                }
            }
            drop(attended);
        }
        .in_current_span(),
    );
}

/// Lets go of a call that goes on in FreeSWITCH: what is known of its legs is written down, and its
/// record completes it.
pub(crate) fn leave(app: &Arc<App>, history: History, attended: Attended) {
    let shared = Arc::clone(app);
    app.afterwork.spawn(
        async move {
            let kept = until_stored(&shared.health.kept, "what is known of a call", || async {
                // Its row may not be there yet.
                shared.store.arrive(&history).await?;
                shared.store.keep(&history).await
            });
            match kept.await {
                Ok(()) => info!("the call is left to FreeSWITCH and its records"),
                Err(error) => error!(%error, "what is known of a call was not stored"),
            }
            drop(attended);
        }
        .in_current_span(),
    );
}

/// Writes a call's end, in one try. Its recording is proven afterwards, in a task of its own.
///
/// # Errors
/// Why the store would not take it.
pub(crate) async fn write(app: &Arc<App>, ended: Ended) -> Result<(), StoreError> {
    let written = store_end(app, &ended).await?;
    let media = written.media(app, Records::There).await;
    tell(app, ended, written, media);
    Ok(())
}

/// What was written of a call's end.
struct Written {
    /// With what was found out about a call in which nobody was dialled.
    history: History,
    settlement: Settlement,
    settled: Settled,
}

impl Written {
    /// What was counted of the packets of a talk.
    async fn media(&self, app: &App, records: Records) -> Option<Media> {
        if self.settlement.outcome == Outcome::Answered {
            media::counted(app, &self.history, records).await
        } else {
            None
        }
    }
}

/// Everybody who wants to know of a stored end does.
fn tell(app: &Arc<App>, ended: Ended, written: Written, media: Option<Media>) {
    let Ended { ended_at, hangup_cause, .. } = ended;
    let Written { history, settlement, settled } = written;
    info!(
        outcome = %settlement.outcome,
        duration_ms = ended_at.duration_since(history.started_at).as_millis(),
        hangup_cause = hangup_cause.as_deref().unwrap_or_default(),
        ticket = settled.ticket.map(exchange::ticket::TicketNumber::value),
        sms = settled.sms_queued,
        unreturnable = settled.unreturnable.map(exchange::destination::Refusal::as_str),
        "call ended"
    );
    if !settled.already {
        app.metrics.call_ended(history.service, settlement.outcome);
    }
    if !settled.already && hangup_cause.as_deref() == Some(LOST) {
        let (call, outcome) = (history.id.to_string(), settlement.outcome.to_string());
        app.alarm.raise(Alarm::LostCall { call, outcome });
    }
    if let (Some(calls), Some(shopper)) = (settled.burst, history.shopper) {
        let shopper = shopper.to_string();
        warn!(shopper, calls, "a burst of calls from strangers: their SMS are told together");
        app.alarm.raise(Alarm::Strangers { shopper, calls });
    }
    if settlement.outcome == Outcome::Answered {
        let ticket = settled.ticket;
        let talk = Talk { history, ended_at, hangup_cause, ticket, media };
        let shared = Arc::clone(app);
        let prove = async move {
            let talk = if settled.already { as_stored(&shared, talk).await } else { talk };
            prove(&shared, talk).await;
        };
        app.afterwork.spawn(prove.in_current_span());
    }
}

/// What the rows tell of a call that somebody else has ended a moment before: the same is to be told
/// beside its recording.
async fn as_stored(app: &App, talk: Talk) -> Talk {
    let id = talk.history.id;
    let call = until_stored(&app.health.kept, "a verdict", || app.store.ended_call(id)).await;
    match call.ok().flatten() {
        Some(call) if call.history.legs.last().is_some_and(|leg| leg.answered_at.is_some()) => {
            let ended_at = call.ended_at.unwrap_or(talk.ended_at);
            let (history, hangup_cause) = (call.history, call.hangup_cause);
            Talk { history, ended_at, hangup_cause, ticket: call.ticket, media: talk.media }
        }
        _ => talk,
    }
}

async fn store_end(app: &App, ended: &Ended) -> Result<Written, StoreError> {
    let (ended_at, cause) = (ended.ended_at, ended.hangup_cause.as_deref());
    let mut history = ended.history.clone();
    service::finish_undialled(app, &mut history, ended_at, cause).await?;
    let settlement = settle(&history).checked(&app.rules);
    let texts = |missed: &store::MissedCall| app.texts.write(missed);
    let timing = app.settings.sms_timing();
    let end = store::End { at: ended_at, now: app.clock.now(), hangup_cause: cause };
    let settled = app.store.settle(&history, &settlement, end, &texts, timing).await?;
    Ok(Written { history, settlement, settled })
}
