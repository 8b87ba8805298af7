//! A controller as tests play it: frames in, commands out, nothing of the `esl` crate.
#![expect(dead_code, reason = "every test binary uses a part of it")]

use std::{fmt, net::SocketAddr, path::Path, time::Duration};

use fakeswitch::{Config, Phone, Sight, Switch};
use serde::{Deserialize, Deserializer, de::MapAccess, de::Visitor};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

pub(crate) const SHOPPER: &str = "+420601123456";
pub(crate) const HOTLINE: &str = "234234399";
pub(crate) const DEALER: &str = "+420234567890";
/// The callee's leg.
pub(crate) const LEG: &str = "5a0c6f0e-9c0d-4e0f-8a0b-0123456789ab";

/// A frame as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frame {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Frame {
    pub(crate) fn kind(&self) -> &str {
        self.header("Content-Type")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        find(&self.headers, name).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The headers of the event in it, or its own: a reply to `connect` has no body.
    pub(crate) fn event(&self) -> Event {
        if self.body.is_empty() {
            let headers = self.headers.iter();
            return Event(headers.map(|(name, value)| (name.clone(), decode(value))).collect());
        }
        if self.kind() == "text/event-json" {
            return serde_json::from_slice(&self.body).unwrap();
        }
        let headers = lines(&self.body).into_iter();
        let mut event = Event(headers.map(|(name, value)| (name, decode(&value))).collect());
        let text = self.text();
        if self.kind() == "text/event-plain"
            && let Some((_, body)) = text.split_once("\n\n").filter(|(_, body)| !body.is_empty())
        {
            event.0.push(("_body".to_owned(), body.to_owned()));
        }
        event
    }
}

/// An event's headers, decoded, and its body as `_body`, as JSON has it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Event(pub(crate) Vec<(String, String)>);

/// The headers of JSON in their order.
impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        struct Headers;
        impl<'de> Visitor<'de> for Headers {
            type Value = Event;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Event, A::Error> {
                let mut headers = Vec::new();
                while let Some(header) = map.next_entry()? {
                    headers.push(header);
                }
                Ok(Event(headers))
            }
        }
        text.deserialize_map(Headers)
    }
}

impl Event {
    pub(crate) fn name(&self) -> &str {
        self.get("Event-Name").unwrap_or_default()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        find(&self.0, name)
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.get(&format!("variable_{name}"))
    }

    pub(crate) fn time(&self) -> u64 {
        self.get("Event-Date-Timestamp").unwrap().parse().unwrap()
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn lines(bytes: &[u8]) -> Vec<(String, String)> {
    String::from_utf8_lossy(bytes)
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn decode(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%'
            && let Some(hex) = tail.get(..2)
            && let Ok(value) = u8::from_str_radix(&String::from_utf8_lossy(hex), 16)
        {
            bytes.push(value);
            rest = &tail[2..];
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Takes one frame off the front.
pub(crate) fn take(buffer: &mut Vec<u8>) -> Option<Frame> {
    let end = buffer.windows(2).position(|pair| pair == b"\n\n")?;
    let headers = lines(&buffer[..=end]);
    let length = find(&headers, "Content-Length").map_or(0, |text| text.parse().unwrap());
    let body = buffer.get(end + 2..end + 2 + length)?.to_vec();
    buffer.drain(..end + 2 + length);
    Some(Frame { headers, body })
}

pub(crate) struct Controller(pub(crate) TcpListener);

impl Controller {
    pub(crate) async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    pub(crate) async fn accept(&self) -> Line {
        let accepted = timeout(Duration::from_mins(1), self.0.accept()).await;
        let (stream, _) = accepted.expect("the switch dials").unwrap();
        Line { stream, buffer: Vec::new() }
    }
}

/// A connection, controller's end or client's.
pub(crate) struct Line {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
}

impl Line {
    pub(crate) async fn dial(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), buffer: Vec::new() }
    }

    pub(crate) async fn send(&mut self, commands: &str) {
        self.stream.write_all(commands.as_bytes()).await.unwrap();
    }

    /// `None`: the switch has closed.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = take(&mut self.buffer) {
                return Some(frame);
            }
            let read = self.stream.read_buf(&mut self.buffer);
            let read = timeout(Duration::from_hours(1), read).await.expect("a frame");
            if !matches!(read, Ok(1..)) {
                return None;
            }
        }
    }

    pub(crate) async fn frame(&mut self) -> Frame {
        self.next().await.expect("the connection is open")
    }

    /// Reads on to the first event of this name.
    pub(crate) async fn event(&mut self, name: &str) -> Event {
        loop {
            let frame = self.frame().await;
            if frame.kind() == "text/event-plain"
                && frame.body.starts_with(format!("Event-Name: {name}\n").as_bytes())
            {
                return frame.event();
            }
        }
    }

    /// Reads on to the completion of the application with this UUID.
    pub(crate) async fn completed(&mut self, uuid: &str) -> Event {
        loop {
            let event = self.event("CHANNEL_EXECUTE_COMPLETE").await;
            if event.get("Application-UUID") == Some(uuid) {
                return event;
            }
        }
    }

    /// Reads on to the next reply.
    pub(crate) async fn reply(&mut self) -> Frame {
        loop {
            let frame = self.frame().await;
            if matches!(frame.kind(), "command/reply" | "api/response") {
                return frame;
            }
        }
    }

    /// What `connect` brings, then `linger 10` and `myevents` and their replies.
    pub(crate) async fn take_over(&mut self) -> Event {
        self.send("connect\n\nlinger 10\n\nmyevents\n\nevent plain RECORD_START RECORD_STOP\n\n")
            .await;
        let data = self.frame().await.event();
        for _ in 0..3 {
            self.reply().await;
        }
        data
    }

    /// Frees the channel from `socket_resume`, as a controller that wants to be survived does.
    pub(crate) async fn clear_resume(&mut self, uuid: &str) {
        self.api(&format!("uuid_setvar_multi {uuid} socket_resume=")).await;
    }

    pub(crate) async fn api(&mut self, command: &str) -> String {
        self.send(&format!("api {command}\n\n")).await;
        self.reply().await.text()
    }

    pub(crate) async fn execute(&mut self, application: &str, argument: &str, uuid: &str) {
        self.send(&execute(application, argument, uuid)).await;
    }
}

pub(crate) fn execute(application: &str, argument: &str, uuid: &str) -> String {
    format!(
        "sendmsg\ncall-command: execute\nexecute-app-name: {application}\n\
         execute-app-arg: {argument}\nEvent-UUID: {uuid}\nevent-lock: true\n\n"
    )
}

/// A dial string whose callee's leg is told.
pub(crate) fn dial(leg: &str, more: &str) -> String {
    format!(
        "{{origination_uuid={leg},origination_caller_id_number=+420777000111,\
         origination_caller_id_name=+420777000111,ignore_early_media=true,\
         originate_timeout=30{more}}}sofia/gateway/carrier/{DEALER}"
    )
}

/// All that a phone sees until its call is over.
pub(crate) async fn rest(mut phone: Phone) -> Vec<Sight> {
    let mut sights = Vec::new();
    while let Some(seen) = phone.next().await {
        sights.push(seen.sight);
    }
    sights
}

/// A switch with one controller, whose CDRs go to a folder.
pub(crate) async fn switch(controller: &Controller, cdrs: Option<&Path>) -> Switch {
    let config = Config {
        controllers: vec![controller.address()],
        cdr_dir: cdrs.map(Path::to_owned),
        ..Config::default()
    };
    Switch::start(config).await.unwrap()
}
