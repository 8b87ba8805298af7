use std::{io::ErrorKind, net::Ipv4Addr, sync::Arc, time::Duration};

use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};

use super::{Flow, Frame, What, wire};
use crate::faults::{Fate, WireFault};

/// What came at which time, and whether it ended with a reset.
type Received = (Vec<(Duration, String)>, bool);

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let (switch, controller) =
        tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    (switch.unwrap(), controller.unwrap().0)
}

fn frame(length: usize) -> Frame {
    Frame { bytes: Arc::new(vec![b'.'; length]), what: What::Event }
}

/// What a controller receives of these frames; those that begin with `done` are completions.
async fn receive(faults: Vec<WireFault>, frames: &[&str]) -> Received {
    let (switch, mut controller) = pair().await;
    let (reading, writing) = switch.into_split();
    let began = Instant::now();
    let (sender, task) = wire(writing, faults);
    for frame in frames {
        let what = if frame.starts_with("done") { What::Completion } else { What::Answer };
        sender.send(Frame { bytes: Arc::new(frame.as_bytes().to_vec()), what });
    }
    drop(sender);
    let ending = tokio::spawn(async move {
        task.await.unwrap();
        drop(reading);
    });

    let mut received: Vec<(Duration, String)> = Vec::new();
    let mut buffer = vec![0; 65_536];
    let reset = loop {
        match controller.read(&mut buffer).await {
            Ok(0) => break false,
            Ok(length) => {
                let text = str::from_utf8(&buffer[..length]).unwrap();
                let after = began.elapsed();
                // Real bytes take no virtual time: what came together may be read in two pieces.
                match received.last_mut() {
                    Some((last, earlier)) if after < *last + Duration::from_millis(2) => {
                        earlier.push_str(text);
                    }
                    _ => received.push((after, text.to_owned())),
                }
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                break true;
            }
        }
    };
    ending.await.unwrap();
    (received, reset)
}

/// The seconds at which something came, and what.
fn at(received: &Received) -> Vec<(f64, &str)> {
    let seconds = |time: &Duration| (time.as_secs_f64() * 100.0).round() / 100.0;
    received.0.iter().map(|(time, text)| (seconds(time), text.as_str())).collect()
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn without_faults_all_comes_and_then_the_end() {
    let received = receive(vec![], &["one,", "done,", "three."]).await;
    assert_eq!(at(&received), [(0.0, "one,done,three.")]);
    assert!(!received.1);
}

#[tokio::test(start_paused = true)]
async fn a_split_frame_comes_in_two_pieces_and_the_rest_behind_it() {
    let split = |byte| WireFault::Split { frame: 1, byte, pause: SECOND };
    let received = receive(vec![split(2)], &["one,", "two,", "three."]).await;
    assert_eq!(at(&received), [(0.0, "one,tw"), (1.0, "o,three.")]);
    let received = receive(vec![split(0)], &["one,", "two,", "three."]).await;
    assert_eq!(at(&received), [(0.0, "one,"), (1.0, "two,three.")]);
    let received = receive(vec![split(9)], &["one,", "two,", "three."]).await;
    assert_eq!(at(&received), [(0.0, "one,two,three.")], "it is not so long");
}

#[tokio::test(start_paused = true)]
async fn a_cut_frame_is_the_last() {
    let cut = |frame, byte| WireFault::Cut { frame, byte };
    let received = receive(vec![cut(1, 2)], &["one,", "two,", "three."]).await;
    assert_eq!(at(&received), [(0.0, "one,tw")]);
    assert!(!received.1, "an end, no reset");
    let received = receive(vec![cut(0, 0)], &["one,", "two,"]).await;
    assert_eq!(at(&received), []);
    let split = WireFault::Split { frame: 0, byte: 1, pause: SECOND };
    let received = receive(vec![cut(0, 3), split], &["one,", "two,"]).await;
    assert_eq!(at(&received), [(0.0, "o"), (1.0, "ne")]);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_frame_holds_up_those_behind_it() {
    let delay = |frame| WireFault::Delay { frame, by: SECOND };
    let received = receive(vec![delay(1), delay(2)], &["one,", "two,", "done,", "four."]).await;
    assert_eq!(at(&received), [(0.0, "one,"), (1.0, "two,"), (2.0, "done,four.")]);
}

#[tokio::test(start_paused = true)]
async fn a_late_completion_is_overtaken() {
    let late = |nth, by| WireFault::Completion { nth, fate: Fate::Late(by) };
    let frames = ["one,", "done2,", "three,", "done4,", "done5."];
    let received = receive(vec![late(0, SECOND)], &frames).await;
    assert_eq!(at(&received), [(0.0, "one,three,done4,done5."), (1.0, "done2,")]);
    let received = receive(vec![late(0, 3 * SECOND), late(2, SECOND)], &frames).await;
    assert_eq!(at(&received), [(0.0, "one,three,done4,"), (1.0, "done5."), (3.0, "done2,")]);
}

#[tokio::test(start_paused = true)]
async fn a_completion_comes_twice_or_never() {
    let fate = |nth, fate| WireFault::Completion { nth, fate };
    let frames = ["one,", "done2,", "done3,", "done4."];
    let received = receive(vec![fate(1, Fate::Twice), fate(2, Fate::Never)], &frames).await;
    assert_eq!(at(&received), [(0.0, "one,done2,done3,done3,")]);
    let received = receive(vec![fate(9, Fate::Never)], &frames).await;
    assert_eq!(at(&received), [(0.0, "one,done2,done3,done4.")]);
}

#[tokio::test(start_paused = true)]
async fn what_a_fault_adds_or_takes_is_not_counted() {
    let faults = vec![
        WireFault::Completion { nth: 0, fate: Fate::Twice },
        WireFault::Flood { frame: 1, events: 1 },
        WireFault::Completion { nth: 1, fate: Fate::Never },
        WireFault::Cut { frame: 3, byte: 1 },
    ];
    let (received, _) = receive(faults, &["one,", "done2,", "done3,", "four."]).await;
    assert!(received[0].1.starts_with("one,Content-Length: "), "{received:?}");
    assert!(received[0].1.ends_with("\n\ndone2,done2,f"), "{received:?}");
}

#[tokio::test(start_paused = true)]
async fn a_disconnection_is_a_reset() {
    let fault = WireFault::Disconnect { frame: 1 };
    let (received, reset) = receive(vec![fault], &["one,", "two."]).await;
    // A reset may overtake what was sent before it.
    assert!(reset && received.iter().all(|(_, text)| text == "one,"), "{received:?}");
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_of_whole_events_of_others() {
    let fault = WireFault::Flood { frame: 0, events: 300 };
    let (received, _) = receive(vec![fault], &["Content-Type: command/reply\n\n"]).await;
    let text: String = received.into_iter().map(|(_, text)| text).collect();
    let mut rest = text.as_str();
    let mut names = Vec::new();
    while let Some((head, behind)) = rest.split_once("\n\n") {
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let (body, behind) = behind.split_at(length.map_or(0, |length| length.parse().unwrap()));
        names.extend(body.lines().find_map(|line| line.strip_prefix("Event-Name: ")));
        rest = behind;
    }
    assert_eq!(rest, "");
    assert_eq!(names.len(), 300);
    assert!(["HEARTBEAT", "CHANNEL_EXECUTE_COMPLETE", "DTMF"].iter().all(|n| names.contains(n)));
    assert!(text.ends_with("\n\nContent-Type: command/reply\n\n"));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_gone_ends_it() {
    let (switch, controller) = pair().await;
    let (_reading, writing) = switch.into_split();
    let (sender, task) = wire(writing, vec![]);
    drop(controller);
    // The first may go out before the reset is back.
    while !task.is_finished() {
        sender.send(frame(1000));
        tokio::task::yield_now().await;
    }
    timeout(SECOND, task).await.unwrap().unwrap();
}

/// Reads all that comes until nothing has for a second.
async fn drain(peer: &mut TcpStream) -> usize {
    let mut buffer = vec![0; 1 << 20];
    let mut sum = 0;
    while let Ok(Ok(length @ 1..)) = timeout(Duration::from_secs(1), peer.read(&mut buffer)).await {
        sum += length;
    }
    sum
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_for_ten_minutes_gets_a_torn_frame() {
    let (switch, mut controller) = pair().await;
    let (_reading, writing) = switch.into_split();
    let (outlet, _task) = wire(writing, vec![]);
    let flow = outlet.flow();
    let size = 40_000_000;
    outlet.send(frame(size));
    outlet.send(frame(10));
    tokio::time::sleep(Duration::from_mins(9)).await;
    assert_eq!(*flow.borrow(), Flow::Stuck);
    tokio::time::sleep(Duration::from_mins(2)).await;
    let came = drain(&mut controller).await;
    assert!((10..size).contains(&came), "{came}");
    assert_eq!(*flow.borrow(), Flow::Free);
    outlet.send(frame(10));
    assert_eq!(drain(&mut controller).await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_again_in_time_misses_nothing() {
    let (switch, mut controller) = pair().await;
    let (_reading, writing) = switch.into_split();
    let (outlet, _task) = wire(writing, vec![]);
    let size = 40_000_000;
    outlet.send(frame(size));
    outlet.send(frame(10));
    tokio::time::sleep(Duration::from_mins(9)).await;
    assert_eq!(drain(&mut controller).await, size + 10);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_events_wait_and_the_501st_that_is_lost_ends_it() {
    let (switch, _controller) = pair().await;
    let (_reading, writing) = switch.into_split();
    let (outlet, _task) = wire(writing, vec![]);
    let flow = outlet.flow();
    for _ in 0..100_500 {
        outlet.send(frame(1));
    }
    assert_eq!(*flow.borrow(), Flow::Free);
    outlet.send(frame(1));
    assert_eq!(*flow.borrow(), Flow::Killed);
}
