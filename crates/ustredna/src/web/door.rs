//! Serves HTTP to a bounded number of connections, each with deadlines, so that whatever comes to
//! this port takes nothing from the calls.

use std::{convert::Infallible, pin::Pin, pin::pin, task::Context, task::Poll, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, Response, StatusCode, header},
    response::IntoResponse as _,
};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, error, warn};

use crate::{
    health::Sparse,
    listener::BREATHER,
    seats::{Attention, Seat, Seats},
};

/// For a request's head; also how long a connection may be silent between two requests.
const HEAD: Duration = Duration::from_secs(20);
/// From a request's head to the answer's, reading the request's body included.
const ANSWER: Duration = Duration::from_secs(30);
/// How long an answer may wait for a reader who takes nothing of it, and a dead peer is kept.
const UNREAD: Duration = Duration::from_secs(20);
/// Of a request's head.
const HEAD_BYTES: usize = 16 * 1024;
/// What is said to who finds all seats taken.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// Serves until `stop`, then until the requests under way are answered.
pub(super) async fn run(
    socket: TcpListener,
    router: Router,
    seats: usize,
    stop: CancellationToken,
) {
    let (guests, service) = (Seats::new(seats), TowerToHyperService::new(router));
    let connections = TaskTracker::new();
    let (lines, refusals) = (Sparse::default(), Sparse::default());
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                if lines.is_due() {
                    error!(%error, "a connection to web.listen could not be accepted");
                }
                tokio::time::sleep(BREATHER).await;
                continue;
            }
        };
        let Some(seat) = guests.take() else {
            if refusals.is_due() {
                warn!(seats, "more connections to web.listen than are served at once: refused");
            }
            let _ = stream.try_write(FULL);
            continue;
        };
        connections.spawn(serve(stream, seat, service.clone(), stop.clone()));
    }
    drop(socket);
    connections.close();
    connections.wait().await;
}

async fn serve(
    stream: TcpStream,
    seat: Seat,
    service: TowerToHyperService<Router>,
    stop: CancellationToken,
) {
    if let Err(error) = prepare(&stream) {
        return debug!(%error, "a connection to web.listen has gone");
    }
    let answered = service_fn(|request: Request<Incoming>| {
        let (attention, answer) = (seat.attend(), service.call(request));
        async move {
            let response = match timeout(ANSWER, answer).await {
                Ok(Ok(response)) => response,
                Err(_) => late(),
            };
            Ok::<_, Infallible>(response.map(|body| Attended { body, _attention: attention }))
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_header_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), answered)
    );
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    debug!(%error, "a connection to web.listen ended early");
                }
                return;
            }
            () = seat.asked_to_leave() => return debug!("a silent connection to web.listen made room"),
            () = stop.cancelled(), if !stopping => {
                if seat.waits() {
                    return;
                }
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// A request whose body trickles, or whose answer takes too long.
fn late() -> Response<Body> {
    (StatusCode::REQUEST_TIMEOUT, [(header::CONNECTION, "close")]).into_response()
}

fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(UNREAD).with_interval(UNREAD);
    socket.set_tcp_keepalive(&keepalive)?;
    // hyper has no deadline for writing; the system has one for what nobody reads.
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNREAD))?;
    Ok(())
}

/// An answer's body: its connection is attended to until it is sent, however long that takes.
struct Attended {
    body: Body,
    _attention: Attention,
}

impl hyper::body::Body for Attended {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
