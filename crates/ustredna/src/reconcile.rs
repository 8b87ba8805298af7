//! Calls that no record will ever complete: FreeSWITCH was killed, or wrote its records elsewhere.
//!
//! Each has a row, open since dialling. FreeSWITCH itself is asked whether it still knows the
//! call; when it cannot be asked, a call counts as over when nothing of it has moved for a while.
//! What the row does not know is read off the recording, which holds nothing but the talk.
//!
//! With PostgreSQL the open calls may be another machine's, whose FreeSWITCH and recordings cannot
//! be seen from here: they are left alone.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use exchange::{
    call::Direction,
    history::{History, Leg},
    model::CallId,
};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    app::App,
    cdr_intake,
    ending::{self, Ended},
    inbound::{Inbound, InboundError},
    proof::{Talk, prove},
};

const LOOK_EVERY: Duration = Duration::from_secs(5);
/// After this without a sign a call is over, when FreeSWITCH does not know it or is gone.
const QUIET: SignedDuration = SignedDuration::from_secs(10);
/// The same when FreeSWITCH may be there but cannot be asked: a recording that has not grown.
const QUIET_UNASKED: SignedDuration = SignedDuration::from_mins(2);
/// The same when there is not even a recording to look at.
const QUIET_UNSEEN: SignedDuration = SignedDuration::from_hours(4);
/// Stands for FreeSWITCH's cause where nobody knows it.
const LOST: &str = "LOST";

/// Looks for such calls until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            _ = look.tick() => {
                if let Err(error) = close_lost(&app).await {
                    error!(error = %format!("{error:#}"), "open calls cannot be looked through");
                }
            }
            () = stop.cancelled() => return,
        }
    }
}

/// Proves the recordings of calls that ended, but whose proof a crash prevented.
pub(crate) async fn prove_unproven(app: &App) -> anyhow::Result<()> {
    if app.store.is_shared() {
        return Ok(());
    }
    for call in app.store.unproven_calls(app.clock.now()).await? {
        let ended_at = call.ended_at.unwrap_or_else(|| app.clock.now());
        let store::EndedCall { history, hangup_cause, ticket, .. } = call;
        prove(app, Talk { history, shopper_phone: None, ended_at, hangup_cause, ticket }).await;
    }
    Ok(())
}

/// What FreeSWITCH says of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Yes,
    No,
    /// Nobody listens at its port.
    SwitchGone,
    CannotAsk,
}

async fn close_lost(app: &App) -> anyhow::Result<()> {
    if app.store.is_shared() {
        return Ok(());
    }
    let live = app.live.all();
    let open = app.store.open_calls(app.clock.now()).await?;
    let mut over = Vec::new();
    for history in open.into_iter().filter(|history| !live.contains(&history.id)) {
        let known = ask(app, history.id).await;
        let sign = last_sign(app, &history).await;
        let quiet = app.clock.now().duration_since(sign.at);
        if is_over(known, quiet, sign.of_recording) {
            over.push((history.id, sign.at));
        }
    }
    if over.is_empty() {
        return Ok(());
    }
    // FreeSWITCH writes a record before it forgets the call: that record, if there is one, first.
    cdr_intake::take_in(app).await?;
    for history in app.store.open_calls(app.clock.now()).await? {
        if let Some((_, sign)) = over.iter().find(|(call, _)| *call == history.id) {
            close(app, history, *sign).await;
        }
    }
    Ok(())
}

fn is_over(known: Known, quiet: SignedDuration, recorded: bool) -> bool {
    match known {
        Known::Yes => false,
        // Quiet all the same: whoever looks after the call may just be writing its end.
        Known::No | Known::SwitchGone => quiet > QUIET,
        Known::CannotAsk if recorded => quiet > QUIET_UNASKED,
        Known::CannotAsk => quiet > QUIET_UNSEEN,
    }
}

async fn ask(app: &App, call: CallId) -> Known {
    let switch = &app.settings.switch;
    // Without a password one can still see whether anybody is there.
    let password = switch.password.as_ref().map_or("-", |password| password.expose_secret());
    let answer = match Inbound::open(switch.inbound, password).await {
        Ok(mut inbound) => inbound.ask(&format!("uuid_exists {call}")).await,
        Err(error) => Err(error),
    };
    match answer.as_deref().map(str::trim) {
        Ok("true") => Known::Yes,
        Ok("false") => Known::No,
        Err(InboundError::Refused(error))
            if error.kind() == std::io::ErrorKind::ConnectionRefused && on_this_machine(app) =>
        {
            Known::SwitchGone
        }
        Ok(_) | Err(_) => Known::CannotAsk,
    }
}

/// Whether FreeSWITCH can be nowhere else: it reaches us on loopback, and so do we it. Otherwise a
/// port that nobody listens on may just be the wrong one.
fn on_this_machine(app: &App) -> bool {
    let switch = &app.settings.switch;
    switch.listen.ip().is_loopback() && switch.inbound.ip().is_loopback()
}

/// A sign of life.
struct Sign {
    at: Timestamp,
    /// It is a recording that grew.
    of_recording: bool,
}

/// When the call was last seen to live: its recording grew, or its phone may still have rung.
async fn last_sign(app: &App, history: &History) -> Sign {
    let Some(leg) = history.legs.last() else {
        return Sign { at: history.started_at, of_recording: false };
    };
    if let Some(grew) = modified(app.recordings.join(&leg.recording)).await {
        return Sign { at: grew, of_recording: true };
    }
    let ring = match leg.dial.direction {
        Direction::Back => app.settings.callbacks.ring_timeout,
        Direction::Out | Direction::Return => app.settings.switch.ring_timeout,
    };
    let since = leg.ended_at.unwrap_or(leg.started_at);
    Sign { at: since.saturating_add(ring.signed()).unwrap_or(since), of_recording: false }
}

async fn modified(path: PathBuf) -> Option<Timestamp> {
    let metadata = tokio::fs::metadata(path).await.ok()?;
    let since_epoch = metadata.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Timestamp::from_millisecond(i64::try_from(since_epoch.as_millis()).ok()?).ok()
}

async fn close(app: &App, mut history: History, sign: Timestamp) {
    if let Some(leg) = history.legs.last_mut().filter(|leg| leg.ended_at.is_none()) {
        let path = app.recordings.join(&leg.recording);
        let seconds = tokio::task::spawn_blocking(move || recordings::inspect(&path))
            .await
            .ok()
            .and_then(Result::ok)
            .map_or(0.0, |found| found.seconds);
        complete_leg(leg, seconds, sign);
    }
    warn!(call.id = %history.id, "a call ended without a record; it is closed with what is known");
    let cause = Some(LOST.to_owned());
    let ended = Ended {
        history,
        shopper_phone: None,
        ended_at: sign.min(app.clock.now()),
        hangup_cause: cause,
    };
    if !ending::write(app, ended, &[]).await {
        info!("the call stays open until the database can be written");
    }
}

/// A recording holds the talk and nothing else, so one with sound in it proves that the call was
/// answered, and by its length when.
fn complete_leg(leg: &mut Leg, seconds: f64, sign: Timestamp) {
    leg.ended_at = Some(sign);
    leg.cause = Some(LOST.to_owned());
    if leg.answered_at.is_none()
        && seconds > 0.0
        && let Ok(length) = SignedDuration::try_from_secs_f64(seconds)
    {
        leg.answered_at = sign.saturating_sub(length).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_over_when_freeswitch_says_so_or_nothing_has_moved() {
        let quiet = SignedDuration::from_secs;
        assert!(!is_over(Known::Yes, quiet(1_000_000), true));
        for known in [Known::No, Known::SwitchGone] {
            assert!(!is_over(known, quiet(3), false) && is_over(known, quiet(11), false));
            // A phone that may still ring has its last sign in the future.
            assert!(!is_over(known, quiet(-20), false));
        }
        let unasked = |seconds, recorded| is_over(Known::CannotAsk, quiet(seconds), recorded);
        assert!(!unasked(60, true) && unasked(121, true));
        assert!(!unasked(3600, false) && unasked(5 * 3600, false));
    }
}
