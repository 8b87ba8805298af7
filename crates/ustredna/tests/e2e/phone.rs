//! Phones: SIPp scenarios written by a small builder, run by SIPp, heard by an [`Ear`].

mod callee;
mod caller;
mod prompter;
pub(crate) mod raw;
mod script;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

pub(crate) use callee::{Callees, Reaction};
pub(crate) use caller::Caller;
pub(crate) use prompter::UNDERSTOOD;
use prompter::{Cue, Prompter};
pub(crate) use script::Steps;

use rustix::process::Signal;

use crate::{
    ear::Ear,
    phrases::Phrases,
    ports::Ports,
    process::{Running, now, tail},
    sip_trace::Trace,
};

/// What SIPp writes in the phone's folder.
const MESSAGES: &str = "messages";
const ERRORS: &str = "errors";
/// What takes longer hangs.
const LONGEST_CALL: Duration = Duration::from_mins(4);

/// A SIPp that plays phones.
pub(crate) struct Phone {
    sipp: Running,
    ear: Ear,
    prompter: Option<Prompter>,
    files: PathBuf,
    started: Instant,
}

/// What SIPp is started for.
enum Part {
    /// Calls the exchange, so many times, at most so many at once; waits for these phrases.
    Caller { sip: u16, calls: u32, at_once: u32, cues: Vec<Cue> },
    /// Is called, on this port.
    Callee { carrier: u16 },
}

impl Phone {
    fn start(
        dir: &Path,
        name: &str,
        ports: &Ports,
        part: Part,
        scenario: impl FnOnce(&Path) -> String,
    ) -> Self {
        let files = dir.join(name);
        fs::create_dir_all(&files).unwrap();
        let xml = files.join("scenario.xml");
        fs::write(&xml, scenario(&files)).unwrap();
        // SIPp itself binds the first and the third port; what the phone announces is the fifth,
        // to which the ear listens and from which the media come (raw sockets).
        let media = ports.row(6);
        let mut command = Command::new("sipp");
        let (own, cues) = match part {
            Part::Caller { sip, calls, at_once, cues } => {
                command.arg(format!("127.0.0.1:{sip}"));
                for (option, value) in [("-m", calls), ("-l", at_once), ("-r", 20)] {
                    command.arg(option).arg(value.to_string());
                }
                (ports.one(), cues)
            }
            Part::Callee { carrier } => (carrier, Vec::new()),
        };
        command.arg("-sf").arg(&xml);
        for (option, port) in [("-p", own), ("-mp", media), ("-cp", ports.one())] {
            command.arg(option).arg(port.to_string());
        }
        command.args(["-i", "127.0.0.1", "-nostdin", "-trace_msg", "-trace_err"]);
        let messages = files.join(MESSAGES);
        command.arg("-message_file").arg(&messages);
        command.arg("-error_file").arg(files.join(ERRORS));
        let ear = Ear::listen(media + 4);
        let sipp = Running::start(name, command.current_dir(&files), &files.join("sipp.out"));
        let prompter =
            (!cues.is_empty()).then(|| Prompter::start(cues, ear.clone(), messages, own));
        Self { sipp, ear, prompter, files, started: now() }
    }

    /// Waits until the script has been followed to its end; fails if it was not.
    pub(crate) fn finishes(&mut self) -> Trace {
        let status = self.sipp.wait(LONGEST_CALL);
        let awaited = self.awaits();
        assert!(
            status.success(),
            "{}: SIPp {status}: the call did not go as told (waiting for: {})",
            self.name(),
            awaited.as_deref().unwrap_or("no phrase")
        );
        self.trace()
    }

    /// Ends a called phone; fails if one of its calls did not go as told.
    pub(crate) fn stops(&mut self) -> Trace {
        // SIPp lets running calls end first.
        self.sipp.signal(Signal::USR1);
        let status = self.sipp.wait(Duration::from_secs(20));
        // 99: there was no call.
        assert!(
            matches!(status.code(), Some(0 | 99)),
            "{}: SIPp {status}: a call did not go as told",
            self.name()
        );
        self.trace()
    }

    /// The messages so far.
    pub(crate) fn trace(&self) -> Trace {
        Trace::read(&self.files.join(MESSAGES))
    }

    pub(crate) fn ear(&self) -> &Ear {
        &self.ear
    }

    /// When it was started.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Its script has not come to its end yet.
    pub(crate) fn is_busy(&mut self) -> bool {
        self.sipp.ended().is_none()
    }

    /// The phrase that its script waits for.
    pub(crate) fn awaits(&self) -> Option<String> {
        self.prompter.as_ref().and_then(Prompter::awaited)
    }

    /// The phrases it heard, see [`Phrases::heard_in`].
    pub(crate) fn heard(&self, phrases: &Phrases) -> Vec<String> {
        phrases.heard_in(&self.ear.speech(None))
    }

    /// Is thrown away, whatever it is doing. The messages so far.
    pub(crate) fn breaks(&mut self) -> Trace {
        self.sipp.kill();
        self.trace()
    }

    fn name(&self) -> String {
        self.files.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// What is left of a phone in its folder, for the report of a failure.
pub(crate) fn report(files: &Path) -> String {
    format!("{}\n{}", tail(&files.join(ERRORS), 15), tail(&files.join(MESSAGES), 120))
}
