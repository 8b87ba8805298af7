//! The built `ustredna`: its settings, its running, its lists.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::{fs::lchown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::{
    clock::Clock,
    language::{HEADER, Setup},
    process::{Running, tail, wait_for},
    switch::{Addresses, PASSWORD, conf},
};

/// `ustredna` in the world's folder.
pub(crate) struct Exchange {
    dir: PathBuf,
    /// Its settings are `<name>.toml`, its log is `<name>.log`.
    name: &'static str,
    pub(crate) controller: u16,
    pub(crate) web: u16,
    process: Option<Running>,
    clock: Option<Clock>,
    /// Runs it without root's rights.
    program: Option<PathBuf>,
}

/// One object of a `--json` list.
pub(crate) type Row = Value;

impl Exchange {
    pub(crate) fn prepare(dir: &Path, setup: &Setup, switch: &Addresses, web: u16) -> Self {
        Self::prepare_as("ustredna", switch.controller, dir, setup, switch, web)
    }

    /// Another one beside it, on the same state.
    pub(crate) fn prepare_second(dir: &Path, setup: &Setup, switch: &Addresses, web: u16) -> Self {
        Self::prepare_as("second", switch.second_controller, dir, setup, switch, web)
    }

    fn prepare_as(
        name: &'static str,
        controller: u16,
        dir: &Path,
        setup: &Setup,
        switch: &Addresses,
        web: u16,
    ) -> Self {
        let toml = format!(
            "{}switch.listen = \"127.0.0.1:{}\"\nswitch.inbound = \"127.0.0.1:{}\"\n\
             prompts.dir = \"{}\"\nweb.listen = \"127.0.0.1:{web}\"\n\
             log.format = \"json\"\nlog.level = \"debug\"\nexchange.timezone = \"{}\"\n",
            setup.toml(),
            controller,
            switch.event_socket,
            conf().join("sounds").display(),
            where_it_is_noon(),
        );
        fs::write(dir.join(format!("{name}.toml")), toml).unwrap();
        Self {
            dir: dir.to_owned(),
            name,
            controller,
            web,
            process: None,
            clock: None,
            program: None,
        }
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = match &self.program {
            None => Command::new(env!("CARGO_BIN_EXE_ustredna")),
            Some(program) => {
                let mut command = Command::new(program);
                command.uid(NOBODY).gid(NOBODY);
                command
            }
        };
        // Settings of whoever runs the tests are not those of the tests.
        for (name, _) in
            env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("USTREDNA_"))
        {
            command.env_remove(name);
        }
        command.current_dir(&self.dir).env("USTREDNA_SWITCH__PASSWORD", PASSWORD);
        command
    }

    /// Runs a command of it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).args(["--config", "ustredna.toml"]).output().unwrap()
    }

    /// Runs a command of it with this on its standard input: what it printed, or why it failed.
    pub(crate) fn answer(&self, arguments: &[&str], input: &str) -> Result<String, String> {
        let mut command = self.command();
        command.args(arguments).args(["--config", "ustredna.toml"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that reads nothing may have ended before.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        if output.status.success() {
            Ok(text(output.stdout))
        } else {
            Err(text([output.stdout, output.stderr].concat()))
        }
    }

    /// Imports a CSV (without its header), which must be accepted.
    pub(crate) fn import(&self, lines: &str) {
        let output = self.try_import(lines, &[]);
        assert!(output.status.success(), "import: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn try_import(&self, lines: &str, options: &[&str]) -> Output {
        fs::write(self.dir.join("import.csv"), format!("{HEADER}\n{lines}\n")).unwrap();
        self.run(&[&["import", "import.csv"], options].concat())
    }

    /// From now on it runs as a user with no rights but to this world's files.
    pub(crate) fn becomes_nobody(&mut self) {
        // Whoever builds it may have done so where nobody else can look.
        let program = self.dir.join("program");
        fs::copy(env!("CARGO_BIN_EXE_ustredna"), &program).unwrap();
        self.program = Some(program);
        gives(&self.dir, NOBODY);
    }

    /// From its next start on it has a clock of its own.
    pub(crate) fn gets(&mut self, clock: Clock) {
        self.clock = Some(clock);
    }

    /// The clock it was given.
    pub(crate) fn clock(&self) -> &Clock {
        self.clock.as_ref().expect("it was given a clock")
    }

    /// Starts `serve`, without waiting.
    pub(crate) fn start(&mut self) {
        let mut command = self.command();
        command.args(["serve", "--config", &format!("{}.toml", self.name)]);
        if let Some(clock) = &self.clock {
            clock.give_to(&mut command);
        }
        self.process = Some(Running::start(self.name, &mut command, &self.log_file()));
    }

    /// Waits until it takes calls.
    pub(crate) fn await_ready(&mut self) {
        let web = self.web;
        let process = self.process();
        wait_for(Duration::from_secs(20), "ustredna is ready", || {
            if let Some(status) = process.ended() {
                panic!("ustredna ended at its start, {status}:\n{}", process.tail());
            }
            get(web, "/healthz")?.starts_with("HTTP/1.1 200").then_some(())
        });
    }

    pub(crate) fn process(&mut self) -> &mut Running {
        self.process.as_mut().expect("ustredna was started")
    }

    /// The objects of a list, such as `calls`.
    pub(crate) fn list(&self, noun: &str) -> Vec<Row> {
        let output = self.run(&[noun, "--json"]);
        assert!(
            output.status.success(),
            "ustredna {noun} --json: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).unwrap();
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        text.lines().map(parse).collect()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    pub(crate) fn log_tail(&self) -> String {
        tail(&self.log_file(), 120)
    }

    fn log_file(&self) -> PathBuf {
        self.dir.join(format!("{}.log", self.name))
    }
}

/// A time zone in which no day ends soon: a limit of calls a day begins anew at midnight.
fn where_it_is_noon() -> String {
    let hours = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() / 3600 % 24;
    // POSIX counts west of Greenwich.
    format!("Etc/GMT{:+}", i64::try_from(hours).unwrap() - 12)
}

/// The user and group of who has no rights.
pub(crate) const NOBODY: u32 = 65_534;

/// Gives a file, or a folder with all that is in it, to a user.
pub(crate) fn gives(path: &Path, user: u32) {
    lchown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            gives(&entry.unwrap().path(), user);
        }
    }
}

/// The answer to an HTTP request, head and body.
pub(crate) fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
