//! A provider: an HTTP server that takes messages, or does what a bad day brings.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::time::real_now;

/// What it does with a message.
#[derive(Clone, Copy)]
pub(crate) enum Does {
    Accepts,
    /// Takes it, but answers only after this.
    TakesAndAnswersAfter(Duration),
    /// The same, once [`Provider::answers`] says so.
    TakesAndAnswersWhenTold,
    /// Will never take it, and repeats in its answer what it was sent.
    Rejects,
    Throttles,
    Busy,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Got {
    #[serde(skip)]
    pub(crate) key: String,
    pub(crate) to: String,
    pub(crate) text: String,
    pub(crate) apikey: String,
}

#[derive(Default)]
struct Desk {
    got: Vec<Got>,
    /// What to do with messages to a number, each for once; after that they are accepted.
    plans: HashMap<String, Vec<Does>>,
    always: Option<Does>,
    /// When each request came, oldest first.
    came: Vec<Instant>,
    unanswered: usize,
    most_at_once: usize,
    told: Arc<Notify>,
}

#[derive(Clone, Default)]
pub(crate) struct Provider(Arc<Mutex<Desk>>);

impl Provider {
    /// Begins to serve within the current runtime.
    pub(crate) async fn start(&self) -> SocketAddr {
        self.start_at(([127, 0, 0, 1], 0).into()).await
    }

    pub(crate) async fn start_at(&self, at: SocketAddr) -> SocketAddr {
        let socket = TcpListener::bind(at).await.unwrap();
        let at = socket.local_addr().unwrap();
        let router = Router::new().route("/send", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        at
    }

    /// What it does with the next messages to a number.
    pub(crate) fn plan(&self, to: &str, does: &[Does]) {
        let mut plan = does.to_vec();
        plan.reverse();
        self.0.lock().unwrap().plans.insert(to.to_owned(), plan);
    }

    /// What it does with all others.
    pub(crate) fn always(&self, does: Does) {
        self.0.lock().unwrap().always = Some(does);
    }

    /// Every request, in the order they came.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.0.lock().unwrap().got.clone()
    }

    /// When each request came, in their order.
    pub(crate) fn came(&self) -> Vec<Instant> {
        self.0.lock().unwrap().came.clone()
    }

    /// How many requests waited for their answers at the same time, at most.
    pub(crate) fn most_at_once(&self) -> usize {
        self.0.lock().unwrap().most_at_once
    }

    /// One who waits to be told has its answer.
    pub(crate) fn answers(&self) {
        self.0.lock().unwrap().told.notify_one();
    }

    pub(crate) fn got_by(&self, to: &str) -> Vec<Got> {
        self.got().into_iter().filter(|got| got.to == to).collect()
    }
}

async fn take(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(mut message): Form<Got>,
) -> Response {
    message.key = headers["idempotency-key"].to_str().unwrap().to_owned();
    let id = format!("p-{}", message.key);
    let told = message.apikey.clone();
    let does = {
        let mut desk = provider.0.lock().unwrap();
        let planned = desk.plans.get_mut(&message.to).and_then(Vec::pop);
        let does = planned.or(desk.always).unwrap_or(Does::Accepts);
        desk.got.push(message);
        desk.came.push(real_now());
        desk.unanswered += 1;
        desk.most_at_once = desk.most_at_once.max(desk.unanswered);
        does
    };
    let response = answer(&provider, does, &id, &told).await;
    provider.0.lock().unwrap().unanswered -= 1;
    response
}

async fn answer(provider: &Provider, does: Does, id: &str, told: &str) -> Response {
    match does {
        Does::Accepts => Json(json!({ "id": id })).into_response(),
        Does::TakesAndAnswersAfter(pause) => {
            tokio::time::sleep(pause).await;
            Json(json!({ "id": id })).into_response()
        }
        Does::TakesAndAnswersWhenTold => {
            let told = Arc::clone(&provider.0.lock().unwrap().told);
            told.notified().await;
            Json(json!({ "id": id })).into_response()
        }
        Does::Rejects => {
            let told = json!({ "error": format!("bad recipient, apikey={told}") });
            (StatusCode::UNPROCESSABLE_ENTITY, Json(told)).into_response()
        }
        Does::Throttles => {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3")], "slower").into_response()
        }
        Does::Busy => (StatusCode::FORBIDDEN, "not now").into_response(),
    }
}

/// A server that hangs up on everybody before it has read anything.
pub(crate) async fn shut() -> SocketAddr {
    cutter(usize::MAX, 0).await.0
}

/// A server that hangs up: on so many connections before it has read anything, or on so many after
/// it has read the request; the next are answered.
pub(crate) async fn cutter(before: usize, after: usize) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = socket.local_addr().unwrap();
    let keys = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&keys);
    tokio::spawn(async move {
        for count in 0_usize.. {
            let (mut stream, _) = socket.accept().await.unwrap();
            if count < before {
                // Reset, not closed: nothing of what comes is looked at.
                drop(stream.set_zero_linger());
                continue;
            }
            let text = read_request(&mut stream).await;
            let key = text.lines().find_map(|line| line.strip_prefix("idempotency-key: "));
            seen.lock().unwrap().push(key.unwrap().to_owned());
            if count < before.saturating_add(after) {
                continue;
            }
            let answer =
                "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{\"id\":\"p1\"}";
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (at, keys)
}

/// Reads a request, and tells it in small letters.
pub(crate) async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    while !is_whole(&request) {
        let read = stream.read(&mut chunk).await.unwrap();
        assert!(read > 0, "the request was cut");
        request.extend_from_slice(&chunk[..read]);
    }
    String::from_utf8_lossy(&request).to_lowercase()
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_some_and(|length| body.len() >= length.trim().parse().unwrap())
}
