//! Recordings that break while two talk, and a folder that FreeSWITCH does not share: what the
//! shopper hears, what is stored, what an operator is told.

use std::{fs, os::unix::fs::symlink, path::PathBuf};

use fakeswitch::{Faults, Invite, RecordingFault};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
};

use crate::{
    language::{
        Call, Callee, DEALER, DEALER_HZ, HALF_A_SECOND, OUTBOUND, PhoneAccount, Setup, Step,
        millis, phone, secs,
    },
    ports,
    simulated::{Legs, Person, Place, attend},
    time::VirtualTime,
};

const TALK: u32 = 30;
/// A little more than three seconds of talk.
const ROOM: u64 = 100_000;

/// An operator: alarms are written to a file of theirs, and they read the exchange's pages.
struct Operator {
    folder: TempDir,
    web: String,
}

impl Operator {
    fn new() -> Self {
        let web = ports::free().to_string();
        Self { folder: tempfile::tempdir().unwrap(), web }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn setup(&self, own: &[(&'static str, &str)]) -> Setup {
        let alarms = self.path("alarms");
        let command = format!("['/bin/sh', '-c', 'cat >> {}']", alarms.display());
        let mut settings = vec![("alarm.command", leak(&command)), ("web.listen", leak(&self.web))];
        settings.extend(own.iter().map(|(key, value)| (*key, leak(value))));
        Setup { settings, ..Setup::default() }
    }

    fn alarms(&self) -> Vec<Value> {
        let told = fs::read_to_string(self.path("alarms")).unwrap_or_default();
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Status and body.
    async fn get(&self, page: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.web).await.unwrap();
        let request = format!("GET {page} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    async fn assert_metrics(&self, lines: &[&str]) {
        let (_, told) = self.get("/metrics").await;
        for line in lines {
            assert!(told.lines().any(|told| told == *line), "no {line} in\n{told}");
        }
    }
}

/// A setup keeps what it is given for ever.
fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn numbers(index: usize) -> (String, String) {
    (format!("+4206011{index:05}"), format!("+4207770{index:05}"))
}

async fn import(place: &Place, count: usize) {
    let line = |index| {
        let (shopper, number) = numbers(index);
        format!("{shopper},,cs,{number},1,Auto,,\n")
    };
    place.import(&(0..count).map(line).collect::<String>()).await;
}

struct Phones {
    tell: tokio::sync::mpsc::UnboundedSender<crate::language::Moment>,
    dealer: JoinHandle<()>,
}

impl Phones {
    fn new(place: &Place) -> Self {
        let (tell, _told) = tokio::sync::mpsc::unbounded_channel();
        let steps = vec![
            Step::Rings(HALF_A_SECOND),
            Step::Answers,
            Step::Talks(secs(TALK.into())),
            Step::HangsUp,
        ];
        let callee = Callee { number: DEALER.to_owned(), voice: DEALER_HZ, steps };
        let dealer = attend(place.switch(), &callee, &Legs::default(), &tell);
        Self { tell, dealer }
    }

    fn shopper_calls(&self, place: &Place, index: usize) -> JoinHandle<PhoneAccount> {
        let steps =
            vec![Step::Waits(millis(1500)), Step::Keys("234567890#"), Step::ListensUntilHangup];
        let call = Call { steps, ..phone(numbers(index).0).who_shops().calls(OUTBOUND) };
        let phone = place.switch().call(Invite::new(&call.from, &call.dials));
        let mut person = call.steps.clone();
        // They say something, lest they be found silent.
        if let Some(last) = person.last_mut() {
            *last = Step::TalksUntilHangup;
        }
        tokio::spawn(Person::calling(phone, &call, self.tell.clone()).does(person))
    }
}

/// The recording of a shopper's call, while they talk.
fn recording(place: &Place, index: usize) -> PathBuf {
    let number = numbers(index).1.trim_start_matches('+').to_owned();
    let days = place.folder().join("recordings/2026/11/22");
    let mut files = fs::read_dir(days).unwrap().map(|file| file.unwrap().path());
    files.find(|file| file.to_string_lossy().contains(&number)).unwrap()
}

/// One talk is recorded to its end, of one the disk is full, of one the file is deleted.
pub(crate) fn that_break() -> String {
    for (when_broken, full, deleted) in
        [("go_on", TALK..TALK + 1, TALK..TALK + 1), ("end", 12..18, 7..12)]
    {
        let operator = Operator::new();
        let time = VirtualTime::new();
        time.run(async {
            let setup = operator.setup(&[("recordings.when_broken", when_broken)]);
            let mut place = Place::new(&setup, time.outside()).await;
            place.start_exchange().await;
            import(&place, 3).await;
            let phones = Phones::new(&place);
            let mut callers = Vec::new();
            for index in 0..3 {
                let full = Some(RecordingFault::DiskFull { after_bytes: ROOM });
                let recording = full.filter(|_| index == 1);
                place.switch().set_faults(Faults { recording, ..Faults::default() });
                callers.push(phones.shopper_calls(&place, index));
            }
            tokio::time::sleep(secs(11)).await;
            operator
                .assert_metrics(&["ustredna_talks 3", "ustredna_recordings_broken_total 0"])
                .await;
            fs::remove_file(recording(&place, 2)).unwrap();
            for caller in callers {
                caller.await.unwrap();
            }
            // The proof of the last one, and its alarm.
            for _ in 0..60 {
                tokio::time::sleep(secs(1)).await;
                if operator.alarms().len() == 4 {
                    break;
                }
            }
            let mut calls = place.list("calls").await;
            calls.sort_by_key(|call| call["shopper"].to_string());
            let whole = |call: &Value| call["talk_seconds"].as_f64().unwrap().round();
            let talked: Vec<f64> = calls.iter().map(whole).collect();
            for (seconds, expected) in talked.iter().zip([TALK..TALK + 1, full, deleted]) {
                let expected = f64::from(expected.start)..f64::from(expected.end);
                assert!(expected.contains(seconds), "{when_broken}: {talked:?}");
            }
            check_alarms(&operator.alarms(), &calls);
            check_rows(&place, &calls).await;
            operator
                .assert_metrics(&[
                    "ustredna_talks 0",
                    "ustredna_recordings_broken_total 2",
                    "ustredna_recordings_total{verdict=\"ok\"} 1",
                    "ustredna_recordings_total{verdict=\"short\"} 1",
                    "ustredna_recordings_total{verdict=\"missing\"} 1",
                    "ustredna_alarms_total{kind=\"recording\"} 4",
                    "ustredna_alarms_failed_total{kind=\"recording\"} 0",
                    "ustredna_calls_total{service=\"outbound_hotline\",outcome=\"answered\"} 3",
                ])
                .await;
            phones.dealer.abort();
            place.close().await;
        });
    }
    "the disk full, the file deleted; with the talk going on and ended".to_owned()
}

/// One at once, one after the proof; in the end both tell why.
fn check_alarms(alarms: &[Value], calls: &[Value]) {
    let of = |call: &Value| {
        let own = alarms.iter().filter(|alarm| alarm["call"] == call["id"]);
        own.map(|alarm| alarm["verdict"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(of(&calls[0]), [""; 0]);
    assert_eq!(of(&calls[1]), ["pending", "short"]);
    assert_eq!(of(&calls[2]), ["pending", "missing"]);
    for alarm in alarms {
        assert_eq!(alarm["kind"], "recording");
        let problem = alarm["problem"].as_str().unwrap();
        let what =
            if alarm["call"] == calls[1]["id"] { "has not grown since" } else { "vanished after" };
        assert!(problem.contains(what) && problem.contains("2026-11-22T10:30"), "{alarm:#}");
        assert!(!alarm.to_string().contains("+42060"), "a shopper's number: {alarm:#}");
    }
}

async fn check_rows(place: &Place, calls: &[Value]) {
    for row in place.list("recordings").await {
        let problem = row["problem"].as_str().unwrap_or_default();
        assert_eq!(problem.is_empty(), row["call"] == calls[0]["id"], "{row:#}");
    }
}

/// FreeSWITCH's folder is another one at first: nobody is rung until it is the same.
pub(crate) fn elsewhere() -> String {
    let operator = Operator::new();
    let link = operator.path("as-freeswitch-sees-it");
    let time = VirtualTime::new();
    time.run(async {
        let link_text = link.display().to_string();
        let setup = operator.setup(&[("recordings.switch_dir", &link_text)]);
        let mut place = Place::new(&setup, time.outside()).await;
        place.start_exchange().await;
        import(&place, 1).await;
        let phones = Phones::new(&place);
        let (status, told) = operator.get("/readyz").await;
        assert!(status == 503 && told.contains("recordings.switch_dir"), "{status} {told}");
        let account = phones.shopper_calls(&place, 0).await.unwrap();
        assert!(account.heard.contains(&"calls-not-possible".to_owned()), "{account:?}");
        assert!(place.switch().rung().is_empty());
        let alarms = operator.alarms();
        assert_eq!((alarms.len(), &alarms[0]["kind"]), (1, &"folder".into()), "{alarms:#?}");
        assert!(alarms[0]["problem"].as_str().unwrap().contains("recordings.switch_dir"));

        symlink(place.folder().join("recordings"), &link).unwrap();
        tokio::time::sleep(secs(35)).await;
        let (status, told) = operator.get("/readyz").await;
        assert_eq!(status, 200, "{told}");
        phones.shopper_calls(&place, 0).await.unwrap();
        assert_eq!(place.switch().rung().len(), 1);
        tokio::time::sleep(secs(2)).await;
        let recordings = place.list("recordings").await;
        assert_eq!(recordings[0]["verdict"], "ok", "{recordings:#?}");
        // No probe is left behind.
        let files = fs::read_dir(place.folder().join("recordings")).unwrap();
        assert_eq!(files.count(), 1);
        phones.dealer.abort();
        place.close().await;
    });
    "refused, then connected".to_owned()
}
