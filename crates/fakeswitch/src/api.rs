//! API functions (mod_commands.c).

use std::path::Path;

use crate::{
    cause::Cause,
    event::object,
    leg::{Direction, Leg},
    office::Office,
};

const NO_CHANNEL: &str = "-ERR No such channel!\n";
const VERSION: &str = "FreeSWITCH Version 1.11.2-release+fakeswitch~64bit (fakeswitch 64bit)\n";

/// Runs one, inline, as `api` does. The reply is what the function writes.
pub(crate) fn run(office: &Office, name: &str, arguments: &str) -> String {
    let (first, rest) = arguments.trim().split_once(' ').unwrap_or((arguments.trim(), ""));
    match name.to_ascii_lowercase().as_str() {
        "uuid_setvar_multi" => set_many(office, first, rest),
        "uuid_setvar" => set(office, first, rest),
        "uuid_getvar" => get(office, first, rest),
        "uuid_kill" => kill(office, first, rest),
        "uuid_flush_dtmf" => flush_keys(office, first),
        "file_exists" => file_exists(arguments),
        "uuid_exists" => office.leg(first).is_some().to_string(),
        "uuid_record" => record(office, first, rest),
        "uuid_dump" => dump(office, first, rest),
        "show" => show(office, arguments.trim()),
        "status" => status(office),
        "version" => VERSION.to_owned(),
        _ => format!("-ERR {name} Command not found!\n"),
    }
}

/// `file_exists_function`, without a line's end.
fn file_exists(path: &str) -> String {
    if path.is_empty() {
        return "-USAGE: <file>\n".to_owned();
    }
    Path::new(path).exists().to_string()
}

fn set_many(office: &Office, uuid: &str, pairs: &str) -> String {
    const USAGE: &str = "-USAGE: <uuid> <var>=<value>;<var>=<value>...\n";
    if uuid.is_empty() || pairs.is_empty() {
        return USAGE.to_owned();
    }
    let Some(leg) = office.leg(uuid) else { return format!("{NO_CHANNEL}{USAGE}") };
    let mut reply = String::new();
    for pair in pairs.split(';').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("", _) => reply.push_str("-ERR No variable specified\n"),
            (name, value) => leg.set(name, value),
        }
    }
    reply + "+OK\n"
}

fn set(office: &Office, uuid: &str, rest: &str) -> String {
    let (name, value) = rest.trim_start().split_once(' ').unwrap_or((rest.trim(), ""));
    if uuid.is_empty() || name.is_empty() {
        return "-USAGE: <uuid> <var> [value]\n".to_owned();
    }
    let Some(leg) = office.leg(uuid) else { return NO_CHANNEL.to_owned() };
    leg.set(name, value.trim());
    "+OK\n".to_owned()
}

fn get(office: &Office, uuid: &str, name: &str) -> String {
    if uuid.is_empty() || name.is_empty() {
        return "-USAGE: <uuid> <var>\n".to_owned();
    }
    let Some(leg) = office.leg(uuid) else { return NO_CHANNEL.to_owned() };
    leg.variable(name.trim()).unwrap_or_else(|| "_undef_".to_owned())
}

fn kill(office: &Office, uuid: &str, cause: &str) -> String {
    if uuid.is_empty() {
        return "-USAGE: uuid_kill <uuid> [cause]\n".to_owned();
    }
    let Some(leg) = office.leg(uuid) else { return NO_CHANNEL.to_owned() };
    leg.hang_up(if cause.is_empty() { Cause::NORMAL_CLEARING } else { Cause::named(cause) });
    "+OK\n".to_owned()
}

fn flush_keys(office: &Office, uuid: &str) -> String {
    let Some(leg) = office.leg(uuid) else {
        return "-ERR No such session\n".to_owned();
    };
    leg.lock().keys.clear();
    "+OK\n".to_owned()
}

fn record(office: &Office, uuid: &str, rest: &str) -> String {
    const USAGE: &str =
        "-USAGE: <uuid> [start|stop|mask|unmask] <path> [<limit>] [<recording_vars>]\n";
    let mut words = rest.split(' ').filter(|word| !word.is_empty());
    let (Some(action), Some(path)) = (words.next(), words.next()) else { return USAGE.to_owned() };
    let Some(leg) = office.leg(uuid) else { return "-ERR Cannot locate session!\n".to_owned() };
    let (done, refusal) = match action.to_ascii_lowercase().as_str() {
        "start" => (leg.start_recording(path).is_ok(), "-ERR Cannot record session!\n"),
        "stop" => (leg.stop_recording(path).is_ok(), "-ERR Cannot stop record session!\n"),
        _ => return USAGE.to_owned(),
    };
    if done { "+OK Success\n" } else { refusal }.to_owned()
}

fn dump(office: &Office, uuid: &str, format: &str) -> String {
    if uuid.is_empty() {
        return "-USAGE: <uuid> [format]\n".to_owned();
    }
    let Some(leg) = office.leg(uuid) else { return NO_CHANNEL.to_owned() };
    let event = leg.data();
    if format.trim() == "json" {
        let pairs = event.headers.iter().map(|(name, value)| (name, value.to_owned()));
        return object(pairs).to_string();
    }
    let lines = event.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
    lines.chain(["\n".to_owned()]).collect()
}

/// `show channels [count] [as json]`.
fn show(office: &Office, arguments: &str) -> String {
    let words: Vec<&str> = arguments.split(' ').collect();
    if !matches!(words.first(), Some(&"channels" | &"calls")) {
        return "-USAGE: codec|endpoint|application|api|dialplan|file|timer|calls [count]|channels [count|like <match string>]|calls|detailed_calls|bridged_calls|detailed_bridged_calls|aliases|complete|chat|management|modules|nat_map|say|interfaces|interface_types|tasks|limits|status\n".to_owned();
    }
    let legs = office.legs();
    if words.get(1) == Some(&"count") {
        return format!("\n{} total.\n", legs.len());
    }
    if words.ends_with(&["as", "json"]) {
        let rows: Vec<_> = legs.iter().map(|leg| object(row(leg))).collect();
        let mut all = serde_json::json!({ "row_count": rows.len() });
        if let Some(all) = all.as_object_mut().filter(|_| !rows.is_empty()) {
            all.insert("rows".to_owned(), rows.into());
        }
        // A blank behind the colon, as cJSON's formatting leaves it in this one case.
        return format!("{}\n", all.to_string().replace("\"row_count\":", "\"row_count\": "));
    }
    let mut text = String::new();
    for leg in &legs {
        let values: Vec<String> = row(leg).into_iter().map(|(_, value)| value).collect();
        text.push_str(&values.join(","));
        text.push('\n');
    }
    format!("{text}\n{} total.\n", legs.len())
}

fn row(leg: &Leg) -> Vec<(&'static str, String)> {
    let data = leg.data();
    let (created, call) = {
        let state = leg.lock();
        (state.times.created / 1_000_000, state.call_uuid)
    };
    let header = |name: &str| data.header(name).unwrap_or_default().to_owned();
    vec![
        ("uuid", leg.uuid.to_string()),
        ("direction", leg.direction.name().to_owned()),
        ("created_epoch", created.to_string()),
        ("name", leg.name.clone()),
        ("state", header("Channel-State")),
        ("cid_name", header("Caller-Caller-ID-Name")),
        ("cid_num", header("Caller-Caller-ID-Number")),
        ("dest", header("Caller-Destination-Number")),
        ("application", header("variable_current_application")),
        ("application_data", header("variable_current_application_data")),
        ("dialplan", if leg.direction == Direction::Inbound { "XML" } else { "" }.to_owned()),
        ("context", "public".to_owned()),
        ("read_codec", "PCMA".to_owned()),
        ("write_codec", "PCMA".to_owned()),
        ("callstate", header("Channel-Call-State")),
        ("call_uuid", call.to_string()),
    ]
}

fn status(office: &Office) -> String {
    let up = office.clock.uptime();
    let seconds = up.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let legs = office.legs().len();
    // FreeSWITCH's own limits where there are none.
    let rate = office.config.sessions_per_second.unwrap_or(30);
    let most = office.config.max_sessions.unwrap_or(1000);
    format!(
        "UP 0 years, {} days, {} hours, {minutes} minutes, {} seconds, {} milliseconds, {} microseconds\n\
         FreeSWITCH (Version 1.11.2-release fakeswitch 64bit) is ready\n\
         {} session(s) since startup\n\
         {legs} session(s) - peak {legs}, last 5min {legs} \n\
         0 session(s) per Sec out of max {rate}, peak 0, last 5min 0 \n\
         {most} session(s) max\n\
         min idle cpu 0.00/99.00\n\
         Current Stack Size/Max 240K/8192K\n",
        hours / 24,
        hours % 24,
        seconds % 60,
        up.subsec_millis(),
        up.subsec_micros() % 1000,
        office.sessions(),
    )
}
