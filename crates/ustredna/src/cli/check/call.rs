//! `check --call`: a real call through FreeSWITCH to the running exchange and back.

use std::time::Duration;

use serde::Deserialize as _;

use super::{Finding, exchange, switch};
use crate::{
    clock::{self, Clock},
    inbound::{Inbound, InboundError},
    settings::Settings,
    test_call::{Report, Token, VARIABLE},
};

const CHECK: &str = "call";
/// How long FreeSWITCH may take to be answered by the exchange.
const ANSWER: Duration = Duration::from_secs(15);
/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(40);
const LOOK_EVERY: Duration = Duration::from_millis(300);

pub(super) async fn check(settings: &Settings) -> Finding {
    match attempt(settings).await {
        Ok(seconds) => Finding::ok(
            CHECK,
            format!(
                "a test call went through FreeSWITCH to the exchange and back; {seconds:.1} s of \
                 it are recorded, both sides heard, and its record came"
            ),
        ),
        Err(finding) => finding,
    }
}

async fn attempt(settings: &Settings) -> Result<f64, Finding> {
    if !exchange::runs(settings).await {
        let web = settings.web.listen;
        return Err(Finding::fail(
            CHECK,
            format!("no exchange answers at web.listen ({web}), so there is none to call"),
            "start `ustredna serve` with these settings",
        ));
    }
    let opened = switch::open(settings).await;
    let mut line = opened.map_err(|finding| Finding { check: CHECK, ..finding })?;
    let Some(password) = &settings.switch.password else {
        return Err(Finding::failed(CHECK, "there is no switch.password"));
    };
    let port = port(&mut line).await?;
    let token = Token::new(password, Clock::SYSTEM.now());
    let named = token.as_str();
    admit(&mut line, named, true).await?;
    let called = call(settings, &mut line, named, port).await;
    // Should this fail the token is of no use to anybody: it has been here.
    let _none = admit(&mut line, named, false).await;
    called
}

/// Tells FreeSWITCH that a test call of this name comes, or that it was. Its profile for them answers
/// nobody else: anybody on this machine can dial there.
async fn admit(line: &mut Inbound, named: &str, comes: bool) -> Result<(), Finding> {
    for part in ["call", "phone"] {
        let value = if comes { "true" } else { "" };
        let function = format!("global_setvar test_{part}-{named}={value}");
        line.ask(&function).await.map_err(|error| lost(&error))?;
    }
    Ok(())
}

fn lost(error: &InboundError) -> Finding {
    Finding::fail(CHECK, format!("FreeSWITCH: {error}"), "look into FreeSWITCH's log")
}

async fn call(
    settings: &Settings,
    line: &mut Inbound,
    named: &str,
    port: u16,
) -> Result<f64, Finding> {
    let question = format!(
        "originate {{ignore_early_media=true,originate_timeout=10,routed=true,{VARIABLE}={named}}}\
         sofia/test/call-{named}@127.0.0.1:{port} &playback(tone_stream://%(30000,0,440))"
    );
    let answer = line.ask_within(&question, ANSWER).await.map_err(|error| lost(&error))?;
    let report = report(settings, named, answer.trim().starts_with("+OK")).await;
    if let Some(leg) = answer.trim().strip_prefix("+OK ") {
        // Over already, mostly.
        let _ended = line.ask(&format!("uuid_kill {leg}")).await;
    }
    match report {
        Some(Report { problem: None, done: true, seconds }) => Ok(seconds),
        Some(Report { problem: Some(problem), .. }) => Err(Finding::failed(CHECK, problem)),
        Some(Report { .. }) => Err(Finding::fail(
            CHECK,
            "the exchange has taken the test call, and did not finish it",
            "look into its log",
        )),
        None => Err(not_taken(settings, answer.trim())),
    }
}

fn not_taken(settings: &Settings, answer: &str) -> Finding {
    let listen = settings.switch.listen;
    let fix = format!(
        "start FreeSWITCH with CONTROLLERS={listen}, and let it in by switch.allow; \
         `ustredna check` compares them"
    );
    if answer.starts_with("+OK") {
        return Finding::fail(
            CHECK,
            "FreeSWITCH handed the test call to another exchange than that at web.listen",
            fix,
        );
    }
    let cause = answer.trim_start_matches("-ERR").trim();
    let fix = known_fix(cause).map_or(fix, str::to_owned);
    Finding::fail(
        CHECK,
        format!("the exchange at {listen} did not get the test call (FreeSWITCH: {cause})"),
        fix,
    )
}

/// What to do about causes that have nothing to do with where calls are handed to.
fn known_fix(cause: &str) -> Option<&'static str> {
    match cause {
        "INCOMPATIBLE_DESTINATION" | "BEARERCAPABILITY_NOTAVAIL" | "BEARERCAPABILITY_NOTIMPL" => {
            Some(
                "let FreeSWITCH speak PCMA and PCMU: take sofia.xml of this version's freeswitch-conf, and \
             start FreeSWITCH again",
            )
        }
        "UNALLOCATED_NUMBER" | "NO_ROUTE_DESTINATION" | "INVALID_NUMBER_FORMAT" => {
            Some("take dialplan.xml of this version's freeswitch-conf, and start FreeSWITCH again")
        }
        "NORMAL_TEMPORARY_FAILURE" | "SWITCH_CONGESTION" | "NORMAL_CIRCUIT_CONGESTION" => Some(
            "FreeSWITCH carries all the calls it may: wait for some to end, or start it with a larger \
             MAX_SESSIONS and SESSIONS_PER_SECOND",
        ),
        _ => None,
    }
}

/// Where FreeSWITCH's profile for it listens: a port that the system chose.
async fn port(line: &mut Inbound) -> Result<u16, Finding> {
    let answer = line.ask("sofia status profile test").await.map_err(|error| lost(&error))?;
    let url = answer.lines().find_map(|line| line.strip_prefix("URL ").map(str::trim));
    let port = url.and_then(|url| url.rsplit_once(':')).and_then(|(_, port)| port.parse().ok());
    port.ok_or_else(|| {
        Finding::fail(
            CHECK,
            "FreeSWITCH has no SIP profile `test`",
            "take freeswitch-conf of this version of ustredna, and start FreeSWITCH again",
        )
    })
}

/// What the exchange says of it, once it is over. A call that was not answered is perhaps known to
/// it all the same.
async fn report(settings: &Settings, token: &str, answered: bool) -> Option<Report> {
    let patience = if answered { PATIENCE } else { Duration::ZERO };
    let until = clock::instant() + patience;
    loop {
        let told = exchange::get(settings, &format!("/test-calls/{token}")).await;
        let report = told.and_then(|told| Report::deserialize(told).ok());
        let is_over = report.as_ref().is_none_or(|report| report.done);
        if is_over || clock::instant() >= until {
            return report;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_goes_by_the_cause() {
        let told = |answer| not_taken(&Settings::default(), answer).fix.unwrap();
        for (answer, says) in [
            ("-ERR INCOMPATIBLE_DESTINATION", "PCMA"),
            ("-ERR UNALLOCATED_NUMBER", "dialplan.xml"),
            ("-ERR NORMAL_TEMPORARY_FAILURE", "MAX_SESSIONS"),
            ("-ERR RECOVERY_ON_TIMER_EXPIRE", "CONTROLLERS=127.0.0.1:8084"),
            ("+OK 1", "CONTROLLERS=127.0.0.1:8084"),
        ] {
            assert!(told(answer).contains(says), "{answer}: {}", told(answer));
        }
    }
}
