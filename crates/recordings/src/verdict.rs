//! Whether a recording proves the talk it was made of.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::gaps::{self, GAPS_AT_MOST, Gap};
use crate::inspect::{InspectError, Inspection, Level, checksum, inspect};
use crate::media::{Hold, Media, Side};
use crate::repair::{RepairError, repair};

/// How much shorter than the talk a recording may be.
///
/// The recorder starts with the first frame after the bridge: a bridge of 4.02 s left a file of 3.78 s.
pub const SHORT_TOLERANCE: Duration = Duration::from_millis(500);

/// How much longer than the talk a recording may be. FreeSWITCH counts samples while the talk is told by
/// the clock, hence [`LONG_SHARE`] besides.
///
/// Of 87 recordings on a machine with three times more to do than it could, the longest was 0.54 s longer.
pub const LONG_TOLERANCE: Duration = Duration::from_secs(2);

/// See [`LONG_TOLERANCE`]: a part of the talk.
pub const LONG_SHARE: f64 = 0.001;

/// A channel is silent if its RMS over the whole file is below this and its peak below
/// [`SILENT_PEAK_DBFS`].
///
/// An idle G.711 A-law line decodes to ±8 of 32768 (−72 dBFS) and comfort noise stays below −65,
/// so both count as silence.
pub const SILENT_RMS_DBFS: f64 = -60.0;

/// See [`SILENT_RMS_DBFS`]. Two seconds of speech at −35 dBFS in an hour of listening have an RMS of
/// −67, but peaks above −30: the peak keeps a taciturn side from passing for a dead one.
pub const SILENT_PEAK_DBFS: f64 = -45.0;

/// What a recording is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Both sides are heard from the beginning to the end of the talk.
    Ok,
    /// Nobody is heard.
    Silent,
    /// One side is not heard, or both are mixed in one channel.
    OneSided,
    /// The recording is shorter than the talk, or a player would stop early for its damaged header.
    Short,
    /// A side's media have holes, stop or begin late, or much of them is lost; or the recording is
    /// longer than the talk, so that it holds what was no part of it.
    Broken,
    /// As good as [`Verdict::Ok`] after its header was put right.
    Repaired,
    /// It is not the file that was proven, or was found where there was none.
    Changed,
    /// There is no recording, or the file is none.
    Missing,
    /// The talk goes on, or nobody has looked yet.
    Pending,
}

impl Verdict {
    /// The word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Silent => "silent",
            Self::OneSided => "one_sided",
            Self::Short => "short",
            Self::Broken => "broken",
            Self::Repaired => "repaired",
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Pending => "pending",
        }
    }

    /// Whether supervisors have what they need; [`Verdict::Pending`] is not there yet.
    #[must_use]
    pub fn is_good(self) -> bool {
        match self {
            Self::Ok | Self::Repaired => true,
            Self::Silent
            | Self::OneSided
            | Self::Short
            | Self::Broken
            | Self::Changed
            | Self::Missing
            | Self::Pending => false,
        }
    }
}

/// Judges what [`inspect`] or [`repair`] found; the worst that applies, in this order: silent,
/// one-sided, short, broken, repaired, ok.
///
/// `talk` is how long the parties were bridged; `None` if nobody knows, and then nothing is too short
/// or too long. `media` is what was counted of its packets; `None` of a recording that was judged before
/// anybody looked for gaps, and then none are looked for.
/// A mono file with sound in it is one-sided: with both parties mixed, neither can be shown to be
/// there. More than two channels must all be heard.
#[must_use]
pub fn judge(inspection: &Inspection, talk: Option<Duration>, media: Option<&Media>) -> Verdict {
    weigh(inspection, talk, &gaps_of(inspection, media))
}

fn gaps_of(inspection: &Inspection, media: Option<&Media>) -> Vec<Gap> {
    media.map(|media| gaps::find(&inspection.traces, media)).unwrap_or_default()
}

fn weigh(inspection: &Inspection, talk: Option<Duration>, gaps: &[Gap]) -> Verdict {
    let silent = inspection.levels.iter().filter(|level| is_silent(level)).count();
    if silent == inspection.levels.len() {
        return Verdict::Silent;
    }
    if silent > 0 || inspection.levels.len() < 2 {
        return Verdict::OneSided;
    }
    if lack(inspection, talk).is_some() || inspection.header_damaged {
        return Verdict::Short;
    }
    if !gaps.is_empty() || excess(inspection, talk).is_some() {
        return Verdict::Broken;
    }
    if inspection.repaired { Verdict::Repaired } else { Verdict::Ok }
}

/// By how many seconds the recording is shorter than the talk, if by more than it may be.
fn lack(inspection: &Inspection, talk: Option<Duration>) -> Option<f64> {
    let talk = talk?;
    let least = talk.saturating_sub(SHORT_TOLERANCE).as_secs_f64();
    (inspection.seconds < least).then_some(talk.as_secs_f64() - inspection.seconds)
}

/// By how many seconds the recording is longer than the talk, if by more than it may be.
fn excess(inspection: &Inspection, talk: Option<Duration>) -> Option<f64> {
    let talk = talk?.as_secs_f64();
    let excess = inspection.seconds - talk;
    (excess > LONG_TOLERANCE.as_secs_f64() + talk * LONG_SHARE).then_some(excess)
}

fn is_silent(level: &Level) -> bool {
    level.rms_dbfs < SILENT_RMS_DBFS && level.peak_dbfs < SILENT_PEAK_DBFS
}

/// Who is not heard in a recording of which one side is silent: `shopper` (left) or `dealer` (right).
///
/// `None` if both or neither are, and if there are not two channels.
#[must_use]
pub fn silent_side(levels: &[Level]) -> Option<&'static str> {
    match levels {
        [shopper, dealer] => match (is_silent(shopper), is_silent(dealer)) {
            (true, false) => Some("shopper"),
            (false, true) => Some("dealer"),
            (true, true) | (false, false) => None,
        },
        _ => None,
    }
}

/// What there is to say of a verdict that one word does not tell.
fn told(
    verdict: Verdict,
    inspection: &Inspection,
    talk: Option<Duration>,
    gaps: &[Gap],
) -> Option<String> {
    match verdict {
        Verdict::OneSided => match silent_side(&inspection.levels) {
            Some(side) => Some(format!("nothing is heard of the {side}")),
            None => {
                (inspection.levels.len() < 2).then(|| "both sides are in one channel".to_owned())
            }
        },
        Verdict::Short => {
            let lack = lack(inspection, talk)?;
            let short = format!("the recording is {lack:.1} s shorter than the talk");
            let gaps = gaps::told(gaps, inspection.seconds);
            Some(gaps.map_or_else(|| short.clone(), |gaps| format!("{short}; {gaps}")))
        }
        Verdict::Broken => {
            let long = excess(inspection, talk)
                .map(|excess| format!("the recording is {excess:.1} s longer than the talk"));
            let gaps = gaps::told(gaps, inspection.seconds);
            let told: Vec<String> = long.into_iter().chain(gaps).collect();
            Some(told.join("; "))
        }
        Verdict::Ok
        | Verdict::Silent
        | Verdict::Repaired
        | Verdict::Changed
        | Verdict::Missing
        | Verdict::Pending => None,
    }
}

/// What [`verify`] or [`verify_again`] found.
#[derive(Debug)]
pub struct Proof {
    /// The verdict.
    pub verdict: Verdict,
    /// What is in the file, if it can be decoded and was not changed.
    pub inspection: Option<Inspection>,
    /// SHA-256 of the file in lower-case hexadecimal, also of one that cannot be decoded; `None` if
    /// there is no file, or it was changed.
    pub sha256: Option<String>,
    /// Why the verdict is [`Verdict::Missing`], [`Verdict::Changed`], [`Verdict::Short`] or
    /// [`Verdict::Broken`], who is not heard if it is [`Verdict::OneSided`], or why a damaged header
    /// was not repaired.
    pub problem: Option<String>,
    /// What is missing of each side, [`GAPS_AT_MOST`] at most. Behind the end of a recording that is
    /// too short, both sides are.
    pub gaps: Vec<Gap>,
    /// When the phone of a side was on hold by what it said itself; nothing is missing then.
    pub holds: Vec<Hold>,
}

impl Proof {
    /// Of what could not be decoded, and why.
    #[must_use]
    pub fn without_recording(verdict: Verdict, sha256: Option<String>, problem: String) -> Self {
        let (gaps, holds) = (Vec::new(), Vec::new());
        Self { verdict, inspection: None, sha256, problem: Some(problem), gaps, holds }
    }
}

/// Proves the finished recording at `path`, at which nobody has looked yet: inspects it, repairs its
/// header if that is damaged, and judges it. The checksum is taken after the repair; from then on the
/// file must stay as it is, and [`verify_again`] is to look at it.
///
/// # Errors
/// The file is there but cannot be read (permissions, a failing disk): that is no verdict about the
/// recording. All else is in the [`Proof`].
pub fn verify(path: &Path, talk: Option<Duration>, media: &Media) -> Result<Proof, InspectError> {
    let found = match inspect(path) {
        Ok(found) => found,
        Err(error) => return undecodable(path, error),
    };
    let (inspection, problem) = if found.header_damaged {
        match repair(path) {
            Ok(repaired) => (repaired, None),
            Err(error @ (RepairError::NotCanonical { .. } | RepairError::Write(_))) => {
                (found, Some(error.to_string()))
            }
            Err(RepairError::Unreadable(error)) => (found, Some(error.to_string())),
        }
    } else {
        (found, None)
    };
    Ok(judged(inspection, talk, Some(media), problem))
}

/// Looks again at the recording at `path`, whose checksum was `sha256` when it was proven; `None` if
/// there was no file then. Nothing is ever written.
///
/// A file with another checksum is [`Verdict::Changed`], however good it sounds, and so is a link to
/// a file and a file where there was none. `media` is as [`judge`] takes it.
///
/// # Errors
/// As [`verify`].
pub fn verify_again(
    path: &Path,
    talk: Option<Duration>,
    media: Option<&Media>,
    sha256: Option<&str>,
) -> Result<Proof, InspectError> {
    let Some(proven) = sha256 else {
        return match path.symlink_metadata().map_err(InspectError::from) {
            Err(error) => undecodable(path, error),
            Ok(_) => Ok(changed(CAME_LATER)),
        };
    };
    let proof = match inspect(path) {
        Ok(found) => judged(found, talk, media, None),
        Err(InspectError::NotAFile) => return Ok(changed(NO_FILE)),
        Err(error) => undecodable(path, error)?,
    };
    let other = proof.sha256.as_ref().is_some_and(|found| found != proven);
    Ok(if other { changed(OTHER_FILE) } else { proof })
}

/// What there is to say of the recording at `path` without reading it, if it was `bytes` long when it was
/// proven and something of another size lies there.
#[must_use]
pub fn verify_size(path: &Path, bytes: u64) -> Option<Proof> {
    let found = path.symlink_metadata().ok()?;
    (found.is_file() && found.len() != bytes).then(|| changed(OTHER_SIZE))
}

const OTHER_SIZE: &str = "its size is not the one it had when it was verified";
const OTHER_FILE: &str = "its checksum is not the one it had when it was verified";
const CAME_LATER: &str = "there was no file when it was first looked at: this one came later";
const NO_FILE: &str = "in its place is something that is not a file, or a link to one";

fn judged(
    inspection: Inspection,
    talk: Option<Duration>,
    media: Option<&Media>,
    problem: Option<String>,
) -> Proof {
    let mut gaps = gaps_of(&inspection, media);
    let verdict = weigh(&inspection, talk, &gaps);
    let problem = problem.or_else(|| told(verdict, &inspection, talk, &gaps));
    gaps.truncate(GAPS_AT_MOST);
    if let Some(missing) = lack(&inspection, talk) {
        let from = inspection.seconds;
        let behind = |side| Gap { side, from, to: from + missing, missing };
        gaps.extend(Side::BOTH.map(behind));
    }
    let holds = media.map(|media| media.holds(inspection.seconds)).unwrap_or_default();
    let sha256 = Some(inspection.sha256.clone());
    Proof { verdict, inspection: Some(inspection), sha256, problem, gaps, holds }
}

fn changed(problem: &str) -> Proof {
    Proof::without_recording(Verdict::Changed, None, problem.to_owned())
}

/// There is no recording, though there may be a file.
fn undecodable(path: &Path, error: InspectError) -> Result<Proof, InspectError> {
    let sha256 = match error {
        InspectError::Io(_) => return Err(error),
        InspectError::Missing | InspectError::NotAFile => None,
        InspectError::Empty
        | InspectError::NotWav(_)
        | InspectError::TooLarge
        | InspectError::DamagedFlac(_)
        | InspectError::Undecodable(_) => match checksum(path) {
            Ok(sha256) => Some(sha256),
            // It went in this moment.
            Err(InspectError::Missing) => None,
            Err(error) => return Err(error),
        },
    };
    Ok(Proof::without_recording(Verdict::Missing, sha256, error.to_string()))
}

#[cfg(test)]
mod tests;
