//! A running exchange, and a peer that stands in for FreeSWITCH: it answers every command with
//! `+OK` and lets the test say how applications end.

use std::{
    collections::VecDeque,
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sqlx::Connection as _;
use tempfile::TempDir;

use crate::ports;

const PATIENCE: Duration = Duration::from_secs(30);
const CALL: &str = "3f2a9c1e-0000-4000-8000-000000000000";

/// `ustredna serve` in a folder of its own.
pub(crate) struct Exchange {
    folder: TempDir,
    process: Child,
    listen: SocketAddr,
    web: SocketAddr,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Lays `own` settings over those that make the exchange free of the machine it runs on. A section
/// may stand in both: its keys are joined.
fn configure(folder: &Path, own: &str) -> (SocketAddr, SocketAddr) {
    let [listen, web, inbound] = [(); 3].map(|()| ports::free());
    let mut settings: toml::Table = toml::from_str(&format!(
        "[switch]\nlisten = \"{listen}\"\ninbound = \"{inbound}\"\n[web]\nlisten = \"{web}\"\n[log]\nlevel = \"debug\"\n",
    ))
    .unwrap();
    for (section, keys) in toml::from_str::<toml::Table>(own).unwrap() {
        let joined = settings.entry(section).or_insert_with(|| toml::Table::new().into());
        for (key, value) in keys.as_table().unwrap() {
            joined.as_table_mut().unwrap().insert(key.clone(), value.clone());
        }
    }
    fs::write(folder.join("ustredna.toml"), settings.to_string()).unwrap();
    (listen, web)
}

fn ustredna(folder: &Path) -> Command {
    in_folder(Command::new(env!("CARGO_BIN_EXE_ustredna")), folder)
}

fn in_folder(mut command: Command, folder: &Path) -> Command {
    command.current_dir(folder).stdin(Stdio::null());
    // Settings of whoever runs the tests are not those of the tests.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("USTREDNA_") {
            command.env_remove(name);
        }
    }
    command
}

impl Exchange {
    pub(crate) fn start(settings: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), settings, |_, _| {})
    }

    /// The same in this folder, with more said to the process before it starts.
    pub(crate) fn start_in(
        folder: TempDir,
        settings: &str,
        prepare: impl FnOnce(&mut Command, &Path),
    ) -> Self {
        let mut command = ustredna(folder.path());
        prepare(&mut command, folder.path());
        command.arg("serve");
        Self::start_by(command, folder, settings)
    }

    /// The same, after this was said to the shell: `ulimit -n 256`.
    pub(crate) fn start_after(said: &str, settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = in_folder(Command::new("sh"), folder.path());
        command.args(["-c", &format!("{said} && exec \"$0\" serve")]);
        command.arg(env!("CARGO_BIN_EXE_ustredna"));
        Self::start_by(command, folder, settings)
    }

    /// The same by another command, whose log is the file `log`.
    pub(crate) fn start_by(mut command: Command, folder: TempDir, settings: &str) -> Self {
        let (listen, web) = configure(folder.path(), settings);
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let process = command.stderr(log).spawn().unwrap();
        let exchange = Self { folder, process, listen, web };
        assert!(exchange.wait_for_lines("waiting for FreeSWITCH", 1) > 0, "{}", exchange.log());
        exchange
    }

    /// The same, without waiting until it is ready: its log is the test's to read.
    pub(crate) fn start_read(settings: &str) -> (Self, ChildStderr) {
        let folder = tempfile::tempdir().unwrap();
        let (listen, web) = configure(folder.path(), settings);
        let mut process =
            ustredna(folder.path()).arg("serve").stderr(Stdio::piped()).spawn().unwrap();
        let log = process.stderr.take().unwrap();
        fs::write(folder.path().join("log"), "read by the test").unwrap();
        (Self { folder, process, listen, web }, log)
    }

    /// Starts one that is to fail: its exit status and what it said.
    pub(crate) fn fails(settings: &str) -> (Option<i32>, String) {
        let folder = tempfile::tempdir().unwrap();
        configure(folder.path(), settings);
        let output = ustredna(folder.path()).arg("serve").output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Tells it to stop, as systemd does.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// How it ended, and how long it took to.
    pub(crate) fn ended(&mut self) -> (Option<i32>, Duration) {
        let began = now();
        let status = wait(|| self.process.try_wait().unwrap());
        (status.unwrap_or_else(|| panic!("it runs on:\n{}", self.log())).code(), began.elapsed())
    }

    pub(crate) fn listen(&self) -> SocketAddr {
        self.listen
    }

    pub(crate) fn web(&self) -> SocketAddr {
        self.web
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(crate) fn dial(&self) -> TcpStream {
        let stream = TcpStream::connect(self.listen).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub(crate) fn log_lines(&self, text: &str) -> usize {
        self.log().lines().filter(|line| line.contains(text)).count()
    }

    /// Waits until at least so many lines of the log hold the text; how many do.
    pub(crate) fn wait_for_lines(&self, text: &str, count: usize) -> usize {
        wait(|| Some(self.log_lines(text)).filter(|found| *found >= count))
            .unwrap_or_else(|| self.log_lines(text))
    }

    pub(crate) fn import(&self, line: &str) {
        let header =
            "shopper_phone,shopper_name,language,fictitious_number,id,project,valid_from,valid_to";
        fs::write(self.folder.path().join("in.csv"), format!("{header}\n{line}\n")).unwrap();
        let output = ustredna(self.folder.path()).args(["import", "in.csv"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn list(&self, what: &str) -> Vec<Value> {
        let output = ustredna(self.folder.path()).args([what, "--json"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The calls, once one has ended.
    pub(crate) fn calls(&self) -> Vec<Value> {
        wait(|| {
            let calls = self.list("calls");
            calls.iter().any(|call| !call["ended_at"].is_null()).then_some(calls)
        })
        .unwrap_or_else(|| panic!("no call has ended:\n{}", self.log()))
    }

    /// Waits until the ends of so many calls are stored.
    pub(crate) fn wait_for_ends(&self, count: usize) {
        let ended = || self.list("calls").iter().filter(|call| !call["ended_at"].is_null()).count();
        let all = wait(|| (ended() >= count).then_some(()));
        assert!(all.is_some(), "not {count} calls have ended");
    }

    /// Takes the database's write lock, until dropped.
    pub(crate) fn lock_database(&self) -> impl Drop + use<> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let path = self.folder.path().join("ustredna.db");
        let connection = runtime.block_on(async {
            let url = format!("sqlite://{}", path.display());
            let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
            sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
            connection
        });
        Lock(Some(connection), runtime)
    }
}

struct Lock(Option<sqlx::SqliteConnection>, tokio::runtime::Runtime);

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(self.1.block_on(connection.close()));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test by the real time")]
pub(crate) fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// Asks until there is an answer.
fn wait<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    const PAUSE: Duration = Duration::from_millis(20);
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        thread::sleep(PAUSE);
    }
    None
}

/// One channel of a pretended FreeSWITCH.
pub(crate) struct Peer {
    stream: TcpStream,
    /// The channel's UUID.
    call: String,
    unread: Vec<u8>,
    executes: VecDeque<Execute>,
    /// `api` commands that came, oldest first.
    apis: VecDeque<String>,
    /// The last command that was answered.
    last: String,
    /// What `sched_del` finds to delete.
    pub(crate) scheduled: u32,
    /// Whether `uuid_record` fails.
    pub(crate) cannot_record: bool,
    /// What runs now, as far as the test has asked.
    running: Option<Execute>,
}

#[derive(Clone)]
struct Execute {
    app: String,
    argument: String,
    uuid: String,
}

impl Peer {
    /// Connects and has been asked to `connect`.
    pub(crate) fn connect(exchange: &Exchange) -> Self {
        let stream = exchange.dial();
        let mut peer = Self {
            stream,
            call: CALL.to_owned(),
            unread: Vec::new(),
            executes: VecDeque::new(),
            apis: VecDeque::new(),
            last: String::new(),
            scheduled: 0,
            cannot_record: false,
            running: None,
        };
        assert_eq!(peer.command().as_deref(), Some("connect"));
        peer
    }

    /// The same, as a channel of its own among others.
    pub(crate) fn connect_as(exchange: &Exchange, call: u8) -> Self {
        let call = format!("{call:08x}{}", &CALL[8..]);
        Self { call, ..Self::connect(exchange) }
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn expect_end(&mut self) {
        let mut rest = Vec::new();
        drop(self.stream.read_to_end(&mut rest));
        assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
    }

    /// Tells whom the call is for and who calls.
    pub(crate) fn arrives(&mut self, dialled: &str, caller: &str) {
        self.arrives_with("", dialled, caller);
    }

    /// The same with more variables: `variable_a: b\n`.
    pub(crate) fn arrives_with(&mut self, variables: &str, dialled: &str, caller: &str) {
        let (caller, call) = (caller.replace('+', "%2B"), &self.call);
        self.say(&format!(
            "Event-Name: CHANNEL_DATA\nUnique-ID: {call}\nAnswer-State: ringing\n\
             variable_sip_req_user: {dialled}\nvariable_sip_from_user: {caller}\n{variables}\
             Content-Type: command/reply\nReply-Text: %2BOK%0A\nSocket-Mode: async\nControl: full\n\n"
        ));
    }

    /// The next command, whole.
    fn command(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\n\n") {
                let rest = self.unread.split_off(end + 2);
                let command = std::mem::replace(&mut self.unread, rest);
                return Some(String::from_utf8(command).unwrap().trim().to_owned());
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.unread.extend_from_slice(&buffer[..count]),
            }
        }
    }

    /// The next command, answered with `+OK`.
    pub(crate) fn taken(&mut self) -> String {
        self.take();
        self.last.clone()
    }

    /// Whether nothing more is asked within this time.
    pub(crate) fn is_left_alone(&mut self, patience: Duration) -> bool {
        thread::sleep(patience);
        self.stream.set_nonblocking(true).unwrap();
        let asked = self.stream.peek(&mut [0]).is_ok();
        self.stream.set_nonblocking(false).unwrap();
        !asked && self.unread.is_empty()
    }

    /// Takes one command and answers it with `+OK`.
    fn take(&mut self) {
        let command = self.command().expect("the exchange closed or said nothing");
        self.last.clone_from(&command);
        if let Some(api) = command.strip_prefix("api ") {
            let answer = match api.split(' ').next() {
                Some("uuid_record") if self.cannot_record => {
                    "-ERR Cannot record session!\n".to_owned()
                }
                Some("sched_del") => format!("+OK Deleted: {}\n", self.scheduled),
                _ => "+OK\n".to_owned(),
            };
            let length = answer.len();
            self.say(&format!("Content-Type: api/response\nContent-Length: {length}\n\n{answer}"));
            self.apis.push_back(api.to_owned());
        } else {
            self.say("Content-Type: command/reply\nReply-Text: +OK\n\n");
        }
        if command.starts_with("sendmsg") {
            let header = |name: &str| {
                let prefix = format!("{name}: ");
                let value = command.lines().find_map(|line| line.strip_prefix(prefix.as_str()));
                value.unwrap_or_default().to_owned()
            };
            assert_eq!(header("event-lock"), "true", "{command}");
            self.executes.push_back(Execute {
                app: header("execute-app-name"),
                argument: header("execute-app-arg"),
                uuid: header("Event-UUID"),
            });
        }
    }

    /// Waits for an `api` command that begins like this; the whole of it.
    pub(crate) fn next_api(&mut self, beginning: &str) -> String {
        loop {
            while let Some(api) = self.apis.pop_front() {
                if api.starts_with(beginning) {
                    return api;
                }
            }
            self.take();
        }
    }

    /// The next application and its argument.
    pub(crate) fn next_execute(&mut self) -> (String, String) {
        self.next_execute_within(PATIENCE)
    }

    pub(crate) fn next_execute_within(&mut self, patience: Duration) -> (String, String) {
        self.stream.set_read_timeout(Some(patience)).unwrap();
        while self.executes.is_empty() {
            self.take();
        }
        let execute = self.executes.pop_front().unwrap();
        self.running = Some(execute.clone());
        (execute.app, execute.argument)
    }

    /// The running application ends, with these headers.
    pub(crate) fn complete(&mut self, headers: &[(&str, &str)]) {
        let Execute { app, uuid, .. } = self.running.take().expect("nothing runs");
        let mut all = vec![("Application", app.as_str()), ("Application-UUID", uuid.as_str())];
        all.extend_from_slice(headers);
        self.event("CHANNEL_EXECUTE_COMPLETE", &all);
    }

    /// The caller keys digits and a terminator into the running entry.
    pub(crate) fn keys(&mut self, digits: &str, terminator: char) {
        let argument = self.running.as_ref().expect("nothing runs").argument.clone();
        // The variable is the last but two of the arguments.
        let variable = argument.rsplit(' ').nth(2).unwrap();
        let (variable, terminator) = (format!("variable_{variable}"), terminator.to_string());
        self.complete(&[
            (&variable, digits),
            ("variable_read_result", "success"),
            ("variable_read_terminator_used", &terminator),
        ]);
    }

    /// The caller hangs up; what runs ends with it.
    pub(crate) fn hangs_up(&mut self, disposition: &str) {
        self.event("CHANNEL_HANGUP", &[("Hangup-Cause", "NORMAL_CLEARING")]);
        if self.running.is_some() {
            self.complete(&[("variable_originate_disposition", disposition)]);
        }
        self.event("CHANNEL_HANGUP_COMPLETE", &[("Hangup-Cause", "NORMAL_CLEARING")]);
    }

    pub(crate) fn event(&mut self, name: &str, headers: &[(&str, &str)]) {
        let mut body = format!("Event-Name: {name}\nUnique-ID: {}\n", self.call);
        for (name, value) in headers {
            let value = value.replace('%', "%25").replace('#', "%23").replace('+', "%2B");
            body += name;
            body += ": ";
            body += &value;
            body.push('\n');
        }
        body.push('\n');
        self.say(&format!(
            "Content-Length: {}\nContent-Type: text/event-plain\n\n{body}",
            body.len()
        ));
    }
}
