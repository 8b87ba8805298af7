//! Completes the calls that went on without the exchange, from FreeSWITCH's call detail records.
//!
//! mod_json_cdr writes `a_<uuid>.cdr.json` for the leg that called in and `<uuid>.cdr.json` for
//! the leg that was dialled, before CHANNEL_HANGUP_COMPLETE, whether or not anybody listens. It
//! does not write atomically: a file counts when it parses.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use exchange::{
    cause::Failure,
    history::{History, Leg},
    model::CallId,
};
use jiff::Timestamp;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::{
    app::App,
    clock,
    ending::{self, Ended},
};

const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A file that cannot be read as JSON after this time will not be finished any more.
const HALF_WRITTEN: Duration = Duration::from_mins(1);
/// Where files go that nothing can be made of.
const ASIDE: &str = "unmatched";

/// What of a CDR is read; the rest is left in the file's oblivion.
#[derive(Debug, Deserialize)]
struct Cdr {
    variables: Variables,
}

#[derive(Debug, Deserialize)]
struct Variables {
    uuid: Uuid,
    /// On the dialled leg: the call it belongs to.
    ustredna_call_id: Option<Uuid>,
    hangup_cause: Option<String>,
    originate_disposition: Option<String>,
    bridge_uuid: Option<Uuid>,
    bridge_uepoch: Option<String>,
    end_uepoch: Option<String>,
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
    let dir = app.settings.cdr.dir.clone();
    let files = tokio::task::spawn_blocking(move || read_all(&dir)).await??;
    if files.is_empty() {
        return Ok(());
    }
    // In this order: a call that ends meanwhile is either still looked after here or settled
    // there, never completed twice.
    let live = app.live.all();
    let open = app.store.open_calls(clock::now()).await?;
    let mut open: HashMap<CallId, History> =
        open.into_iter().map(|history| (history.id, history)).collect();
    for (path, cdr) in &files {
        let call = CallId(cdr.variables.ustredna_call_id.unwrap_or(cdr.variables.uuid));
        // The task that looks after the call writes its end; until then the file is kept.
        if live.contains(&call) {
            continue;
        }
        let is_caller = cdr.variables.ustredna_call_id.is_none();
        let done = match open.remove(&call) {
            Some(history) if is_caller => complete(app, history, &cdr.variables).await,
            // The dialled leg's file alone does not tell the call's end; the caller's follows.
            Some(history) => {
                open.insert(call, history);
                false
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
    let ended_at = time(cdr.end_uepoch.as_deref()).unwrap_or_else(clock::now);
    if let Some(leg) = history.legs.last_mut() {
        complete_leg(leg, cdr, ended_at);
    }
    info!(call.id = %history.id, "a call that went on without the exchange is completed");
    let hangup_cause = cdr.hangup_cause.clone();
    ending::write(app, Ended { history, shopper_phone: None, ended_at, hangup_cause }).await
}

fn complete_leg(leg: &mut Leg, cdr: &Variables, ended_at: Timestamp) {
    leg.ended_at = Some(ended_at);
    leg.cause.clone_from(&cdr.originate_disposition);
    let bridged = time(cdr.bridge_uepoch.as_deref());
    if let (Some(bridged), true) = (bridged, cdr.bridge_uuid == Some(leg.id.0)) {
        leg.answered_at = Some(bridged);
        return;
    }
    // `failure` is what a leg has by default when nothing was originated.
    leg.failure = match cdr.originate_disposition.as_deref() {
        None | Some("ORIGINATOR_CANCEL" | "failure" | "SUCCESS") => None,
        Some(cause) => Some(Failure::from_cause(cause)),
    };
}

/// Microseconds since the epoch; 0 stands for never.
fn time(text: Option<&str>) -> Option<Timestamp> {
    let microseconds: i64 = text?.parse().ok().filter(|value| *value > 0)?;
    Timestamp::from_microsecond(microseconds).ok()
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
            Err(error) if is_old(&path) => set_aside(dir, &path, &error),
            // It is still being written.
            Err(_) => {}
        }
    }
    // The caller's files first: `a_`.
    found.sort_by(|(a, _), (b, _)| b.cmp(a));
    Ok(found)
}

fn read(path: &Path) -> anyhow::Result<Cdr> {
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

fn is_old(path: &Path) -> bool {
    std::fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > HALF_WRITTEN))
}

fn set_aside(dir: &Path, path: &Path, problem: &anyhow::Error) {
    let aside = dir.join(ASIDE);
    let Some(name) = path.file_name() else { return };
    let moved =
        std::fs::create_dir_all(&aside).and_then(|()| std::fs::rename(path, aside.join(name)));
    match moved {
        Ok(()) => warn!(
            file = %aside.join(name).display(),
            problem = %format!("{problem:#}"),
            "a call detail record cannot be read and was put aside"
        ),
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
