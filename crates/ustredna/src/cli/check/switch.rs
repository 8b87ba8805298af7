//! Is FreeSWITCH ready, and set up for this exchange? Asked over its own event socket.

use std::fmt::Display;

use secrecy::ExposeSecret as _;

use super::Finding;
use crate::{
    clock::Clock,
    inbound::{Inbound, InboundError},
    place::{self, LookError, Shared},
    prompts,
    settings::Settings,
    switch::{self, Gateway, Status},
};

const CHECK: &str = "freeswitch";

pub(super) async fn check(settings: &Settings) -> Vec<Finding> {
    let mut switch = match open(settings).await {
        Ok(switch) => switch,
        Err(finding) => return vec![finding],
    };
    let status = match switch.ask("status").await {
        Ok(answer) => Status::read(&answer),
        Err(error) => return vec![unreachable(settings, &error)],
    };
    let Some(status) = status.filter(|status| status.is_ready) else {
        return vec![Finding::fail(CHECK, "it is not ready for calls", "look into its log")];
    };
    let mut findings =
        vec![Finding::ok(CHECK, format!("version {} is ready for calls", status.version))];
    findings.push(gateway(settings, &mut switch).await);
    findings.push(folders(settings, &mut switch).await);
    match switch::compare(settings, &status, &mut switch).await {
        Ok(compared) => findings.extend(compared),
        Err(error) => findings.push(no_answer(CHECK, &error)),
    }
    findings
}

/// A connection, or why there is none.
pub(super) async fn open(settings: &Settings) -> Result<Inbound, Finding> {
    let Some(password) = &settings.switch.password else {
        return Err(Finding::fail(
            CHECK,
            "there is no password for its event socket",
            "set USTREDNA_SWITCH__PASSWORD to the ESL_PASSWORD that FreeSWITCH runs with",
        ));
    };
    Inbound::open(settings.switch.inbound, password.expose_secret())
        .await
        .map_err(|error| unreachable(settings, &error))
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
    match Gateway::read(&answer) {
        Gateway::There { up, state, watched, proxy } => {
            let to = proxy.map(|proxy| format!(", calls go to {proxy}")).unwrap_or_default();
            match (up, watched) {
                (true, true) => Finding::ok(CHECK, format!("{name} is up ({state}){to}")),
                (true, false) => Finding::skipped(
                    CHECK,
                    format!(
                        "{name} is not watched{to}, and nobody asks whether anybody is there — \
                         start FreeSWITCH with CARRIER_PING=15"
                    ),
                ),
                (false, _) => Finding::fail(
                    CHECK,
                    format!("{name} is down ({state}){to}"),
                    "check CARRIER_PROXY, CARRIER_USERNAME and CARRIER_PASSWORD, and whether the \
                     carrier answers; one that answers calls but no OPTIONS needs CARRIER_PING=0",
                ),
            }
        }
        Gateway::Missing => Finding::fail(
            CHECK,
            format!("FreeSWITCH has no gateway {name}"),
            "set switch.gateway to one that `sofia status` lists; SIP_IP must be an address of \
             FreeSWITCH's machine",
        ),
        Gateway::Untold => Finding::fail(
            CHECK,
            "FreeSWITCH does not tell of its gateways",
            "load mod_sofia: start FreeSWITCH with freeswitch-conf",
        ),
    }
}

/// Whether FreeSWITCH sees the prompts and the recordings folder.
async fn folders(settings: &Settings, switch: &mut Inbound) -> Finding {
    const CHECK: &str = "its folders";
    let recordings = match (settings.switch_prompts(), settings.switch_recordings()) {
        (Ok(_), Ok(recordings)) => recordings,
        (Err(error), _) | (_, Err(error)) => return Finding::failed(CHECK, format!("{error:#}")),
    };
    match prompts::unseen(settings, switch).await {
        Ok(None) => {}
        Ok(Some(prompt)) => {
            return Finding::fail(
                CHECK,
                format!("FreeSWITCH does not see the prompt {prompt}"),
                "set prompts.dir to the folder as FreeSWITCH sees it, readable for its user",
            );
        }
        Err(error) => return no_answer(CHECK, &error),
    }
    // Before the first start it is rightly not there.
    if !settings.recordings.dir.exists() {
        return Finding::ok(CHECK, "FreeSWITCH sees the prompts");
    }
    // A folder of the same name on another machine is another one: a file must be seen in it.
    let (dir, now) = (&settings.recordings.dir, Clock::SYSTEM.now());
    match place::look_today(switch, settings, dir, &recordings, now).await {
        Ok(Shared::Yes) => {
            Finding::ok(CHECK, "FreeSWITCH sees the prompts and what is in the recordings folder")
        }
        Ok(Shared::No) => Finding::fail(
            CHECK,
            format!("FreeSWITCH does not see in {recordings} what is written to recordings.dir"),
            "set recordings.switch_dir to the same folder as FreeSWITCH sees it, writable for its user",
        ),
        Ok(Shared::Unknown(why)) => Finding::skipped(CHECK, why),
        Err(error @ LookError::Own { .. }) => Finding::skipped(CHECK, error.to_string()),
        Err(LookError::Switch(error)) => no_answer(CHECK, &error),
    }
}
