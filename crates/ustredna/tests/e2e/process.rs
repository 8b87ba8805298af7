//! Programs that a scenario starts. None outlives it, however it ends.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// The clock of the tests.
#[expect(clippy::disallowed_methods, reason = "the tests' one clock; they wait for real programs")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Looks until there is something to see. Fails with `what` when the time is over.
pub(crate) fn wait_for<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = now() + limit;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(now() < end, "{what}: not within {limit:?}");
        thread::sleep(Duration::from_millis(25));
    }
}

/// A running program; killed when dropped.
pub(crate) struct Running {
    child: Child,
    name: String,
    pub(crate) output: PathBuf,
}

impl Running {
    /// Starts it, with everything it prints in the file `output`.
    pub(crate) fn start(name: &str, command: &mut Command, output: &Path) -> Self {
        let file = File::create(output).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        Self { child, name: name.to_owned(), output: output.to_owned() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `Some` once it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        let what = format!("{} ends", self.name);
        wait_for(limit, &what, || self.ended())
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The last lines it printed.
    pub(crate) fn tail(&self) -> String {
        tail(&self.output, 60)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The last lines of a file.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let text = String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
    // FreeSWITCH lists every codec at its start.
    let all: Vec<&str> = text.lines().filter(|line| !line.contains("] switch_loadable_")).collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
