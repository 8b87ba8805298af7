//! Tells a phone what it hears. SIPp listens to nothing, so its script waits for a request that
//! the exchange never sends, and gets it as soon as the awaited phrase has been heard.

use std::{
    net::UdpSocket,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{ear::Ear, process::now, sip_trace::Trace, world::World};

/// The request that stands for a phrase in a script.
pub(super) const CUE: &str = "INFO";
/// How long a script waits for a phrase, in ms.
pub(super) const PATIENCE: u32 = 90_000;
/// What was asked for is known when it has been heard for so long, in ms. The account of a phone
/// leaves out what was heard for less than 120 ms.
pub(crate) const UNDERSTOOD: u32 = 400;
/// SIPp may be so late with its steps, and drops a call if a cue comes before its step.
const LATE: Duration = Duration::from_millis(150);
const LISTEN_AGAIN: Duration = Duration::from_millis(60);

/// A phrase that is waited for.
pub(super) struct Cue {
    pub(super) phrase: String,
    /// How long the steps between the last cue and this one take.
    pub(super) after: Duration,
}

/// Listens until dropped, or until the last phrase was heard.
pub(super) struct Prompter {
    awaited: Arc<Mutex<Option<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Prompter {
    /// Listens for the phone at this port, which writes its messages to `messages`.
    pub(super) fn start(cues: Vec<Cue>, ear: Ear, messages: PathBuf, port: u16) -> Self {
        let awaited = Arc::new(Mutex::new(cues.first().map(|cue| cue.phrase.clone())));
        let stop = Arc::new(AtomicBool::new(false));
        let (to, until) = (Arc::clone(&awaited), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            let mut heard_until = 0;
            let mut last = None;
            for (number, cue) in cues.into_iter().enumerate() {
                *to.lock().unwrap() = Some(cue.phrase.clone());
                let begun = loop {
                    if until.load(Ordering::Relaxed) {
                        return;
                    }
                    let speech = ear.speech(None);
                    let heard = speech.get(heard_until..).unwrap_or_default();
                    let is_due = last.is_none_or(|last| now() > last + cue.after + LATE);
                    if is_due && let Some(at) = World::phrases().begins(&cue.phrase, heard) {
                        break heard_until + at;
                    }
                    thread::sleep(LISTEN_AGAIN);
                };
                heard_until = begun + 1;
                last = Some(now());
                tell(&socket, port, &messages, number);
            }
            *to.lock().unwrap() = None;
        });
        Self { awaited, stop, thread: Some(thread) }
    }

    /// The phrase that is waited for.
    pub(super) fn awaited(&self) -> Option<String> {
        self.awaited.lock().unwrap().clone()
    }
}

impl Drop for Prompter {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the listener has been printed; here nothing more can be done.
            drop(thread.join());
        }
    }
}

/// Sends the cue of this number to SIPp, which finds the call by its Call-ID. Two cues that are
/// alike to the letter would be one to it, sent again.
fn tell(socket: &UdpSocket, port: u16, messages: &Path, number: usize) {
    let trace = Trace::read(messages);
    let call = trace.invites()[0].header("Call-ID").to_owned();
    let cue = format!(
        "{CUE} sip:phone@127.0.0.1:{port} SIP/2.0\r\n\
         Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bKcue{number}\r\n\
         From: <sip:ear@127.0.0.1>;tag=ear\r\nTo: <sip:phone@127.0.0.1>\r\n\
         Call-ID: {call}\r\nCSeq: {number} {CUE}\r\nContent-Length: 0\r\n\r\n"
    );
    socket.send_to(cue.as_bytes(), ("127.0.0.1", port)).unwrap();
}
