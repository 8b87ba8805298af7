//! Controllers that cannot be reached or are lost, and switches that end.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::{net::TcpStream, path::Path, time::Duration};

use common::{Controller, DEALER, HOTLINE, LEG, SHOPPER, dial, execute, rest, switch};
use fakeswitch::{Callee, Config, Invite, Script, Sight, Switch};
use hound::{SampleFormat, WavSpec, WavWriter};
use tempfile::tempdir;
use tokio::{
    net::TcpSocket,
    time::{Instant, timeout},
};

mod common;

/// A second of a prompt.
fn apology(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("apology.wav");
    let spec = WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut writer = WavWriter::create(&path, spec).unwrap();
    for _ in 0..8000 {
        writer.write_sample(0_i16).unwrap();
    }
    writer.finalize().unwrap();
    path
}

async fn apologising(controller: &Controller, folder: &Path) -> Switch {
    Switch::start(Config {
        controllers: vec![controller.address()],
        apology: Some(apology(folder)),
        cdr_dir: Some(folder.to_owned()),
        ..Config::default()
    })
    .await
    .unwrap()
}

fn hears_the_apology(sights: &[Sight]) -> bool {
    sights.iter().any(|sight| matches!(sight, Sight::Hears(path) if path.ends_with("apology.wav")))
}

#[tokio::test(start_paused = true)]
async fn without_a_controller_the_caller_hears_the_apology_unanswered() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = apologising(&controller, folder.path()).await;
    drop(controller);
    let sights = rest(switch.call(Invite::new(SHOPPER, HOTLINE))).await;
    assert_eq!(sights[0], Sight::EarlyMedia);
    assert!(hears_the_apology(&sights));
    let cause = "NORMAL_TEMPORARY_FAILURE".to_owned();
    assert_eq!(sights.last(), Some(&Sight::Ended { code: 503, cause }));
}

#[tokio::test(start_paused = true)]
async fn the_next_controller_takes_the_call_when_the_first_is_away() {
    let (away, there) = (Controller::start().await, Controller::start().await);
    let controllers = vec![away.address(), there.address()];
    drop(away);
    let switch = Switch::start(Config { controllers, ..Config::default() }).await.unwrap();
    let _phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    assert_eq!(there.accept().await.take_over().await.variable("sip_from_user"), Some(SHOPPER));
}

/// Lost in a gather: with `socket_resume` the apology comes at once, without it when the gather has
/// ended.
#[tokio::test(start_paused = true)]
async fn a_controller_lost_in_a_gather_is_apologised_for() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = apologising(&controller, folder.path()).await;
    for (resumes, at_least, at_most) in [(true, 0, 100), (false, 4900, 5200)] {
        let mut phone = switch.call(Invite::new(SHOPPER, HOTLINE));
        let mut line = controller.accept().await;
        line.take_over().await;
        if !resumes {
            line.clear_resume(&phone.leg().to_string()).await;
        }
        line.execute("answer", "", "a").await;
        let gather = "1 9 1 4000 # silence_stream://1000 /no/such.wav g [0-9]+ 1500";
        line.execute("play_and_get_digits", gather, "g").await;
        while line.event("CHANNEL_EXECUTE").await.get("Application-UUID") != Some("g") {}
        let lost = tokio::time::Instant::now();
        drop(line);
        while !matches!(phone.next().await.unwrap().sight, Sight::Hears(_)) {}
        let after = lost.elapsed().as_millis();
        assert!((at_least..=at_most).contains(&after), "{after} ms");
        let cause = "NORMAL_TEMPORARY_FAILURE".to_owned();
        assert_eq!(rest(phone).await.last(), Some(&Sight::Ended { code: 200, cause }));
    }
}

/// Lost in a bridge: with `socket_resume` the talk ends, the callee is hung up and the caller hears the
/// apology; with it cleared the talk goes on. Both CDRs are written in either case.
#[tokio::test(start_paused = true)]
async fn a_talk_outlives_its_controller_unless_it_is_to_resume() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = apologising(&controller, folder.path()).await;
    switch.set_phone(DEALER, Callee::answers(Duration::from_secs(20)));
    for (resumes, cause, least, most) in
        [(false, "NORMAL_CLEARING", 19.5, 20.5), (true, "NORMAL_TEMPORARY_FAILURE", 1.9, 2.2)]
    {
        let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
        let uuid = phone.leg().to_string();
        let shopper = tokio::spawn(Script::new().talks(Duration::from_mins(1)).run(phone));
        let mut line = controller.accept().await;
        line.take_over().await;
        if !resumes {
            line.clear_resume(&uuid).await;
        }
        let file = folder.path().join(format!("{resumes}.wav"));
        line.execute("answer", "", "a").await;
        line.completed("a").await;
        line.api(&format!("uuid_record {uuid} start {}", file.display())).await;
        line.execute("bridge", &dial(LEG, ""), "b").await;
        line.event("CHANNEL_BRIDGE").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        drop(line);
        let transcript = shopper.await.unwrap();
        assert_eq!(transcript.ended(), Some((200, cause)));
        assert_eq!(transcript.heard().contains(&"apology".to_owned()), resumes);
        let talk = f64::from(hound::WavReader::open(&file).unwrap().duration()) / 8000.0;
        assert!((least..most).contains(&talk), "{talk} s");
        for (file, cause) in
            [(format!("a_{uuid}.cdr.json"), cause), (format!("{LEG}.cdr.json"), "NORMAL_CLEARING")]
        {
            let text = std::fs::read_to_string(folder.path().join(file)).unwrap();
            let cdr: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(cdr["variables"]["hangup_cause"], cause);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stop_ends_calls_with_their_records_and_leaves_nothing() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = switch(&controller, Some(folder.path())).await;
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let uuid = phone.leg().to_string();
    let mut line = controller.accept().await;
    line.take_over().await;
    let reading = tokio::spawn(async move { while line.next().await.is_some() {} });
    switch.stop().await;
    reading.await.unwrap();
    assert_eq!((switch.legs(), switch.connections()), (0, 0));
    let text = std::fs::read_to_string(folder.path().join(format!("a_{uuid}.cdr.json"))).unwrap();
    assert!(text.contains("MANAGER_REQUEST"));
}

#[tokio::test(start_paused = true)]
async fn kill_breaks_everything_off() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = switch(&controller, Some(folder.path())).await;
    switch.set_phone(DEALER, Callee::answers(Duration::from_mins(1)));
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    phone.voice(Some(400));
    let uuid = phone.leg().to_string();
    let mut line = controller.accept().await;
    line.take_over().await;
    line.execute("answer", "", "a").await;
    line.completed("a").await;
    let file = folder.path().join("talk.wav");
    line.api(&format!("uuid_record {uuid} start {}", file.display())).await;
    line.execute("bridge", &dial(LEG, ""), "b").await;
    line.event("CHANNEL_BRIDGE").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    switch.kill();
    while line.next().await.is_some() {}
    assert_eq!((switch.legs(), switch.connections()), (0, 0));
    assert!(!folder.path().join(format!("a_{uuid}.cdr.json")).exists());
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.len() > 5 * 30_000, "the samples are there: {}", bytes.len());
    assert_eq!(bytes[40..44], [0; 4], "and the header knows nothing of them");
    drop(phone);
}

/// What is queued when the controller is lost is still taken, apology or not.
#[tokio::test(start_paused = true)]
async fn what_a_lost_controller_has_queued_still_runs() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = apologising(&controller, folder.path()).await;
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let mut line = controller.accept().await;
    line.take_over().await;
    let playback = execute("playback", "silence_stream://60000", "p");
    line.send(&format!("{playback}{}", execute("hangup", "USER_BUSY", "h"))).await;
    line.event("CHANNEL_EXECUTE").await;
    drop(line);
    let sights = rest(phone).await;
    assert!(!hears_the_apology(&sights));
    let cause = "USER_BUSY".to_owned();
    assert_eq!(sights.last(), Some(&Sight::Ended { code: 486, cause }));
}

/// `resume` is for good.
#[tokio::test(start_paused = true)]
async fn resume_cannot_be_taken_back() {
    let folder = tempdir().unwrap();
    let controller = Controller::start().await;
    let switch = apologising(&controller, folder.path()).await;
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    let mut line = controller.accept().await;
    line.take_over().await;
    line.send("resume\n\n").await;
    assert_eq!(line.reply().await.header("Reply-Text"), "+OK");
    line.clear_resume(&phone.leg().to_string()).await;
    line.execute("playback", "silence_stream://60000", "p").await;
    line.event("CHANNEL_EXECUTE").await;
    let lost = Instant::now();
    drop(line);
    assert!(hears_the_apology(&rest(phone).await));
    assert!(lost.elapsed() < Duration::from_secs(5));
}

/// An address where nobody answers, not even to refuse: the queue of those who wait is full.
#[tokio::test(start_paused = true)]
async fn a_caller_need_not_wait_for_a_controller_that_is_not_there() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let silent = socket.listen(1).unwrap();
    let address = silent.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        waiting.push(stream);
    }
    let config = Config { controllers: vec![address], ..Config::default() };
    let switch = Switch::start(config).await.unwrap();
    let phone = switch.call(Invite::new(SHOPPER, HOTLINE));
    tokio::task::yield_now().await;
    phone.hang_up();
    let sights = timeout(Duration::from_secs(5), rest(phone)).await.unwrap();
    assert!(matches!(sights.last(), Some(Sight::Ended { code: 487, .. })));
    // One who waits is told that there is none.
    let began = Instant::now();
    let sights = rest(switch.call(Invite::new(SHOPPER, HOTLINE))).await;
    assert!(matches!(sights.last(), Some(Sight::Ended { code: 503, .. })));
    assert!(began.elapsed() > Duration::from_mins(2));
}
