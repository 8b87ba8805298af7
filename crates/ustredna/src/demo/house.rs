//! The exchange, a simulated switch beside it and the folder of both.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use fakeswitch::{Config, Phone, Switch};
use serde::Deserialize;
use serde_json::Value;
use tokio::{sync::mpsc::UnboundedReceiver, time::Instant};

use super::{
    BANK, GARAGE, Options, SHOPPER,
    folder::{self, Folder, LOG, SETTINGS, SOUNDS, TABLE},
    sounds,
    words::Words,
};
use crate::{clock::Clock, logging, running::Running};

/// How long rows, recordings and messages are waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at them.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(super) struct House {
    folder: Folder,
    pub(super) switch: Switch,
    exchange: Running,
    pub(super) shopper: Arrivals,
    pub(super) garage: Arrivals,
    pub(super) bank: Arrivals,
}

/// Calls that make somebody's phone ring.
pub(super) type Arrivals = UnboundedReceiver<Phone>;

/// A message that has left the exchange.
#[derive(Deserialize)]
pub(super) struct Sms {
    pub(super) to: String,
    pub(super) text: String,
}

impl House {
    /// Starts both, in the folder asked for or in a new one among the temporary ones.
    pub(super) async fn open(options: &Options, words: &Words) -> anyhow::Result<Self> {
        let folder = folder::make(options.dir.as_deref())?;
        let path = &folder.path;
        sounds::write(&path.join(SOUNDS), words)?;
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let switch = Switch::start(Config {
            event_socket: Some(any_port),
            cdr_dir: Some(path.join("cdr")),
            apology: Some(path.join(SOUNDS).join("cs/apology.wav")),
            ..Config::default()
        })
        .await
        .context("the simulated switch cannot start")?;
        let inbound = switch.event_socket().context("the simulated switch has no event socket")?;
        folder.furnish(inbound, options)?;
        logging::start_in(File::create(path.join(LOG)).context(LOG)?)?;
        let exchange = Running::open(&path.join(SETTINGS), Clock::SYSTEM).await?;
        switch.set_controllers(vec![exchange.address()]);
        Ok(Self {
            shopper: switch.attend(SHOPPER),
            garage: switch.attend(GARAGE),
            bank: switch.attend(BANK),
            folder,
            switch,
            exchange,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// What the exchange logs.
    pub(super) fn log(&self) -> PathBuf {
        self.folder().join(LOG)
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.switch.stop().await;
        self.exchange.stop().await
    }

    /// What a command of the command line prints.
    pub(super) async fn command(&self, line: &str) -> anyhow::Result<String> {
        let arguments: Vec<_> = line.split(' ').collect();
        self.exchange.command(&arguments).await.with_context(|| format!("ustredna {line}"))
    }

    pub(super) async fn import(&self) -> anyhow::Result<String> {
        let table = self.folder().join(TABLE);
        let table = table.to_str().context("the folder has no UTF-8 name")?;
        self.exchange.command(&["import", table]).await
    }

    /// The rows of `calls`, `tickets`, `sms` or `recordings`, the newest first.
    pub(super) async fn rows(&self, of: &str) -> anyhow::Result<Vec<Value>> {
        let text = self.command(&format!("{of} --json")).await?;
        text.lines().map(|line| serde_json::from_str(line).context(of.to_owned())).collect()
    }

    /// All calls, the newest first, once they are over (and so many of them) and their recordings
    /// have been proven.
    pub(super) async fn settled(&self, calls: Option<usize>) -> anyhow::Result<Vec<Value>> {
        let until = Instant::now() + PATIENCE;
        loop {
            let rows = self.rows("calls").await?;
            let Some(lacking) = lacking(&rows, &self.rows("recordings").await?, calls) else {
                return Ok(rows);
            };
            anyhow::ensure!(Instant::now() < until, lacking);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The messages that have left the exchange so far, in order.
    pub(super) fn spooled(&self) -> anyhow::Result<Vec<Sms>> {
        let folder = self.folder().join("sms");
        let mut files: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            // What begins with a dot is not finished.
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or(".");
            if !name.starts_with('.') {
                files.push(path);
            }
        }
        // They are named by ids that grow with time.
        files.sort();
        let read = |path: PathBuf| {
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            serde_json::from_str(&text).with_context(|| path.display().to_string())
        };
        files.into_iter().map(read).collect()
    }

    /// The last of so many messages, once it has left.
    pub(super) async fn sms(&self, count: usize) -> anyhow::Result<Sms> {
        let until = Instant::now() + PATIENCE;
        loop {
            let mut spooled = self.spooled()?;
            if spooled.len() == count
                && let Some(newest) = spooled.pop()
            {
                return Ok(newest);
            }
            anyhow::ensure!(
                Instant::now() < until,
                "messages in the spool folder: {} instead of {count}",
                spooled.len()
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// What is still to come until the books are settled.
fn lacking(calls: &[Value], recordings: &[Value], wanted: Option<usize>) -> Option<String> {
    const WHY: &str = "is there room left on the disk?";
    let count = calls.len();
    if let Some(wanted) = wanted.filter(|wanted| *wanted != count) {
        return Some(format!("calls that are stored: {count} instead of {wanted}"));
    }
    if let Some(call) = calls.iter().find(|call| call["ended_at"].is_null()) {
        return Some(format!("the end of the call {} has not been stored: {WHY}", call["id"]));
    }
    let pending = recordings.iter().find(|recording| recording["verdict"] == "pending")?;
    Some(format!("the recording {} has not been proven: {WHY}", pending["path"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_waited_for_is_named() {
        let over = json!({"id": "1", "ended_at": "2026-11-22T10:31:45+01:00"});
        let (talking, proven) = (json!({"id": "2"}), json!({"verdict": "ok"}));
        let pending = json!({"path": "x.wav", "verdict": "pending"});
        let calls = [over, talking];
        let done = &calls[..1];
        assert_eq!(lacking(done, std::slice::from_ref(&proven), Some(1)), None);
        assert_eq!(lacking(done, &[], None), None);
        let lacks = |calls, recordings, wanted| lacking(calls, recordings, wanted).unwrap();
        assert_eq!(lacks(done, &[], Some(2)), "calls that are stored: 1 instead of 2");
        assert_eq!(
            lacks(&calls, &[], Some(2)),
            "the end of the call \"2\" has not been stored: is there room left on the disk?"
        );
        assert_eq!(
            lacks(done, &[proven, pending], Some(1)),
            "the recording \"x.wav\" has not been proven: is there room left on the disk?"
        );
    }
}
