//! Has the running exchange this database and these settings?

use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde::Deserialize as _;
use store::{Store, StoreError};

use super::{Finding, exchange};
use crate::{identity::Identity, settings::Settings};

const CHECK: &str = "exchange";
/// It rehearses every few seconds: one may come between its answer and our look.
const TRIES: u32 = 4;
const AGAIN: Duration = Duration::from_millis(200);
/// So many settings are named.
const NAMED: usize = 6;

const FIX: &str = "run this where it was started, with its --config and environment, or start the exchange \
                   again with these settings";

/// What is found, if it is not all the same. `store`: the database of our settings, if it can be read.
pub(super) async fn check(settings: &Settings, store: Option<&Store>) -> Vec<Finding> {
    let Some(told) = ask(settings).await else {
        return vec![Finding::warn(
            CHECK,
            "the running exchange does not tell which database and settings it has: it is of another version",
            "start it again with this version",
        )];
    };
    let Some(store) = store else {
        let file = store::file_of(settings.database.url.expose_secret());
        // What else is wrong with ours is told by a line of its own.
        let missing = file.filter(|file| !file.exists());
        let fail = |file: std::path::PathBuf| {
            let told = format!(
                "the running exchange uses another database than these settings name: there is no {}",
                file.display()
            );
            Finding::fail(CHECK, told, FIX)
        };
        return missing.map(fail).into_iter().collect();
    };
    match is_same(settings, store, &told).await {
        Ok(Some(true)) => differences(settings, store, &told).into_iter().collect(),
        Ok(Some(false)) => vec![Finding::fail(
            CHECK,
            "the running exchange uses another database than these settings name: it knows none of the \
             shoppers that are in this one",
            FIX,
        )],
        Ok(None) | Err(_) => Vec::new(),
    }
}

async fn ask(settings: &Settings) -> Option<Identity> {
    let told = Identity::deserialize(exchange::get(settings, "/identity").await?).ok()?;
    told.is_of_this_version().then_some(told)
}

/// Whether what the exchange has written last is in our database; `None`: it has not written yet.
async fn is_same(
    settings: &Settings,
    store: &Store,
    first: &Identity,
) -> Result<Option<bool>, StoreError> {
    let mut at = first.rehearsed_at;
    for _ in 0..TRIES {
        match at {
            Some(at) if store.was_rehearsed(at).await? => return Ok(Some(true)),
            Some(_) | None => tokio::time::sleep(AGAIN).await,
        }
        at = ask(settings).await.and_then(|told| told.rehearsed_at);
    }
    Ok(at.map(|_| false))
}

fn differences(settings: &Settings, store: &Store, told: &Identity) -> Option<Finding> {
    let keys = told.differences(&settings.effective(), store.identity().as_deref());
    let mut named = keys.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if keys.len() > NAMED {
        named = format!("{named} and {} more", keys.len() - NAMED);
    }
    let warn = || {
        let told = format!("the running exchange was started with other settings: {named}");
        Finding::warn(CHECK, told, FIX)
    };
    (!keys.is_empty()).then(warn)
}
