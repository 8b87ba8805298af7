//! FreeSWITCH's own event socket, and what every connection of either kind understands
//! (`parse_command` in mod_event_socket.c).

use std::{sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use uuid::Uuid;

use crate::{
    api,
    command::{Command, Commands},
    leg::{Leg, Queued},
    listener::Listener,
    office::{Life, Office, Origin},
    variables::is_true,
    wire::wire,
};

/// How long a peer may take for its first command.
pub(crate) const FIRST: Duration = Duration::from_secs(25);
const GOODBYE: &str = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n";

/// What a command means for its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Goes,
    Ends,
    /// `linger`, in seconds; `None`: for ever.
    Lingers(Option<u64>),
    NoLinger,
}

pub(crate) async fn accept(listener: TcpListener, office: Arc<Office>) {
    let mut life = office.life();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // Out of descriptors or a peer gone: the next one may do better.
                if let Ok((stream, _)) = accepted {
                    let serving = Arc::clone(&office);
                    office.spawn(async move { serve(stream, serving).await });
                }
            }
            _ = life.wait_for(|life| *life != Life::Running) => return,
        }
    }
}

async fn serve(stream: TcpStream, office: Arc<Office>) {
    // Without it replies wait for acknowledgements.
    let _ = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    let (frames, mut writing) = wire(writer, Vec::new());
    let listener = Arc::new(Listener::new(frames, None));
    let mut commands = Commands::new(reader);
    office.connected();
    listener.send(b"Content-Type: auth/request\n\n".to_vec());
    let mut life = office.life();
    let mut authorised = false;
    loop {
        let next = async {
            if authorised {
                commands.next().await
            } else {
                timeout(FIRST, commands.next()).await.unwrap_or(Ok(None))
            }
        };
        let command = tokio::select! {
            command = next => command,
            _ = &mut writing => break,
            _ = life.wait_for(|life| *life != Life::Running) => break,
        };
        let Ok(Some(command)) = command else { break };
        if authorised {
            if handle(&office, &listener, None, &command) == Outcome::Ends {
                break;
            }
        } else if let Some(password) = command.arguments("auth ") {
            authorised = password == office.config.password;
            listener.reply(if authorised { "+OK accepted" } else { "-ERR invalid" });
            if !authorised {
                break;
            }
        } else if command.arguments("exit").is_some() {
            listener.reply("+OK bye");
            break;
        } else {
            listener.reply("-ERR command not found");
        }
    }
    office.disconnected(&listener);
    goodbye(&listener, None);
    drop(listener);
    if !writing.is_finished() {
        let _ = timeout(FIRST, writing).await;
    }
}

/// The last thing that a connection says.
pub(crate) fn goodbye(listener: &Listener, leg: Option<Uuid>) {
    let length = GOODBYE.len();
    let head = match leg {
        Some(leg) => format!(
            "Content-Type: text/disconnect-notice\nControlled-Session-UUID: {leg}\n\
             Content-Disposition: disconnect\nContent-Length: {length}\n\n"
        ),
        None => format!("Content-Type: text/disconnect-notice\nContent-Length: {length}\n\n"),
    };
    listener.send(format!("{head}{GOODBYE}").into_bytes());
}

/// Obeys a command and replies.
pub(crate) fn handle(
    office: &Arc<Office>,
    listener: &Arc<Listener>,
    leg: Option<&Arc<Leg>>,
    command: &Command,
) -> Outcome {
    if command.arguments("exit").is_some() || command.arguments("...").is_some() {
        listener.reply("+OK bye");
        return Outcome::Ends;
    }
    if let Some(arguments) = command.arguments("sendmsg") {
        // A full queue ends the connection without a word.
        let Some(reply) = send_message(office, leg, arguments, command) else {
            return Outcome::Ends;
        };
        listener.reply(&reply);
    } else if let Some(arguments) = command.arguments("api ") {
        let (name, arguments) = arguments.split_once(' ').unwrap_or((arguments, ""));
        let mut reply = api::run(office, name, arguments);
        if reply.is_empty() {
            "-ERR no reply\n".clone_into(&mut reply);
        }
        let head = format!("Content-Type: api/response\nContent-Length: {}\n\n", reply.len());
        listener.send([head.as_bytes(), reply.as_bytes()].concat());
    } else if let Some(arguments) = command.arguments("bgapi ") {
        background(office, listener, arguments, command);
    } else if let Some(arguments) = command.arguments("linger") {
        if leg.is_none() {
            listener.reply("-ERR not controlling a session");
            return Outcome::Goes;
        }
        let seconds = (!arguments.is_empty()).then(|| arguments.parse().unwrap_or_default());
        listener.reply(&match seconds {
            Some(seconds) => format!("+OK will linger {seconds} seconds"),
            None => "+OK will linger".to_owned(),
        });
        return Outcome::Lingers(seconds);
    } else if command.arguments("nolinger").is_some() {
        let known = leg.is_some();
        listener.reply(if known {
            "+OK will not linger"
        } else {
            "-ERR not controlling a session"
        });
        return Outcome::NoLinger;
    } else {
        let reply = subscribe(listener, leg, command);
        office.enlist(listener);
        match reply {
            Some(reply) => listener.reply(&reply),
            None => other(office, listener, leg, command),
        }
    }
    Outcome::Goes
}

/// What changes the events that come.
fn subscribe(listener: &Listener, leg: Option<&Arc<Leg>>, command: &Command) -> Option<String> {
    let mut subscription = listener.subscription();
    if let Some(arguments) = command.arguments("filter ") {
        Some(subscription.filter(arguments))
    } else if let Some(arguments) = command.arguments("myevents") {
        // On FreeSWITCH's own socket it would attach the connection to a channel.
        Some(if leg.is_some() {
            subscription.my_events(arguments)
        } else {
            "-ERR invalid uuid".to_owned()
        })
    } else if command.arguments("noevents").is_some() {
        Some(subscription.none())
    } else if let Some(arguments) = command.arguments("nixevent") {
        Some(subscription.nix(arguments))
    } else {
        command.arguments("event").map(|arguments| subscription.add(arguments))
    }
}

fn other(office: &Arc<Office>, listener: &Listener, leg: Option<&Arc<Leg>>, command: &Command) {
    if let (Some(leg), Some(_)) = (leg, command.arguments("connect")) {
        return listener.send(leg.connect_data().connect_reply());
    }
    let reply = if let (Some(leg), Some(name)) = (leg, command.arguments("getvar ")) {
        // An unset variable leaves no reply text, which is then this.
        leg.variable(name).unwrap_or_else(|| "-ERR command not found".to_owned())
    } else if let Some(arguments) = command.arguments("sendevent") {
        send_event(office, arguments, command)
    } else if let Some(level) = command.arguments("log") {
        format!("+OK log level {level} [7]")
    } else if command.arguments("nolog").is_some() {
        "-ERR not loging".to_owned()
    } else if let (Some(_), Some(arguments)) = (leg, command.arguments("divert_events")) {
        let on = arguments.eq_ignore_ascii_case("on");
        if on { "+OK events diverted" } else { "+OK events not diverted" }.to_owned()
    } else {
        "-ERR command not found".to_owned()
    };
    listener.reply(&reply);
}

fn send_message(
    office: &Office,
    leg: Option<&Arc<Leg>>,
    arguments: &str,
    command: &Command,
) -> Option<String> {
    let named = Some(arguments).filter(|uuid| !uuid.is_empty());
    let uuid = named.or_else(|| command.header("session-id"));
    let leg = match uuid {
        None => leg.cloned(),
        Some(uuid) => {
            let own = leg.filter(|leg| leg.uuid.to_string() == uuid).cloned();
            own.or_else(|| office.leg(uuid))
        }
    };
    let Some(leg) = leg else {
        return Some(format!("-ERR invalid session id [{}]", uuid.unwrap_or_default()));
    };
    let owned = |name: &str| command.header(name).map(str::to_owned);
    let body = command.body.clone();
    let queued = leg.queue(Queued {
        command: owned("call-command").unwrap_or_default().to_ascii_lowercase(),
        application: owned("execute-app-name").unwrap_or_default(),
        argument: owned("execute-app-arg").filter(|text| !text.is_empty()).or(body),
        uuid: owned("event-uuid"),
        cause: owned("hangup-cause"),
        lock: command.header("event-lock").is_some_and(is_true),
        loops: command.header("loops").and_then(|text| text.parse().ok()).unwrap_or(1),
    });
    queued.then(|| "+OK".to_owned())
}

fn background(office: &Office, listener: &Listener, arguments: &str, command: &Command) {
    let job = command.header("job-uuid").map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
    listener.reply(&format!("+OK Job-UUID: {job}\nJob-UUID: {job}"));
    let (name, arguments) = arguments.split_once(' ').unwrap_or((arguments, ""));
    let reply = api::run(office, name, arguments);
    let mut event = office.event("BACKGROUND_JOB", Origin("mod_event_socket.c", "api_exec"));
    event.add("Job-UUID", job);
    if let Some(leg) = listener.leg() {
        event.add("Job-Owner-UUID", leg.to_string());
    }
    event.add("Job-Command", name);
    event.add_some("Job-Command-Arg", arguments);
    event.set_body(reply);
    for listener in office.audience("BACKGROUND_JOB", None) {
        listener.offer(&event);
    }
}

fn send_event(office: &Office, arguments: &str, command: &Command) -> String {
    let uuid = Uuid::new_v4();
    let name = crate::subscription::name_of(arguments).unwrap_or("CUSTOM");
    let mut event = office.event(name, Origin("mod_event_socket.c", "parse_command"));
    for (name, value) in command.headers() {
        event.add_some(name, value);
    }
    event.add("Event-UUID", uuid.to_string());
    if let Some(body) = &command.body {
        event.set_body(body.clone());
    }
    for listener in office.audience(name, None) {
        listener.offer(&event);
    }
    format!("+OK {uuid}")
}
