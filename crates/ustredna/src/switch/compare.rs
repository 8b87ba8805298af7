//! Whether FreeSWITCH is set up for this exchange: its settings, asked for, held against ours.

mod records;
mod sofia;

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use ipnet::IpNet;
use secrecy::ExposeSecret as _;
use tokio::{net::lookup_host, time::timeout};

use super::{Status, shipped};
use crate::{
    clock::Clock,
    counted::counted,
    finding::Finding,
    inbound::{Inbound, InboundError},
    settings::Settings,
};

/// The oldest that the project was tried with.
const OLDEST: [u32; 3] = [1, 10, 12];
/// The password that everybody knows (`event_socket.conf.xml` of the vanilla configuration).
const WELL_KNOWN: &str = "ClueCon";
/// What a carrier's access list lets in of these lets everybody in.
const STRANGERS: [&str; 3] = ["1.1.1.1", "8.8.8.8", "9.9.9.9"];
/// A carrier has no larger network than this (the default is loopback's).
const WIDEST: u8 = 8;
/// Clocks of two machines may differ a little.
const APART: i64 = 2;
/// How long a name may take to become an address.
const NAMES: Duration = Duration::from_secs(2);
/// So many differences are named.
const NAMED: usize = 4;

/// Everything that can be compared. What FreeSWITCH does not tell is skipped.
///
/// # Errors
/// When it cannot be asked any more.
pub(crate) async fn compare(
    settings: &Settings,
    status: &Status,
    switch: &mut Inbound,
) -> Result<Vec<Finding>, InboundError> {
    let mut findings = vec![version(status)];
    findings.extend(password(settings));
    let [from, to] = ["rtp_start_port", "rtp_end_port"];
    let ports = match (global(switch, from).await?, global(switch, to).await?) {
        (Some(from), Some(to)) => from.parse().ok().zip(to.parse().ok()),
        _ => None,
    };
    findings.push(capacity(settings, status, ports));
    findings.push(controllers(settings, global(switch, "controllers").await?.as_deref()).await);
    findings.push(records::compare(settings, switch).await?);
    findings.push(modules(switch).await?);
    findings.push(protections(settings, switch).await?);
    findings.extend(carrier(settings, switch).await?);
    findings.extend(sofia::compare(settings, switch).await?);
    findings.extend(log(global(switch, "log_level").await?.as_deref()));
    findings.extend(apart(switch.ask("strepoch").await?.trim()));
    Ok(findings)
}

/// A global variable; `None` when there is none, or no such question.
async fn global(switch: &mut Inbound, name: &str) -> Result<Option<String>, InboundError> {
    let answer = switch.ask(&format!("global_getvar {name}")).await?;
    let value = answer.trim();
    Ok((!value.is_empty() && !value.starts_with('-')).then(|| value.to_owned()))
}

fn version(status: &Status) -> Finding {
    const CHECK: &str = "version";
    let number = status.version.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<u32> = number.split('.').map_while(|part| part.parse().ok()).collect();
    if parts.len() < 2 {
        return Finding::skipped(CHECK, format!("{} is no version that is known", status.version));
    }
    if parts[..] < OLDEST[..] {
        return Finding::fail(
            CHECK,
            format!("FreeSWITCH {} is too old", status.version),
            "install 1.10.12 or newer",
        );
    }
    Finding::ok(CHECK, format!("FreeSWITCH {}", status.version))
}

fn password(settings: &Settings) -> Option<Finding> {
    let password = settings.switch.password.as_ref()?;
    (password.expose_secret() == WELL_KNOWN).then(|| {
        Finding::fail(
            "password",
            "the event socket has the password that everybody knows",
            "start FreeSWITCH with another ESL_PASSWORD, the same as USTREDNA_SWITCH__PASSWORD",
        )
    })
}

/// FreeSWITCH counts legs, and a connected call has two; each takes two ports.
fn capacity(settings: &Settings, status: &Status, ports: Option<(u32, u32)>) -> Finding {
    const CHECK: &str = "capacity";
    let max_calls = settings.switch.max_calls;
    let Some(sessions) = status.max_sessions else {
        return Finding::skipped(CHECK, "FreeSWITCH does not tell how many sessions it carries");
    };
    if sessions / 2 < max_calls {
        return Finding::fail(
            CHECK,
            format!(
                "FreeSWITCH carries {} at once, fewer than switch.max_calls ({max_calls})",
                counted(sessions / 2, "call")
            ),
            format!(
                "start FreeSWITCH with MAX_SESSIONS={}, or set switch.max_calls to {}",
                max_calls.saturating_mul(2),
                sessions / 2
            ),
        );
    }
    if let Some(per_second) = status.per_second.filter(|rate| *rate < 2) {
        return Finding::fail(
            CHECK,
            format!("FreeSWITCH takes {per_second} leg a second, and a call has two"),
            "start FreeSWITCH with SESSIONS_PER_SECOND=1000",
        );
    }
    if let Some((from, to)) = ports {
        let calls = (to + 1).saturating_sub(from) / 4;
        if calls < max_calls {
            return Finding::fail(
                CHECK,
                format!(
                    "the RTP ports {from} to {to} are enough for {} at once, fewer than \
                     switch.max_calls ({max_calls})",
                    counted(calls, "call")
                ),
                "widen RTP_START_PORT to RTP_END_PORT: four ports a call; or set switch.max_calls",
            );
        }
    }
    Finding::ok(CHECK, format!("FreeSWITCH carries {} at once", counted(sessions / 2, "call")))
}

/// Whether one of FreeSWITCH's controllers is this exchange, and would be let in.
async fn controllers(settings: &Settings, told: Option<&str>) -> Finding {
    const CHECK: &str = "controllers";
    let listen = settings.switch.listen;
    let Some(told) = told else {
        return Finding::skipped(CHECK, "FreeSWITCH does not tell where it hands calls to");
    };
    let mut unknown = false;
    for controller in told.split('|') {
        let Some((host, port)) = controller.trim().rsplit_once(':') else { continue };
        if port.parse() != Ok(listen.port()) {
            continue;
        }
        let host = host.trim_matches(['[', ']']);
        let addresses = match host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => resolved(host, listen.port()).await,
        };
        let ours = |address: &IpAddr| listen.ip().is_unspecified() || *address == listen.ip();
        match addresses.iter().find(|address| ours(address)) {
            Some(address) => return admitted(settings, told, *address),
            None => unknown |= host.parse::<IpAddr>().is_err(),
        }
    }
    if unknown {
        return Finding::skipped(
            CHECK,
            format!(
                "FreeSWITCH hands calls to {told}; whether that is {listen} cannot be told from \
                 here: `ustredna check --call` tries it"
            ),
        );
    }
    Finding::fail(
        CHECK,
        format!("FreeSWITCH hands calls to {told}, and switch.listen is {listen}"),
        format!("start FreeSWITCH with CONTROLLERS={listen}, or set switch.listen"),
    )
}

async fn resolved(host: &str, port: u16) -> Vec<IpAddr> {
    let found = timeout(NAMES, lookup_host((host, port))).await.ok().and_then(Result::ok);
    found.into_iter().flatten().map(|address| address.ip()).collect()
}

/// FreeSWITCH connects from loopback to loopback, and else from where its event socket is.
fn admitted(settings: &Settings, told: &str, controller: IpAddr) -> Finding {
    const CHECK: &str = "controllers";
    let inbound: SocketAddr = settings.switch.inbound;
    let from = match inbound.ip() {
        ip if controller.is_loopback() || ip.is_loopback() || ip.is_unspecified() => controller,
        ip => ip,
    };
    if settings.switch.allow.iter().any(|net| net.contains(&from)) {
        return Finding::ok(CHECK, format!("FreeSWITCH hands calls to {told}"));
    }
    Finding::fail(
        CHECK,
        format!("FreeSWITCH connects from {from}, which switch.allow keeps out"),
        format!("add \"{from}\" with its prefix length to switch.allow, for example {from}/32"),
    )
}

async fn modules(switch: &mut Inbound) -> Result<Finding, InboundError> {
    const CHECK: &str = "modules";
    let mut missing = Vec::new();
    let modules = shipped::modules();
    for module in &modules {
        match switch.ask(&format!("module_exists {module}")).await?.trim() {
            "true" => {}
            "false" => missing.push(module.as_str()),
            _ => return Ok(Finding::skipped(CHECK, "FreeSWITCH does not tell its modules")),
        }
    }
    if missing.is_empty() {
        return Ok(Finding::ok(CHECK, format!("all {} are loaded", modules.len())));
    }
    Ok(Finding::fail(
        CHECK,
        format!("not loaded: {}", missing.join(", ")),
        "install them, and start FreeSWITCH with freeswitch-conf",
    ))
}

/// Whether what protects shoppers' numbers is as this version ships it.
async fn protections(settings: &Settings, switch: &mut Inbound) -> Result<Finding, InboundError> {
    const CHECK: &str = "protections";
    let gateway = &settings.switch.gateway.0;
    let mut differences = Vec::new();
    let mut tuned = Vec::new();
    for part in shipped::PARTS {
        let answer = switch.ask(part.question).await?;
        if answer.starts_with("-ERR") {
            return Ok(Finding::skipped(CHECK, "FreeSWITCH does not tell its configuration"));
        }
        for difference in part.differences(&answer, gateway) {
            let list = if difference.is_free { &mut tuned } else { &mut differences };
            list.push(difference.told);
        }
    }
    for (name, value) in shipped::globals() {
        if global(switch, &name).await?.as_ref() != Some(&value) {
            differences.push(format!("freeswitch.xml: {name} is not {value:?}"));
        }
    }
    if switch.ask("fsctl api_expansion").await?.contains(" is on") {
        differences.push("api-expansion is on".to_owned());
    }
    let named = |list: &[String]| {
        let mut text = list.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        if list.len() > NAMED {
            text = format!("{text} and {} more", list.len() - NAMED);
        }
        text
    };
    let fix = "take freeswitch-conf of this version of ustredna, and start FreeSWITCH again";
    Ok(match (differences.is_empty(), tuned.is_empty()) {
        (false, _) => Finding::fail(
            CHECK,
            format!("FreeSWITCH runs with another configuration: {}", named(&differences)),
            fix,
        ),
        (true, false) => {
            Finding::warn(CHECK, format!("not as shipped, by choice? {}", named(&tuned)), fix)
        }
        (true, true) => Finding::ok(CHECK, "FreeSWITCH runs with freeswitch-conf as shipped"),
    })
}

/// Who may send calls, and where the number dialled is in them.
async fn carrier(
    settings: &Settings,
    switch: &mut Inbound,
) -> Result<Option<Finding>, InboundError> {
    const CHECK: &str = "carrier";
    let Some(networks) = global(switch, "carrier_cidr").await? else { return Ok(None) };
    if let Some(problem) = unsafe_networks(&networks) {
        let fix = "start FreeSWITCH with CARRIER_CIDR=the carrier's addresses, for example \
                   198.51.100.0/28";
        return Ok(Some(Finding::fail(CHECK, problem, fix)));
    }
    let media = global(switch, "carrier_media").await?.unwrap_or_default();
    if let Some(network) = unreadable(&media) {
        let problem = format!(
            "CARRIER_MEDIA: `{network}` is no network, so a call ends whose media are moved there"
        );
        let fix = "start FreeSWITCH with CARRIER_MEDIA=the carrier's media addresses, for example \
                   198.51.100.0/24, or without it";
        return Ok(Some(Finding::fail(CHECK, problem, fix)));
    }
    let mut strangers = 0;
    for address in STRANGERS {
        let answer = switch.ask(&format!("acl {address} carrier")).await?;
        strangers += usize::from(answer.trim() == "true");
    }
    if strangers == STRANGERS.len() {
        return Ok(Some(Finding::fail(
            CHECK,
            "FreeSWITCH takes calls from anybody, and believes their numbers",
            "take acl.xml of freeswitch-conf, with CARRIER_CIDR=the carrier's addresses",
        )));
    }
    let dialled_in = settings.switch.dialled_in;
    Ok(Some(Finding::ok(
        CHECK,
        format!("calls are taken from {networks} only, the number dialled from {dialled_in}"),
    )))
}

/// The first that FreeSWITCH leaves out: it takes an address without a prefix for none.
fn unreadable(networks: &str) -> Option<&str> {
    networks
        .split(',')
        .map(str::trim)
        .find(|network| !network.is_empty() && network.parse::<IpNet>().is_err())
}

/// What is wrong with the carrier's networks, if so.
fn unsafe_networks(networks: &str) -> Option<String> {
    for network in networks.split(',').map(str::trim) {
        // FreeSWITCH leaves out what it cannot read, an address without a prefix, too.
        let Ok(parsed) = network.parse::<IpNet>() else {
            return Some(format!(
                "CARRIER_CIDR: `{network}` is no network, so nobody there may call"
            ));
        };
        if parsed.prefix_len() < WIDEST {
            return Some(format!(
                "CARRIER_CIDR: {network} lets strangers in, and their numbers are believed"
            ));
        }
    }
    None
}

fn log(level: Option<&str>) -> Option<Finding> {
    const QUIET: [&str; 6] = ["warning", "err", "error", "crit", "alert", "console"];
    let level = level?;
    (!QUIET.contains(&level.to_ascii_lowercase().as_str())).then(|| {
        Finding::warn(
            "its log",
            format!("at LOG_LEVEL={level} FreeSWITCH's log holds callers' numbers"),
            "start it with LOG_LEVEL=warning",
        )
    })
}

fn apart(seconds: &str) -> Option<Finding> {
    let theirs: i64 = seconds.parse().ok()?;
    let apart = theirs.saturating_sub(Clock::SYSTEM.now().as_second());
    (apart.abs() > APART).then(|| {
        let (by, which) = (apart.abs(), if apart > 0 { "ahead" } else { "behind" });
        Finding::warn(
            "its clock",
            format!("FreeSWITCH's clock is {by} s {which}"),
            "set both machines' clocks (NTP), then `fs_cli -x \"fsctl sync_clock\"`",
        )
    })
}

#[cfg(test)]
mod tests;
