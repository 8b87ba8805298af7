//! A folder with the program's database, and what it prints.

use std::{
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use exchange::{
    call::{Dial, Direction},
    history::{History, Leg},
    model::{CallId, LegId, Pairing, PairingId, Service},
    number::PhoneNumber,
    recording::RecordingPath,
    settle::settle,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sqlx::{Connection as _, Executor as _};
use store::{End, Filter, Limits, MissedCall, SmsText, SmsTiming, Store, Throttle};
use tempfile::TempDir;
use uuid::Uuid;

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// It went well; what it printed.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        assert_eq!(self.err, "");
        self.out
    }

    /// It failed, and says why on standard error.
    #[track_caller]
    pub(crate) fn failed(self) -> String {
        assert_eq!(self.code, Some(1), "{}{}", self.out, self.err);
        assert!(self.err.starts_with("error: "), "{}", self.err);
        self.err
    }
}

pub(crate) struct World {
    folder: TempDir,
}

pub(crate) const SHEET: &str = "\
shopper_phone,shopper_name,language,fictitious_number,id,project,valid_from,valid_to
601 123 456,Jana Nová,cs,777000111,,Banks,,
601123456,,,777 000 112,,Cars,2026-01-01,2036-12-31
00420602654321,Bob,en,+420777000113,7,,,
";

impl World {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// With the shoppers of [`SHEET`].
    pub(crate) fn imported() -> Self {
        let world = Self::new();
        world.write("shoppers.csv", SHEET);
        world.run(&["import", "shoppers.csv"]).ok();
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ustredna"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        done(self.command(arguments))
    }

    /// With a line on standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Done {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        of(&child.wait_with_output().unwrap())
    }

    /// What a command prints with `--json`.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let out = self.run(&[arguments, &["--json"]].concat()).ok();
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A worker takes the waiting SMS, as at the moment of sending.
    pub(crate) fn lease_sms(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (at, lease) =
                ("2026-11-30T00:00:00Z".parse().unwrap(), SignedDuration::from_secs(60));
            let leased = self.store().await.lease_sms(at, lease, 10, Throttle::NONE).await.unwrap();
            assert_eq!(leased.sms.len(), 1);
        });
    }

    /// While another program has it open, and has just added this number.
    pub(crate) fn while_open(&self, number: &str, look: impl FnOnce()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let number = PhoneNumber::from_e164(number).unwrap();
        let store = runtime.block_on(async {
            let store = self.store().await;
            store.add_number(&number, None, Timestamp::UNIX_EPOCH).await.unwrap();
            store
        });
        look();
        runtime.block_on(store.close());
    }

    async fn store(&self) -> Store {
        let url = format!("sqlite://{}", self.path("ustredna.db").display());
        Store::open_existing(&url).await.unwrap()
    }

    /// Somebody who may write the database does so.
    pub(crate) fn sql(&self, sql: &'static str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            sqlx::any::install_default_drivers();
            let url = format!("sqlite://{}", self.path("ustredna.db").display());
            let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
            connection.execute(sql).await.unwrap();
            connection.close().await.unwrap();
        });
    }

    /// The exchange found that a recording broke in the talk.
    pub(crate) fn note_problem(&self, path: &str, problem: &str) {
        self.judge(path, |row| row.problem = Some(problem.to_owned()));
    }

    /// Somebody has judged the recording at this path.
    pub(crate) fn judge(&self, path: &str, how: impl FnOnce(&mut store::RecordingRow)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = self.store().await;
            let rows = store.recordings(&Filter::default()).await.unwrap();
            let mut row = rows.into_iter().find(|row| row.path.reveal() == path).unwrap();
            how(&mut row);
            store.record_verdict(&row).await.unwrap();
            store.close().await;
        });
    }

    /// A call of the shopper with `phone` and their pairing `id`, as the exchange stores it; its id.
    pub(crate) fn call(&self, phone: &str, id: u16, call: &PastCall<'_>) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.store_call(phone, id, call)).to_string()
    }

    async fn store_call(&self, phone: &str, id: u16, call: &PastCall<'_>) -> CallId {
        let store = self.store().await;
        let phone = PhoneNumber::from_e164(phone).unwrap();
        let shoppers = store.shoppers().await.unwrap();
        let shopper = shoppers.iter().find(|shopper| shopper.phone == phone).unwrap();
        let pairings = store.pairings(&Filter::default(), false).await.unwrap();
        let pairing = pairings
            .iter()
            .find(|pairing| pairing.shopper == phone && pairing.number.value() == id)
            .unwrap();
        let dealer = Some(PhoneNumber::from_e164("+420234567890").unwrap());

        let mut history = History::new(CallId(Uuid::new_v4()), call.service, call.at);
        history.shopper = Some(shopper.id);
        let (to, shown, direction) = match call.service {
            Service::FictitiousNumber => {
                history.called_number = Some(pairing.fictitious_number.clone());
                history.calling_dealer.clone_from(&dealer);
                (phone, PhoneNumber::from_e164("+420234234390").unwrap(), Direction::Back)
            }
            Service::OutboundHotline | Service::CallbackHotline => {
                let shown = pairing.fictitious_number.clone();
                (dealer.clone().unwrap(), shown, Direction::Out)
            }
        };
        let leg = Leg {
            id: LegId(Uuid::new_v4()),
            dial: Dial {
                to,
                shown,
                pairing: Pairing {
                    id: PairingId(pairing.id.0),
                    number: pairing.number,
                    fictitious_number: pairing.fictitious_number.clone(),
                    project: pairing.project.clone(),
                },
                dealer,
                direction,
                ticket: None,
            },
            recording: RecordingPath::new(call.recording),
            started_at: call.at,
            answered_at: None,
            ended_at: None,
            failure: None,
            cause: None,
        };
        store
            .begin_leg(&history, &leg, &Limits::default(), call.at, call.at)
            .await
            .unwrap()
            .unwrap();
        let ended_at = call.at + SignedDuration::from_secs(call.talk_seconds.unwrap_or(20));
        history.legs.push(Leg {
            answered_at: call.talk_seconds.map(|_| call.at),
            ended_at: Some(ended_at),
            ..leg
        });
        let text = |_: &MissedCall| SmsText { text: "Zmeskany hovor".to_owned(), segments: 1 };
        let cause = Some("NORMAL_CLEARING");
        let timing = SmsTiming {
            delay: SignedDuration::from_secs(60),
            ticket_gap: SignedDuration::ZERO,
            // Commands go by the real time.
            expiry: SignedDuration::from_hours(24 * 365 * 20),
            strangers: 5,
        };
        let settlement = settle(&history);
        let end = End { at: ended_at, now: ended_at, hangup_cause: cause };
        store.settle(&history, &settlement, end, &text, timing).await.unwrap();
        store.close().await;
        history.id
    }
}

pub(crate) struct PastCall<'a> {
    pub(crate) service: Service,
    pub(crate) at: Timestamp,
    /// `None`: missed.
    pub(crate) talk_seconds: Option<i64>,
    pub(crate) recording: &'a str,
}

/// Addresses that nobody listens on at this moment, each another one.
pub(crate) fn free<const N: usize>() -> [String; N] {
    let bound = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    bound.map(|socket| socket.local_addr().unwrap().to_string())
}

pub(crate) fn done(mut command: Command) -> Done {
    of(&command.output().unwrap())
}

fn of(output: &std::process::Output) -> Done {
    Done {
        code: output.status.code(),
        out: String::from_utf8(output.stdout.clone()).unwrap(),
        err: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}

/// The keys of an object.
#[track_caller]
pub(crate) fn assert_keys(object: &Value, keys: &str) {
    for key in keys.split_whitespace() {
        assert!(object.get(key).is_some(), "no `{key}` in {object}");
    }
}

/// A stereo recording of `seconds` with a tone on each side whose loudness is not 0.
pub(crate) fn record(path: &Path, seconds: u32, loudness: [f32; 2]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec).unwrap();
    for frame in 0..seconds * 8000 {
        for loud in loudness {
            let sign = if frame / 10 % 2 == 0 { 1.0 } else { -1.0 };
            #[expect(clippy::cast_possible_truncation, reason = "a test tone")]
            wav.write_sample((sign * loud * 16_000.0) as i16).unwrap();
        }
    }
    wav.finalize().unwrap();
}
