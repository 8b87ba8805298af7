//! `ustredna backup`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::desk::Desk;

pub(super) const EXAMPLES: &str = "\
The exchange may run meanwhile; copying its file by other means may leave out the latest changes.
To restore: stop the exchange, move ustredna.db, ustredna.db-wal and ustredna.db-shm away, put the
backup in the place of ustredna.db, start the exchange.

Examples:
  ustredna backup /backup/ustredna-$(date +%F).db
  ustredna backup copy.db --config /etc/ustredna.toml";

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The new file; it must not exist yet
    file: PathBuf,
}

impl Backup {
    pub(super) async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let store = desk.store_for_backup().await?;
        let to = std::path::absolute(&self.file).context("the current folder cannot be told")?;
        store.backup(&to).await.context("there is no backup")?;
        let bytes = std::fs::metadata(&to).with_context(|| told(&to))?.len();
        desk.line(&format!("{}: {bytes} bytes", told(&self.file)))?;
        Ok(())
    }
}

fn told(path: &Path) -> String {
    path.display().to_string()
}
