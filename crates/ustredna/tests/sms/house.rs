//! A folder with an exchange's database, and calls that were missed.

use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use exchange::{
    call::{Dial, Direction},
    history::{History, Leg},
    model::{CallId, LegId, Service},
    number::PhoneNumber,
    recording::RecordingPath,
    settle::settle,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use store::{End, MissKind, MissedCall, SmsText, SmsTiming, Store};
use tempfile::TempDir;
use ustredna::{Clock, Running};
use uuid::Uuid;

use crate::ports;

/// Without a long row of digits: one is left out of errors anyway, since it may be a number.
pub(crate) const APIKEY: &str = "hunter2-apikey-of-letters";
/// With what a URL must encode.
pub(crate) const REPORTS: &str = "correct horse+battery&staple/100%";
pub(crate) const REPORTS_IN_URL: &str = "correct%20horse%2Bbattery%26staple%2F100%25";

pub(crate) struct House {
    pub(crate) folder: TempDir,
    switch: SocketAddr,
    pub(crate) web: SocketAddr,
}

#[expect(clippy::disallowed_methods, reason = "a test by the real time")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

pub(crate) fn phone(number: usize) -> String {
    format!("+420602{number:06}")
}

fn fictitious(number: usize) -> String {
    format!("+420777{number:06}")
}

fn e164(text: &str) -> PhoneNumber {
    PhoneNumber::from_e164(text).unwrap()
}

impl House {
    /// With so many shoppers, numbered from 0, each with a number of their own. On disk, or where
    /// flushing costs nothing.
    pub(crate) fn new(shoppers: usize, on_disk: bool) -> Self {
        let memory = std::path::Path::new("/dev/shm");
        let root =
            if memory.is_dir() && !on_disk { memory.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("ustredna-sms").tempdir_in(root).unwrap();
        let house = Self { folder, switch: ports::free(), web: ports::free() };
        let phones: Vec<_> = (0..shoppers).map(phone).collect();
        if !phones.is_empty() {
            house.import(&phones);
        }
        house
    }

    pub(crate) fn import(&self, phones: &[String]) {
        let mut table = "shopper_phone,shopper_name,language,fictitious_number,id,project,\
                         valid_from,valid_to\n"
            .to_owned();
        for (number, phone) in phones.iter().enumerate() {
            writeln!(table, "{phone},,cs,{},1,,,", fictitious(number)).unwrap();
        }
        fs::write(self.path("shoppers.csv"), table).unwrap();
        self.write_settings(([127, 0, 0, 1], 1).into(), "");
        let done = self.command(&["import", "shoppers.csv"]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The settings: a provider over HTTP, and more lines of `[sms]`.
    pub(crate) fn write_settings(&self, provider: SocketAddr, sms: &str) {
        let path = |name: &str| self.path(name).display().to_string();
        let text = format!(
            "[database]\nurl = \"sqlite://{}\"\n[switch]\nlisten = \"{}\"\n\
             [callbacks]\nsms_delay = \"0s\"\n[recordings]\ndir = \"{}\"\n[cdr]\ndir = \"{}\"\n\
             [web]\nlisten = \"{}\"\n[sms]\ngateway = \"http\"\nlease = \"5s\"\n{sms}\n\
             [sms.http]\nurl = \"http://{provider}/send\"\ntimeout = \"1s\"\n\
             connect_timeout = \"500ms\"\n\
             form = {{ to = \"{{to}}\", text = \"{{text}}\", apikey = \"{{apikey}}\" }}\n\
             secrets = {{ apikey = \"{APIKEY}\" }}\n\
             [sms.http.answer]\nid = {{ pointer = \"/id\" }}\nerror = {{ pointer = \"/error\" }}\n\
             [sms.reports]\nsecret = \"{REPORTS}\"\nid = \"id\"\nstatus = \"status\"\n\
             delivered = [\"DELIVRD\"]\nfailed = [\"UNDELIV\"]\nunder_way = [\"ENROUTE\"]\n",
            path("ustredna.db"),
            self.switch,
            path("recordings"),
            path("cdr"),
            self.web,
        );
        fs::write(self.path("ustredna.toml"), text).unwrap();
    }

    /// The program, in this folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ustredna"));
        command.current_dir(self.folder.path()).args(arguments);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("USTREDNA_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// The exchange as a process of its own; what it logs goes to a file.
    pub(crate) fn serve(&self) -> Child {
        let log = fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        self.command(&["serve"]).stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }

    /// The exchange in this process.
    pub(crate) async fn open(&self, clock: Clock) -> Running {
        Running::open(&self.path("ustredna.toml"), clock).await.unwrap()
    }

    pub(crate) async fn store(&self) -> Store {
        let url = format!("sqlite://{}", self.path("ustredna.db").display());
        Store::open_existing(&url).await.unwrap()
    }

    /// A dealer calls a shopper's number and is missed.
    pub(crate) async fn miss(&self, store: &Store, shopper: usize, dealer: usize, at: Timestamp) {
        let number = e164(&fictitious(shopper));
        let assignment = store.assignment(&number, now(), now()).await.unwrap().unwrap();
        let dealer = e164(&format!("+420234{dealer:06}"));
        let mut history = History::new(CallId(Uuid::new_v4()), Service::FictitiousNumber, at);
        history.shopper = Some(assignment.shopper.id);
        history.called_number = Some(number);
        history.calling_dealer = Some(dealer.clone());
        let id = LegId(Uuid::new_v4());
        history.legs.push(Leg {
            id,
            dial: Dial {
                to: assignment.shopper.phone.clone(),
                shown: e164("+420234234390"),
                pairing: assignment.pairing,
                dealer: Some(dealer),
                direction: Direction::Back,
                ticket: None,
            },
            recording: RecordingPath::new(format!("{id}.wav")),
            started_at: at,
            answered_at: None,
            ended_at: Some(at),
            failure: None,
            cause: None,
        });
        let text = |missed: &MissedCall| {
            let text = match &missed.kind {
                MissKind::Ticket { number, dealer, .. } => {
                    format!("Zmeskany hovor c. {} od {dealer}", number.value())
                }
                MissKind::NoTicket { .. } | MissKind::Withheld | MissKind::Together(_) => {
                    "Zmeskany hovor".to_owned()
                }
            };
            SmsText { text, segments: 1 }
        };
        let timing = SmsTiming {
            delay: SignedDuration::ZERO,
            ticket_gap: SignedDuration::ZERO,
            expiry: SignedDuration::from_hours(6),
            strangers: u32::MAX,
        };
        let end = End { at, now: at, hangup_cause: None };
        let settled = store.settle(&history, &settle(&history), end, &text, timing).await;
        assert!(settled.unwrap().sms_queued);
    }

    /// Every message of every shopper that waits, in `sms --json` of the running exchange.
    pub(crate) async fn sms(running: &Running) -> Vec<Value> {
        let told = running.command(&["sms", "--json"]).await.unwrap();
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) async fn sms_to(running: &Running, phone: &str) -> Value {
        let mut all = Self::sms(running).await;
        all.retain(|sms| sms["to"] == phone);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// Waits until a message is in a state, and tells it then.
    pub(crate) async fn until(running: &Running, phone: &str, status: &str) -> Value {
        Self::until_it(running, phone, |sms| sms["status"] == status).await
    }

    /// Waits until a message may have been taken, and tells it then. It stays so for the pause after
    /// a first try, more than seven seconds.
    pub(crate) async fn until_unknown(running: &Running, phone: &str) -> Value {
        Self::until_it(running, phone, |sms| sms["unknown"] == true).await
    }

    /// Waits until a message is as wanted, as long as a slow machine may need for it.
    pub(crate) async fn until_it(
        running: &Running,
        phone: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        for _ in 0..1200 {
            let sms = Self::sms_to(running, phone).await;
            if wanted(&sms) {
                return sms;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("still not as wanted: {}", Self::sms_to(running, phone).await);
    }
}
