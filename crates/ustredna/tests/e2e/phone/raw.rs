//! A SIP phone of our own, for what SIPp cannot do.
//!
//! SIPp follows a script and sends its media through raw sockets from the address it speaks SIP
//! from. What real networks and strangers do is out of its reach: keys while it rings, RTP from
//! another address, a request in the middle of a talk that no script foresaw, an answer that is
//! whatever it is. This phone is told what to do step by step, by a scenario that looks in between
//! at what it has got: every message, every packet and every key with its time.
//!
//! It does by itself only what a phone must do for the other side to go on: it accepts a BYE, gives
//! up ringing on a CANCEL and acknowledges what ends an INVITE.

mod call;
mod line;
mod sip;

use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    ports::Ports,
    process::{now, wait_for},
    sip_trace::{Message, Trace},
};

pub(crate) use call::{Call, Via, pause};
pub(crate) use line::Line;
pub(crate) use sip::{ALAW, Invite, Request, sdp};

/// What takes longer does not come any more.
const PATIENCE: Duration = Duration::from_secs(10);

static BEGIN: LazyLock<Instant> = LazyLock::new(now);
/// Makes tags, branches and Call-IDs different.
static NUMBER: AtomicU32 = AtomicU32::new(1);

fn number() -> u32 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// See the module.
pub(crate) struct RawPhone {
    socket: Arc<UdpSocket>,
    address: SocketAddr,
    log: Arc<Mutex<Vec<Message>>>,
    /// How many calls it has taken.
    taken: AtomicU32,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl RawPhone {
    /// A phone at this address.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let socket = Arc::new(UdpSocket::bind(address).unwrap());
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let (log, stop) = (Arc::<Mutex<Vec<Message>>>::default(), Arc::<AtomicBool>::default());
        let (from, to, until) = (Arc::clone(&socket), Arc::clone(&log), Arc::clone(&stop));
        let thread = thread::spawn(move || listen(&from, &to, &until));
        Self { socket, address, log, taken: AtomicU32::new(0), stop, thread: Some(thread) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where media may come to: at its address, on a port of its own.
    pub(crate) fn line(&self, ports: &Ports) -> Line {
        Line::at(self.address.ip(), ports)
    }

    /// Sends a message as it is.
    pub(crate) fn sends(&self, text: &str, to: SocketAddr) {
        send(&self.socket, &self.log, text, to);
    }

    /// Makes a call; goes on at once.
    pub(crate) fn dials(&self, invite: &Invite, to: SocketAddr, line: Line) -> Call<'_> {
        Call::outgoing(self, invite, to, line)
    }

    /// Waits for the next call to this phone.
    pub(crate) fn is_called(&self, line: Line) -> Call<'_> {
        let index = self.taken.fetch_add(1, Ordering::Relaxed) as usize;
        let find = || self.trace().invites().into_iter().filter(|m| !m.sent).nth(index).cloned();
        Call::incoming(self, wait_for(PATIENCE, "a call comes", find), line)
    }

    /// Asks something outside of any call; the final answer, or `None` when none comes within two
    /// seconds.
    pub(crate) fn asks(&self, request: &Request, to: SocketAddr) -> Option<Message> {
        let (text, branch) = request.text(self.address, to);
        self.sends(&text, to);
        let end = now() + Duration::from_secs(2);
        while now() < end {
            if let Some(answer) = self.answer(&branch, |code| code >= 200) {
                return Some(answer);
            }
            thread::sleep(Duration::from_millis(10));
        }
        None
    }

    /// All messages so far.
    pub(crate) fn trace(&self) -> Trace {
        Trace::of(self.log.lock().unwrap().clone())
    }

    /// The first answer to the request of this branch whose code is accepted.
    fn answer(&self, branch: &str, accepts: impl Fn(u16) -> bool) -> Option<Message> {
        let log = self.log.lock().unwrap();
        let mut answers = log.iter().filter(|message| !message.sent && message.code() > 0);
        let is_it = |message: &&Message| {
            accepts(message.code()) && message.header("Via").contains(&format!("branch={branch}"))
        };
        answers.find(is_it).cloned()
    }
}

impl Drop for RawPhone {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed; here nothing more can be done.
            drop(thread.join());
        }
    }
}

fn send(socket: &UdpSocket, log: &Mutex<Vec<Message>>, text: &str, to: SocketAddr) {
    log.lock().unwrap().push(message(true, text));
    socket.send_to(text.replace('\n', "\r\n").as_bytes(), to).unwrap();
}

fn message(sent: bool, text: &str) -> Message {
    Message { at: BEGIN.elapsed().as_secs_f64(), sent, text: text.to_owned() }
}

/// Writes down what comes, and does what a phone must do by itself.
fn listen(socket: &UdpSocket, log: &Mutex<Vec<Message>>, until: &AtomicBool) {
    let mut buffer = vec![0; 65_536];
    while !until.load(Ordering::Relaxed) {
        let (length, from) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                continue;
            }
            // Somebody whom we wrote to is not there; that is the scenario's affair.
            Err(_) => continue,
        };
        let text = String::from_utf8_lossy(&buffer[..length]).replace('\r', "");
        if text.trim().is_empty() {
            continue;
        }
        let received = message(false, &text);
        log.lock().unwrap().push(received.clone());
        match received.first_line().split(' ').next().unwrap_or_default() {
            "BYE" => send(socket, log, &sip::answer(&received, 200, "", ""), from),
            "CANCEL" => {
                send(socket, log, &sip::answer(&received, 200, "", ""), from);
                let invite =
                    log.lock().unwrap().iter().rev().find(|m| m.is_invite_of(&received)).cloned();
                if let Some(invite) = invite {
                    send(socket, log, &sip::answer(&invite, 487, sip::TAG, ""), from);
                }
            }
            "SIP/2.0" if received.code() >= 300 && received.header("CSeq").ends_with("INVITE") => {
                send(socket, log, &sip::ack_of_failure(&received, from), from);
            }
            _ => {}
        }
    }
}

/// An address of this machine's loopback.
pub(crate) fn loopback(last: u8, port: u16) -> SocketAddr {
    (IpAddr::from([127, 0, 0, last]), port).into()
}
