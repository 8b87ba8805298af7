//! A PostgreSQL server of a scenario's own, with its state in a temporary folder.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    exchange::{NOBODY, gives},
    free_ports,
};

/// See the module. Stopped when dropped.
pub(crate) struct Postgres {
    port: u16,
    dir: tempfile::TempDir,
}

impl Postgres {
    /// Why there is none on this machine, if so.
    pub(crate) fn missing() -> Option<String> {
        programs().is_none().then(|| "there is no PostgreSQL (Debian: postgresql)".to_owned())
    }

    /// Starts one with an empty database.
    pub(crate) fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("ustredna-pg").tempdir().unwrap();
        gives(dir.path(), NOBODY);
        // Somebody else may take it before the server does; then the scenario fails and says so.
        let port = free_ports::free().port();
        let server = Self { port, dir };
        server.run("initdb", &["-U", "postgres", "-A", "trust", "--no-sync"]);
        server.begins();
        server
    }

    /// For `database.url`.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Waits until it answers.
    pub(crate) fn begins(&self) {
        let options = format!("-p {} -h 127.0.0.1 -k {}", self.port, self.dir.path().display());
        let log = self.dir.path().join("log").display().to_string();
        self.run("pg_ctl", &["start", "-w", "-o", &options, "-l", &log]);
    }

    /// At once, as if it were killed: its clients are cut off.
    pub(crate) fn dies(&self) {
        self.run("pg_ctl", &["stop", "-m", "immediate"]);
    }

    /// It does not answer any more, nor hang up.
    pub(crate) fn freezes(&self) {
        self.signal("STOP");
    }

    /// It goes on.
    pub(crate) fn thaws(&self) {
        self.signal("CONT");
    }

    /// All its processes: those of its clients have the server for their parent.
    fn signal(&self, signal: &str) {
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let server = pid.lines().next().unwrap().to_owned();
        let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children"));
        let mut command = Command::new("kill");
        command.arg(format!("-{signal}")).arg(&server);
        command.args(children.unwrap_or_default().split_whitespace());
        assert!(command.status().unwrap().success());
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(programs().unwrap().join(program));
        command.args(arguments).arg("-D").arg(self.data()).current_dir(self.dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.uid(NOBODY).gid(NOBODY);
        assert!(command.status().unwrap().success(), "{command:?}");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut command = Command::new(programs().unwrap().join("pg_ctl"));
        command.args(["stop", "-m", "immediate", "-D"]).arg(self.data());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        // It may have stopped.
        drop(command.uid(NOBODY).gid(NOBODY).current_dir("/").status());
    }
}

/// Where Debian keeps them: the newest.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut bins: Vec<PathBuf> = versions.flatten().map(|entry| entry.path().join("bin")).collect();
    bins.retain(|bin| is_there(bin));
    bins.sort();
    bins.pop()
}

fn is_there(bin: &Path) -> bool {
    bin.join("initdb").is_file() && bin.join("pg_ctl").is_file()
}
