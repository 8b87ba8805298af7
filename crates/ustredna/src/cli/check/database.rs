//! Is the state there, and can it be written?

use std::{fs, path::Path, time::Duration};

use secrecy::ExposeSecret as _;
use store::{DamagedRow, Store, StoreError};
use tokio::time::{Instant, timeout, timeout_at};

use super::{Finding, folders};
use crate::{cli::desk::of_database, clock::Clock, counted::counted, settings::Settings};

const CHECK: &str = "database";

const ROWS: &str = "rows";

/// How long the database may take for its answers.
const PATIENCE: Duration = Duration::from_millis(2500);

/// Whether every row in it can be read.
pub(super) async fn rows(store: &Store) -> Finding {
    match store.damaged_rows().await {
        Ok(damaged) if damaged.is_empty() => Finding::ok(ROWS, "every row can be read"),
        Ok(damaged) => Finding::fail(
            ROWS,
            tell(&damaged),
            "they are left out everywhere, and all else goes on: correct these columns by hand \
             (`sqlite3` or `psql`), or restore a backup",
        ),
        Err(error) => Finding::failed(ROWS, error.to_string()),
    }
}

/// How many of each table, with one by name.
fn tell(damaged: &[DamagedRow]) -> String {
    let tables = damaged.chunk_by(|one, next| one.table == next.table).filter_map(|rows| {
        let DamagedRow { table, id, column } = rows.first()?;
        let count = rows.len();
        Some(format!("{count} damaged in {table}, for example id {id} (column {column})"))
    });
    tables.collect::<Vec<_>>().join("; ")
}

/// Whether a call could be stored in it now, and the database itself where it can be read.
pub(super) async fn check(settings: &Settings) -> (Finding, Option<Store>) {
    let by = Instant::now() + PATIENCE;
    let opened = timeout_at(by, Store::open_briefly(settings.database.url.expose_secret())).await;
    let store = match opened.unwrap_or(Err(StoreError::NoAnswer)) {
        Ok(store) => store,
        Err(error) => return (unopened(settings, error), None),
    };
    match timeout_at(by, look(&store)).await.unwrap_or(Err(StoreError::NoAnswer)) {
        Ok(detail) => (Finding::ok(CHECK, detail), Some(store)),
        Err(error) => {
            close(store).await;
            (unopened(settings, error), None)
        }
    }
}

/// A statement that waits for a lock is not waited for.
pub(super) async fn close(store: Store) {
    drop(timeout(PATIENCE / 10, store.close()).await);
}

#[expect(clippy::wildcard_enum_match_arm, reason = "they tell what to do themselves")]
fn unopened(settings: &Settings, error: StoreError) -> Finding {
    match error {
        // What a start changes is no fault.
        StoreError::OlderSchema { .. } => Finding::warn(
            CHECK,
            error.to_string(),
            "until then this version's lists and changes do not work either",
        ),
        StoreError::NoDatabase(path) => {
            // None is made where a link leads to.
            if fs::symlink_metadata(&path).is_ok() {
                return Finding::fail(
                    CHECK,
                    format!("{} is a link to a file that is not there", path.display()),
                    "take it away, or set database.url to where it leads",
                );
            }
            let folder = path.parent().unwrap_or(Path::new("/"));
            match folders::try_write(folder) {
                Ok(()) => Finding::ok(
                    CHECK,
                    format!("{} will be created at the first start", path.display()),
                ),
                Err(error) => Finding::fail(
                    CHECK,
                    format!("{} cannot be created: {error}", path.display()),
                    "give this user the right to write to its folder, or set database.url",
                ),
            }
        }
        error => Finding::failed(CHECK, format!("{:#}", of_database(settings, error))),
    }
}

async fn look(store: &Store) -> Result<String, StoreError> {
    store.rehearse(Clock::SYSTEM.now()).await?;
    let shoppers = store.shoppers().await?;
    if shoppers.is_empty() {
        return Ok("no shoppers yet: `ustredna import` brings them".to_owned());
    }
    let active = shoppers.iter().filter(|shopper| shopper.active).count();
    let numbers = store.numbers().await?;
    let paired = numbers.iter().filter(|number| number.shopper.is_some()).count();
    let (active, count) =
        (counted(active, "active shopper"), counted(numbers.len(), "fictitious number"));
    Ok(format!("{active}, {count}, {paired} paired"))
}
