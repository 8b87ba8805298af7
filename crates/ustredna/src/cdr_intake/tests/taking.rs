//! Records taken in, with a database and folders.

use std::{fs, os::unix::fs::symlink, time::SystemTime};

use sqlx::{Connection as _, Executor as _};
use store::{Filter, Limits, NewPairing, NewShopper, Store};
use tempfile::TempDir;

use super::*;
use crate::{clock::Clock, metrics::Moment, settings::Settings};

const NOON: &str = "2026-11-22T12:00:00Z";
const SHOPPER: &str = "+420601123456";
pub(crate) const NUMBER: &str = "+420777000111";

pub(crate) struct Place {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Clock,
    folder: TempDir,
}

impl Place {
    pub(crate) async fn new(settings: &str) -> Self {
        // What is flushed to a disk takes its time.
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("ustredna-cdr").tempdir_in(root).unwrap();
        let mut settings: Settings = toml::from_str(settings).unwrap();
        settings.cdr.dir = folder.path().join("cdr");
        settings.recordings.dir = folder.path().join("recordings");
        if !settings.cdr.keep.as_os_str().is_empty() {
            settings.cdr.keep = folder.path().join(&settings.cdr.keep);
        }
        fs::create_dir(&settings.cdr.dir).unwrap();
        let url = format!("sqlite://{}/exchange.db", folder.path().display());
        let store = Store::open(&url).await.unwrap().of_exchange("north");
        let now: Timestamp = NOON.parse().unwrap();
        let phone = |text| PhoneNumber::from_e164(text).unwrap();
        let shopper = NewShopper {
            phone: phone(SHOPPER),
            name: None,
            language: exchange::model::Language::Czech,
            pin: None,
        };
        store.add_shopper(&shopper, now).await.unwrap();
        store.add_number(&phone(NUMBER), None, now).await.unwrap();
        let pairing = NewPairing {
            shopper: phone(SHOPPER),
            fictitious_number: phone(NUMBER),
            number: None,
            project: None,
            valid_from: None,
            valid_to: None,
        };
        store.add_pairing(&pairing, now).await.unwrap();
        let clock = Clock::steered(now + SignedDuration::from_hours(1));
        let app = App::new(settings, store, clock.clone()).unwrap();
        Self { app, clock, folder }
    }

    fn cdr(&self, name: &str) -> PathBuf {
        self.folder.path().join("cdr").join(name)
    }

    /// A dealer's call that came so long ago and ended a second later, `number` of them in all.
    pub(crate) fn missed(&self, number: u128, seconds_ago: i64) -> PathBuf {
        let path = self.cdr(&format!("a_{number}.cdr.json"));
        let started = self.clock.now() - SignedDuration::from_secs(seconds_ago);
        let call = Uuid::from_u128(number);
        let record = serde_json::json!({ "variables": {
            "uuid": call.to_string(),
            "sip_req_user": NUMBER.trim_start_matches('+'),
            "sip_from_user": "+420234567890",
            "start_uepoch": started.as_microsecond().to_string(),
            "end_uepoch": (started.as_microsecond() + 1_000_000).to_string(),
            "hangup_cause": "ORIGINATOR_CANCEL",
        }});
        fs::write(&path, record.to_string()).unwrap();
        path
    }

    /// The store's row of a dealer's call that rings the shopper, as `exchange` began it.
    pub(crate) async fn rings(&self, number: u128, exchange: &str) {
        self.rings_in(number, exchange, SignedDuration::ZERO).await;
    }

    /// The same, with FreeSWITCH's clock so far ahead.
    async fn rings_in(&self, number: u128, exchange: &str, ahead: SignedDuration) {
        let phone = |text| PhoneNumber::from_e164(text).unwrap();
        let now = self.clock.now();
        let assignment =
            self.app.store.assignment(&phone(NUMBER), now, now).await.unwrap().unwrap();
        let call = CallId(Uuid::from_u128(number));
        let mut history = History::new(call, exchange::model::Service::FictitiousNumber, now);
        history.shopper = Some(assignment.shopper.id);
        history.switch_ahead = ahead;
        let mut leg = leg(&Uuid::from_u128(number + 1_000_000).to_string());
        leg.dial = Dial {
            to: phone(SHOPPER),
            pairing: assignment.pairing,
            direction: Direction::Back,
            ..leg.dial
        };
        leg.started_at = now;
        history.legs.push(leg);
        let store = self.app.store.clone().of_exchange(exchange);
        let (leg, limits) = (&history.legs[0], Limits::default());
        store.begin_leg(&history, leg, &limits, now, now).await.unwrap().unwrap();
    }

    async fn take_in(&self) {
        take_in(&self.app).await.unwrap();
    }

    /// The steady clock goes on, the time of day with it.
    async fn pass(&self, seconds: u64) {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        tokio::time::resume();
    }

    /// Misses counted on the shopper's only ticket.
    pub(crate) async fn missed_calls(&self) -> Option<u32> {
        let tickets = self.app.store.tickets(&Filter::default()).await.unwrap();
        assert!(tickets.len() < 2);
        tickets.first().map(|ticket| ticket.missed)
    }
}

#[tokio::test]
async fn a_record_counts_once_however_often_it_comes() {
    let place = Place::new("").await;
    for _ in 0..3 {
        let path = place.missed(1, 60);
        place.take_in().await;
        assert!(!path.exists());
        assert_eq!(place.missed_calls().await, Some(1));
    }
    assert_eq!(place.app.store.sms(&Filter::default()).await.unwrap().len(), 1);
}

/// Anybody on the machine can dial on the profile for test calls: its legs are nobody's calls.
#[tokio::test]
async fn a_leg_of_the_test_profile_is_nobodys_call() {
    let place = Place::new("").await;
    let path = place.missed(1, 60);
    let of_test = fs::read_to_string(&path).unwrap().replacen(
        "\"uuid\"",
        "\"sofia_profile_name\":\"test\",\"uuid\"",
        1,
    );
    fs::write(&path, of_test).unwrap();
    place.take_in().await;
    assert!(path.exists(), "whoever attends to a test may look for it");
    place.pass(20).await;
    place.take_in().await;
    assert!(!path.exists());
    assert!(place.app.store.calls(&Filter::default()).await.unwrap().is_empty());
    assert_eq!(place.missed_calls().await, None);
}

#[tokio::test]
async fn records_are_kept_where_the_setting_says() {
    let place = Place::new("cdr.keep = \"kept\"").await;
    let record = fs::read(place.missed(1, 60)).unwrap();
    place.take_in().await;
    assert_eq!(fs::read(place.folder.path().join("kept/a_1.cdr.json")).unwrap(), record);
    assert!(!place.cdr("a_1.cdr.json").exists());
}

#[tokio::test]
async fn half_a_record_waits_a_minute_and_is_put_aside() {
    let place = Place::new("").await;
    let path = place.missed(1, 60);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    // By a clock that was set back since, it is of tomorrow.
    let tomorrow = SystemTime::from(place.clock.now() + SignedDuration::from_hours(24));
    fs::File::options().append(true).open(&path).unwrap().set_modified(tomorrow).unwrap();
    place.take_in().await;
    place.pass(50).await;
    place.take_in().await;
    assert!(path.exists(), "it may still be written");
    place.pass(11).await;
    place.take_in().await;
    assert!(!path.exists() && place.cdr("unmatched/a_1.cdr.json").exists());
    assert_eq!(aside(&place.app.settings.cdr.dir), 1);
    assert_eq!(place.missed_calls().await, None);
    // Written again, whole.
    fs::write(&path, &whole).unwrap();
    place.take_in().await;
    assert_eq!(place.missed_calls().await, Some(1));
}

/// Reading them could take for ever, or all of the memory.
#[tokio::test]
async fn what_is_no_record_at_all_is_put_aside_unread() {
    let place = Place::new("").await;
    fs::create_dir(place.cdr("folder.cdr.json")).unwrap();
    symlink("/dev/zero", place.cdr("device.cdr.json")).unwrap();
    let huge = fs::File::create(place.cdr("huge.cdr.json")).unwrap();
    huge.set_len(6 << 30).unwrap();
    let pipe = place.cdr("pipe.cdr.json");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let whole = place.missed(1, 60);
    tokio::time::timeout(Duration::from_secs(10), place.take_in()).await.unwrap();
    assert!(!whole.exists() && place.missed_calls().await == Some(1));
    assert_eq!(aside(&place.app.settings.cdr.dir), 4);
}

/// Whatever stands in the way of taking records away: the worker fails, and is well again once it is gone.
#[tokio::test]
async fn what_cannot_be_taken_away_fails_and_is_counted_once_it_can() {
    let plants: [fn(&Path, &Path); 3] = [
        |kept, _| fs::write(kept, "a file in its place").unwrap(),
        |kept, _| symlink("/proc", kept).unwrap(),
        // A move to itself would go well, for ever.
        |kept, dir| symlink(dir, kept).unwrap(),
    ];
    for plant in plants {
        let place = Place::new("cdr.keep = \"kept\"").await;
        let kept = place.folder.path().join("kept");
        plant(&kept, &place.app.settings.cdr.dir);
        let path = place.missed(1, 60);
        let taken_in = || {
            let told = place.app.metrics.told(&Moment::default()).unwrap();
            let name = "ustredna_cdrs_total{outcome=\"taken_in\"} ";
            told.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned()
        };
        for _ in 0..3 {
            let error = take_in(&place.app).await.unwrap_err().to_string();
            assert!(error.contains("it cannot be taken away: cdr.keep (/"), "{error}");
            assert!(path.exists());
            assert_eq!((taken_in().as_str(), place.missed_calls().await), ("0", Some(1)));
        }
        fs::remove_file(&kept).unwrap();
        place.take_in().await;
        assert_eq!(taken_in(), "1");
    }
}

#[tokio::test]
async fn a_clock_set_back_loses_no_record() {
    let place = Place::new("").await;
    place.rings(1, "north").await;
    // Of a call without a row, too.
    let unattended = place.missed(2, 1);
    let path = place.missed(1, 1);
    place.clock.skip(SignedDuration::from_hours(-2));
    place.take_in().await;
    assert!(!path.exists());
    assert_eq!(place.missed_calls().await, Some(1), "the call's row began in the future");
    assert!(unattended.exists(), "another exchange may be about to write its row");
    place.pass(11).await;
    place.take_in().await;
    assert!(!unattended.exists(), "it waits no two hours");
    assert_eq!(place.missed_calls().await, Some(2));
    assert!(place.app.store.open_calls().await.unwrap().is_empty());
    let calls = place.app.store.calls(&Filter::default()).await.unwrap();
    let second = calls.iter().find(|call| call.id == CallId(Uuid::from_u128(2))).unwrap();
    assert!(second.ended_at.unwrap() <= place.clock.now(), "it ended in the future");
    let sms = place.app.store.sms(&Filter::default()).await.unwrap().remove(0);
    let waits = sms.not_before.duration_since(place.clock.now());
    assert!(waits <= SignedDuration::from_mins(1), "the shopper waits {waits} for the SMS");
}

#[tokio::test]
async fn a_switch_in_another_time_completes_a_call_in_ours() {
    let place = Place::new("").await;
    let before = place.clock.now();
    place.rings_in(1, "north", SignedDuration::from_hours(1)).await;
    // It began at the same moment, which FreeSWITCH takes for one an hour later.
    place.missed(1, -3600);
    // However long that took.
    let lasted = place.clock.now().duration_since(before).as_secs() + 1;
    place.take_in().await;
    let call = place.app.store.calls(&Filter::default()).await.unwrap().remove(0);
    let seconds = |at: Timestamp| at.duration_since(before).as_secs();
    let (began, ended) = (seconds(call.started_at), seconds(call.ended_at.unwrap()));
    assert!((0..=lasted).contains(&began), "{began} s");
    assert!((began + 1..=lasted + 1).contains(&ended), "{began} to {ended} s");
}

#[tokio::test]
async fn another_exchange_may_first_end_its_calls_itself() {
    let place = Place::new("").await;
    place.rings(1, "south").await;
    let path = place.missed(1, 1);
    place.take_in().await;
    assert!(path.exists());
    assert_eq!(place.missed_calls().await, None);
    place.pass(11).await;
    place.take_in().await;
    assert!(!path.exists(), "it did not");
    assert_eq!(place.missed_calls().await, Some(1));
}

#[tokio::test]
async fn a_dialled_leg_waits_for_its_call_and_one_of_no_call_is_put_aside() {
    let place = Place::new("").await;
    place.rings(1, "north").await;
    let record = |call: u128| {
        let (leg, call) = (Uuid::from_u128(77), Uuid::from_u128(call));
        format!("{{\"variables\": {{\"uuid\": \"{leg}\", \"ustredna_call_id\": \"{call}\"}}}}")
    };
    fs::write(place.cdr("ours.cdr.json"), record(1)).unwrap();
    fs::write(place.cdr("stranger.cdr.json"), record(5)).unwrap();
    place.take_in().await;
    place.pass(11).await;
    place.take_in().await;
    assert!(place.cdr("ours.cdr.json").exists());
    assert!(place.cdr("unmatched/stranger.cdr.json").exists());
    place.missed(1, 1);
    place.take_in().await;
    place.take_in().await;
    assert!(!place.cdr("ours.cdr.json").exists());
    assert_eq!(aside(&place.app.settings.cdr.dir), 1);
}

#[tokio::test]
async fn while_a_task_looks_after_a_call_its_record_waits() {
    let place = Place::new("").await;
    let path = place.missed(1, 60);
    let attended = place.app.live.enter(CallId(Uuid::from_u128(1)));
    place.take_in().await;
    assert!(path.exists());
    drop(attended);
    place.take_in().await;
    assert!(!path.exists());
}

#[test]
fn the_oldest_record_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    for (name, minutes) in [("a", 2_u64), ("b", 1), ("c", 3)] {
        let path = folder.path().join(format!("{name}.cdr.json"));
        let at = SystemTime::UNIX_EPOCH + Duration::from_mins(minutes);
        fs::File::create(path).unwrap().set_modified(at).unwrap();
    }
    let listed = list(folder.path()).unwrap();
    let names: Vec<_> = listed.iter().map(|path| path.file_name().unwrap()).collect();
    assert_eq!(names, ["b.cdr.json", "a.cdr.json", "c.cdr.json"]);
}

/// For how long this thread has had a processor.
fn worked() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    // utime and stime of proc(5), in hundredths of a second.
    let hundredths = fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap());
    Duration::from_millis(hundredths.sum::<u64>() * 10)
}

/// 500 records, or with `USTREDNA_CDR_MEASURE=1` 10,000.
#[tokio::test]
async fn a_full_folder_holds_up_nobody() {
    let count: u32 = if std::env::var_os("USTREDNA_CDR_MEASURE").is_some() { 10_000 } else { 500 };
    let place = Place::new("").await;
    for number in 1..=count {
        place.missed(number.into(), 60);
    }
    let began = clock::instant();
    let mut longest = Duration::ZERO;
    let mut first = None;
    let taking = async {
        take_first(&place.app).await.unwrap();
        first = Some(clock::instant() - began);
        place.take_in().await;
    };
    // On one thread a call's task is held up by as long as this one is. By the thread's own time, for
    // others may have the processor.
    let ticking = async {
        loop {
            let before = worked();
            tokio::time::sleep(Duration::from_millis(1)).await;
            longest = longest.max(worked().saturating_sub(before));
        }
    };
    tokio::select! {
        () = taking => {}
        () = ticking => {}
    }
    let took = clock::instant() - began;
    println!(
        "{count} records: {took:?}, the first {BATCH} {first:?}, no task waited over {longest:?}"
    );
    assert_eq!(place.missed_calls().await, Some(count));
    assert!(list(&place.app.settings.cdr.dir).unwrap().is_empty());
    assert!(longest < Duration::from_millis(500), "{longest:?}");
}

#[tokio::test]
async fn a_record_that_the_database_does_not_take_stays() {
    let place = Place::new("").await;
    place.rings(1, "north").await;
    let path = place.missed(1, 60);
    let url = format!("sqlite://{}/exchange.db", place.folder.path().display());
    let mut hand = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let full = "CREATE TRIGGER full BEFORE UPDATE ON calls \
                BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END";
    hand.execute(full).await.unwrap();
    // The worker's turn has failed, which `/readyz` tells when it lasts.
    let problem = format!("{:#}", take_in(&place.app).await.unwrap_err());
    assert!(problem.contains("disk is full"), "{problem}");
    assert!(path.exists() && place.missed_calls().await.is_none());
    hand.execute("DROP TRIGGER full").await.unwrap();
    place.take_in().await;
    assert!(!path.exists() && place.missed_calls().await == Some(1));
}

/// What became of the call must not be guessed: nobody is told of a miss that was none.
#[tokio::test]
async fn a_record_of_a_damaged_row_waits_until_the_row_is_put_right() {
    let place = Place::new("").await;
    place.rings(1, "north").await;
    let path = place.missed(1, 60);
    let url = format!("sqlite://{}/exchange.db", place.folder.path().display());
    let mut hand = sqlx::SqliteConnection::connect(&url).await.unwrap();
    hand.execute("PRAGMA ignore_check_constraints = ON").await.unwrap();
    hand.execute("UPDATE calls SET service = 'junk'").await.unwrap();
    for _ in 0..3 {
        place.take_in().await;
        assert!(path.exists() && place.missed_calls().await.is_none());
    }
    let told = place.app.metrics.told(&Moment::default()).unwrap();
    assert!(told.contains("ustredna_alarms_total{kind=\"folder\"} 1\n"), "once: {told}");
    hand.execute("UPDATE calls SET service = 'fictitious_number'").await.unwrap();
    place.take_in().await;
    assert!(!path.exists() && place.missed_calls().await == Some(1));
}

/// It may be these calls, and not the database.
#[tokio::test]
async fn calls_that_the_database_does_not_take_hold_up_no_other() {
    let place = Place::new("").await;
    let mut refused = Vec::new();
    for number in 1..=4 {
        place.rings(number, "north").await;
        refused.push(place.missed(number, 60));
    }
    let url = format!("sqlite://{}/exchange.db", place.folder.path().display());
    let mut hand = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let odd = "CREATE TRIGGER odd BEFORE UPDATE ON calls WHEN OLD.ended_at IS NULL \
               BEGIN SELECT RAISE(ABORT, 'odd'); END";
    hand.execute(odd).await.unwrap();
    // Of no row, so that it is written anew; the last in the order in which they are taken.
    let other = place.missed(5, 50);
    let later = SystemTime::from("2100-01-01T00:00:00Z".parse::<Timestamp>().unwrap());
    fs::File::options().append(true).open(&other).unwrap().set_modified(later).unwrap();
    take_in(&place.app).await.unwrap_err();
    assert!(refused.iter().all(|path| path.exists()));
    assert!(!other.exists() && place.missed_calls().await == Some(1));
}

#[tokio::test]
async fn nobody_is_told_of_calls_of_another_day() {
    let place = Place::new("").await;
    place.clock.skip(SignedDuration::from_hours(72));
    place.missed(1, 25 * 3600);
    place.take_in().await;
    assert_eq!(aside(&place.app.settings.cdr.dir), 1);
    assert_eq!(place.missed_calls().await, None);
}
