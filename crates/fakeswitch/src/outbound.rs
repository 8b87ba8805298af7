//! The application `socket` and the connection that it makes.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::TcpStream,
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    command::Commands,
    inbound::{FIRST, goodbye, see_off},
    leg::{Leg, Stage},
    listener::Listener,
    obey::{Outcome, handle},
    office::{Connection, Life},
    session::Session,
    wire::{Flow, wire},
};

/// How long Linux tries to connect to an address that says nothing (`tcp_syn_retries`); FreeSWITCH
/// has no limit of its own.
const CONNECT: Duration = Duration::from_secs(127);
/// Clocks end somewhere; no controller lingers longer than a day.
const LONGEST_LINGER: u64 = 86_400;

/// `socket host:port|host:port async full`: the first that can be reached controls the channel.
pub(crate) async fn socket(session: &mut Session, data: &str) {
    let hosts = data.split(' ').next().unwrap_or_default();
    let mut stream = None;
    for host in hosts.split('|') {
        let Ok(address) = host.parse::<SocketAddr>() else { continue };
        session.leg.set("socket_host", &address.ip().to_string());
        if let Ok(connected) = connect(session, address).await {
            stream = Some(connected);
            break;
        }
        if !session.leg.is_ready() {
            return;
        }
    }
    let Some(stream) = stream else { return };
    {
        let mut state = session.leg.lock();
        state.connected = false;
        state.lost = false;
    }
    let leg = Arc::clone(&session.leg);
    let office = Arc::clone(&leg.office);
    office.spawn(control(stream, Arc::clone(&leg), Connection::begun(&office)));
    loop {
        let (connected, lost) = {
            let state = leg.lock();
            (state.connected, state.lost)
        };
        if connected || lost || !leg.is_ready() {
            break;
        }
        session.wait(None).await;
    }
    if leg.is_ready() {
        session.park().await;
    }
    // What was queued and not started still runs; after a hang-up nothing does.
    session.run_queue().await;
}

/// Connects, unless the call ends before that: FreeSWITCH's thread would still wait, and the call's
/// report with it.
async fn connect(session: &mut Session, address: SocketAddr) -> io::Result<TcpStream> {
    let connecting = timeout(CONNECT, TcpStream::connect(address));
    tokio::pin!(connecting);
    loop {
        tokio::select! {
            biased;
            connected = &mut connecting => return connected?,
            () = session.wait(None) => if !session.leg.is_ready() {
                return Err(io::ErrorKind::Interrupted.into());
            },
        }
    }
}

/// The connection's task: reads commands until either side is done.
async fn control(stream: TcpStream, leg: Arc<Leg>, mut connection: Connection) {
    // Without it replies wait for acknowledgements.
    let _ = stream.set_nodelay(true);
    let faults = leg.faults.clone();
    let (reader, writer) = stream.into_split();
    let (outlet, mut writing) = wire(writer, faults.wire);
    let mut flow = outlet.flow();
    let listener = Arc::new(Listener::new(outlet, Some(leg.uuid)));
    connection.serves(&listener);
    let mut commands = Commands::new(reader);
    if faults.silent {
        stay_silent(&mut commands, &leg).await;
    } else {
        converse(&mut commands, &listener, &leg, &mut writing, &mut flow).await;
    }
    drop(connection);
    {
        // CS_RESET ends what runs. Without `socket_resume` it goes on to its end.
        let mut state = leg.lock();
        state.lost = true;
        state.controlled = false;
        if state.hangup.is_none() && (state.resumes || state.variables.is_true("socket_resume")) {
            state.reset = true;
        }
    }
    leg.wake.notify_one();
    if !faults.silent {
        goodbye(&listener, Some(leg.uuid));
    }
    drop(listener);
    let killed = *flow.borrow() == Flow::Killed;
    see_off(writing, killed).await;
}

/// [`Faults::silent`](crate::Faults::silent): what is said is read and not answered.
async fn stay_silent(commands: &mut Commands, leg: &Leg) {
    let mut stage = leg.stage.subscribe();
    loop {
        tokio::select! {
            command = commands.next() => if !matches!(command, Ok(Some(_))) { return },
            _ = stage.wait_for(|stage| *stage >= Stage::Down) => return,
        }
    }
}

/// Until a side is done. A channel that is down leaves at once, or lingers.
async fn converse(
    commands: &mut Commands,
    listener: &Arc<Listener>,
    leg: &Arc<Leg>,
    writing: &mut JoinHandle<()>,
    flow: &mut watch::Receiver<Flow>,
) {
    let office = &leg.office;
    let mut stage = leg.stage.subscribe();
    let mut life = office.life();
    let first = Instant::now() + FIRST;
    let mut commanded = false;
    let mut linger: Option<Option<u64>> = None;
    let mut lingering = false;
    let mut until = None;
    loop {
        let awaited = if linger.is_some() { Stage::Over } else { Stage::Down };
        let limit = if commanded { until } else { Some(first) };
        let now = *flow.borrow_and_update();
        if now == Flow::Killed {
            return;
        }
        let limit = async {
            match limit {
                Some(limit) => sleep_until(limit).await,
                None => std::future::pending().await,
            }
        };
        let command = tokio::select! {
            biased;
            _ = &mut *writing => return,
            _ = stage.wait_for(|stage| *stage >= awaited), if !lingering => {
                let Some(seconds) = linger else { return };
                notice(listener, leg, seconds);
                lingering = true;
                // Whole seconds must have passed, and one begun.
                until = seconds.map(|seconds| {
                    let seconds = Duration::from_secs(seconds.min(LONGEST_LINGER));
                    Instant::now() + seconds + Duration::from_millis(500)
                });
                continue;
            }
            command = commands.next(), if now == Flow::Free => command,
            _ = flow.changed() => continue,
            () = limit => return,
            _ = life.wait_for(|life| *life == Life::Stopped) => return,
        };
        let Ok(Some(command)) = command else { return };
        let connects = command.arguments("connect").is_some();
        // Any other first command is obeyed, and its reply thrown away.
        listener.hush(!std::mem::replace(&mut commanded, true));
        match handle(office, listener, Some(leg), &command) {
            Outcome::Goes => {}
            Outcome::Ends => return,
            Outcome::Lingers(seconds) => linger = Some(seconds),
            Outcome::NoLinger => linger = None,
        }
        if connects {
            leg.lock().connected = true;
            leg.wake.notify_one();
        }
    }
}

fn notice(listener: &Listener, leg: &Leg, seconds: Option<u64>) {
    let seconds = seconds.map_or_else(|| "-1".to_owned(), |seconds| seconds.to_string());
    let text = format!(
        "Content-Type: text/disconnect-notice\nControlled-Session-UUID: {}\n\
         Content-Disposition: linger\nChannel-Name: {}\nLinger-Time: {seconds}\n\
         Content-Length: 0\n\n",
        leg.uuid, leg.name,
    );
    listener.send(text.into_bytes());
}
