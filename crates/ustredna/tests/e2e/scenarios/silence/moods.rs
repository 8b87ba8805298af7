//! Controllers of every mood: whatever they do, and whenever, no caller waits for long.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    Scenario,
    language::{FIRST, OUTBOUND, SHOPPER, Setup},
    phone::raw::{Call, Invite, RawPhone, pause},
    process::{now, wait_for},
    world::World,
};

/// What a controller does with a connection, by and by.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Waits(u64),
    Says(&'static str),
    /// Takes the call if it still can; else it closes.
    Claims,
    Closes,
}
use Deed::{Claims, Closes, Says, Waits};

/// Longer than FreeSWITCH waits for a silent one.
const FOR_EVER: Deed = Waits(28_000);

const MOODS: &[&[Deed]] = &[
    &[FOR_EVER],
    &[Closes],
    &[Waits(2000), Closes],
    // In the turn of the other one.
    &[Waits(6000), Closes],
    &[Says("conn"), FOR_EVER],
    &[Says("connect\n\n"), FOR_EVER],
    &[Says("myevents\n\n"), FOR_EVER],
    &[Says("\r\n\0 GET / HTTP/1.1\r\n\r\n"), FOR_EVER],
    &[Says("connect\n\n"), Claims, Closes],
    &[Waits(3000), Says("connect\n\n"), Waits(2000), Closes],
    &[Waits(6000), Says("connect\n\n"), FOR_EVER],
    // Wakes in the turn of the other one, takes the call and dies.
    &[Waits(5500), Says("connect\n\n"), Claims, Closes],
];

/// Each mood of the first controller meets each of the second, by and by.
const CALLS: usize = 24;
/// Two controllers: 4.5 s each, and one more.
const LIMIT: f64 = 10.0;

pub(super) fn scenarios() -> Vec<Scenario> {
    let setup = || Setup { exchange: false, ..Setup::default() };
    vec![
        Scenario::with("no_mood_of_controllers_keeps_a_caller_waiting", setup(), moods),
        Scenario::with("all_controllers_killed_at_once_leave_no_caller_waiting", setup(), killed),
    ]
}

/// The two controllers; each connection is given to `serve` with a number by which moods of the one
/// meet those of the other. The threads and their connections end with the tests' process.
fn controllers(world: &World, serve: impl Fn(usize, TcpStream) + Send + Sync + 'static) {
    let serve = Arc::new(serve);
    let ports = [world.addresses().controller, world.addresses().second_controller];
    for (port, step) in ports.into_iter().zip([1, 5]) {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let serve = Arc::clone(&serve);
        thread::spawn(move || {
            for (index, stream) in listener.incoming().flatten().enumerate() {
                serve(index * step, stream);
            }
        });
    }
}

fn dials<'a>(world: &World, phone: &'a RawPhone) -> Vec<Call<'a>> {
    (0..CALLS)
        .map(|index| {
            pause(150);
            let to = if index % 2 == 0 { OUTBOUND } else { FIRST };
            phone.dials(&Invite::new(SHOPPER, to), world.sip(), phone.line(world.ports()))
        })
        .collect()
}

/// Each hears the apology in time, and to its end.
fn assert_apologies(calls: &[Call<'_>]) {
    let end = now() + Duration::from_secs(30);
    for (index, call) in calls.iter().enumerate() {
        let what = format!("call {index} is answered somehow");
        let left = end.saturating_duration_since(now()) + Duration::from_millis(100);
        let answered = wait_for(left, &what, || call.trace().answered_at(183));
        let waited = answered - call.trace().request_at("INVITE").unwrap();
        assert!(waited < LIMIT, "call {index} waited {waited} s");
        let what = format!("call {index}: the apology ends");
        wait_for(Duration::from_secs(15), &what, || call.trace().answered_at(503));
    }
}

fn moods(world: &mut World) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    controllers(world, move |index, stream| {
        count.fetch_add(1, Ordering::Relaxed);
        thread::spawn(move || follow(MOODS[index % MOODS.len()], stream));
    });
    let phone = world.raw_phone(1);
    assert_apologies(&dials(world, &phone));
    assert!(asked.load(Ordering::Relaxed) >= 2 * CALLS, "both controllers were asked");
}

/// Both were stopped, and die in the same moment, when some calls wait for the one and some for the
/// other.
fn killed(world: &mut World) {
    let connections = Arc::<Mutex<Vec<TcpStream>>>::default();
    let kept = Arc::clone(&connections);
    controllers(world, move |_, stream| kept.lock().unwrap().push(stream));
    let phone = world.raw_phone(1);
    let calls = dials(world, &phone);
    pause(2000);
    // Those that come afterwards are kept, and silent.
    drop(std::mem::take(&mut *connections.lock().unwrap()));
    assert_apologies(&calls);
}

fn follow(mood: &[Deed], mut stream: TcpStream) {
    for deed in mood {
        match deed {
            Waits(ms) => thread::sleep(Duration::from_millis(*ms)),
            // FreeSWITCH may have closed it.
            Says(text) => drop(stream.write_all(text.as_bytes())),
            Claims => {
                let Some(call) = named(&mut stream) else { return };
                drop(stream.write_all(format!("api sched_del {call}\n\n").as_bytes()));
                pause(30);
            }
            Closes => return,
        }
    }
}

/// The call that the answer to `connect` is about.
fn named(stream: &mut TcpStream) -> Option<String> {
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    let (mut text, mut bytes) = (String::new(), [0; 4096]);
    loop {
        let length = stream.read(&mut bytes).ok().filter(|length| *length > 0)?;
        text.push_str(&String::from_utf8_lossy(&bytes[..length]));
        let id = text.lines().find_map(|line| line.strip_prefix("Unique-ID: "));
        if let Some(id) = id.filter(|id| id.len() == 36) {
            return Some(id.to_owned());
        }
    }
}
