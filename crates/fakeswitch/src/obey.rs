//! What connections of either kind understand (`parse_command` in mod_event_socket.c).

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    api,
    command::Command,
    leg::{Leg, Queued},
    listener::Listener,
    office::{Office, Origin},
    subscription::Subscription,
    variables::is_true,
};

/// What is replied to what is no command.
const NOT_FOUND: &str = "-ERR command not found";

/// What a command means for its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Goes,
    Ends,
    /// `linger`, in seconds; `None`: for ever.
    Lingers(Option<u64>),
    NoLinger,
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
    } else if let (Some(leg), Some(_)) = (leg, command.arguments("resume")) {
        leg.lock().resumes = true;
        leg.set("socket_resume", "true");
        listener.reply("+OK");
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
    let reply = if let (Some(leg), Some(name)) = (leg, command.arguments("getvar")) {
        getvar(leg, name)
    } else if let Some(arguments) = command.arguments("divert_events") {
        divert(leg.is_some(), arguments).to_owned()
    } else if let Some(arguments) = command.arguments("sendevent") {
        send_event(office, arguments, command)
    } else if let Some(level) = command.arguments("log") {
        log(&mut listener.subscription(), level)
    } else if command.arguments("nolog").is_some() {
        let logs = std::mem::take(&mut listener.subscription().logs);
        if logs { "+OK no longer logging" } else { "-ERR not loging" }.to_owned()
    } else {
        NOT_FOUND.to_owned()
    };
    listener.reply(&reply);
}

/// An unset variable leaves no reply text, which then says that there is no such command. A long
/// value is cut to the room there is.
fn getvar(leg: &Leg, name: &str) -> String {
    const ROOM: usize = 511;
    let mut value = leg.variable(name).unwrap_or_else(|| NOT_FOUND.to_owned());
    value.truncate(value.floor_char_boundary(ROOM));
    value
}

/// What would be diverted, messages to the channel, does not exist here.
fn divert(controls: bool, arguments: &str) -> &'static str {
    match arguments {
        _ if !controls => "-ERR not controlling a session.",
        "" => "-ERR missing value.",
        on if on.eq_ignore_ascii_case("on") => "+OK events diverted",
        _ => "+OK events not diverted",
    }
}

/// No line of the log is ever sent.
fn log(subscription: &mut Subscription, level: &str) -> String {
    const LEVELS: [&str; 8] =
        ["CONSOLE", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG"];
    const DEBUG: usize = 7;
    let level = level.split(' ').next().unwrap_or_default();
    let known = level.parse().ok().filter(|number| *number <= DEBUG);
    let known = known.or_else(|| LEVELS.iter().position(|name| name.eq_ignore_ascii_case(level)));
    let Some(number) = known.or(level.is_empty().then_some(DEBUG)) else {
        return "-ERR invalid log level".to_owned();
    };
    subscription.logs = true;
    format!("+OK log level {level} [{number}]")
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
    event.headers.add("Job-UUID", &job);
    if let Some(leg) = listener.leg() {
        event.headers.add_shown("Job-Owner-UUID", leg);
    }
    event.headers.add("Job-Command", name);
    event.headers.add_some("Job-Command-Arg", arguments);
    event.set_body(reply);
    // Whoever listens to their channel's own events gets the jobs that they ordered as well.
    Listener::offer(&office.audience("BACKGROUND_JOB", listener.leg()), &event);
}

fn send_event(office: &Office, arguments: &str, command: &Command) -> String {
    let uuid = Uuid::new_v4();
    let name = crate::subscription::name_of(arguments).unwrap_or("CUSTOM");
    let mut event = office.event(name, Origin("mod_event_socket.c", "parse_command"));
    for (name, value) in command.headers() {
        event.headers.add_some(name, value);
    }
    event.headers.add_shown("Event-UUID", uuid);
    if let Some(body) = &command.body {
        event.set_body(body.clone());
    }
    Listener::offer(&office.audience(name, None), &event);
    format!("+OK {uuid}")
}
