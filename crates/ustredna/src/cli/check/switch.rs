//! Is FreeSWITCH ready? Asked over its own event socket.

use std::fmt::Display;

use exchange::model::Language;
use secrecy::ExposeSecret as _;

use super::Finding;
use crate::{
    inbound::{Inbound, InboundError},
    place::{self, LookError, Shared},
    settings::Settings,
};

const CHECK: &str = "freeswitch";

pub(super) async fn check(settings: &Settings) -> Vec<Finding> {
    let Some(password) = &settings.switch.password else {
        return vec![Finding::fail(
            CHECK,
            "there is no password for its event socket",
            "set USTREDNA_SWITCH__PASSWORD to the ESL_PASSWORD that FreeSWITCH runs with",
        )];
    };
    let at = settings.switch.inbound;
    let mut switch = match Inbound::open(at, password.expose_secret()).await {
        Ok(switch) => switch,
        Err(error) => return vec![unreachable(settings, &error)],
    };
    let mut findings = Vec::new();
    match switch.ask("status").await {
        Ok(status) => findings.push(ready(settings, &status)),
        Err(error) => return vec![unreachable(settings, &error)],
    }
    findings.push(gateway(settings, &mut switch).await);
    findings.push(folders(settings, &mut switch).await);
    findings
}

fn unreachable(settings: &Settings, error: &InboundError) -> Finding {
    let at = settings.switch.inbound;
    let fix = match error {
        InboundError::Refused(_) | InboundError::Silent => {
            "start FreeSWITCH, or set switch.inbound to its ESL_IP and ESL_PORT"
        }
        InboundError::Password => {
            "set USTREDNA_SWITCH__PASSWORD to the ESL_PASSWORD that FreeSWITCH runs with"
        }
        InboundError::Rejected => {
            "let this machine in with the access list of FreeSWITCH's event socket"
        }
        InboundError::Unsendable => "set a plain one, for FreeSWITCH (ESL_PASSWORD) too",
        InboundError::Broken(_) => "check that switch.inbound is FreeSWITCH's event socket",
    };
    Finding::fail(CHECK, format!("{at}: {error}"), fix)
}

/// Reads what `status` says.
fn ready(settings: &Settings, status: &str) -> Finding {
    let version = status
        .lines()
        .find_map(|line| line.strip_prefix("FreeSWITCH (Version "))
        .and_then(|line| line.split_whitespace().next());
    let Some(version) = version.filter(|_| status.contains("is ready")) else {
        return Finding::fail(CHECK, "it is not ready for calls", "look into its log");
    };
    let sessions: Option<u32> = status
        .lines()
        .find_map(|line| line.trim().strip_suffix(" session(s) max"))
        .and_then(|count| count.parse().ok());
    let Some(sessions) = sessions else {
        return Finding::ok(CHECK, format!("version {version} is ready"));
    };
    // It counts legs, and a call that was connected has two.
    let calls = sessions / 2;
    let detail = format!("version {version} is ready and carries {calls} calls at once");
    let max_calls = settings.switch.max_calls;
    if calls < max_calls {
        let hint = format!("MAX_SESSIONS must be twice switch.max_calls ({max_calls}) for more");
        return Finding::ok(CHECK, format!("{detail} ({hint})"));
    }
    Finding::ok(CHECK, detail)
}

fn no_answer(check: &'static str, error: &impl Display) -> Finding {
    Finding::fail(
        check,
        error.to_string(),
        "run `ustredna check` again, or look into FreeSWITCH's log",
    )
}

async fn gateway(settings: &Settings, switch: &mut Inbound) -> Finding {
    const CHECK: &str = "gateway";
    let name = &settings.switch.gateway.0;
    let answer = match switch.ask(&format!("sofia status gateway {name}")).await {
        Ok(answer) => answer,
        Err(error) => return no_answer(CHECK, &error),
    };
    let value = |key: &str| {
        answer.lines().find_map(|line| {
            let (found, value) = line.split_once('\t')?;
            (found.trim() == key).then(|| value.trim().to_owned())
        })
    };
    // REGED, NOREG, FAIL_WAIT … and UP or DOWN; the latter alone decides whether calls go out.
    match (value("State"), value("Status")) {
        (Some(state), Some(status)) if status.starts_with("UP") => {
            Finding::ok(CHECK, format!("{name} is up ({state})"))
        }
        (Some(state), Some(_)) => Finding::fail(
            CHECK,
            format!("{name} is down ({state})"),
            "check CARRIER_PROXY, CARRIER_USERNAME and CARRIER_PASSWORD, and whether the carrier answers",
        ),
        (Some(_) | None, _) => Finding::fail(
            CHECK,
            format!("FreeSWITCH has no gateway {name}"),
            "set switch.gateway to one that `sofia status` lists",
        ),
    }
}

/// Whether FreeSWITCH sees the prompts and the recordings folder.
async fn folders(settings: &Settings, switch: &mut Inbound) -> Finding {
    const CHECK: &str = "its folders";
    let (prompts, recordings) = match (settings.switch_prompts(), settings.switch_recordings()) {
        (Ok(prompts), Ok(recordings)) => (prompts, recordings),
        (Err(error), _) | (_, Err(error)) => return Finding::failed(CHECK, format!("{error:#}")),
    };
    let file = exchange::prompt::files().next().unwrap_or_default();
    let prompt = format!("{prompts}/{}/{file}.wav", Language::Czech);
    match switch.ask(&format!("file_exists {prompt}")).await {
        Ok(answer) if answer.trim() == "true" => {}
        Ok(answer) if answer.trim() == "false" => {
            return Finding::fail(
                CHECK,
                format!("FreeSWITCH does not see the prompt {prompt}"),
                "set prompts.dir to the folder as FreeSWITCH sees it, readable for its user",
            );
        }
        // A FreeSWITCH without this function.
        Ok(_) => return Finding::skipped(CHECK, "FreeSWITCH does not tell what it sees"),
        Err(error) => return no_answer(CHECK, &error),
    }
    // Before the first start it is rightly not there.
    if !settings.recordings.dir.exists() {
        return Finding::ok(CHECK, "FreeSWITCH sees the prompts");
    }
    // A folder of the same name on another machine is another one: a file must be seen in it.
    match place::look(switch, &settings.recordings.dir, &recordings).await {
        Ok(Shared::Yes) => {
            Finding::ok(CHECK, "FreeSWITCH sees the prompts and what is in the recordings folder")
        }
        Ok(Shared::No) => Finding::fail(
            CHECK,
            format!("FreeSWITCH does not see in {recordings} what is written to recordings.dir"),
            "set recordings.switch_dir to the same folder as FreeSWITCH sees it, writable for its user",
        ),
        Ok(Shared::Unknown(why)) => Finding::skipped(CHECK, why),
        Err(LookError::Own(_)) => Finding::skipped(CHECK, "recordings.dir cannot be written"),
        Err(LookError::Switch(error)) => no_answer(CHECK, &error),
    }
}
