//! What the running exchange says of itself, if it runs.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::Finding;
use crate::settings::Settings;

/// It tells within a second how the database is; the recordings' disk may take longer.
const PATIENCE: Duration = Duration::from_secs(8);
/// Our own answer has some hundred bytes.
const ANSWER: u64 = 64 * 1024;

const CHECK: &str = "exchange";
/// Those of `/readyz` that are one text each.
const PARTS: [&str; 6] = ["database", "recordings", "switch", "gateway", "prompts", "hotlines"];

/// Its findings.
pub(super) async fn check(settings: &Settings) -> Vec<Finding> {
    let Some(told) = get(settings, "/readyz").await else {
        return vec![Finding::fail(
            CHECK,
            "the exchange runs, but does not say whether it can take calls",
            "look into its log, or start it again",
        )];
    };
    let mut findings = problems(&told);
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, "the exchange runs and can take calls"));
    }
    findings
}

fn problems(told: &Value) -> Vec<Finding> {
    let mut problems: Vec<String> = Vec::new();
    if told["stopping"] == true {
        problems.push("it is stopping".to_owned());
    }
    let parts = PARTS.iter().filter_map(|part| told[part].as_str());
    problems.extend(parts.map(str::to_owned));
    for (worker, problem) in told["workers"].as_object().into_iter().flatten() {
        problems.push(format!("{worker} {}", problem.as_str().unwrap_or_default()));
    }
    // How FreeSWITCH is set up is told by lines of their own.
    let mut findings: Vec<Finding> = problems
        .into_iter()
        .map(|problem| Finding::fail(CHECK, problem, "mend that, or look into the exchange's log"))
        .collect();
    for warning in told["warnings"].as_array().into_iter().flatten() {
        let warning = warning.as_str().unwrap_or_default();
        findings.push(Finding::warn(CHECK, warning, "look into the exchange's log"));
    }
    findings
}

/// Whether our own health page answers.
pub(super) async fn runs(settings: &Settings) -> bool {
    let answer = get(settings, "/healthz").await;
    answer.is_some_and(|answer| answer["status"] == "ok" && answer["calls"].is_u64())
}

/// What the running exchange answers, whatever the status; `None`: it does not.
pub(super) async fn get(settings: &Settings, path: &str) -> Option<Value> {
    let web = settings.web.listen;
    let at = match web.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, web.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, web.port()).into(),
        IpAddr::V4(_) | IpAddr::V6(_) => web,
    };
    let answer = timeout(PATIENCE, request(at, path)).await.ok()?.ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    serde_json::from_str(body).ok()
}

async fn request(at: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(at).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(ANSWER).read_to_string(&mut answer).await?;
    Ok(answer)
}
