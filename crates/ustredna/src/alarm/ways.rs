//! The ways by which alarms are told.

use std::{
    path::Path,
    pin::pin,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use reqwest::{Client, Url, header::CONTENT_TYPE, redirect, retry};
use rustix::process::{Pid, Signal, kill_process_group};
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    io::{self, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    time::timeout,
};
use tracing::warn;

use crate::settings;

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many bytes of what a command says for itself are logged; the rest is not kept.
const SAID: usize = 1000;
/// How long what it has said may take to come when it has ended.
const LAST_WORDS: Duration = Duration::from_millis(100);

pub(super) enum Way {
    /// A program and its arguments.
    Command(Vec<String>),
    Webhook {
        client: Client,
        url: SecretString,
    },
}

/// Whether the settings can be used at all.
pub(crate) fn check(settings: &settings::Alarm) -> anyhow::Result<()> {
    if let Some(program) = settings.command.first() {
        anyhow::ensure!(
            Path::new(program).is_absolute(),
            "alarm.command: its first word is not the whole path of a program; write for example \
             [\"/usr/local/bin/alarm\", \"--page\"]"
        );
    }
    if let Some(url) = &settings.webhook {
        let url = Url::parse(url.expose_secret()).ok();
        anyhow::ensure!(
            url.is_some_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host()),
            "alarm.webhook is no URL that begins with https:// or http://; write for example \"https://alarms.example/ustredna\""
        );
    }
    Ok(())
}

pub(super) fn open(settings: &settings::Alarm) -> anyhow::Result<Vec<Way>> {
    let mut ways = Vec::new();
    if !settings.command.is_empty() {
        ways.push(Way::Command(settings.command.clone()));
    }
    if let Some(url) = &settings.webhook {
        ways.push(Way::Webhook { client: client()?, url: url.clone() });
    }
    Ok(ways)
}

/// No redirection is followed and no proxy is used: the settings name who gets the token.
fn client() -> anyhow::Result<Client> {
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let tls =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .context("alarm.webhook: TLS")?
            .with_root_certificates(roots)
            .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .timeout(PATIENCE)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .http1_only()
        .build()
        .map_err(reqwest::Error::without_url)
        .context("alarm.webhook: TLS")
}

impl Way {
    pub(super) fn setting(&self) -> &'static str {
        match self {
            Self::Command(_) => "alarm.command",
            Self::Webhook { .. } => "alarm.webhook",
        }
    }

    /// One try; an error says why it failed, and nothing that may be secret.
    pub(super) async fn tell(&self, json: &str) -> Result<(), String> {
        match self {
            Self::Command(words) => run(words, json).await,
            Self::Webhook { client, url } => post(client, url, json).await,
        }
    }
}

async fn run(words: &[String], json: &str) -> Result<(), String> {
    let [program, arguments @ ..] = words else { return Ok(()) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped());
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    // A group of its own, so that what it starts can be ended with it, and Ctrl-C is not for it.
    command.process_group(0).kill_on_drop(true);
    // Passwords among them, which are not its business.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("USTREDNA_") {
            command.env_remove(name);
        }
    }
    let mut child = command.spawn().map_err(|error| format!("cannot be run ({error})"))?;
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
    let mut said = Vec::new();
    let told = timeout(PATIENCE, tell(&mut child, json, &mut said)).await;
    if !said.is_empty() {
        let said = String::from_utf8_lossy(&said).replace(char::is_control, " ");
        warn!(
            said = store::redacted(said.trim()),
            "alarm.command has written to its standard error"
        );
    }
    if told.is_ok() {
        // It ended by itself; what it left running is its own business.
        group.0 = None;
    }
    match told {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("ended with {status}")),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => {
            drop(group);
            let _reaped = child.wait().await;
            Err(format!("took longer than {} s and was ended", PATIENCE.as_secs()))
        }
    }
}

/// Lets the command read the alarm, until it ends. What it writes to its standard error is read all the
/// time, so that it never waits, and its beginning kept.
async fn tell(child: &mut Child, json: &str, said: &mut Vec<u8>) -> io::Result<ExitStatus> {
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let ended = async {
        if let Some(mut stdin) = stdin {
            // One that does not read it may know all the same what to do.
            let _unread = stdin.write_all(json.as_bytes()).await;
        }
        child.wait().await
    };
    let (mut ended, mut listening) = (pin!(ended), pin!(listen(stderr, said)));
    let mut all_said = false;
    let ended = loop {
        tokio::select! {
            ended = &mut ended => break ended,
            () = &mut listening, if !all_said => all_said = true,
        }
    };
    if !all_said {
        // What it left running may say more, for ever.
        let _cut_off = timeout(LAST_WORDS, listening).await;
    }
    ended
}

async fn listen(stderr: Option<impl AsyncRead + Unpin>, said: &mut Vec<u8>) {
    let Some(mut stderr) = stderr else { return };
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut bytes).await {
        let room = SAID.saturating_sub(said.len());
        said.extend(bytes.iter().take(count.min(room)));
    }
}

/// The processes of a command, which are ended with this: also when the exchange stops meanwhile.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        // Gone already, if not.
        let _ended = self.0.map(|group| kill_process_group(group, Signal::KILL));
    }
}

async fn post(client: &Client, url: &SecretString, json: &str) -> Result<(), String> {
    let request = client
        .post(url.expose_secret())
        .header(CONTENT_TYPE, "application/json")
        .body(json.to_owned());
    match request.send().await {
        Ok(response) if response.status().is_success() => Ok(()),
        Ok(response) => Err(format!("answers {}", response.status())),
        // The error's own text may name the URL.
        Err(error) if error.is_timeout() => Err("gave no answer in time".to_owned()),
        Err(error) if error.is_connect() => Err("cannot be reached".to_owned()),
        Err(_) => Err("broke off before its answer".to_owned()),
    }
}

#[cfg(test)]
mod tests;
