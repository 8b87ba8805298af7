//! Recordings attached to a leg (switch_ivr_async.c).

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    cause::Cause,
    leg::{Leg, State},
    recording::Recording,
    variables::is_true,
};

/// A media bug is given whole frames.
const FRAME: Duration = Duration::from_millis(20);
const FRAME_SAMPLES: u64 = 160;

/// A media bug that writes a file.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "FreeSWITCH's flags of a recording")]
pub(crate) struct Attached {
    path: String,
    recording: Recording,
    since: Instant,
    /// What has been heard and is no whole frame yet.
    part: Duration,
    /// `RECORD_BRIDGE_REQ`: only while bridged.
    bridge_only: bool,
    /// `RECORD_STEREO_SWAP`: the leg's own voice right.
    swap: bool,
    /// `RECORD_HANGUP_ON_ERROR`.
    strict: bool,
    /// `RECORD_MIN_SEC`: a shorter one is deleted.
    least: u64,
    /// A frame came, whether or not it was written.
    fed: bool,
    /// A frame could not be written. The thread that writes goes on trying.
    failed: bool,
    /// `enable_file_write_buffering`: what is put into the buffer counts, written or not.
    buffered: bool,
    /// What FreeSWITCH believes to have written.
    samples: u64,
}

/// `-ERR Cannot record session!`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CannotRecord;

/// `-ERR Cannot stop record session!`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotRecording;

impl Attached {
    fn new(path: String, recording: Recording, state: &State) -> Self {
        let is = |name| state.variables.is_true(name);
        let least = state.variables.get("RECORD_MIN_SEC").and_then(|text| text.parse().ok());
        Self {
            path,
            recording,
            since: Instant::now(),
            part: Duration::ZERO,
            bridge_only: is("RECORD_BRIDGE_REQ"),
            swap: is("RECORD_STEREO_SWAP"),
            strict: is("RECORD_HANGUP_ON_ERROR"),
            // Three seconds only with RECORD_APPEND.
            least: least.unwrap_or(0),
            fed: false,
            failed: false,
            buffered: state.variables.get("enable_file_write_buffering").is_none_or(is_true),
            samples: 0,
        }
    }

    /// Adds what was said until now. `false`: it cannot be written and the call must end.
    pub(crate) fn append(
        &mut self,
        now: Instant,
        own: Option<u32>,
        other: Option<u32>,
        bridged: bool,
    ) -> bool {
        let time = now.saturating_duration_since(self.since);
        self.since = now;
        if self.bridge_only && !bridged {
            self.part = Duration::ZERO;
            return true;
        }
        let heard = self.part + time;
        let frames = u32::try_from(heard.as_nanos() / FRAME.as_nanos()).unwrap_or(u32::MAX);
        self.part = heard.saturating_sub(FRAME * frames);
        if frames == 0 {
            return true;
        }
        self.fed = true;
        if self.buffered {
            self.samples += FRAME_SAMPLES * u64::from(frames);
        }
        if self.failed {
            return !self.strict;
        }
        let (left, right) = if self.swap { (other, own) } else { (own, other) };
        let full = self.recording.append(left, right, FRAME * frames).is_err();
        if !self.buffered {
            let written = self.recording.samples();
            self.samples = written - written % FRAME_SAMPLES;
        }
        self.failed = full;
        !(full && self.strict)
    }

    /// When the frame that no longer fits will have come, if somebody must be hung up then.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let room = self.recording.room().filter(|_| self.strict && !self.failed)?;
        Some(self.since + room + FRAME)
    }

    pub(crate) fn abandon(self) {
        self.recording.abandon();
    }
}

impl Leg {
    /// `switch_ivr_record_session`, inline; it sends early media to a caller who was not answered.
    pub(crate) fn start_recording(&self, path: &str) -> Result<(), CannotRecord> {
        if !self.is_up() {
            return Err(CannotRecord);
        }
        self.pre_answer();
        let path = &*self.record_path(path);
        let (stereo, strict, running) = {
            let state = self.lock();
            let is = |name| state.variables.is_true(name);
            (
                is("RECORD_STEREO") || is("RECORD_STEREO_SWAP"),
                is("RECORD_HANGUP_ON_ERROR"),
                state.recordings.iter().any(|attached| attached.path == path),
            )
        };
        // "Already recording": the one that runs goes on.
        if running {
            return Ok(());
        }
        let fault = self.faults.recording;
        let Ok(recording) = Recording::start(Path::new(path), stereo, fault) else {
            self.set("record_completion_cause", "uri-failure");
            if strict {
                self.hang_up(Cause::DESTINATION_OUT_OF_ORDER);
            }
            return Err(CannotRecord);
        };
        {
            let mut state = self.lock();
            let attached = Attached::new(path.to_owned(), recording, &state);
            state.recordings.push(attached);
        }
        self.fire("RECORD_START", &[("Record-File-Path", path)]);
        Ok(())
    }

    /// A relative path is one below the sounds, and is then known by the whole of it.
    fn record_path(&self, path: &str) -> String {
        if path.starts_with('/') || path.contains("://") {
            return path.to_owned();
        }
        let prefix = self.variable("sound_prefix").map_or_else(sounds, PathBuf::from);
        prefix.join(path).display().to_string()
    }

    /// When the recordings must be written next, if there are any: within this time.
    pub(crate) fn next_write(&self, within: Duration) -> Option<Instant> {
        let state = self.lock();
        let latest = (!state.recordings.is_empty()).then(|| Instant::now() + within)?;
        let first = state.recordings.iter().filter_map(Attached::deadline).min();
        Some(first.map_or(latest, |first| first.min(latest)))
    }

    /// Ends a recording, or `all` of them.
    pub(crate) fn stop_recording(&self, path: &str) -> Result<(), NotRecording> {
        self.record();
        let mut ended = Vec::new();
        {
            let mut state = self.lock();
            let (stopped, kept) = std::mem::take(&mut state.recordings)
                .into_iter()
                .partition(|attached| path == "all" || attached.path == path);
            state.recordings = kept;
            ended.extend::<Vec<_>>(stopped);
        }
        if ended.is_empty() {
            return Err(NotRecording);
        }
        for attached in ended {
            self.close(attached);
        }
        Ok(())
    }

    pub(crate) fn stop_all_recordings(&self) {
        // There may be none.
        let _ = self.stop_recording("all");
    }

    /// `SWITCH_ABC_TYPE_CLOSE`. The first cause stands.
    fn close(&self, attached: Attached) {
        let Attached { path, recording, samples, fed, failed, least, .. } = attached;
        let size = recording.size();
        let short = samples < least.saturating_mul(8000);
        // A header that cannot be written leaves a file as after a kill; the call is over anyway.
        let _ = if !fed || short { recording.discard() } else { recording.finish() };
        let cause = match (failed, fed, short, self.is_up()) {
            (true, ..) => "uri-failure",
            (_, false, ..) => "empty-file",
            (_, _, true, _) => "input-too-short",
            (.., true) => "success-maxtime",
            (.., false) => "success-silence",
        };
        {
            let variables = &mut self.lock().variables;
            variables.set("record_file_size", &size.to_string());
            if !fed || short {
                variables.set("RECORD_DISCARDED", "true");
            }
            variables.set("record_samples", &samples.to_string());
            variables.set("record_seconds", &(samples / 8000).to_string());
            variables.set("record_ms", &(samples / 8).to_string());
            variables.set("record_completion_cause", cause);
        }
        self.fire(
            "RECORD_STOP",
            &[("Record-File-Path", &path), ("Record-Completion-Cause", cause)],
        );
    }
}

/// Where the simulation would have its sounds.
fn sounds() -> PathBuf {
    std::env::temp_dir().join("fakeswitch/sounds")
}
