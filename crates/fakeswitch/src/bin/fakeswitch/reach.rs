//! Whether there was a controller to call.

use std::{io, net::SocketAddr, time::Duration};

use fakeswitch::Transcript;
use tokio::{net::TcpStream, time::timeout};

/// How long one may take to accept.
const PATIENCE: Duration = Duration::from_secs(5);

/// When every caller was left alone, asks whether a controller can be reached at all. One that took
/// calls is not dialled once more.
///
/// # Errors
/// Why each of them cannot be.
pub(crate) async fn check<'a>(
    controllers: &[SocketAddr],
    mut callers: impl Iterator<Item = &'a Transcript>,
) -> io::Result<()> {
    if !callers.all(is_left_alone) {
        return Ok(());
    }
    let mut told = Vec::new();
    for address in controllers {
        let why = match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error.kind().to_string(),
            Err(_) => "no answer".to_owned(),
        };
        told.push(format!("{address}: {why}"));
    }
    Err(io::Error::other(format!("no controller can be reached: {}", told.join(", "))))
}

/// The dialplan has ended the call, or the caller has before anything was to be seen.
fn is_left_alone(caller: &Transcript) -> bool {
    match caller.ended() {
        Some((_, cause)) => {
            cause == "NORMAL_TEMPORARY_FAILURE"
                || (cause == "ORIGINATOR_CANCEL" && caller.seen.len() == 1)
        }
        None => false,
    }
}
