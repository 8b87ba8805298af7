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

use crate::app::App;

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

/// Makes the day's folder, before anybody is rung.
pub(crate) async fn prepare(app: &App, name: &RecordingName) -> anyhow::Result<()> {
    let (dir, date) = (app.recordings.clone(), name.date());
    tokio::task::spawn_blocking(move || recordings::prepare_day(&dir, date)).await??;
    Ok(())
}

/// A call that was answered, and what is told of it beside its recording.
pub(crate) struct Talk {
    pub(crate) history: History,
    pub(crate) shopper_phone: Option<PhoneNumber>,
    pub(crate) ended_at: Timestamp,
    pub(crate) hangup_cause: Option<String>,
    pub(crate) ticket: Option<TicketNumber>,
}

/// Looks at the recording of an answered call: opens it, decodes it, measures it, and writes what
/// it found beside it and into the store.
pub(crate) async fn prove(app: &App, talk: Talk) {
    let Some(leg) = talk.history.legs.last().cloned() else { return };
    let path = app.recordings.join(&leg.recording);
    let length = leg.answered_at.map(|answered| {
        let ended = leg.ended_at.unwrap_or(talk.ended_at);
        Duration::try_from(ended.duration_since(answered)).unwrap_or_default()
    });
    match look(path.clone(), length).await {
        Ok(proof) => {
            tell(&proof, length);
            if let Err(error) = write(app, &talk, &leg, path, &proof).await {
                error!(error = %format!("{error:#}"), "the proof of a recording was not written");
            }
        }
        Err(error) => {
            error!(error = %format!("{error:#}"), "a recording cannot be verified");
        }
    }
}

async fn look(path: PathBuf, talk: Option<Duration>) -> anyhow::Result<Proof> {
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
    app.store
        .record_verdict(&RecordingRow {
            call: talk.history.id,
            leg: leg.id,
            path: leg.recording.clone(),
            seconds: found.map(|found| found.seconds),
            bytes: found.map(|found| found.bytes),
            channels: found.map(|found| found.channels),
            sha256: found.map(|found| found.sha256.clone()),
            verdict: proof.verdict.as_str().to_owned(),
        })
        .await?;
    let Some(name) = RecordingName::parse(std::path::Path::new(&leg.recording)) else {
        anyhow::bail!("its name is of another form");
    };
    let sidecar = sidecar(app, talk, leg, Recording::new(&name, proof.verdict, found), &name);
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
        shopper_phone: talk
            .shopper_phone
            .as_ref()
            .filter(|_| settings.recordings.shopper_in_sidecar)
            .map(|phone| phone.as_str().to_owned()),
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
