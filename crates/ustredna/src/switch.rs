//! FreeSWITCH as a whole, asked over its own event socket: how it is, how its gateway is, and
//! whether it is set up for this exchange.

mod compare;
mod shipped;
mod watch;

pub(crate) use self::compare::compare;
#[cfg(test)]
pub(crate) use self::watch::Known;
pub(crate) use self::watch::{State, run};

/// What `status` says (`status_function` in mod_commands.c).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    /// `1.11.2-release`.
    pub(crate) version: String,
    pub(crate) is_ready: bool,
    /// Legs at the moment.
    pub(crate) sessions: Option<u64>,
    /// Legs at most.
    pub(crate) max_sessions: Option<u32>,
    /// New legs in a second at most.
    pub(crate) per_second: Option<u32>,
}

impl Status {
    /// `None`: it is no such answer.
    pub(crate) fn read(answer: &str) -> Option<Self> {
        let version = answer
            .lines()
            .find_map(|line| line.strip_prefix("FreeSWITCH (Version "))
            .and_then(|line| line.split_whitespace().next())?;
        let number = |before: &str, after: &str| -> Option<u64> {
            answer.lines().find_map(|line| {
                let (_, rest) = line.split_once(before)?;
                rest.split_once(after)?.0.trim().parse().ok()
            })
        };
        let small = |number: Option<u64>| number.and_then(|number| u32::try_from(number).ok());
        Some(Self {
            version: version.to_owned(),
            is_ready: answer.contains("is ready"),
            sessions: number("", " session(s) - peak"),
            max_sessions: small(number("", " session(s) max")),
            per_second: small(number("per Sec out of max ", ",")),
        })
    }
}

/// What `sofia status gateway <name>` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gateway {
    /// FreeSWITCH has none of this name.
    Missing,
    /// There is no such answer here.
    Untold,
    There {
        /// Whether calls go out by it.
        up: bool,
        /// `NOREG`, `REGED`, `FAIL_WAIT` …
        state: String,
        /// Whether FreeSWITCH would notice that nobody answers there.
        watched: bool,
        /// Where its calls go.
        proxy: Option<String>,
    },
}

impl Gateway {
    pub(crate) fn read(answer: &str) -> Self {
        let value = |key: &str| {
            answer.lines().find_map(|line| {
                let (found, value) = line.split_once('\t')?;
                (found.trim() == key).then(|| value.trim().to_owned())
            })
        };
        // The status alone decides whether calls go out.
        let (Some(state), Some(status)) = (value("State"), value("Status")) else {
            return if answer.contains("Invalid Gateway") { Self::Missing } else { Self::Untold };
        };
        let is_pinged = value("PingFreq").is_some_and(|seconds| seconds != "0");
        Self::There {
            up: status.starts_with("UP"),
            watched: is_pinged || state == "REGED",
            proxy: value("Proxy").map(|uri| uri.trim_start_matches("sip:").to_owned()),
            state,
        }
    }
}

#[cfg(test)]
mod tests;
