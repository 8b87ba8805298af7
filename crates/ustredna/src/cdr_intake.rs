//! Completes the calls that went on without the exchange, from FreeSWITCH's call detail records.
//!
//! mod_json_cdr writes `a_<uuid>.cdr.json` for the leg that called in and `<uuid>.cdr.json` for
//! the leg that was dialled, before CHANNEL_HANGUP_COMPLETE, whether or not anybody listens. It
//! does not write atomically: a file counts when it parses. One that
//! cannot be read waits until it can, and its call stays open as long: what nobody has seen must not be
//! closed as missed.
//!
//! The folder is looked through every two seconds: notifications of the file system do not come over
//! NFS or from another container, may overflow, and would need the same look at every start.
//! Files are taken in a batch at a time, oldest first, since a talk closes the ticket of a miss
//! before it. How long one has waited is told by the steady clock as well as by its times, for the
//! time of day may be set back.

mod counted;
mod folder;

use std::{
    borrow::Cow,
    collections::HashMap,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use exchange::{
    cause::Failure,
    destination::Refusal,
    history::{History, Leg},
    model::CallId,
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use store::{Known, OpenCall, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use self::folder::{Unread, dispose, list, read, set_aside};
pub(crate) use self::{counted::counted, folder::ASIDE};
use crate::{
    alarm::Alarm,
    app::App,
    arrival::Arrival,
    clock::{self, Skew},
    ending::{self, Ended},
    health::Worker,
    service::{Flow, Plan},
    test_call,
};

const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A file that cannot be read as JSON after this time will not be finished any more.
const HALF_WRITTEN: Duration = Duration::from_mins(1);
/// So many files are read at once: at most a few megabytes, and a second or two of the database.
const BATCH: usize = 200;
/// After so many calls in a row that the database does not take, it is asked whether it works; if
/// not, the next look tries again.
const REFUSED_AT_MOST: usize = 3;
/// How old the end of a call must be before it is taken from another exchange, which may be about to
/// write it, or counts as unattended.
const UNATTENDED: SignedDuration = SignedDuration::from_secs(10);
/// How old it may be at most.
const UNATTENDED_AT_MOST: SignedDuration = SignedDuration::from_hours(24);
/// Why the record of a call waits that nobody completes.
const DAMAGED: &str = "the database's row of its call is damaged: `ustredna check` names it; \
    the record completes the call once the row is put right";

/// What of a CDR is read.
#[derive(Debug, Deserialize)]
struct Cdr {
    variables: Variables,
    /// What the dialplan has run, and when.
    #[serde(default)]
    app_log: serde_json::Value,
}

/// A channel's variables at its end.
#[derive(Deserialize)]
#[serde(transparent)]
struct Variables(HashMap<String, serde_json::Value>);

impl std::fmt::Debug for Variables {
    // They hold phone numbers.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variables").field("count", &self.0.len()).finish()
    }
}

impl Variables {
    /// A leg of FreeSWITCH's profile for test calls, whoever dialled there: anybody on the machine
    /// can, and what they dial is nobody's call.
    fn is_of_test(&self) -> bool {
        self.get(test_call::VARIABLE).is_some()
            || self.get("sofia_profile_name") == Some(test_call::PROFILE)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str().filter(|value| !value.is_empty())
    }

    /// The same whatever the case of its letters: a header's name is as the carrier wrote it.
    fn header(&self, name: &str) -> Option<&str> {
        self.get(name).or_else(|| {
            let (written, _) = self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
            self.get(written)
        })
    }

    fn uuid(&self, name: &str) -> Option<Uuid> {
        self.get(name)?.parse().ok()
    }

    /// Microseconds since the epoch; 0 stands for never.
    fn time(&self, name: &str) -> Option<Timestamp> {
        let microseconds: i64 = self.get(name)?.parse().ok().filter(|value| *value > 0)?;
        Timestamp::from_microsecond(microseconds).ok()
    }

    /// The call the leg belongs to: the dialled one names it, the caller's is it.
    fn call(&self) -> Option<CallId> {
        self.uuid("ustredna_call_id").or_else(|| self.uuid("uuid")).map(CallId)
    }

    fn is_caller(&self) -> bool {
        self.get("ustredna_call_id").is_none()
    }
}

/// The files that wait.
#[derive(Debug, Default)]
pub(crate) struct Waiting(HashMap<PathBuf, Seen>);

#[derive(Debug)]
struct Seen {
    first: Instant,
    /// What is wrong with it has been told.
    told: bool,
}

impl Waiting {
    fn keep_to(&mut self, files: &[PathBuf]) {
        if self.0.is_empty() {
            return;
        }
        let there: std::collections::HashSet<&PathBuf> = files.iter().collect();
        self.0.retain(|path, _| there.contains(path));
    }

    fn seen(&mut self, path: &Path) -> &mut Seen {
        let first = clock::instant();
        self.0.entry(path.to_owned()).or_insert(Seen { first, told: false })
    }

    fn since(&mut self, path: &Path) -> Duration {
        clock::instant().saturating_duration_since(self.seen(path).first)
    }

    /// Tells once what is wrong with a file.
    fn tell(&mut self, app: &App, path: &Path, problem: &str) {
        if !std::mem::replace(&mut self.seen(path).told, true) {
            let file = path.display().to_string();
            error!(file, problem, "a call detail record waits");
            let problem = format!("a call detail record waits in cdr.dir: {problem}");
            app.alarm.raise(Alarm::Folder { problem });
        }
    }
}

/// What becomes of a file.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// Everything in it is stored.
    Done,
    /// It is looked at again.
    Waits,
    /// The same, since the database did not take it, and why.
    Refused(StoreError),
    /// The same, since what the database holds of the call cannot be read.
    Damaged,
    /// Nothing can be made of it.
    Aside,
}

/// Looks through the folder until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let taking = async {
            look.tick().await;
            let turn = take_in(&app).await.map_err(|error| format!("{error:#}"));
            app.health.note(Worker::Intake, turn);
        };
        // Broken off anywhere, it is done again after the next start.
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = taking => {}
        }
    }
}

/// Takes in every file there is, once.
pub(crate) async fn take_in(app: &Arc<App>) -> anyhow::Result<()> {
    take(app, usize::MAX).await
}

/// Takes in the oldest files.
pub(crate) async fn take_first(app: &Arc<App>) -> anyhow::Result<()> {
    take(app, 1).await
}

async fn take(app: &Arc<App>, batches: usize) -> anyhow::Result<()> {
    // Asked for by two workers; a file is taken in once.
    let mut waiting = app.intake.lock().await;
    let dir = app.settings.cdr.dir.clone();
    let files = tokio::task::spawn_blocking(move || list(&dir)).await??;
    waiting.keep_to(&files);
    app.metrics.cdrs_waiting(files.len());
    let mut waits = None;
    for batch in files.chunks(BATCH).take(batches) {
        let paths = batch.to_vec();
        let read = tokio::task::spawn_blocking(move || {
            paths.into_iter().map(|path| (read(&path), path)).collect::<Vec<_>>()
        });
        waits = take_batch(app, read.await?, &mut waiting).await?.or(waits);
        // Ten thousand take many batches.
        app.health.works(Worker::Intake);
    }
    // The others are taken in all the same.
    waits.map_or(Ok(()), Err)
}

async fn take_batch(
    app: &Arc<App>,
    files: Vec<(Result<Cdr, Unread>, PathBuf)>,
    waiting: &mut Waiting,
) -> anyhow::Result<Option<anyhow::Error>> {
    // In this order: a call that ends meanwhile is either still looked after here or settled
    // there, never completed twice.
    let live = app.live.all();
    let open = app.store.open_calls().await?;
    let mut open: HashMap<CallId, OpenCall> =
        open.into_iter().map(|call| (call.history.id, call)).collect();
    let (mut refused, mut why) = (0, None);
    for (cdr, path) in files {
        let seen = waiting.since(&path);
        if cdr.as_ref().is_ok_and(|cdr| cdr.variables.is_of_test()) {
            // Of nobody's call; whoever attends to a test looks for it.
            if seen >= test_call::RECORDS_LIE && tokio::fs::remove_file(&path).await.is_ok() {
                waiting.0.remove(&path);
            }
            continue;
        }
        let fate = match cdr {
            Ok(Cdr { variables, .. }) => match variables.call() {
                // The task that looks after the call writes its end; until then the file is kept.
                Some(call) if live.contains(&call) => Fate::Waits,
                Some(call) => {
                    let fate = fate(app, call, &variables, &mut open, seen).await?;
                    if fate == Fate::Damaged {
                        waiting.tell(app, &path, DAMAGED);
                    }
                    fate
                }
                None => Fate::Aside,
            },
            // Somebody took it away meanwhile.
            Err(Unread::Closed(error)) if error.kind() == ErrorKind::NotFound => Fate::Waits,
            // It is still being written.
            Err(Unread::Torn(_)) if seen <= HALF_WRITTEN => Fate::Waits,
            // Nobody knows what is in it, so it must not be lost sight of.
            Err(error @ Unread::Closed(_)) => {
                waiting.tell(app, &path, &error.to_string());
                Fate::Waits
            }
            Err(error @ (Unread::Torn(_) | Unread::Strange | Unread::Nameless)) => {
                warn!(problem = %error, "a call detail record cannot be read and is put aside");
                Fate::Aside
            }
        };
        // One call that the database does not take keeps up no other; after some it may be the
        // database, which is asked.
        refused = if matches!(fate, Fate::Refused(_)) { refused + 1 } else { 0 };
        if refused == REFUSED_AT_MOST {
            app.store.ping().await.context("the database does not take the ends of calls")?;
            refused = 0;
        }
        let (dir, keep) = (app.settings.cdr.dir.clone(), app.settings.cdr.keep.clone());
        let file = path.clone();
        let moved = match &fate {
            Fate::Done => tokio::task::spawn_blocking(move || dispose(&keep, &file)).await?,
            Fate::Aside => tokio::task::spawn_blocking(move || set_aside(&dir, &file)).await?,
            Fate::Waits | Fate::Damaged => continue,
            Fate::Refused(error) => {
                why = Some(
                    anyhow::Error::new(error.clone())
                        .context("the end of a call cannot be stored; its record waits"),
                );
                continue;
            }
        };
        // What stays is looked at again and again, to no effect.
        if let Err(error) = moved {
            let cdr = &app.settings.cdr;
            let is_kept = fate == Fate::Done && !cdr.keep.as_os_str().is_empty();
            let (key, to) = if is_kept { ("cdr.keep", &cdr.keep) } else { ("cdr.dir", &cdr.dir) };
            let problem = format!("it cannot be taken away: {key} ({}): {error}", to.display());
            waiting.tell(app, &path, &problem);
            why = Some(anyhow::anyhow!("a call detail record is stored, but {problem}"));
            continue;
        }
        waiting.0.remove(&path);
        if fate == Fate::Done {
            app.metrics.cdr_taken_in();
        } else {
            app.metrics.cdr_put_aside();
        }
    }
    Ok(why)
}

/// Whether a record of the call lies in the folder, whole or not.
pub(crate) async fn lies_there(app: &App, call: CallId) -> bool {
    let record = app.settings.cdr.dir.join(format!("a_{call}.cdr.json"));
    tokio::fs::symlink_metadata(record).await.is_ok()
}

async fn fate(
    app: &Arc<App>,
    call: CallId,
    cdr: &Variables,
    open: &mut HashMap<CallId, OpenCall>,
    seen: Duration,
) -> anyhow::Result<Fate> {
    let ended_at = cdr.time("end_uepoch").unwrap_or_else(|| app.clock.now());
    let seen = SignedDuration::try_from(seen).unwrap_or(SignedDuration::MAX);
    // One exchange or the other may have its clock set back.
    let is_fresh = app.clock.now().duration_since(ended_at).max(seen) < UNATTENDED;
    match open.remove(&call) {
        Some(found) if cdr.is_caller() && !(found.elsewhere && is_fresh) => {
            Ok(stored(complete(app, found.history, cdr, ended_at).await))
        }
        // The dialled leg's file alone does not tell the call's end; the caller's follows.
        Some(found) => {
            open.insert(call, found);
            Ok(Fate::Waits)
        }
        None => match app.store.is_known(call).await? {
            Known::Ended => Ok(Fate::Done),
            // Another exchange that shares the database may be about to write the row, or its end.
            Known::Open | Known::Not if is_fresh => Ok(Fate::Waits),
            // What it came to must not be guessed.
            Known::Open => Ok(Fate::Damaged),
            Known::Not if cdr.is_caller() => unattended(app, call, cdr, ended_at).await,
            // Nobody is dialled without a row: it is of another exchange, with a state of its own.
            Known::Not => Ok(unmatched(call)),
        },
    }
}

fn unmatched(call: CallId) -> Fate {
    warn!(call.id = %call, "a call detail record that matches no call is put aside");
    Fate::Aside
}

async fn complete(
    app: &Arc<App>,
    mut history: History,
    cdr: &Variables,
    ended_at: Timestamp,
) -> Result<(), StoreError> {
    // The record's times are FreeSWITCH's, the row's are ours.
    let skew = Skew::of(history.switch_ahead);
    let ended_at = skew.ours(ended_at).max(history.latest());
    if let Some(leg) = history.legs.last_mut().filter(|leg| leg.ended_at.is_none()) {
        complete_leg(leg, cdr, skew, ended_at);
    }
    info!(call.id = %history.id, "a call that went on without the exchange is completed");
    let hangup_cause = cdr.get("hangup_cause").map(str::to_owned);
    // One try: the file is still there at the next look.
    ending::write(app, Ended { history, ended_at, hangup_cause }).await
}

/// A call that no exchange has written a row for: none was running, or it died before anybody was
/// dialled. A dealer who called back is missed all the same.
async fn unattended(
    app: &Arc<App>,
    call: CallId,
    cdr: &Variables,
    ended_at: Timestamp,
) -> anyhow::Result<Fate> {
    let dialled_in = app.settings.switch.dialled_in;
    let variable = |name: &str| cdr.header(name).map(Cow::from);
    let arrival = Arrival::of(call, false, &app.rules, dialled_in, variable);
    let now = app.clock.now();
    // There is no row to compare with; but a record of the future is of an older clock.
    let skew = Skew::between(ended_at.max(now), now);
    let ended_at = skew.ours(ended_at);
    let started_at = cdr.time("start_uepoch").map_or(ended_at, |began| skew.ours(began));
    // The two talked: another exchange, with a state of its own, attended to it. And nobody wants
    // to be told of last month's calls when an old folder turns up.
    let age = now.duration_since(ended_at);
    if cdr.time("bridge_uepoch").is_some() || age > UNATTENDED_AT_MOST {
        return Ok(unmatched(call));
    }
    let cause = cdr.get("hangup_cause").map(str::to_owned);
    let Flow { mut history, plan } = Flow::begin(app, &arrival, started_at, false).await;
    plan.miss(app, &mut history, ended_at, cause.clone());
    match plan {
        // Asked again at the next look.
        Plan::Unreadable | Plan::Unavailable(_) => {
            return Ok(Fate::Refused(StoreError::NoAnswer));
        }
        Plan::FictitiousNumber { .. } if !history.legs.is_empty() => {}
        Plan::FictitiousNumber { .. } => history.refusal = Some(Refusal::UnpairedNumber),
        Plan::UnknownNumber => history.refusal = Some(Refusal::UnknownNumber),
        Plan::Forwarded => history.refusal = Some(Refusal::Forwarded),
        Plan::OutboundHotline(None) | Plan::CallbackHotline(None) => {
            history.refusal = Some(Refusal::UnknownCaller);
        }
        Plan::OutboundHotline(Some(_)) | Plan::CallbackHotline(Some(_)) => {}
    }
    info!(call.id = %call, service = %history.service, "a call that no exchange attended to");
    let ended = Ended { history, ended_at, hangup_cause: cause };
    Ok(stored(ending::write(app, ended).await))
}

fn stored(written: Result<(), StoreError>) -> Fate {
    written.map_or_else(Fate::Refused, |()| Fate::Done)
}

/// Stands for the cause of a leg that was answered and never connected, where FreeSWITCH names none.
pub(crate) const UNCONNECTED: &str = "INCOMPATIBLE_DESTINATION";

fn complete_leg(leg: &mut Leg, cdr: &Variables, skew: Skew, ended_at: Timestamp) {
    leg.ended_at = Some(ended_at);
    let disposition = cdr.get("originate_disposition");
    leg.cause = disposition.map(str::to_owned);
    let bridged = cdr.time("bridge_uepoch");
    if let (Some(bridged), true) = (bridged, cdr.uuid("bridge_uuid") == Some(leg.id.0)) {
        leg.answered_at = Some(skew.ours(bridged));
        return;
    }
    let gave_up = cdr.get("sip_hangup_disposition") == Some("recv_bye");
    if disposition == Some("SUCCESS") && cdr.uuid("bridge_uuid").is_none() {
        // The called side picked up, and was never connected; whoever saw it begin was mistaken.
        leg.answered_at = None;
        let cause = cdr.get("last_bridge_hangup_cause").unwrap_or(UNCONNECTED);
        leg.cause = Some(cause.to_owned());
        leg.failure = (!gave_up).then(|| Failure::from_cause(cause));
        return;
    }
    // `failure` is what a leg has by default when nothing was originated.
    leg.failure = match disposition {
        None | Some("ORIGINATOR_CANCEL" | "failure" | "SUCCESS") => None,
        Some(cause) => Some(Failure::from_cause(cause)),
    };
}

/// The regular files among the records that wait.
pub(crate) fn records(dir: &Path) -> Vec<PathBuf> {
    let mut records = list(dir).unwrap_or_default();
    records.retain(|path| path.symlink_metadata().is_ok_and(|found| found.is_file()));
    records
}

/// How many records lie aside.
pub(crate) fn aside(dir: &Path) -> usize {
    std::fs::read_dir(dir.join(ASIDE)).map_or(0, |entries| entries.flatten().count())
}

#[cfg(test)]
pub(crate) mod tests;
