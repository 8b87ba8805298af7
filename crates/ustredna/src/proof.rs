//! The recording of a call: its name before, its proof after.

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use exchange::{
    call::{Dial, Direction},
    history::{History, Leg},
    model::Outcome,
    number::PhoneNumber,
    ticket::TicketNumber,
};
use jiff::{Timestamp, tz::TimeZone};
use recordings::{LocalTime, Proof, Recording, RecordingName, Sidecar, Verdict};
use store::RecordingRow;
use tracing::{error, info, warn};

use crate::{alarm::Alarm, app::App, health::Worker, persist::until_stored, place};

/// The name of a leg's recording, by local time.
pub(crate) fn recording_name(
    history: &History,
    dial: &Dial,
    now: Timestamp,
    zone: &TimeZone,
) -> RecordingName {
    let direction = match dial.direction {
        Direction::Out => recordings::Direction::Out,
        Direction::Back => recordings::Direction::Back,
        Direction::Return => recordings::Direction::Return,
    };
    RecordingName::new(
        &now.to_zoned(zone.clone()),
        direction,
        dial.pairing.fictitious_number.as_str(),
        dial.dealer.as_ref().map(PhoneNumber::as_str),
        &history.id.to_string(),
    )
}

/// Makes the day's folder, before anybody is rung, and sees that it can be recorded into.
pub(crate) async fn prepare(app: &App, name: &RecordingName) -> anyhow::Result<()> {
    place::ready(app, Some(name.date())).await
}

/// A call that was answered, and what is told of it beside its recording.
pub(crate) struct Talk {
    pub(crate) history: History,
    pub(crate) ended_at: Timestamp,
    pub(crate) hangup_cause: Option<String>,
    pub(crate) ticket: Option<TicketNumber>,
}

/// Looks at the recording of an answered call: opens it, decodes it, measures it, and writes what
/// it found beside it and into the store.
pub(crate) async fn prove(app: &App, talk: Talk) {
    let Some(leg) = talk.history.legs.last().cloned() else { return };
    let path = leg.recording.in_dir(&app.recordings);
    let length = leg.answered_at.map(|answered| {
        let ended = leg.ended_at.unwrap_or(talk.ended_at);
        Duration::try_from(ended.duration_since(answered)).unwrap_or_default()
    });
    let while_it_went_on = app.talks.take_problem(leg.id);
    match look(app, path.clone(), length).await {
        Ok(mut proof) => {
            let problems: Vec<String> =
                while_it_went_on.into_iter().chain(proof.problem.take()).collect();
            proof.problem = (!problems.is_empty()).then(|| problems.join("; "));
            tell(&proof, length);
            if !proof.verdict.is_good() {
                raise(app, &talk, &leg, length, &proof);
            }
            if let Err(error) = write(app, &talk, &leg, path, &proof).await {
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
            let unseen =
                Proof { verdict: Verdict::Pending, inspection: None, problem: Some(problem) };
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

async fn look(app: &App, path: PathBuf, talk: Option<Duration>) -> anyhow::Result<Proof> {
    // All processors, and no more at once: the first come are done while the last ones wait.
    let _turn = app.looks.acquire().await?;
    let proof = tokio::task::spawn_blocking(move || recordings::verify(&path, talk)).await?;
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
    proof: &Proof,
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
        sha256: found.map(|found| found.sha256.clone()),
        verdict: proof.verdict.as_str().to_owned(),
        levels: found.and_then(|found| serde_json::to_string(&found.levels).ok()),
        problem: proof.problem.clone(),
        verified_at: Some(app.clock.now()),
        archived_at: None,
        held_at: None,
        held_because: None,
        deleted_at: None,
        deleted_because: None,
    };
    until_stored("a verdict", || app.store.record_verdict(&row)).await?;
    let after = app.clock.now().duration_since(talk.ended_at).as_secs_f64();
    app.metrics.recording_judged(proof.verdict.as_str(), after);
    told
}

async fn write_sidecar(
    app: &App,
    talk: &Talk,
    leg: &Leg,
    path: PathBuf,
    proof: &Proof,
) -> anyhow::Result<()> {
    let found = proof.inspection.as_ref();
    let Some(name) = RecordingName::parse(std::path::Path::new(leg.recording.reveal())) else {
        anyhow::bail!("its name is of another form");
    };
    let mut sidecar = sidecar(app, talk, leg, Recording::new(&name, proof.verdict, found), &name);
    if let (true, Some(shopper)) =
        (app.settings.recordings.shopper_in_sidecar, talk.history.shopper)
    {
        let phone = until_stored("a sidecar", || app.store.phone_of(shopper)).await?;
        sidecar.shopper_phone = phone.map(|phone| phone.as_str().to_owned());
    }
    let beside = path.with_extension("json");
    tokio::task::spawn_blocking(move || sidecar.write(&beside)).await??;
    Ok(())
}

fn sidecar(
    app: &App,
    talk: &Talk,
    leg: &Leg,
    recording: Recording,
    name: &RecordingName,
) -> Sidecar {
    let settings = &app.settings;
    let zone = &settings.exchange.timezone.0;
    let local = |at: Timestamp| LocalTime::from(&at.to_zoned(zone.clone()));
    let ended_at = leg.ended_at.unwrap_or(talk.ended_at);
    Sidecar {
        call: talk.history.id.to_string(),
        service: talk.history.service.as_str().to_owned(),
        direction: name.direction(),
        fictitious_number: leg.dial.pairing.fictitious_number.as_str().to_owned(),
        dealer: leg.dial.dealer.as_ref().map(|dealer| dealer.as_str().to_owned()),
        project: leg.dial.pairing.project.clone(),
        shopper_id: talk.history.shopper.map(|shopper| shopper.to_string()),
        shopper_phone: None,
        started_at: local(talk.history.started_at),
        answered_at: leg.answered_at.map(local),
        ended_at: Some(local(talk.ended_at)),
        talk_seconds: leg
            .answered_at
            .map(|answered| ended_at.duration_since(answered).as_secs_f64()),
        outcome: Outcome::Answered.as_str().to_owned(),
        hangup_cause: talk.hangup_cause.clone(),
        ticket: talk.ticket.map(TicketNumber::value),
        recording,
    }
}

#[cfg(test)]
pub(crate) mod tests;
