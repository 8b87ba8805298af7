//! How the files that the system lets this program hold open at once are shared out.
//!
//! A connection is an open file. Where too few are allowed for everything, what the house itself
//! needs and the calls come first; a port that strangers may reach can never take theirs.

use std::num::NonZero;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

use crate::settings::Settings;

/// The database, logs, folders being read, FreeSWITCH's own socket, an alarm's program.
const HOUSE: u64 = 64;
/// A recording being proven: it, its copy or sidecar, and the folder.
const LOOK: u64 = 3;
/// Web connections are never more: browsers open six each.
const WEB: u64 = 256;
/// Calls beyond `switch.max_calls` that are refused in an orderly way at the same time.
const REFUSED: u64 = 200;
/// Connections that have not shown yet that they are FreeSWITCH's.
const GREETED: u64 = 64;
/// Of what is left for connections one in so many is for each of the three above, when it is tight.
const TIGHT: u64 = 16;
/// Nothing is done with fewer.
const LEAST: u64 = 8;

/// The most connections of each kind at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Files {
    pub(crate) calls: usize,
    pub(crate) refused: usize,
    pub(crate) greeted: usize,
    pub(crate) web: usize,
}

impl Files {
    /// Asks the system for as many open files as the settings need, and shares out what it allows.
    ///
    /// # Errors
    /// When that is too little even for a few calls.
    pub(crate) fn claim(settings: &Settings) -> anyhow::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let looks = LOOK * u64::try_from(processors).unwrap_or(1);
        let house = HOUSE + looks + u64::from(settings.sms.in_flight);
        let calls = u64::from(settings.switch.max_calls);
        let needed = house + calls + REFUSED + GREETED + WEB;
        let limit = raise(needed);
        let files = Self::shared(limit, house, calls);
        let Some(files) = files else {
            anyhow::bail!(
                "only {} open files are allowed, and {} are the least: raise `ulimit -n` \
                 (LimitNOFILE of a systemd unit) to {needed}",
                limit.unwrap_or_default(),
                house + 4 * LEAST,
            );
        };
        if files.calls < usize::try_from(calls).unwrap_or(usize::MAX) {
            warn!(
                allowed = limit,
                needed,
                calls = files.calls,
                "too few open files are allowed for switch.max_calls: calls beyond `calls` are refused; \
                 raise `ulimit -n` (LimitNOFILE of a systemd unit)"
            );
        }
        Ok(files)
    }

    fn shared(limit: Option<u64>, house: u64, calls: u64) -> Option<Self> {
        let spare = limit.unwrap_or(u64::MAX).saturating_sub(house);
        if spare < 4 * LEAST {
            return None;
        }
        let whole = [REFUSED, GREETED, WEB];
        let [refused, greeted, web] = if spare >= calls + whole.iter().sum::<u64>() {
            whole
        } else {
            whole.map(|most| most.min((spare / TIGHT).max(LEAST)))
        };
        let count = |files: u64| usize::try_from(files).unwrap_or(usize::MAX);
        Some(Self {
            calls: count(calls.min(spare - refused - greeted - web)),
            refused: count(refused),
            greeted: count(greeted),
            web: count(web),
        })
    }
}

/// Many systems allow 1024 files unless a program asks for what it may have. How many are allowed
/// now; `None`: as many as it likes.
fn raise(needed: u64) -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current?;
    if current >= needed {
        return Some(current);
    }
    let allowed = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), ..limit });
    Some(if raised.is_ok() { allowed } else { current })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_enough_files_everybody_gets_all() {
        let all = Files { calls: 1000, refused: 200, greeted: 64, web: 256 };
        assert_eq!(Files::shared(None, 102, 1000), Some(all));
        assert_eq!(Files::shared(Some(1622), 102, 1000), Some(all));
    }

    #[test]
    fn with_too_few_the_calls_come_first() {
        let of = |limit| Files::shared(Some(limit), 102, 1000).unwrap();
        assert_eq!(of(1024), Files { calls: 751, refused: 57, greeted: 57, web: 57 });
        assert_eq!(of(256), Files { calls: 127, refused: 9, greeted: 9, web: 9 });
        assert_eq!(of(134), Files { calls: 8, refused: 8, greeted: 8, web: 8 });
        assert_eq!(Files::shared(Some(133), 102, 1000), None);
    }

    #[test]
    fn nobody_ever_gets_more_than_there_is() {
        for limit in 134..3000 {
            for calls in [1, 10, 1000, u64::from(u32::MAX)] {
                let files = Files::shared(Some(limit), 102, calls).unwrap();
                let sum = files.calls + files.refused + files.greeted + files.web;
                assert!(sum as u64 + 102 <= limit, "{limit} {calls}: {files:?}");
                assert!(files.calls > 0 && files.web > 0);
            }
        }
    }
}
