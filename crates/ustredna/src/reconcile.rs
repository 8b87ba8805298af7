//! Calls that no record will ever complete: FreeSWITCH was killed, or wrote its records elsewhere.
//!
//! Each has a row, open since dialling. FreeSWITCH itself is asked whether it still knows the
//! call; when it cannot be asked, a call counts as over when nothing of it has moved for a while.
//! What the row does not know is read off the recording, which holds nothing but the talk. Where that
//! cannot be looked at (rights, a disk that is not mounted), the call stays open and an alarm is raised:
//! a talk must not be taken for a missed call.
//!
//! With PostgreSQL an open call may be another exchange's, whose FreeSWITCH and recordings perhaps
//! cannot be seen from here: it is left alone for a day.
//!
//! How long a call has been quiet is told by the steady clock as well as by times that were stored,
//! for the time of day may be set back.

mod switch;

use std::{
    collections::{HashMap, HashSet},
    io::ErrorKind,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use exchange::{
    call::Direction,
    history::{History, Leg},
    model::CallId,
    recording::hidden,
};
use jiff::{SignedDuration, Timestamp};
use recordings::InspectError;
use store::{EndedCall, OpenCall, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use self::switch::{Known, Switch};
use crate::{
    alarm::Alarm,
    app::App,
    cdr_intake, clock,
    ending::{self, Ended, LOST},
    health::Worker,
    proof::{Talk, prove},
};

const LOOK_EVERY: Duration = Duration::from_secs(5);
/// After this without a sign a call is over, when FreeSWITCH does not know it or is gone.
const QUIET: SignedDuration = SignedDuration::from_secs(10);
/// The same when FreeSWITCH may be there but cannot be asked: a recording that has not grown.
const QUIET_UNASKED: SignedDuration = SignedDuration::from_mins(2);
/// The same when there is not even a recording to look at.
const QUIET_UNSEEN: SignedDuration = SignedDuration::from_hours(4);
/// After this the exchange that began a call will not end it any more.
const ELSEWHERE: SignedDuration = SignedDuration::from_hours(24);

/// Looks for such calls until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut signs = Signs::default();
    loop {
        tokio::select! {
            _ = look.tick() => {
                let looked = close_lost(&app, &mut signs).await;
                let turn = looked.map_err(|error| format!("{error:#}"));
                app.health.note(Worker::Reconciliation, turn);
            }
            () = stop.cancelled() => return,
        }
    }
}

/// Proves the recordings of these calls, whose proof a crash prevented; one at a time, so that
/// callers do not notice.
pub(crate) async fn prove_unproven(
    app: Arc<App>,
    unproven: Vec<EndedCall>,
    stop: CancellationToken,
) {
    for call in unproven {
        if stop.is_cancelled() {
            return;
        }
        let ended_at = call.ended_at.unwrap_or_else(|| app.clock.now());
        let EndedCall { history, hangup_cause, ticket, .. } = call;
        prove(&app, Talk { history, ended_at, hangup_cause, ticket, media: None }).await;
    }
}

/// A call that is over, by what evidence, and since when.
struct Over {
    since: Timestamp,
    evidence: &'static str,
}

async fn close_lost(app: &Arc<App>, signs: &mut Signs) -> anyhow::Result<()> {
    let live = app.live.all();
    let mut open = app.store.open_calls().await?;
    open.retain(|call| !live.contains(&call.history.id) && is_ours(app, call));
    signs.keep_to(&open);
    if open.is_empty() {
        return Ok(());
    }
    let mut switch = Switch::ask(app).await;
    let mut over = HashMap::new();
    for OpenCall { mut history, .. } in open {
        let sign = match last_sign(app, &history).await {
            Ok(sign) => sign,
            Err(problem) => {
                signs.blind(app, history.id, &problem);
                continue;
            }
        };
        let quiet = signs.quiet(history.id, &sign, app.clock.now());
        let known = switch.knows(&history, quiet > QUIET).await;
        if known == Known::Yes {
            signs.lives(history.id);
            note_answer(app, &mut switch, &mut history).await?;
        } else if is_over(known, quiet, sign.of_recording) {
            let evidence = evidence(known, sign.of_recording);
            over.insert(history.id, Over { since: sign.last(), evidence });
        }
    }
    if over.is_empty() {
        return Ok(());
    }
    // FreeSWITCH writes a record before it forgets the call: that record, if there is one, first.
    cdr_intake::take_in(app).await?;
    let mut refused = Ok(());
    for OpenCall { history, .. } in app.store.open_calls().await? {
        let call = history.id;
        let Some(over) = over.get(&call) else { continue };
        // It is still being written, or cannot be read: it is decided there.
        if cdr_intake::lies_there(app, call).await {
            continue;
        }
        match close(app, history, over).await {
            Ok(()) => {}
            Err(Unclosed::Blind(problem)) => signs.blind(app, call, &problem),
            // It stays open until the database takes it.
            Err(Unclosed::Store(error)) => refused = Err(error),
        }
    }
    refused.context("a call that left no record cannot be closed")
}

/// Why a call stays open.
enum Unclosed {
    /// Its recording cannot be looked at.
    Blind(String),
    Store(StoreError),
}

/// In one file on this machine there are no others' calls, whatever they are called.
fn is_ours(app: &App, call: &OpenCall) -> bool {
    let age = app.clock.now().duration_since(call.history.started_at);
    !call.elsewhere || !app.store.is_shared() || age > ELSEWHERE
}

/// A talk that goes on without us: that it was answered is stored now, for should FreeSWITCH be
/// killed, no record of it will ever come.
async fn note_answer(
    app: &App,
    switch: &mut Switch,
    history: &mut History,
) -> Result<(), store::StoreError> {
    let Some(leg) = history.legs.last().filter(|leg| leg.answered_at.is_none()) else {
        return Ok(());
    };
    let answered = switch.bridged_at(history, leg.id).await;
    if let (Some(leg), Some(answered)) = (history.legs.last_mut(), answered) {
        leg.answered_at = Some(answered);
        app.store.keep(history).await?;
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

fn evidence(known: Known, recorded: bool) -> &'static str {
    match known {
        Known::Yes | Known::No => "FreeSWITCH does not know it",
        Known::SwitchGone => "FreeSWITCH does not run",
        Known::CannotAsk if recorded => {
            "FreeSWITCH cannot be asked, and the recording has not grown for two minutes"
        }
        Known::CannotAsk => "FreeSWITCH cannot be asked, and nothing was heard of it for hours",
    }
}

/// A sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sign {
    at: Timestamp,
    /// For so long after it nothing need be seen: the phone may still ring.
    lasts: SignedDuration,
    /// It is a recording that grew.
    of_recording: bool,
}

impl Sign {
    fn last(&self) -> Timestamp {
        self.at.saturating_add(self.lasts).unwrap_or(self.at)
    }
}

#[derive(Default)]
struct Signs {
    /// The last sign of each open call, when it was first seen, and when FreeSWITCH knew the call
    /// last.
    seen: HashMap<CallId, (Sign, Instant, Option<Instant>)>,
    /// Those whose recording cannot be looked at, which has been told.
    unseen: HashSet<CallId>,
}

impl Signs {
    fn keep_to(&mut self, open: &[OpenCall]) {
        let open: HashSet<CallId> = open.iter().map(|call| call.history.id).collect();
        self.seen.retain(|call, _| open.contains(call));
        self.unseen.retain(|call| open.contains(call));
    }

    /// Whether anybody talked cannot be seen: the call stays open until it can, and this is told
    /// once.
    fn blind(&mut self, app: &App, call: CallId, problem: &str) {
        if self.unseen.insert(call) {
            error!(call.id = %call, problem, "an open call cannot be closed");
            let problem = format!("the recording of an open call cannot be looked at: {problem}");
            app.alarm.raise(Alarm::Folder { problem });
        }
    }

    /// FreeSWITCH knows the call at this moment.
    fn lives(&mut self, call: CallId) {
        if let Some((.., lived)) = self.seen.get_mut(&call) {
            *lived = Some(clock::instant());
        }
    }

    /// For how long there was no other sign, by the time of day or by the steady clock.
    fn quiet(&mut self, call: CallId, sign: &Sign, now: Timestamp) -> SignedDuration {
        let (last, since, lived) = self.seen.entry(call).or_insert((*sign, clock::instant(), None));
        if last != sign {
            (*last, *since) = (*sign, clock::instant());
        }
        let ago = |since: Instant| {
            let ago = clock::instant().saturating_duration_since(since);
            SignedDuration::try_from(ago).unwrap_or(SignedDuration::MAX)
        };
        let quiet = now.duration_since(sign.at).max(ago(*since)).saturating_sub(sign.lasts);
        lived.map_or(quiet, |lived| quiet.min(ago(lived)))
    }
}

/// When the call was last seen to live: its recording grew, or its phone may still have rung.
///
/// # Errors
/// Why its recording cannot be looked at, and what to do.
async fn last_sign(app: &App, history: &History) -> Result<Sign, String> {
    let sign = |at, lasts| Sign { at, lasts, of_recording: false };
    let Some(leg) = history.legs.last() else {
        return Ok(sign(history.started_at, SignedDuration::ZERO));
    };
    if let Some(grew) = modified(leg.recording.in_dir(&app.recordings)).await? {
        return Ok(Sign { at: grew, lasts: SignedDuration::ZERO, of_recording: true });
    }
    let ring = match leg.dial.direction {
        Direction::Back => app.settings.callbacks.ring_timeout,
        Direction::Out | Direction::Return => app.settings.switch.ring_timeout,
    };
    Ok(sign(leg.ended_at.unwrap_or(leg.started_at), ring.signed()))
}

/// When a recording grew last, `None` if there is none. Its folder was made before anybody was
/// rung: without it there is no saying.
async fn modified(path: PathBuf) -> Result<Option<Timestamp>, String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", hidden(&path));
    let metadata = match tokio::fs::metadata(&path).await {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(&path);
            if tokio::fs::try_exists(folder).await.unwrap_or(false) {
                return Ok(None);
            }
            let folder = folder.display();
            return Err(format!(
                "{folder} is not there: mount its disk, or make it if it is gone for good"
            ));
        }
        Err(error) => return Err(told(&error)),
    };
    let modified = metadata.modified().map_err(|error| told(&error))?;
    Timestamp::try_from(modified).map(Some).map_err(|error| told(&error))
}

async fn close(app: &Arc<App>, mut history: History, over: &Over) -> Result<(), Unclosed> {
    // By a clock that was set back meanwhile, a call would end before it began.
    let mut ended_at = over.since.min(app.clock.now()).max(history.started_at);
    if let Some(leg) = history.legs.last_mut().filter(|leg| leg.ended_at.is_none()) {
        ended_at = ended_at.max(leg.started_at);
        let path = leg.recording.in_dir(&app.recordings);
        let looked = tokio::task::spawn_blocking(move || recordings::inspect(&path)).await;
        let seconds = match looked.map_err(|error| Unclosed::Blind(error.to_string()))? {
            Ok(found) => found.seconds,
            Err(error @ InspectError::Io(_)) => return Err(Unclosed::Blind(error.to_string())),
            // Nothing was recorded.
            Err(
                InspectError::Missing
                | InspectError::NotAFile
                | InspectError::Empty
                | InspectError::NotWav(_)
                | InspectError::TooLarge
                | InspectError::Undecodable(_)
                | InspectError::DamagedFlac(_),
            ) => 0.0,
        };
        complete_leg(leg, seconds, ended_at);
    }
    ended_at = ended_at.max(history.latest());
    warn!(
        call.id = %history.id,
        evidence = over.evidence,
        "a call ended without a record; it is closed with what is known"
    );
    let cause = Some(LOST.to_owned());
    let ended = Ended { history, ended_at, hangup_cause: cause };
    ending::write(app, ended).await.map_err(Unclosed::Store)
}

/// A recording holds the talk and nothing else, so one with sound in it proves that the call was
/// answered, and by its length when; or, if that is known, until when.
fn complete_leg(leg: &mut Leg, seconds: f64, sign: Timestamp) {
    leg.cause = Some(LOST.to_owned());
    let length = SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
    if leg.answered_at.is_none() && length > SignedDuration::ZERO {
        leg.answered_at = sign.saturating_sub(length).ok();
    }
    // The last sign is older than the answer where the clock was set back in the talk.
    let recorded_until = leg.answered_at.and_then(|at| at.saturating_add(length).ok());
    let is_older = leg.answered_at.is_some_and(|at| sign < at);
    leg.ended_at = recorded_until.filter(|_| is_older).or(Some(sign));
}

#[cfg(test)]
mod tests;
