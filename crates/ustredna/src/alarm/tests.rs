use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use tempfile::TempDir;

use super::*;
use crate::metrics::Moment;

/// A command that writes down what it is told, the first time and the second time in vain.
fn reluctant(folder: &TempDir) -> settings::Alarm {
    let (path, out) = (folder.path().join("alarm"), folder.path().join("out"));
    let text = format!("cat >> {0}\ntest $(wc -l < {0}) -gt 2\n", out.display());
    // Run by a shell: while another test starts a program, a file just written is "text file busy".
    fs::write(&path, text).unwrap();
    let command = ["/bin/sh", path.to_str().unwrap()].map(str::to_owned);
    settings::Alarm { command: command.to_vec(), webhook: None }
}

fn alarms(settings: &settings::Alarm) -> Alarms {
    Alarms::new(settings, "one".to_owned(), Clock::SYSTEM, Metrics::default()).unwrap()
}

/// The first way, and the first alarm that waits there.
fn first(alarms: &Alarms) -> (&Line, Arc<Told>) {
    let line = &alarms.lines[0];
    (line, line.waiting.lock().unwrap().take().unwrap().try_recv().unwrap())
}

fn full() -> Alarm {
    Alarm::Disk { free_bytes: 5, days_left: Some(2) }
}

fn failed(alarms: &Alarms) -> u32 {
    let told = alarms.metrics.told(&Moment::default()).unwrap();
    let name = "ustredna_alarms_failed_total{kind=\"disk\"} ";
    told.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse().unwrap()
}

fn told(folder: &TempDir) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(folder.path().join("out")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_told_again_after_pauses() {
    let folder = tempfile::tempdir().unwrap();
    let alarms = alarms(&reluctant(&folder));
    alarms.raise(full());
    let (line, waiting) = first(&alarms);
    // Time that is paused runs on while a process is waited for: a try must not be cut off by it.
    tokio::time::resume();
    let (stop, tries) = (CancellationToken::new(), AtomicUsize::new(0));
    let count = |_: Result<(), &str>| {
        tries.fetch_add(1, Relaxed);
    };
    let telling = line.tell(&waiting, &stop, &count);
    tokio::pin!(telling);
    for tried in 1..=2 {
        // However long the shell takes to start.
        while tries.load(Relaxed) < tried {
            let next = tokio::time::timeout(Duration::from_millis(10), &mut telling);
            assert!(next.await.is_err(), "it pauses");
        }
        let next = tokio::time::timeout(Duration::from_millis(100), &mut telling);
        assert!(next.await.is_err(), "it pauses");
        assert_eq!(tries.load(Relaxed), tried);
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(31)).await;
        tokio::time::resume();
    }
    telling.await.unwrap();
    assert_eq!(failed(&alarms), 0);
    let told = told(&folder);
    assert_eq!(told.len(), 3);
    assert_eq!(told[0], told[2]);
    let expected = [("kind", "disk"), ("exchange", "one")];
    assert!(expected.iter().all(|(key, value)| told[0][*key] == *value), "{}", told[0]);
    assert_eq!((&told[0]["free_bytes"], &told[0]["days_left"]), (&5.into(), &2.into()));
    assert!(told[0]["at"].as_str().unwrap().parse::<Timestamp>().is_ok());
}

#[tokio::test]
async fn an_exchange_that_stops_tries_once() {
    let folder = tempfile::tempdir().unwrap();
    let alarms = alarms(&reluctant(&folder));
    alarms.raise(full());
    let (line, waiting) = first(&alarms);
    let stop = CancellationToken::new();
    stop.cancel();
    line.tell(&waiting, &stop, &|_| ()).await.unwrap_err();
    assert_eq!((told(&folder).len(), failed(&alarms)), (1, 1));
}

#[tokio::test]
async fn nobody_waits_when_too_many_are_raised() {
    let folder = tempfile::tempdir().unwrap();
    let alarms = alarms(&reluctant(&folder));
    (0..WAITING + 7).for_each(|_| alarms.raise(full()));
    assert_eq!(failed(&alarms), 7);
    // Where nobody is to be told, nothing piles up.
    let alarms = self::alarms(&settings::Alarm::default());
    (0..WAITING + 7).for_each(|_| alarms.raise(full()));
    assert_eq!(failed(&alarms), 0);
}

#[tokio::test]
async fn a_way_that_does_not_work_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let command = ["/bin/sh", "-c", &format!("cat >> {}", out.display())].map(str::to_owned);
    // Nobody listens there.
    let webhook = Some("https://127.0.0.1:9/".to_owned().into());
    let alarms = alarms(&settings::Alarm { command: command.to_vec(), webhook });
    alarms.raise(full());
    alarms.raise(full());
    let stop = CancellationToken::new();
    let [command, webhook] = &alarms.lines[..] else { panic!("two ways") };
    let mut first = webhook.waiting.lock().unwrap().take().unwrap();
    let broken = first.recv().await.unwrap();
    let trying = webhook.tell(&broken, &stop, &|_| ());
    tokio::pin!(trying);
    let mut waiting = command.waiting.lock().unwrap().take().unwrap();
    let both = async {
        for _ in 0..2 {
            command.tell(&waiting.recv().await.unwrap(), &stop, &|_| ()).await.unwrap();
        }
    };
    tokio::select! {
        _ = &mut trying => panic!("it is tried again after a pause"),
        () = both => {}
    }
    assert_eq!(told(&folder).len(), 2);
}

/// A command that hangs for one subject: another one's alarms are told meanwhile, and it is known that
/// alarms do not work.
#[tokio::test]
async fn one_that_hangs_holds_up_no_other_subject_and_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("alarm"), folder.path().join("out"));
    let text = format!(
        "cat > $0.$$; grep -qE 'switch|cdr_intake' $0.$$ && exit 1; cat $0.$$ >> {}",
        out.display()
    );
    fs::write(&path, text).unwrap();
    let words = ["/bin/sh", path.to_str().unwrap()];
    let house = crate::proof::tests::House::with(&format!("alarm.command = {words:?}")).await;
    let (app, stop) = (&house.app, CancellationToken::new());
    app.alarm.raise(Alarm::Switch { state: State::Failing, problem: None });
    app.alarm.raise(Alarm::Switch { state: State::Recovered, problem: None });
    // Each worker is a subject of its own.
    for worker in ["cdr_intake", "cdr_intake", "outbox"] {
        app.alarm.raise(Alarm::Worker { worker, state: State::Failing, problem: None });
    }
    app.alarm.raise(full());
    let looking = async {
        while !out.exists() || told(&folder).len() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        while !app.health.is_failing(Worker::Alarms) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.cancel();
    };
    let serving = run(Arc::clone(app), stop.clone());
    let both = async {
        tokio::join!(looking, async {
            app.afterwork.close();
            serving.await;
        })
    };
    // The first one is given up after 155 s, and the second one not told before: there is time for a
    // machine that starts no shell for long.
    tokio::time::timeout(Duration::from_mins(1), both).await.expect("they wait for the first one");
    assert_eq!(told(&folder).len(), 2);
}
