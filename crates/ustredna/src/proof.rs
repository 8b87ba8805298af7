//! The recording of a call: its name before, its proof after.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use exchange::{
    call::Dial,
    history::{History, Leg},
    number::PhoneNumber,
    ticket::TicketNumber,
};
use jiff::{Timestamp, tz::TimeZone};
use recordings::{Gap, Media, Proof, Recording, RecordingName, Verdict};
use store::{Recorded, RecordingRow};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::{
    alarm::Alarm, app::App, health::Worker, media, persist::until_stored, place, sidecars,
};

/// The name of a leg's recording, by local time.
pub(crate) fn recording_name(
    history: &History,
    dial: &Dial,
    now: Timestamp,
    zone: &TimeZone,
) -> RecordingName {
    RecordingName::new(
        &now.to_zoned(zone.clone()),
        media::direction(dial.direction),
        dial.pairing.fictitious_number.as_str(),
        dial.dealer.as_ref().map(PhoneNumber::as_str),
        &history.id.to_string(),
    )
}

/// Makes the day's folder, before anybody is rung, and sees that it can be recorded into.
pub(crate) async fn prepare(app: &App, name: &RecordingName) -> anyhow::Result<()> {
    place::ready(app, name.date()).await
}

/// A call that was answered, and what is told of it beside its recording.
pub(crate) struct Talk {
    pub(crate) history: History,
    pub(crate) ended_at: Timestamp,
    pub(crate) hangup_cause: Option<String>,
    pub(crate) ticket: Option<TicketNumber>,
    /// What was counted of its packets, where somebody asked.
    pub(crate) media: Option<Media>,
}

/// Looks at the recording of an answered call: opens it, decodes it, measures it, and writes what
/// it found beside it and into the store.
pub(crate) async fn prove(app: &App, talk: Talk) {
    let Some(leg) = talk.history.legs.last().cloned() else { return };
    // Several may learn that a call is over, and what was proven once is not to be written again.
    match until_stored(&app.health.kept, "a verdict", || app.store.proven_checksum(leg.id)).await {
        Ok(None) => {}
        Ok(Some(_)) => {
            debug!("the recording was proven before");
            return;
        }
        Err(error) => {
            error!(%error, "a recording is not verified: nobody knows whether it was before");
            return;
        }
    }
    let path = leg.recording.in_dir(&app.recordings);
    let length = leg.answered_at.map(|answered| {
        let ended = leg.ended_at.unwrap_or(talk.ended_at);
        Duration::try_from(ended.duration_since(answered)).unwrap_or_default()
    });
    let while_it_went_on = app.talks.take_problem(leg.id);
    let uncounted = || Media::uncounted(media::direction(leg.dial.direction));
    let media = talk.media.clone().unwrap_or_else(uncounted);
    match look(app, path.clone(), length, media.clone()).await {
        Ok(mut proof) => {
            let problems: Vec<String> =
                while_it_went_on.into_iter().chain(proof.problem.take()).collect();
            proof.problem = (!problems.is_empty()).then(|| problems.join("; "));
            tell(&proof, length);
            if !proof.verdict.is_good() {
                raise(app, &talk, &leg, length, &proof);
            }
            if let Err(error) = write(app, &talk, &leg, path, (&proof, &media)).await {
                let error = format!("{error:#}");
                error!(error, "the proof of a recording was not written");
                app.health.note(Worker::Proof, Err(error));
            } else {
                app.health.well(Worker::Proof);
            }
        }
        Err(error) => {
            let problem = format!("{error:#}");
            error!(problem, "a recording cannot be verified");
            app.health.note(Worker::Proof, Err(&problem));
            let unseen = Proof::without_recording(Verdict::Pending, None, problem);
            raise(app, &talk, &leg, length, &unseen);
            let after = app.clock.now().duration_since(talk.ended_at).as_secs_f64();
            app.metrics.recording_judged(unseen.verdict.as_str(), after);
        }
    }
}

/// An operator wants to know of it.
fn raise(app: &App, talk: &Talk, leg: &Leg, length: Option<Duration>, proof: &Proof) {
    app.alarm.raise(Alarm::Recording {
        call: talk.history.id.to_string(),
        path: leg.recording.to_string(),
        verdict: proof.verdict.as_str(),
        seconds: proof.inspection.as_ref().map(|found| found.seconds),
        talk_seconds: length.map(|length| length.as_secs_f64()),
        problem: proof.problem.clone(),
    });
}

async fn look(
    app: &App,
    path: PathBuf,
    talk: Option<Duration>,
    media: Media,
) -> anyhow::Result<Proof> {
    // All processors, and no more at once: the first come are done while the last ones wait.
    let _turn = app.looks.acquire().await?;
    let proof =
        tokio::task::spawn_blocking(move || recordings::verify(&path, talk, &media)).await?;
    proof.context("the recording cannot be read: check the rights of the recordings folder")
}

fn tell(proof: &Proof, talk: Option<Duration>) {
    let talk_seconds = talk.unwrap_or_default().as_secs_f64();
    let seconds = proof.inspection.as_ref().map_or(0.0, |found| found.seconds);
    if proof.verdict == Verdict::Ok {
        info!(seconds, talk_seconds, "recording verified");
    } else {
        warn!(
            verdict = proof.verdict.as_str(),
            seconds,
            talk_seconds,
            problem = proof.problem.as_deref(),
            "the recording is not in order"
        );
    }
}

async fn write(
    app: &App,
    talk: &Talk,
    leg: &Leg,
    path: PathBuf,
    (proof, media): (&Proof, &Media),
) -> anyhow::Result<()> {
    let found = proof.inspection.as_ref();
    // The sidecar first: a proof that is stored is whole. Whatever comes of it, the verdict counts.
    let told = write_sidecar(app, talk, leg, path, proof).await;
    let row = RecordingRow {
        call: talk.history.id,
        leg: leg.id,
        path: leg.recording.clone(),
        seconds: found.map(|found| found.seconds),
        bytes: found.map(|found| found.bytes),
        channels: found.map(|found| found.channels),
        sha256: proof.sha256.clone(),
        verdict: proof.verdict.as_str().to_owned(),
        levels: found.and_then(|found| serde_json::to_string(&found.levels).ok()),
        problem: proof.problem.clone(),
        gaps: gaps_in_json(&proof.gaps),
        media: serde_json::to_string(media).ok(),
        verified_at: Some(app.clock.now()),
        archived_at: None,
        held_at: None,
        held_because: None,
        sidecar: told.as_ref().ok().cloned(),
        deleted_at: None,
        deleted_because: None,
    };
    match until_stored(&app.health.kept, "a verdict", || app.store.record_verdict(&row)).await? {
        Recorded::Written | Recorded::Moved => {}
        // Somebody else was first, and it was another file, or the row is somebody's work.
        Recorded::Contradicted | Recorded::Tampered(_) => {
            error!("a recording is not what was proven; run `ustredna recordings verify --chain`");
        }
    }
    let after = app.clock.now().duration_since(talk.ended_at).as_secs_f64();
    app.metrics.recording_judged(proof.verdict.as_str(), after);
    told.map(drop)
}

/// As they stand in the row of a recording.
pub(crate) fn gaps_in_json(gaps: &[Gap]) -> Option<String> {
    if gaps.is_empty() { None } else { serde_json::to_string(gaps).ok() }
}

async fn write_sidecar(
    app: &App,
    talk: &Talk,
    leg: &Leg,
    path: PathBuf,
    proof: &Proof,
) -> anyhow::Result<String> {
    let Some(name) = RecordingName::parse(std::path::Path::new(leg.recording.reveal())) else {
        anyhow::bail!("its name is of another form");
    };
    let recording = Recording {
        sha256: proof.sha256.clone(),
        gaps: proof.gaps.clone(),
        holds: proof.holds.clone(),
        ..Recording::new(&name, proof.verdict, proof.inspection.as_ref())
    };
    let phone = || sidecars::shopper_phone(&app.store, &app.settings, talk);
    let phone = until_stored(&app.health.kept, "a sidecar", phone).await?;
    let sidecar = sidecars::of(&app.settings, talk, leg, &name, recording, phone);
    sidecars::write(sidecar, path.with_extension("json")).await
}

/// Puts into the chain what an earlier version has proven, one at a time, so that callers do not
/// notice.
pub(crate) async fn adopt(app: Arc<App>, stop: CancellationToken) {
    let go_on = || !stop.is_cancelled();
    match sidecars::adopt(&app.store, &app.recordings, app.clock.now(), go_on).await {
        Ok(0) => {}
        Ok(count) => info!(count, "recordings that were proven before are in the chain now"),
        Err(error) => {
            error!(error = %format!("{error:#}"), "recordings cannot be put into the chain");
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
