//! The application `socket` and the connection that it makes.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    net::TcpStream,
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    command::Commands,
    inbound::{FIRST, Outcome, goodbye, handle},
    leg::{Leg, Stage},
    listener::Listener,
    office::Life,
    session::Session,
    wire::wire,
};

/// `socket host:port|host:port async full`: the first that can be reached controls the channel.
pub(crate) async fn socket(session: &mut Session, data: &str) {
    let hosts = data.split(' ').next().unwrap_or_default();
    let mut stream = None;
    for host in hosts.split('|') {
        let Ok(address) = host.parse::<SocketAddr>() else { continue };
        session.leg.set("socket_host", &address.ip().to_string());
        if let Ok(connected) = TcpStream::connect(address).await {
            stream = Some(connected);
            break;
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
    office.connected();
    office.spawn(control(stream, Arc::clone(&leg)));
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

/// The connection's task: reads commands until either side is done.
async fn control(stream: TcpStream, leg: Arc<Leg>) {
    // Without it replies wait for acknowledgements.
    let _ = stream.set_nodelay(true);
    let faults = leg.faults.clone();
    let (reader, writer) = stream.into_split();
    let (frames, mut writing) = wire(writer, faults.wire);
    let listener = Arc::new(Listener::new(frames, Some(leg.uuid)));
    let mut commands = Commands::new(reader);
    if faults.silent {
        stay_silent(&mut commands, &leg).await;
    } else {
        converse(&mut commands, &listener, &leg, &mut writing).await;
    }
    leg.office.disconnected(&listener);
    {
        // CS_RESET ends what runs. Without `socket_resume` it goes on to its end.
        let mut state = leg.lock();
        state.lost = true;
        state.controlled = false;
        if state.hangup.is_none() && state.variables.is_true("socket_resume") {
            state.reset = true;
        }
    }
    leg.wake.notify_one();
    if !faults.silent {
        goodbye(&listener, Some(leg.uuid));
    }
    drop(listener);
    if !writing.is_finished() {
        // A peer that does not read keeps nobody.
        let _ = timeout(FIRST, writing).await;
    }
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
) {
    let office = &leg.office;
    let mut stage = leg.stage.subscribe();
    let mut life = office.life();
    let first = Instant::now() + FIRST;
    let mut connected = false;
    let mut linger: Option<Option<u64>> = None;
    let mut lingering = false;
    let mut until = None;
    loop {
        let awaited = if linger.is_some() { Stage::Over } else { Stage::Down };
        let limit = if connected { until } else { Some(first) };
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
                    Instant::now() + std::time::Duration::from_millis(seconds * 1000 + 500)
                });
                continue;
            }
            command = commands.next() => command,
            () = limit => return,
            _ = life.wait_for(|life| *life == Life::Stopped) => return,
        };
        let Ok(Some(command)) = command else { return };
        if !connected {
            // Any other first command gets no reply. FreeSWITCH obeys it; here it is passed over.
            connected = true;
            if command.arguments("connect").is_none() {
                continue;
            }
        }
        let connects = command.arguments("connect").is_some();
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
