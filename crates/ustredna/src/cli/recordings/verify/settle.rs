//! One recording: looked at, held against its proof, and told.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use exchange::recording::hidden;
use jiff::Timestamp;
use recordings::{
    Direction, InspectError, Media, Proof, Recording, RecordingName, Sidecar, Verdict,
};
use store::{Recorded, RecordingRow, Store, StoreError};
use tokio::task::spawn_blocking;

use super::{Shortcoming, chain::TAMPERED};
use crate::{
    proof::{Talk, gaps_in_json},
    settings::Settings,
    sidecars::{self, Beside},
};

const BACK: &str = "it was not the file that was verified; now that one is there again";
const OTHER: &str = "its checksum is not the one it had when it was verified";
const ALONE: &str = "its call or its leg in the database is gone";
const STRANGE: &str = "the .json beside it was not written by the exchange";

/// Where recordings and their proofs are.
pub(super) struct Proofs<'a> {
    pub(super) store: &'a Store,
    pub(super) settings: &'a Settings,
    pub(super) dir: &'a Path,
    pub(super) now: Timestamp,
}

/// What a look has found.
pub(super) struct Look {
    /// Nobody had looked before.
    is_first: bool,
    found: Result<Proof, InspectError>,
    beside: Beside,
}

impl Proofs<'_> {
    /// Looks at the file and the sidecar. What was proven once is only read.
    pub(super) async fn look(
        &self,
        row: &RecordingRow,
        talk: Option<Duration>,
    ) -> anyhow::Result<Look> {
        let proven = self.store.proven_checksum(row.leg).await?;
        let bytes = self.store.proven_bytes(row.leg).await?;
        let wav = self.store.wav_before_archive(row.leg).await?;
        let (dir, mut row) = (self.dir.to_owned(), row.clone());
        let counted = counted(&row);
        let look = spawn_blocking(move || {
            let path = row.path.in_dir(&dir);
            let is_first = proven.is_none();
            let found = match proven {
                None => recordings::verify(&path, talk, &media_of(&row)),
                Some(sha256) => {
                    let sized = bytes.filter(|_| sha256.is_some());
                    match sized.and_then(|bytes| recordings::verify_size(&path, bytes)) {
                        Some(proof) => Ok(proof),
                        None => recordings::verify_again(
                            &path,
                            talk,
                            counted.as_ref(),
                            sha256.as_deref(),
                        ),
                    }
                }
            };
            if let (true, Ok(proof)) = (is_first, &found) {
                row.sha256.clone_from(&proof.sha256);
            }
            let mut beside = sidecars::look(&dir, &row);
            if matches!(beside, Beside::Found(_)) && !is_first {
                beside = Beside::Wrong(STRANGE.to_owned());
            } else if matches!(beside, Beside::Wrong(_))
                && wav.is_some_and(|wav| sidecars::is_half_archived(&dir, &row, &wav))
            {
                beside = Beside::Ours;
            }
            Look { is_first, found, beside }
        });
        Ok(look.await?)
    }

    /// Stores what was found, and tells what falls short. What was archived or deleted since the
    /// rows were read is not missing.
    pub(super) async fn settle(
        &self,
        mut row: RecordingRow,
        talk: Option<Duration>,
        mut look: Look,
    ) -> anyhow::Result<Vec<Shortcoming>> {
        if look.found.as_ref().is_ok_and(|proof| proof.verdict == Verdict::Missing)
            && let Some(fresh) = self.store.recording(row.leg).await?
        {
            if fresh.deleted_at.is_some() {
                return Ok(Vec::new());
            }
            if fresh.path != row.path {
                look = self.look(&fresh, talk).await?;
                row = fresh;
            }
        }
        let (call, path) = (row.call.to_string(), row.path.reveal().to_owned());
        let short = |verdict: &'static str, problem: Option<String>| Shortcoming {
            call: Some(call.clone()),
            path: path.clone(),
            verdict,
            problem,
        };
        let mut told = Vec::new();
        if let Beside::Wrong(problem) = &look.beside {
            told.push(short("sidecar", Some(problem.clone())));
        }
        let proof = match &look.found {
            Ok(proof) => proof,
            Err(error) => {
                told.push(short("unreadable", Some(error.to_string())));
                return Ok(told);
            }
        };
        let (verdict, problem) = if row.verdict == Verdict::Changed.as_str() {
            // For good: whoever has changed it once may do so again.
            (Verdict::Changed, Some(proof.problem.clone().unwrap_or_else(|| BACK.to_owned())))
        } else {
            let (verdict, problem, tampered) = self.store_look(row, proof, &look).await?;
            told.extend(tampered.map(|problem| short(TAMPERED, Some(problem))));
            (verdict, problem)
        };
        if !verdict.is_good() {
            told.push(short(verdict.as_str(), problem));
        }
        Ok(told)
    }

    /// Verdict and problem of a look, and what somebody has done to the row, if anybody has.
    async fn store_look(
        &self,
        row: RecordingRow,
        proof: &Proof,
        look: &Look,
    ) -> anyhow::Result<(Verdict, Option<String>, Option<String>)> {
        let (verdict, problem) = self.judge(&row, proof).await?;
        if let Some(tampered) = self.store.tampering(row.leg).await? {
            return Ok((verdict, problem, Some(tampered)));
        }
        let mut now = RecordingRow {
            sha256: proof.sha256.clone(),
            verdict: verdict.as_str().to_owned(),
            problem: problem.clone(),
            verified_at: Some(self.now),
            ..row.clone()
        };
        if let Some(seen) = &proof.inspection {
            now.seconds = Some(seen.seconds);
            now.bytes = Some(seen.bytes);
            now.channels = Some(seen.channels);
            now.levels = serde_json::to_string(&seen.levels).ok();
            now.gaps = gaps_in_json(&proof.gaps);
            if look.is_first {
                now.media = serde_json::to_string(&media_of(&row)).ok();
            }
        }
        if look.is_first || now.verdict != row.verdict || look.beside == Beside::Never {
            now.sidecar = self.renew_sidecar(&row, verdict, proof, &look.beside).await?;
        }
        match self.store.record_verdict(&now).await {
            Ok(Recorded::Written | Recorded::Moved) => Ok((verdict, problem, None)),
            Ok(Recorded::Tampered(tampered)) => Ok((verdict, problem, Some(tampered))),
            // Somebody else has looked first in this moment, and it was another file.
            Ok(Recorded::Contradicted) => Ok((Verdict::Changed, Some(OTHER.to_owned()), None)),
            Err(StoreError::Contradiction(_)) => Ok((verdict, problem, Some(ALONE.to_owned()))),
            Err(error) => Err(error.into()),
        }
    }

    /// The verdict of a look, and why it falls short, in view of what is known already.
    async fn judge(
        &self,
        row: &RecordingRow,
        proof: &Proof,
    ) -> anyhow::Result<(Verdict, Option<String>)> {
        let was_missing = row.verdict == Verdict::Missing.as_str();
        let before = if was_missing {
            self.store.verdict_when_there(row.leg).await?
        } else {
            Some(row.verdict.clone())
        };
        // A header that was put right once is in order ever after.
        let repaired_once = before.as_deref() == Some(Verdict::Repaired.as_str());
        let verdict = if proof.verdict == Verdict::Ok && repaired_once {
            Verdict::Repaired
        } else {
            proof.verdict
        };
        // Why it falls short may be known since the talk alone.
        let gone = InspectError::Missing.to_string();
        let known = row.problem.as_deref().unwrap_or_default();
        let known = known.strip_suffix(&gone).unwrap_or(known).trim_end_matches("; ");
        let lost = matches!(verdict, Verdict::Missing | Verdict::Changed);
        let problem = match (&proof.problem, known) {
            // By how much it is too short is less than why.
            (Some(_), known) if verdict == Verdict::Short && !known.is_empty() => known.to_owned(),
            (None, known) => known.to_owned(),
            (Some(problem), known) if lost && !known.is_empty() && known != problem => {
                format!("{known}; {problem}")
            }
            (Some(problem), _) => problem.clone(),
        };
        Ok((verdict, Some(problem).filter(|problem| !problem.is_empty() && !verdict.is_good())))
    }

    /// Tells the verdict in the `.json` beside the recording, if it is the one that was written, and
    /// writes one where none ever was. Its checksum from then on.
    async fn renew_sidecar(
        &self,
        row: &RecordingRow,
        verdict: Verdict,
        proof: &Proof,
        beside: &Beside,
    ) -> anyhow::Result<Option<String>> {
        let path = row.path.in_dir(self.dir).with_extension("json");
        let Some(name) = RecordingName::parse(Path::new(row.path.reveal())) else {
            return Ok(row.sidecar.clone());
        };
        let found = Recording {
            sha256: proof.sha256.clone(),
            gaps: proof.gaps.clone(),
            holds: proof.holds.clone(),
            ..Recording::new(&name, verdict, proof.inspection.as_ref())
        };
        let sidecar = match beside {
            Beside::Wrong(_) => return Ok(row.sidecar.clone()),
            Beside::Ours | Beside::Found(_) => {
                let at = path.clone();
                let sidecar = spawn_blocking(move || Sidecar::read(&at)).await?;
                let sidecar = sidecar.with_context(|| hidden(&path))?;
                // What is lost has nothing to tell of what was proven.
                let recording = match proof.sha256 {
                    None => Recording { verdict, ..sidecar.recording },
                    Some(_) => found,
                };
                Sidecar { recording, ..sidecar }
            }
            // The disk may not be mounted: it is not to be written under it.
            Beside::Never if !path.parent().is_some_and(Path::is_dir) => return Ok(None),
            Beside::Never => match self.written_anew(row, &name, found).await? {
                Some(sidecar) => sidecar,
                None => return Ok(None),
            },
        };
        let told = hidden(&path);
        Ok(Some(sidecars::write(sidecar, path).await.context(told)?))
    }

    /// The sidecar as the exchange would have written it after the call.
    async fn written_anew(
        &self,
        row: &RecordingRow,
        name: &RecordingName,
        recording: Recording,
    ) -> anyhow::Result<Option<Sidecar>> {
        let Some(call) = self.store.ended_call(row.call).await? else { return Ok(None) };
        let Some(leg) = call.history.legs.iter().find(|leg| leg.id == row.leg).cloned() else {
            return Ok(None);
        };
        let talk = Talk {
            ended_at: call.ended_at.unwrap_or(self.now),
            history: call.history,
            hangup_cause: call.hangup_cause,
            ticket: call.ticket,
            media: None,
        };
        let phone = sidecars::shopper_phone(self.store, self.settings, &talk).await?;
        Ok(Some(sidecars::of(self.settings, &talk, &leg, name, recording, phone)))
    }
}

/// What was known of the talk's packets when it was judged; `None`: nobody looked for gaps then.
fn counted(row: &RecordingRow) -> Option<Media> {
    row.media.as_deref().and_then(|media| serde_json::from_str(media).ok())
}

/// The same, or who called in at least.
fn media_of(row: &RecordingRow) -> Media {
    counted(row).unwrap_or_else(|| {
        let name = RecordingName::parse(Path::new(row.path.reveal()));
        Media::uncounted(name.map_or(Direction::Out, |name| name.direction()))
    })
}
