//! What stands beside a recording: written from what the store knows of the call, and known by its
//! checksum from then on.

use std::path::{Path, PathBuf};

use exchange::{history::Leg, model::Outcome, number::PhoneNumber, ticket::TicketNumber};
use jiff::Timestamp;
use recordings::{InspectError, LocalTime, Recording, RecordingName, Sidecar};
use store::{ProvenWav, RecordingRow, Store, StoreError};
use tokio::task::spawn_blocking;

use crate::{proof::Talk, settings::Settings};

/// The shopper's real number, if it may be told beside the recording.
pub(crate) async fn shopper_phone(
    store: &Store,
    settings: &Settings,
    talk: &Talk,
) -> Result<Option<String>, StoreError> {
    let shopper = talk.history.shopper.filter(|_| settings.recordings.shopper_in_sidecar);
    let Some(shopper) = shopper else { return Ok(None) };
    Ok(store.phone_of(shopper).await?.map(|phone| phone.as_str().to_owned()))
}

/// What is to stand beside the recording of `leg`.
pub(crate) fn of(
    settings: &Settings,
    talk: &Talk,
    leg: &Leg,
    name: &RecordingName,
    recording: Recording,
    shopper_phone: Option<String>,
) -> Sidecar {
    let zone = &settings.exchange.timezone.0;
    let local = |at: Timestamp| LocalTime::from(&at.to_zoned(zone.clone()));
    let ended_at = leg.ended_at.unwrap_or(talk.ended_at);
    Sidecar {
        call: talk.history.id.to_string(),
        service: talk.history.service.as_str().to_owned(),
        direction: name.direction(),
        fictitious_number: leg.dial.pairing.fictitious_number.as_str().to_owned(),
        dealer: leg.dial.dealer.as_ref().map(|dealer: &PhoneNumber| dealer.as_str().to_owned()),
        project: leg.dial.pairing.project.clone(),
        shopper_id: talk.history.shopper.map(|shopper| shopper.to_string()),
        shopper_phone,
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

/// Writes it, and tells its checksum.
pub(crate) async fn write(sidecar: Sidecar, path: PathBuf) -> anyhow::Result<String> {
    spawn_blocking(move || {
        sidecar.write(&path)?;
        Ok(sidecar.checksum()?)
    })
    .await?
}

/// What stands beside a recording, held against what was written there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    /// The file that was written.
    Ours,
    /// Nothing, and nothing ever was.
    Never,
    /// A file, though none was written that anybody would know of; it agrees with the row. Its
    /// checksum.
    Found(String),
    /// Something else, or nothing.
    Wrong(String),
}

/// The exchange writes none that is longer.
const LONGEST: u64 = 1_000_000;

/// The checksum of a `.json`; one that is too long to be one is not read.
pub(crate) fn checksum(path: &Path) -> Result<String, InspectError> {
    match path.symlink_metadata() {
        Ok(found) if found.is_file() && found.len() > LONGEST => Err(InspectError::TooLarge),
        _ => recordings::checksum(path),
    }
}

/// Looks at the `.json` beside the recording of `row`; blocks.
pub(crate) fn look(dir: &Path, row: &RecordingRow) -> Beside {
    let path = row.path.in_dir(dir).with_extension("json");
    let wrong = |problem: &str| Beside::Wrong(problem.to_owned());
    let found = match (checksum(&path), &row.sidecar) {
        (Err(InspectError::Missing), None) => return Beside::Never,
        (Err(InspectError::Missing), Some(_)) => return wrong("the .json beside it is gone"),
        (Err(InspectError::TooLarge), _) => {
            return wrong("the .json beside it is longer than any that the exchange writes");
        }
        (Err(error), _) => return Beside::Wrong(format!("the .json beside it: {error}")),
        (Ok(found), Some(written)) if found == *written => return Beside::Ours,
        (Ok(found), _) => found,
    };
    let sidecar = match Sidecar::read(&path) {
        Ok(sidecar) => sidecar,
        Err(error) => return Beside::Wrong(format!("the .json beside it: {error}")),
    };
    let told = sidecar.recording.sha256;
    if sidecar.call != row.call.to_string() {
        wrong("the .json beside it is of another call")
    } else if told.is_some() && told != row.sha256 {
        wrong("the .json beside it tells another checksum than the database")
    } else if row.sidecar.is_some() {
        wrong("the .json beside it was changed since it was written")
    } else {
        Beside::Found(found)
    }
}

/// Puts the recordings into the chain that were proven before there was one, with the sidecars that
/// stand beside them. Stops when `go_on` says so.
pub(crate) async fn adopt(
    store: &Store,
    dir: &Path,
    now: Timestamp,
    go_on: impl Fn() -> bool,
) -> anyhow::Result<usize> {
    let mut count = 0;
    for row in store.unchained_recordings().await? {
        if !go_on() {
            break;
        }
        let leg = row.leg;
        let dir = dir.to_owned();
        let beside = spawn_blocking(move || look(&dir, &row)).await?;
        let sidecar = if let Beside::Found(sidecar) = beside { Some(sidecar) } else { None };
        store.adopt_recording(leg, sidecar.as_deref(), now).await?;
        count += 1;
    }
    Ok(count)
}

/// Whether the WAV lies beside the FLAC that has taken its place: archiving it is not finished, and the
/// `.json` is still the one of the WAV. `wav` is what was proven of it; another file or another `.json` is
/// somebody's work. Blocks.
pub(crate) fn is_half_archived(dir: &Path, row: &RecordingRow, wav: &ProvenWav) -> bool {
    let path = row.path.in_dir(dir);
    let (sound, beside) = (path.with_extension("wav"), path.with_extension("json"));
    wav.sha256.is_some()
        && wav.bytes.is_none_or(|bytes| recordings::verify_size(&sound, bytes).is_none())
        && (wav.sidecar.is_none() || checksum(&beside).ok() == wav.sidecar)
        && recordings::checksum(&sound).ok() == wav.sha256
}
