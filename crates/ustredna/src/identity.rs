//! Which database and settings a running exchange has: it tells them on its page, and `ustredna check`
//! holds them against its own. Two folders, two settings files or another environment are easily taken
//! for one another.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::app::App;

/// What an exchange tells of itself.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Identity {
    version: String,
    /// When it last found that a call could be stored: its database holds this, and no other one.
    pub(crate) rehearsed_at: Option<Timestamp>,
    settings: BTreeMap<String, String>,
}

impl Identity {
    pub(crate) fn of(app: &App) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            rehearsed_at: app.probe.at(),
            settings: digests(&app.effective, app.store.identity().as_deref()),
        }
    }

    /// Whether the exchange is of this version of the program.
    pub(crate) fn is_of_this_version(&self) -> bool {
        self.version == env!("CARGO_PKG_VERSION")
    }

    /// The keys of settings that the exchange has not as they are here, for who reads the same database.
    pub(crate) fn differences(
        &self,
        effective: &[(String, String)],
        database: Option<&str>,
    ) -> Vec<String> {
        let ours = digests(effective, database);
        let differs = |(key, digest): (String, String)| {
            (self.settings.get(&key) != Some(&digest)).then_some(key)
        };
        ours.into_iter().filter_map(differs).collect()
    }
}

/// A digest of each setting. Secrets are not among them; what else is set can be guessed only by who
/// can read the database.
fn digests(effective: &[(String, String)], database: Option<&str>) -> BTreeMap<String, String> {
    let digest = |(key, value): &(String, String)| {
        let mut hash = Sha256::new();
        for part in [database.unwrap_or_default(), key, value] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let short = hash.finalize().iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte));
        (key.clone(), format!("{short:016x}"))
    };
    effective.iter().map(digest).collect()
}
