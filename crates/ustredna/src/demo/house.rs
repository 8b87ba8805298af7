//! The exchange, a simulated switch beside it and the folder of both.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use exchange::model::Language;
use fakeswitch::{Config, Phone, Switch};
use serde::Deserialize;
use serde_json::Value;
use tokio::{sync::mpsc::UnboundedReceiver, time::Instant};

use super::{
    BANK, GARAGE, SHOPPER,
    folder::{self, SETTINGS, TABLE},
    sounds,
    words::Words,
};
use crate::{clock::Clock, logging, running::Running};

/// How long rows, recordings and messages are waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at them.
const LOOK_EVERY: Duration = Duration::from_millis(100);

const LOG: &str = "ustredna.log";

pub(super) struct House {
    folder: PathBuf,
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
    /// Starts both, in `dir` or in a new folder among the temporary ones.
    pub(super) async fn open(
        dir: Option<&Path>,
        words: &Words,
        language: Language,
    ) -> anyhow::Result<Self> {
        let folder = folder::make(dir)?;
        sounds::write(&folder.join("sounds"), words)?;
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let switch = Switch::start(Config {
            event_socket: Some(any_port),
            cdr_dir: Some(folder.join("cdr")),
            apology: Some(folder.join("sounds/cs/apology.wav")),
            ..Config::default()
        })
        .await
        .context("the simulated switch cannot start")?;
        let inbound = switch.event_socket().context("the simulated switch has no event socket")?;
        folder::furnish(&folder, inbound, language)?;
        logging::start_in(File::create(folder.join(LOG)).context(LOG)?)?;
        let exchange = Running::open(&folder.join(SETTINGS), Clock::SYSTEM).await?;
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
        &self.folder
    }

    /// What the exchange logs.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join(LOG)
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
        let table = self.folder.join(TABLE);
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
            let over = rows.iter().all(|call| !call["ended_at"].is_null());
            let recordings = self.rows("recordings").await?;
            let proven = recordings.iter().all(|recording| recording["verdict"] != "pending");
            let count = rows.len();
            if over && proven && calls.is_none_or(|calls| calls == count) {
                return Ok(rows);
            }
            let wanted = calls.unwrap_or(count);
            anyhow::ensure!(
                Instant::now() < until,
                "{count} calls are stored instead of {wanted}, or one is not over"
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The messages that have left the exchange so far, in order.
    pub(super) fn spooled(&self) -> anyhow::Result<Vec<Sms>> {
        let folder = self.folder.join("sms");
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
                "{} messages are in the spool folder instead of {count}",
                spooled.len()
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
