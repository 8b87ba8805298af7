//! The settings: one TOML file, every value overridable from the environment.
//!
//! `USTREDNA_DATABASE__URL` overrides `url` of `[database]`. An unknown key or a wrong value is an
//! error that names the key, the line and what is allowed.

mod check;
mod effective;
mod fault;
mod load;
#[macro_use]
mod section;
mod sms;
mod values;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use exchange::{destination::DialPolicy, facts::Rules, model::Language, number::PhoneNumber};
use ipnet::IpNet;
use secrecy::SecretString;
use serde::Deserialize;

pub(crate) use self::sms::{LanguageTexts, Sms, SmsGateway, tries_limit};
pub(crate) use check::parts;
pub(crate) use load::{is_variable, load, load_alone, unreadable};
pub(crate) use values::{Bytes, Span, Word, Zone};
use values::{GatewayName, SwitchPath};

use crate::arrival::DialledIn;

/// Everything an operator may set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) exchange: Exchange,
    pub(crate) destinations: Destinations,
    pub(crate) limits: Limits,
    pub(crate) pin: PinLock,
    pub(crate) database: Database,
    pub(crate) switch: Switch,
    pub(crate) callbacks: Callbacks,
    pub(crate) recordings: Recordings,
    pub(crate) alarm: Alarm,
    pub(crate) cdr: Cdr,
    pub(crate) prompts: Prompts,
    pub(crate) sms: Sms,
    pub(crate) web: Web,
    pub(crate) log: Log,
}

section! {
    /// The exchange's own numbers and place.
    Exchange {
        #[serde(deserialize_with = "values::number")]
        outbound_hotline: PhoneNumber = hotline("+420234234399"),
        #[serde(deserialize_with = "values::number")]
        callback_hotline: PhoneNumber = hotline("+420234234390"),
        country: Word<exchange::number::Country> = Word::default_text("CZ"),
        language: Language = Language::Czech,
        timezone: Zone = Zone::named("Europe/Prague"),
        /// By which several exchanges with one database know their own calls; empty: the host's name.
        name: String = String::new(),
        /// How long prompts, entries and ringing may go on when the exchange stops.
        drain: Span = Span::seconds(30),
    }
}

section! {
    /// Which numbers shoppers may call.
    Destinations {
        international: bool = false,
        /// E.164 prefixes; empty: all.
        allow: Vec<values::Prefix> = Vec::new(),
        deny: Vec<values::Prefix> = Vec::new(),
    }
}

section! {
    /// What one shopper may use; 0: no limit.
    Limits {
        calls_per_day: u32 = 0,
        minutes_per_day: u32 = 0,
        calls_at_once: u32 = 0,
    }
}

section! {
    /// Three wrong PINs lock a shopper out.
    PinLock {
        lock: Span = Span::minutes(15),
    }
}

section! {
    /// Where the state is kept.
    Database {
        /// May hold a password, so it is never printed.
        url: SecretString = SecretString::from("sqlite://ustredna.db"),
    }
}

section! {
    /// FreeSWITCH.
    Switch {
        #[serde(deserialize_with = "values::address")]
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8084)),
        #[serde(deserialize_with = "values::networks")]
        allow: Vec<IpNet> = vec![IpNet::from(ipnet::Ipv4Net::new_assert([127, 0, 0, 0].into(), 8))],
        gateway: GatewayName = GatewayName::carrier(),
        /// Where the carrier puts the number dialled.
        dialled_in: DialledIn = DialledIn::RequestUri,
        #[serde(deserialize_with = "values::address")]
        inbound: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8021)),
        password: Option<SecretString> = None,
        ring_timeout: Span = Span::seconds(40),
        max_calls: u32 = 1000,
    }
}

section! {
    /// What happens when dealers call back.
    Callbacks {
        ring_timeout: Span = Span::seconds(25),
        sms_delay: Span = Span::seconds(60),
        ticket_ttl: Span = Span::days(7),
        /// Messages an hour about callers whom the fictitious number has never called; more of their
        /// calls are told together.
        strangers: u32 = 5,
    }
}

section! {
    /// Recordings on disk.
    Recordings {
        dir: PathBuf = PathBuf::from("recordings"),
        switch_dir: SwitchPath = SwitchPath::default(),
        required: bool = true,
        /// Whether sidecars tell the shopper's real number.
        shopper_in_sidecar: bool = false,
        /// With less free disk than this nothing is recorded any more.
        min_free: Bytes = Bytes::megabytes(500),
        when_broken: WhenBroken = WhenBroken::GoOn,
        retention: Retention = Retention::default(),
        archive: Archive = Archive::default(),
    }
}

section! {
    /// How long recordings are kept, in days; 0: for ever.
    Retention {
        #[serde(deserialize_with = "values::days")]
        days: u32 = 0,
        /// By the name of the project, in place of `days`.
        #[serde(deserialize_with = "values::days_by_name")]
        projects: BTreeMap<String, u32> = BTreeMap::new(),
    }
}

section! {
    /// When recordings become FLAC files.
    Archive {
        /// After so many days; 0: never.
        #[serde(deserialize_with = "values::days")]
        after_days: u32 = 0,
    }
}

/// What becomes of a talk whose recording broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WhenBroken {
    /// Those who talk are not disturbed.
    GoOn,
    /// The call is ended.
    End,
}

section! {
    /// Who is told when something is wrong with a recording; both may be set.
    Alarm {
        /// A program and its arguments; it reads one JSON object.
        command: Vec<String> = Vec::new(),
        /// Takes one JSON object by POST. May hold a token, so it is never printed.
        webhook: Option<SecretString> = None,
    }
}

section! {
    /// Call detail records.
    Cdr {
        dir: PathBuf = PathBuf::from("cdr"),
        /// Where records go once they are taken in; empty: they are removed.
        keep: PathBuf = PathBuf::new(),
    }
}

section! {
    /// Sound files.
    Prompts {
        dir: SwitchPath = SwitchPath::sounds(),
    }
}

section! {
    /// Health.
    Web {
        #[serde(deserialize_with = "values::address")]
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080)),
    }
}

section! {
    /// Logs, on standard error.
    Log {
        format: LogFormat = LogFormat::Text,
        level: LogLevel = LogLevel::Info,
    }
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines: one object a line.
    Json,
}

/// From which level on lines are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Every section of its own with its keys, for those who look a key up.
const SECTIONS: [(&str, &[&str]); 21] = [
    ("exchange", Exchange::KEYS),
    ("destinations", Destinations::KEYS),
    ("limits", Limits::KEYS),
    ("pin", PinLock::KEYS),
    ("database", Database::KEYS),
    ("switch", Switch::KEYS),
    ("callbacks", Callbacks::KEYS),
    ("recordings", Recordings::KEYS),
    ("recordings.retention", Retention::KEYS),
    ("recordings.archive", Archive::KEYS),
    ("alarm", Alarm::KEYS),
    ("cdr", Cdr::KEYS),
    ("prompts", Prompts::KEYS),
    ("sms", Sms::KEYS),
    ("sms.throttle", sms::Throttle::KEYS),
    ("sms.spool", sms::Spool::KEYS),
    ("sms.texts", sms::Texts::KEYS),
    ("sms.texts.cs", LanguageTexts::KEYS),
    ("sms.texts.en", LanguageTexts::KEYS),
    ("web", Web::KEYS),
    ("log", Log::KEYS),
];

fn hotline(text: &str) -> PhoneNumber {
    #[expect(clippy::expect_used, reason = "the built-in numbers are E.164; a test reads them")]
    PhoneNumber::from_e164(text).expect("built-in number")
}

impl Settings {
    /// The name by which exchanges that share a database know their own calls.
    pub(crate) fn exchange_name(&self) -> String {
        if self.exchange.name.is_empty() {
            rustix::system::uname().nodename().to_string_lossy().into_owned()
        } else {
            self.exchange.name.clone()
        }
    }

    /// When messages go out.
    pub(crate) fn sms_timing(&self) -> store::SmsTiming {
        store::SmsTiming {
            delay: self.callbacks.sms_delay.signed(),
            ticket_gap: self.sms.ticket_gap.signed(),
            expiry: self.sms.expiry.signed(),
            strangers: self.callbacks.strangers,
        }
    }

    /// What the flows go by.
    pub(crate) fn rules(&self) -> Rules {
        let prefixes = |list: &[values::Prefix]| list.iter().map(|p| p.0.clone()).collect();
        Rules {
            outbound_hotline: self.exchange.outbound_hotline.clone(),
            callback_hotline: self.exchange.callback_hotline.clone(),
            country: self.exchange.country.0,
            language: self.exchange.language,
            policy: DialPolicy {
                international: self.destinations.international,
                allow: prefixes(&self.destinations.allow),
                deny: prefixes(&self.destinations.deny),
            },
        }
    }

    /// The recordings folder as FreeSWITCH sees it: absolute, since FreeSWITCH looks relative
    /// paths up below its own sounds.
    pub(crate) fn switch_recordings(&self) -> anyhow::Result<String> {
        values::switch_path(
            &self.recordings.switch_dir,
            &self.recordings.dir,
            "recordings.switch_dir",
        )
    }

    /// The prompts folder as FreeSWITCH sees it.
    pub(crate) fn switch_prompts(&self) -> anyhow::Result<String> {
        values::switch_path(&self.prompts.dir, &PathBuf::from("."), "prompts.dir")
    }
}

#[cfg(test)]
mod tests;
