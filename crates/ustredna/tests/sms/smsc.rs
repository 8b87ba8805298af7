//! An SMSC: a TCP server that speaks as much of SMPP 3.4 as a transceiver needs, written by the
//! bytes so that no misreading is shared with the gateway.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::broadcast,
};

/// Command ids, section 5.1.2.1; an answer has the highest bit set.
const SUBMIT: u32 = 4;
const DELIVER: u32 = 5;
const UNBIND: u32 = 6;
const BIND: u32 = 9;
const ENQUIRE: u32 = 0x15;
const ANSWER: u32 = 0x8000_0000;
const ACKNOWLEDGES: u32 = DELIVER | ANSWER;
/// Command states, section 5.1.3.
pub(crate) const INVALID_DESTINATION: u32 = 0x0b;
pub(crate) const THROTTLED: u32 = 0x58;

/// What it does with a message.
#[derive(Clone, Copy)]
pub(crate) enum Does {
    Accepts,
    /// Accepts under this name.
    AcceptsAs(&'static str),
    /// Accepts, but the receipt comes before the answer.
    TellsFirst(&'static str),
    /// The same, and the answer takes a second.
    TellsLongBefore(&'static str),
    Refuses(u32),
    SaysNothing,
    HangsUp,
}

#[derive(Default)]
struct Desk {
    got: Vec<String>,
    plans: HashMap<String, Vec<Does>>,
    binds: usize,
    /// A receipt that comes with the answer to each bind.
    greeting: Option<String>,
    /// How many receipts were acknowledged.
    acknowledged: usize,
}

#[derive(Clone)]
pub(crate) struct Smsc {
    desk: Arc<Mutex<Desk>>,
    receipts: broadcast::Sender<Vec<u8>>,
}

impl Smsc {
    /// Begins to serve; the first connections are cut before anything is read.
    pub(crate) async fn start(cut: usize) -> (Self, SocketAddr) {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        let (receipts, _) = broadcast::channel(64);
        let smsc = Self { desk: Arc::default(), receipts };
        let server = smsc.clone();
        tokio::spawn(async move {
            for count in 0.. {
                let (stream, _) = socket.accept().await.unwrap();
                if count < cut {
                    continue;
                }
                tokio::spawn(server.clone().talk(stream));
            }
        });
        (smsc, at)
    }

    /// What it does with the next messages to a number; after that they are accepted.
    pub(crate) fn plan(&self, to: &str, does: &[Does]) {
        let mut plan = does.to_vec();
        plan.reverse();
        self.desk.lock().unwrap().plans.insert(to.trim_start_matches('+').to_owned(), plan);
    }

    /// How many messages to a number came.
    pub(crate) fn got(&self, to: &str) -> usize {
        let to = to.trim_start_matches('+');
        self.desk.lock().unwrap().got.iter().filter(|got| got.as_str() == to).count()
    }

    pub(crate) fn binds(&self) -> usize {
        self.desk.lock().unwrap().binds
    }

    /// Sends a receipt as appendix B of SMPP 3.4 has it.
    pub(crate) fn receipt(&self, id: &str, state: &str) {
        self.receipts.send(deliver(&text_of(id, state))).unwrap();
    }

    /// Sends a `deliver_sm` with this body.
    pub(crate) fn deliver(&self, body: Vec<u8>) {
        self.receipts.send(body).unwrap();
    }

    /// Sends a receipt to everybody who binds.
    pub(crate) fn greet(&self, id: &str, state: &str) {
        self.desk.lock().unwrap().greeting = Some(text_of(id, state));
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.desk.lock().unwrap().acknowledged
    }

    async fn talk(self, stream: TcpStream) {
        let mut receipts = self.receipts.subscribe();
        let (mut reader, mut writer) = stream.into_split();
        let (pdus, mut read) = tokio::sync::mpsc::channel(16);
        tokio::spawn(async move {
            while let Ok(pdu) = next(&mut reader).await {
                if pdus.send(pdu).await.is_err() {
                    return;
                }
            }
        });
        let mut sequence = 1000;
        loop {
            let answer = tokio::select! {
                pdu = read.recv() => match pdu {
                    None => return,
                    Some(pdu) => match self.answer(&pdu) {
                        Says::This(answer) => answer,
                        Says::InPause(first, then) => {
                            if writer.write_all(&first).await.is_err() {
                                return;
                            }
                            tokio::time::sleep(Duration::from_secs(1)).await;
                            then
                        }
                        Says::Nothing => continue,
                        Says::Goodbye => return,
                    },
                },
                Ok(body) = receipts.recv() => {
                    sequence += 1;
                    pdu(DELIVER, 0, sequence, &body)
                }
            };
            if writer.write_all(&answer).await.is_err() {
                return;
            }
        }
    }

    fn answer(&self, asked: &Pdu) -> Says {
        let reply = |status, body: &[u8]| {
            Says::This(pdu(asked.command | ANSWER, status, asked.sequence, body))
        };
        match asked.command {
            BIND => {
                let mut desk = self.desk.lock().unwrap();
                desk.binds += 1;
                let mut both = pdu(BIND | ANSWER, 0, asked.sequence, b"smsc\0");
                if let Some(text) = &desk.greeting {
                    both.extend(pdu(DELIVER, 0, 999, &deliver(text)));
                }
                Says::This(both)
            }
            ACKNOWLEDGES if asked.status == 0 => {
                self.desk.lock().unwrap().acknowledged += 1;
                Says::Nothing
            }
            ENQUIRE | UNBIND => reply(0, b""),
            SUBMIT => {
                let to = destination(&asked.body);
                let mut desk = self.desk.lock().unwrap();
                let does = desk.plans.get_mut(&to).and_then(Vec::pop).unwrap_or(Does::Accepts);
                let accepted = format!("m-{to}\0");
                desk.got.push(to.clone());
                match does {
                    Does::Accepts => reply(0, accepted.as_bytes()),
                    Does::AcceptsAs(id) => reply(0, format!("{id}\0").as_bytes()),
                    Does::TellsFirst(state) => {
                        let receipt = deliver(&text_of(&format!("m-{to}"), state));
                        let mut both = pdu(DELIVER, 0, 998, &receipt);
                        both.extend(pdu(SUBMIT | ANSWER, 0, asked.sequence, accepted.as_bytes()));
                        Says::This(both)
                    }
                    Does::TellsLongBefore(state) => {
                        let receipt = deliver(&text_of(&format!("m-{to}"), state));
                        let answer = pdu(SUBMIT | ANSWER, 0, asked.sequence, accepted.as_bytes());
                        Says::InPause(pdu(DELIVER, 0, 997, &receipt), answer)
                    }
                    Does::Refuses(status) => reply(status, b""),
                    Does::SaysNothing => Says::Nothing,
                    Does::HangsUp => Says::Goodbye,
                }
            }
            _ => Says::Nothing,
        }
    }
}

enum Says {
    This(Vec<u8>),
    /// One thing, and after a second another.
    InPause(Vec<u8>, Vec<u8>),
    Nothing,
    Goodbye,
}

struct Pdu {
    command: u32,
    status: u32,
    sequence: u32,
    body: Vec<u8>,
}

async fn next(reader: &mut (impl tokio::io::AsyncRead + Unpin)) -> std::io::Result<Pdu> {
    let length = reader.read_u32().await?;
    let command = reader.read_u32().await?;
    let status = reader.read_u32().await?;
    let sequence = reader.read_u32().await?;
    let mut body = vec![0; usize::try_from(length).unwrap() - 16];
    reader.read_exact(&mut body).await?;
    Ok(Pdu { command, status, sequence, body })
}

fn pdu(command: u32, status: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap() + 16;
    let mut bytes: Vec<u8> =
        [length, command, status, sequence].iter().flat_map(|word| word.to_be_bytes()).collect();
    bytes.extend_from_slice(body);
    bytes
}

/// `submit_sm`: service type, source (two octets and a string), destination likewise (4.4.1).
fn destination(body: &[u8]) -> String {
    let string = |from: usize| {
        let end = from + body[from..].iter().position(|octet| *octet == 0).unwrap();
        (String::from_utf8(body[from..end].to_vec()).unwrap(), end + 1)
    };
    let (_, at) = string(0);
    let (_, at) = string(at + 2);
    string(at + 2).0
}

fn text_of(id: &str, state: &str) -> String {
    format!(
        "id:{id} sub:001 dlvrd:001 submit date:2611221031 done date:2611221032 stat:{state} err:000 text:"
    )
}

fn deliver(text: &str) -> Vec<u8> {
    receipt_from("420602000000", 0, text.as_bytes(), b"")
}

/// `deliver_sm` with a receipt: `esm_class` 4 (4.6.1).
pub(crate) fn receipt_from(phone: &str, coding: u8, text: &[u8], tlvs: &[u8]) -> Vec<u8> {
    let phone = phone.trim_start_matches('+');
    let mut body = format!("\0\x01\x01{phone}\0\x01\x01420234234390\0").into_bytes();
    // esm_class, protocol, priority, two times, registered, replace, coding, default, length.
    body.extend([4, 0, 0, 0, 0, 0, 0, coding, 0, u8::try_from(text.len()).unwrap()]);
    body.extend(text);
    body.extend(tlvs);
    body
}
