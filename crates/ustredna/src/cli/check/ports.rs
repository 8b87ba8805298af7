//! Are the addresses to listen on free, or taken by the exchange itself?

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};

use tokio::net::TcpSocket;

use super::Finding;
use crate::settings::Settings;

/// `running`: the exchange of these settings runs.
pub(super) fn check(settings: &Settings, running: bool) -> [Finding; 2] {
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
