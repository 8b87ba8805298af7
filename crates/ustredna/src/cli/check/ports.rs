//! Are the addresses to listen on free, or taken by the exchange itself?

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::Finding;
use crate::settings::Settings;

const PATIENCE: Duration = Duration::from_secs(3);
/// Our own answer has a few hundred bytes.
const ANSWER: u64 = 16 * 1024;

pub(super) async fn check(settings: &Settings) -> [Finding; 2] {
    let running = exchange_at(settings.web.listen).await;
    let find = |check, key: &str, at: SocketAddr| match bind(at) {
        Ok(()) => Finding::ok(check, format!("{at} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && running => {
            Finding::ok(check, format!("{at}: the exchange is running"))
        }
        Err(error) if error.kind() == ErrorKind::AddrInUse => Finding::fail(
            check,
            format!("another program listens on {at}"),
            format!("end it, or set {key} to a free port"),
        ),
        Err(error) if error.kind() == ErrorKind::AddrNotAvailable => Finding::fail(
            check,
            format!("{at} is not an address of this machine"),
            format!("set {key} to one that is"),
        ),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Finding::fail(
            check,
            format!("this user may not listen on {at}"),
            format!("set {key} to a port above 1023"),
        ),
        Err(error) => Finding::fail(check, format!("{at}: {error}"), format!("set {key}")),
    };
    [
        find("web", "web.listen", settings.web.listen),
        find("switch port", "switch.listen", settings.switch.listen),
    ]
}

/// Binds without listening: a call that FreeSWITCH sends at this moment must not be accepted by
/// a program that is about to end.
fn bind(at: SocketAddr) -> io::Result<()> {
    let socket = if at.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As the exchange does: connections of a former run that still linger are no hindrance.
    socket.set_reuseaddr(true)?;
    socket.bind(at)
}

/// Whether our own health page answers.
async fn exchange_at(web: SocketAddr) -> bool {
    let at = match web.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, web.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, web.port()).into(),
        IpAddr::V4(_) | IpAddr::V6(_) => web,
    };
    let body = timeout(PATIENCE, health(at)).await.ok().and_then(Result::ok).unwrap_or_default();
    let answer: Option<serde_json::Value> =
        body.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok());
    answer.is_some_and(|answer| answer["status"] == "ok" && answer["calls"].is_u64())
}

async fn health(at: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(at).await?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(ANSWER).read_to_string(&mut answer).await?;
    Ok(answer)
}
