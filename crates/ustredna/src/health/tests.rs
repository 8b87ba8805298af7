use super::*;
use crate::proof::tests::House;

#[tokio::test(start_paused = true)]
async fn a_worker_that_fails_for_long_is_told_until_it_succeeds() {
    let health = Health::default();
    health.begins(Worker::Intake);
    let advance = |seconds| tokio::time::advance(Duration::from_secs(seconds));
    health.note(Worker::Intake, Err("locked"));
    advance(10).await;
    health.note(Worker::Intake, Err("disk full"));
    assert!(health.faults().is_empty(), "it may be over soon");
    advance(6).await;
    let faults = health.faults();
    assert_eq!(faults[&Worker::Intake], "has failed for 16 s: disk full");
    health.well(Worker::Intake);
    assert!(health.faults().is_empty());
    advance(7).await;
    assert_eq!(health.successes(), [("cdr_intake", Duration::from_secs(7))]);
}

/// What is written to it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_lasts_is_logged_once_a_minute() {
    let log = Log::default();
    let copy = log.clone();
    let to_log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || copy.clone());
    let _kept = tracing::subscriber::set_default(to_log.finish());
    let (health, sparse) = (Health::default(), Sparse::default());
    let mut due = Vec::new();
    for second in 0..150 {
        health.note(Worker::Intake, Err("locked"));
        health.note(Worker::Outbox, Err(format!("locked for {second} s")));
        if sparse.is_due() {
            due.push(second);
        }
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    health.well(Worker::Intake);
    health.well(Worker::Intake);
    let told = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines = |what: &str, who: &str| {
        told.lines().filter(|line| line.contains(what) && line.contains(who)).count()
    };
    assert_eq!(lines("a worker fails", "cdr_intake"), 3, "{told}");
    assert_eq!(lines("a worker fails", "outbox"), 3, "{told}");
    assert_eq!(lines("a worker works again", "cdr_intake"), 1, "{told}");
    assert_eq!(due, [0, 60, 120]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_without_a_turn_hangs_and_one_without_work_does_not() {
    let health = Health::default();
    for worker in Worker::ALL {
        health.begins(*worker);
    }
    tokio::time::advance(SILENT).await;
    let hang: Vec<_> = health.faults().into_keys().collect();
    assert!(hang.contains(&Worker::Outbox) && !hang.contains(&Worker::Disk), "{hang:?}");
    // One failure long ago, and nothing to do since.
    health.note(Worker::Reports, Err("locked"));
    tokio::time::advance(FAILING).await;
    assert!(health.faults().contains_key(&Worker::Reports));
    tokio::time::advance(FADES).await;
    assert!(!health.faults().contains_key(&Worker::Reports));
}

#[tokio::test]
async fn a_worker_that_breaks_off_is_started_again_and_told() {
    let house = House::with("").await;
    tokio::time::pause();
    let (app, stop) = (Arc::clone(&house.app), CancellationToken::new());
    let turns = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let (counted, at_work) = (Arc::clone(&turns), stop.clone());
    let tended = tend(Arc::clone(&app), Worker::Intake, stop.clone(), move || {
        let turn = counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let (app, stop) = (Arc::clone(&app), at_work.clone());
        async move {
            assert!(turn > 2, "this breaks off");
            app.health.well(Worker::Intake);
            stop.cancelled().await;
        }
    });
    let watched = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(turns.load(std::sync::atomic::Ordering::SeqCst), 2);
        tokio::time::sleep(Duration::from_secs(10)).await;
        stop.cancel();
    };
    tokio::join!(tended, watched);
    assert_eq!(turns.load(std::sync::atomic::Ordering::SeqCst), 4);
    assert!(house.app.health.faults().is_empty());
    let restarts = house.metric("ustredna_worker_restarts_total{worker=\"cdr_intake\"}");
    assert!((restarts - 3.0).abs() < 0.5, "{restarts}");
    let alarms = house.metric("ustredna_alarms_total{kind=\"worker\"}");
    assert!((alarms - 3.0).abs() < 0.5, "{alarms}");
}
