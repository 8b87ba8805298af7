//! What a switch is told when it starts, and what a call brings.

use std::{net::SocketAddr, path::PathBuf, time::SystemTime};

use uuid::Uuid;

use crate::{faults::Faults, phone::Shown};

/// How a [`Switch`](crate::Switch) is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Controllers, tried in order as by `socket a|b async full`.
    pub controllers: Vec<SocketAddr>,
    /// Where FreeSWITCH's own event socket listens; port 0 takes any. `None`: nowhere.
    pub event_socket: Option<SocketAddr>,
    /// The password of the event socket.
    pub password: String,
    /// The folder of the CDR files, `a_<uuid>.cdr.json` and `<uuid>.cdr.json`. `None`: none are
    /// written.
    pub cdr_dir: Option<PathBuf>,
    /// The dialplan's `set` actions before `socket`, in order.
    pub variables: Vec<(String, String)>,
    /// Played, after `pre_answer`, to a caller whom no controller took or whose controller was
    /// lost. Then the call ends with NORMAL_TEMPORARY_FAILURE.
    pub apology: Option<PathBuf>,
    /// The only gateway there is.
    pub gateway: String,
    /// The time of day of the start. `None`: the system's clock tells it.
    pub started_at: Option<SystemTime>,
    /// `max-sessions`: how many legs there may be. A caller needs room for two, as sofia.c counts
    /// the new leg twice, and gets 503 without it; a `bridge` then ends with
    /// DESTINATION_OUT_OF_ORDER. `None`: any number.
    pub max_sessions: Option<usize>,
    /// `sessions-per-second`: in each second one leg less than this may begin
    /// (switch_core_session.c); a further one is refused as by `max_sessions`. `None`: any number.
    pub sessions_per_second: Option<u32>,
    /// What goes wrong with calls to come.
    pub faults: Faults,
}

/// `set` actions of a public context that hands every call to a controller.
const VARIABLES: [(&str, &str); 21] = [
    ("socket_resume", "true"),
    ("continue_on_fail", "true"),
    ("hangup_after_bridge", "true"),
    ("sip_copy_custom_headers", "false"),
    ("sip_copy_multipart", "false"),
    ("sip_cid_type", "none"),
    ("ignore_display_updates", "true"),
    ("sip_ignore_remote_cause", "true"),
    ("disable_q850_reason", "true"),
    ("sensitive_dtmf", "true"),
    ("execute_on_pre_originate", "bind_digit_action early,=~.~~k,key"),
    ("execute_on_post_originate", "unset last_matching_digits"),
    ("execute_on_pre_bridge", "execute_extension talk XML keys"),
    ("playback_terminators", "none"),
    ("RECORD_STEREO", "true"),
    ("RECORD_BRIDGE_REQ", "true"),
    ("RECORD_MIN_SEC", "0"),
    ("enable_file_write_buffering", "false"),
    ("transfer_ringback", "%(1000,4000,425)"),
    ("instant_ringback", "true"),
    ("media_timeout", "1800000"),
];

impl Default for Config {
    fn default() -> Self {
        Self {
            controllers: Vec::new(),
            event_socket: None,
            password: "ClueCon".to_owned(),
            cdr_dir: None,
            variables: VARIABLES
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            apology: None,
            gateway: "carrier".to_owned(),
            started_at: None,
            max_sessions: None,
            sessions_per_second: None,
            faults: Faults::default(),
        }
    }
}

/// A caller's INVITE.
#[derive(Clone)]
pub struct Invite {
    /// The From user; `anonymous` withholds the number.
    pub from: String,
    /// The number dialled, as the trunk writes it.
    pub to: String,
    /// The display name.
    pub name: String,
    /// P-Asserted-Identity.
    pub asserted: Option<String>,
    /// The Privacy header.
    pub privacy: Option<String>,
    /// Further channel variables, such as `sip_h_Diversion`.
    pub variables: Vec<(String, String)>,
}

impl Invite {
    /// A call from one number to another; the network asserts the caller's number.
    #[must_use]
    pub fn new(from: &str, to: &str) -> Self {
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            name: from.to_owned(),
            asserted: (from != "anonymous").then(|| from.to_owned()),
            privacy: None,
            variables: Vec::new(),
        }
    }

    /// With a display name.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// With a P-Asserted-Identity, or with none.
    #[must_use]
    pub fn asserted(mut self, identity: Option<&str>) -> Self {
        self.asserted = identity.map(str::to_owned);
        self
    }

    /// With a Privacy header.
    #[must_use]
    pub fn privacy(mut self, privacy: &str) -> Self {
        self.privacy = Some(privacy.to_owned());
        self
    }

    /// With one more channel variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// Without numbers: logs are no place for them.
impl std::fmt::Debug for Invite {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Invite").finish_non_exhaustive()
    }
}

/// A leg that was dialled out.
#[derive(Clone)]
pub struct Rung {
    /// Its channel.
    pub leg: Uuid,
    /// The number as the dial string has it.
    pub number: String,
    /// What the callee's phone shows.
    pub shown: Shown,
    /// The variables of the dial string, in order.
    pub variables: Vec<(String, String)>,
}

/// Without numbers: logs are no place for them.
impl std::fmt::Debug for Rung {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Rung").field("leg", &self.leg).finish_non_exhaustive()
    }
}
