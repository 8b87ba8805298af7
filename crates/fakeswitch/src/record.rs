//! Recordings attached to a leg (switch_ivr_async.c).

use std::{path::Path, time::Duration};

use tokio::time::Instant;

use crate::{leg::Leg, recording::Recording};

/// A media bug that writes a file.
#[derive(Debug)]
pub(crate) struct Attached {
    path: String,
    recording: Recording,
    since: Instant,
    /// `RECORD_BRIDGE_REQ`: only while bridged.
    bridge_only: bool,
    /// `RECORD_STEREO_SWAP`: the leg's own voice right.
    swap: bool,
    /// `RECORD_HANGUP_ON_ERROR`.
    strict: bool,
    /// What FreeSWITCH believes to have written; a write that fails counts, too.
    samples: u64,
}

/// `-ERR Cannot record session!`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CannotRecord;

/// `-ERR Cannot stop record session!`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotRecording;

impl Attached {
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
        if time.is_zero() || (self.bridge_only && !bridged) {
            return true;
        }
        let (left, right) = if self.swap { (other, own) } else { (own, other) };
        self.samples += samples(time);
        self.recording.append(left, right, time).is_ok() || !self.strict
    }

    pub(crate) fn abandon(self) {
        self.recording.abandon();
    }
}

fn samples(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX) / 125
}

impl Leg {
    /// `switch_ivr_record_session`, inline; it sends early media to a caller who was not answered.
    pub(crate) fn start_recording(&self, path: &str) -> Result<(), CannotRecord> {
        if !self.is_up() {
            return Err(CannotRecord);
        }
        self.pre_answer();
        let (stereo, swap, bridge_only, strict, running) = {
            let state = self.lock();
            let is = |name| state.variables.is_true(name);
            (
                is("RECORD_STEREO") || is("RECORD_STEREO_SWAP"),
                is("RECORD_STEREO_SWAP"),
                is("RECORD_BRIDGE_REQ"),
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
                self.hang_up(crate::cause::Cause::DESTINATION_OUT_OF_ORDER);
            }
            return Err(CannotRecord);
        };
        self.lock().recordings.push(Attached {
            path: path.to_owned(),
            recording,
            since: Instant::now(),
            bridge_only,
            swap,
            strict,
            samples: 0,
        });
        self.fire("RECORD_START", &[("Record-File-Path", path)]);
        Ok(())
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

    fn close(&self, attached: Attached) {
        let Attached { path, recording, samples, .. } = attached;
        let empty = recording.length().is_zero();
        let size = recording.size();
        // A header that cannot be written leaves a file as after a kill; the call is over anyway.
        let _ = recording.finish(false);
        let cause = if empty { "empty-file" } else { "success-silence" };
        {
            let variables = &mut self.lock().variables;
            variables.set("record_file_size", &size.to_string());
            if empty {
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
