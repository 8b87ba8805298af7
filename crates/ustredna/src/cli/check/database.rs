//! Is the state there, and can it be written?

use std::path::Path;

use secrecy::ExposeSecret as _;
use store::{DamagedRow, Store, StoreError};

use super::{Finding, folders};
use crate::{counted::counted, settings::Settings};

const CHECK: &str = "database";

const ROWS: &str = "rows";

/// Whether every row in it can be read; `None` where there is no database.
pub(super) async fn rows(settings: &Settings) -> Option<Finding> {
    let store = Store::open_existing(settings.database.url.expose_secret()).await.ok()?;
    let found = store.damaged_rows().await;
    store.close().await;
    Some(match found {
        Ok(damaged) if damaged.is_empty() => Finding::ok(ROWS, "every row can be read"),
        Ok(damaged) => Finding::fail(
            ROWS,
            tell(&damaged),
            "they are left out everywhere, and all else goes on: correct these columns by hand \
             (`sqlite3` or `psql`), or restore a backup",
        ),
        Err(error) => Finding::failed(ROWS, error.to_string()),
    })
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

pub(super) async fn check(settings: &Settings) -> Finding {
    match Store::open_existing(settings.database.url.expose_secret()).await {
        Ok(store) => {
            let found = look(&store).await;
            store.close().await;
            match found {
                Ok(detail) => Finding::ok(CHECK, detail),
                Err(error) => Finding::failed(CHECK, error.to_string()),
            }
        }
        Err(StoreError::NoDatabase(path)) => {
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
        Err(error) => Finding::failed(CHECK, error.to_string()),
    }
}

async fn look(store: &Store) -> Result<String, StoreError> {
    store.ping().await?;
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
