//! Completes the calls that went on without the exchange, from FreeSWITCH's call detail records.
//!
//! mod_json_cdr writes `a_<uuid>.cdr.json` for the leg that called in and `<uuid>.cdr.json` for
//! the leg that was dialled, before CHANNEL_HANGUP_COMPLETE, whether or not anybody listens. It
//! does not write atomically: a file counts when it parses.

use std::{
    borrow::Cow,
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
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
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::{
    app::App,
    arrival::Arrival,
    ending::{self, Ended},
    service::{Flow, Plan},
};

const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A file that cannot be read as JSON after this time will not be finished any more.
const HALF_WRITTEN: Duration = Duration::from_mins(1);
/// How old the end of a call without a row must be before it counts as unattended.
const UNATTENDED: SignedDuration = SignedDuration::from_secs(10);
/// How old it may be at most.
const UNATTENDED_AT_MOST: SignedDuration = SignedDuration::from_hours(24);
/// Where files go that nothing can be made of.
const ASIDE: &str = "unmatched";

/// What of a CDR is read.
#[derive(Deserialize)]
struct Cdr {
    variables: Variables,
}

/// A channel's variables at its end.
#[derive(Deserialize)]
#[serde(transparent)]
struct Variables(HashMap<String, String>);

impl Variables {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
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

/// Looks through the folder until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            _ = look.tick() => {
                if let Err(error) = take_in(&app).await {
                    error!(error = %format!("{error:#}"), "call detail records cannot be taken in");
                }
            }
            () = stop.cancelled() => return,
        }
    }
}

/// Takes in every file there is, once.
pub(crate) async fn take_in(app: &App) -> anyhow::Result<()> {
    // Asked for by two workers; a file is taken in once.
    let _taking = app.intake.lock().await;
    let dir = app.settings.cdr.dir.clone();
    let files = tokio::task::spawn_blocking(move || read_all(&dir)).await??;
    if files.is_empty() {
        return Ok(());
    }
    // In this order: a call that ends meanwhile is either still looked after here or settled
    // there, never completed twice.
    let live = app.live.all();
    let open = app.store.open_calls(app.clock.now()).await?;
    let mut open: HashMap<CallId, History> =
        open.into_iter().map(|history| (history.id, history)).collect();
    for (path, cdr) in &files {
        let variables = &cdr.variables;
        let Some(call) = variables.call() else { continue };
        // The task that looks after the call writes its end; until then the file is kept.
        if live.contains(&call) {
            continue;
        }
        let done = match open.remove(&call) {
            Some(history) if variables.is_caller() => complete(app, history, variables).await,
            // The dialled leg's file alone does not tell the call's end; the caller's follows.
            Some(history) => {
                open.insert(call, history);
                false
            }
            None if variables.is_caller() && !app.store.is_known(call).await? => {
                unattended(app, call, variables, path).await?
            }
            None => true,
        };
        if done {
            remove(path).await;
        }
    }
    Ok(())
}

async fn complete(app: &App, mut history: History, cdr: &Variables) -> bool {
    let ended_at = cdr.time("end_uepoch").unwrap_or_else(|| app.clock.now());
    if let Some(leg) = history.legs.last_mut() {
        complete_leg(leg, cdr, ended_at);
    }
    info!(call.id = %history.id, "a call that went on without the exchange is completed");
    let hangup_cause = cdr.get("hangup_cause").map(str::to_owned);
    // One try: the file is still there at the next look.
    ending::write(app, Ended { history, shopper_phone: None, ended_at, hangup_cause }, &[]).await
}

/// A call that no exchange has written a row for: none was running, or it died before anybody was
/// dialled. A dealer who called back is missed all the same.
async fn unattended(app: &App, call: CallId, cdr: &Variables, path: &Path) -> anyhow::Result<bool> {
    let arrival = Arrival::of(call, false, &app.rules, |name| cdr.get(name).map(Cow::from));
    let ended_at = cdr.time("end_uepoch").unwrap_or_else(|| app.clock.now());
    let started_at = cdr.time("start_uepoch").unwrap_or(ended_at);
    // Another exchange that shares the database may be about to write the row.
    let age = app.clock.now().duration_since(ended_at);
    if age < UNATTENDED {
        return Ok(false);
    }
    // The two talked: another exchange, with a state of its own, attended to it. And nobody wants
    // to be told of last month's calls when an old folder turns up.
    if cdr.time("bridge_uepoch").is_some() || age > UNATTENDED_AT_MOST {
        warn!(call.id = %call, "a call detail record that matches no call is put aside");
        set_aside(&app.settings.cdr.dir, path);
        return Ok(false);
    }
    let cause = cdr.get("hangup_cause").map(str::to_owned);
    let Flow { mut history, shopper_phone, plan } =
        Flow::begin(app, &arrival, started_at, false).await;
    plan.miss(app, &mut history, ended_at, cause.clone());
    match plan {
        // Asked again at the next look.
        Plan::Unavailable(_) => return Ok(false),
        Plan::FictitiousNumber { .. } if !history.legs.is_empty() => {}
        Plan::FictitiousNumber { .. } => history.refusal = Some(Refusal::UnpairedNumber),
        Plan::UnknownNumber => history.refusal = Some(Refusal::UnknownNumber),
        Plan::OutboundHotline(None) | Plan::CallbackHotline(None) => {
            history.refusal = Some(Refusal::UnknownCaller);
        }
        Plan::OutboundHotline(Some(_)) | Plan::CallbackHotline(Some(_)) => {}
    }
    info!(call.id = %call, service = %history.service, "a call that no exchange attended to");
    Ok(ending::write(app, Ended { history, shopper_phone, ended_at, hangup_cause: cause }, &[])
        .await)
}

fn complete_leg(leg: &mut Leg, cdr: &Variables, ended_at: Timestamp) {
    leg.ended_at = Some(ended_at);
    let disposition = cdr.get("originate_disposition");
    leg.cause = disposition.map(str::to_owned);
    let bridged = cdr.time("bridge_uepoch");
    if let (Some(bridged), true) = (bridged, cdr.uuid("bridge_uuid") == Some(leg.id.0)) {
        leg.answered_at = Some(bridged);
        return;
    }
    // `failure` is what a leg has by default when nothing was originated.
    leg.failure = match disposition {
        None | Some("ORIGINATOR_CANCEL" | "failure" | "SUCCESS") => None,
        Some(cause) => Some(Failure::from_cause(cause)),
    };
}

fn read_all(dir: &Path) -> anyhow::Result<Vec<(PathBuf, Cdr)>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        // FreeSWITCH makes it with the first call.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cdr.dir {}", dir.display()));
        }
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cdr.dir {}", dir.display()))?.path();
        if !path.to_str().is_some_and(|name| name.ends_with(".cdr.json")) {
            continue;
        }
        match read(&path) {
            Ok(cdr) => found.push((path, cdr)),
            Err(error) if is_old(&path) => {
                let problem = format!("{error:#}");
                warn!(problem, "a call detail record cannot be read and is put aside");
                set_aside(dir, &path);
            }
            // It is still being written.
            Err(_) => {}
        }
    }
    Ok(found)
}

/// FreeSWITCH passes on a display name's bytes as they came, UTF-8 or not.
fn read(path: &Path) -> anyhow::Result<Cdr> {
    let bytes = std::fs::read(path)?;
    let cdr: Cdr = serde_json::from_str(&String::from_utf8_lossy(&bytes))?;
    anyhow::ensure!(cdr.variables.call().is_some(), "it names no call");
    Ok(cdr)
}

fn is_old(path: &Path) -> bool {
    std::fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > HALF_WRITTEN))
}

fn set_aside(dir: &Path, path: &Path) {
    let aside = dir.join(ASIDE);
    let Some(name) = path.file_name() else { return };
    let moved =
        std::fs::create_dir_all(&aside).and_then(|()| std::fs::rename(path, aside.join(name)));
    match moved {
        Ok(()) => info!(file = %aside.join(name).display(), "put aside"),
        Err(error) => error!(%error, "a call detail record cannot be put aside"),
    }
}

async fn remove(path: &Path) {
    if let Err(error) = tokio::fs::remove_file(path).await {
        warn!(%error, "a call detail record that was taken in cannot be removed");
    }
}

#[cfg(test)]
mod tests;
