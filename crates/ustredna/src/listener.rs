//! Takes FreeSWITCH's connections, one task each.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{error, info, warn};

use crate::{
    app::App,
    driver,
    files::Files,
    health::Sparse,
    seats::{Seat, Seats},
};

/// After a failed `accept` (out of file descriptors): long enough for some to come free.
pub(crate) const BREATHER: Duration = Duration::from_millis(100);

/// How the exchange comes to its end: the door is shut with `drain`, and talks are left to
/// FreeSWITCH; with `stop` everything is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Closing {
    pub(crate) drain: CancellationToken,
    pub(crate) stop: CancellationToken,
}

/// The door.
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    app: Arc<App>,
    /// For those who have not shown yet that they are FreeSWITCH.
    seats: Seats,
    places: Places,
    calls: TaskTracker,
}

/// A call's place, until dropped.
#[derive(Debug)]
pub(crate) struct CallPlace {
    _permit: OwnedSemaphorePermit,
    /// Whether the call is one too many, and to be refused in an orderly way: closing its
    /// connection would leave FreeSWITCH with a parked channel.
    pub(crate) overload: bool,
}

/// As many as there may be calls, and some more for those that are refused.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    calls: Arc<Semaphore>,
    refused: Arc<Semaphore>,
}

impl Places {
    /// A place, unless there are far more calls than `switch.max_calls`.
    pub(crate) fn take(&self) -> Option<CallPlace> {
        let place = |of: &Arc<Semaphore>, overload| {
            let permit = Arc::clone(of).try_acquire_owned().ok()?;
            Some(CallPlace { overload, _permit: permit })
        };
        place(&self.calls, false).or_else(|| place(&self.refused, true))
    }
}

impl Listener {
    /// Opens the door at `switch.listen`.
    pub(crate) fn open(app: Arc<App>, door: Reserved, files: Files) -> anyhow::Result<Self> {
        let socket = door.open()?;
        // With port 0 the system has chosen one.
        let address = socket.local_addr().context("switch.listen")?;
        info!(%address, max_calls = files.calls, "waiting for FreeSWITCH");
        let semaphore = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Ok(Self {
            socket,
            address,
            app,
            seats: Seats::new(files.greeted),
            places: Places { calls: semaphore(files.calls), refused: semaphore(files.refused) },
            calls: TaskTracker::new(),
        })
    }

    /// Where it is: `switch.listen`, or the port that the system chose for port 0.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The calls under way.
    pub(crate) fn calls(&self) -> TaskTracker {
        self.calls.clone()
    }

    /// Takes calls until `drain`; then the door is shut at once, so that FreeSWITCH goes to the
    /// next controller in its list.
    pub(crate) async fn run(self, closing: Closing) {
        let lines = Sparse::default();
        loop {
            tokio::select! {
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, peer)) => self.take(stream, peer, &closing).await,
                    Err(error) => {
                        if lines.is_due() {
                            error!(%error, "a connection could not be accepted");
                        }
                        tokio::time::sleep(BREATHER).await;
                    }
                },
                () = closing.drain.cancelled() => break,
            }
        }
        // Who stands in the queue has been let in already: FreeSWITCH would not turn to another.
        let queue = async {
            while let Ok(Ok((stream, peer))) = timeout(QUEUE_QUIET, self.socket.accept()).await {
                self.take(stream, peer, &closing).await;
            }
        };
        if timeout(QUEUE_AT_MOST, queue).await.is_err() {
            info!("the door is shut with calls still coming");
        }
        self.calls.close();
    }

    async fn take(&self, stream: TcpStream, peer: SocketAddr, closing: &Closing) {
        // The connection has no authentication: the address is all there is.
        if !self.app.settings.switch.allow.iter().any(|net| net.contains(&peer.ip())) {
            return warn!(peer = %peer.ip(), "connection refused: the address is not in switch.allow");
        }
        let seat = self.seat().await;
        let (app, places, closing) = (Arc::clone(&self.app), self.places.clone(), closing.clone());
        self.calls.spawn(driver::drive(stream, seat, places, app, closing));
    }

    /// Calls that come in one moment wait for each other: those before them are greeted within
    /// milliseconds, or have soon waited long enough to be asked to leave. The others stand in the
    /// system's queue meanwhile.
    async fn seat(&self) -> Seat {
        loop {
            match self.seats.take() {
                Some(seat) => return seat,
                None => tokio::time::sleep(TURN).await,
            }
        }
    }
}

/// Until a seat is asked for again.
const TURN: Duration = Duration::from_millis(5);
/// A queue out of which nobody has come for so long is empty.
const QUEUE_QUIET: Duration = Duration::from_millis(20);
const QUEUE_AT_MOST: Duration = Duration::from_secs(1);
/// Connections that the system keeps until they are accepted. The usual 128 are fewer than the
/// calls that may come in one moment, and who finds the queue full tries again only after a second.
const BACKLOG: u32 = 1024;

/// A port that nobody else gets any more, and that nobody is let in by yet: who connects is refused,
/// so that FreeSWITCH goes to the next controller in its list.
pub(crate) struct Reserved {
    socket: TcpSocket,
    address: SocketAddr,
    setting: &'static str,
}

impl Reserved {
    /// Reserves a TCP port, or says which setting to change.
    pub(crate) fn new(address: SocketAddr, setting: &'static str) -> anyhow::Result<Self> {
        let bound = || {
            let socket =
                if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            // Else a restart would have to wait until the last connections are forgotten.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            Ok(socket)
        };
        let socket = bound().map_err(|error| taken(address, setting, error))?;
        Ok(Self { socket, address, setting })
    }

    /// Lets them in.
    pub(crate) fn open(self) -> anyhow::Result<TcpListener> {
        let Self { socket, address, setting } = self;
        socket.listen(BACKLOG).map_err(|error| taken(address, setting, error))
    }
}

fn taken(address: SocketAddr, setting: &str, error: std::io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context(format!(
        "cannot listen on {address}: is another exchange running, or set {setting}"
    ))
}
